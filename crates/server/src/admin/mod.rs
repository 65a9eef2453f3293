//! <https://www.rfc-editor.org/rfc/rfc9110#section-9>
//!
//! What neither ARM nor Graph has: backup, key rotation, packages, the explanation of a token.

mod backup;
mod keys;
mod packages;
mod refusal;
mod token;

use std::sync::Arc;

use authority::{Decision, ExpectedAudience, Scope};
use http::Method;

use crate::app::App;
use crate::control::{self, caller::Caller};
use crate::exchange::{Answer, Request};
use refusal::Refusal;

/// Answers everything under `/_admin`.
pub(crate) async fn answer(app: &Arc<App>, request: Request) -> Answer {
    served(app, request).await.unwrap_or_else(|refusal| refusal.answer(app))
}

async fn served(app: &Arc<App>, request: Request) -> Result<Answer, Refusal> {
    let path = control::segments(&request.path).unwrap_or_default();
    let path: Vec<&str> = path.iter().skip(1).map(String::as_str).collect();
    match (path.as_slice(), &request.method) {
        (["token", "explain"], &Method::POST) => token::explain(app, request).await,
        (["backup"], &Method::POST) => backup::backup(app, request).await,
        (["keys", "rotate"], &Method::POST) => keys::rotate(app, request).await,
        (["keys"], &Method::GET) => keys::list(app, &request),
        (["services", label, "packages"], &Method::GET) => {
            packages::list(app, &request, label).await
        }
        (["services", label, "packages"], &Method::POST) => {
            packages::add(app, request, label).await
        }
        (["services", label, "packages", name], &Method::DELETE) => {
            packages::remove(app, &request, label, name).await
        }
        (["token", "explain"] | ["backup"] | ["keys", "rotate"], _) => {
            Err(Refusal::OnlyMethod("POST"))
        }
        (["services", _, "packages"], _) => Err(Refusal::OnlyMethod("GET, POST")),
        (["services", _, "packages", _], _) => Err(Refusal::OnlyMethod("DELETE")),
        (["keys"], _) => Err(Refusal::OnlyMethod("GET")),
        _ => Err(Refusal::NoSuchPath(request.path)),
    }
}

/// Refuses a caller that may not do `action` to the whole: at the subscriptions of this folder.
fn allow(app: &App, request: &Request, action: &str) -> Result<(), Refusal> {
    let caller = Caller::of(app, request, &ExpectedAudience::Arm)?;
    for subscription in caller.directory.subscriptions() {
        let scope = Scope::subscription(subscription.id);
        match app.authority.decide_control(&caller.identity, action, &scope) {
            Decision::Allowed(_) => {}
            Decision::Denied(why) => return Err(Refusal::Denied(why.to_string())),
        }
    }
    Ok(())
}
