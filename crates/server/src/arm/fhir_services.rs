//! <https://learn.microsoft.com/rest/api/healthcareapis/fhir-services>

use std::sync::Arc;

use authority::{ExpectedAudience, Scope, Service, ServiceId, Workspace};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::fhir_properties::{self, Authentication};
use super::refusal::Refusal;
use super::route::Group;
use super::workspaces::{self, Put, Tags};
use super::{Call, ok, values, written};
use crate::control::body;
use crate::edge::blocking;
use crate::exchange::{Answer, Body};

const READ: &str = "Microsoft.HealthcareApis/workspaces/fhirservices/read";
const WRITE: &str = "Microsoft.HealthcareApis/workspaces/fhirservices/write";
const DELETE: &str = "Microsoft.HealthcareApis/workspaces/fhirservices/delete";

/// `GET …/fhirservices`: those the caller may see.
pub(super) fn list(call: &Call, group: &Group, workspace: &str) -> Result<Answer, Refusal> {
    call.only_get()?;
    call.subscription(group.subscription)?;
    let place = Scope::workspace(group.subscription, &group.name, workspace);
    if let Err(missing) = workspaces::find(call, &place, workspace) {
        // Who may not see the workspace learns nothing about its existence.
        return if call.may(workspaces::READ, &place) { Err(missing) } else { values([(); 0]) };
    }
    let all = call.caller.directory.services_in(workspace);
    let seen = all.filter(|service| call.may(READ, &place.service(&service.id.name)));
    values(seen.map(|service| shape(call, service, &place)))
}

/// `GET`, `PUT`, `PATCH` (tags) and `DELETE …/fhirservices/{name}`.
pub(super) async fn one(
    mut call: Call,
    group: Group,
    workspace: &str,
    name: &str,
) -> Result<Answer, Refusal> {
    call.subscription(group.subscription)?;
    let parent = Scope::workspace(group.subscription, &group.name, workspace);
    let place = parent.service(name);
    let action = match call.request.method {
        Method::GET => READ,
        Method::PUT | Method::PATCH => WRITE,
        Method::DELETE => DELETE,
        _ => return Err(Refusal::OnlyMethods("GET, PUT, PATCH, DELETE")),
    };
    // Rights come before existence: who may not look learns nothing.
    call.allow(action, &place)?;
    let id = ServiceId::new(workspace, name);
    let found = workspaces::find(&call, &parent, workspace).map(Workspace::scope);
    let known = call.caller.directory.service(&id).filter(|_| found.is_ok()).cloned();
    let body = std::mem::replace(&mut call.request.body, Body::of(""));
    let missing = || Refusal::NoSuchResource(place.to_string());
    match call.request.method {
        Method::PUT => {
            let parent = found?;
            let service = new_service(&call, id, known.as_deref(), body::json(body).await?)?;
            store(&call, &service, known.is_none()).await?;
            Ok(written(known.is_none(), &shape(&call, &service, &parent)))
        }
        Method::PATCH => {
            let Tags { tags } = body::json(body).await?;
            let service = Service { tags, ..known.as_deref().ok_or_else(missing)?.clone() };
            store(&call, &service, false).await?;
            ok(&shape(&call, &service, &found?))
        }
        Method::DELETE => {
            if known.is_none() {
                return Ok(Answer::empty(StatusCode::NO_CONTENT));
            }
            call.change(move |draft| draft.remove_service(&id)).await?;
            open_and_close(&call).await?;
            Ok(Answer::empty(StatusCode::OK))
        }
        _ => ok(&shape(&call, known.as_deref().ok_or_else(missing)?, &found?)),
    }
}

async fn store(call: &Call, service: &Service, is_new: bool) -> Result<(), Refusal> {
    let kept = service.clone();
    call.change(move |draft| draft.put_service(kept)).await?;
    let opened = open_and_close(call).await;
    if opened.is_err() && is_new {
        take_back(call, service.id.clone()).await;
    }
    opened
}

/// A new service whose store could not be made, for want of room, is none. Where this cannot be
/// written either, the store is made as soon as there is room.
async fn take_back(call: &Call, id: ServiceId) {
    let taken = call.change(move |draft| draft.remove_service(&id)).await;
    if let Err(refusal) = taken {
        tracing::warn!(?refusal, "a service without a store could not be taken back");
    }
}

/// The service as the body asks for it; what the body leaves out stays.
fn new_service(
    call: &Call,
    id: ServiceId,
    known: Option<&Service>,
    body: Put,
) -> Result<Service, Refusal> {
    let kind = body.kind.or_else(|| known.map(|known| known.kind.clone()));
    match kind.as_deref() {
        Some("fhir-R4") => {}
        Some(other) => {
            return Err(Refusal::Invalid(format!(
                "The kind '{other}' is not supported; 'fhir-R4' is, and fhir-Stu3 comes later."
            )));
        }
        None => return Err(Refusal::Invalid("'kind' is required: 'fhir-R4'.".into())),
    }
    let identity = body.identity.filter(|identity| identity["type"] != "None");
    if identity.is_some() {
        let message = "A managed identity is not supported yet: 'identity' must be left out.";
        return Err(Refusal::Invalid(message.into()));
    }
    let authentication = authentication(call, &id);
    let allowed = fhir_properties::check_service(&body.properties, call.version, &authentication)?;
    let location = body.location.or_else(|| known.map(|known| known.location.clone()));
    Ok(Service {
        id,
        kind: "fhir-R4".to_owned(),
        location: location.ok_or_else(|| Refusal::Invalid("'location' is required.".into()))?,
        tags: body.tags,
        identity: None,
        properties: fhir_properties::kept(&body.properties, known),
        allowed_object_ids: allowed
            .or_else(|| known.map(|known| known.allowed_object_ids.clone()))
            .unwrap_or_default(),
        created: known.map_or(call.request.now, |known| known.created),
    })
}

/// Lets the process answer for the services that are there now, and for no others.
async fn open_and_close(call: &Call) -> Result<(), Refusal> {
    let app = Arc::clone(&call.app);
    Ok(blocking::run(move || app.services_changed()).await??)
}

fn authentication(call: &Call, id: &ServiceId) -> Authentication {
    let names = call.app.authority.names();
    let urls = names.urls(&ExpectedAudience::Service(id.clone())).to_vec();
    Authentication::new(&names, call.caller.identity.tenant, urls)
}

fn shape(call: &Call, service: &Service, workspace: &Scope) -> Value {
    let authentication = authentication(call, &service.id);
    json!({
        "id": workspace.service(&service.id.name),
        "name": service.id.to_string(),
        "type": "Microsoft.HealthcareApis/workspaces/fhirservices",
        "location": service.location,
        "kind": service.kind,
        "tags": service.tags,
        "identity": { "type": "None" },
        "systemData": { "createdAt": service.created.to_string() },
        "properties": fhir_properties::shape(service, call.version, &authentication),
    })
}
