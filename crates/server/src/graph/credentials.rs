//! <https://learn.microsoft.com/graph/api/application-addpassword>

use base::{Timestamp, limits};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::refusal::Refusal;
use super::{Call, applications, no_content};
use crate::exchange::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct AddPassword {
    #[serde(default)]
    password_credential: PasswordCredential,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PasswordCredential {
    display_name: Option<String>,
    start_date_time: Option<String>,
    end_date_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RemovePassword {
    key_id: Uuid,
}

/// `POST /applications/{id}/addPassword`: the answer is the only place that ever shows the secret.
pub(super) async fn add_password(mut call: Call, id: &str) -> Result<Answer, Refusal> {
    let application = applications::find(&call, id)?.object_id;
    let body: AddPassword = call.json().await?;
    let given = body.password_credential;
    let start = given.start_date_time.as_deref().map(moment).transpose()?;
    if start.is_some_and(|start| start > call.request.now.plus(limits::CLOCK_SKEW)) {
        let message = "'startDateTime' in the future is not supported: a secret holds at once.";
        return Err(Refusal::Invalid(message.into()));
    }
    let end = given.end_date_time.as_deref().map(moment).transpose()?;
    if end.is_some_and(|end| end <= call.request.now) {
        return Err(Refusal::Invalid("'endDateTime' must be in the future.".into()));
    }
    let name = given.display_name.unwrap_or_default();
    let shown_name = name.clone();
    let secret = call.change(move |draft| draft.add_secret(application, &name, end)).await?;
    let shown = json!({
        "keyId": secret.key_id,
        "displayName": shown_name,
        "hint": secret.hint,
        "secretText": secret.text,
        "startDateTime": secret.start.to_string(),
        "endDateTime": secret.end.to_string(),
        "customKeyIdentifier": null,
    });
    Ok(Answer::json(StatusCode::OK, &shown))
}

/// `POST /applications/{id}/removePassword`.
pub(super) async fn remove_password(mut call: Call, id: &str) -> Result<Answer, Refusal> {
    let application = applications::find(&call, id)?.object_id;
    let body: RemovePassword = call.json().await?;
    call.change(move |draft| draft.remove_credential(application, body.key_id)).await?;
    Ok(no_content())
}

fn moment(text: &str) -> Result<Timestamp, Refusal> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    parsed.map(|at| Timestamp::from_unix_seconds(at.as_second())).map_err(|_| {
        Refusal::Invalid(format!("'{text}' is no moment such as 2027-01-31T12:00:00Z."))
    })
}
