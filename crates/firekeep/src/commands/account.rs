//! `firekeep account`: what `az account` prints, from our own cache.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::login::COLUMNS;
use crate::account::authority::AuthorityArgs;
use crate::account::cache::{Account, Cache};
use crate::account::session;
use crate::output::OutputArgs;

/// Get access tokens, show accounts.
#[derive(Subcommand, Debug)]
pub(crate) enum AccountCommand {
    /// Get a token for a service
    #[command(after_help = "Example:
  token=$(firekeep account get-access-token --resource=$FHIR_URL --query accessToken --output tsv)
  curl -H \"Authorization: Bearer $token\" \"$FHIR_URL/Patient\"")]
    GetAccessToken(TokenArgs),
    /// Show the current account
    #[command(after_help = "Example:\n  firekeep account show --query user.name --output tsv")]
    Show(AccountArgs),
    /// List all accounts
    #[command(after_help = "Example:\n  firekeep account list --output table")]
    List(AccountArgs),
}

/// Which token, and how to print.
#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    /// URL of the service the token is for; the control plane unless given
    #[arg(long, value_name = "URL", conflicts_with = "scope")]
    resource: Option<String>,
    /// Scopes, as in URL/.default
    #[arg(long, num_args = 1.., value_name = "SCOPE")]
    scope: Vec<String>,
    /// Tenant: id or domain; the account's unless given
    #[arg(long, short)]
    tenant: Option<String>,
    #[command(flatten)]
    authority: AuthorityArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Whose accounts, and how to print.
#[derive(Args, Debug)]
pub(crate) struct AccountArgs {
    #[command(flatten)]
    authority: AuthorityArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(command: AccountCommand) -> Result<()> {
    match command {
        AccountCommand::GetAccessToken(args) => get_access_token(&args).await,
        AccountCommand::Show(args) => {
            let cache = Cache::read()?;
            let account = cache.current(args.authority.named()?.as_ref())?;
            args.output.print(account.shown("environmentName"))
        }
        AccountCommand::List(args) => {
            let named = args.authority.named()?;
            let matching =
                |it: &&Account| named.as_ref().is_none_or(|wanted| wanted.url == it.authority);
            let cache = Cache::read()?;
            let shown: Vec<Value> =
                cache.accounts.iter().filter(matching).map(|it| it.shown("cloudName")).collect();
            args.output.print_with_columns(shown.into(), &COLUMNS)
        }
    }
}

async fn get_access_token(args: &TokenArgs) -> Result<()> {
    let mut cache = Cache::read()?;
    let mut account = cache.current(args.authority.named()?.as_ref())?.clone();
    if let Some(named) = args.authority.named()?.filter(|it| it.ca.is_some()) {
        account.ca = named.ca;
    }
    let scope = match (&args.resource, args.scope.as_slice()) {
        (Some(resource), _) => format!("{resource}/.default"),
        (None, []) => session::control_scope(&account.authority()),
        (None, scopes) => scopes.join(" "),
    };
    let tenant = args.tenant.clone().unwrap_or_else(|| account.tenant.clone());
    let token = session::token(&mut cache, &account, &tenant, &scope).await?;
    let subscription = args.tenant.is_none().then_some(account.id.as_str());
    args.output.print(session::shown(&token, &tenant, subscription))
}
