//! <https://www.rfc-editor.org/rfc/rfc6750#section-3>: who asks, or 401 with what to do about it.

use std::sync::Arc;

use authority::{Identity, TokenFault};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, StatusCode};

use super::context::Context;
use super::outcome::{Issue, Outcome};
use crate::app::App;
use crate::edge::bearer;

/// The identity behind the request's bearer token. A service has several names, and a token for any
/// of them will do; who needs another one is told the name that was called.
pub(crate) fn authenticate(
    cx: &Context<'_>,
    headers: &HeaderMap,
) -> Result<Arc<Identity>, TokenFault> {
    let credentials = bearer::credentials(headers)?;
    let (last, audience) = (cx.last_token, &cx.service.audience);
    let identity = cx.app.authority.verify_again(last, credentials, audience);
    identity.map_err(|fault| match fault {
        TokenFault::WrongAudience { sent, .. } => {
            TokenFault::WrongAudience { sent, expected: cx.base.to_owned() }
        }
        other => other,
    })
}

/// 401: the first issue is Azure's, word for word, since scripts match on it; the second says why.
pub(crate) fn refused(app: &App, base: &str, fault: &TokenFault) -> Outcome {
    let names = app.authority.names();
    let (origin, why) = (&names.origin, fault.to_string());
    let tenant = tenant(app);
    let mut challenge = format!(
        "Bearer authorization_uri=\"{origin}/{tenant}/oauth2/authorize\", resource_id=\"{base}\""
    );
    if fault.sent_a_token() {
        let description = quotable(&why);
        challenge.push_str(", error=\"invalid_token\", error_description=\"");
        challenge.push_str(&description);
        challenge.push('"');
    }
    let issues = vec![Issue::error("login", "Authentication failed."), Issue::error("login", why)];
    Outcome::new(StatusCode::UNAUTHORIZED, issues).with(WWW_AUTHENTICATE, &challenge)
}

/// The id of the tenant that people sign in to.
pub(crate) fn tenant(app: &App) -> String {
    let directory = app.authority.directory();
    let tenant = directory.tenant("organizations").map(|tenant| tenant.id.to_string());
    tenant.unwrap_or_else(|| "organizations".to_owned())
}

/// What RFC 6750 allows in an `error_description`: printable ASCII without quotes and backslashes.
fn quotable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '"' | '\\' => '\'',
            ' '..='~' => character,
            _ => ' ',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_stays_within_its_quotes() {
        assert_eq!(quotable("say \"x\\y\"\nund Öl…"), "say 'x'y' und  l ");
    }
}
