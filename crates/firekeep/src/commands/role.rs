//! `firekeep role`: role assignments as Azure Resource Manager keeps them, and what an identity may
//! do.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use clap::{ArgGroup, Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::control::{Control, Principal, ServiceName, items, text};
use crate::client::data_folder::DataArgs;
use crate::output::{Column, OutputArgs, note};

const COLUMNS: [Column; 4] = [
    ("Principal", "/principalName"),
    ("ObjectId", "/principalId"),
    ("Role", "/roleDefinitionName"),
    ("Scope", "/scope"),
];
const PREFIX: &str = "Microsoft.HealthcareApis/workspaces/fhirservices/resources/";

/// Assign roles, and see what an identity may do.
#[derive(Subcommand, Debug)]
pub(crate) enum RoleCommand {
    /// Give an identity a role; effective at once
    #[command(after_help = "Examples:
  firekeep role assign --who CLIENT_ID --role 'FHIR Data Reader' --service main/demo
  firekeep role assign --who OBJECT_ID --role Contributor --scope /subscriptions/S")]
    Assign(Assignment),
    /// Take a role away; effective at once
    #[command(after_help = "Example:
  firekeep role remove --who CLIENT_ID --role 'FHIR Data Reader' --service main/demo")]
    Remove(Assignment),
    /// List role assignments
    #[command(after_help = "Example:\n  firekeep role list --output table")]
    List {
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Say what an identity may do on a service, and why
    #[command(after_help = "Example:\n  firekeep role check --who CLIENT_ID --service main/demo")]
    Check {
        /// Object id, client id or user name
        #[arg(long)]
        who: String,
        /// Workspace and name, as in main/demo
        #[arg(long, value_name = "WS/NAME")]
        service: ServiceName,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Who, which role, where.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("where").required(true))]
pub(crate) struct Assignment {
    /// Object id, client id or user name
    #[arg(long)]
    who: String,
    /// Name or GUID of a role, as in 'FHIR Data Reader'
    #[arg(long)]
    role: String,
    /// The service it is for, as in main/demo
    #[arg(long, value_name = "WS/NAME", group = "where")]
    service: Option<ServiceName>,
    /// ARM id it is for: a subscription, resource group, workspace or service
    #[arg(long, value_name = "ARM_ID", group = "where")]
    scope: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(command: RoleCommand) -> Result<()> {
    match command {
        RoleCommand::Assign(assignment) => assign(&assignment).await,
        RoleCommand::Remove(assignment) => remove(&assignment).await,
        RoleCommand::List { data, output } => list(&data, &output).await,
        RoleCommand::Check { who, service, data, output } => {
            check(&who, &service, &data, &output).await
        }
    }
}

async fn assign(assignment: &Assignment) -> Result<()> {
    assignment
        .data
        .with(async |opened| {
            let control = opened.control();
            let scope = scope(&control, assignment);
            let principal = control.principal(&assignment.who).await?;
            let role = definition(&control, &assignment.role).await?;
            let definition_id = text(&role, "/id");
            let held = assignments(&control, &scope, &principal).await?;
            let same = held.iter().any(|it| is_exactly(it, &scope, definition_id));
            if !same {
                let body = json!({"properties": {
                    "roleDefinitionId": definition_id, "principalId": principal.object_id,
                    "principalType": principal.kind,
                }});
                let guid = base::ids::guid(&base::SystemRandom);
                let path = format!("roleAssignments/{guid}");
                control.authorization(Method::PUT, &scope, &path, Some(&body)).await?;
            }
            let verb = if same { "already has" } else { "now has" };
            let role = text(&role, "/properties/roleName");
            note(&format!("{} ({}) {verb} {role} at {scope}", principal.name, principal.object_id));
            Ok(())
        })
        .await
}

async fn remove(assignment: &Assignment) -> Result<()> {
    assignment
        .data
        .with(async |opened| {
            let control = opened.control();
            let scope = scope(&control, assignment);
            let principal = control.principal(&assignment.who).await?;
            let role = definition(&control, &assignment.role).await?;
            let held = assignments(&control, &scope, &principal).await?;
            let found = held.iter().find(|it| is_exactly(it, &scope, text(&role, "/id")));
            let role = text(&role, "/properties/roleName");
            let name = found.map(|it| text(it, "/name").to_owned()).ok_or_else(|| {
                anyhow!(
                    "{} has no {role} at exactly {scope}; see: firekeep role list",
                    principal.name
                )
            })?;
            let path = format!("roleAssignments/{name}");
            control.authorization(Method::DELETE, &scope, &path, None).await?;
            note(&format!(
                "{} ({}) no longer has {role} at {scope}",
                principal.name, principal.object_id
            ));
            Ok(())
        })
        .await
}

fn scope(control: &Control<'_>, assignment: &Assignment) -> String {
    let service = assignment.service.as_ref().map(|service| control.service_id(service));
    let given = assignment.scope.as_deref().map(|scope| scope.trim_end_matches('/').to_owned());
    service.or(given).unwrap_or_default()
}

fn is_exactly(assignment: &Value, scope: &str, definition_id: &str) -> bool {
    text(assignment, "/properties/scope").eq_ignore_ascii_case(scope)
        && text(assignment, "/properties/roleDefinitionId").eq_ignore_ascii_case(definition_id)
}

/// The assignments of a principal that hold at a scope: made there or above it.
async fn assignments(
    control: &Control<'_>,
    scope: &str,
    principal: &Principal,
) -> Result<Vec<Value>> {
    let filter = format!("assignedTo('{}')", principal.object_id);
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("$filter", &filter).finish();
    let path = format!("roleAssignments?{query}");
    Ok(items(&control.authorization(Method::GET, scope, &path, None).await?))
}

async fn definitions(control: &Control<'_>) -> Result<Vec<Value>> {
    let scope = control.subscription();
    Ok(items(&control.authorization(Method::GET, &scope, "roleDefinitions", None).await?))
}

async fn definition(control: &Control<'_>, role: &str) -> Result<Value> {
    let all = definitions(control).await?;
    let is_it = |it: &&Value| {
        text(it, "/properties/roleName").eq_ignore_ascii_case(role)
            || text(it, "/name").eq_ignore_ascii_case(role)
    };
    all.iter().find(is_it).cloned().ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|it| text(it, "/properties/roleName")).collect();
        anyhow!("there is no role '{role}'; the roles are: {}", names.join(", "))
    })
}

