//! What the command-line contract promises and this version does not do yet: refused, exit code 2.

use std::ffi::OsString;

use anyhow::{Result, bail};
use clap::Args;

use crate::cli::Usage;

/// Whatever follows.
#[derive(Args, Debug)]
pub(crate) struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, num_args = 0..)]
    rest: Vec<OsString>,
}

pub(crate) fn refuse(what: &str) -> Result<()> {
    bail!(Usage(format!("{what} is not there yet: it comes with a later version")))
}
