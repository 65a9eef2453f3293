//! <https://hl7.org/fhir/R4/http.html#patch>: changes to a resource, by three kinds of document.
//!
//! [`json_patch`] (RFC 6902), [`fhirpath_patch`] (a Parameters resource) and [`xml_patch`]
//! (RFC 5261). Operations are applied one after the other, each to what the one before left, and
//! all or none. What no operation names keeps its bytes. [`fhirpath_diff`] goes the other way: it
//! finds the FHIRPath Patch that makes one resource of another.
//!
//! To add an operation: a variant in the file of its kind, and rows in that file's tests.
//!
//! Never here: whether the result is a good resource (that is validation's part), HTTP, I/O.

mod align;
mod diff;
mod equal;
mod fhirpath;
mod given;
mod json_patch;
mod list;
mod place;
mod pointer;
mod subject;
mod xml_patch;

use std::fmt;

use ::json::Position;

pub use diff::{Difference, fhirpath_diff};
pub use fhirpath::{Setting, fhirpath_patch};
pub use json_patch::json_patch;
pub use xml_patch::xml_patch;

/// Why a patch was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of fault it is.
    pub kind: ErrorKind,
    /// Which operation is meant, counted from 1; None if the patch as a whole is.
    pub operation: Option<usize>,
    /// Where that operation stands in the text of the patch, where that is known.
    pub position: Option<Position>,
    /// What is wrong and what would be right, without the number of the operation.
    pub message: String,
}

/// Whose fault it is that a patch was not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// It is no patch: it would fail on every resource.
    Malformed,
    /// It cannot be applied to this resource as it is.
    Inapplicable,
    /// It costs more than `base::limits` allows.
    TooCostly,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(number) => write!(f, "Operation {number} of the patch: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

/// A fault of one operation, before it is known which.
#[derive(Debug)]
struct Flaw {
    kind: ErrorKind,
    message: String,
}

impl Flaw {
    fn malformed(message: impl Into<String>) -> Flaw {
        Flaw { kind: ErrorKind::Malformed, message: message.into() }
    }

    fn inapplicable(message: impl Into<String>) -> Flaw {
        Flaw { kind: ErrorKind::Inapplicable, message: message.into() }
    }

    fn too_costly(message: impl Into<String>) -> Flaw {
        Flaw { kind: ErrorKind::TooCostly, message: message.into() }
    }

    /// A fault of the patch as a whole.
    fn whole(self) -> Error {
        Error { kind: self.kind, operation: None, position: None, message: self.message }
    }

    /// The same, said of an operation.
    fn prefixed(self, operation: &str) -> Flaw {
        Flaw { message: format!("{operation}: {}", self.message), ..self }
    }

    /// A fault of the operation at `index`, which stands at `position` of the patch.
    fn of(self, index: usize, position: Option<Position>) -> Error {
        let Flaw { kind, message } = self;
        Error { kind, operation: Some(index + 1), position, message }
    }
}

#[cfg(test)]
mod tests;
