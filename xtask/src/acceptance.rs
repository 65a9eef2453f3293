//! The acceptance: the real `az` and azure-identity against the real binary, from an empty folder.
//!
//! The checks themselves are `acceptance/azure-clients.sh` of the shared folder; here a server is
//! started for them, given a certificate to know the application by, and stopped by SIGTERM.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::place::Place;
use crate::run::{must, terminate, wait_for, wait_for_end};

/// How long the first start of a server may take on a busy machine.
const START: Duration = Duration::from_secs(60);
/// The contract says 10 seconds; the rest is for a busy machine.
const STOP: Duration = Duration::from_secs(15);
/// `az` takes one to two seconds a call.
const CHECKS: Duration = Duration::from_mins(15);

/// A key and a self-signed certificate in one PEM file, with the library that azure-cli brings.
const MAKE_CERTIFICATE: &str = r#"
import datetime, os, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "firekeep acceptance")])
now = datetime.datetime.now(datetime.timezone.utc)
day = datetime.timedelta(days=1)
made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
made = made.not_valid_before(now - day).not_valid_after(now + day).sign(key, hashes.SHA256())
pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
with os.fdopen(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
    file.write(pem + made.public_bytes(form.Encoding.PEM))
"#;

/// What `serve` writes for scripts, as far as it is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    authority: String,
    arm: String,
    tenant_id: String,
    tenant_domain: String,
    service: Service,
    application: Application,
    administrator: Administrator,
    ca_bundle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    url: String,
    path_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Application {
    client_id: String,
    client_secret: String,
}

#[derive(Deserialize)]
struct Administrator {
    username: String,
    password: String,
}

/// Starts, checks, stops. An error names what was not as it should be.
pub(crate) fn run(place: &Place, shared: &Path, venv: &Path) -> Result<()> {
    let folder = place.target.join("acceptance");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("clear target/acceptance")?;
    }
    std::fs::create_dir_all(&folder).context("make target/acceptance")?;
    let mut server = Server::start(&place.binary(), &folder)?;
    let checked = check(&server, &folder, shared, venv);
    let stopped = server.stop();
    if checked.is_err() || stopped.is_err() {
        println!("the server's log:\n{}", server.log());
    }
    checked.and(stopped)
}

fn check(server: &Server, folder: &Path, shared: &Path, venv: &Path) -> Result<()> {
    let certificate = folder.join("application.pem");
    let mut python = Command::new(venv.join("bin/python"));
    must(python.args(["-c", MAKE_CERTIFICATE]).arg(&certificate)).context("make a certificate")?;
    let mut add = Command::new(&server.binary);
    add.args(["app", "add-certificate", &server.connection.application.client_id]);
    must(add.arg(&certificate).arg("--data").arg(&server.data))?;

    let script = shared.join("acceptance/azure-clients.sh");
    let mut checks = Command::new("bash");
    checks.arg(&script).envs(variables(&server.connection));
    checks.env("VENV", venv).env("CERT_PEM", &certificate).env("ADFS", "1");
    let sign_in = shared.join("acceptance/sign-in");
    checks.env("DEVICE_HOOK", &sign_in).env("BROWSER_HOOK", &sign_in);
    // A group of its own: when time is up, what the script started ends with it.
    let mut running = checks.process_group(0).spawn().context("start azure-clients.sh")?;
    match wait_for_end(&mut running, CHECKS)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("azure-clients.sh: {status}"),
        None => {
            terminate(&running, true)?;
            running.wait()?;
            bail!("azure-clients.sh did not end within {} minutes", CHECKS.as_secs() / 60)
        }
    }
}

/// The variables of `azure-clients.sh` and `sign-in` that come from `connection.json`.
fn variables(connection: &Connection) -> [(&'static str, &str); 11] {
    [
        ("AUTHORITY", &connection.authority),
        ("ARM", &connection.arm),
        ("FHIR_URL", &connection.service.url),
        ("REST_URL", &connection.service.path_url),
        ("TENANT", &connection.tenant_id),
        ("TENANT_DOMAIN", &connection.tenant_domain),
        ("CLIENT_ID", &connection.application.client_id),
        ("CLIENT_SECRET", &connection.application.client_secret),
        ("CA_BUNDLE", &connection.ca_bundle),
        ("SIGN_IN_USER", &connection.administrator.username),
        ("SIGN_IN_PASSWORD", &connection.administrator.password),
    ]
}

struct Server {
    process: Child,
    binary: PathBuf,
    data: PathBuf,
    log: PathBuf,
    connection: Connection,
}

impl Server {
    /// Serves an empty data folder on a port that the system chooses, and waits until it answers.
    fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let (data, log) = (folder.join("data"), folder.join("server.log"));
        let out = File::create(&log).context("make the server's log")?;
        let mut serve = Command::new(binary);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        serve.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let mut process = serve.spawn().with_context(|| format!("start {}", binary.display()))?;
        let file = data.join("connection.json");
        let answers = wait_for(START, || match process.try_wait()? {
            Some(status) => bail!("firekeep serve ended at once: {status}"),
            None => Ok(file.exists().then_some(())),
        });
        let connection = match answers {
            Ok(Some(())) => read_connection(&file),
            Ok(None) => Err(anyhow::anyhow!("no connection.json within {} s", START.as_secs())),
            Err(ended) => Err(ended),
        };
        match connection {
            Ok(connection) => {
                let binary = binary.to_owned();
                Ok(Self { process, binary, data, log, connection })
            }
            Err(error) => {
                // It may have ended by itself; either way nothing of ours stays behind.
                process.kill().ok();
                process.wait()?;
                println!("the server's log:\n{}", read_log(&log));
                Err(error)
            }
        }
    }

    /// SIGTERM, as a service manager stops it: it drains and exits 0.
    fn stop(&mut self) -> Result<()> {
        terminate(&self.process, false)?;
        match wait_for_end(&mut self.process, STOP)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("firekeep serve after SIGTERM: {status}, not 0"),
            None => {
                self.process.kill()?;
                self.process.wait()?;
                bail!("firekeep serve still ran {} s after SIGTERM", STOP.as_secs())
            }
        }
    }

    fn log(&self) -> String {
        read_log(&self.log)
    }
}

fn read_connection(file: &Path) -> Result<Connection> {
    let text = std::fs::read_to_string(file).context("read connection.json")?;
    serde_json::from_str(&text).context("read connection.json")
}

/// The last lines of a log.
fn read_log(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

#[cfg(test)]
mod tests;
