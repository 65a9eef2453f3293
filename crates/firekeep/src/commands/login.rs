//! `firekeep login`, with the options of `az login`.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use serde_json::Value;

use super::later;
use super::user::read_secret;
use crate::account::authority::{Authority, AuthorityArgs};
use crate::account::cache::{Cache, Credential, Identity};
use crate::account::{browser, device, session};
use crate::cli::Usage;
use crate::client::{grant, http};
use crate::output::{Column, OutputArgs};

pub(crate) const COLUMNS: [Column; 6] = [
    ("Name", "/name"),
    ("CloudName", "/cloudName"),
    ("SubscriptionId", "/id"),
    ("TenantId", "/tenantId"),
    ("State", "/state"),
    ("IsDefault", "/isDefault"),
];

/// Sign in, with the options of `az login`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  firekeep login                                   in the browser
  firekeep login --use-device-code                 in a browser on another machine
  firekeep login --service-principal -u CLIENT_ID -p SECRET --tenant TENANT
  firekeep login --service-principal -u CLIENT_ID --certificate key-and-cert.pem --tenant TENANT")]
pub(crate) struct LoginArgs {
    /// Sign in as an application
    #[arg(long, requires = "username")]
    service_principal: bool,
    /// Client id of the application
    #[arg(long, short)]
    username: Option<String>,
    /// Secret of the application; asked for unless given
    #[arg(long, short, requires = "username", conflicts_with = "certificate")]
    #[arg(allow_hyphen_values = true)]
    password: Option<String>,
    /// PEM file with the private key and the certificate of the application
    #[arg(long, value_name = "FILE", requires = "service_principal")]
    certificate: Option<PathBuf>,
    /// Tenant: id or domain
    #[arg(long, short)]
    tenant: Option<String>,
    /// Sign in by a code that is entered in a browser anywhere
    #[arg(long, conflicts_with = "service_principal")]
    use_device_code: bool,
    #[arg(long, hide = true)]
    identity: bool,
    #[command(flatten)]
    authority: AuthorityArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(args: LoginArgs) -> Result<()> {
    if args.identity {
        return later::refuse("firekeep login --identity");
    }
    if args.username.is_some() && !args.service_principal {
        bail!(Usage(
            "-u and -p go with --service-principal; a person signs in with firekeep login \
             (browser) or firekeep login --use-device-code"
                .to_owned()
        ));
    }
    let authority = args.authority.find()?;
    let (tenant, identity, token) = if args.service_principal {
        service_principal(&args, &authority).await?
    } else {
        user(&args, &authority).await?
    };
    let http = http::client(&authority.url, authority.ca.as_deref())?;
    let accounts = session::accounts(&http, &authority, &tenant, &identity, &token).await?;
    let shown: Vec<Value> = {
        let mut cache = Cache::read()?;
        let ids: Vec<String> = accounts.iter().map(|it| it.id.clone()).collect();
        cache.add(accounts);
        cache.write()?;
        let new = cache
            .accounts
            .iter()
            .filter(|it| ids.contains(&it.id) && it.identity.name() == identity.name());
        new.map(|it| it.shown("cloudName")).collect()
    };
    args.output.print_with_columns(shown.into(), &COLUMNS)
}

type SignedIn = (String, Identity, String);

async fn service_principal(args: &LoginArgs, authority: &Authority) -> Result<SignedIn> {
    let client_id = args.username.clone().unwrap_or_default();
    let tenant = args.tenant.clone().ok_or_else(|| {
        Usage("--service-principal needs --tenant: the tenant's id or domain".to_owned())
    })?;
    let credential = match (&args.certificate, &args.password) {
        (Some(file), _) => Credential::Certificate(std::path::absolute(file)?),
        (None, Some(secret)) => Credential::Secret(secret.clone()),
        (None, None) => Credential::Secret(read_secret("Secret: ")?),
    };
    let http = http::client(&authority.url, authority.ca.as_deref())?;
    let identity = Identity::ServicePrincipal { client_id, credential };
    let scope = session::control_scope(authority);
    let grant = session::renew(&http, &authority.url, &identity, &tenant, &scope).await?;
    let claims = grant::part(&grant.access_token, 1);
    // The token names the tenant by its id when a domain was given.
    let id = claims.and_then(|it| it.get("tid").and_then(Value::as_str).map(str::to_owned));
    Ok((id.unwrap_or(tenant), identity, grant.access_token))
}

async fn user(args: &LoginArgs, authority: &Authority) -> Result<SignedIn> {
    let http = http::client(&authority.url, authority.ca.as_deref())?;
    let tenant = args.tenant.as_deref().unwrap_or("organizations");
    let scope = session::control_scope(authority);
    let grant = if args.use_device_code {
        device::sign_in(&http, &authority.url, tenant, &scope).await?
    } else {
        browser::sign_in(&http, &authority.url, tenant, &scope).await?
    };
    let (name, tenant) = session::user(&grant)?;
    let refresh_token =
        grant.refresh_token.ok_or_else(|| anyhow!("the authority sent no refresh token"))?;
    Ok((tenant, Identity::User { name, refresh_token }, grant.access_token))
}
