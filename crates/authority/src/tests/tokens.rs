//! Tokens come back: each thing that can be wrong with one has its own fault.

use std::time::Duration;

use base::limits::TOKEN_BYTES;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::json;

use super::*;
use crate::secret::base64url;

impl World {
    /// What is wrong with a token: the same when it comes on a connection that brought others, and
    /// when it comes there again.
    fn fault(&self, token: &str) -> Option<TokenFault> {
        let sent = format!("Bearer {token}");
        let expected = self.expected();
        let again = || self.authority.verify_again(&self.connection, sent.as_bytes(), &expected);
        let found = self.authority.verify(token, &self.expected());
        assert_eq!([again(), again()], [found.clone(), found.clone()]);
        found.err()
    }

    /// A token with the application's claims changed by `edit`, signed by the real key.
    fn forged(&self, edit: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims(&self.app_token());
        edit(&mut claims);
        self.authority.keys().sign(&claims).unwrap()
    }
}

#[test]
fn a_good_token_says_who_it_is() {
    let world = World::new();
    let identity = world.app_identity();
    assert_eq!(identity.object_id, world.principal);
    assert_eq!(identity.client_id, world.application.client_id);
    assert_eq!(identity.kind, PrincipalKind::ServicePrincipal);
    assert_eq!(identity.name.as_deref(), Some("loader"));
    assert_eq!(identity.audience, FHIR);
    let token = world.app_token();
    let sent = format!("Bearer {token}");
    let again = |expected: &ExpectedAudience| {
        world.authority.verify_again(&world.connection, sent.as_bytes(), expected)
    };
    assert!(again(&world.expected()).is_ok());
    let wrong = TokenFault::WrongAudience { sent: FHIR.to_owned(), expected: ORIGIN.to_owned() };
    for for_arm in [
        world.authority.verify(&token, &ExpectedAudience::Arm),
        again(&ExpectedAudience::Arm),
        again(&ExpectedAudience::Arm),
    ] {
        assert_eq!(for_arm, Err(wrong.clone()));
    }
}

#[test]
fn a_service_is_meant_by_all_its_names() {
    let world = World::new();
    let check = |audience: &str, fits: bool| {
        let token = world.forged(|claims| claims["aud"] = audience.into());
        assert_eq!(world.fault(&token).is_none(), fits, "{audience}");
    };
    check(FHIR, true);
    check(&format!("{FHIR}/"), true);
    check(&FHIR.to_uppercase().replace("HTTPS", "https"), true);
    check(PATH_FORM, true);
    check(&format!("{PATH_FORM}/"), true);
    check(ORIGIN, false);
    check("https://main-lab.fhir.localhost:8443", false);
    let token =
        world.forged(|claims| claims["aud"] = "https://main-lab.fhir.localhost:8443/".into());
    assert_eq!(
        world.fault(&token).unwrap().to_string(),
        "This token is for https://main-lab.fhir.localhost:8443/, this service expects \
         https://main-demo.fhir.localhost:8443. Ask for it with: az account get-access-token \
         --resource=https://main-demo.fhir.localhost:8443"
    );
}

