//! People sign in with a browser: authorization code, PKCE, passwords.

use std::time::Duration;

use base::limits::{CODE_LIFETIME, PASSWORD_BYTES, PASSWORD_TRIES, PENDING_SIGN_INS};

use super::*;
use crate::jwt::BASE64URL;
use crate::secret::base64url;

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";
const REDIRECT: &str = "http://localhost:45123";

pub(super) fn challenge() -> String {
    base64url(sha256(VERIFIER.as_bytes()))
}

impl World {
    /// The authorization request of az, with some of its parameters changed.
    fn authorize(
        &self,
        changed: &[(&str, &str)],
    ) -> Result<PendingAuthorization, AuthorizationRefusal> {
        let (cli, challenge) = (clients::AZURE_CLI.to_string(), challenge());
        let scope = format!("{ORIGIN}/.default offline_access openid profile");
        let mut pairs: BTreeMap<&str, &str> = BTreeMap::from([
            ("client_id", cli.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", &scope),
            ("state", "xyz"),
            ("response_mode", "form_post"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("nonce", "n-0S6"),
        ]);
        pairs.extend(changed.iter().copied());
        let pairs: Vec<_> = pairs.into_iter().collect();
        self.authority
            .begin_authorization(&Endpoint::new("organizations", Shape::V2), &form(&pairs))
    }

    pub(super) fn code(&self) -> String {
        self.authority.issue_code(&self.authorize(&[]).unwrap(), &self.sign_in()).unwrap()
    }

    pub(super) fn redeem(
        &self,
        code: &str,
        changed: &[(&str, &str)],
    ) -> Result<TokenAnswer, TokenRefusal> {
        let cli = clients::AZURE_CLI.to_string();
        let mut pairs = BTreeMap::from([
            ("grant_type", "authorization_code"),
            ("client_id", cli.as_str()),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ]);
        pairs.extend(changed.iter().copied());
        let pairs: Vec<_> = pairs.into_iter().collect();
        self.authority.token(&Endpoint::new("organizations", Shape::V2), &form(&pairs))
    }

    /// What az has after `az login`.
    pub(super) fn az_login(&self) -> TokenAnswer {
        self.redeem(&self.code(), &[]).unwrap()
    }
}

#[test]
fn az_login_gives_all_three_tokens() {
    let world = World::new();
    let pending = world.authorize(&[]).unwrap();
    assert_eq!(pending.client_name, "Microsoft Azure CLI");
    assert_eq!(pending.response_mode, ResponseMode::FormPost);
    assert_eq!((pending.state.as_deref(), pending.prompt_none), (Some("xyz"), false));

    let answer = world.az_login();
    assert!(answer.refresh_token.is_some());
    let access = claims(&answer.access_token);
    let (user, tenant) = (world.user.to_string(), world.tenant.to_string());
    for (name, expected) in [
        ("aud", ORIGIN),
        ("appid", &clients::AZURE_CLI.to_string()),
        ("appidacr", "0"),
        ("oid", &user),
        ("tid", &tenant),
        ("scp", "user_impersonation"),
        ("upn", "ada@firekeep.localhost"),
        ("unique_name", "ada@firekeep.localhost"),
        ("given_name", "Ada"),
        ("family_name", "Lovelace"),
        ("idtyp", "user"),
    ] {
        assert_eq!(access[name], expected, "{name}");
    }
    assert_ne!(access["sub"], access["oid"], "pairwise");

    let id = claims(answer.id_token.as_deref().unwrap());
    for (name, expected) in [
        ("aud", clients::AZURE_CLI.to_string().as_str()),
        ("iss", &format!("{ORIGIN}/{tenant}/v2.0")),
        ("nonce", "n-0S6"),
        ("preferred_username", "ada@firekeep.localhost"),
        ("name", "Ada Lovelace"),
        ("oid", &user),
        ("ver", "2.0"),
    ] {
        assert_eq!(id[name], expected, "{name}");
    }
    assert_eq!(id["sub"], access["sub"]);
    let info = BASE64URL;
    let info = base64::Engine::decode(&info, answer.client_info.unwrap()).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&info).unwrap(),
        serde_json::json!({"uid": user, "utid": tenant})
    );
    let denied =
        world.authority.verify(answer.id_token.as_deref().unwrap(), &ExpectedAudience::Arm);
    assert_eq!(denied, Err(TokenFault::Malformed), "an id token is no access token");
}

#[test]
fn a_wrong_authorization_request_goes_back_only_to_an_address_that_is_known() {
    let world = World::new();
    let check = |changed: &[(&str, &str)], number: u32, goes_back: bool| {
        let refused = world.authorize(changed).unwrap_err();
        assert_eq!(refused.refusal.row().code, number, "{changed:?}");
        assert_eq!(refused.back_to.is_some(), goes_back, "{changed:?}");
    };
    check(&[("redirect_uri", "https://evil.example")], 50_011, false);
    check(&[("redirect_uri", "")], 900_144, false);
    check(&[("client_id", "nobody")], 700_016, false);
    check(&[("response_mode", "web_message")], 90_014, false);
    check(&[("response_type", "token")], 700_054, true);
    check(&[("code_challenge", "")], 9_002_325, true);
    check(&[("code_challenge_method", "plain")], 501_471, true);
    check(&[("code_challenge_method", "")], 501_471, true);
    check(&[("code_challenge", "short")], 501_471, true);
    check(&[("scope", "https://unknown.invalid/.default")], 500_011, true);
    check(&[("scope", "")], 900_144, true);
}

