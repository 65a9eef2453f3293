//! The environment variables that the command line reads, in the one place that may.

use std::ffi::OsString;

/// A variable that is set to something.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub(crate) fn path(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A variable that is set to text.
pub(crate) fn text(name: &str) -> Option<String> {
    path(name)?.into_string().ok()
}
