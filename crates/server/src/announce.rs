//! `connection.json`: how to reach a server that runs on this folder, with the secrets of its first
//! start.

use std::fs;
use std::path::{Path, PathBuf};

use authority::{Directory, ServiceId};
use base::Fault;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::bootstrap::{Made, Secrets};
use crate::edge::development_ca::write;

const FILE: &str = "connection.json";
const OLD: &str = "connection.json.old";

/// What `connection.json` says. URLs have no slash at the end.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// The origin of the authority.
    pub authority: String,
    /// The origin of Azure Resource Manager.
    pub arm: String,
    /// The origin of Microsoft Graph.
    pub graph: String,
    /// The portal; null until there is one.
    pub portal: Option<String>,
    /// The tenant of the first start.
    pub tenant_id: Uuid,
    /// Its domain.
    pub tenant_domain: String,
    /// The subscription of the first start.
    pub subscription_id: Uuid,
    /// The resource group of the demo service.
    pub resource_group: Option<String>,
    /// The demo service; null when there is none.
    pub service: Option<ServiceConnection>,
    /// The application of the first start; null when there is none.
    pub application: Option<ApplicationConnection>,
    /// The user who owns the subscription.
    pub administrator: Option<AdministratorConnection>,
    /// The origin of the plain port.
    pub http: Option<String>,
    /// The origin of the figures for Prometheus; the path is `/metrics`.
    pub metrics: Option<String>,
    /// The origin of the managed-identity endpoints; null until there are any.
    pub managed_identity: Option<String>,
    /// The CA that clients must trust, as an absolute path; null when a certificate was given.
    pub ca_bundle: Option<PathBuf>,
    /// The process.
    pub pid: u32,
}

/// A FHIR service by its names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceConnection {
    /// The ARM id.
    pub id: String,
    /// The host form, which curl and browsers resolve.
    pub url: String,
    /// The path form, which every client resolves.
    pub path_url: String,
}

/// An application that asks for tokens by a secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationConnection {
    /// The client id.
    pub client_id: Uuid,
    /// The service principal's object id.
    pub object_id: Uuid,
    /// The secret of the first start, while the file keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

/// A user who signs in with a password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdministratorConnection {
    /// The user principal name.
    pub username: String,
    /// The password of the first start, while the file keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The user's object id.
    pub object_id: Uuid,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl Connection {
    /// Reads the file of a data folder; `None` when it is not there.
    ///
    /// # Errors
    /// A [`Fault`] when it cannot be read.
    pub fn read(data: &Path) -> Result<Option<Self>, Fault> {
        read(&data.join(FILE))
    }

    /// As the server is reached now.
    pub(crate) fn of(app: &App, made: &Made, secrets: &Secrets, ports: &Ports) -> Self {
        let (directory, origin) = (app.authority.directory(), app.addresses.origin());
        let service = made.service.as_ref().and_then(|id| service(app, &directory, id));
        let known_application = made
            .application
            .as_ref()
            .filter(|made| directory.service_principal(made.object_id).is_some());
        Self {
            authority: origin.clone(),
            arm: origin.clone(),
            graph: origin,
            portal: None,
            tenant_id: made.tenant,
            tenant_domain: made.domain.clone(),
            subscription_id: made.subscription,
            resource_group: made.resource_group.clone(),
            service,
            application: known_application.map(|made| ApplicationConnection {
                client_id: made.client_id,
                object_id: made.object_id,
                client_secret: secrets.client_secret.clone(),
            }),
            administrator: directory.user(made.administrator).map(|user| AdministratorConnection {
                username: user.username.clone(),
                password: secrets.password.clone(),
                object_id: user.object_id,
            }),
            http: app.addresses.http.clone(),
            metrics: ports.metrics.clone(),
            managed_identity: None,
            ca_bundle: app.development_ca.as_ref().map(|ca| absolute(&ca.bundle())),
            pid: std::process::id(),
        }
    }

    /// Writes the file, readable by its owner only, then lets the old one go.
    pub(crate) fn announce(&self, data: &Path) -> Result<(), Fault> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Fault::new("writing connection.json", error))?;
        write(&data.join(FILE), &format!("{text}\n"), 0o600)?;
        let _ = fs::remove_file(data.join(OLD));
        Ok(())
    }
}

/// Addresses that no other part of the server needs to know.
#[derive(Default)]
pub(crate) struct Ports {
    pub(crate) metrics: Option<String>,
}

/// Takes the file of the last start away, since what it says does not hold now, and reads the
/// secrets from it or from the one that a failed start left.
pub(crate) fn retire(data: &Path) -> Result<Secrets, Fault> {
    let (file, old) = (data.join(FILE), data.join(OLD));
    let last = read(&file)?;
    if last.is_some() {
        fs::rename(&file, &old)
            .map_err(|error| Fault::new(format!("renaming {}", file.display()), error))?;
    }
    let last = match last {
        Some(last) => Some(last),
        None => read(&old)?,
    };
    Ok(last.map_or_else(Secrets::default, |last| Secrets {
        password: last.administrator.and_then(|administrator| administrator.password),
        client_secret: last.application.and_then(|application| application.client_secret),
    }))
}

fn read(path: &Path) -> Result<Option<Connection>, Fault> {
    let reading = || format!("reading {}", path.display());
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            Fault::new(format!("{} (delete it if it is broken)", reading()), error)
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::new(reading(), error)),
    }
}

fn service(app: &App, directory: &Directory, id: &ServiceId) -> Option<ServiceConnection> {
    let names = app.authority.names();
    let names = names.services.iter().find(|names| names.service == *id)?;
    let mut urls = names.urls.iter().cloned();
    let id = directory.service_scope(id)?.to_string();
    Some(ServiceConnection { id, url: urls.next()?, path_url: urls.next()? })
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(secret: Option<&str>) -> Connection {
        Connection {
            authority: "https://localhost:8443".into(),
            arm: "https://localhost:8443".into(),
            graph: "https://localhost:8443".into(),
            portal: None,
            tenant_id: Uuid::nil(),
            tenant_domain: "firekeep.localhost".into(),
            subscription_id: Uuid::nil(),
            resource_group: None,
            service: None,
            application: Some(ApplicationConnection {
                client_id: Uuid::nil(),
                object_id: Uuid::nil(),
                client_secret: secret.map(str::to_owned),
            }),
            administrator: None,
            http: None,
            metrics: None,
            managed_identity: None,
            ca_bundle: None,
            pid: 1,
        }
    }

    #[test]
    fn secrets_survive_starts_that_fail() -> Result<(), Fault> {
        let folder = tempfile::tempdir().map_err(|error| Fault::new("a folder", error))?;
        let data = folder.path();
        assert_eq!(retire(data)?.client_secret, None);
        connection(Some("s")).announce(data)?;
        // Two starts that fail after their ports were bound, then one that succeeds.
        assert_eq!(retire(data)?.client_secret.as_deref(), Some("s"));
        assert!(!data.join(FILE).exists() && data.join(OLD).exists());
        let secrets = retire(data)?;
        assert_eq!(secrets.client_secret.as_deref(), Some("s"));
        connection(secrets.client_secret.as_deref()).announce(data)?;
        assert!(data.join(FILE).exists() && !data.join(OLD).exists());
        let kept = Connection::read(data)?.and_then(|kept| kept.application);
        assert_eq!(kept.and_then(|kept| kept.client_secret).as_deref(), Some("s"));
        Ok(())
    }
}