async fn list(data: &DataArgs, output: &OutputArgs) -> Result<()> {
    data.with(async |opened| {
        let control = opened.control();
        let scope = control.subscription();
        let held =
            items(&control.authorization(Method::GET, &scope, "roleAssignments", None).await?);
        let roles = definitions(&control).await?;
        let names = names(&control, &held).await?;
        output.print_with_columns(held.iter().map(|it| row(it, &roles, &names)).collect(), &COLUMNS)
    })
    .await
}

/// The directory objects that the assignments are for.
async fn names(control: &Control<'_>, held: &[Value]) -> Result<Vec<Value>> {
    let ids: BTreeSet<&str> = held.iter().map(|it| text(it, "/properties/principalId")).collect();
    let body = json!({"ids": ids, "types": ["user", "servicePrincipal"]});
    let path = "/v1.0/directoryObjects/getByIds";
    Ok(items(&control.graph(Method::POST, path, Some(&body)).await?))
}

fn row(assignment: &Value, roles: &[Value], names: &[Value]) -> Value {
    let property = |name: &str| text(assignment, &format!("/properties/{name}"));
    let role = role_of(assignment, roles);
    let principal = names.iter().find(|it| text(it, "/id") == property("principalId"));
    let name = principal.map(|it| match text(it, "/userPrincipalName") {
        "" => text(it, "/displayName"),
        user => user,
    });
    json!({
        "id": assignment.get("id"), "name": assignment.get("name"),
        "principalId": property("principalId"), "principalName": name,
        "principalType": property("principalType"), "scope": property("scope"),
        "roleDefinitionId": property("roleDefinitionId"),
        "roleDefinitionName": role.map(|it| text(it, "/properties/roleName")),
    })
}

fn role_of<'r>(assignment: &Value, roles: &'r [Value]) -> Option<&'r Value> {
    let id = text(assignment, "/properties/roleDefinitionId");
    roles.iter().find(|it| text(it, "/id").eq_ignore_ascii_case(id))
}

async fn check(
    who: &str,
    service: &ServiceName,
    data: &DataArgs,
    output: &OutputArgs,
) -> Result<()> {
    data.with(async |opened| {
        let control = opened.control();
        let principal = control.principal(who).await?;
        let id = control.service_id(service);
        let shown = control.get_with_policies(&id).await?;
        let roles = definitions(&control).await?;
        let held = assignments(&control, &id, &principal).await?;

        let policies = shown.pointer("/properties/accessPolicies").and_then(Value::as_array);
        let allowed =
            policies.into_iter().flatten().any(|it| text(it, "/objectId") == principal.object_id);
        let mut because = Vec::new();
        let mut may = BTreeSet::new();
        if allowed {
            may.insert("*".to_owned());
            because.push(json!({
                "why": "the object id is on the service's list of allowed object ids",
                "actions": ["*"],
            }));
        }
        for assignment in &held {
            let Some(role) = role_of(assignment, &roles) else { continue };
            let actions = data_actions(role);
            may.extend(actions.iter().cloned());
            let role = text(role, "/properties/roleName");
            let scope = text(assignment, "/properties/scope");
            because.push(json!({"why": format!("{role} at {scope}"), "actions": actions}));
        }
        output.print(json!({
            "who": principal.name, "objectId": principal.object_id, "type": principal.kind,
            "service": service.to_string(), "may": may, "because": because,
        }))
    })
    .await
}

/// What a role may do with a service's data: `read`, `write`, `* but not smart/action`.
fn data_actions(role: &Value) -> BTreeSet<String> {
    let permissions = role.pointer("/properties/permissions").and_then(Value::as_array);
    let mut actions = BTreeSet::new();
    for permission in permissions.into_iter().flatten() {
        let listed = |key: &str| -> Vec<String> {
            let all = permission.get(key).and_then(Value::as_array);
            let texts = all.into_iter().flatten().filter_map(Value::as_str);
            texts.filter_map(|it| it.strip_prefix(PREFIX)).map(str::to_owned).collect()
        };
        let not = listed("notDataActions");
        for action in listed("dataActions") {
            let but = action == "*" && !not.is_empty();
            actions.insert(if but { format!("* but not {}", not.join(", ")) } else { action });
        }
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_told_by_its_data_actions() {
        let role = json!({"properties": {"permissions": [{
            "dataActions":
                [format!("{PREFIX}*"), "Microsoft.HealthcareApis/services/fhir/resources/*"],
            "notDataActions": [format!("{PREFIX}smart/action")],
        }]}});
        assert_eq!(data_actions(&role), BTreeSet::from(["* but not smart/action".to_owned()]));
        let reader = json!({"properties": {"permissions": [{
            "dataActions": [format!("{PREFIX}read")], "notDataActions": [],
        }]}});
        assert_eq!(data_actions(&reader), BTreeSet::from(["read".to_owned()]));
    }
}
