//! What Az PowerShell sends, replayed as the contract gives it: no PowerShell engine can be
//! installed here.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use stories::{Actor, Firekeep};

async fn token(fk: &Firekeep, path: &str, scope: &str, credential: &[(&str, &str)]) -> Value {
    let id = fk.says("/application/clientId");
    let mut form = vec![
        ("client_id", id.as_str()),
        ("client_info", "1"),
        ("scope", scope),
        ("grant_type", "client_credentials"),
    ];
    form.extend_from_slice(credential);
    let request = fk
        .client()
        .post(format!("{}{path}", fk.says("/authority")))
        .header("x-client-SKU", "MSAL.NetCore")
        .header("x-client-Ver", "4.65.0.0")
        .header("client-request-id", "b0b0d8f4-9a08-4d4b-a6bd-5b0d0b2f3a11")
        .header("return-client-request-id", "true")
        .form(&form);
    stories::Reply::of(request).await.ok().json()
}

async fn invoke_web_request(fk: &Firekeep, token: &Value) {
    let token = token["access_token"].as_str().expect("a token").to_owned();
    let actor = Actor::new(fk.client().clone(), fk.says("/service/pathUrl"), Some(token));
    assert_eq!(actor.get("/Patient").await.ok().json()["type"], "searchset");
}

#[tokio::test]
async fn add_az_environment_reads_the_metadata_of_an_arm_endpoint() {
    let fk = Firekeep::start().await;
    let nobody = fk.as_anonymous().at(&fk.says("/arm"));
    let metadata = nobody.get("/metadata/endpoints?api-version=1.0").await.ok().json();
    for name in ["galleryEndpoint", "graphEndpoint", "portalEndpoint"] {
        assert!(!metadata[name].as_str().unwrap_or_default().is_empty(), "{name}: {metadata}");
    }
    let login = metadata["authentication"]["loginEndpoint"].as_str().expect("a login endpoint");
    assert_eq!(login, format!("{}/adfs", fk.says("/authority")));
    assert_eq!(metadata["authentication"]["audiences"][0], fk.says("/arm").as_str());
}

#[tokio::test]
async fn connect_az_account_with_a_secret_then_get_az_access_token() {
    let fk = Firekeep::start().await;
    let secret = fk.says("/application/clientSecret");
    let credential = [("client_secret", secret.as_str())];
    let nobody = fk.as_anonymous().at(&fk.says("/authority"));
    let domain = fk.says("/tenantDomain");
    let found =
        nobody.get(&format!("/{domain}/.well-known/openid-configuration")).await.ok().json();
    assert!(found["issuer"].as_str().expect("an issuer").contains(&fk.says("/tenantId")));

    let path = format!("/{}/oauth2/v2.0/token", fk.says("/tenantId"));
    let arm = token(&fk, &path, &format!("{}/.default", fk.says("/arm")), &credential).await;
    let bearer = arm["access_token"].as_str().expect("a token").to_owned();
    let actor = Actor::new(fk.client().clone(), fk.says("/arm"), Some(bearer));
    for api in ["2021-01-01", "2016-06-01"] {
        let list = actor.get(&format!("/subscriptions?api-version={api}")).await.ok().json();
        assert_eq!(list["value"][0]["state"], "Enabled");
    }
    actor.get("/tenants?api-version=2021-01-01").await.ok();
    actor
        .get(&format!("/subscriptions/{}?api-version=2021-01-01", fk.says("/subscriptionId")))
        .await
        .ok();
    for slash in ["", "/"] {
        let scope = format!("{}{slash}/.default", fk.says("/service/pathUrl"));
        invoke_web_request(&fk, &token(&fk, &path, &scope, &credential).await).await;
    }
}

