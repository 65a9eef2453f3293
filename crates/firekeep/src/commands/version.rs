//! `firekeep version`.

use anyhow::Result;

use crate::output::say;

pub(crate) fn run() -> Result<()> {
    say(concat!("firekeep ", env!("CARGO_PKG_VERSION")))
}
