//! <https://hl7.org/fhir/R4/codesystem-operation-subsumes.html>

use super::concept::is_below;
use super::{Failure, Scope};
use crate::definitions::CodeSystem;

/// How two codes stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsumption {
    /// They are one.
    Equivalent,
    /// The second is below the first.
    Subsumes,
    /// The first is below the second.
    SubsumedBy,
    /// Neither.
    NotSubsumed,
}

impl Subsumption {
    /// The code of the answer.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Equivalent => "equivalent",
            Self::Subsumes => "subsumes",
            Self::SubsumedBy => "subsumed-by",
            Self::NotSubsumed => "not-subsumed",
        }
    }
}

/// How `left` stands to `right` in a code system.
pub fn subsumes(
    scope: &Scope<'_>,
    (url, version): (&str, Option<&str>),
    left: &str,
    right: &str,
) -> Result<Subsumption, Failure> {
    let system = scope.code_system(url, version).map_err(Failure::NoCodeSystem)?;
    let (left, right) = (find(system, left)?, find(system, right)?);
    Ok(if left.code() == right.code() {
        Subsumption::Equivalent
    } else if is_below(system, right, left) {
        Subsumption::Subsumes
    } else if is_below(system, left, right) {
        Subsumption::SubsumedBy
    } else {
        Subsumption::NotSubsumed
    })
}

/// The concept of a code.
pub(super) fn find<'a>(
    system: CodeSystem<'a>,
    code: &str,
) -> Result<crate::definitions::Concept<'a>, Failure> {
    let missing = || Failure::NoSuchCode { system: system.url().to_owned(), code: code.to_owned() };
    system.concept(code).ok_or_else(missing)
}
