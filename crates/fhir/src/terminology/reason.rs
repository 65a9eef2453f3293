//! Why an answer is no, or not known.

use std::fmt;

/// Why a code is not in a value set, or why that is not known. Displays as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The value set is complete and does not have the code.
    NotListed {
        /// The value set.
        value_set: String,
        /// `system#code`.
        code: String,
    },
    /// The value set takes codes of that system, but the system has no such code.
    NoSuchCode {
        /// The code system.
        system: String,
        /// The code.
        code: String,
    },
    /// There is no such value set.
    NoValueSet(String),
    /// There is no such code system, or not this version of it, or not all of it.
    NoCodeSystem(String),
    /// A value set is made of itself.
    Cycle(String),
    /// A filter that cannot be evaluated.
    Filter(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed { value_set, code } => {
                write!(out, "The value set {value_set} does not have the code {code}.")
            }
            Self::NoSuchCode { system, code } => {
                write!(out, "The code system {system} has no code {code}.")
            }
            Self::NoValueSet(url) => write!(out, "The value set {url} is not loaded."),
            Self::NoCodeSystem(url) => write!(out, "The code system {url} is not loaded."),
            Self::Cycle(url) => write!(out, "The value set {url} includes itself."),
            Self::Filter(text) => write!(out, "The filter {text} cannot be evaluated."),
        }
    }
}
