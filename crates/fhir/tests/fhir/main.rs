//! The official suites and what only whole inputs can show, in one binary.
//!
//! To add a suite: a module, and its list of known failures beside it, which may only shrink.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and print their counts"
)]

mod archive;
mod diff_suite;
mod examples_suite;
mod fuzz;
mod packages;
mod patch_suite;
mod path_definitions;
mod path_suite;
mod path_table;
mod structure_mutations;
mod suite_xml;
mod terminology_suite;
mod ucum_suite;
mod validator_suite;
mod values_oracle;
mod values_snapshot;
mod values_suite;
mod values_table;
mod xml_fuzz;
mod xml_suite;
