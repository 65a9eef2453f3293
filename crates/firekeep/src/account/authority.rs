//! Which authority is meant: `--authority`, `--data`, the environment, or the data folder that is
//! there.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use clap::Args;

use crate::cli::Usage;
use crate::client::connection;
use crate::environment;

/// How to find the authority.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AuthorityArgs {
    /// Authority, as in https://localhost:8443 [env: FIREKEEP_AUTHORITY]
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    authority: Option<String>,
    /// PEM file of the certificate authority that signed its certificate [env: FIREKEEP_CA]
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    ca: Option<PathBuf>,
    /// Data folder whose connection.json names the authority
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// An authority and whom to trust for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) url: String,
    pub(crate) ca: Option<PathBuf>,
}

impl AuthorityArgs {
    /// The authority that was named by an option or the environment, if any was.
    pub(crate) fn named(&self) -> Result<Option<Authority>> {
        if let Some(folder) = &self.data {
            let found = connection::read(folder)?
                .ok_or_else(|| anyhow!("there is no connection.json in {}", folder.display()))?;
            return Ok(Some(Authority { url: found.authority, ca: found.ca_bundle }));
        }
        // Clap would take the environment for an option that conflicts with --data.
        let named = self.authority.clone().or_else(|| environment::text("FIREKEEP_AUTHORITY"));
        let Some(url) = named else { return Ok(None) };
        let url = url.trim_end_matches('/').to_owned();
        crate::client::http::parse(&url)?;
        // The CA of the data folder that is there serves when it is the same authority.
        let given = self.ca.clone().or_else(|| environment::path("FIREKEEP_CA").map(PathBuf::from));
        let ca = match given {
            Some(ca) => Some(std::path::absolute(ca)?),
            None => nearby()?.filter(|it| it.url == url).and_then(|it| it.ca),
        };
        Ok(Some(Authority { url, ca }))
    }

    /// The authority to sign in at.
    pub(crate) fn find(&self) -> Result<Authority> {
        match (self.named()?, nearby()?) {
            (Some(authority), _) | (None, Some(authority)) => Ok(authority),
            (None, None) => bail!(Usage(
                "which authority? Give --authority URL --ca FILE, or --data DIR, or run this \
                 beside the data folder"
                    .to_owned()
            )),
        }
    }
}

/// The authority of the default data folder.
fn nearby() -> Result<Option<Authority>> {
    let folder = environment::path("FIREKEEP_DATA").unwrap_or_else(|| "firekeep-data".into());
    let found = connection::read(&PathBuf::from(folder))?;
    Ok(found.map(|it| Authority { url: it.authority, ca: it.ca_bundle }))
}
