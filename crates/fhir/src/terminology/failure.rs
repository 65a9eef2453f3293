//! Why an operation has no answer.

use std::fmt;

use super::Missing;

/// Why an operation has no answer. Displays as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The code system, or this version of it, is not loaded.
    NoCodeSystem(Missing),
    /// The value set is not loaded.
    NoValueSet(String),
    /// No concept map fits.
    NoConceptMap(String),
    /// The supplement that is asked for is not loaded.
    NoSupplement(String),
    /// The code system has no such code.
    NoSuchCode {
        /// The code system.
        system: String,
        /// The code.
        code: String,
    },
    /// The expansion would have more codes than this.
    TooCostly(usize),
    /// A value set is made of itself.
    Cycle(String),
    /// A filter that cannot be evaluated.
    Filter(String),
    /// `check-system-version` does not allow this version.
    Version {
        /// The code system.
        system: String,
        /// Its version.
        version: String,
        /// What is allowed.
        allowed: String,
    },
}

impl Failure {
    /// Its code in <http://hl7.org/fhir/issue-type>.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCodeSystem(_)
            | Self::NoValueSet(_)
            | Self::NoConceptMap(_)
            | Self::NoSupplement(_)
            | Self::NoSuchCode { .. } => "not-found",
            Self::TooCostly(_) => "too-costly",
            Self::Cycle(_) => "processing",
            Self::Filter(_) => "invalid",
            Self::Version { .. } => "exception",
        }
    }

    /// Its code in the code system `tx-issue-type`, which terminology servers share.
    #[must_use]
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            Self::NoCodeSystem(_)
            | Self::NoValueSet(_)
            | Self::NoConceptMap(_)
            | Self::NoSupplement(_)
            | Self::NoSuchCode { .. } => Some("not-found"),
            Self::TooCostly(_) => None,
            Self::Cycle(_) | Self::Filter(_) => Some("vs-invalid"),
            Self::Version { .. } => Some("version-error"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCodeSystem(missing) => write!(
                out,
                "The code system {} is not loaded here. Store it as a CodeSystem, or load the \
                 package that has it.",
                missing.canonical()
            ),
            Self::NoValueSet(url) => write!(
                out,
                "The value set {url} is not loaded here. Store it as a ValueSet, or load the \
                 package that has it."
            ),
            Self::NoConceptMap(what) => write!(out, "No concept map is loaded here for {what}."),
            Self::NoSupplement(url) => write!(out, "The supplement {url} is not loaded here."),
            Self::NoSuchCode { system, code } => {
                write!(out, "The code system {system} has no code '{code}'.")
            }
            Self::TooCostly(most) => write!(
                out,
                "The expansion has more than {most} codes. Ask for a part of it, with count and \
                 offset or a filter."
            ),
            Self::Cycle(url) => write!(out, "The value set {url} includes itself."),
            Self::Filter(text) => write!(out, "The filter {text} cannot be evaluated."),
            Self::Version { system, version, allowed } => write!(
                out,
                "The version {version} of {system} is not allowed: the request asks for {allowed}."
            ),
        }
    }
}
