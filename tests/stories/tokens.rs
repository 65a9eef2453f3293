//! The Authorization header: every wrong token is refused with its reason.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply};

fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

fn parts(token: &str) -> (Value, Value) {
    let decode = |text: &str| {
        serde_json::from_slice(&BASE64.decode(text).expect("base64url")).expect("JSON")
    };
    let mut pieces = token.split('.');
    (decode(pieces.next().expect("a header")), decode(pieces.next().expect("claims")))
}

/// Signs with a key that nobody published.
fn forged(header: &Value, claims: &Value) -> String {
    let key = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a key");
    signed(&key, header, claims)
}

fn signed(key: &RsaKeyPair, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
        .expect("a signature");
    format!("{message}.{}", BASE64.encode(signature))
}

/// The authority's own keys by their id, out of its data folder: who can read that can make any
/// token, so these show what a signature alone does not open.
fn signing_keys(fk: &Firekeep) -> HashMap<String, RsaKeyPair> {
    let store = std::fs::read(fk.folder().join("control/data.mdb")).expect("the control plane");
    let store = String::from_utf8_lossy(&store);
    let found = store.split("\"pkcs8\":\"").skip(1).filter_map(|rest| {
        let der = BASE64.decode(rest.split('"').next()?).ok()?;
        let key = RsaKeyPair::from_pkcs8(&der).ok()?;
        let public = key.public_key().as_ref();
        let id = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public);
        Some((BASE64.encode(id), key))
    });
    found.collect()
}

async fn refused(actor: &Actor, token: &str, words: &str) {
    let reply = actor.with_token(token).get("/Patient").await.refused(401, words);
    let outcome = reply.json();
    assert_eq!(outcome["issue"][0]["code"], "login");
    assert_eq!(outcome["issue"][0]["diagnostics"], "Authentication failed.");
    let challenge = reply.header("www-authenticate");
    assert!(challenge.starts_with("Bearer authorization_uri=\""), "{challenge}");
    assert!(challenge.contains("resource_id=\"") && challenge.contains("error=\"invalid_token\""));
}

#[tokio::test]
async fn a_token_for_somewhere_else_is_refused_with_both_names() {
    let fk = Firekeep::start().await;
    let nobody = fk.as_anonymous();
    let arm = fk.as_administrator().await;
    for form in ["/service/url", "/service/pathUrl"] {
        let called = fk.says(form);
        let expected = format!("this service expects {called}. Ask");
        refused(&nobody.at(&called), arm.token(), &expected).await;
    }
    refused(&nobody, arm.token(), "az account get-access-token --resource=").await;
    let other = Firekeep::start().await;
    refused(&nobody, other.as_contributor().await.token(), "key").await;
}

#[tokio::test]
async fn a_token_with_a_changed_part_is_refused() {
    let fk = Firekeep::start().await;
    let (nobody, app) = (fk.as_anonymous(), fk.as_contributor().await);
    let (header, claims) = parts(app.token());
    let signature = app.token().rsplit('.').next().expect("a signature");

    let mut later = claims.clone();
    later["exp"] = json!(4_000_000_000_u64);
    refused(&nobody, &format!("{}.{}.{signature}", part(&header), part(&later)), "signature").await;

    let none = json!({"typ": "JWT", "alg": "none"});
    refused(&nobody, &format!("{}.{}.", part(&none), part(&claims)), "none").await;

    refused(&nobody, &forged(&header, &claims), "signature").await;
    let mut unknown = header.clone();
    unknown["kid"] = json!("another-key");
    refused(&nobody, &forged(&unknown, &claims), "another-key").await;
}

#[tokio::test]
async fn a_signature_of_the_authority_does_not_make_up_for_the_rest() {
    let fk = Firekeep::start().await;
    let (nobody, app) = (fk.as_anonymous(), fk.as_contributor().await);
    let (header, claims) = parts(app.token());
    let keys = signing_keys(&fk);
    let used = header["kid"].as_str().expect("a kid");
    let changed = |changes: &[(&str, Value)]| {
        let mut claims = claims.clone();
        for (name, value) in changes {
            claims[name] = value.clone();
        }
        signed(&keys[used], &header, &claims)
    };
    nobody.with_token(&changed(&[])).get("/Patient").await.ok();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    refused(&nobody, &changed(&[("exp", json!(now - 600))]), "The token expired at").await;
    refused(&nobody, &changed(&[("nbf", json!(now + 600))]), "is not valid before").await;

    let other = "11111111-1111-4111-8111-111111111111";
    let issuer = format!("{}/{other}/", fk.says("/authority"));
    let of_other = [("tid", json!(other)), ("iss", json!(issuer))];
    refused(&nobody, &changed(&of_other), "no user or service principal").await;
    refused(&nobody, &changed(&of_other[1..]), &format!("issued by {issuer}")).await;
    refused(&nobody, &changed(&[("aud", json!("https://elsewhere"))]), "https://elsewhere").await;

    let next = keys.keys().find(|id| *id != used).expect("the next key");
    let mut header = header.clone();
    header["kid"] = json!(next);
    refused(&nobody, &signed(&keys[used], &header, &claims), "signature").await;
    nobody.with_token(&signed(&keys[next], &header, &claims)).get("/Patient").await.ok();
}

