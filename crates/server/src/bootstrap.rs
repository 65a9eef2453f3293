//! What `serve` makes in an empty data folder, and the one identity with which a command
//! administers a folder that no server runs on.

use std::collections::BTreeMap;
use std::fmt;

use authority::{
    Application, Authority, ChangeRefused, Draft, Endpoint, NewApplication, NewUser, Parameters,
    PrincipalKind, ResourceGroup, RoleAssignment, Scope, Service, ServiceId, Shape, TokenRefusal,
    Workspace, roles,
};
use base::{Fault, Random};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use store::control::{Change, ControlStore};
use uuid::Uuid;

/// Where the control plane keeps what was made at the first start.
const SERVER: &str = "server";
const MADE: &[u8] = b"bootstrap";

const DOMAIN: &str = "firekeep.localhost";
const LOCATION: &str = "local";
const GROUP: &str = "firekeep";
/// Marks the application of a [`Steward`]; nobody else registers it.
const STEWARD: &str = "urn:firekeep:command-line";

/// What an empty data folder gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bootstrap {
    /// A tenant, a subscription, the workspace `main` with the FHIR service `demo`, an
    /// administrator and an application with a secret.
    #[default]
    Demo,
    /// A tenant with a subscription and an administrator.
    Nothing,
}

/// The ids of what was made; `connection.json` names them at every start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) tenant: Uuid,
    pub(crate) domain: String,
    pub(crate) subscription: Uuid,
    pub(crate) resource_group: Option<String>,
    pub(crate) service: Option<ServiceId>,
    pub(crate) application: Option<MadeApplication>,
    pub(crate) administrator: Uuid,
}

/// Client id and the service principal's object id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MadeApplication {
    pub(crate) client_id: Uuid,
    pub(crate) object_id: Uuid,
}

/// The secrets of a first start, shown once.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    pub(crate) password: Option<String>,
    pub(crate) client_secret: Option<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// What was made at the first start; `None` in an empty folder.
pub(crate) fn made(control: &ControlStore) -> Result<Option<Made>, Fault> {
    let Some(bytes) = control.get(SERVER, MADE)? else { return Ok(None) };
    let made = serde_json::from_slice(&bytes)
        .map_err(|error| Fault::new("reading what the first start made", error))?;
    Ok(Some(made))
}

/// Fills an empty directory.
pub(crate) fn make(
    what: Bootstrap,
    authority: &Authority,
    random: &dyn Random,
) -> Result<(Made, Secrets), Fault> {
    let password = password(random);
    let (made, client_secret) = authority
        .change(|draft| {
            let mut made = tenant(draft, &password)?;
            let secret = match what {
                Bootstrap::Demo => Some(demo(draft, &mut made)?),
                Bootstrap::Nothing => None,
            };
            let value = serde_json::to_vec(&made)
                .map_err(|error| Fault::new("keeping what the first start made", error))?;
            let (collection, key) = (SERVER.to_owned(), MADE.to_vec());
            // In one write with the directory: a start that ends in between leaves an empty folder.
            draft.keep(Change::Put { collection, key, value });
            Ok((made, secret))
        })
        .map_err(|refused| fault("making the first tenant", refused))?;
    Ok((made, Secrets { password: Some(password), client_secret }))
}

/// The tenant, its subscription, and the user who owns it.
fn tenant(draft: &mut Draft<'_>, password: &str) -> Result<Made, ChangeRefused> {
    let tenant = draft.add_tenant(DOMAIN, "Firekeep")?;
    let subscription = draft.add_subscription(tenant, "Firekeep")?;
    let administrator = draft.add_user(&NewUser {
        tenant,
        username: &format!("admin@{DOMAIN}"),
        display_name: "Administrator",
        password,
    })?;
    draft.set_administrator(administrator, true)?;
    let owner = (administrator, PrincipalKind::User);
    assign(draft, owner, "Owner", Scope::subscription(subscription))?;
    Ok(Made {
        tenant,
        domain: DOMAIN.to_owned(),
        subscription,
        resource_group: None,
        service: None,
        application: None,
        administrator,
    })
}

/// The service `main/demo`, and the application that may do everything; its secret.
fn demo(draft: &mut Draft<'_>, made: &mut Made) -> Result<String, ChangeRefused> {
    let (subscription, created) = (made.subscription, draft.now());
    draft.put_resource_group(ResourceGroup {
        subscription,
        name: GROUP.to_owned(),
        location: LOCATION.to_owned(),
        tags: BTreeMap::new(),
    })?;
    let workspace = Workspace {
        name: "main".to_owned(),
        subscription,
        resource_group: GROUP.to_owned(),
        location: LOCATION.to_owned(),
        tags: BTreeMap::new(),
        properties: Map::new(),
        created,
    };
    let scope = workspace.scope().service("demo");
    draft.put_workspace(workspace)?;
    let service = ServiceId::new("main", "demo");
    draft.put_service(Service {
        id: service.clone(),
        kind: "fhir-R4".to_owned(),
        location: LOCATION.to_owned(),
        tags: BTreeMap::new(),
        identity: None,
        properties: Map::new(),
        allowed_object_ids: [made.administrator].into(),
        created,
    })?;
    let new = application(draft, made.tenant, "Firekeep demo", None)?;
    draft.set_administrator(new.ids.object_id, true)?;
    let principal = (new.ids.object_id, PrincipalKind::ServicePrincipal);
    assign(draft, principal, "Owner", Scope::subscription(subscription))?;
    assign(draft, principal, "FHIR Data Contributor", scope)?;
    made.resource_group = Some(GROUP.to_owned());
    made.service = Some(service);
    made.application = Some(new.ids);
    Ok(new.secret)
}

