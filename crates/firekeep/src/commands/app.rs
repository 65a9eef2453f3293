//! `firekeep app`: applications with their service principals, secrets and certificates, over
//! Graph.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use reqwest::Method;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::client::connection;
use crate::client::control::{Control, items, text};
use crate::client::data_folder::DataArgs;
use crate::output::{Column, OutputArgs, note};

const COLUMNS: [Column; 3] =
    [("Name", "/displayName"), ("ClientId", "/clientId"), ("ObjectId", "/objectId")];

/// Create and list applications, reset secrets, add certificates.
#[derive(Subcommand, Debug)]
pub(crate) enum AppCommand {
    /// Create an application with a service principal and a secret
    #[command(after_help = "Example:\n  firekeep app create reporting")]
    Create {
        /// Name to show
        name: String,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List all applications
    #[command(after_help = "Example:\n  firekeep app list --output table")]
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Make a new secret and end the old ones
    #[command(after_help = "Examples:
  firekeep app reset-secret                        the application of connection.json
  firekeep app reset-secret CLIENT_ID --append     keep the old secrets")]
    ResetSecret {
        /// Client id; the application of connection.json unless given
        client_id: Option<String>,
        /// Keep the old secrets
        #[arg(long)]
        append: bool,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Let an application sign in with the key of a certificate
    #[command(after_help = "Example:
  openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=job -keyout key.pem -out cert.pem
  firekeep app add-certificate CLIENT_ID cert.pem")]
    AddCertificate {
        /// Client id
        client_id: String,
        /// PEM file that holds the certificate; a private key in it is not sent
        file: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
}

pub(crate) async fn run(command: AppCommand) -> Result<()> {
    match command {
        AppCommand::Create { name, data, output } => create(&name, &data, &output).await,
        AppCommand::List { data, output } => list(&data, &output).await,
        AppCommand::ResetSecret { client_id, append, data, output } => {
            reset_secret(client_id, append, &data, &output).await
        }
        AppCommand::AddCertificate { client_id, file, data } => {
            add_certificate(&client_id, &file, &data).await
        }
    }
}

async fn create(name: &str, data: &DataArgs, output: &OutputArgs) -> Result<()> {
    data.with(async |opened| {
        let control = opened.control();
        let body = json!({"displayName": name});
        let application = control.graph(Method::POST, "/v1.0/applications", Some(&body)).await?;
        let client_id = text(&application, "/appId");
        let body = json!({"appId": client_id, "accountEnabled": true});
        let principal = control.graph(Method::POST, "/v1.0/servicePrincipals", Some(&body)).await?;
        let secret = add_secret(&control, text(&application, "/id")).await?;
        let answer = json!({
            "displayName": name, "clientId": client_id, "objectId": text(&principal, "/id"),
            "clientSecret": secret, "tenant": opened.connection.tenant_id,
        });
        output.print(answer)
    })
    .await
}

async fn list(data: &DataArgs, output: &OutputArgs) -> Result<()> {
    data.with(async |opened| {
        let control = opened.control();
        let applications = control.graph(Method::GET, "/v1.0/applications", None).await?;
        let principals = control.graph(Method::GET, "/v1.0/servicePrincipals", None).await?;
        let principals = items(&principals);
        let shown = items(&applications).iter().map(|it| summary(it, &principals)).collect();
        output.print_with_columns(shown, &COLUMNS)
    })
    .await
}

fn summary(application: &Value, principals: &[Value]) -> Value {
    let client_id = text(application, "/appId");
    let principal = principals.iter().find(|it| text(it, "/appId") == client_id);
    let count = |key: &str| application.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    json!({
        "displayName": application.get("displayName"), "clientId": client_id,
        "objectId": principal.and_then(|it| it.get("id")),
        "secrets": count("passwordCredentials"), "certificates": count("keyCredentials"),
    })
}

async fn reset_secret(
    client_id: Option<String>,
    append: bool,
    data: &DataArgs,
    output: &OutputArgs,
) -> Result<()> {
    data.with(async |opened| {
        let own = opened.connection.application.as_ref().map(|it| it.client_id.clone());
        let client_id = client_id.or_else(|| own.clone()).ok_or_else(|| {
            anyhow!("this data folder has no application; name one, see: firekeep app list")
        })?;
        let control = opened.control();
        let application = find(&control, &client_id).await?;
        let id = text(&application, "/id");
        let secret = add_secret(&control, id).await?;
        if own.as_deref() == Some(client_id.as_str()) {
            let pointer = "/application/clientSecret";
            connection::put_secret(&opened.folder, pointer, &secret, &opened.whole)?;
        }
        if !append {
            let old = application.get("passwordCredentials").and_then(Value::as_array);
            for credential in old.into_iter().flatten() {
                let body = json!({"keyId": credential.get("keyId")});
                let path = format!("/v1.0/applications/{id}/removePassword");
                control.graph(Method::POST, &path, Some(&body)).await?;
            }
        }
        let tenant = opened.connection.tenant_id.clone();
        output.print(json!({"clientId": client_id, "clientSecret": secret, "tenant": tenant}))
    })
    .await
}

async fn add_certificate(client_id: &str, file: &Path, data: &DataArgs) -> Result<()> {
    let pem = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let certificate = CertificateDer::from_pem_slice(&pem)
        .map_err(|_none| anyhow!("{} holds no PEM certificate", file.display()))?;
    data.with(async |opened| {
        let control = opened.control();
        let application = find(&control, client_id).await?;
        let held = application.get("keyCredentials").and_then(Value::as_array);
        let mut keys: Vec<Value> =
            held.into_iter().flatten().map(|key| json!({"keyId": key.get("keyId")})).collect();
        keys.push(json!({
            "type": "AsymmetricX509Cert", "usage": "Verify", "key": STANDARD.encode(&certificate),
        }));
        let path = format!("/v1.0/applications/{}", text(&application, "/id"));
        control.graph(Method::PATCH, &path, Some(&json!({"keyCredentials": keys}))).await?;
        note(&format!("{client_id} may now sign in with the key of {}", file.display()));
        Ok(())
    })
    .await
}

async fn find(control: &Control<'_>, client_id: &str) -> Result<Value> {
    let quoted = client_id.replace('\'', "''");
    let found = control.find("applications", &format!("appId eq '{quoted}'")).await?;
    found.ok_or_else(|| {
        anyhow!("there is no application with client id {client_id}; see: firekeep app list")
    })
}

async fn add_secret(control: &Control<'_>, id: &str) -> Result<String> {
    let body = json!({"passwordCredential": {"displayName": "firekeep"}});
    let path = format!("/v1.0/applications/{id}/addPassword");
    let made = control.graph(Method::POST, &path, Some(&body)).await?;
    Ok(text(&made, "/secretText").to_owned())
}
