//! <https://learn.microsoft.com/graph/api/resources/application>

use std::sync::Arc;

use authority::{Application, Certificate, ChangeRefused, NewApplication, Secret};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::application_body::Body;
use super::query::Query;
use super::refusal::Refusal;
use super::{Call, no_content};
use crate::exchange::Answer;

const FILTERED: &[&str] = &["appId", "displayName", "identifierUris", "id"];

/// `GET /applications`.
pub(super) fn list(call: &Call) -> Result<Answer, Refusal> {
    let own = call.tenant();
    let all = call.caller.directory.applications().filter(|it| it.tenant == own);
    Query::of(call)?.list(all.map(|application| shape(application)), FILTERED)
}

/// `GET /applications/{id}`, by object id.
pub(super) fn get(call: &Call, id: &str) -> Result<Answer, Refusal> {
    Ok(Query::of(call)?.one(shape(find(call, id)?)))
}

/// `POST /applications`.
pub(super) async fn create(mut call: Call) -> Result<Answer, Refusal> {
    let body: Body = call.json().await?;
    body.check()?;
    let Some(display_name) = body.display_name.clone() else {
        return Err(Refusal::Invalid("'displayName' is required.".into()));
    };
    let new = NewApplication {
        tenant: call.tenant(),
        display_name,
        redirect_uris: Vec::new(),
        identifier_uris: Vec::new(),
        public_client: false,
    };
    let shown = call
        .change(move |draft| {
            let id = draft.add_application(new)?.object_id;
            body.apply(draft, id)?;
            let missing = || ChangeRefused::NotFound(id.to_string());
            Ok(shape(draft.application(id).ok_or_else(missing)?))
        })
        .await?;
    Ok(Answer::json(StatusCode::CREATED, &shown))
}

/// `PATCH /applications/{id}`; a list that is given replaces the list.
pub(super) async fn update(mut call: Call, id: &str) -> Result<Answer, Refusal> {
    let id = find(&call, id)?.object_id;
    let body: Body = call.json().await?;
    body.check()?;
    call.change(move |draft| body.apply(draft, id)).await?;
    Ok(no_content())
}

/// `DELETE /applications/{id}`, and its service principals with it.
pub(super) async fn delete(call: &Call, id: &str) -> Result<Answer, Refusal> {
    let id = find(call, id)?.object_id;
    call.change(move |draft| draft.remove_application(id)).await?;
    Ok(no_content())
}

pub(super) fn find<'a>(call: &'a Call, id: &str) -> Result<&'a Arc<Application>, Refusal> {
    let found = Uuid::try_parse(id).ok().and_then(|id| call.caller.directory.application(id));
    let found = found.filter(|application| application.tenant == call.tenant());
    found.ok_or_else(|| Refusal::NoSuchObject(format!("application {id}")))
}

pub(super) fn shape(application: &Application) -> Value {
    let redirects = json!({ "redirectUris": application.redirect_uris });
    let none = json!({ "redirectUris": [] });
    let (web, public) =
        if application.public_client { (none, redirects) } else { (redirects, none) };
    json!({
        "id": application.object_id,
        "appId": application.client_id,
        "displayName": application.display_name,
        "identifierUris": application.identifier_uris,
        "signInAudience": "AzureADMyOrg",
        "isFallbackPublicClient": application.public_client,
        "web": web,
        "publicClient": public,
        "passwordCredentials": application.secrets.iter().map(secret).collect::<Vec<_>>(),
        "keyCredentials": application.certificates.iter().map(certificate).collect::<Vec<_>>(),
        "createdDateTime": application.created.to_string(),
    })
}

fn secret(secret: &Secret) -> Value {
    json!({
        "keyId": secret.key_id,
        "displayName": secret.display_name,
        "hint": secret.hint,
        "startDateTime": secret.start.to_string(),
        "endDateTime": secret.end.to_string(),
        "secretText": null,
    })
}

fn certificate(certificate: &Certificate) -> Value {
    json!({
        "keyId": certificate.key_id,
        "displayName": certificate.display_name,
        "customKeyIdentifier": certificate.sha1,
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "startDateTime": certificate.start.to_string(),
        "endDateTime": certificate.end.to_string(),
        "key": null,
    })
}
