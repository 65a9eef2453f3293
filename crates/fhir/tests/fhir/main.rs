//! The official suites and what only whole inputs can show, in one binary.
//!
//! To add a suite: a module, and its list of known failures beside it, which may only shrink.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "tests end by panicking and count")]

mod archive;
mod path_suite;
mod suite_xml;
mod ucum_suite;