#[test]
fn each_forgery_has_its_own_fault() {
    let world = World::new();
    let good = world.app_token();
    assert_eq!(world.fault(&good), None);
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { return };
    let kid = world.authority.published_keys()[1].kid.clone();
    let next = world.authority.published_keys()[0].clone();
    let headed = |header: Value| format!("{}.{payload}.{signature}", base64url(header.to_string()));
    let alg = |alg: &str| Some(TokenFault::AlgorithmRefused { alg: alg.to_owned() });

    assert_eq!(world.fault(&headed(json!({"alg": "none", "kid": kid}))), alg("none"));
    let unsigned = format!("{}.{payload}.", base64url(r#"{"alg":"none"}"#));
    assert_eq!(world.fault(&unsigned), alg("none"));

    let signed =
        format!("{}.{payload}", base64url(json!({"alg": "HS256", "kid": kid}).to_string()));
    let public = EncodingKey::from_secret(next.n.as_bytes());
    let mac = crypto::sign(signed.as_bytes(), &public, Algorithm::HS256).unwrap();
    assert_eq!(world.fault(&format!("{signed}.{mac}")), alg("HS256"));

    let stranger = headed(json!({"alg": "RS256", "kid": "stranger"}));
    assert_eq!(world.fault(&stranger), Some(TokenFault::UnknownKey { kid: "stranger".to_owned() }));
    let unnamed = headed(json!({"alg": "RS256"}));
    assert_eq!(world.fault(&unnamed), Some(TokenFault::UnknownKey { kid: String::new() }));
    let of_another = headed(json!({"alg": "RS256", "kid": next.kid}));
    assert_eq!(world.fault(&of_another), Some(TokenFault::BadSignature));

    let mut claims = claims(&good);
    claims["oid"] = world.user.to_string().into();
    let tampered = format!("{header}.{}.{signature}", base64url(claims.to_string()));
    assert_eq!(world.fault(&tampered), Some(TokenFault::BadSignature));
    let nothing = world.authority.verify("", &world.expected());
    assert_eq!(nothing, Err(TokenFault::Malformed));
    for nonsense in ["a", "a.b", "a.b.c", "a.b.c.d", "{}.{}.{}", "e30.e30.e30"] {
        assert_eq!(world.fault(nonsense), Some(TokenFault::Malformed), "{nonsense}");
    }
}

#[test]
fn signed_by_us_is_not_enough() {
    let world = World::new();
    let now = world.authority.now().unix_seconds();
    let fault = |edit: &dyn Fn(&mut Value)| world.fault(&world.forged(edit));
    let (tenant, other) = (world.tenant, Uuid::from_u128(7));

    assert_eq!(fault(&|_| {}), None);
    assert_eq!(fault(&|it| it["iss"] = format!("{ORIGIN}/{tenant}/v2.0").into()), None);
    for issuer in [
        format!("{ORIGIN}/{tenant}"),
        format!("{ORIGIN}/{other}/"),
        format!("https://sts.example/{tenant}/"),
    ] {
        let found = fault(&|it| it["iss"] = issuer.clone().into());
        let expected = format!("{ORIGIN}/{tenant}/");
        assert_eq!(found, Some(TokenFault::WrongIssuer { sent: issuer, expected }));
    }
    let stranger = fault(&|it| it["oid"] = other.to_string().into());
    assert_eq!(stranger, Some(TokenFault::UnknownPrincipal { object_id: other }));
    let as_user = fault(&|it| it["idtyp"] = "user".into());
    let object_id = world.principal;
    assert_eq!(as_user, Some(TokenFault::UnknownPrincipal { object_id }));
    assert_eq!(fault(&|it| it["exp"] = "soon".into()), Some(TokenFault::Malformed));

    let over = fault(&|it| it["exp"] = (now - 300).into());
    assert!(matches!(over, Some(TokenFault::Expired { .. })));
    assert_eq!(fault(&|it| it["exp"] = (now - 299).into()), None);
    let early = fault(&|it| it["nbf"] = (now + 301).into());
    assert!(matches!(early, Some(TokenFault::NotYetValid { .. })));
    assert_eq!(fault(&|it| it["nbf"] = (now + 300).into()), None);
}

#[test]
fn a_token_of_another_tenant_opens_nothing_here() {
    let world = World::new();
    let (secret, client_id, other) = world
        .authority
        .change(|draft| {
            let other = draft.add_tenant("other.example", "Other")?;
            let application = draft.add_application(NewApplication {
                tenant: other,
                display_name: "stranger".to_owned(),
                redirect_uris: Vec::new(),
                identifier_uris: Vec::new(),
                public_client: false,
            })?;
            draft.add_service_principal(other, application.client_id)?;
            let secret = draft.add_secret(application.object_id, "s", None)?.text;
            Ok((secret, application.client_id, other))
        })
        .unwrap();
    let answer = world.authority.token(
        &Endpoint::new("other.example", Shape::V2),
        &form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &client_id.to_string()),
            ("client_secret", &secret),
            ("scope", &format!("{FHIR}/.default")),
        ]),
    );
    let fault = world.fault(&answer.unwrap().access_token);
    assert_eq!(fault, Some(TokenFault::WrongTenant { sent: other, expected: world.tenant }));
}

