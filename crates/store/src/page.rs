//! What a plan gives: one page of rids.

use crate::key::Rid;

/// One page of matches, in the order of the plan.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The matches; their bodies come from [`crate::Snapshot::versions`].
    pub rids: Vec<Rid>,
    /// Whether at least one match follows.
    pub more: bool,
}
