//! <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1>
//!
//! The page keeps nothing on the server: the request comes back sealed in a hidden field and is
//! checked again. There is no session either: who wants to sign in types the password.

use std::sync::Arc;

use authority::{
    AuthorizationRefusal, Endpoint, PendingAuthorization, ResponseMode, ReturnAddress, TokenRefusal,
};
use http::header::{ALLOW, CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use http::{HeaderValue, Method, StatusCode};

use super::discovery::folder;
use super::form;
use super::page::{self, FormPost, Message, SignIn};
use super::refusal::{Refusal, Traced};
use super::seal::{self, Browser};
use crate::app::App;
use crate::exchange::{Answer, Request};

/// `GET /{tenant}/oauth2/v2.0/authorize` and its v1 and `/adfs` forms; `POST` is the page's own
/// form.
pub(super) async fn authorize(app: &Arc<App>, request: Request, at: Endpoint) -> Answer {
    let visit = Visit { app: Arc::clone(app), traced: Traced::of(&request), at };
    match request.method {
        Method::GET => visit.ask(&request),
        Method::POST => visit.sent(request).await,
        _ => {
            visit.page(&Refusal::OnlyGetAndPost).with(ALLOW, HeaderValue::from_static("GET, POST"))
        }
    }
}

/// Why there is no sign-in, and which client is told.
struct Refused {
    refusal: Refusal,
    /// `None` when client and address are not sure to belong together.
    back_to: Option<Box<ReturnAddress>>,
}

impl Refused {
    fn here(refusal: Refusal) -> Self {
        Self { refusal, back_to: None }
    }
}

/// One request to this endpoint.
struct Visit {
    app: Arc<App>,
    traced: Traced,
    at: Endpoint,
}

impl Visit {
    /// Shows the sign-in page.
    fn ask(&self, request: &Request) -> Answer {
        let pending = match self.pending(&request.query) {
            Ok(pending) => pending,
            Err(refused) => return self.refused(&refused),
        };
        let browser = Browser::of(request).unwrap_or_else(|| Browser::new(&*self.app.random));
        let username = pending.login_hint.clone().unwrap_or_default();
        let sealed = browser.seal(&self.purpose(), &request.query, request.now);
        self.form(&browser, &pending, &sealed, (&username, ""))
    }

    /// Checks user name and password, and sends the browser back to the client.
    async fn sent(&self, request: Request) -> Answer {
        let own = &self.app.authority.names().origin;
        let browser = Browser::of(&request).filter(|_| seal::same_origin(&request, own));
        let Some(browser) = browser else { return self.page(&Refusal::NotOurPage) };
        let (headers, now) = (request.headers.clone(), request.now);
        let form = match form::posted(&headers, request.body).await {
            Ok(form) => form,
            Err(refusal) => return self.page(&refusal),
        };
        let sealed = form.get("sealed").unwrap_or_default();
        let Some(query) = browser.open(&self.purpose(), sealed, now) else {
            return self.page(&Refusal::NotOurPage);
        };
        let pending = match self.pending(&query) {
            Ok(pending) => pending,
            Err(refused) => return self.refused(&refused),
        };
        let username = form.get("username").unwrap_or_default().to_owned();
        let password = form.get("password").unwrap_or_default().to_owned();
        match self.code(&pending, username.clone(), password).await {
            Ok(code) => respond(&back_to(&pending), vec![("code".to_owned(), code)]),
            Err(Refusal::Grant(refusal)) if refusal.row().error == "invalid_grant" => {
                let sealed = browser.seal(&self.purpose(), &query, now);
                self.form(&browser, &pending, &sealed, (&username, &refusal.to_string()))
            }
            Err(refusal) => self.page(&refusal),
        }
    }

    /// What the client asks for.
    fn pending(&self, query: &str) -> Result<PendingAuthorization, Refused> {
        let parameters = form::parameters(query.as_bytes()).map_err(Refused::here)?;
        match self.app.authority.begin_authorization(&self.at, &parameters) {
            Ok(pending) if pending.prompt_none => {
                let back_to = Some(Box::new(back_to(&pending)));
                Err(Refused { refusal: TokenRefusal::SignInNeeded.into(), back_to })
            }
            Ok(pending) => Ok(pending),
            Err(AuthorizationRefusal { refusal, back_to }) => {
                Err(Refused { refusal: refusal.into(), back_to })
            }
        }
    }

    /// Tells the client when its address is sound, and otherwise the person.
    fn refused(&self, refused: &Refused) -> Answer {
        match &refused.back_to {
            Some(address) => self.error_to(address, &refused.refusal),
            None => self.page(&refused.refusal),
        }
    }

    async fn code(
        &self,
        pending: &PendingAuthorization,
        username: String,
        password: String,
    ) -> Result<String, Refusal> {
        if username.is_empty() || password.is_empty() {
            return Err(TokenRefusal::WrongPassword.into());
        }
        let (authority, at) = (Arc::clone(&self.app.authority), self.at.clone());
        let signing_in = move || authority.sign_in(&at, &username, &password);
        let user = self.app.password_checks.run(signing_in).await??;
        Ok(self.app.authority.issue_code(pending, &user)?)
    }

    /// The sign-in page; `shown` is the user name so far and what was wrong with the last try.
    fn form(
        &self,
        browser: &Browser,
        pending: &PendingAuthorization,
        sealed: &str,
        shown: (&str, &str),
    ) -> Answer {
        let page = SignIn {
            action: &format!("{}/authorize", folder(&self.at)),
            application: &pending.client_name,
            note: "",
            error: shown.1,
            username: shown.0,
            sealed,
            may_decline: false,
        };
        page::form(browser, &page, &[&pending.redirect_uri])
    }

    /// What a sealed field is good for: this endpoint of this tenant.
    fn purpose(&self) -> String {
        format!("authorize {}", folder(&self.at))
    }

    /// A page that says why there is no sign-in.
    fn page(&self, refusal: &Refusal) -> Answer {
        let error = refusal.logged(&self.app, &self.traced);
        let message = Message { title: "Sign-in is not possible", text: "", error: &error };
        page::page(refusal.status(), &message, &[])
    }

    /// Tells the client why there is no sign-in.
    fn error_to(&self, address: &ReturnAddress, refusal: &Refusal) -> Answer {
        let description = refusal.logged(&self.app, &self.traced);
        let error = refusal.numbers().1.to_owned();
        respond(
            address,
            vec![("error".to_owned(), error), ("error_description".to_owned(), description)],
        )
    }
}

fn back_to(pending: &PendingAuthorization) -> ReturnAddress {
    ReturnAddress {
        redirect_uri: pending.redirect_uri.clone(),
        response_mode: pending.response_mode,
        state: pending.state.clone(),
    }
}

/// Sends the browser back to the client with these fields and its state.
fn respond(address: &ReturnAddress, mut fields: Vec<(String, String)>) -> Answer {
    fields.extend(address.state.clone().map(|state| ("state".to_owned(), state)));
    let target = address.redirect_uri.as_str();
    if address.response_mode == ResponseMode::FormPost {
        let page = FormPost { action: target, fields: &fields };
        return page::page(StatusCode::OK, &page, &[target]);
    }
    // 303, so that the password is not sent on (RFC 9700, section 4.12).
    Answer::empty(StatusCode::SEE_OTHER)
        .with_text(LOCATION, &located(target, address.response_mode, &fields))
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
}

/// The redirect URI with the fields in its query or fragment; a query that it has stays.
fn located(target: &str, mode: ResponseMode, fields: &[(String, String)]) -> String {
    let pairs = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let separator = match mode {
        ResponseMode::Fragment => '#',
        ResponseMode::Query | ResponseMode::FormPost if target.contains('?') => '&',
        ResponseMode::Query | ResponseMode::FormPost => '?',
    };
    format!("{target}{separator}{fields}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_into_the_query_or_the_fragment() {
        let check = |target: &str, mode: ResponseMode, expected: &str| {
            let fields = [("code".to_owned(), "a b".to_owned()), ("state".into(), "&".into())];
            assert_eq!(located(target, mode, &fields), expected);
        };
        check("http://localhost:1", ResponseMode::Query, "http://localhost:1?code=a+b&state=%26");
        check("https://a/c?x=1", ResponseMode::Query, "https://a/c?x=1&code=a+b&state=%26");
        check("https://a/c", ResponseMode::Fragment, "https://a/c#code=a+b&state=%26");
    }
}
