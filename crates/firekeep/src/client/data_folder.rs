//! The data folder and its server: the one that runs, or one started in this process for a moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde_json::Value;
use server::{Config, ServeOptions};
use store::lock::{FolderLock, LockError};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use super::connection::{self, Connection};
use super::control::Control;
use super::grant;
use super::http;
use super::tokens::{Source, Tokens};
use crate::account::authority::Authority;
use crate::account::cache::Cache;
use crate::commands::serve::start_for_a_moment;

/// Where the data is.
#[derive(Args, Clone, Debug)]
pub(crate) struct FolderArgs {
    /// Data folder
    #[arg(
        long = "data",
        value_name = "DIR",
        env = "FIREKEEP_DATA",
        default_value = "firekeep-data"
    )]
    pub(crate) folder: PathBuf,
}

/// Where the data is, and how its server is set up.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataArgs {
    #[command(flatten)]
    pub(crate) at: FolderArgs,
    /// Settings of services, custom host names, public URL (TOML); a server that runs has read its
    /// own
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// A server that answers for a data folder, and tokens for it.
pub(crate) struct Opened {
    pub(crate) folder: PathBuf,
    pub(crate) connection: Connection,
    /// The connection as the server tells it, to make a lost `connection.json` from.
    pub(crate) whole: Value,
    pub(crate) http: reqwest::Client,
    pub(crate) tokens: Arc<Tokens>,
    started: Option<Arc<server::Server>>,
    /// The CA of a server in this process, where the folder has none; ends with it.
    _ca: Option<TempDir>,
}

impl DataArgs {
    /// Does `work` with the folder's server, and ends the one of this process in any case: it made
    /// an administrator for this command, who must not stay.
    pub(crate) async fn with<T>(&self, work: impl AsyncFnOnce(&Opened) -> Result<T>) -> Result<T> {
        let opened = self.open().await?;
        let Some(server) = &opened.started else { return work(&opened).await };
        let done = tokio::select! {
            done = work(&opened) => done,
            told = told_to_end() => Err(told.map_or_else(Into::into, |()| anyhow!("interrupted"))),
        };
        server.shutdown().await;
        done
    }

    /// Finds the server of the folder, or starts one in this process when none runs.
    async fn open(&self) -> Result<Opened> {
        let folder = &self.at.folder;
        match FolderLock::take(folder) {
            Ok(free) => {
                refuse_empty(folder)?;
                drop(free);
                self.in_this_process().await
            }
            Err(LockError::Held { pid }) => running(folder, pid),
            Err(LockError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(no_data(folder))
            }
            Err(LockError::Io(error)) => {
                Err(error).context(format!("cannot lock {}", folder.display()))
            }
        }
    }

    /// The port is the one at which the folder's server answered last, so that names are the same.
    async fn in_this_process(&self) -> Result<Opened> {
        let folder = &self.at.folder;
        let last = connection::read(folder)?;
        let port = last.as_ref().map(|last| http::parse(&last.authority)).transpose()?;
        // A folder whose server was given its certificate gets no CA of its own by a command.
        let given = last.is_some_and(|last| last.ca_bundle.is_none());
        let ca = given.then(TempDir::new).transpose().context("cannot make a temporary folder")?;
        let config = self.config.as_deref().map(Config::read).transpose()?;
        let options = ServeOptions {
            config: config.unwrap_or_default(),
            development_ca: ca.as_ref().map(|ca| ca.path().to_owned()),
            ..ServeOptions::new(folder)
        };
        let server = start_for_a_moment(options, port.and_then(|url| url.port())).await?;
        let server = Arc::new(server);
        let whole = serde_json::to_value(server.connection())?;
        let connection: Connection = serde_json::from_value(whole.clone())?;
        let http = http::client(&connection.authority, connection.ca_bundle.as_deref())?;
        Ok(Opened {
            folder: folder.to_owned(),
            connection,
            whole,
            http,
            tokens: Arc::new(Tokens::new(Source::Server(Arc::clone(&server)))),
            started: Some(server),
            _ca: ca,
        })
    }
}

impl FolderArgs {
    /// What a running server wrote, whether or not it still runs.
    pub(crate) fn connection(&self) -> Result<Connection> {
        connection::read(&self.folder)?.ok_or_else(|| {
            let path = connection::path(&self.folder);
            anyhow!("there is no {}; start the server with: firekeep", path.display())
        })
    }
}

impl Opened {
    /// The control plane's routes.
    pub(crate) fn control(&self) -> Control<'_> {
        Control::new(self)
    }

    /// The address of a service that every resolver finds: the path form.
    pub(crate) fn service_url(&self, label: Option<&str>) -> Result<String> {
        match (label, &self.connection.service) {
            (Some(label), _) => Ok(format!("{}/fhir/{label}", self.connection.authority)),
            (None, Some(service)) => Ok(service.path_url.clone()),
            (None, None) => {
                bail!("this data folder has no first service; name one with --service WS/NAME")
            }
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_end() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}

fn no_data(folder: &Path) -> anyhow::Error {
    anyhow!(
        "{} holds no data; start the server on it once: firekeep serve --data DIR",
        folder.display()
    )
}

/// A lock file alone is what looking for a server leaves behind, not data.
fn refuse_empty(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(Result::ok);
    if entries.into_iter().all(|entry| entry.file_name() == "lock") {
        return Err(no_data(folder));
    }
    Ok(())
}

fn running(folder: &Path, pid: Option<u32>) -> Result<Opened> {
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let Some(connection) = connection::read(folder)? else {
        bail!(
            "{who} uses {} but there is no {}: if it is still starting, try again in a moment; if \
             the file was deleted, start the server again",
            folder.display(),
            connection::path(folder).display()
        );
    };
    let http = http::client(&connection.authority, connection.ca_bundle.as_deref())?;
    let source = source(folder, &connection, &http)?;
    Ok(Opened {
        folder: folder.to_owned(),
        connection,
        whole: Value::Null,
        http,
        tokens: Arc::new(Tokens::new(source)),
        started: None,
        _ca: None,
    })
}

/// Who asks a running server: the application of `connection.json`, or who signed in.
fn source(folder: &Path, connection: &Connection, http: &reqwest::Client) -> Result<Source> {
    let application = connection.application.clone();
    if let Some((client_id, secret)) =
        application.and_then(|it| it.client_secret.map(|secret| (it.client_id, secret)))
    {
        let endpoint = grant::endpoint(&connection.authority, &connection.tenant_id, "token");
        return Ok(Source::Secret { http: http.clone(), endpoint, client_id, secret });
    }
    let (url, ca) = (connection.authority.clone(), connection.ca_bundle.clone());
    if let Ok(account) = Cache::read()?.current(Some(&Authority { url, ca })) {
        return Ok(Source::Account(Box::new(account.clone())));
    }
    let or = match connection.application {
        Some(_) => ", or stop the server and run: firekeep app reset-secret",
        None => ", or stop the server and run the command again",
    };
    bail!(
        "{} holds no client secret; sign in with: firekeep login --data {}{or}",
        connection::path(folder).display(),
        folder.display()
    )
}