#[tokio::test]
async fn an_adfs_environment_asks_for_openid() {
    let fk = Firekeep::start().await;
    let secret = fk.says("/application/clientSecret");
    let credential = [("client_secret", secret.as_str())];
    let nobody = fk.as_anonymous().at(&fk.says("/authority"));
    let found = nobody.get("/adfs/.well-known/openid-configuration").await.ok().json();
    assert_eq!(found["token_endpoint"], format!("{}/adfs/oauth2/token", fk.says("/authority")));
    for resource in [fk.says("/arm"), fk.says("/service/pathUrl")] {
        let answer =
            token(&fk, "/adfs/oauth2/token", &format!("{resource}/openid"), &credential).await;
        let claims = answer["access_token"].as_str().expect("a token").split('.').nth(1);
        let claims = BASE64.decode(claims.expect("claims")).expect("base64url");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["aud"], resource.as_str());
        assert!(claims["exp"].as_i64().is_some_and(|exp| i32::try_from(exp).is_ok()));
    }
    let scope = format!("{}/openid", fk.says("/service/pathUrl"));
    invoke_web_request(&fk, &token(&fk, "/adfs/oauth2/token", &scope, &credential).await).await;
}

#[tokio::test]
async fn the_old_endpoint_answers_in_strings() {
    let fk = Firekeep::start().await;
    let (id, secret) = (fk.says("/application/clientId"), fk.says("/application/clientSecret"));
    let resource = fk.says("/service/pathUrl");
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("resource", resource.as_str()),
    ];
    let path = format!("/{}/oauth2/token", fk.says("/tenantId"));
    let answer = authority.form(&path, &form).await.ok().json();
    for name in [
        "token_type",
        "expires_in",
        "ext_expires_in",
        "expires_on",
        "not_before",
        "resource",
        "access_token",
    ] {
        assert!(answer[name].is_string(), "{name}: {answer}");
    }
    invoke_web_request(&fk, &answer).await;
}

/// A key, and the DER of its self-signed certificate, registered on the application.
fn registered_certificate(fk: &Firekeep) -> (RsaKeyPair, Vec<u8>) {
    let key = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a key");
    let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).expect("PKCS#8");
    let pair = rcgen::KeyPair::try_from(pkcs8.as_ref()).expect("a key pair");
    let parameters = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    let certificate = parameters.self_signed(&pair).expect("a certificate");
    let file = fk.folder().join("story.pem");
    std::fs::write(&file, certificate.pem()).expect("a file");
    let id = fk.says("/application/clientId");
    let added = fk.run(&["app", "add-certificate", &id, &file.display().to_string()]);
    assert!(added.status.success(), "{added:?}");
    (key, certificate.der().to_vec())
}

#[tokio::test]
async fn connect_az_account_with_a_certificate() {
    let fk = Firekeep::start().await;
    let (key, certificate) = registered_certificate(&fk);
    let path = format!("/{}/oauth2/v2.0/token", fk.says("/tenantId"));
    let id = fk.says("/application/clientId");
    let sha1 = BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate));
    let sha256 = BASE64.encode(digest(&SHA256, &certificate));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("a clock").as_secs();
    let unknown = BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, b"another certificate"));
    for (algorithm, name, thumbprint, opens) in [
        ("RS256", "x5t", &sha1, true),
        ("PS256", "x5t#S256", &sha256, true),
        ("RS256", "x5t", &unknown, false),
    ] {
        let header = json!({"alg": algorithm, "typ": "JWT", name: thumbprint});
        let claims = json!({"aud": format!("{}{path}", fk.says("/authority")), "iss": id,
            "sub": id, "jti": uuid::Uuid::from_bytes(stories::random()), "nbf": now,
            "exp": now + 600});
        let message =
            format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let mut signature = vec![0; key.public_modulus_len()];
        let padding: &dyn aws_lc_rs::signature::RsaEncoding =
            if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        key.sign(padding, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .expect("a signature");
        let assertion = format!("{message}.{}", BASE64.encode(signature));
        let scope = format!("{}/.default", fk.says("/service/pathUrl"));
        let form = [
            ("client_id", id.as_str()),
            ("scope", scope.as_str()),
            ("grant_type", "client_credentials"),
            ("client_assertion", assertion.as_str()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ];
        let answer = fk.as_anonymous().at(&fk.says("/authority")).form(&path, &form).await;
        if opens {
            invoke_web_request(&fk, &answer.ok().json()).await;
        } else {
            assert_eq!(answer.status(401).json()["error_codes"][0], 700_027);
        }
    }
}
