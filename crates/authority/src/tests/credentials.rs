//! Client credentials by secret: what az, azure-identity and old curl lines send.

use std::time::Duration;

use base::limits::CREDENTIALS;

use super::*;

impl World {
    fn by_secret(&self, secret: &str, scope: &str) -> Result<TokenAnswer, TokenRefusal> {
        self.post(&[
            ("grant_type", "client_credentials"),
            ("client_id", &self.application.client_id.to_string()),
            ("client_secret", secret),
            ("scope", scope),
            ("claims", r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#),
        ])
    }
}

#[test]
fn an_application_gets_a_token_of_the_v1_shape() {
    let world = World::new();
    let answer = world.by_secret(&world.secret, &format!("{FHIR}//.default")).unwrap();
    assert_eq!(answer.expires_in, 3_599);
    assert_eq!((answer.refresh_token, answer.id_token, answer.client_info), (None, None, None));

    let header: Value = Jwt::split(&answer.access_token).unwrap().header().unwrap();
    let keys = world.authority.published_keys();
    assert_eq!(header["kid"], keys[1].kid, "the second is the current one");
    assert_eq!(header["x5t"], keys[1].x5t);
    assert_eq!((&header["alg"], &header["typ"]), (&"RS256".into(), &"JWT".into()));

    let claims = claims(&answer.access_token);
    let (tenant, principal) = (world.tenant.to_string(), world.principal.to_string());
    for (name, expected) in [
        ("aud", "https://main-demo.fhir.localhost:8443/"),
        ("iss", &format!("{ORIGIN}/{tenant}/")),
        ("idp", &format!("{ORIGIN}/{tenant}/")),
        ("ver", "1.0"),
        ("appid", &world.application.client_id.to_string()),
        ("appidacr", "1"),
        ("oid", &principal),
        ("sub", &principal),
        ("tid", &tenant),
        ("idtyp", "app"),
    ] {
        assert_eq!(claims[name], expected, "{name}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3_600);
    assert_eq!(claims["nbf"], claims["iat"]);
    assert_eq!(claims["xms_cc"][0], "CP1");
    assert!(claims["uti"].is_string());
    assert!(claims.get("scp").is_none() && claims.get("upn").is_none());
}

#[test]
fn v1_and_adfs_endpoints_give_the_same_token() {
    let world = World::new();
    let client_id = world.application.client_id.to_string();
    let ask = |shape: Shape, name: &str, value: &str| {
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
            ("client_secret", world.secret.as_str()),
            (name, value),
        ];
        world.authority.token(&world.at(shape), &form(&pairs))
    };
    let check = |answer: Result<TokenAnswer, TokenRefusal>, resource: &str| {
        let answer = answer.unwrap();
        assert_eq!(answer.resource, resource);
        assert_eq!(claims(&answer.access_token)["aud"], resource);
        assert_eq!(answer.expires_on - answer.not_before, 3_600);
    };
    check(ask(Shape::V1, "resource", FHIR), FHIR);
    check(ask(Shape::Adfs, "scope", &format!("{FHIR}/openid")), FHIR);
    check(ask(Shape::Adfs, "scope", &format!("{PATH_FORM}/.default")), PATH_FORM);
    check(ask(Shape::Adfs, "resource", FHIR), FHIR);
    assert_eq!(code(&ask(Shape::V1, "scope", &format!("{FHIR}/.default"))), 900_144);
    assert_eq!(code(&ask(Shape::V2, "resource", FHIR)), 900_144);
    assert_eq!(code(&ask(Shape::V2, "scope", &format!("{FHIR}/openid"))), 1_002_012);
}

#[test]
fn every_wrong_request_has_its_number() {
    let world = World::new();
    let (scope, secret) = (format!("{FHIR}/.default"), world.secret.clone());
    let client_id = world.application.client_id.to_string();
    let stranger = "00000000-0000-0000-0000-00000000dead".to_owned();
    let cli = clients::AZURE_CLI.to_string();
    let check = |grant: &str, client_id: &str, secret: &str, scope: &str, expected: u32| {
        let answer = world.post(&[
            ("grant_type", grant),
            ("client_id", client_id),
            ("client_secret", secret),
            ("scope", scope),
        ]);
        assert_eq!(code(&answer), expected, "{grant} {client_id} {scope}");
    };
    let grant = "client_credentials";
    check(grant, &client_id, &secret, &scope, 0);
    check(grant, &client_id, "wrong", &scope, 7_000_215);
    check(grant, &client_id, "", &scope, 7_000_218);
    check(grant, &stranger, &secret, &scope, 700_016);
    check(grant, "not a guid", &secret, &scope, 700_016);
    check(grant, &world.application.object_id.to_string(), &secret, &scope, 700_016);
    check(grant, &cli, &secret, &scope, 700_025);
    check(grant, "", &secret, &scope, 900_144);
    check(grant, &client_id, &secret, "https://unknown.invalid/.default", 500_011);
    check(grant, &client_id, &secret, FHIR, 1_002_012);
    check("password", &client_id, &secret, &scope, 70_003);
    check("", &client_id, &secret, &scope, 900_144);

    let pairs = [("grant_type", "password"), ("grant_type", "password")];
    assert_eq!(code(&world.post(&pairs)), 90_015);
    let nowhere = Endpoint::new("contoso.example", Shape::V2);
    assert_eq!(code(&world.authority.token(&nowhere, &form(&pairs[..1]))), 90_002);
    let refusal = world.post(&pairs[..1]).unwrap_err().row();
    assert!(refusal.description.contains("az login --use-device-code"), "{refusal:?}");
}

#[test]
fn a_tenant_is_found_by_guid_domain_and_the_names_for_any() {
    let world = World::new();
    for segment in [
        &world.tenant.to_string(),
        "firekeep.localhost",
        "Firekeep.LOCALHOST",
        "organizations",
        "common",
        "adfs",
    ] {
        assert_eq!(world.authority.tenant(segment).unwrap().id, world.tenant, "{segment}");
    }
    assert_eq!(code(&world.authority.tenant("consumers")), 90_002);
    assert_eq!(code(&world.authority.tenant(&Uuid::nil().to_string())), 90_002);
}

#[test]
fn an_application_may_have_several_secrets_and_each_has_its_end() {
    let world = World::new();
    let (id, scope) = (world.application.object_id, format!("{FHIR}/.default"));
    let end = world.authority.now().plus(Duration::from_secs(60));
    let second = world.authority.change(|draft| draft.add_secret(id, "second", Some(end))).unwrap();
    assert_eq!(code(&world.by_secret(&world.secret, &scope)), 0);
    assert_eq!(code(&world.by_secret(&second.text, &scope)), 0);

    world.clock.advance(Duration::from_secs(60));
    assert_eq!(code(&world.by_secret(&second.text, &scope)), 7_000_222);
    assert_eq!(code(&world.by_secret(&world.secret, &scope)), 0);

    world.authority.change(|draft| draft.remove_credential(id, second.key_id)).unwrap();
    assert_eq!(code(&world.by_secret(&second.text, &scope)), 7_000_215);
}

#[test]
fn a_disabled_or_missing_service_principal_gets_nothing() {
    let world = World::new();
    let scope = format!("{FHIR}/.default");
    let set = |enabled| {
        let edit =
            |draft: &mut Draft<'_>| draft.set_service_principal_enabled(world.principal, enabled);
        world.authority.change(edit).unwrap();
    };
    set(false);
    assert_eq!(code(&world.by_secret(&world.secret, &scope)), 7_000_112);
    set(true);
    assert_eq!(code(&world.by_secret(&world.secret, &scope)), 0);
    world.authority.change(|draft| draft.remove_service_principal(world.principal)).unwrap();
    assert_eq!(code(&world.by_secret(&world.secret, &scope)), 7_000_112);
}

#[test]
fn a_client_proves_itself_in_one_way() {
    let world = World::new();
    let client_id = world.application.client_id.to_string();
    let answer = world.post(&[
        ("grant_type", "client_credentials"),
        ("client_id", &client_id),
        ("client_secret", &world.secret),
        ("client_assertion", "a.b.c"),
        ("scope", &format!("{FHIR}/.default")),
    ]);
    assert_eq!(code(&answer), 90_014);
}

#[test]
fn an_application_has_so_many_secrets() {
    let world = World::new();
    let id = world.application.object_id;
    let add = || world.authority.change(|draft| draft.add_secret(id, "one more", None));
    for _ in 1..CREDENTIALS {
        assert!(add().is_ok());
    }
    assert!(matches!(add(), Err(ChangeRefused::Invalid(why)) if why.contains("at most 50")));
}
