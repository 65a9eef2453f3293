//! `firekeep logout`: forgets an identity and its tokens on this machine.

use anyhow::Result;
use clap::Args;

use crate::account::cache::Cache;
use crate::output::note;

/// Forget accounts and their tokens.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  firekeep logout                          the current account
  firekeep logout --username CLIENT_ID
  firekeep logout --all")]
pub(crate) struct LogoutArgs {
    /// User name or client id; the current account's unless given
    #[arg(long)]
    username: Option<String>,
    /// Forget all accounts
    #[arg(long, conflicts_with = "username")]
    all: bool,
}

pub(crate) fn run(args: &LogoutArgs) -> Result<()> {
    let mut cache = Cache::read()?;
    if args.all {
        Cache::default().write()?;
        note("signed out of all accounts");
        return Ok(());
    }
    let name = cache.forget(args.username.as_deref())?;
    cache.write()?;
    note(&format!("signed out {name}"));
    Ok(())
}
