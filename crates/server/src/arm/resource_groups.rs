//! <https://learn.microsoft.com/rest/api/resources/resource-groups>

use std::collections::BTreeMap;

use authority::{ResourceGroup, Scope};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use super::route::Group;
use super::{Call, ok, values, written};
use crate::control::body;
use crate::exchange::{Answer, Body};

const READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";
const WRITE: &str = "Microsoft.Resources/subscriptions/resourceGroups/write";
const DELETE: &str = "Microsoft.Resources/subscriptions/resourceGroups/delete";

/// What `PUT` takes; what the server makes itself may come back as it was given out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    location: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "type")]
    _kind: Option<IgnoredAny>,
    #[serde(rename = "properties")]
    _properties: Option<ReadOnly>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadOnly {
    #[serde(rename = "provisioningState")]
    _state: Option<IgnoredAny>,
}

/// `GET …/resourcegroups`: those the caller may see.
pub(super) fn list(call: &Call, subscription: Uuid) -> Result<Answer, Refusal> {
    call.only_get()?;
    call.subscription(subscription)?;
    let groups = call.caller.directory.resource_groups(subscription);
    let seen = groups.filter(|group| call.may(READ, &scope(group)));
    values(seen.map(|group| shape(group)))
}

/// `GET`, `HEAD`, `PUT` and `DELETE …/resourcegroups/{name}`.
pub(super) async fn one(mut call: Call, group: Group) -> Result<Answer, Refusal> {
    call.subscription(group.subscription)?;
    let place = Scope::resource_group(group.subscription, &group.name);
    match call.request.method {
        Method::GET => {
            call.allow(READ, &place)?;
            let found = call.caller.directory.resource_group(group.subscription, &group.name);
            if call.request.head && found.is_some() {
                // What `az group exists` asks for.
                return Ok(Answer::empty(StatusCode::NO_CONTENT));
            }
            ok(&shape(found.ok_or(Refusal::NoSuchGroup(group.name))?))
        }
        Method::PUT => {
            call.allow(WRITE, &place)?;
            let body = std::mem::replace(&mut call.request.body, Body::of(""));
            put(&call, group, body::json(body).await?).await
        }
        Method::DELETE => {
            call.allow(DELETE, &place)?;
            call.group(&group)?;
            call.change(move |draft| draft.remove_resource_group(group.subscription, &group.name))
                .await?;
            Ok(Answer::empty(StatusCode::OK))
        }
        _ => Err(Refusal::OnlyMethods("GET, PUT, DELETE")),
    }
}

async fn put(call: &Call, group: Group, body: Put) -> Result<Answer, Refusal> {
    let known = call.caller.directory.resource_group(group.subscription, &group.name).cloned();
    let location = body.location.or_else(|| known.as_ref().map(|known| known.location.clone()));
    let new = ResourceGroup {
        subscription: group.subscription,
        name: known.as_ref().map_or(group.name, |known| known.name.clone()),
        location: location.ok_or_else(|| Refusal::Invalid("'location' is required.".into()))?,
        tags: body.tags,
    };
    let answer = written(known.is_none(), &shape(&new));
    call.change(move |draft| draft.put_resource_group(new)).await?;
    Ok(answer)
}

fn scope(group: &ResourceGroup) -> Scope {
    Scope::resource_group(group.subscription, &group.name)
}

fn shape(group: &ResourceGroup) -> Value {
    json!({
        "id": scope(group),
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "tags": group.tags,
        "properties": { "provisioningState": "Succeeded" },
    })
}
