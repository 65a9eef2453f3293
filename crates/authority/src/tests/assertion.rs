//! Client credentials by certificate, as az, azure-identity for Python and for Node send them.

use std::time::Duration;

use base::limits::{ASSERTION_BYTES, ASSERTION_LIFETIME};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;

use super::*;
use crate::secret::base64url;

/// A key and its certificate, made once: RSA keys cost a second.
struct Signer {
    key: EncodingKey,
    pem: String,
    der: Vec<u8>,
}

fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let params = CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap();
        Signer {
            key: EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap(),
            pem: format!("{}{}", pair.serialize_pem(), certificate.pem()),
            der: certificate.der().to_vec(),
        }
    })
}

fn sha1() -> Vec<u8> {
    use aws_lc_rs::digest;
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &signer().der).as_ref().to_vec()
}

impl World {
    fn with_certificate() -> Self {
        let world = Self::new();
        let id = world.application.object_id;
        let add = |draft: &mut Draft<'_>| draft.add_certificate(id, signer().pem.as_bytes(), None);
        world.authority.change(add).unwrap();
        world
    }

    /// Header and claims as MSAL for Python makes them, changed by `edit`.
    fn assertion(&self, edit: impl FnOnce(&mut Value, &mut Value)) -> String {
        let now = self.authority.now().unix_seconds() as f64 + 0.25;
        let client_id = self.application.client_id;
        let mut header = json!({"alg": "RS256", "typ": "JWT", "x5t": URL_SAFE.encode(sha1())});
        let mut claims = json!({
            "aud": format!("{ORIGIN}/{}/oauth2/v2.0/token", self.tenant),
            "iss": client_id, "sub": client_id, "jti": self.authority.new_id(),
            "exp": now + 600.0, "iat": now,
        });
        edit(&mut header, &mut claims);
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let algorithm = if header["alg"] == "PS256" { Algorithm::PS256 } else { Algorithm::RS256 };
        let signature = crypto::sign(signed.as_bytes(), &signer().key, algorithm).unwrap();
        format!("{signed}.{signature}")
    }

    fn present(&self, assertion: &str, resource: &str) -> Result<TokenAnswer, TokenRefusal> {
        self.post(&[
            ("grant_type", "client_credentials"),
            ("client_id", &self.application.client_id.to_string()),
            ("client_assertion", assertion),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("scope", &format!("{resource}/.default")),
        ])
    }
}

#[test]
fn every_form_that_clients_send_is_accepted() {
    let world = World::with_certificate();
    let check = |what: &str, edit: &dyn Fn(&mut Value, &mut Value)| {
        let answer = world.present(&world.assertion(edit), FHIR);
        let claims = claims(&answer.unwrap_or_else(|why| panic!("{what}: {why}")).access_token);
        assert_eq!(claims["appidacr"], "2", "{what}");
    };
    check("az, Python", &|_, _| {});
    check("x5t without padding", &|header, _| header["x5t"] = base64url(sha1()).into());
    check("x5t in the standard alphabet", &|header, _| {
        header["x5t"] = STANDARD.encode(sha1()).into();
    });
    check("the same without padding", &|header, _| {
        header["x5t"] = STANDARD_NO_PAD.encode(sha1()).into();
    });
    check("Node: PS256, x5t#S256, whole numbers, nbf a second ahead", &|header, claims| {
        let now = world.authority.now().unix_seconds();
        *header = json!({
            "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(sha256(&signer().der)),
        });
        claims["nbf"] = (now + 1).into();
        (claims["iat"], claims["exp"]) = (now.into(), (now + 600).into());
    });
    check("x5c with newlines", &|header, _| {
        header["x5c"] = json!([format!("{}\n", STANDARD.encode(&signer().der))]);
    });
    check("clock four minutes behind", &|_, claims| {
        claims["exp"] = (world.authority.now().unix_seconds() - 240).into();
    });
    let path = |path: &str| format!("{ORIGIN}/{path}");
    let tenant = world.tenant;
    for audience in [
        path(&format!("{tenant}/v2.0")),
        path(&format!("{tenant}/")),
        path(&format!("{tenant}/oauth2/token")),
        path("firekeep.localhost/oauth2/v2.0/token"),
        path("organizations/oauth2/v2.0/token"),
        path("adfs/oauth2/token"),
    ] {
        check(&audience, &|_, claims| claims["aud"] = json!([audience]));
    }
}