/// Verified once, a token is remembered; what can change is checked on each use all the same.
#[test]
fn a_remembered_token_ends_with_its_time_its_principal_and_its_key() {
    let world = World::new();
    let token = world.app_token();
    let enable = |enabled| {
        let edit =
            |draft: &mut Draft<'_>| draft.set_service_principal_enabled(world.principal, enabled);
        world.authority.change(edit).unwrap();
    };
    assert_eq!(world.fault(&token), None);
    enable(false);
    assert_eq!(world.fault(&token), Some(TokenFault::Disabled { object_id: world.principal }));
    enable(true);
    assert_eq!(world.fault(&token), None);

    world.authority.rotate_keys().unwrap();
    assert_eq!(world.fault(&token), None, "the previous key still verifies");
    assert_eq!(world.authority.published_keys().len(), 3);
    assert_ne!(world.app_token(), token);
    let reopened = KeySet::open(&world.control).unwrap();
    assert_eq!(reopened.published(), world.authority.published_keys());
    world.authority.rotate_keys().unwrap();
    assert!(matches!(world.fault(&token), Some(TokenFault::UnknownKey { .. })));

    let token = world.app_token();
    world.clock.advance(Duration::from_secs(3_600 + 299));
    assert_eq!(world.fault(&token), None);
    world.clock.advance(Duration::from_secs(1));
    assert!(matches!(world.fault(&token), Some(TokenFault::Expired { .. })));
}

#[test]
fn a_token_is_read_up_to_the_limit_and_not_past_it() {
    let world = World::new();
    assert_eq!(world.fault(&"x".repeat(TOKEN_BYTES)), Some(TokenFault::Malformed));
    let bytes = TOKEN_BYTES + 1;
    assert_eq!(world.fault(&"x".repeat(bytes)), Some(TokenFault::TooLong { bytes }));
}

#[test]
fn a_published_key_verifies_and_its_certificate_is_its_own() {
    let world = World::new();
    for key in world.authority.published_keys() {
        let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &key.x5c);
        let der = der.unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        certificate.verify_signature(None).unwrap();
        let spki = base64url(sha256(&certificate.public_key().subject_public_key.data));
        assert_eq!(spki, key.kid);
        assert_eq!(key.e, "AQAB");
    }
}

#[test]
fn explain_says_what_a_token_is_and_what_it_opens() {
    let world = World::new();
    world.authority.change(|draft| draft.allow(&world.service, world.principal)).unwrap();
    let explanation = world.authority.explain(&world.app_token());
    assert_eq!(explanation.header.unwrap()["alg"], "RS256");
    assert_eq!(explanation.claims.unwrap()["aud"], FHIR);
    assert_eq!(explanation.verdict.unwrap().object_id, world.principal);
    let service = &explanation.services[0];
    assert_eq!(service.allowed.len(), DataAction::ALL.len() - 1);
    assert_eq!(service.reason, "allowed by the service's list of allowed object IDs");

    let for_arm = world.forged(|claims| claims["aud"] = ORIGIN.into());
    let explanation = world.authority.explain(&for_arm);
    assert!(explanation.verdict.is_ok());
    assert!(explanation.services[0].allowed.is_empty());
    assert!(explanation.services[0].reason.starts_with("This token is for"));

    let nonsense = world.authority.explain("nonsense");
    assert_eq!((nonsense.header, nonsense.claims), (None, None));
    assert_eq!(nonsense.verdict, Err(TokenFault::Malformed));
}
