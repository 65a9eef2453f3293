//! <https://www.rfc-editor.org/rfc/rfc6749#section-3.2>

use std::sync::Arc;

use authority::{Endpoint, Shape, TokenAnswer};
use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::form;
use super::refusal::Refusal;
use crate::app::App;
use crate::edge::blocking;
use crate::exchange::{Answer, Request};

/// `POST /{tenant}/oauth2/v2.0/token`, the v1 form and the `/adfs` form: every grant.
pub(super) async fn token(
    app: &Arc<App>,
    request: Request,
    at: Endpoint,
) -> Result<Answer, Refusal> {
    if request.method != Method::POST {
        return Err(Refusal::OnlyPost);
    }
    let parameters = form::posted(&request.headers, request.body).await?;
    let parameters = form::with_basic(&request.headers, parameters)?;
    let shape = at.shape;
    let authority = Arc::clone(&app.authority);
    let answer = blocking::run(move || authority.token(&at, &parameters)).await??;
    Ok(Answer::json(StatusCode::OK, &body(&answer, shape))
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .with(PRAGMA, HeaderValue::from_static("no-cache")))
}

/// The answer as the generation of the protocol writes it: v1 wrote numbers as text.
fn body(answer: &TokenAnswer, shape: Shape) -> Value {
    let mut body = json!({ "token_type": "Bearer", "access_token": answer.access_token });
    match shape {
        Shape::V1 => {
            body["expires_in"] = answer.expires_in.to_string().into();
            body["ext_expires_in"] = answer.ext_expires_in.to_string().into();
            body["expires_on"] = answer.expires_on.to_string().into();
            body["not_before"] = answer.not_before.to_string().into();
            body["resource"] = answer.resource.as_str().into();
        }
        Shape::V2 | Shape::Adfs => {
            body["expires_in"] = answer.expires_in.into();
            body["ext_expires_in"] = answer.ext_expires_in.into();
        }
    }
    let optional = [
        ("scope", &answer.scope),
        ("refresh_token", &answer.refresh_token),
        ("id_token", &answer.id_token),
        ("client_info", &answer.client_info),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = value.as_str().into();
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> TokenAnswer {
        TokenAnswer {
            expires_in: 3_599,
            ext_expires_in: 3_599,
            access_token: "A".into(),
            refresh_token: Some("R".into()),
            id_token: None,
            scope: Some("https://a/.default".into()),
            client_info: None,
            resource: "https://a".into(),
            not_before: 1,
            expires_on: 3_600,
        }
    }

    #[test]
    fn v1_writes_numbers_as_text_and_names_the_resource() {
        assert_eq!(
            body(&answer(), Shape::V1),
            json!({
                "token_type": "Bearer", "access_token": "A", "refresh_token": "R",
                "scope": "https://a/.default", "resource": "https://a", "not_before": "1",
                "expires_in": "3599", "ext_expires_in": "3599", "expires_on": "3600",
            })
        );
        assert_eq!(
            body(&answer(), Shape::V2),
            json!({
                "token_type": "Bearer", "access_token": "A", "refresh_token": "R",
                "scope": "https://a/.default", "expires_in": 3599, "ext_expires_in": 3599,
            })
        );
    }
}
