//! <https://hl7.org/fhirpath/N1/>: FHIRPath, compiled once and evaluated over the tape.
//!
//! `parse` makes an [`Ast`], `compile` binds it to types and functions, [`Program::evaluate`]
//! runs it. An [`Item`] is a place on a tape with its type, or a value that was computed.
//!
//! To add a function: its body in a file of `functions/`, one row in that file's `TABLE`, rows in
//! `tests/fhir/path_table.rs`.
//!
//! Never here: I/O, clocks. What needs another resource, a terminology or a profile asks the
//! traits of `environment.rs`; the time is an argument.

pub(crate) mod ast;
mod bind;
mod compare;
mod convert;
mod environment;
mod equality;
mod error;
mod functions;
mod item;
mod lexer;
mod location;
mod math;
mod navigate;
mod parser;
mod print;
mod program;
mod run;
mod schema;
mod types;

pub use ast::Ast;
pub use bind::{Options, compile};
pub use compare::compare;
pub use environment::{Environment, Profiles, Resolve, Terminology, Trace};
pub use error::{Error, ErrorKind};
pub use item::{Item, Items, Node, TypeInfo};
pub use location::location;
pub use parser::parse;
pub(crate) use print::is_plain;
pub use program::Program;
pub use schema::{ElementId, Form, Kind, Primitive, Schema, TypeId};

#[cfg(test)]
mod tests;
