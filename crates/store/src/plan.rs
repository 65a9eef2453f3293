//! What a reader asks for: search and history plans. No FHIR syntax, no SQL.

use base::Timestamp;

use crate::key::{Key, ResourceId, Rid, TypeId};

/// A search over the current versions of a snapshot, deletions left out.
#[derive(Clone, Debug, Default)]
pub struct SearchPlan {
    /// The types to search, each with what the caller may see of it; empty is every type, without
    /// restriction. Of a type that is named twice, the first counts.
    pub types: Vec<TypeRestriction>,
    /// All of them must hold.
    pub criteria: Vec<Criterion>,
    /// Newest first instead of oldest first.
    pub descending: bool,
    /// The last match of the page before: only what comes after it, in the plan's direction.
    pub after: Option<Rid>,
    /// The most matches of this page.
    pub most: usize,
}

/// What a caller may see of one type. Carried by every plan and applied at every hop.
#[derive(Clone, Debug)]
pub struct TypeRestriction {
    /// The type.
    pub resource_type: TypeId,
    /// What of it.
    pub restriction: Restriction,
}

/// How much of a type is visible. More kinds follow with compartments and labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// All of it.
    Everything,
    /// None of it.
    Nothing,
}

/// One condition on a match.
#[derive(Clone, Debug)]
pub enum Criterion {
    /// The id is one of these.
    Ids(Vec<ResourceId>),
    /// `last_updated` is in the interval.
    LastUpdated {
        /// From here on, inclusive.
        from: Option<Timestamp>,
        /// Up to here, exclusive.
        before: Option<Timestamp>,
    },
    /// `last_updated` is not in the interval.
    NotLastUpdated {
        /// From here on, inclusive.
        from: Option<Timestamp>,
        /// Up to here, exclusive.
        before: Option<Timestamp>,
    },
}

/// Whose history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HistoryOf {
    /// One resource's.
    Instance(Key),
    /// That of all resources of a type.
    Type(TypeId),
    /// That of all resources.
    System,
}

/// A history: all versions, deletions included, newest first.
#[derive(Clone, Debug)]
pub struct HistoryPlan {
    /// Whose.
    pub of: HistoryOf,
    /// What the caller may see; a type that is not named is not restricted.
    pub restrictions: Vec<TypeRestriction>,
    /// `last_updated` from here on, inclusive.
    pub since: Option<Timestamp>,
    /// `last_updated` up to here, exclusive.
    pub before: Option<Timestamp>,
}

impl HistoryPlan {
    /// The whole history of `of`, unrestricted.
    #[must_use]
    pub fn of(of: HistoryOf) -> Self {
        Self { of, restrictions: Vec::new(), since: None, before: None }
    }
}
