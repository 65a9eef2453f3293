//! The authority's own pages: a person signs in, is refused, waits; codes and refresh tokens.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use reqwest::Method;
use serde_json::Value;
use stories::{Actor, Firekeep, Reply};

const AZ_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const REDIRECT: &str = "http://localhost:40123";

/// The hidden fields, the action and the cookies of a page with one form.
struct Page {
    fields: Vec<(String, String)>,
    action: String,
    cookies: String,
    text: String,
}

fn attribute(tag: &str, name: &str) -> String {
    let start = format!("{name}=\"");
    let rest = tag.split_once(&start).map(|(_, rest)| rest).unwrap_or_default();
    let value = rest.split('"').next().unwrap_or_default();
    value.replace("&amp;", "&").replace("&#38;", "&").replace("&quot;", "\"").replace("&#x2F;", "/")
}

fn page(reply: &Reply) -> Page {
    let text = reply.text();
    let inputs = text.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let fields = inputs
        .filter(|tag| tag.contains("hidden"))
        .map(|tag| (attribute(tag, "name"), attribute(tag, "value")))
        .collect();
    let form = text.split("<form").nth(1).and_then(|rest| rest.split('>').next());
    let action = attribute(form.unwrap_or_default(), "action");
    let cookies = reply
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next().map(str::to_owned))
        .collect::<Vec<_>>()
        .join("; ");
    Page { fields, action, cookies, text }
}

fn authorize_url(fk: &Firekeep, mode: &str) -> String {
    let challenge = BASE64.encode(digest(&SHA256, VERIFIER.as_bytes()));
    let scope = format!("{}/.default offline_access openid profile", fk.says("/service/pathUrl"));
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", AZ_CLI)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", REDIRECT)
        .append_pair("scope", &scope)
        .append_pair("state", "st&te")
        .append_pair("response_mode", mode)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("nonce", "n-1")
        .finish();
    format!("/organizations/oauth2/v2.0/authorize?{query}")
}

async fn submit(authority: &Actor, page: &Page, user: &str, password: &str) -> Reply {
    let mut form = page.fields.clone();
    form.push(("username".into(), user.into()));
    form.push(("password".into(), password.into()));
    let url = if page.action.starts_with('/') || page.action.starts_with("http") {
        page.action.clone()
    } else {
        format!("/organizations/oauth2/v2.0/{}", page.action)
    };
    Reply::of(
        authority
            .request(Method::POST, &url)
            .header("Cookie", &page.cookies)
            .header("Origin", authority.base())
            .form(&form),
    )
    .await
}

async fn redeem(authority: &Actor, code: &str, verifier: &str) -> Reply {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", AZ_CLI),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
    ];
    authority.form("/organizations/oauth2/v2.0/token", &form).await
}

async fn signed_in_code(fk: &Firekeep) -> String {
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let sign_in = page(&authority.get(&authorize_url(fk, "query")).await.ok());
    let (user, password) = (fk.says("/administrator/username"), fk.says("/administrator/password"));
    let answer = submit(&authority, &sign_in, &user, &password).await;
    assert!((302..=303).contains(&answer.status), "{} {}", answer.status, answer.text());
    let location = answer.header("location");
    let query = location.split_once('?').expect("a query").1.to_owned();
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert!(pairs.contains(&("state".into(), "st&te".into())), "{location}");
    pairs.into_iter().find(|(name, _)| name == "code").expect("a code").1
}

#[tokio::test]
async fn a_person_signs_in_and_reads_patients() {
    let fk = Firekeep::start().await;
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let code = signed_in_code(&fk).await;
    let tokens = redeem(&authority, &code, VERIFIER).await.ok().json();
    let id: Value = serde_json::from_slice(
        &BASE64
            .decode(
                tokens["id_token"]
                    .as_str()
                    .expect("an id token")
                    .split('.')
                    .nth(1)
                    .expect("claims"),
            )
            .expect("base64url"),
    )
    .expect("JSON");
    assert_eq!(id["nonce"], "n-1");
    assert_eq!(id["preferred_username"], fk.says("/administrator/username").as_str());
    let access = tokens["access_token"].as_str().expect("a token");
    fk.as_anonymous().with_token(access).get("/Patient").await.ok();

    let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
    let arm = format!("{}/.default offline_access openid profile", fk.says("/arm"));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", AZ_CLI),
        ("refresh_token", refresh),
        ("scope", arm.as_str()),
    ];
    let path = format!("/{}/oauth2/v2.0/token", fk.says("/tenantId"));
    for _ in 0..2 {
        let renewed = authority.form(&path, &form).await.ok().json();
        assert!(renewed["refresh_token"].is_string(), "an old refresh token stays valid");
    }
    let replay = redeem(&authority, &code, VERIFIER).await.status(400).json();
    assert_eq!(replay["error"], "invalid_grant");
    let revoked = authority.form(&path, &form).await.status(400).json();
    assert_eq!(revoked["error_codes"][0], 50173, "a replayed code ends its family");
}

