//! <https://learn.microsoft.com/azure/role-based-access-control/overview>
//!
//! The one place that decides what an identity may do, and says why. Nothing is remembered: a
//! change of roles or lists holds for the next request.

use std::fmt;

use uuid::Uuid;

use crate::authority::Authority;
use crate::directory::{Directory, PrincipalKind};
use crate::issue::USER_IMPERSONATION;
use crate::names::ServiceId;
use crate::roles::{self, DataAction, ROLES, RoleDefinition};
use crate::scope::Scope;
use crate::verify::Identity;

/// Yes or no, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allowed(Because),
    /// It may not.
    Denied(Why),
}

impl Decision {
    /// Whether it is a yes.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

/// What allows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The service's list of allowed object IDs.
    AllowedObjectId,
    /// A role.
    Role {
        /// Its name.
        role: &'static str,
        /// Where it was given.
        scope: Scope,
        /// The assignment's name.
        assignment: Uuid,
    },
}

/// Prints as the end of a sentence: `by the role FHIR Data Reader at /subscriptions/…`.
impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllowedObjectId => f.write_str("by the service's list of allowed object IDs"),
            Self::Role { role, scope, .. } => write!(f, "by the role {role} at {scope}"),
        }
    }
}

/// Why something is not allowed: what was missing, who has it, how to give it. Prints as sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why(String);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Authority {
    /// May `identity` do `action` with the data of `service`?
    #[must_use]
    pub fn decide(&self, identity: &Identity, action: DataAction, service: &ServiceId) -> Decision {
        let directory = self.directory_now();
        let Some(known) = directory.service(service) else {
            return Decision::Denied(Why(format!("There is no service {service}.")));
        };
        if identity.kind == PrincipalKind::User
            && !identity.scopes.iter().any(|scope| scope == USER_IMPERSONATION)
        {
            return Decision::Denied(Why(format!(
                "The token's scopes do not include {USER_IMPERSONATION}. Ask for RESOURCE/.default"
            )));
        }
        // A listed object id has the rights of FHIR Data Contributor.
        if known.allowed_object_ids.contains(&identity.object_id) && action != DataAction::Smart {
            return Decision::Allowed(Because::AllowedObjectId);
        }
        let scope = directory.service_scope(service);
        let given = scope.and_then(|scope| {
            find_role(&directory, identity.object_id, scope, |role| role.gives(action))
        });
        given.map_or_else(
            || Decision::Denied(why_not(&directory, identity, action, service)),
            Decision::Allowed,
        )
    }

    /// May `identity` do a control-plane action, such as
    /// `Microsoft.HealthcareApis/workspaces/fhirservices/write`, at `scope`?
    #[must_use]
    pub fn decide_control(&self, identity: &Identity, action: &str, scope: &Scope) -> Decision {
        let directory = self.directory();
        let who = identity.object_id;
        let given = find_role(&directory, who, scope, |role| role.gives_control(action));
        given.map_or_else(
            || {
                let roles = names_of(|role| role.gives_control(action));
                Decision::Denied(Why(format!(
                    "The client '{}' with object id '{who}' does not have authorization to perform \
                     action '{action}' over scope '{scope}'. Roles that contain it: {roles}. Give \
                     one with: firekeep role assign --who {who} --role Contributor --scope {scope}",
                    identity.client_id
                )))
            },
            Decision::Allowed,
        )
    }
}

/// The first of a principal's roles that holds at `scope` and gives what is asked.
fn find_role(
    directory: &Directory,
    principal: Uuid,
    scope: &Scope,
    gives: impl Fn(&RoleDefinition) -> bool,
) -> Option<Because> {
    let held = directory.assignments_of(principal).iter();
    held.filter(|assignment| assignment.scope.contains(scope)).find_map(|assignment| {
        let role = roles::by_id(assignment.role).filter(|role| gives(role))?;
        Some(Because::Role {
            role: role.name,
            scope: assignment.scope.clone(),
            assignment: assignment.id,
        })
    })
}

fn names_of(gives: impl Fn(&RoleDefinition) -> bool) -> String {
    let names: Vec<&str> = ROLES.iter().filter(|role| gives(role)).map(|role| role.name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn why_not(
    directory: &Directory,
    identity: &Identity,
    action: DataAction,
    service: &ServiceId,
) -> Why {
    let who = identity.object_id;
    let name = directory.principal(who).map(|it| format!(" ({})", it.name())).unwrap_or_default();
    let widest =
        if action == DataAction::Smart { "FHIR SMART User" } else { "FHIR Data Contributor" };
    let mut why = format!(
        "The identity {who}{name} lacks {action} on {service}. Roles that contain it: {}. Give it \
         with: firekeep role assign --who {who} --role \"{widest}\" --service {service}",
        names_of(|role| role.gives(action)),
    );
    if let Some(role) = control_role_held(directory, who, service) {
        why += &format!(". Its role {role} manages the service and gives no access to data");
    }
    if let Some((what, id)) = mistaken_id(directory, identity, service) {
        why += &format!(
            ". The {what} {id} has been given access, which does nothing: the object ID to allow \
             is the service principal's, {who}"
        );
    }
    Why(why)
}

/// The commonest mistake: Owner or Contributor instead of a role for data.
fn control_role_held(
    directory: &Directory,
    principal: Uuid,
    service: &ServiceId,
) -> Option<&'static str> {
    let scope = directory.service_scope(service)?;
    match find_role(directory, principal, scope, |role| !role.opens_data())? {
        Because::Role { role, .. } => Some(role),
        Because::AllowedObjectId => None,
    }
}

/// The second commonest: the client id, or the registration's object id, on the list.
fn mistaken_id(
    directory: &Directory,
    identity: &Identity,
    service: &ServiceId,
) -> Option<(&'static str, Uuid)> {
    if identity.kind == PrincipalKind::User {
        return None;
    }
    let application = directory.application_by_client_id(identity.client_id)?;
    let candidates = [
        ("client id", application.client_id),
        ("object ID of the application registration", application.object_id),
    ];
    let listed = &directory.service(service)?.allowed_object_ids;
    candidates.into_iter().find(|(_, id)| listed.contains(id))
}
