//! Refresh tokens: any resource, replayed by parallel processes, ended as a family.

use std::time::Duration;

use base::limits::REFRESH_TOKEN_LIFETIME;

use super::*;

impl World {
    /// Redeems a refresh token as az does, for the FHIR service unless `changed` says otherwise.
    pub(super) fn refresh_with(
        &self,
        token: &str,
        changed: &[(&str, &str)],
    ) -> Result<TokenAnswer, TokenRefusal> {
        let (cli, scope) = (
            clients::AZURE_CLI.to_string(),
            format!("{FHIR}/.default offline_access openid profile"),
        );
        let mut pairs = BTreeMap::from([
            ("grant_type", "refresh_token"),
            ("client_id", cli.as_str()),
            ("refresh_token", token),
            ("scope", scope.as_str()),
        ]);
        pairs.extend(changed.iter().copied());
        self.post(&pairs.into_iter().collect::<Vec<_>>())
    }
}

#[test]
fn a_refresh_token_works_for_any_resource_at_the_tenants_endpoint_again_and_again() {
    let world = World::new();
    let first = world.az_login().refresh_token.unwrap();
    let second = world.refresh_with(&first, &[]).unwrap();
    assert_eq!(claims(&second.access_token)["aud"], FHIR);
    assert_eq!(claims(&second.access_token)["scp"], "user_impersonation");
    assert!(second.id_token.is_some());
    assert_ne!(second.refresh_token.as_deref(), Some(first.as_str()));

    let same = world.refresh_with(&first, &[("scope", "")]).unwrap();
    assert_eq!(claims(&same.access_token)["aud"], ORIGIN, "what was asked for at first");
    for token in [&first, second.refresh_token.as_ref().unwrap()] {
        assert_eq!(code(&world.refresh_with(token, &[])), 0);
    }
}

#[test]
fn a_refresh_token_survives_a_restart() {
    let world = World::new();
    let token = world.az_login().refresh_token.unwrap();
    let world = World { authority: open(&world.control, &world.clock), ..world };
    assert_eq!(code(&world.refresh_with(&token, &[])), 0);
}

#[test]
fn every_wrong_refresh_has_its_number() {
    let world = World::new();
    let token = world.az_login().refresh_token.unwrap();
    let powershell = clients::AZURE_POWERSHELL.to_string();
    let refused = |changed: &[(&str, &str)]| code(&world.refresh_with(&token, changed));
    assert_eq!(refused(&[("refresh_token", "unknown")]), 9_002_313);
    assert_eq!(refused(&[("client_id", &powershell)]), 700_009);
    assert_eq!(refused(&[("scope", "https://unknown.invalid/.default")]), 500_011);

    let other = |draft: &mut Draft<'_>| draft.add_tenant("other.example", "Other");
    let other = world.authority.change(other).unwrap();
    let elsewhere = Endpoint::new(&other.to_string(), Shape::V2);
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", &clients::AZURE_CLI.to_string()),
        ("refresh_token", &token),
    ];
    assert_eq!(code(&world.authority.token(&elsewhere, &form(&pairs))), 50_020);
}

#[test]
fn a_new_password_a_revocation_and_a_disabled_user_end_every_session() {
    let world = World::new();
    let ends = |edit: &dyn Fn(&mut Draft<'_>) -> Result<(), ChangeRefused>, number: u32| {
        let token = world.az_login().refresh_token.unwrap();
        assert_eq!(code(&world.refresh_with(&token, &[])), 0);
        world.authority.change(|draft| edit(draft)).unwrap();
        assert_eq!(code(&world.refresh_with(&token, &[])), number);
        token
    };
    ends(&|draft| draft.revoke_sessions(world.user), 50_173);
    ends(&|draft| draft.set_password(world.user, PASSWORD), 50_173);
    let token = ends(&|draft| draft.set_user_enabled(world.user, false), 50_057);
    world.authority.change(|draft| draft.set_user_enabled(world.user, true)).unwrap();
    assert_eq!(code(&world.refresh_with(&token, &[])), 50_173, "it stays ended");
    ends(&|draft| draft.remove_user(world.user), 50_173);
}

#[test]
fn a_refresh_token_has_an_end_and_is_forgotten_long_after() {
    let world = World::new();
    let token = world.az_login().refresh_token.unwrap();
    world.clock.advance(REFRESH_TOKEN_LIFETIME - Duration::from_secs(1));
    let next = world.refresh_with(&token, &[]).unwrap().refresh_token.unwrap();
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(code(&world.refresh_with(&token, &[])), 700_082);
    assert_eq!(code(&world.refresh_with(&next, &[])), 0, "a used family lives on");

    world.clock.advance(REFRESH_TOKEN_LIFETIME);
    world.authority.prune().unwrap();
    assert_eq!(code(&world.refresh_with(&token, &[])), 9_002_313);
    assert_eq!(code(&world.refresh_with(&next, &[])), 700_082, "not for as long as it lived");
}

/// A refresh writes its family anew: it must not undo what ends the family at the same moment.
#[test]
fn a_refresh_at_the_same_time_does_not_undo_a_revocation() {
    let world = World::new();
    for _ in 0..8 {
        let text = world.code();
        let token = world.redeem(&text, &[]).unwrap().refresh_token.unwrap();
        std::thread::scope(|scope| {
            let refreshing = scope.spawn(|| while world.refresh_with(&token, &[]).is_ok() {});
            assert_eq!(code(&world.redeem(&text, &[])), 54_005);
            refreshing.join().unwrap();
        });
        assert_eq!(code(&world.refresh_with(&token, &[])), 50_173);
    }
}
