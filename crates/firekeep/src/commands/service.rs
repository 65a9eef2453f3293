//! `firekeep service`: FHIR services as Azure Resource Manager knows them, and their lists of
//! allowed object ids.

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::control::{Control, ServiceName, items, text};
use crate::client::data_folder::{DataArgs, Opened};
use crate::output::{Column, OutputArgs, note};

const LOCATION: &str = "local";
const COLUMNS: [Column; 4] = [
    ("Name", "/name"),
    ("Kind", "/kind"),
    ("Url", "/properties/authenticationConfiguration/audience"),
    ("State", "/properties/provisioningState"),
];

/// Create, list and delete FHIR services; allow and disallow object ids.
#[derive(Subcommand, Debug)]
pub(crate) enum ServiceCommand {
    /// Create a service, and its workspace when there is none
    #[command(after_help = "Example:\n  firekeep service create main/lab")]
    Create {
        /// Workspace and name, as in main/demo
        service: ServiceName,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List all services
    #[command(after_help = "Example:\n  firekeep service list --output table")]
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show a service with its allowed object ids
    #[command(after_help = "Example:\n  firekeep service show main/demo")]
    Show {
        /// Workspace and name, as in main/demo
        service: ServiceName,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Delete a service and all of its data
    #[command(after_help = "Example:\n  firekeep service delete main/lab --yes")]
    Delete {
        /// Workspace and name, as in main/demo
        service: ServiceName,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Put object ids on the list of allowed object ids
    #[command(after_help = "Example:\n  firekeep service allow main/demo OBJECT_ID")]
    Allow(Listed),
    /// Take object ids off the list of allowed object ids
    #[command(after_help = "Example:\n  firekeep service disallow main/demo OBJECT_ID")]
    Disallow(Listed),
}

/// A service and object ids.
#[derive(clap::Args, Debug)]
pub(crate) struct Listed {
    /// Workspace and name, as in main/demo
    service: ServiceName,
    /// Object ids of users or service principals
    #[arg(required = true, value_name = "OBJECT_ID", value_parser = object_id)]
    object_ids: Vec<uuid::Uuid>,
    #[command(flatten)]
    data: DataArgs,
}

fn object_id(text: &str) -> Result<uuid::Uuid, String> {
    let hint = "an object id is a GUID; firekeep app list and firekeep user list show them";
    text.parse().map_err(|_wrong| hint.to_owned())
}

pub(crate) async fn run(command: ServiceCommand) -> Result<()> {
    match command {
        ServiceCommand::Create { service, data, output } => create(&service, &data, &output).await,
        ServiceCommand::List { data, output } => list(&data, &output).await,
        ServiceCommand::Show { service, data, output } => show(&service, &data, &output).await,
        ServiceCommand::Delete { service, yes, data } => delete(&service, yes, &data).await,
        ServiceCommand::Allow(listed) => allow(&listed).await,
        ServiceCommand::Disallow(listed) => disallow(&listed).await,
    }
}

async fn create(service: &ServiceName, data: &DataArgs, output: &OutputArgs) -> Result<()> {
    data.with(async |opened| {
        let control = opened.control();
        let workspace = control.workspace_id(&service.workspace);
        if control.get(&workspace).await.is_err() {
            if opened.connection.resource_group.is_none() {
                control.ensure_resource_group(LOCATION).await?;
            }
            control.put(&workspace, &json!({"location": LOCATION})).await?;
        }
        let body = json!({"location": LOCATION, "kind": "fhir-R4", "properties": {}});
        let made = control.put(&control.service_id(service), &body).await?;
        output.print(made)
    })
    .await
}

async fn list(data: &DataArgs, output: &OutputArgs) -> Result<()> {
    data.with(async |opened| {
        let control = opened.control();
        let subscription = control.subscription();
        let workspaces = format!("{subscription}/providers/Microsoft.HealthcareApis/workspaces");
        let mut services = Vec::new();
        for workspace in items(&control.get(&workspaces).await?) {
            let id = format!("{}/fhirservices", text(&workspace, "/id"));
            services.extend(items(&control.get(&id).await?));
        }
        output.print_with_columns(Value::Array(services), &COLUMNS)
    })
    .await
}

async fn show(service: &ServiceName, data: &DataArgs, output: &OutputArgs) -> Result<()> {
    data.with(async |opened| {
        let control = opened.control();
        let shown = control.get_with_policies(&control.service_id(service)).await?;
        output.print_with_columns(shown, &COLUMNS)
    })
    .await
}

async fn delete(service: &ServiceName, yes: bool, data: &DataArgs) -> Result<()> {
    if !yes {
        bail!(crate::cli::Usage(format!(
            "this deletes {service} and all of its data; add --yes when you mean it"
        )));
    }
    data.with(async |opened| {
        let control = opened.control();
        let id = control.service_id(service);
        control.get(&id).await?;
        control.delete(&id).await?;
        note(&format!("deleted {service}"));
        Ok(())
    })
    .await
}

async fn allow(listed: &Listed) -> Result<()> {
    let added = |ids: &mut Vec<String>| {
        for id in listed.object_ids.iter().map(ToString::to_string) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    };
    let work = async |opened: &Opened| {
        let control = opened.control();
        none_is_a_client_id(&control, listed).await?;
        change(&control, &listed.service, added).await
    };
    listed.data.with(work).await
}

/// The commonest mistake: the list knows object ids, and an application has a client id too.
async fn none_is_a_client_id(control: &Control<'_>, listed: &Listed) -> Result<()> {
    for id in &listed.object_ids {
        if let Some(client) = control.client(&id.to_string()).await? {
            bail!(
                "{id} is the client id of {}, and the list holds object ids: \
                 firekeep service allow {} {}",
                client.name,
                listed.service,
                client.object_id
            );
        }
    }
    Ok(())
}

async fn disallow(listed: &Listed) -> Result<()> {
    let gone: Vec<String> = listed.object_ids.iter().map(ToString::to_string).collect();
    let taken = |ids: &mut Vec<String>| ids.retain(|id| !gone.contains(id));
    let work = async |opened: &Opened| change(&opened.control(), &listed.service, taken).await;
    listed.data.with(work).await
}

async fn change(
    control: &Control<'_>,
    service: &ServiceName,
    edit: impl FnOnce(&mut Vec<String>),
) -> Result<()> {
    let id = control.service_id(service);
    let shown = control.get_with_policies(&id).await?;
    let policies = shown.pointer("/properties/accessPolicies").and_then(Value::as_array);
    let mut ids: Vec<String> = policies
        .into_iter()
        .flatten()
        .map(|policy| text(policy, "/objectId").to_ascii_lowercase())
        .collect();
    edit(&mut ids);
    let policies: Vec<Value> = ids.iter().map(|id| json!({"objectId": id})).collect();
    let body = json!({
        "location": shown.get("location"), "kind": shown.get("kind"),
        "properties": {"accessPolicies": policies},
    });
    control.put_with_policies(&id, &body).await?;
    let many = if ids.len() == 1 { "object id" } else { "object ids" };
    note(&format!("{service}: {} allowed {many}", ids.len()));
    Ok(())
}
