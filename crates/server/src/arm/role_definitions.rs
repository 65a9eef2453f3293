//! <https://learn.microsoft.com/rest/api/authorization/role-definitions>

use authority::Scope;
use authority::roles::{self, ROLES, RoleDefinition};
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use super::{Call, ok, role_assignments, values};
use crate::control::filter::{self, Term};
use crate::control::parameter;
use crate::exchange::Answer;

/// `GET {scope}/…/roleDefinitions`: the built-in roles, perhaps those of one name.
pub(super) fn list(call: &Call, scope: &Scope) -> Result<Answer, Refusal> {
    call.only_get()?;
    let scope = &readable(call, scope)?;
    let named = match parameter(&call.request.query, "$filter") {
        Some(text) => wanted(&text)?,
        None => None,
    };
    let fits = |role: &&RoleDefinition| {
        named.as_deref().is_none_or(|name| role.name.eq_ignore_ascii_case(name))
    };
    values(ROLES.iter().filter(fits).map(|role| shape(role, scope)))
}

/// `GET {scope}/…/roleDefinitions/{id}`.
pub(super) fn get(call: &Call, scope: &Scope, id: &str) -> Result<Answer, Refusal> {
    call.only_get()?;
    let scope = &readable(call, scope)?;
    let role = Uuid::try_parse(id).ok().and_then(roles::by_id);
    let missing = || Refusal::NoSuchResource(format!("role definition {id}"));
    ok(&shape(role.ok_or_else(missing)?, scope))
}

/// The roles are no secret; which scopes there are is one.
fn readable(call: &Call, scope: &Scope) -> Result<Scope, Refusal> {
    if scope.as_str() != "/" {
        call.allow("Microsoft.Authorization/roleDefinitions/read", scope)?;
    }
    role_assignments::existing(call, scope)
}

/// The name that a filter asks for.
fn wanted(text: &str) -> Result<Option<String>, Refusal> {
    let mut name = None;
    for term in filter::parse(text).map_err(Refusal::Filter)? {
        match term {
            Term::Equals { property, value } if property.eq_ignore_ascii_case("roleName") => {
                name = Some(value);
            }
            Term::Equals { property, value }
                if property.eq_ignore_ascii_case("type") && value == "BuiltInRole" => {}
            Term::Call { function, argument: None }
                if function.eq_ignore_ascii_case("atScopeAndBelow")
                    || function.eq_ignore_ascii_case("atScope") => {}
            _ => {
                return Err(Refusal::Filter(format!(
                    "The $filter \"{text}\" is not supported for role definitions; roleName eq \
                     'NAME' is."
                )));
            }
        }
    }
    Ok(name)
}

/// The id by which assignments under `scope` name a role. The command line joins definitions and
/// assignments by this text, so both are made here.
pub(super) fn id_of(role: Uuid, scope: &Scope) -> String {
    let subscription = match scope.as_str().split('/').collect::<Vec<_>>().as_slice() {
        ["", subscriptions, id, ..] if subscriptions.eq_ignore_ascii_case("subscriptions") => {
            format!("/subscriptions/{}", id.to_ascii_lowercase())
        }
        _ => String::new(),
    };
    format!("{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}")
}

fn shape(role: &RoleDefinition, scope: &Scope) -> Value {
    json!({
        "id": id_of(role.id, scope),
        "name": role.id,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": role.description,
            "assignableScopes": ["/"],
            "permissions": [{
                "actions": role.actions,
                "notActions": role.not_actions,
                "dataActions": role.data_actions(),
                "notDataActions": role.not_data_actions(),
            }],
        },
    })
}
