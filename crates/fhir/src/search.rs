//! <https://hl7.org/fhir/R4/search.html>: what a search finds in a resource.
//!
//! Every SearchParameter is compiled once per resource type. Expressions of the common shapes
//! become paths in one tree per type, so that a resource is walked once for all of them; others
//! are evaluated as FHIRPath. Either way the elements become [`Value`]s by the type of search.
//!
//! To add a data type: a `Shape`, and its arms in `convert.rs`. To add a shape of expression:
//! `branch.rs`. The tests compare both ways on all examples, so a path can never say something
//! else than the expression.
//!
//! Never here: the URL of a search, indexes, I/O.

mod branch;
mod compile;
mod convert;
mod extractor;
mod fold;
mod order;
mod print;
mod shape;
mod tree;
mod value;

pub use compile::{CompileError, Reason, check};
pub use extractor::{Extractors, Fault, Parameter, Setting, TypeExtractor, Values};
pub use fold::fold;
pub use order::{NumberKey, implied_numbers};
pub use tree::Found;
pub use value::{
    Bounds, Canonical, Composite, Interval, Position, Quantity, Reference, Text, Token, UCUM, Uri,
    Value,
};
