//! <https://learn.microsoft.com/rest/api/healthcareapis/workspaces>

use std::collections::BTreeMap;

use authority::{Scope, Workspace};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use super::route::Group;
use super::{Call, fhir_properties, ok, values, written};
use crate::control::body;
use crate::exchange::{Answer, Body};

pub(super) const READ: &str = "Microsoft.HealthcareApis/workspaces/read";
const WRITE: &str = "Microsoft.HealthcareApis/workspaces/write";
const DELETE: &str = "Microsoft.HealthcareApis/workspaces/delete";

/// What `PUT` takes, for workspaces and services; what the server makes itself may come back as it
/// was given out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Put {
    pub(super) location: Option<String>,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) properties: Map<String, Value>,
    pub(super) kind: Option<String>,
    pub(super) identity: Option<Value>,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "type")]
    _type: Option<IgnoredAny>,
    #[serde(rename = "etag")]
    _etag: Option<IgnoredAny>,
    #[serde(rename = "systemData")]
    _system_data: Option<IgnoredAny>,
}

/// What `PATCH` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tags {
    pub(super) tags: BTreeMap<String, String>,
}

/// `GET …/workspaces` of a subscription or a group: those the caller may see.
pub(super) fn list(
    call: &Call,
    subscription: Uuid,
    group: Option<&str>,
) -> Result<Answer, Refusal> {
    call.only_get()?;
    call.subscription(subscription)?;
    let here = |workspace: &Workspace| {
        workspace.subscription == subscription
            && group.is_none_or(|group| workspace.resource_group.eq_ignore_ascii_case(group))
    };
    let all = call.caller.directory.workspaces().filter(|workspace| here(workspace));
    values(all.filter(|workspace| call.may(READ, &workspace.scope())).map(|it| shape(it)))
}

/// `GET`, `PUT`, `PATCH` (tags) and `DELETE …/workspaces/{name}`.
pub(super) async fn one(mut call: Call, group: Group, name: String) -> Result<Answer, Refusal> {
    call.subscription(group.subscription)?;
    let place = Scope::workspace(group.subscription, &group.name, &name);
    let action = match call.request.method {
        Method::GET => READ,
        Method::PUT | Method::PATCH => WRITE,
        Method::DELETE => DELETE,
        _ => return Err(Refusal::OnlyMethods("GET, PUT, PATCH, DELETE")),
    };
    // Rights come before existence: who may not look learns nothing.
    call.allow(action, &place)?;
    let group = call.group(&group)?;
    let body = std::mem::replace(&mut call.request.body, Body::of(""));
    match call.request.method {
        Method::PUT => put(&call, group, &name, body::json(body).await?).await,
        Method::PATCH => {
            let Tags { tags } = body::json(body).await?;
            let new = Workspace { tags, ..find(&call, &place, &name)?.clone() };
            let answer = written(false, &shape(&new));
            call.change(move |draft| draft.put_workspace(new)).await?;
            Ok(answer)
        }
        Method::DELETE => {
            if find(&call, &place, &name).is_err() {
                return Ok(Answer::empty(StatusCode::NO_CONTENT));
            }
            call.change(move |draft| draft.remove_workspace(&name)).await?;
            Ok(Answer::empty(StatusCode::OK))
        }
        _ => ok(&shape(find(&call, &place, &name)?)),
    }
}

/// The workspace of this name, when it lies in the group that the path names.
pub(super) fn find<'a>(
    call: &'a Call,
    place: &Scope,
    name: &str,
) -> Result<&'a Workspace, Refusal> {
    let found = call.caller.directory.workspace(name);
    let found = found.filter(|workspace| workspace.scope() == *place);
    found.map(AsRef::as_ref).ok_or_else(|| Refusal::NoSuchResource(place.to_string()))
}

async fn put(call: &Call, group: Group, name: &str, body: Put) -> Result<Answer, Refusal> {
    let known = call.caller.directory.workspace(name).cloned();
    if body.kind.is_some() || body.identity.is_some() {
        let message = "'kind' and 'identity' are properties of fhirservices, not of workspaces.";
        return Err(Refusal::Invalid(message.into()));
    }
    fhir_properties::check_workspace(&body.properties)?;
    let location = body.location.or_else(|| known.as_ref().map(|known| known.location.clone()));
    let new = Workspace {
        name: name.to_lowercase(),
        subscription: group.subscription,
        resource_group: group.name,
        location: location.ok_or_else(|| Refusal::Invalid("'location' is required.".into()))?,
        tags: body.tags,
        properties: Map::new(),
        created: known.as_ref().map_or(call.request.now, |known| known.created),
    };
    let answer = written(known.is_none(), &shape(&new));
    call.change(move |draft| draft.put_workspace(new)).await?;
    Ok(answer)
}

fn shape(workspace: &Workspace) -> Value {
    json!({
        "id": workspace.scope(),
        "name": workspace.name,
        "type": "Microsoft.HealthcareApis/workspaces",
        "location": workspace.location,
        "tags": workspace.tags,
        "systemData": { "createdAt": workspace.created.to_string() },
        "properties": {
            "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
            "privateEndpointConnections": [],
        },
    })
}
