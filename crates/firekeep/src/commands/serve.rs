//! `firekeep serve`: starts the server, says how to use it, and runs until it is told to stop.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Parser, ValueEnum};
use server::{Bootstrap, Config, EndSignals, ServeOptions, Server, StartError, TlsFiles};

use super::{first_steps, later};
use crate::client::connection::Connection;
use crate::client::data_folder::DataArgs;
use crate::environment;
use crate::log;
use crate::output::say;

/// Start the server.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  firekeep serve
  firekeep serve --data /srv/fhir --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem
  firekeep serve --listen 127.0.0.1:0          any free port; connection.json says which

The first start makes a tenant, the service main/demo, an administrator and an application.
Logs go to standard error; FIREKEEP_LOG=debug shows more, FIREKEEP_LOG=warn less.")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Address to listen on, in place of 127.0.0.1:8443 and [::1]:8443; may be repeated
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<SocketAddr>,
    /// Loopback address for the same routes without TLS
    #[arg(long, value_name = "ADDR:PORT", value_parser = loopback)]
    http: Option<SocketAddr>,
    /// Address for Prometheus figures
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<SocketAddr>,
    /// Certificate chain (PEM), in place of a development certificate
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// What the first start makes
    #[arg(long, value_enum, default_value_t = First::Demo)]
    bootstrap: First,
    /// Form of the log lines
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    #[arg(long, value_name = "ADDR:PORT", hide = true)]
    managed_identity: Option<String>,
    #[arg(long, value_name = "URL", hide = true)]
    store: Option<String>,
}

/// What the first start makes.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum First {
    /// The service main/demo, an administrator and an application
    Demo,
    /// Only the tenant and an administrator
    None,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

impl ServeArgs {
    /// The arguments of `firekeep` alone.
    pub(crate) fn alone() -> Self {
        #[derive(Parser)]
        struct Alone {
            #[command(flatten)]
            args: ServeArgs,
        }
        Alone::parse_from(["firekeep"]).args
    }

    fn options(self) -> Result<ServeOptions> {
        let config = self.data.config.as_deref().map(Config::read).transpose()?;
        let tls = self.tls_cert.zip(self.tls_key);
        Ok(ServeOptions {
            listen: self.listen,
            http: self.http,
            metrics: self.metrics,
            config: config.unwrap_or_default(),
            tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
            bootstrap: match self.bootstrap {
                First::Demo => Bootstrap::Demo,
                First::None => Bootstrap::Nothing,
            },
            ..ServeOptions::new(self.data.at.folder)
        })
    }
}

/// The server refuses other addresses too; here it is wrong usage, before anything starts.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|wrong| format!("{wrong}"))?;
    if !address.ip().to_canonical().is_loopback() {
        return Err(StartError::NotLoopback { address }.to_string());
    }
    Ok(address)
}

/// Starts the server and runs until SIGTERM or Ctrl-C.
pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    if args.managed_identity.is_some() {
        return later::refuse("--managed-identity");
    }
    if args.store.is_some() {
        return later::refuse("--store");
    }
    let filter = environment::text("FIREKEEP_LOG").unwrap_or_else(|| "info".to_owned());
    let _log = log::begin(args.log_format, &filter);
    let folder = args.data.at.folder.clone();
    let signals = EndSignals::receive().context("the signals that end the server")?;
    let server = Server::start(args.options()?).await?;
    let connection: Connection = serde_json::from_value(serde_json::to_value(server.connection())?)
        .context("the server does not say how to reach it")?;
    if let Err(error) = say(how_to_use(&connection, &folder).trim_end()) {
        tracing::warn!("how to use the server: {error}");
    }
    server.run_until(signals).await;
    Ok(())
}

/// Starts the server of a data folder for one command, leaving `connection.json` as it is. It
/// answers at the address that `port` names, so that issuers and audiences are those of the tokens
/// that were given out; where another process has that port, at any.
pub(crate) async fn start_for_a_moment(options: ServeOptions, port: Option<u16>) -> Result<Server> {
    let start = |port: u16| {
        let listen = vec![SocketAddr::from(([127, 0, 0, 1], port))];
        Server::start(ServeOptions { listen, announce: false, ..options.clone() })
    };
    match start(port.unwrap_or(0)).await {
        Err(StartError::Bind { .. }) => Ok(start(0).await?),
        other => Ok(other?),
    }
}

/// What a person reads after the start: addresses, who is who, where the secrets are, the commands.
fn how_to_use(connection: &Connection, folder: &Path) -> String {
    let mut out = String::new();
    let file = crate::client::connection::path(folder);
    let mut row = |name: &str, value: &str| {
        let _infallible = writeln!(out, "  {name:<15}{value}");
    };
    row("Firekeep", &connection.authority);
    if let Some(service) = &connection.service {
        row("FHIR service", &format!("{}  (curl, browsers)", service.url));
        row("", &format!("{}  (PowerShell, Python, Node)", service.path_url));
    }
    row("tenant", &format!("{} ({})", connection.tenant_id, connection.tenant_domain));
    if let Some(application) = &connection.application {
        row("application", &application.client_id);
    }
    if let Some(administrator) = &connection.administrator {
        row("administrator", &administrator.username);
    }
    row("secrets", &format!("{} (readable by you only)", file.display()));
    let data = if folder == Path::new("firekeep-data") {
        String::new()
    } else {
        format!(" --data '{}'", folder.display())
    };
    let mut steps =
        vec![format!("With az and curl:\n  eval \"$(firekeep env --shell bash{data})\"")];
    steps.extend(first_steps::bash(connection));
    let mut text = format!("Firekeep is running.\n\n{out}\n{}\n", steps.join("\n  "));
    if let Some(lines) = first_steps::powershell(connection) {
        let trust = if connection.ca_bundle.is_some() {
            ", once the operating system trusts $env:CA_BUNDLE"
        } else {
            ""
        };
        let _infallible = write!(
            text,
            "\nWith PowerShell{trust}:\n  firekeep env --shell powershell{data} \
             | Out-String | Invoke-Expression\n  {}\n",
            lines.join("\n  ")
        );
    }
    for line in first_steps::missing(connection) {
        let _infallible = write!(text, "\n{line}\n");
    }
    text + "\nStop it with Ctrl-C.\n"
}
