//! `connection.json`: where the server of a data folder answers, and the secrets of its development
//! identities.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// What commands need of the file; the server writes more.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection {
    pub(crate) authority: String,
    pub(crate) arm: String,
    pub(crate) graph: String,
    pub(crate) tenant_id: String,
    pub(crate) tenant_domain: String,
    pub(crate) subscription_id: String,
    pub(crate) resource_group: Option<String>,
    #[serde(default)]
    pub(crate) service: Option<ServiceAddress>,
    #[serde(default)]
    pub(crate) application: Option<Application>,
    #[serde(default)]
    pub(crate) administrator: Option<Administrator>,
    pub(crate) ca_bundle: Option<PathBuf>,
}

/// The addresses of the first service: the host form and the path form.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceAddress {
    pub(crate) url: String,
    pub(crate) path_url: String,
}

/// The application that administers; `secret` is absent when the file was deleted once.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
}

/// The user who administers.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Administrator {
    pub(crate) username: String,
    pub(crate) object_id: String,
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Administrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Administrator").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The file of a data folder.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join("connection.json")
}

/// Reads the file; `None` when there is none.
pub(crate) fn read(folder: &Path) -> Result<Option<Connection>> {
    let path = path(folder);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
    };
    let connection = serde_json::from_slice(&text).with_context(|| {
        format!(
            "{} is not what a server writes; correct or delete it, then start the server again",
            path.display()
        )
    })?;
    Ok(Some(connection))
}

/// Puts a new secret into the file, so that the next command knows it. `whole` is what the file is
/// made from when there is none. Anything else in the file stays as it is.
pub(crate) fn put_secret(folder: &Path, pointer: &str, secret: &str, whole: &Value) -> Result<()> {
    // A start that failed leaves the last file under its other name, which the next start reads.
    let old = folder.join("connection.json.old");
    let path = Some(path(folder)).filter(|it| it.exists() || !old.exists()).unwrap_or(old);
    let mut file = match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)
            .with_context(|| format!("{} is not JSON", path.display()))?,
        Err(_missing) => whole.clone(),
    };
    let (parent, member) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(object) = file.pointer_mut(parent).and_then(Value::as_object_mut) {
        object.insert(member.to_owned(), secret.into());
    }
    write_private(&path, &(serde_json::to_string_pretty(&file)? + "\n"))
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let aside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&aside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&aside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
