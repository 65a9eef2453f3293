//! JSON as it was written: bytes to a tape of spans, lazy views, exact number text, span-level
//! edits, a writer.
//!
//! A [`Document`] is the bytes and one 16-byte entry per value; a [`Value`] is a place on that
//! tape. Nothing is decoded, converted or copied until somebody asks, and what is not changed
//! leaves as the bytes that came in.
//!
//! Strict RFC 8259 in UTF-8. Refused beyond its letter: duplicate keys (compared decoded), lone
//! surrogates, a byte order mark, and what exceeds [`Limits`]. Numbers are text: of any size and
//! precision, never converted.
//!
//! To add a reason to refuse: a variant of [`ErrorKind`], its sentence in `error.rs`, a row in
//! `parse/tests.rs`.
//! To add a kind of edit: a method of [`Edits`] that records ranges; `cut.rs` knows about commas.
//!
//! Never here: FHIR, I/O, clocks, HTTP. No function of this crate panics or recurses, whatever the
//! bytes are.

#![deny(clippy::indexing_slicing)]

mod cut;
mod document;
mod edit;
mod error;
mod escape;
mod format;
mod hash;
mod keys;
mod parse;
mod scan;
mod strings;
mod strip;
mod tape;
mod value;
mod write;

pub use document::{Document, Limits};
pub use edit::{EditError, Edits};
pub use error::{Error, ErrorKind, Position};
pub use format::{Layout, compact, pretty};
pub use strings::Strings;
pub use strip::{Splice, Stripped, strip};
pub use value::{Elements, Kind, Member, Members, Value};
pub use write::{Writer, write_string};
