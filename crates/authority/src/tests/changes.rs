//! Changes of the directory: whole or not at all, kept, and shown to nobody who should not see.

use super::*;

#[test]
fn what_was_changed_is_there_after_a_restart() {
    let world = World::new();
    world.authority.change(|draft| draft.set_administrator(world.principal, true)).unwrap();
    world.authority.change(|draft| draft.allow(&world.service, world.user)).unwrap();
    let reopened = open(&world.control, &world.clock);
    let (before, after) = (world.authority.directory(), reopened.directory());
    assert_eq!(before.user(world.user), after.user(world.user));
    assert_eq!(after.user_by_name("ADA@firekeep.localhost").unwrap().object_id, world.user);
    assert_eq!(before.service(&world.service), after.service(&world.service));
    assert_eq!(after.service_by_label("MAIN-demo").unwrap().id, world.service);
    assert_eq!(
        before.application_by_client_id(world.application.client_id),
        after.application_by_client_id(world.application.client_id)
    );
    assert!(after.is_administrator(world.principal) && !after.is_administrator(world.user));
    assert_eq!(reopened.published_keys(), world.authority.published_keys());
    let world = World { authority: reopened, ..world };
    assert!(!world.app_token().is_empty(), "the secret still holds: the pepper is kept");
}

#[test]
fn a_refused_change_leaves_no_trace() {
    let world = World::new();
    let answer = world.authority.change(|draft| {
        draft.set_administrator(world.principal, true)?;
        draft.remove_user(Uuid::nil())
    });
    assert!(matches!(answer, Err(ChangeRefused::NotFound(_))));
    assert!(!world.authority.directory().is_administrator(world.principal));
    assert!(!open(&world.control, &world.clock).directory().is_administrator(world.principal));
}

#[test]
fn what_cannot_be_is_refused_with_a_sentence() {
    let world = World::new();
    let tenant = world.tenant;
    let check = |edit: &dyn Fn(&mut Draft<'_>) -> Result<(), ChangeRefused>, expected: &str| {
        let refused = world.authority.change(|draft| edit(draft)).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    };
    let user = |username, password| NewUser { tenant, username, display_name: "X", password };
    check(
        &|draft| draft.add_user(&user("x@elsewhere.example", PASSWORD)).map(drop),
        "'x@elsewhere.example' does not have the form NAME@firekeep.localhost",
    );
    check(
        &|draft| draft.add_user(&user("ADA@firekeep.localhost", PASSWORD)).map(drop),
        "there is a user ada@firekeep.localhost already",
    );
    check(
        &|draft| draft.add_user(&user("x@firekeep.localhost", "short")).map(drop),
        "a password has at least 8 characters and at most 256 bytes",
    );
    check(
        &|draft| draft.add_tenant("common", "X").map(drop),
        "'common' cannot be a tenant's domain",
    );
    check(
        &|draft| draft.remove_workspace("main"),
        "the workspace main holds the service demo: delete it first",
    );
    check(
        &|draft| draft.remove_resource_group(world.subscription, "group"),
        "the group group holds the workspace main: delete it first",
    );
    check(
        &|draft| draft.allow(&ServiceId::new("main", "lab"), tenant).map(drop),
        "there is no service main/lab",
    );
}

/// `a-b` + `c` and `a` + `b-c` would answer under the same host name.
#[test]
fn two_services_cannot_have_one_label() {
    let world = World::new();
    let answer = world.authority.change(|draft| {
        let workspace = draft.workspace("main").map(|it| Workspace::clone(it)).unwrap();
        let service = draft.service(&world.service).map(|it| Service::clone(it)).unwrap();
        let named = |workspace: &str, name: &str| Service {
            id: ServiceId::new(workspace, name),
            ..service.clone()
        };
        draft.put_workspace(Workspace { name: "main-one".to_owned(), ..workspace })?;
        draft.put_service(named("main-one", "two"))?;
        draft.put_service(named("main", "one-two"))
    });
    assert!(matches!(answer, Err(ChangeRefused::Conflict { code: "NameUnavailable", .. })));
}

