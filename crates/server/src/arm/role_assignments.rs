//! <https://learn.microsoft.com/rest/api/authorization/role-assignments>

use authority::{Directory, PrincipalKind, RoleAssignment, Scope, ServiceId, roles};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use super::route::{self, Group, Target};
use super::{Call, ok, role_definitions, values, written};
use crate::control::filter::{self, Term};
use crate::control::{body, parameter};
use crate::exchange::{Answer, Body};

const READ: &str = "Microsoft.Authorization/roleAssignments/read";
const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    properties: PutProperties,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "type")]
    _type: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PutProperties {
    role_definition_id: String,
    principal_id: Uuid,
    principal_type: Option<String>,
    description: Option<String>,
    #[serde(rename = "scope")]
    _scope: Option<IgnoredAny>,
}

/// `GET {scope}/…/roleAssignments`: at the scope, above and below it; `atScope()` leaves out what
/// is below.
pub(super) fn list(call: &Call, scope: &Scope) -> Result<Answer, Refusal> {
    call.only_get()?;
    call.allow(READ, scope)?;
    let scope = &existing(call, scope)?;
    let filter = match parameter(&call.request.query, "$filter") {
        Some(text) => Filter::parse(&text)?,
        None => Filter::default(),
    };
    let all = call.caller.directory.role_assignments();
    values(all.filter(|assignment| filter.takes(assignment, scope)).map(|it| shape(it)))
}

/// `GET`, `PUT` and `DELETE {scope}/…/roleAssignments/{id}`.
pub(super) async fn one(mut call: Call, scope: Scope, id: &str) -> Result<Answer, Refusal> {
    let action = match call.request.method {
        Method::GET => READ,
        Method::PUT => WRITE,
        Method::DELETE => DELETE,
        _ => return Err(Refusal::OnlyMethods("GET, PUT, DELETE")),
    };
    // Rights come before existence: who may not look learns nothing.
    call.allow(action, &scope)?;
    let scope = existing(&call, &scope)?;
    let id = Uuid::try_parse(id)
        .map_err(|_| Refusal::Invalid(format!("The role assignment's name '{id}' is no GUID.")))?;
    let known = call.caller.directory.role_assignment(id).cloned();
    let known = known.filter(|assignment| assignment.scope == scope);
    match call.request.method {
        Method::PUT => {
            let body = std::mem::replace(&mut call.request.body, Body::of(""));
            let new = assignment(&call, scope, id, body::json(body).await?)?;
            let answer = written(true, &shape(&new));
            call.change(move |draft| draft.put_role_assignment(new)).await?;
            Ok(answer)
        }
        Method::DELETE => {
            let Some(known) = known else { return Ok(Answer::empty(StatusCode::NO_CONTENT)) };
            call.change(move |draft| draft.remove_role_assignment(id)).await?;
            ok(&shape(&known))
        }
        _ => {
            let missing = || Refusal::NoSuchResource(format!("role assignment {id}"));
            ok(&shape(known.as_deref().ok_or_else(missing)?))
        }
    }
}

fn assignment(call: &Call, scope: Scope, id: Uuid, body: Put) -> Result<RoleAssignment, Refusal> {
    let given = body.properties;
    let role = given.role_definition_id.rsplit('/').next().unwrap_or_default();
    let role = Uuid::try_parse(role).ok().and_then(roles::by_id);
    let role = role.ok_or_else(|| Refusal::NoSuchRole(given.role_definition_id.clone()))?;
    let directory = &call.caller.directory;
    let principal = directory.principal(given.principal_id);
    let principal = principal.filter(|it| it.tenant() == call.caller.identity.tenant);
    let kind =
        principal.ok_or_else(|| Refusal::NoSuchPrincipal(given.principal_id.to_string()))?.kind();
    if let Some(said) = given.principal_type.as_deref()
        && !said.eq_ignore_ascii_case(&kind.to_string())
    {
        let message = format!("The principal {} is a {kind}, not a {said}.", given.principal_id);
        return Err(Refusal::Conflict { code: "UnmatchedPrincipalType", message });
    }
    Ok(RoleAssignment {
        id,
        scope,
        role: role.id,
        principal: given.principal_id,
        principal_kind: kind,
        description: given.description,
        created: call.request.now,
        created_by: Some(call.caller.identity.object_id),
    })
}

