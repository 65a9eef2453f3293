//! <https://learn.microsoft.com/entra/identity-platform/v2-protocols>
//!
//! The authority: discovery, keys, tokens and sign-in pages. To add an endpoint: one variant in
//! `route`, one file here. The rules of grants are in `authority`.

mod authorize;
mod device_code;
mod device_page;
mod discovery;
mod form;
mod instance_discovery;
mod keys;
mod logout;
pub(crate) mod page;
mod refusal;
mod route;
mod seal;
mod token;
mod user_realm;

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};

use crate::app::App;
use crate::control;
use crate::exchange::{Answer, Request};
use refusal::Traced;
use route::Route;

/// Answers everything under `/{tenant}/…` and `/devicelogin`.
pub(crate) async fn answer(app: &Arc<App>, request: Request) -> Answer {
    let Some(route) = route::route(&request.path) else {
        let message = format!("The authority has no endpoint '{}'.", request.path);
        return control::error(StatusCode::NOT_FOUND, "NotFound", &message);
    };
    let name = route.name();
    let traced = Traced::of(&request);
    let answered = match route {
        Route::Token(at) => token::token(app, request, at).await,
        Route::DeviceCode(at) => device_code::device_code(app, request, at).await,
        Route::Authorize(at) => return authorize::authorize(app, request, at).await.named(name),
        Route::DevicePage => return device_page::device_page(app, request).await.named(name),
        _ if request.method != Method::GET => return only_get(),
        Route::Discovery(at) => discovery::discovery(app, &at),
        Route::Keys(tenant) => keys::keys(app, &tenant),
        Route::UserRealm(user) => Ok(user_realm::user_realm(app, &user)),
        Route::InstanceDiscovery => instance_discovery::instance_discovery(app, &request),
        Route::SignedOut => Ok(logout::logout()),
    };
    answered.unwrap_or_else(|refusal| refusal.answer(app, &traced)).named(name)
}

fn only_get() -> Answer {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    control::error(status, "MethodNotAllowed", "Only GET works here.")
        .with(header::ALLOW, HeaderValue::from_static("GET"))
}