#[test]
fn a_code_fits_its_client_its_address_and_its_verifier() {
    let world = World::new();
    let code_text = world.code();
    let powershell = clients::AZURE_POWERSHELL.to_string();
    let refused = |changed: &[(&str, &str)]| code(&world.redeem(&code_text, changed));
    assert_eq!(refused(&[("client_id", &powershell)]), 9_002_313);
    assert_eq!(refused(&[("redirect_uri", "http://localhost:1")]), 9_002_313);
    assert_eq!(refused(&[("code_verifier", "another")]), 501_481);
    assert_eq!(refused(&[("code_verifier", "")]), 501_481);
    assert_eq!(refused(&[("code", "unknown")]), 9_002_313);
    assert_eq!(refused(&[]), 0, "wrong tries spoil nothing");

    let late = world.code();
    world.clock.advance(CODE_LIFETIME);
    assert_eq!(code(&world.redeem(&late, &[])), 70_008);
}

#[test]
fn a_second_use_of_a_code_ends_what_came_of_the_first() {
    let world = World::new();
    let text = world.code();
    let first = world.redeem(&text, &[]).unwrap();
    assert_eq!(code(&world.refresh_with(first.refresh_token.as_deref().unwrap(), &[])), 0);
    assert_eq!(code(&world.redeem(&text, &[])), 54_005);
    assert_eq!(code(&world.refresh_with(first.refresh_token.as_deref().unwrap(), &[])), 50_173);
}

/// Postman's tutorial: a v1 request of a confidential client, without PKCE.
#[test]
fn a_confidential_client_redeems_with_its_secret() {
    let world = World::new();
    let (client_id, redirect) =
        (world.application.client_id.to_string(), "https://app.example/callback");
    let v1 = world.at(Shape::V1);
    let request = form(&[
        ("client_id", &client_id),
        ("response_type", "code"),
        ("redirect_uri", redirect),
        ("resource", FHIR),
    ]);
    let pending = world.authority.begin_authorization(&v1, &request).unwrap();
    let redeem = |secret: &str, verifier: &str| {
        let text = world.authority.issue_code(&pending, &world.sign_in()).unwrap();
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id.as_str()),
            ("client_secret", secret),
            ("code", &text),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ];
        world.authority.token(&v1, &form(&pairs))
    };
    let answer = redeem(&world.secret, "").unwrap();
    let claims = claims(&answer.access_token);
    assert_eq!((&claims["aud"], &claims["appidacr"]), (&FHIR.into(), &"1".into()));
    assert_eq!(code(&redeem("", "")), 7_000_218);
    assert_eq!(code(&redeem("wrong", "")), 7_000_215);
    assert_eq!(code(&redeem(&world.secret, VERIFIER)), 501_481, "a challenge was taken out");
}

#[test]
fn wrong_passwords_wait_longer_and_longer_and_unknown_names_look_the_same() {
    let world = World::new();
    let endpoint = Endpoint::new("organizations", Shape::V2);
    let try_in = |name: &str, password: &str| {
        let answer = world.authority.sign_in(&endpoint, name, password);
        answer.map_err(|refusal| refusal.row()).err()
    };
    for name in ["ada@firekeep.localhost", "nobody@firekeep.localhost"] {
        for _ in 0..PASSWORD_TRIES {
            let row = try_in(name, "wrong").unwrap();
            assert_eq!((row.code, row.error), (50_126, "invalid_grant"), "{name}");
        }
        let row = try_in(name, PASSWORD).unwrap();
        assert_eq!(row.code, 50_053, "{name}");
        assert_eq!(row.description, "There were too many wrong tries. Try again in 1 s.");
    }
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(try_in("ada@firekeep.localhost", "wrong").unwrap().code, 50_126);
    assert!(try_in("ada@firekeep.localhost", PASSWORD).unwrap().description.contains("in 2 s"));
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(try_in(" ADA@firekeep.localhost ", PASSWORD), None);
    assert_eq!(try_in("ada@firekeep.localhost", "wrong").unwrap().code, 50_126, "counted anew");
}

#[test]
fn a_disabled_user_is_told_so_only_after_the_right_password() {
    let world = World::new();
    world.authority.change(|draft| draft.set_user_enabled(world.user, false)).unwrap();
    let endpoint = Endpoint::new("organizations", Shape::V2);
    let try_in =
        |password| code(&world.authority.sign_in(&endpoint, "ada@firekeep.localhost", password));
    assert_eq!(try_in("wrong"), 50_126);
    assert_eq!(try_in(PASSWORD), 50_057);
}

#[test]
fn no_more_sign_ins_are_under_way_than_the_limit_and_time_makes_room() {
    let world = World::new();
    let (pending, user) = (world.authorize(&[]).unwrap(), world.sign_in());
    let issue = || world.authority.issue_code(&pending, &user);
    for _ in 0..PENDING_SIGN_INS {
        assert_eq!(code(&issue()), 0);
    }
    assert_eq!(code(&issue()), 90_055);
    world.clock.advance(CODE_LIFETIME);
    assert_eq!(code(&issue()), 0);
}

#[test]
fn a_password_is_set_and_read_up_to_the_limit_and_not_past_it() {
    let world = World::new();
    let set = |bytes: usize| {
        let password = "x".repeat(bytes);
        world.authority.change(|draft| draft.set_password(world.user, &password))
    };
    let enter = |bytes: usize| {
        let endpoint = Endpoint::new("organizations", Shape::V2);
        code(&world.authority.sign_in(&endpoint, "ada@firekeep.localhost", &"x".repeat(bytes)))
    };
    assert!(set(PASSWORD_BYTES).is_ok());
    assert_eq!(enter(PASSWORD_BYTES), 0);
    assert_eq!(enter(PASSWORD_BYTES + 1), 50_126);
    assert!(matches!(set(PASSWORD_BYTES + 1), Err(ChangeRefused::Invalid(_))));
}
