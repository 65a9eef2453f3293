//! `firekeep keys`: the keys that sign tokens.

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::data_folder::DataArgs;
use crate::output::{Column, OutputArgs};

const COLUMNS: [Column; 1] = [("Kid", "/kid")];

/// List and rotate the keys that sign tokens.
#[derive(Subcommand, Debug)]
pub(crate) enum KeysCommand {
    /// List the published keys
    #[command(after_help = "Example:\n  firekeep keys list --output table")]
    List(KeysArgs),
    /// Sign with a new key from now on; tokens of the one before stay valid
    #[command(after_help = "Example:\n  firekeep keys rotate")]
    Rotate(KeysArgs),
}

/// Where, and how to print.
#[derive(clap::Args, Debug)]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(command: KeysCommand) -> Result<()> {
    let (args, path, body): (_, _, Option<Value>) = match command {
        KeysCommand::List(args) => (args, "keys", None),
        KeysCommand::Rotate(args) => (args, "keys/rotate", Some(json!({}))),
    };
    args.data
        .with(async |opened| {
            let keys = opened.control().admin(path, body.as_ref()).await?;
            args.output.print_with_columns(keys.get("keys").cloned().unwrap_or_default(), &COLUMNS)
        })
        .await
}
