//! <https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP>
//!
//! The pages a person sees: plain forms that work without JavaScript, may not be framed, may not
//! load anything, and may send their forms only where the sign-in goes.

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};

use super::seal::Browser;
use crate::exchange::Answer;

/// The one style sheet, inline so that a page is one answer.
pub(crate) const STYLE: &str = include_str!("../../templates/style.css");

/// The only script: it spares a click where scripts run.
pub(crate) const SEND: &str = "document.forms[0].submit()";

/// Asks for user name and password.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignIn<'a> {
    pub(crate) action: &'a str,
    pub(crate) application: &'a str,
    /// What a person should know before typing a password; empty for none.
    pub(crate) note: &'a str,
    pub(crate) error: &'a str,
    pub(crate) username: &'a str,
    pub(crate) sealed: &'a str,
    /// Whether there is a button that says no.
    pub(crate) may_decline: bool,
}

/// Asks for the code that a device shows.
#[derive(Template)]
#[template(path = "device_code.html")]
pub(crate) struct DeviceCode<'a> {
    pub(crate) error: &'a str,
    pub(crate) sealed: &'a str,
}

/// Hands fields to the client by a form of the browser's.
#[derive(Template)]
#[template(path = "form_post.html")]
pub(crate) struct FormPost<'a> {
    pub(crate) action: &'a str,
    pub(crate) fields: &'a [(String, String)],
}

/// Says something and asks nothing.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct Message<'a> {
    pub(crate) title: &'a str,
    pub(crate) text: &'a str,
    pub(crate) error: &'a str,
}

/// A page. `targets` are the URLs, other than our own, to which its form leads.
pub(crate) fn page(status: StatusCode, page: &impl Template, targets: &[&str]) -> Answer {
    let html = page.render().unwrap_or_default();
    let answer = Answer::of(status, HeaderValue::from_static("text/html; charset=utf-8"), html);
    answer
        .with_text(CONTENT_SECURITY_POLICY, &policy(targets))
        .with(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
        .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
        // Not `no-referrer`: under that policy a browser sends `Origin: null` with our own forms.
        .with(REFERRER_POLICY, HeaderValue::from_static("same-origin"))
}

/// A page with a form, for a browser that has, or now gets, its cookie.
pub(crate) fn form(browser: &Browser, content: &impl Template, targets: &[&str]) -> Answer {
    let answer = page(StatusCode::OK, content, targets);
    match browser.cookie() {
        Some(cookie) => answer.with(SET_COOKIE, cookie),
        None => answer,
    }
}

/// Browsers apply `form-action` also to where a sent form is redirected, so the client's own
/// address must stand there.
fn policy(targets: &[&str]) -> String {
    let mut actions = String::from("'self'");
    for source in targets.iter().filter_map(|target| source(target)) {
        actions.push(' ');
        actions.push_str(&source);
    }
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; form-action {actions}; \
         frame-ancestors 'none'; base-uri 'none'",
        hash(STYLE),
        hash(SEND),
    )
}

/// What a policy says of a style or a script that stands in the page.
pub(crate) fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

/// The origin of a web address, or the scheme of an application's own.
fn source(target: &str) -> Option<String> {
    let (scheme, rest) = target.split_once(':')?;
    let plain = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    match rest.strip_prefix("//") {
        Some(rest) if scheme == "http" || scheme == "https" => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            plain(host, ".-:[]").then(|| format!("{scheme}://{host}"))
        }
        _ => plain(scheme, "+.-").then(|| format!("{scheme}:")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, expected: Option<&str>) {
        assert_eq!(source(target).as_deref(), expected, "{target}");
    }

    #[test]
    fn a_form_leads_only_to_the_origin_of_its_target() {
        check("http://localhost:41234/?a=b", Some("http://localhost:41234"));
        check("http://localhost:41234", Some("http://localhost:41234"));
        check("http://[::1]:8400/x", Some("http://[::1]:8400"));
        check("https://oauth.pstmn.io/v1/callback", Some("https://oauth.pstmn.io"));
        check("com.example.app:/callback", Some("com.example.app:"));
        check("com.example.app://auth", Some("com.example.app:"));
        check("https://a;script-src *", None);
        check("https://a b/", None);
        check("x y:z", None);
        check("nothing", None);
    }
}
