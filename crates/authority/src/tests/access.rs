//! What an identity may do, and what it is told when it may not.

use super::*;

impl World {
    fn assign(&self, role: &str, scope: &Scope, principal: Uuid) -> Uuid {
        let id = self.authority.new_id();
        let kind = match self.authority.directory().principal(principal).map(|it| it.kind()) {
            Some(kind) => kind,
            None => PrincipalKind::ServicePrincipal,
        };
        self.authority
            .change(|draft| {
                let created = draft.now();
                draft.put_role_assignment(RoleAssignment {
                    id,
                    scope: scope.clone(),
                    role: roles::by_name(role).unwrap().id,
                    principal,
                    principal_kind: kind,
                    description: None,
                    created,
                    created_by: None,
                })
            })
            .unwrap();
        id
    }

    fn may(&self, action: DataAction) -> bool {
        self.authority.decide(&self.app_identity(), action, &self.service).is_allowed()
    }

    fn why_not(&self, action: DataAction) -> String {
        match self.authority.decide(&self.app_identity(), action, &self.service) {
            Decision::Denied(why) => why.to_string(),
            Decision::Allowed(because) => because.to_string(),
        }
    }

    fn service_scope(&self) -> Scope {
        self.authority.directory().service_scope(&self.service).unwrap().clone()
    }
}

#[test]
fn a_role_holds_at_the_service_and_at_everything_above_it() {
    let world = World::new();
    let service = world.service_scope();
    let group = Scope::resource_group(world.subscription, "GROUP");
    let check = |scope: &Scope, holds: bool| {
        let id = world.assign("FHIR Data Reader", scope, world.principal);
        assert_eq!(world.may(DataAction::Read), holds, "{scope}");
        assert!(!world.may(DataAction::Write));
        world.authority.change(|draft| draft.remove_role_assignment(id)).unwrap();
        assert!(!world.may(DataAction::Read), "closed at once");
    };
    check(&service, true);
    check(&Scope::new(&service.as_str().to_uppercase()), true);
    check(&Scope::workspace(world.subscription, "Group", "main"), true);
    check(&group, true);
    check(&Scope::subscription(world.subscription), true);
    check(&Scope::new("/"), true);
    check(&Scope::resource_group(world.subscription, "Other"), false);
    check(&Scope::workspace(world.subscription, "Group", "lab"), false);
    check(&Scope::subscription(Uuid::nil()), false);
}

#[test]
fn a_listed_object_id_opens_the_service_to_the_next_request_and_closes_it() {
    let world = World::new();
    let listed = |allow: bool| {
        world
            .authority
            .change(|draft| {
                if allow {
                    draft.allow(&world.service, world.principal)
                } else {
                    draft.disallow(&world.service, world.principal)
                }
            })
            .unwrap()
    };
    assert!(!world.may(DataAction::Read));
    assert!(listed(true));
    assert!(!listed(true), "it is on the list already");
    for action in DataAction::ALL {
        assert_eq!(world.may(action), action != DataAction::Smart, "{action}");
    }
    assert!(listed(false));
    assert!(!listed(false));
    assert!(!world.may(DataAction::Read));
}

#[test]
fn a_refusal_names_the_identity_the_action_and_the_remedy() {
    let world = World::new();
    let who = world.principal;
    assert_eq!(
        world.why_not(DataAction::Write),
        format!(
            "The identity {who} (loader) lacks \
             Microsoft.HealthcareApis/workspaces/fhirservices/resources/write on main/demo. Roles \
             that contain it: FHIR Data Writer, FHIR Data Contributor. Give it with: firekeep role \
             assign --who {who} --role \"FHIR Data Contributor\" --service main/demo"
        )
    );
    world.assign("Owner", &Scope::subscription(world.subscription), who);
    let why = world.why_not(DataAction::Read);
    assert!(
        why.ends_with("Its role Owner manages the service and gives no access to data"),
        "{why}"
    );

    let client_id = world.application.client_id;
    world.authority.change(|draft| draft.allow(&world.service, client_id)).unwrap();
    let why = world.why_not(DataAction::Read);
    let end = format!(
        "The client id {client_id} has been given access, which does nothing: the object ID to \
         allow is the service principal's, {who}"
    );
    assert!(why.ends_with(&end), "{why}");
    world.authority.change(|draft| draft.disallow(&world.service, client_id)).unwrap();
    let registration = world.application.object_id;
    world.authority.change(|draft| draft.allow(&world.service, registration)).unwrap();
    assert!(world.why_not(DataAction::Read).contains("object ID of the application registration"));
}

#[test]
fn a_user_needs_the_delegated_permission_too() {
    let world = World::new();
    world.authority.change(|draft| draft.allow(&world.service, world.user)).unwrap();
    let token = world.az_login().refresh_token.unwrap();
    let token = world.refresh_with(&token, &[]).unwrap().access_token;
    let identity = world.authority.verify(&token, &world.expected()).unwrap();
    assert_eq!(identity.name.as_deref(), Some("ada@firekeep.localhost"));
    let decide = |identity: &Identity| {
        world.authority.decide(identity, DataAction::Read, &world.service).is_allowed()
    };
    assert!(decide(&identity));
    assert!(!decide(&Identity { scopes: Vec::new(), ..Identity::clone(&identity) }));
}

#[test]
fn a_service_that_is_not_there_is_open_to_nobody() {
    let world = World::new();
    world.assign("FHIR Data Contributor", &Scope::new("/"), world.principal);
    let nowhere = ServiceId::new("main", "lab");
    let decision = world.authority.decide(&world.app_identity(), DataAction::Read, &nowhere);
    let Decision::Denied(why) = decision else { panic!("{decision:?}") };
    assert_eq!(why.to_string(), "There is no service main/lab.");
}

#[test]
fn control_actions_follow_the_roles_as_well() {
    let world = World::new();
    let identity = world.app_identity();
    let scope = world.service_scope();
    let write = "Microsoft.HealthcareApis/workspaces/fhirservices/write";
    let assign = "Microsoft.Authorization/roleAssignments/write";
    let may = |action| world.authority.decide_control(&identity, action, &scope).is_allowed();
    assert!(!may(write));
    let Decision::Denied(why) = world.authority.decide_control(&identity, write, &scope) else {
        return;
    };
    assert!(why.to_string().contains("Roles that contain it: Contributor, Owner."), "{why}");
    world.assign("Contributor", &Scope::subscription(world.subscription), world.principal);
    assert!(may(write) && !may(assign));
    world.assign("User Access Administrator", &scope, world.principal);
    assert!(may(assign));
    assert!(!world.may(DataAction::Read), "none of it opens data");
}
