//! The cache in `$FIREKEEP_CONFIG_DIR` (default `~/.firekeep`): accounts with what renews their
//! tokens, and tokens.
//! The folder is only for its owner (0700), the file too (0600); service principals' secrets are
//! kept, as `az` does.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::authority::Authority;
use crate::client::connection::write_private;
use crate::environment;

/// All accounts and tokens.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct Cache {
    #[serde(default)]
    pub(crate) accounts: Vec<Account>,
    #[serde(default)]
    pub(crate) tokens: Vec<CachedToken>,
}

/// One subscription (or tenant without any) of one signed-in identity, as `az account list` shows
/// it.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Account {
    pub(crate) authority: String,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) tenant: String,
    /// The subscription's id; the tenant's when it has none.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) is_default: bool,
    pub(crate) identity: Identity,
}

/// Who is signed in, and what renews the tokens.
#[derive(Clone, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum Identity {
    User { name: String, refresh_token: String },
    ServicePrincipal { client_id: String, credential: Credential },
}

/// How a service principal proves itself.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Credential {
    Secret(String),
    Certificate(PathBuf),
}

/// An access token that may be used again.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct CachedToken {
    pub(crate) authority: String,
    pub(crate) tenant: String,
    /// User name or client id.
    pub(crate) identity: String,
    pub(crate) scope: String,
    pub(crate) expires_on: i64,
    pub(crate) access_token: String,
}

impl Identity {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::User { name, .. } => name,
            Self::ServicePrincipal { client_id, .. } => client_id,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::ServicePrincipal { .. } => "servicePrincipal",
        }
    }
}

impl Account {
    pub(crate) fn authority(&self) -> Authority {
        Authority { url: self.authority.clone(), ca: self.ca.clone() }
    }

    /// As `az account show` prints it; `az account list` and `az login` say `cloudName`.
    pub(crate) fn shown(&self, cloud_key: &str) -> Value {
        let mut shown = json!({
            "homeTenantId": self.tenant, "id": self.id, "isDefault": self.is_default,
            "managedByTenants": [], "name": self.name, "state": "Enabled", "tenantId": self.tenant,
            "user": {"name": self.identity.name(), "type": self.identity.kind()},
        });
        if let Some(members) = shown.as_object_mut() {
            members.insert(cloud_key.to_owned(), "firekeep".into());
        }
        shown
    }

    fn is_same(&self, other: &Self) -> bool {
        self.authority == other.authority
            && self.id == other.id
            && self.identity.name() == other.identity.name()
    }
}

impl Cache {
    pub(crate) fn read() -> Result<Self> {
        let path = path()?;
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!("{} is damaged; delete it and sign in again", path.display())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).context(format!("cannot read {}", path.display())),
        }
    }

    pub(crate) fn write(&self) -> Result<()> {
        let path = path()?;
        if let Some(folder) = path.parent() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        write_private(&path, &serde_json::to_string_pretty(self)?)
    }

    /// Adds what a sign-in found; the first of it becomes the default account. Old tokens of the
    /// identity are dropped.
    pub(crate) fn add(&mut self, accounts: Vec<Account>) {
        self.accounts.iter_mut().for_each(|it| it.is_default = false);
        for (index, mut account) in accounts.into_iter().enumerate() {
            account.is_default = index == 0;
            self.tokens.retain(|it| {
                it.authority != account.authority || it.identity != account.identity.name()
            });
            self.accounts.retain(|it| !it.is_same(&account));
            self.accounts.push(account);
        }
    }

    /// The account that commands work as.
    pub(crate) fn current(&self, authority: Option<&Authority>) -> Result<&Account> {
        let matching = |it: &&Account| authority.is_none_or(|wanted| wanted.url == it.authority);
        let mut accounts = self.accounts.iter().filter(matching);
        let first = accounts.clone().next();
        let default = accounts.find(|it| it.is_default);
        default.or(first).ok_or_else(|| anyhow!("Please run 'firekeep login' to setup account."))
    }

    /// Forgets an identity by name, or the current account's when none is given. Returns the names
    /// that are gone.
    pub(crate) fn forget(&mut self, name: Option<&str>) -> Result<String> {
        let current = match name {
            Some(name) => name.to_owned(),
            None => self.current(None)?.identity.name().to_owned(),
        };
        let before = self.accounts.len();
        self.accounts.retain(|it| it.identity.name() != current);
        if self.accounts.len() == before {
            return Err(anyhow!("'{current}' is not signed in; see: firekeep account list"));
        }
        self.tokens.retain(|it| it.identity != current);
        if !self.accounts.iter().any(|it| it.is_default) {
            self.accounts.last_mut().into_iter().for_each(|it| it.is_default = true);
        }
        Ok(current)
    }
}

fn path() -> Result<PathBuf> {
    let folder = match environment::path("FIREKEEP_CONFIG_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir()
            .ok_or_else(|| anyhow!("there is no home folder; set FIREKEEP_CONFIG_DIR"))?
            .join(".firekeep"),
    };
    Ok(folder.join("accounts.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str, who: &str) -> Account {
        let credential = Credential::Secret("s".to_owned());
        Account {
            authority: "https://localhost:8443".to_owned(),
            ca: None,
            tenant: "t".to_owned(),
            id: id.to_owned(),
            name: "Firekeep".to_owned(),
            is_default: false,
            identity: Identity::ServicePrincipal { client_id: who.to_owned(), credential },
        }
    }

    #[test]
    fn the_last_sign_in_is_the_default_and_logout_goes_back() {
        let mut cache = Cache::default();
        assert!(cache.current(None).is_err());
        cache.add(vec![account("s", "one")]);
        cache.add(vec![account("s", "two")]);
        cache.add(vec![account("s", "two")]);
        assert_eq!(cache.accounts.len(), 2);
        assert_eq!(cache.current(None).unwrap().identity.name(), "two");
        assert_eq!(cache.forget(None).unwrap(), "two");
        assert_eq!(cache.current(None).unwrap().identity.name(), "one");
        assert!(cache.current(None).unwrap().is_default);
        assert!(cache.forget(Some("two")).is_err());
    }

    #[test]
    fn an_account_is_shown_as_az_shows_it() {
        let shown = account("s", "one").shown("environmentName");
        let expected = json!({
            "environmentName": "firekeep", "homeTenantId": "t", "id": "s", "isDefault": false,
            "managedByTenants": [], "name": "Firekeep", "state": "Enabled", "tenantId": "t",
            "user": {"name": "one", "type": "servicePrincipal"},
        });
        assert_eq!(shown, expected);
    }
}