#[test]
fn an_assertion_that_does_not_hold_is_refused_with_its_number() {
    let world = World::with_certificate();
    let now = world.authority.now().unix_seconds();
    let check = |what: &str, number: u32, edit: &dyn Fn(&mut Value, &mut Value)| {
        let answer = world.present(&world.assertion(edit), FHIR);
        assert_eq!(code(&answer), number, "{what}");
    };
    check("another certificate", 700_027, &|header, _| header["x5t"] = "AAAA".into());
    check("no thumbprint", 700_027, &|header, _| *header = json!({"alg": "RS256"}));
    check("HS256", 50_027, &|header, _| header["alg"] = "HS256".into());
    check("none", 50_027, &|header, _| header["alg"] = "none".into());
    check("RS384", 50_027, &|header, _| header["alg"] = "RS384".into());
    check("another issuer", 50_027, &|_, claims| claims["iss"] = "somebody".into());
    check("another subject", 50_027, &|_, claims| claims["sub"] = "somebody".into());
    check("another authority", 50_027, &|_, claims| {
        claims["aud"] = "https://login.example/x/oauth2/v2.0/token".into();
    });
    check("a host that only begins like ours", 50_027, &|_, claims| {
        claims["aud"] = format!("{ORIGIN}0/{}/v2.0", world.tenant).into();
    });
    check("no end", 50_027, &|_, claims| claims["exp"] = Value::Null);
    check("over", 700_024, &|_, claims| claims["exp"] = (now - 300).into());
    check("not yet", 700_024, &|_, claims| claims["nbf"] = (now + 301).into());
    check("a year", 700_024, &|_, claims| claims["exp"] = (now + 31_536_000).into());
    assert_eq!(code(&world.present("a.b", FHIR)), 50_027);
    assert_eq!(code(&world.present(&"x".repeat(ASSERTION_BYTES + 1), FHIR)), 50_027);

    let good = world.assertion(|_, _| {});
    let tampered = good.replacen('.', "A.", 2);
    assert_eq!(code(&world.present(&tampered, FHIR)), 50_027);
}

#[test]
fn an_assertion_is_read_up_to_the_limit_and_not_past_it() {
    let world = World::with_certificate();
    let padded =
        |length: usize| world.assertion(|header, _| header["padding"] = "x".repeat(length).into());
    let about = (ASSERTION_BYTES - padded(0).len()) * 3 / 4;
    let of = |bytes: usize| {
        (about - 8..about + 8).map(padded).find(|it| it.len() == bytes).unwrap_or_default()
    };
    assert_eq!(code(&world.present(&of(ASSERTION_BYTES), FHIR)), 0);
    assert_eq!(code(&world.present(&of(ASSERTION_BYTES + 1), FHIR)), 50_027);
}

#[test]
fn an_assertion_lives_for_a_day_at_most() {
    let world = World::with_certificate();
    let living = |time: Duration| {
        let now = world.authority.now().unix_seconds();
        let end = now + i64::try_from(time.as_secs()).unwrap();
        code(&world.present(&world.assertion(|_, claims| claims["exp"] = end.into()), FHIR))
    };
    assert_eq!(living(ASSERTION_LIFETIME), 0);
    assert_eq!(living(ASSERTION_LIFETIME + Duration::from_secs(1)), 700_024);
}

/// MSAL presents one assertion for several resources, never twice for the same one.
#[test]
fn an_assertion_is_good_once_for_each_resource() {
    let world = World::with_certificate();
    let assertion = world.assertion(|_, _| {});
    assert_eq!(code(&world.present(&assertion, FHIR)), 0);
    assert_eq!(code(&world.present(&assertion, ORIGIN)), 0);
    assert_eq!(code(&world.present(&assertion, FHIR)), 50_027);
    assert_eq!(code(&world.present(&world.assertion(|_, _| {}), FHIR)), 0);
    world.clock.advance(Duration::from_secs(1_200));
    assert_eq!(code(&world.present(&assertion, FHIR)), 700_024);
}

#[test]
fn a_certificate_that_ended_cannot_be_added() {
    let world = World::new();
    let id = world.application.object_id;
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.not_after = rcgen::date_time_ymd(2001, 2, 3);
    let ended = params.self_signed(&pair).unwrap();
    let added = world.authority.change(|draft| draft.add_certificate(id, ended.der(), None));
    let Err(ChangeRefused::Invalid(text)) = added else { panic!("it was added") };
    assert!(text.contains("ended on 2001-02-03"), "{text}");
}

#[test]
fn only_an_rsa_certificate_can_be_added() {
    let world = World::new();
    let id = world.application.object_id;
    let add = |bytes: &[u8]| world.authority.change(|draft| draft.add_certificate(id, bytes, None));
    assert!(add(&signer().der).is_ok());
    assert!(add(signer().pem.as_bytes()).is_ok(), "the same once more replaces it");
    let application = world.authority.directory().application(id).cloned().unwrap();
    assert_eq!(application.certificates.len(), 1);

    let elliptic = KeyPair::generate().unwrap();
    let params = CertificateParams::new(Vec::new()).unwrap();
    let certificate = params.self_signed(&elliptic).unwrap();
    for wrong in [certificate.der().as_ref(), elliptic.serialize_pem().as_bytes(), b"hello", b""] {
        assert!(matches!(add(wrong), Err(ChangeRefused::Invalid(_))));
    }
}
