//! Access tokens for a long-running command: asked for once per resource, renewed before they
//! expire.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use base::{Clock, SystemClock, Timestamp};
use reqwest::Client;
use tokio::sync::Mutex;

use super::grant;
use crate::account::cache::{Account, Cache};
use crate::account::session;

/// A token is renewed when less than this is left of it, as `az` does.
pub(crate) const RENEWAL: Duration = Duration::from_mins(5);

/// Where tokens come from.
pub(crate) enum Source {
    /// The application of `connection.json`.
    Secret { http: Client, endpoint: String, client_id: String, secret: String },
    /// The account that `firekeep login` signed in.
    Account(Box<Account>),
    /// The server in this process, which trusts its owner.
    Server(Arc<server::Server>),
    /// A token that was given and cannot be renewed.
    Fixed(String),
}

/// Tokens by resource, shared by everything that works for the command.
pub(crate) struct Tokens {
    source: Source,
    held: Mutex<HashMap<String, (Timestamp, Arc<str>)>>,
}

impl Tokens {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, held: Mutex::default() }
    }

    /// A token for `resource` that is good for at least five minutes more.
    pub(crate) async fn get(&self, resource: &str) -> Result<Arc<str>> {
        let mut held = self.held.lock().await;
        let now = SystemClock.now();
        if let Some((until, token)) = held.get(resource).filter(|(until, _)| *until > now) {
            tracing::trace!(%until, "using a token again");
            return Ok(Arc::clone(token));
        }
        let (lifetime, token) = self.ask(resource).await?;
        let token: Arc<str> = token.into();
        let until = now.plus(lifetime.saturating_sub(RENEWAL));
        held.insert(resource.to_owned(), (until, Arc::clone(&token)));
        Ok(token)
    }

    async fn ask(&self, resource: &str) -> Result<(Duration, String)> {
        match &self.source {
            Source::Fixed(token) => Ok((Duration::MAX, token.clone())),
            Source::Server(server) => {
                Ok((base::limits::ACCESS_TOKEN_LIFETIME, server.administrator_token(resource)?))
            }
            Source::Account(account) => {
                let scope = format!("{resource}/.default");
                let mut cache = Cache::read()?;
                let token = session::token(&mut cache, account, &account.tenant, &scope).await?;
                let seconds = token.expires_on - SystemClock.now().unix_seconds();
                let lifetime = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
                Ok((lifetime, token.access_token))
            }
            Source::Secret { http, endpoint, client_id, secret } => {
                let scope = format!("{resource}/.default");
                let form = vec![
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id.as_str()),
                    ("client_secret", secret.as_str()),
                    ("scope", scope.as_str()),
                ];
                let grant = grant::ask(http, endpoint, &form).await?;
                let seconds = u64::try_from(grant.expires_in).unwrap_or(0);
                Ok((Duration::from_secs(seconds), grant.access_token))
            }
        }
    }
}
