//! `firekeep env`: the variables that az, PowerShell, curl and the SDKs need, in a form that a
//! shell evaluates.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::first_steps;
use crate::client::connection::Connection;
use crate::client::data_folder::FolderArgs;
use crate::output::say;

/// Print the variables and commands that az, PowerShell and the SDKs need.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  eval \"$(firekeep env --shell bash)\"
  firekeep env --shell powershell | Out-String | Invoke-Expression
  firekeep env                                   look at the commands in the comments")]
pub(crate) struct EnvArgs {
    /// Shell that will evaluate it
    #[arg(long, value_enum, default_value_t = Shell::Bash)]
    shell: Shell,
    #[command(flatten)]
    data: FolderArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    /// bash, zsh, sh
    Bash,
    /// PowerShell 7 and Windows PowerShell
    #[value(alias = "pwsh")]
    Powershell,
}

pub(crate) fn run(args: &EnvArgs) -> Result<()> {
    let connection = args.data.connection()?;
    let folder = std::path::absolute(&args.data.folder).context("the data folder has no path")?;
    say(render(args.shell, &connection, &folder).trim_end())
}

fn render(shell: Shell, connection: &Connection, folder: &Path) -> String {
    let mut out = String::new();
    for (name, value) in variables(shell, connection, folder) {
        let _infallible = match shell {
            Shell::Bash => writeln!(out, "export {name}='{}'", value.replace('\'', r"'\''")),
            Shell::Powershell => writeln!(out, "$env:{name} = '{}'", value.replace('\'', "''")),
        };
    }
    out.push_str(&steps(shell, connection));
    out
}

/// PowerShell, Python and Node find no `*.fhir.localhost` on many machines, so `FHIR_URL` of
/// PowerShell is the path form, and bash gets it as `FHIR_PATH_URL`; curl and browsers find both.
fn variables(shell: Shell, connection: &Connection, folder: &Path) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if let Some(ca) = &connection.ca_bundle {
        let trust = [
            "CA_BUNDLE",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "SSL_CERT_FILE",
            "NODE_EXTRA_CA_CERTS",
            "FIREKEEP_CA",
        ];
        all.extend(trust.map(|name| (name, ca.display().to_string())));
    }
    all.push(("AZURE_CONFIG_DIR", folder.join("azure").display().to_string()));
    all.push(("AZURE_CORE_INSTANCE_DISCOVERY", "false".to_owned()));
    all.push(("AUTHORITY", connection.authority.clone()));
    // `firekeep login` and `account` then find their authority from any folder.
    all.push(("FIREKEEP_AUTHORITY", connection.authority.clone()));
    all.push(("ARM", connection.arm.clone()));
    all.push(("TENANT", connection.tenant_id.clone()));
    all.push(("TENANT_DOMAIN", connection.tenant_domain.clone()));
    all.push(("SUBSCRIPTION", connection.subscription_id.clone()));
    if let Some(service) = &connection.service {
        let url = match shell {
            Shell::Bash => &service.url,
            Shell::Powershell => &service.path_url,
        };
        all.push(("FHIR_URL", url.clone()));
        all.push(("FHIR_PATH_URL", service.path_url.clone()));
    }
    all.push(("AZURE_AUTHORITY_HOST", connection.authority.clone()));
    all.push(("AZURE_TENANT_ID", connection.tenant_id.clone()));
    if let Some(application) = &connection.application {
        all.push(("CLIENT_ID", application.client_id.clone()));
        all.push(("AZURE_CLIENT_ID", application.client_id.clone()));
        if let Some(secret) = &application.client_secret {
            all.push(("CLIENT_SECRET", secret.clone()));
            all.push(("AZURE_CLIENT_SECRET", secret.clone()));
        }
    }
    all
}

/// The commands, as comments of either shell.
fn steps(shell: Shell, connection: &Connection) -> String {
    let mut lines = Vec::new();
    match shell {
        Shell::Bash => lines.extend(first_steps::bash(connection)),
        Shell::Powershell => {
            lines.extend(first_steps::powershell(connection).unwrap_or_default());
            if !lines.is_empty() && connection.service.is_some() {
                lines.push("# and in place of the last line, with Az older than 14:".to_owned());
                lines.push(first_steps::OLDER_AZ.to_owned());
            }
            if connection.ca_bundle.is_some() {
                let trust = "# the operating system must trust $env:CA_BUNDLE";
                lines.insert(0, trust.to_owned());
            }
        }
    }
    let missing = first_steps::missing(connection).into_iter().map(|line| format!("# {line}"));
    let comment = |line: String| match line.strip_prefix("# ") {
        Some(sentence) => format!("# {sentence}\n"),
        None => format!("#   {line}\n"),
    };
    lines.into_iter().chain(missing).map(comment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        serde_json::from_value(serde_json::json!({
            "authority": "https://localhost:8443", "arm": "https://localhost:8443",
            "graph": "https://localhost:8443", "tenantId": "T", "tenantDomain": "t.localhost",
            "subscriptionId": "S", "resourceGroup": "firekeep",
            "service": {"id": "/x", "url": "https://main-demo.fhir.localhost:8443",
                        "pathUrl": "https://localhost:8443/fhir/main-demo"},
            "application": {"clientId": "C", "objectId": "O", "clientSecret": "it's"},
            "caBundle": "/d/ca.pem",
        }))
        .unwrap()
    }

    #[test]
    fn bash_exports_quoted_values_and_comments_the_rest() {
        let text = render(Shell::Bash, &connection(), Path::new("/d"));
        assert!(text.contains("export REQUESTS_CA_BUNDLE='/d/ca.pem'\n"), "{text}");
        assert!(text.contains("export FHIR_URL='https://main-demo.fhir.localhost:8443'\n"));
        assert!(text.contains("export FIREKEEP_AUTHORITY='https://localhost:8443'\n"), "{text}");
        assert!(text.contains(r"export CLIENT_SECRET='it'\''s'"), "{text}");
        assert!(text.lines().all(|line| line.starts_with("export ") || line.starts_with('#')));
    }

    #[test]
    fn powershell_gets_the_path_form() {
        let text = render(Shell::Powershell, &connection(), Path::new("/d"));
        assert!(
            text.contains("$env:FHIR_URL = 'https://localhost:8443/fhir/main-demo'\n"),
            "{text}"
        );
        assert!(text.contains("$env:CLIENT_SECRET = 'it''s'\n"), "{text}");
        assert!(text.contains(
            "#   Add-AzEnvironment -Name firekeep -ARMEndpoint https://localhost:8443\n"
        ));
    }

    #[test]
    fn a_folder_without_application_or_service_says_how_to_make_them() {
        let mut bare = connection();
        (bare.application, bare.service) = (None, None);
        let text = render(Shell::Bash, &bare, Path::new("/d"));
        assert!(text.contains("#   az login\n"), "{text}");
        assert!(!text.contains("FHIR_URL") && !text.contains("CLIENT_SECRET"), "{text}");
        assert!(text.ends_with("# A FHIR service: firekeep service create main/demo\n"), "{text}");
        let text = render(Shell::Powershell, &bare, Path::new("/d"));
        assert!(!text.contains("Connect-AzAccount"), "{text}");
    }
}
