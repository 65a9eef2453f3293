//! Validation: what is wrong with a resource, all faults at once.
//!
//! [`structure`] is what every write checks: names, cardinality, JSON types, primitives, choices,
//! references by type, required codes and narrative. It needs nothing but the tables of
//! [`Rules`], which are made from the definitions once.
//!
//! To add a rule of structure: a field of `rules::Child` filled in `rules.rs`, its check in
//! `walk.rs`, a row in `tests.rs`. Rules that need FHIRPath, profiles or value sets beyond
//! required codes are not here.

mod codes;
mod faults;
mod issue;
pub mod narrative;
mod primitive;
mod profile;
mod reference;
mod rules;
mod say;
#[cfg(test)]
mod tests;
mod walk;

pub use issue::{Issue, IssueCode, Issues, Place, Severity};
pub use profile::{Depth, Request, Validator};
pub use rules::Rules;

/// Checks the structure of the resource at `place` and of all resources inside it.
pub fn structure(place: &Place<'_, '_>, rules: &Rules, issues: &mut Issues) {
    walk::Walk { place, rules, issues, inner: true }.resource(place.root);
}

/// Checks the structure of a Bundle without that of the resources in its entries.
pub fn shell(place: &Place<'_, '_>, rules: &Rules, issues: &mut Issues) {
    walk::Walk { place, rules, issues, inner: false }.resource(place.root);
}
