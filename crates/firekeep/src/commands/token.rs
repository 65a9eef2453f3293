//! `firekeep token explain`: what a token says, whether it is good, which service it opens and why.

use std::io::Read;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::client::data_folder::DataArgs;
use crate::client::{connection, grant, http};
use crate::output::{OutputArgs, note};

/// Explain an access token.
#[derive(Subcommand, Debug)]
pub(crate) enum TokenCommand {
    /// Say what a token holds, which requests it opens, and why not the others
    #[command(after_help = "Examples:
  firekeep token explain \"$token\"
  az account get-access-token --resource=\"$FHIR_URL\" --query accessToken -o tsv \\
    | firekeep token explain -
  firekeep token explain \"$token\" --query claims.aud --output tsv")]
    Explain(ExplainArgs),
}

/// A token, and how to print.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The token, or - to read it from standard input
    #[arg(allow_hyphen_values = true)]
    token: String,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(command: TokenCommand) -> Result<()> {
    let TokenCommand::Explain(args) = command;
    let token = read(&args.token)?;
    let explanation = match ask(&args.data, &token).await {
        Ok(explanation) => explanation,
        Err(error) => {
            note(&format!("warning: the token is shown but not verified: {error:#}"));
            json!({
                "header": grant::part(&token, 0), "claims": grant::part(&token, 1),
                "verified": false,
            })
        }
    };
    args.output.print(explanation)
}

fn read(token: &str) -> Result<String> {
    if token != "-" {
        return Ok(token.trim().to_owned());
    }
    let mut text = String::new();
    let most = u64::try_from(base::limits::TOKEN_BYTES * 2).unwrap_or(u64::MAX);
    let mut stdin = std::io::stdin().take(most);
    stdin.read_to_string(&mut text).context("cannot read standard input")?;
    Ok(text.trim().to_owned())
}

/// Having the token is all the authorization that the running server's explanation needs.
async fn ask(data: &DataArgs, token: &str) -> Result<Value> {
    let body = json!({"token": token});
    if let Some(connection) = connection::read(&data.at.folder)? {
        let http = http::client(&connection.arm, connection.ca_bundle.as_deref())?;
        let url = format!("{}/_admin/token/explain", connection.arm);
        match http.post(url).json(&body).send().await {
            Ok(response) => return http::json(response).await,
            Err(error) if error.is_connect() => {}
            Err(error) => return Err(http::unreachable(&error)),
        }
    }
    data.with(async |opened| {
        let explanation = opened.control().admin("token/explain", Some(&body)).await?;
        Ok(explanation)
    })
    .await
}
