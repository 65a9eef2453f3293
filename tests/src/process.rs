//! A running `firekeep`: started on a folder of its own, ended with its story.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Actor;

/// How long a start may take before the story fails: generous, because machines are shared.
const START_TIME: Duration = Duration::from_secs(60);

/// The binary under test: `$FIREKEEP_BIN`, else the one beside the test binary.
pub fn firekeep() -> PathBuf {
    if let Some(path) = std::env::var_os("FIREKEEP_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("the test binary has a path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/stories");
    let path = profile.join("firekeep");
    assert!(path.exists(), "build it first: cargo build --profile ci -p firekeep ({path:?})");
    path
}

/// How a service is to be started.
#[derive(Default)]
pub struct Setup {
    /// Further arguments of `serve`.
    pub arguments: Vec<String>,
    /// The text of a `--config` file.
    pub config: Option<String>,
    /// A data folder to go on with; a new one otherwise.
    pub folder: Option<TempDir>,
    /// A program and its arguments that start the server, such as `prlimit`.
    pub wrapper: Vec<String>,
}

/// A service of one story. Killed when dropped.
pub struct Firekeep {
    process: Child,
    folder: Option<TempDir>,
    log: std::thread::JoinHandle<String>,
    /// What `connection.json` says.
    pub connection: Value,
    client: reqwest::Client,
}

impl Firekeep {
    /// A new service with the demo bootstrap, on free ports.
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// A service started as `setup` says.
    pub async fn start_with(setup: Setup) -> Self {
        Self::launch(setup, None)
    }

    /// A service that was given its certificate, of the CA in a PEM file.
    pub async fn start_trusting(setup: Setup, ca: &Path) -> Self {
        Self::launch(setup, Some(ca))
    }

    fn launch(setup: Setup, ca: Option<&Path>) -> Self {
        let folder = setup.folder.unwrap_or_else(|| TempDir::new().expect("a temporary folder"));
        let mut arguments = vec!["serve".to_owned(), "--data".to_owned()];
        arguments.push(folder.path().display().to_string());
        for plain in ["--listen", "--http", "--metrics"] {
            arguments.extend([plain.to_owned(), "127.0.0.1:0".to_owned()]);
        }
        if let Some(text) = setup.config {
            let path = folder.path().join("firekeep.toml");
            std::fs::write(&path, text).expect("the configuration file");
            arguments.extend(["--config".to_owned(), path.display().to_string()]);
        }
        arguments.extend(setup.arguments);
        let binary = firekeep().display().to_string();
        let mut line = setup.wrapper;
        line.push(binary);
        line.extend(arguments);
        let mut process = Command::new(&line[0])
            .args(&line[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("firekeep starts");
        let log = collect(process.stderr.take().expect("a log"));
        if let Err(why) = await_ready(&mut process) {
            let _ = process.kill();
            panic!("firekeep did not start ({why}); its log:\n{}", log.join().unwrap_or_default());
        }
        let mut connection = read_connection(folder.path());
        if let Some(ca) = ca {
            connection["caBundle"] = json!(ca);
        }
        let client = client(&connection);
        Self { process, folder: Some(folder), log, connection, client }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("the folder is there until the end").path()
    }

    /// A text of `connection.json` by JSON pointer, such as `/service/pathUrl`.
    pub fn says(&self, pointer: &str) -> String {
        let value = self.connection.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("connection.json has no {pointer}")).to_owned()
    }

    /// The HTTP client of this service: trusts its CA, resolves its names, follows no redirect.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Nobody: no token.
    pub fn as_anonymous(&self) -> Actor {
        Actor::new(self.client.clone(), self.says("/service/pathUrl"), None)
    }

    /// The bootstrap application: FHIR Data Contributor on the demo service.
    pub async fn as_contributor(&self) -> Actor {
        let (id, secret) =
            (self.says("/application/clientId"), self.says("/application/clientSecret"));
        let base = self.says("/service/pathUrl");
        let token = self.application_token(&id, &secret, &base).await;
        Actor::new(self.client.clone(), base, Some(token))
    }

    /// A new application with the role FHIR Data Reader.
    pub async fn as_reader(&self) -> Actor {
        self.as_role("4c8d0bbc-75d3-4935-991f-5f3c56d81508").await
    }

    /// A new application with one role, given by its GUID, on the demo service.
    pub async fn as_role(&self, role: &str) -> Actor {
        let (actor, object_id) = self.as_stranger().await;
        self.assign(&object_id, role).await;
        actor
    }

    /// A new application that has no role at all, and its object id.
    pub async fn as_stranger(&self) -> (Actor, String) {
        let (client_id, object_id, secret) = self.new_application("story").await;
        let base = self.says("/service/pathUrl");
        let token = self.application_token(&client_id, &secret, &base).await;
        (Actor::new(self.client.clone(), base, Some(token)), object_id)
    }

    /// The bootstrap application towards Azure Resource Manager and Graph.
    pub async fn as_administrator(&self) -> Actor {
        let arm = self.says("/arm");
        let (id, secret) =
            (self.says("/application/clientId"), self.says("/application/clientSecret"));
        let token = self.application_token(&id, &secret, &arm).await;
        Actor::new(self.client.clone(), arm, Some(token))
    }

    /// Registers an application with a secret and a service principal: client id, object id,
    /// secret.
    pub async fn new_application(&self, name: &str) -> (String, String, String) {
        let graph = self.as_administrator().await;
        let app =
            graph.post("/v1.0/applications", &json!({"displayName": name})).await.created().json();
        let id = app["id"].as_str().expect("an id");
        let client_id = app["appId"].as_str().expect("an appId").to_owned();
        let password = graph
            .post(
                &format!("/v1.0/applications/{id}/addPassword"),
                &json!({"passwordCredential": {"displayName": name}}),
            )
            .await
            .ok()
            .json();
        let principal = graph
            .post("/v1.0/servicePrincipals", &json!({"appId": client_id}))
            .await
            .created()
            .json();
        let object_id = principal["id"].as_str().expect("an id").to_owned();
        (client_id, object_id, password["secretText"].as_str().expect("a secret").to_owned())
    }

    /// Gives `object_id` the role on the demo service; the assignment's path for taking it away.
    pub async fn assign(&self, object_id: &str, role: &str) -> String {
        let subscription = self.says("/subscriptionId");
        let assignment = uuid::Uuid::new_v5(
            &uuid::Uuid::NAMESPACE_OID,
            format!("{object_id}/{role}").as_bytes(),
        );
        let path = format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{assignment}\
             ?api-version=2022-04-01",
            self.says("/service/id")
        );
        let definition = format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        );
        let body = json!({"properties": {"roleDefinitionId": definition, "principalId": object_id,
            "principalType": "ServicePrincipal"}});
        self.as_administrator().await.put(&path, &body).await.created();
        path
    }

    /// A token by client credentials for `resource`.
    pub async fn application_token(&self, client_id: &str, secret: &str, resource: &str) -> String {
        let url =
            format!("{}/{}/oauth2/v2.0/token", self.says("/authority"), self.says("/tenantId"));
        let scope = format!("{resource}/.default");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
            ("scope", &scope),
        ];
        let answer = self.client.post(url).form(&form).send().await.expect("the authority answers");
        let body: Value = answer.json().await.expect("JSON");
        body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {body}")).to_owned()
    }

    /// Runs another `firekeep` command on this data folder.
    pub fn run(&self, arguments: &[&str]) -> Output {
        Command::new(firekeep())
            .args(arguments)
            .env("FIREKEEP_DATA", self.folder())
            .env("FIREKEEP_CONFIG_DIR", self.folder().join("cli"))
            .stdin(Stdio::null())
            .output()
            .expect("firekeep runs")
    }

    /// `kill -9`, at once; the folder goes on to the next start.
    pub fn kill(mut self) -> TempDir {
        self.process.kill().expect("the process can be killed");
        let _ = self.process.wait();
        self.folder.take().expect("the folder")
    }

    /// SIGTERM and the wait for the end: the exit code, the folder and the whole log.
    pub fn stop(mut self) -> (i32, TempDir, String) {
        let pid = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        let code = self.process.wait().expect("an end").code().unwrap_or(-1);
        let log = std::mem::replace(&mut self.log, std::thread::spawn(String::new));
        (code, self.folder.take().expect("the folder"), log.join().expect("the log is text"))
    }
}

