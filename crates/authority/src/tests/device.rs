//! Device code: the terminal polls while a person signs in elsewhere.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use base::limits::{DEVICE_CODE_LIFETIME, PENDING_SIGN_INS, USER_CODE_TRIES};

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn anywhere() -> Endpoint {
    Endpoint::new("organizations", Shape::V2)
}

impl World {
    fn begin(&self) -> DeviceStart {
        let scope = format!("{ORIGIN}/.default offline_access openid profile");
        let cli = clients::AZURE_CLI.to_string();
        self.authority
            .begin_device(&anywhere(), &form(&[("client_id", &cli), ("scope", &scope)]))
            .unwrap()
    }

    fn poll(&self, start: &DeviceStart) -> Result<TokenAnswer, TokenRefusal> {
        self.authority.token(
            &anywhere(),
            &form(&[
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("client_id", &clients::AZURE_CLI.to_string()),
                ("device_code", &start.device_code),
                ("code", &start.device_code),
            ]),
        )
    }
}

fn error(answer: &Result<TokenAnswer, TokenRefusal>) -> &'static str {
    answer.as_ref().err().map_or("", |refusal| refusal.row().error)
}

#[test]
fn a_device_waits_and_gets_its_tokens_once() {
    let world = World::new();
    let start = world.begin();
    assert_eq!((start.expires_in, start.interval, start.user_code.len()), (900, 5, 9));
    assert_eq!(error(&world.poll(&start)), "authorization_pending");
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(error(&world.poll(&start)), "authorization_pending");
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(error(&world.poll(&start)), "slow_down");
    world.clock.advance(Duration::from_secs(5));

    let typed = start.user_code.to_lowercase().replace('-', " ");
    let view = world.authority.find_device(&typed, HERE).unwrap();
    assert_eq!(view.client_name, "Microsoft Azure CLI");
    assert_eq!(view.tenant, "organizations");
    world.authority.approve_device(&typed, &world.sign_in()).unwrap();
    assert_eq!(code(&world.authority.find_device(&typed, HERE)), 70_020, "it is answered");

    let answer = world.poll(&start).unwrap();
    assert_eq!(claims(&answer.access_token)["aud"], ORIGIN);
    assert!(answer.id_token.is_some());
    assert_eq!(code(&world.refresh_with(answer.refresh_token.as_deref().unwrap(), &[])), 0);
    assert_eq!(code(&world.poll(&start)), 54_005);
}

#[test]
fn a_device_is_declined_or_comes_too_late() {
    let world = World::new();
    let declined = world.begin();
    world.authority.decline_device(&declined.user_code).unwrap();
    for _ in 0..2 {
        assert_eq!(error(&world.poll(&declined)), "authorization_declined");
    }
    let late = world.begin();
    world.clock.advance(DEVICE_CODE_LIFETIME);
    assert_eq!(error(&world.poll(&late)), "expired_token");
    assert_eq!(code(&world.authority.find_device(&late.user_code, HERE)), 70_020);
}

#[test]
fn a_session_ended_in_between_gives_no_tokens() {
    let world = World::new();
    let (start, user) = (world.begin(), world.sign_in());
    world.authority.approve_device(&start.user_code, &user).unwrap();
    world.authority.change(|draft| draft.set_password(world.user, "another one")).unwrap();
    assert_eq!(code(&world.poll(&start)), 50_173);
    assert_eq!(code(&world.authority.approve_device(&world.begin().user_code, &user)), 50_173);
}

#[test]
fn user_codes_cannot_be_tried_without_end_and_who_tries_stops_only_himself() {
    let world = World::new();
    let start = world.begin();
    let find = |user_code: &str, from| code(&world.authority.find_device(user_code, from));
    for _ in 0..USER_CODE_TRIES {
        assert_eq!(find("AAAA-AAAA", HERE), 70_020);
    }
    assert_eq!(find("AAAA-AAAA", HERE), 50_053);
    assert_eq!(find(&start.user_code, HERE), 50_053);
    assert_eq!(find(&start.user_code, Ipv4Addr::new(192, 0, 2, 1).into()), 0);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(find(&start.user_code, HERE), 0);
}

#[test]
fn a_device_needs_a_public_client_and_a_scope() {
    let world = World::new();
    let begin = |client_id: &str, scope: &str| {
        let pairs = [("client_id", client_id), ("scope", scope)];
        code(&world.authority.begin_device(&anywhere(), &form(&pairs)))
    };
    let (cli, scope) = (clients::AZURE_CLI.to_string(), format!("{FHIR}/.default"));
    assert_eq!(begin(&cli, &scope), 0);
    assert_eq!(begin(&cli, ""), 900_144);
    assert_eq!(begin(&world.application.client_id.to_string(), &scope), 7_000_218);
}

/// Anybody can begin a device's sign-in: it must not keep out who has a code to redeem.
#[test]
fn devices_under_way_have_a_limit_and_take_no_room_from_codes() {
    let world = World::new();
    let scope = format!("{ORIGIN}/.default");
    let cli = clients::AZURE_CLI.to_string();
    let parameters = form(&[("client_id", &cli), ("scope", &scope)]);
    let begin = || code(&world.authority.begin_device(&anywhere(), &parameters));
    for _ in 0..PENDING_SIGN_INS {
        assert_eq!(begin(), 0);
    }
    assert_eq!(begin(), 90_055);
    assert_eq!(world.az_login().resource, ORIGIN);
    world.clock.advance(DEVICE_CODE_LIFETIME);
    assert_eq!(begin(), 0);
}
