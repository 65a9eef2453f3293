//! The crate against what others say about JSON: the JSONTestSuite, and serde_json over generated
//! and mutated texts. Each claim about a text stands once, in `claims.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod claims;
mod fuzz;
mod properties;
mod suite;