struct New {
    ids: MadeApplication,
    secret: String,
}

fn application(
    draft: &mut Draft<'_>,
    tenant: Uuid,
    name: &str,
    identifier: Option<&str>,
) -> Result<New, ChangeRefused> {
    let registered = draft.add_application(NewApplication {
        tenant,
        display_name: name.to_owned(),
        redirect_uris: Vec::new(),
        identifier_uris: identifier.map(str::to_owned).into_iter().collect(),
        public_client: false,
    })?;
    let client_id = registered.client_id;
    let object_id = draft.add_service_principal(tenant, client_id)?;
    let secret = draft.add_secret(registered.object_id, name, None)?.text;
    let ids = MadeApplication { client_id, object_id };
    Ok(New { ids, secret })
}

fn assign(
    draft: &mut Draft<'_>,
    (principal, principal_kind): (Uuid, PrincipalKind),
    role: &str,
    scope: Scope,
) -> Result<(), ChangeRefused> {
    let missing = || ChangeRefused::NotFound(format!("there is no role {role}"));
    let role = roles::by_name(role).ok_or_else(missing)?.id;
    let (id, created) = (draft.new_id(), draft.now());
    draft.put_role_assignment(RoleAssignment {
        id,
        scope,
        role,
        principal,
        principal_kind,
        description: Some("Made at the first start.".to_owned()),
        created,
        created_by: None,
    })
}

/// An identity for one command on a folder that no server runs on: whoever may read the folder may
/// administer it. It ends with the command.
pub(crate) struct Steward {
    ids: MadeApplication,
    tenant: Uuid,
    secret: String,
}

impl Steward {
    pub(crate) fn appoint(authority: &Authority) -> Result<Self, Fault> {
        authority
            .change(|draft| {
                let missing = || ChangeRefused::NotFound("there is no tenant".to_owned());
                let tenant = draft.bootstrap_tenant().ok_or_else(missing)?.id;
                dismiss_all(draft)?;
                let new = application(draft, tenant, "firekeep command line", Some(STEWARD))?;
                draft.set_administrator(new.ids.object_id, true)?;
                let principal = (new.ids.object_id, PrincipalKind::ServicePrincipal);
                assign(draft, principal, "Owner", Scope::new("/"))?;
                let services: Vec<Scope> = draft
                    .services()
                    .filter_map(|service| draft.service_scope(&service.id).cloned())
                    .collect();
                for scope in services {
                    assign(draft, principal, "FHIR Data Contributor", scope)?;
                }
                let New { ids, secret } = new;
                Ok(Self { ids, tenant, secret })
            })
            .map_err(|refused| fault("appointing an administrator", refused))
    }

    /// A token for `resource`.
    pub(crate) fn token(&self, authority: &Authority, resource: &str) -> Result<String, Fault> {
        let text = |text: &str| text.to_owned();
        let parameters = Parameters::from_pairs([
            (text("grant_type"), text("client_credentials")),
            (text("client_id"), self.ids.client_id.to_string()),
            (text("client_secret"), self.secret.clone()),
            (text("scope"), format!("{resource}/.default")),
        ]);
        let endpoint = Endpoint::new(&self.tenant.to_string(), Shape::V2);
        match authority.token(&endpoint, &parameters) {
            Ok(answer) => Ok(answer.access_token),
            Err(TokenRefusal::Fault(fault)) => Err(fault),
            Err(refusal) => Err(Fault::because(refusal.row().description)),
        }
    }

    /// Takes the identity away, and its roles.
    pub(crate) fn dismiss(&self, authority: &Authority) -> Result<(), Fault> {
        authority
            .change(dismiss_all)
            .map_err(|refused| fault("dismissing an administrator", refused))
    }
}

/// Takes away every steward: the one of this command, and what killed commands left.
fn dismiss_all(draft: &mut Draft<'_>) -> Result<(), ChangeRefused> {
    let is_steward = |application: &Application| {
        application.identifier_uris.iter().any(|identifier| identifier == STEWARD)
    };
    let stewards: Vec<(Uuid, Option<Uuid>)> = draft
        .applications()
        .filter(|application| is_steward(application))
        .map(|application| {
            let (tenant, client_id) = (application.tenant, application.client_id);
            let principal = draft.service_principal_of(tenant, client_id);
            (application.object_id, principal.map(|principal| principal.object_id))
        })
        .collect();
    for (registration, principal) in stewards {
        if let Some(principal) = principal {
            let assignments: Vec<Uuid> =
                draft.assignments_of(principal).iter().map(|assignment| assignment.id).collect();
            for assignment in assignments {
                draft.remove_role_assignment(assignment)?;
            }
            draft.set_administrator(principal, false)?;
        }
        draft.remove_application(registration)?;
    }
    Ok(())
}

fn fault(doing: &str, refused: ChangeRefused) -> Fault {
    match refused {
        ChangeRefused::Fault(fault) => fault,
        other => Fault::because(format!("{doing}: {other}")),
    }
}

/// A password for a person: 24 characters of 57 that are hard to mistake for each other, about 140
/// bits.
pub(crate) fn password(random: &dyn Random) -> String {
    const LETTERS: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut text = String::new();
    while text.len() < 24 {
        let mut byte = [0];
        random.fill(&mut byte);
        // Bytes past the last whole run of letters would favour the first ones.
        if let Some(letter) = LETTERS.iter().cycle().take(4 * LETTERS.len()).nth(byte[0].into()) {
            text.push(char::from(*letter));
        }
    }
    text
}