#[tokio::test]
async fn a_role_that_was_taken_away_opens_nothing_with_a_token_given_out_before() {
    let fk = Firekeep::start().await;
    let (stranger, object_id) = fk.as_stranger().await;
    stranger.get("/Patient").await.refused(403, &object_id);
    let role = fk.assign(&object_id, "4c8d0bbc-75d3-4935-991f-5f3c56d81508").await;
    stranger.get("/Patient").await.ok();
    fk.as_administrator().await.delete(&role).await.ok();
    stranger.get("/Patient").await.refused(403, "FHIR Data Reader");
}

#[tokio::test]
async fn two_authorization_headers_are_none() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let twice = app.request(reqwest::Method::GET, "/Patient").bearer_auth(app.token());
    Reply::of(twice).await.refused(401, "several Authorization headers");
}

#[tokio::test]
async fn the_public_key_is_no_secret_for_hs256() {
    let fk = Firekeep::start().await;
    let (nobody, app) = (fk.as_anonymous(), fk.as_contributor().await);
    let (mut header, claims) = parts(app.token());
    let keys = nobody
        .at(&fk.says("/authority"))
        .get(&format!("/{}/discovery/v2.0/keys", fk.says("/tenantId")))
        .await
        .ok()
        .json();
    let certificate = keys["keys"][0]["x5c"][0].as_str().expect("x5c").as_bytes().to_vec();
    header["alg"] = json!("HS256");
    let message = format!("{}.{}", part(&header), part(&claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &certificate);
    let seal = aws_lc_rs::hmac::sign(&key, message.as_bytes());
    refused(&nobody, &format!("{message}.{}", BASE64.encode(seal)), "HS256").await;
}

#[tokio::test]
async fn what_is_no_token_is_refused_with_what_to_write_instead() {
    let fk = Firekeep::start().await;
    let nobody = fk.as_anonymous();
    refused(&nobody, "System.Security.SecureString", "ConvertFrom-SecureString").await;
    refused(&nobody, "abc", "token").await;
    refused(&nobody, &"x".repeat(17_000), "16384").await;
    let basic = nobody.request(reqwest::Method::GET, "/Patient").basic_auth("a", Some("b"));
    Reply::of(basic).await.refused(401, "Bearer");
    let missing = nobody.get("/Patient").await.status(401);
    let challenge = missing.header("www-authenticate");
    assert!(
        challenge.contains("authorization_uri") && !challenge.contains("error="),
        "{challenge}"
    );
}

#[tokio::test]
async fn a_token_opens_its_service_under_all_its_names() {
    let fk = Firekeep::start().await;
    let (id, secret) = (fk.says("/application/clientId"), fk.says("/application/clientSecret"));
    let (host, path) = (fk.says("/service/url"), fk.says("/service/pathUrl"));
    for audience in [&host, &path, &format!("{host}/"), &format!("{path}/")] {
        let token = fk.application_token(&id, &secret, audience).await;
        assert_eq!(parts(&token).1["aud"], audience.as_str());
        for address in [&host, &path] {
            let actor = Actor::new(fk.client().clone(), address.clone(), Some(token.clone()));
            let bundle = actor.get("/Patient").await.ok().json();
            assert_eq!(bundle["link"][0]["url"], format!("{address}/Patient"));
        }
    }
}

#[tokio::test]
async fn a_rotated_key_still_verifies_what_it_signed() {
    let fk = Firekeep::start().await;
    let (app, administrator) = (fk.as_contributor().await, fk.as_administrator().await);
    administrator.post("/_admin/keys/rotate", &json!({})).await.ok();
    app.get("/Patient").await.ok();
    let renewed = fk.as_contributor().await;
    renewed.get("/Patient").await.ok();
    assert_ne!(parts(app.token()).0["kid"], parts(renewed.token()).0["kid"]);
}
