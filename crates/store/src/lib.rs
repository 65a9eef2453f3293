//! Where a FHIR service's versions and the control plane's records are kept: snapshots, commits,
//! search plans, over an embedded store (LMDB).
//!
//! To add a table: its name in `embedded/tables.rs`, its key in `key.rs`, its rows in
//! `embedded/apply.rs` (written, and taken out by a hard delete), its rule in `embedded/check.rs`,
//! its section in `docs/store.md`, and a migration in `embedded/migrate.rs`.
//! To add a search criterion: a variant in `plan.rs`; `matching.rs`, `embedded/search/criteria.rs`
//! will not compile without it. To add a test of values: `matching.rs` decides it, `lookup.rs` says
//! where its rows are, and the property test compares the two.
//!
//! Invariants: a commit that was answered survives `kill -9` and power loss; a snapshot gives the
//! same answer for as long as it lives; a refused commit touches nothing; a page of rids rises (or
//! falls) strictly.
//!
//! Never here: HTTP, FHIR JSON syntax, rules of authorization. `unsafe` only in `embedded/open.rs`.

mod commit;
mod compression;
mod content;
pub mod control;
mod embedded;
mod forward;
mod key;
mod leb128;
pub mod lock;
mod lookup;
mod matching;
mod open;
mod package;
mod page;
mod plan;
mod rows;
mod sorting;
mod spelling;
mod version;

pub use commit::{
    Commit, Committed, Guard, Operation, Outcome, Purged, PutCondition, Refused, Rejected,
};
pub use compression::Dictionary;
pub use content::Content;
pub use embedded::{
    Indexed, ParameterState, SearchError, Snapshot, Statistics, Step, Store, restore,
};
pub use forward::{Forward, Tested, TypeNames};
pub use key::{Key, ParameterId, ResourceId, Rid, SnapshotNumber, TypeId};
pub use open::{OpenError, OpenFailure, Sample, Sampler, StoreOptions};
pub use package::KeptPackage;
pub use page::Page;
pub use plan::{
    Address, BodyTest, Comparison, Criterion, HistoryOf, HistoryPlan, Include, Included, Inside,
    NumberTest, Part, PartsOf, Passes, ReadParts, ReferenceTest, Restriction, Restrictions,
    SearchPlan, Shared, SortBy, SortKey, Stop, StringTest, Test, TokenTest, TypeRestriction,
    TypeSearch, UnitTest, UriTest,
};
pub use spelling::folded_code;
pub use version::{Kind, Version, VersionHead};
