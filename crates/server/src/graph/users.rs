//! <https://learn.microsoft.com/graph/api/resources/user>

use std::sync::Arc;

use authority::{ChangeRefused, NewUser, User};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::query::Query;
use super::refusal::Refusal;
use super::{Call, no_content};
use crate::bootstrap;
use crate::exchange::Answer;

const FILTERED: &[&str] = &["displayName", "userPrincipalName", "mailNickname", "id"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Create {
    user_principal_name: String,
    display_name: Option<String>,
    mail_nickname: Option<String>,
    account_enabled: Option<bool>,
    password_profile: Option<PasswordProfile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PasswordProfile {
    password: Option<String>,
    #[serde(default)]
    force_change_password_next_sign_in: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Update {
    account_enabled: Option<bool>,
    password_profile: Option<PasswordProfile>,
}

impl PasswordProfile {
    fn password(self) -> Result<Option<String>, Refusal> {
        if self.force_change_password_next_sign_in {
            return Err(Refusal::Invalid(
                "'forceChangePasswordNextSignIn' is not supported: it must be false.".into(),
            ));
        }
        Ok(self.password)
    }
}

/// `GET /me`.
pub(super) fn me(call: &Call) -> Result<Answer, Refusal> {
    let query = Query::of(call)?;
    let user = call.caller.directory.user(call.caller.identity.object_id);
    Ok(query.one(shape(user.ok_or(Refusal::OnlyForUsers)?)))
}

/// `GET /users`.
pub(super) fn list(call: &Call) -> Result<Answer, Refusal> {
    let own = call.tenant();
    let users = call.caller.directory.users().filter(|user| user.tenant == own);
    Query::of(call)?.list(users.map(|user| shape(user)), FILTERED)
}

/// `GET /users/{id or userPrincipalName}`.
pub(super) fn get(call: &Call, id: &str) -> Result<Answer, Refusal> {
    Ok(Query::of(call)?.one(shape(find(call, id)?)))
}

/// `POST /users`. Without a password one is made, and shown this once.
pub(super) async fn create(mut call: Call) -> Result<Answer, Refusal> {
    let body: Create = call.json().await?;
    let nickname = body.user_principal_name.split('@').next().unwrap_or_default();
    if body.mail_nickname.as_deref().is_some_and(|it| !it.eq_ignore_ascii_case(nickname)) {
        return Err(Refusal::Invalid(
            "'mailNickname' must be what stands before the @ of 'userPrincipalName'.".into(),
        ));
    }
    let display_name = body.display_name.unwrap_or_else(|| nickname.to_owned());
    let given = body.password_profile.map(PasswordProfile::password).transpose()?.flatten();
    let made = given.is_none().then(|| bootstrap::password(call.app.random.as_ref()));
    let password = given.or_else(|| made.clone()).unwrap_or_default();
    let (tenant, username) = (call.tenant(), body.user_principal_name);
    let enabled = body.account_enabled.unwrap_or(true);
    let user = call
        .change(move |draft| {
            let new = NewUser {
                tenant,
                username: &username,
                display_name: &display_name,
                password: &password,
            };
            let id = draft.add_user(&new)?;
            if !enabled {
                draft.set_user_enabled(id, false)?;
            }
            let missing = || ChangeRefused::NotFound(id.to_string());
            draft.user(id).cloned().ok_or_else(missing)
        })
        .await?;
    let mut shown = shape(&user);
    if let Some(password) = made {
        shown["password"] = password.into();
    }
    Ok(Answer::json(StatusCode::CREATED, &shown))
}

/// `PATCH /users/{id}`: another password, which ends the user's sessions, or in and out.
pub(super) async fn update(mut call: Call, id: &str) -> Result<Answer, Refusal> {
    let user = find(&call, id)?.object_id;
    let body: Update = call.json().await?;
    let password = body.password_profile.map(PasswordProfile::password).transpose()?.flatten();
    call.change(move |draft| {
        if let Some(password) = password {
            draft.set_password(user, &password)?;
        }
        match body.account_enabled {
            Some(enabled) => draft.set_user_enabled(user, enabled),
            None => Ok(()),
        }
    })
    .await?;
    Ok(no_content())
}

/// `DELETE /users/{id}`.
pub(super) async fn delete(call: &Call, id: &str) -> Result<Answer, Refusal> {
    let user = find(call, id)?.object_id;
    call.change(move |draft| draft.remove_user(user)).await?;
    Ok(no_content())
}

fn find<'a>(call: &'a Call, id: &str) -> Result<&'a Arc<User>, Refusal> {
    let directory = &call.caller.directory;
    let found = match Uuid::try_parse(id) {
        Ok(id) => directory.user(id),
        Err(_) => directory.user_by_name(id),
    };
    let found = found.filter(|user| user.tenant == call.tenant());
    found.ok_or_else(|| Refusal::NoSuchObject(format!("user {id}")))
}

pub(super) fn shape(user: &User) -> Value {
    json!({
        "id": user.object_id,
        "userPrincipalName": user.username,
        "displayName": user.display_name,
        "mailNickname": user.username.split('@').next(),
        "accountEnabled": user.enabled,
        "createdDateTime": user.created.to_string(),
    })
}
