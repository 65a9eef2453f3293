//! The commands that a new user types, as `serve` prints them and `env` comments them.
//!
//! README.md shows the same lines.

use crate::client::connection::Connection;

/// Lines for az and curl.
pub(crate) fn bash(connection: &Connection) -> Vec<String> {
    let arm = &connection.arm;
    let mut lines = vec![
        format!("az cloud register -n firekeep --endpoint-resource-manager {arm}"),
        "az cloud set -n firekeep".to_owned(),
        "az config set core.instance_discovery=false".to_owned(),
    ];
    let login = if has_secret(connection) {
        r#"az login --service-principal -u "$CLIENT_ID" -p "$CLIENT_SECRET" --tenant "$TENANT""#
    } else {
        "az login"
    };
    lines.push(login.to_owned());
    if connection.service.is_some() {
        lines.extend(text(&[
            "token=$(az account get-access-token --resource=$FHIR_URL --query accessToken \
             --output tsv)",
            r#"curl -X GET --header "Authorization: Bearer $token" $FHIR_URL/Patient"#,
        ]));
    }
    lines
}

/// Lines for PowerShell 7 with Az 14 and newer; `None` when there is no secret to sign in with.
pub(crate) fn powershell(connection: &Connection) -> Option<Vec<String>> {
    if !has_secret(connection) {
        return None;
    }
    let arm = &connection.arm;
    let mut lines = vec![format!("Add-AzEnvironment -Name firekeep -ARMEndpoint {arm}")];
    lines.extend(text(&[
        "$secret = ConvertTo-SecureString $env:CLIENT_SECRET -AsPlainText -Force",
        "$credential = [pscredential]::new($env:CLIENT_ID, $secret)",
        "Connect-AzAccount -Environment firekeep -ServicePrincipal -Credential $credential `",
        "  -Tenant $env:TENANT",
    ]));
    if connection.service.is_some() {
        lines.extend(text(&[
            "$token = (Get-AzAccessToken -ResourceUrl $env:FHIR_URL).Token",
            r#"Invoke-WebRequest "$env:FHIR_URL/Patient" -Authentication Bearer -Token $token"#,
        ]));
    }
    Some(lines)
}

/// The last of the PowerShell lines where Az gives the token as text.
pub(crate) const OLDER_AZ: &str =
    r#"Invoke-WebRequest "$env:FHIR_URL/Patient" -Headers @{ Authorization = "Bearer $token" }"#;

/// What is missing in a folder whose first start made no application, or whose file was deleted.
pub(crate) fn missing(connection: &Connection) -> Vec<String> {
    let mut lines = Vec::new();
    match &connection.application {
        Some(application) if application.client_secret.is_none() => lines.push(
            "The client secret is not known any more. For a new one sign in with firekeep login, \
             or stop the server, and run: firekeep app reset-secret",
        ),
        Some(_) => {}
        None => lines.push("For scripts, an application with a secret: firekeep app create NAME"),
    }
    if connection.service.is_none() {
        lines.push("A FHIR service: firekeep service create main/demo");
    }
    text(&lines)
}

fn has_secret(connection: &Connection) -> bool {
    connection.application.as_ref().is_some_and(|it| it.client_secret.is_some())
}

fn text(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}
