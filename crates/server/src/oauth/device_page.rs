//! <https://www.rfc-editor.org/rfc/rfc8628#section-3.3>
//!
//! Two pages: the code that the device shows, then user name and password under the name of the
//! program that will be signed in. Who did not start it there says so.

use std::net::IpAddr;
use std::sync::Arc;

use authority::{Endpoint, Parameters, Shape, TokenRefusal};
use http::{HeaderValue, Method, StatusCode, header};

use super::form;
use super::page::{self, DeviceCode, Message, SignIn};
use super::refusal::{Refusal, Traced};
use super::seal::{self, Browser};
use crate::app::App;
use crate::exchange::{Answer, Request};

/// What the hidden field of each page is good for.
const CODE_PAGE: &str = "device code";
const SIGN_IN_PAGE: &str = "device sign-in";

/// `GET /devicelogin` shows the first page, `POST` is the form of either.
pub(super) async fn device_page(app: &Arc<App>, request: Request) -> Answer {
    let known = Browser::of(&request);
    let traced = Traced::of(&request);
    let (now, peer) = (request.now, request.peer);
    let from_here = seal::same_origin(&request, &app.authority.names().origin);
    let visit = |browser| Visit { app: Arc::clone(app), browser, traced, now, peer };
    match (request.method.clone(), known) {
        (Method::GET, known) => {
            let browser = known.unwrap_or_else(|| Browser::new(&*app.random));
            visit(browser).code_page("")
        }
        (Method::POST, Some(browser)) if from_here => {
            let form = form::posted(&request.headers, request.body).await;
            let visit = visit(browser);
            match form {
                Ok(form) => visit.sent(&form).await,
                Err(refusal) => visit.refused(&refusal),
            }
        }
        (Method::POST, _) => visit(Browser::new(&*app.random)).refused(&Refusal::NotOurPage),
        _ => visit(Browser::new(&*app.random))
            .refused(&Refusal::OnlyGetAndPost)
            .with(header::ALLOW, HeaderValue::from_static("GET, POST")),
    }
}

/// A browser on these pages.
struct Visit {
    app: Arc<App>,
    browser: Browser,
    traced: Traced,
    now: base::Timestamp,
    peer: IpAddr,
}

impl Visit {
    async fn sent(&self, form: &Parameters) -> Answer {
        let sealed = form.get("sealed").unwrap_or_default();
        if self.browser.open(CODE_PAGE, sealed, self.now).is_some() {
            let user_code = form.get("user_code").unwrap_or_default().trim();
            return self.sign_in_page(user_code, "", "");
        }
        let Some(user_code) = self.browser.open(SIGN_IN_PAGE, sealed, self.now) else {
            return self.refused(&Refusal::NotOurPage);
        };
        let username = form.get("username").unwrap_or_default();
        let outcome = if form.get("answer") == Some("no") {
            self.app.authority.decline_device(&user_code).map(|()| DECLINED).map_err(Refusal::from)
        } else {
            let password = form.get("password").unwrap_or_default();
            self.approve(&user_code, username, password).await.map(|()| APPROVED)
        };
        match outcome {
            Ok((title, text)) => self.done(title, text),
            Err(Refusal::Grant(refusal)) if refusal.row().error == "invalid_grant" => {
                self.sign_in_page(&user_code, username, &refusal.to_string())
            }
            Err(refusal) => self.refused(&refusal),
        }
    }

    async fn approve(
        &self,
        user_code: &str,
        username: &str,
        password: &str,
    ) -> Result<(), Refusal> {
        if username.is_empty() || password.is_empty() {
            return Err(TokenRefusal::WrongPassword.into());
        }
        let tenant = self.app.authority.find_device(user_code, self.peer)?.tenant;
        let authority = Arc::clone(&self.app.authority);
        let (username, password) = (username.to_owned(), password.to_owned());
        let at = Endpoint::new(&tenant, Shape::V2);
        let signing_in = move || authority.sign_in(&at, &username, &password);
        let user = self.app.password_checks.run(signing_in).await??;
        Ok(self.app.authority.approve_device(user_code, &user)?)
    }

    fn code_page(&self, error: &str) -> Answer {
        let sealed = self.browser.seal(CODE_PAGE, "", self.now);
        page::form(&self.browser, &DeviceCode { error, sealed: &sealed }, &[])
    }

    fn sign_in_page(&self, user_code: &str, username: &str, error: &str) -> Answer {
        let device = match self.app.authority.find_device(user_code, self.peer) {
            Ok(device) => device,
            Err(TokenRefusal::Fault(fault)) => return self.refused(&Refusal::from(fault)),
            Err(refusal) => return self.code_page(&refusal.to_string()),
        };
        let sealed = self.browser.seal(SIGN_IN_PAGE, user_code, self.now);
        let page = SignIn {
            action: "/devicelogin",
            application: &device.client_name,
            note: "Go on only if you started this yourself, on a device or in a program that you \
                   trust: it will act as you.",
            error,
            username,
            sealed: &sealed,
            may_decline: true,
        };
        page::form(&self.browser, &page, &[])
    }

    fn done(&self, title: &str, text: &str) -> Answer {
        page::page(StatusCode::OK, &Message { title, text, error: "" }, &[])
    }

    fn refused(&self, refusal: &Refusal) -> Answer {
        let error = refusal.logged(&self.app, &self.traced);
        let message = Message { title: "Sign-in is not possible", text: "", error: &error };
        page::page(refusal.status(), &message, &[])
    }
}

const APPROVED: (&str, &str) =
    ("You are signed in", "The device goes on by itself. You can close this page.");
const DECLINED: (&str, &str) =
    ("The sign-in was declined", "The device was told so. You can close this page.");
