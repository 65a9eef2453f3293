//! <https://learn.microsoft.com/graph/api/directoryobject-getbyids>

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use super::{Call, applications, service_principals, users};
use crate::exchange::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    ids: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
}

/// `POST /directoryObjects/getByIds`: what these ids are; unknown ones are left out.
pub(super) async fn get_by_ids(mut call: Call) -> Result<Answer, Refusal> {
    let asked: Asked = call.json().await?;
    let ids = asked.ids.iter().filter_map(|id| Uuid::try_parse(id).ok());
    let found = ids.filter_map(|id| find(&call, id)).filter(|(kind, _)| {
        asked.types.is_empty() || asked.types.iter().any(|it| it.eq_ignore_ascii_case(kind))
    });
    let found = found.map(|(kind, mut object)| {
        object["@odata.type"] = format!("#microsoft.graph.{kind}").into();
        object
    });
    Ok(Answer::json(StatusCode::OK, &json!({ "value": found.collect::<Vec<_>>() })))
}

fn find(call: &Call, id: Uuid) -> Option<(&'static str, Value)> {
    let (directory, own) = (&call.caller.directory, call.tenant());
    if let Some(user) = directory.user(id).filter(|it| it.tenant == own) {
        return Some(("user", users::shape(user)));
    }
    if let Some(principal) = directory.service_principal(id).filter(|it| it.tenant == own) {
        return Some(("servicePrincipal", service_principals::shape(directory, principal)));
    }
    let application = directory.application(id).filter(|it| it.tenant == own)?;
    Some(("application", applications::shape(application)))
}
