//! <https://learn.microsoft.com/graph/api/resources/serviceprincipal>

use std::sync::Arc;

use authority::{ChangeRefused, Directory, ServicePrincipal};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::query::Query;
use super::refusal::Refusal;
use super::{Call, no_content};
use crate::exchange::Answer;

const FILTERED: &[&str] = &["appId", "displayName", "servicePrincipalNames", "id"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Create {
    app_id: Uuid,
    #[serde(default = "yes")]
    account_enabled: bool,
}

fn yes() -> bool {
    true
}

/// `GET /servicePrincipals`.
pub(super) fn list(call: &Call) -> Result<Answer, Refusal> {
    let directory = &call.caller.directory;
    let own = call.tenant();
    let all = directory.service_principals().filter(|principal| principal.tenant == own);
    Query::of(call)?.list(all.map(|principal| shape(directory, principal)), FILTERED)
}

/// `GET /servicePrincipals/{id}`.
pub(super) fn get(call: &Call, id: &str) -> Result<Answer, Refusal> {
    let principal = find(call, id)?;
    Ok(Query::of(call)?.one(shape(&call.caller.directory, principal)))
}

/// `POST /servicePrincipals`: gives an application an identity in the tenant.
pub(super) async fn create(mut call: Call) -> Result<Answer, Refusal> {
    let body: Create = call.json().await?;
    let tenant = call.tenant();
    let shown = call
        .change(move |draft| {
            let id = draft.add_service_principal(tenant, body.app_id)?;
            if !body.account_enabled {
                draft.set_service_principal_enabled(id, false)?;
            }
            let missing = || ChangeRefused::NotFound(id.to_string());
            Ok(shape(draft, draft.service_principal(id).ok_or_else(missing)?))
        })
        .await?;
    Ok(Answer::json(StatusCode::CREATED, &shown))
}

/// `DELETE /servicePrincipals/{id}`.
pub(super) async fn delete(call: &Call, id: &str) -> Result<Answer, Refusal> {
    let id = find(call, id)?.object_id;
    call.change(move |draft| draft.remove_service_principal(id)).await?;
    Ok(no_content())
}

fn find<'a>(call: &'a Call, id: &str) -> Result<&'a Arc<ServicePrincipal>, Refusal> {
    let found = Uuid::try_parse(id).ok().and_then(|id| call.caller.directory.service_principal(id));
    let found = found.filter(|principal| principal.tenant == call.tenant());
    found.ok_or_else(|| Refusal::NoSuchObject(format!("service principal {id}")))
}

pub(super) fn shape(directory: &Directory, principal: &ServicePrincipal) -> Value {
    let application = directory.application_by_client_id(principal.client_id);
    let uris = application.map_or(&[][..], |it| it.identifier_uris.as_slice());
    let mut names = vec![principal.client_id.to_string()];
    names.extend(uris.iter().cloned());
    json!({
        "id": principal.object_id,
        "appId": principal.client_id,
        "displayName": principal.display_name,
        "appDisplayName": principal.display_name,
        "accountEnabled": principal.enabled,
        "servicePrincipalNames": names,
        "servicePrincipalType": "Application",
        "createdDateTime": principal.created.to_string(),
    })
}