/// The scope as it is written where it was made: what is kept of it, and what clients compare
/// letter by letter. Refuses one at which there is nothing, or nothing of the caller's tenant.
pub(super) fn existing(call: &Call, scope: &Scope) -> Result<Scope, Refusal> {
    let missing = || Refusal::NoSuchResource(scope.to_string());
    // The scope is decoded already: decoded twice it might name another place.
    let path: Vec<String> =
        scope.as_str().split('/').skip(1).filter(|it| !it.is_empty()).map(Into::into).collect();
    if path.is_empty() {
        return Ok(scope.clone());
    }
    let target = route::target(&path).ok_or_else(missing)?;
    let directory: &Directory = &call.caller.directory;
    match target {
        Target::Subscription(id) => call.subscription(id).map(|_| Scope::subscription(id)),
        Target::ResourceGroup(group) => {
            let Group { subscription, name } = call.group(&group)?;
            Ok(Scope::resource_group(subscription, &name))
        }
        Target::Workspace { group, workspace } => {
            call.group(&group)?;
            let found = directory.workspace(&workspace).map(|it| it.scope());
            found.filter(|found| found == scope).ok_or_else(missing)
        }
        Target::FhirService { group, workspace, name } => {
            call.group(&group)?;
            let found = directory.service_scope(&ServiceId::new(&workspace, &name));
            found.filter(|found| *found == scope).cloned().ok_or_else(missing)
        }
        _ => Err(missing()),
    }
}

/// What a list is narrowed by.
#[derive(Debug, Default, PartialEq, Eq)]
struct Filter {
    not_below: bool,
    principal: Option<Uuid>,
}

impl Filter {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut filter = Self::default();
        let guid = |value: &str| {
            Uuid::try_parse(value)
                .map_err(|_| Refusal::Filter(format!("'{value}' in the $filter is no GUID.")))
        };
        for term in filter::parse(text).map_err(Refusal::Filter)? {
            match term {
                Term::Equals { property, value }
                    if property.eq_ignore_ascii_case("principalId") =>
                {
                    filter.principal = Some(guid(&value)?);
                }
                Term::Call { function, argument: Some(id) }
                    if function.eq_ignore_ascii_case("assignedTo") =>
                {
                    filter.principal = Some(guid(&id)?);
                }
                Term::Call { function, argument: None }
                    if function.eq_ignore_ascii_case("atScope") =>
                {
                    filter.not_below = true;
                }
                _ => {
                    return Err(Refusal::Filter(format!(
                        "The $filter \"{text}\" is not supported for role assignments; atScope(), \
                         principalId eq 'GUID' and assignedTo('GUID') are."
                    )));
                }
            }
        }
        Ok(filter)
    }

    fn takes(&self, assignment: &RoleAssignment, scope: &Scope) -> bool {
        let above = assignment.scope.contains(scope);
        let below = scope.contains(&assignment.scope);
        (above || (below && !self.not_below))
            && self.principal.is_none_or(|principal| principal == assignment.principal)
    }
}

fn shape(assignment: &RoleAssignment) -> Value {
    let at = assignment.scope.as_str().trim_end_matches('/');
    json!({
        "id": format!("{at}/providers/Microsoft.Authorization/roleAssignments/{}", assignment.id),
        "name": assignment.id,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": role_definitions::id_of(assignment.role, &assignment.scope),
            "principalId": assignment.principal,
            "principalType": kind(assignment.principal_kind),
            "scope": assignment.scope,
            "description": assignment.description,
            "createdOn": assignment.created.to_string(),
            "updatedOn": assignment.created.to_string(),
            "createdBy": assignment.created_by,
            "updatedBy": assignment.created_by,
        },
    })
}

fn kind(kind: PrincipalKind) -> String {
    kind.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_narrowed_by_scope_and_principal() {
        let id = "11111111-2222-3333-4444-555555555555";
        let check = |text: &str, expected: Option<(bool, bool)>| {
            let found = Filter::parse(text).ok();
            let found = found.map(|filter| (filter.not_below, filter.principal.is_some()));
            assert_eq!(found, expected, "{text}");
        };
        check("atScope()", Some((true, false)));
        check(&format!("principalId eq '{id}'"), Some((false, true)));
        check(&format!("atScope() and assignedTo('{id}')"), Some((true, true)));
        check("principalId eq 'x'", None);
        check("roleName eq 'x'", None);
    }
}
