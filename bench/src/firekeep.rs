//! The server under test: the release binary on a folder of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;
use tempfile::TempDir;

/// A running service; ended when dropped.
pub struct Firekeep {
    process: Child,
    folder: TempDir,
    connection: Value,
    /// A bearer token of the bootstrap application.
    pub token: String,
}

impl Firekeep {
    /// Starts `binary` on a new folder.
    pub fn start(binary: &Path) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let (process, _) = launch(binary, folder.path())?;
        let text = std::fs::read(folder.path().join("connection.json"))?;
        let connection: Value = serde_json::from_slice(&text)?;
        let mut service = Self { process, folder, connection, token: String::new() };
        service.token = service.token()?;
        Ok(service)
    }

    /// Ends the process, starts it again and tells how long that took until it answered.
    pub fn restart(&mut self, binary: &Path) -> anyhow::Result<Duration> {
        self.process.kill()?;
        self.process.wait()?;
        let (process, time) = launch(binary, self.folder.path())?;
        self.process = process;
        Ok(time)
    }

    /// A text of `connection.json`.
    pub fn says(&self, pointer: &str) -> anyhow::Result<&str> {
        self.connection.pointer(pointer).and_then(Value::as_str).context(pointer.to_owned())
    }

    /// The address of an origin in `connection.json`.
    pub fn address(&self, pointer: &str) -> anyhow::Result<SocketAddr> {
        let port = self.says(pointer)?.rsplit(':').next().context("a port")?.parse()?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// The data folder, with the certificates that the probe shares.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The client side of TLS: trusts the service's CA only.
    pub fn trust(&self) -> anyhow::Result<Arc<rustls::ClientConfig>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.folder().join("ca.pem"))?)?;
        let config =
            rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// Creates `body` once and gives its path, such as `/Patient/0190…`.
    pub fn create(&self, body: &[u8]) -> anyhow::Result<String> {
        let answer = self
            .client()?
            .post(format!("{}/Patient", self.says("/service/pathUrl")?))
            .bearer_auth(&self.token)
            .header("Content-Type", "application/fhir+json")
            .body(body.to_vec())
            .send()?;
        ensure!(answer.status() == 201, "creating: {}", answer.text()?);
        let made: Value = answer.json()?;
        Ok(format!("/Patient/{}", made["id"].as_str().context("an id")?))
    }

    fn client(&self) -> anyhow::Result<reqwest::blocking::Client> {
        let ca = std::fs::read(self.folder().join("ca.pem"))?;
        let builder = reqwest::blocking::Client::builder().no_proxy();
        Ok(builder.tls_certs_only([reqwest::Certificate::from_pem(&ca)?]).build()?)
    }

    fn token(&self) -> anyhow::Result<String> {
        let url = format!("{}/{}/oauth2/token", self.says("/authority")?, self.says("/tenantId")?);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.says("/application/clientId")?),
            ("client_secret", self.says("/application/clientSecret")?),
            ("resource", self.says("/service/pathUrl")?),
        ];
        let answer: Value = self.client()?.post(url).form(&form).send()?.json()?;
        Ok(answer["access_token"].as_str().context("a token")?.to_owned())
    }
}

impl Drop for Firekeep {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the server and waits for the first line it prints, which comes once it answers.
fn launch(binary: &Path, folder: &Path) -> anyhow::Result<(Child, Duration)> {
    let begin = Instant::now();
    let mut process = Command::new(binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))?;
    let mut lines = BufReader::new(process.stdout.take().context("output")?).lines();
    lines.next().context("firekeep ended at its start")??;
    let time = begin.elapsed();
    std::thread::spawn(move || lines.for_each(drop));
    Ok((process, time))
}
