//! `firekeep backup`: an online, consistent copy of the data folder.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use crate::client::control::text;
use crate::client::data_folder::DataArgs;
use crate::output::{note, thousands};

/// Copy the data into a folder while the server runs.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  firekeep backup /backups/today")]
pub(crate) struct BackupArgs {
    /// Folder to make; it must not exist or be empty
    to: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(args: BackupArgs) -> Result<()> {
    let to = std::path::absolute(&args.to)
        .with_context(|| format!("{} is no path", args.to.display()))?;
    args.data
        .with(async |opened| {
            let done = opened.control().admin("backup", Some(&json!({"to": to}))).await?;
            let bytes = done.get("bytes").and_then(serde_json::Value::as_u64).unwrap_or(0);
            note(&format!("{}: {} bytes", text(&done, "/folder"), thousands(bytes)));
            Ok(())
        })
        .await
}
