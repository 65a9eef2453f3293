//! <https://hl7.org/fhir/R4/operationoutcome.html>: what is wrong with a resource, and where.

use std::fmt;
use std::sync::Arc;

use base::limits::ISSUES;
use json::{Position, Value};

use crate::path;

/// <https://hl7.org/fhir/R4/valueset-issue-severity.html>, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is wrong.
    Information,
    /// Worth a look; the resource is accepted.
    Warning,
    /// The resource is refused.
    Error,
    /// The resource is refused and the rest of it was not looked at.
    Fatal,
}

impl Severity {
    /// The code as the specification writes it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// <https://hl7.org/fhir/R4/valueset-issue-type.html>, as far as validation gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IssueCode {
    /// The content does not have the shape of the specification or a profile.
    Structure,
    /// Something is missing.
    Required,
    /// A value is not allowed here.
    Value,
    /// A rule of an element is broken.
    Invariant,
    /// A code is not in its code system or value set.
    CodeInvalid,
    /// A modifier extension that nobody here knows.
    Extension,
    /// A rule beyond the specification is broken.
    BusinessRule,
    /// Something that is referred to is not there.
    NotFound,
    /// The server does not know this.
    NotSupported,
    /// The same thing twice.
    Duplicate,
    /// Longer than is allowed.
    TooLong,
    /// The rest would take too long.
    TooCostly,
    /// Something the server could not do, through no fault of the content.
    Exception,
    /// Nothing is wrong.
    Informational,
}

impl IssueCode {
    /// The code as the specification writes it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::Invariant => "invariant",
            Self::CodeInvalid => "code-invalid",
            Self::Extension => "extension",
            Self::BusinessRule => "business-rule",
            Self::NotFound => "not-found",
            Self::NotSupported => "not-supported",
            Self::Duplicate => "duplicate",
            Self::TooLong => "too-long",
            Self::TooCostly => "too-costly",
            Self::Exception => "exception",
            Self::Informational => "informational",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of fault it is.
    pub code: IssueCode,
    /// Where, as FHIRPath: `Patient.name[0].given[1]`.
    pub location: String,
    /// Where in the text.
    pub position: Option<Position>,
    /// What is wrong, what was found and what is allowed: sentences for people, without the place.
    pub text: String,
    /// The constraint or rule that is broken: `ele-1`, or the URL of a profile.
    pub key: Option<Arc<str>>,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.location)?;
        if let Some(position) = self.position {
            write!(f, " ({position})")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// A part of a document that is being looked at, and what it is called.
#[derive(Clone, Copy, Debug)]
pub struct Place<'d, 'p> {
    /// The resource.
    pub root: Value<'d>,
    /// Its FHIRPath: `Patient`, or `Bundle.entry[3].resource`.
    pub path: &'p str,
}

impl Place<'_, '_> {
    /// The FHIRPath of a value inside.
    #[must_use]
    pub fn of(&self, value: Value<'_>) -> String {
        let inside = path::location(self.root, value).unwrap_or_default();
        let rest = inside.find(['.', '[']).and_then(|at| inside.get(at..)).unwrap_or_default();
        format!("{}{rest}", self.path)
    }
}

/// Everything that is wrong, up to a limit.
#[derive(Clone, Debug, Default)]
pub struct Issues {
    /// With the place in the text of each, in bytes.
    found: Vec<(usize, Issue)>,
    more: usize,
    errors: usize,
}

impl Issues {
    /// None yet.
    #[must_use]
    pub fn new() -> Issues {
        Issues::default()
    }

    /// Notes an error about a value inside `place`.
    pub fn error(
        &mut self,
        place: &Place<'_, '_>,
        value: Value<'_>,
        code: IssueCode,
        text: impl Into<String>,
    ) {
        self.note(place, value, (Severity::Error, code, None), text);
    }

    /// Notes something about a value inside `place`: severity, code and key, and the text. The
    /// position is found when all is gathered.
    pub fn note(
        &mut self,
        place: &Place<'_, '_>,
        value: Value<'_>,
        (severity, code, key): (Severity, IssueCode, Option<Arc<str>>),
        text: impl Into<String>,
    ) {
        // Where it is, is worked out only for those that are kept.
        if self.is_full() {
            return self.count(severity);
        }
        let (location, text) = (place.of(value), text.into());
        let issue = Issue { severity, code, location, position: None, text, key };
        self.push(value.span().start, issue);
    }

    /// Adds an issue about what stands at byte `offset` of the text.
    pub fn push(&mut self, offset: usize, issue: Issue) {
        if self.is_full() {
            return self.count(issue.severity);
        }
        self.errors += usize::from(issue.severity >= Severity::Error);
        self.found.push((offset, issue));
    }

    fn count(&mut self, severity: Severity) {
        self.more += 1;
        self.errors += usize::from(severity >= Severity::Error);
    }

    /// Whether further issues are only counted: the caller may stop looking.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.found.len() >= ISSUES
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether anything noted refuses the resource.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// All of them in the order of the text they are about, with line and column; the last one
    /// says how many more there are when there were too many.
    #[must_use]
    pub fn into_list(self, text: &[u8]) -> Vec<Issue> {
        let mut found = self.found;
        found.sort_by_key(|(offset, _)| *offset);
        let mut at = Reader { text, offset: 0, position: Position { line: 1, column: 1 } };
        let placed = found.into_iter().map(|(offset, mut issue)| {
            issue.position = issue.position.or_else(|| Some(at.advance(offset)));
            issue
        });
        let mut list: Vec<Issue> = placed.collect();
        if let Some(last) = list.last().filter(|_| self.more > 0) {
            let text = format!(
                "There are {} more faults. Correct these {ISSUES} first and send it again.",
                self.more
            );
            let (severity, code) = (Severity::Information, IssueCode::TooCostly);
            let location = last.location.split(['.', '[']).next().unwrap_or_default().to_owned();
            list.push(Issue { severity, code, location, position: None, text, key: None });
        }
        list
    }
}

/// Counts lines and columns once for all issues.
struct Reader<'t> {
    text: &'t [u8],
    offset: usize,
    position: Position,
}

impl Reader<'_> {
    fn advance(&mut self, to: usize) -> Position {
        for byte in self.text.get(self.offset..to).unwrap_or_default() {
            match byte {
                b'\n' => {
                    self.position.line += 1;
                    self.position.column = 1;
                }
                // A character is counted at its first byte.
                byte => self.position.column += u32::from(byte & 0xC0 != 0x80),
            }
        }
        self.offset = self.offset.max(to);
        self.position
    }
}
