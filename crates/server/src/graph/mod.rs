//! <https://learn.microsoft.com/graph/api/overview>
//!
//! The part of Graph that Azure's tools use to manage users and applications. Anybody of the tenant
//! reads; directory administrators write. To add an object: one file, and its lines in `served`.

mod application_body;
mod applications;
mod credentials;
mod directory_objects;
mod query;
mod refusal;
mod service_principals;
mod users;

use std::sync::Arc;

use authority::{ChangeRefused, Draft, ExpectedAudience};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::app::App;
use crate::control::{self, body, caller::Caller};
use crate::edge::blocking;
use crate::exchange::{Answer, Body, Request};
use refusal::Refusal;

/// Answers everything under `/v1.0`.
pub(crate) async fn answer(app: &Arc<App>, request: Request) -> Answer {
    served(app, request).await.unwrap_or_else(|refusal| refusal.answer(app))
}

async fn served(app: &Arc<App>, request: Request) -> Result<Answer, Refusal> {
    let caller = Caller::of(app, &request, &ExpectedAudience::Graph)?;
    let path = control::segments(&request.path).unwrap_or_default();
    let path: Vec<String> = path.iter().skip(1).map(|it| it.to_ascii_lowercase()).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let method = request.method.clone();
    let unknown = Refusal::NoSuchPath(request.path.clone());
    let by = caller.identity.object_id;
    let call = Call { app: Arc::clone(app), caller, request };
    if method != Method::GET && path.first() != Some(&"directoryobjects") {
        call.only_administrators()?;
    }
    let answered = match (path.as_slice(), method) {
        (["me"], Method::GET) => users::me(&call),
        (["users"], Method::GET) => users::list(&call),
        (["users"], Method::POST) => users::create(call).await,
        (["users", id], Method::GET) => users::get(&call, id),
        (["users", id], Method::PATCH) => users::update(call, id).await,
        (["users", id], Method::DELETE) => users::delete(&call, id).await,
        (["applications"], Method::GET) => applications::list(&call),
        (["applications"], Method::POST) => applications::create(call).await,
        (["applications", id], Method::GET) => applications::get(&call, id),
        (["applications", id], Method::PATCH) => applications::update(call, id).await,
        (["applications", id], Method::DELETE) => applications::delete(&call, id).await,
        (["applications", id, "addpassword"], Method::POST) => {
            credentials::add_password(call, id).await
        }
        (["applications", id, "removepassword"], Method::POST) => {
            credentials::remove_password(call, id).await
        }
        (["serviceprincipals"], Method::GET) => service_principals::list(&call),
        (["serviceprincipals"], Method::POST) => service_principals::create(call).await,
        (["serviceprincipals", id], Method::GET) => service_principals::get(&call, id),
        (["serviceprincipals", id], Method::DELETE) => service_principals::delete(&call, id).await,
        (["directoryobjects", "getbyids"], Method::POST) => {
            directory_objects::get_by_ids(call).await
        }
        (path, _) => Err(methods(path).map_or(unknown, Refusal::OnlyMethods)),
    };
    answered.map(|answer| answer.by(by))
}

/// What works at a path that is served.
fn methods(path: &[&str]) -> Option<&'static str> {
    match path {
        ["me"] => Some("GET"),
        ["users" | "applications" | "serviceprincipals"] => Some("GET, POST"),
        ["users" | "applications", _] => Some("GET, PATCH, DELETE"),
        ["serviceprincipals", _] => Some("GET, DELETE"),
        ["applications", _, "addpassword" | "removepassword"]
        | ["directoryobjects", "getbyids"] => Some("POST"),
        _ => None,
    }
}

/// One authenticated request.
struct Call {
    app: Arc<App>,
    caller: Caller,
    request: Request,
}

impl Call {
    fn tenant(&self) -> Uuid {
        self.caller.identity.tenant
    }

    fn only_administrators(&self) -> Result<(), Refusal> {
        if self.caller.is_directory_administrator() {
            Ok(())
        } else {
            Err(Refusal::OnlyAdministrators)
        }
    }

    async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Refusal> {
        Ok(body::json(std::mem::replace(&mut self.request.body, Body::of(""))).await?)
    }

    /// Makes a change where it may wait for the disk and for a password's hash.
    async fn change<T: Send + 'static>(
        &self,
        edit: impl FnOnce(&mut Draft<'_>) -> Result<T, ChangeRefused> + Send + 'static,
    ) -> Result<T, Refusal> {
        let authority = Arc::clone(&self.app.authority);
        Ok(blocking::run(move || authority.change(edit)).await??)
    }
}

fn no_content() -> Answer {
    Answer::empty(StatusCode::NO_CONTENT)
}
