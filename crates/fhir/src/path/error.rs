//! What can be wrong with an expression or its evaluation, and where.

use std::borrow::Cow;
use std::fmt;

/// When the fault was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not FHIRPath.
    Syntax,
    /// The expression cannot apply to what it is for: unknown element, type or function.
    Semantic,
    /// The data is not what the expression asks for.
    Execution,
    /// A limit of `base::limits`.
    Limit,
}

/// A fault at a place of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// When it was found.
    pub kind: ErrorKind,
    /// Line of the expression, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong, and what was expected.
    pub message: Cow<'static, str>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}, column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for Error {}

/// A fault that knows only the byte at which it is; [`Flaw::in_text`] makes it an [`Error`].
#[derive(Clone, Debug)]
pub(crate) struct Flaw {
    pub(crate) kind: ErrorKind,
    pub(crate) at: usize,
    pub(crate) message: Cow<'static, str>,
}

impl Flaw {
    fn new(kind: ErrorKind, at: usize, message: impl Into<Cow<'static, str>>) -> Flaw {
        Flaw { kind, at, message: message.into() }
    }

    pub(crate) fn syntax(at: usize, message: impl Into<Cow<'static, str>>) -> Flaw {
        Self::new(ErrorKind::Syntax, at, message)
    }

    pub(crate) fn semantic(at: usize, message: impl Into<Cow<'static, str>>) -> Flaw {
        Self::new(ErrorKind::Semantic, at, message)
    }

    pub(crate) fn execution(at: usize, message: impl Into<Cow<'static, str>>) -> Flaw {
        Self::new(ErrorKind::Execution, at, message)
    }

    pub(crate) fn limit(at: usize, message: impl Into<Cow<'static, str>>) -> Flaw {
        Self::new(ErrorKind::Limit, at, message)
    }

    pub(crate) fn in_text(self, text: &str) -> Error {
        let before = text.get(..self.at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
        Error {
            kind: self.kind,
            line: count(before.matches('\n').count()),
            column: count(before.get(line_start..).unwrap_or_default().chars().count()),
            message: self.message,
        }
    }
}