#[tokio::test]
async fn a_code_needs_its_verifier() {
    let fk = Firekeep::start().await;
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let code = signed_in_code(&fk).await;
    let other = "another-verifier-another-verifier-another-verifier";
    assert_eq!(redeem(&authority, &code, other).await.status(400).json()["error"], "invalid_grant");
}

#[tokio::test]
async fn the_page_is_guarded() {
    let fk = Firekeep::start().await;
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let shown = authority.get(&authorize_url(&fk, "form_post")).await.ok();
    assert_eq!(shown.header("x-frame-options").to_uppercase(), "DENY");
    assert!(shown.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(shown.header("cache-control").contains("no-store"));
    let sign_in = page(&shown);
    let (user, password) = (fk.says("/administrator/username"), fk.says("/administrator/password"));

    let wrong = submit(&authority, &sign_in, &user, "wrong").await;
    assert!(wrong.text().contains("class=\"error\""), "{}", wrong.text());
    let again = page(&wrong);
    let cookieless = Page { cookies: String::new(), ..page(&shown) };
    let forged = submit(&authority, &cookieless, &user, &password).await;
    assert!(forged.status >= 400 && !forged.text().contains("name=\"code\""), "{}", forged.text());

    let cookies = if again.cookies.is_empty() { sign_in.cookies } else { again.cookies.clone() };
    let answer = submit(&authority, &Page { cookies, ..again }, &user, &password).await.ok();
    let posted = page(&answer);
    assert_eq!(posted.action, REDIRECT, "{}", posted.text);
    assert!(posted.fields.iter().any(|(name, _)| name == "code"));
    assert!(posted.fields.contains(&("state".into(), "st&te".into())), "{:?}", posted.fields);
}

#[tokio::test]
async fn guessing_a_password_has_to_wait() {
    let fk = Firekeep::start().await;
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let user = fk.says("/administrator/username");
    let mut sign_in = page(&authority.get(&authorize_url(&fk, "query")).await.ok());
    let mut said = String::new();
    for guess in 0..8 {
        let reply = submit(&authority, &sign_in, &user, &format!("guess-{guess}")).await;
        said = reply.text();
        let next = page(&reply);
        let cookies = if next.cookies.is_empty() { sign_in.cookies } else { next.cookies.clone() };
        sign_in = Page { cookies, ..next };
    }
    assert!(said.contains("Try again in"), "{said}");
    let right = submit(&authority, &sign_in, &user, &fk.says("/administrator/password")).await;
    assert!(!(302..=303).contains(&right.status), "even the right password waits");
}

#[tokio::test]
async fn a_redirect_elsewhere_is_never_followed() {
    let fk = Firekeep::start().await;
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let url = authorize_url(&fk, "query").replace("localhost%3A40123", "evil.example");
    let reply = authority.get(&url).await;
    assert_eq!((reply.status, reply.header("location")), (400, String::new()), "{}", reply.text());
    assert!(reply.text().contains("AADSTS50011"), "{}", reply.text());
}

#[tokio::test]
async fn other_grants_say_what_works() {
    let fk = Firekeep::start().await;
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let path = format!("/{}/oauth2/v2.0/token", fk.says("/tenantId"));
    for grant in ["password", "urn:ietf:params:oauth:grant-type:jwt-bearer", "implicit"] {
        let form = [
            ("grant_type", grant),
            ("client_id", AZ_CLI),
            ("username", "a"),
            ("password", "b"),
            ("scope", "openid"),
        ];
        let body = authority.form(&path, &form).await.status(400).json();
        let text = body["error_description"].as_str().expect("a description");
        assert!(text.starts_with("AADSTS70003") && text.contains("client_credentials"), "{text}");
        for name in ["error", "trace_id", "correlation_id", "timestamp", "error_codes"] {
            assert!(!body[name].is_null(), "{name}: {body}");
        }
    }
}
