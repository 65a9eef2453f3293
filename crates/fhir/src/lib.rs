//! The FHIR standard as pure functions over bytes.
//!
//! [`Definitions`] is the standard itself, as tables: types and their elements, profiles, search
//! parameters, compartments, operations, terminology. They are data (`gen/r4.pack`), never
//! generated structs; `cargo xtask gen` makes the pack from the published packages.
//!
//! To add a fact about elements: a column in `definitions/structures.rs`, its reader in
//! `definitions/build/structures.rs`, then `cargo xtask gen`.
//! To add a FHIR version: its packages in `xtask/src/gen.rs`; nothing here knows R4.
//!
//! Never here: I/O, async, clocks, HTTP, storage.

pub mod definitions;
pub mod package;
pub mod patch;
pub mod path;
pub mod search;
pub mod snapshot;
pub mod terminology;
pub mod ucum;
pub mod validate;
pub mod value;
pub mod xml;

pub use definitions::{Child, Definitions, Element, PackError, Type, TypeId, TypeKind};