#[test]
fn the_same_role_is_given_once() {
    let world = World::new();
    let scope = Scope::subscription(world.subscription);
    let role = roles::by_name("Owner").unwrap().id;
    let give = |id: u128, scope: &Scope, kind: PrincipalKind| {
        let answer = world.authority.change(|draft| {
            let created = draft.now();
            draft.put_role_assignment(RoleAssignment {
                id: Uuid::from_u128(id),
                scope: scope.clone(),
                role,
                principal: world.principal,
                principal_kind: kind,
                description: None,
                created,
                created_by: None,
            })
        });
        match answer {
            Ok(()) => "given",
            Err(ChangeRefused::Conflict { code, .. }) => code,
            Err(_) => "refused",
        }
    };
    let kind = PrincipalKind::ServicePrincipal;
    assert_eq!(give(1, &scope, PrincipalKind::User), "refused");
    assert_eq!(give(1, &scope, kind), "given");
    let other_case = Scope::new(&scope.as_str().to_uppercase());
    assert_eq!(give(2, &other_case, kind), "RoleAssignmentExists");
    assert_eq!(give(1, &Scope::new("/"), kind), "RoleAssignmentUpdateNotPermitted");
    assert_eq!(give(2, &Scope::new("/"), kind), "given");
}

#[test]
fn no_debug_form_shows_a_secret() {
    let world = World::new();
    let id = world.application.object_id;
    let secret = world.authority.change(|draft| draft.add_secret(id, "x", None)).unwrap();
    let directory = world.authority.directory();
    let login = world.az_login();
    let shown = format!(
        "{secret:?} {:?} {:?} {login:?} {:?} {:?}",
        directory.application(id),
        directory.user(world.user),
        world.authority.keys(),
        world.sign_in(),
    );
    let user = directory.user(world.user).unwrap();
    let stored = serde_json::to_value(&user.password).unwrap();
    let hash = serde_json::to_value(&directory.application(id).unwrap().secrets[0].hash).unwrap();
    for hidden in [
        secret.text.as_str(),
        &world.secret,
        PASSWORD,
        stored.as_str().unwrap(),
        hash.as_str().unwrap(),
        &login.access_token,
        login.refresh_token.as_deref().unwrap(),
    ] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

/// What lies on the disk is of no use to who reads it: no secret, password or refresh token.
#[test]
fn the_control_store_holds_hashes_only() {
    let world = World::new();
    let login = world.az_login();
    let mut stored = Vec::new();
    for collection in ["applications", "users", "refresh_tokens", "refresh_families"] {
        for (key, value) in world.control.scan(collection, b"").unwrap() {
            stored.extend([key, value].concat());
        }
    }
    let refresh = login.refresh_token.unwrap();
    for hidden in [world.secret.as_bytes(), PASSWORD.as_bytes(), refresh.as_bytes()] {
        assert!(!stored.windows(hidden.len()).any(|window| window == hidden));
    }
}

/// Who makes a workspace of the same name later has not given the roles of the old one.
#[test]
fn a_role_goes_with_the_place_it_was_given_at() {
    let world = World::new();
    let place = Scope::workspace(world.subscription, "group", "main");
    let left = world.authority.change(|draft| {
        let created = draft.now();
        draft.put_role_assignment(RoleAssignment {
            id: Uuid::from_u128(1),
            scope: place.clone(),
            role: roles::by_name("FHIR Data Reader").unwrap().id,
            principal: world.principal,
            principal_kind: PrincipalKind::ServicePrincipal,
            description: None,
            created,
            created_by: None,
        })?;
        draft.remove_service(&world.service)?;
        let before = draft.role_assignments().count();
        draft.remove_workspace("main")?;
        Ok((before, draft.role_assignments().count()))
    });
    assert_eq!(left.unwrap(), (1, 0));
}

#[test]
fn an_application_cannot_send_codes_to_a_script() {
    let world = World::new();
    let id = world.application.object_id;
    let redirect = |uri: &str| {
        let edit = |application: &mut Application| {
            application.redirect_uris = vec![uri.to_owned()];
        };
        world.authority.change(|draft| draft.edit_application(id, edit)).is_ok()
    };
    assert!(!redirect("javascript:alert(1)"));
    assert!(!redirect("http://app.example/callback"));
    assert!(redirect("https://app.example/other"));
}
