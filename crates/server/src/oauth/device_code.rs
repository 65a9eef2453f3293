//! <https://www.rfc-editor.org/rfc/rfc8628#section-3.1>

use std::sync::Arc;

use authority::{Endpoint, Shape};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::form;
use super::refusal::Refusal;
use crate::app::App;
use crate::edge::blocking;
use crate::exchange::{Answer, Request};

/// `POST /{tenant}/oauth2/v2.0/devicecode`: a code that a person types on another machine. Entra's
/// v1 clients send a `GET`; both work.
pub(super) async fn device_code(
    app: &Arc<App>,
    request: Request,
    at: Endpoint,
) -> Result<Answer, Refusal> {
    let parameters = match request.method {
        Method::POST => form::posted(&request.headers, request.body).await?,
        Method::GET if at.shape != Shape::V2 => form::parameters(request.query.as_bytes())?,
        _ => return Err(Refusal::OnlyPost),
    };
    let shape = at.shape;
    let authority = Arc::clone(&app.authority);
    let start = blocking::run(move || authority.begin_device(&at, &parameters)).await??;
    let page = format!("{}/devicelogin", app.authority.names().origin);
    // Clients show this sentence, and scripts look in it for the address and the code.
    let message = format!(
        "To sign in, use a web browser to open the page {page} and enter the code {} to \
         authenticate.",
        start.user_code
    );
    let number = |value: u64| match shape {
        Shape::V1 => Value::from(value.to_string()),
        Shape::V2 | Shape::Adfs => Value::from(value),
    };
    let mut body = json!({
        "user_code": start.user_code,
        "device_code": start.device_code,
        "expires_in": number(start.expires_in),
        "interval": number(start.interval),
        "message": message,
    });
    let address = if shape == Shape::V1 { "verification_url" } else { "verification_uri" };
    body[address] = page.into();
    Ok(Answer::json(StatusCode::OK, &body)
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
}
