//! The one error type for what is nobody's bad input: a full disk, a broken file, a bug.

use std::error::Error;
use std::fmt;

/// Something failed that the client could not have prevented. Logged once, at the edge, with a
/// correlation id.
#[derive(Debug)]
pub struct Fault {
    doing: String,
    full: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// What was being done, and what stopped it.
    pub fn new(doing: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { doing: doing.into(), full: false, source: Some(source.into()) }
    }

    /// A fault that has no deeper cause: a broken promise between two parts of the program.
    pub fn because(what: impl Into<String>) -> Self {
        Self { doing: what.into(), full: false, source: None }
    }

    /// There was no room: the disk or the map is full. Answered 507, and worth trying again later.
    pub fn no_room(
        doing: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { full: true, ..Self::new(doing, source) }
    }

    /// Whether the cause is a lack of room on the disk or in the map.
    #[must_use]
    pub fn is_no_room(&self) -> bool {
        self.full
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.doing),
            None => f.write_str(&self.doing),
        }
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