impl Drop for Firekeep {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads a stream to its end beside the story, so that the process never blocks on a full pipe.
fn collect(mut stream: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the first words on standard output, which `serve` prints once it answers.
fn await_ready(process: &mut Child) -> Result<(), String> {
    let stdout = process.stdout.take().ok_or("no standard output")?;
    let (ready, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines();
        let _ = ready.send(lines.next().and_then(Result::ok));
        lines.for_each(drop);
    });
    match wait.recv_timeout(START_TIME) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("it ended".into()),
        Err(_) => Err(format!("nothing within {START_TIME:?}")),
    }
}

fn read_connection(folder: &Path) -> Value {
    let text = std::fs::read(folder.join("connection.json")).expect("connection.json is there");
    serde_json::from_slice(&text).expect("connection.json is JSON")
}

fn client(connection: &Value) -> reqwest::Client {
    let ca = std::fs::read(connection["caBundle"].as_str().expect("a CA")).expect("the CA file");
    let certificate = reqwest::Certificate::from_pem(&ca).expect("a PEM certificate");
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    reqwest::Client::builder()
        .tls_certs_only([certificate])
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .resolve("localhost", loopback)
        .resolve("main-demo.fhir.localhost", loopback)
        .timeout(Duration::from_secs(120))
        .build()
        .expect("a client")
}
