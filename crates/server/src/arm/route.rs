//! <https://learn.microsoft.com/rest/api/azure/>
//!
//! Which resource a path names. Literals are matched without regard to case; names are kept.

use authority::Scope;
use uuid::Uuid;

/// Everything that ARM answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    MetadataEndpoints,
    Tenants,
    Subscriptions,
    Subscription(Uuid),
    Locations(Uuid),
    Provider {
        subscription: Uuid,
        namespace: String,
    },
    ProviderRegistration {
        subscription: Uuid,
        namespace: String,
    },
    ResourceGroups(Uuid),
    ResourceGroup(Group),
    /// Of a subscription, or of one group.
    Workspaces {
        subscription: Uuid,
        group: Option<String>,
    },
    Workspace {
        group: Group,
        workspace: String,
    },
    FhirServices {
        group: Group,
        workspace: String,
    },
    FhirService {
        group: Group,
        workspace: String,
        name: String,
    },
    RoleDefinitions(Scope),
    RoleDefinition {
        scope: Scope,
        id: String,
    },
    RoleAssignments(Scope),
    RoleAssignment {
        scope: Scope,
        id: String,
    },
}

/// A resource group by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) subscription: Uuid,
    pub(crate) name: String,
}

/// Reads the decoded segments of a path.
pub(crate) fn target(segments: &[String]) -> Option<Target> {
    let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    if let Some(at) = lower.windows(2).rposition(|two| two == AUTHORIZATION) {
        let scope = Scope::new(&segments.get(..at)?.join("/"));
        return authorization(scope, lower.get(at + 2..)?);
    }
    match lower.as_slice() {
        ["metadata", "endpoints"] => Some(Target::MetadataEndpoints),
        ["tenants"] => Some(Target::Tenants),
        ["subscriptions"] => Some(Target::Subscriptions),
        ["subscriptions", subscription, rest @ ..] => {
            in_subscription(Uuid::try_parse(subscription).ok()?, rest, segments)
        }
        _ => None,
    }
}

const AUTHORIZATION: [&str; 2] = ["providers", "microsoft.authorization"];

fn authorization(scope: Scope, rest: &[&str]) -> Option<Target> {
    match rest {
        ["roledefinitions"] => Some(Target::RoleDefinitions(scope)),
        ["roledefinitions", id] => Some(Target::RoleDefinition { scope, id: (*id).to_owned() }),
        ["roleassignments"] => Some(Target::RoleAssignments(scope)),
        ["roleassignments", id] => Some(Target::RoleAssignment { scope, id: (*id).to_owned() }),
        _ => None,
    }
}

fn in_subscription(subscription: Uuid, rest: &[&str], segments: &[String]) -> Option<Target> {
    let named = |at: usize| segments.get(at).cloned();
    Some(match rest {
        [] => Target::Subscription(subscription),
        ["locations"] => Target::Locations(subscription),
        ["providers", _] => Target::Provider { subscription, namespace: named(3)? },
        ["providers", _, "register"] => {
            Target::ProviderRegistration { subscription, namespace: named(3)? }
        }
        ["providers", "microsoft.healthcareapis", "workspaces"] => {
            Target::Workspaces { subscription, group: None }
        }
        ["resourcegroups"] => Target::ResourceGroups(subscription),
        ["resourcegroups", _] => Target::ResourceGroup(Group { subscription, name: named(3)? }),
        ["resourcegroups", _, "providers", "microsoft.healthcareapis", rest @ ..] => {
            in_group(Group { subscription, name: named(3)? }, rest, segments)?
        }
        _ => return None,
    })
}

fn in_group(group: Group, rest: &[&str], segments: &[String]) -> Option<Target> {
    let named = |at: usize| segments.get(at).cloned();
    Some(match rest {
        ["workspaces"] => {
            Target::Workspaces { subscription: group.subscription, group: Some(group.name) }
        }
        ["workspaces", _] => Target::Workspace { group, workspace: named(7)? },
        ["workspaces", _, "fhirservices"] => Target::FhirServices { group, workspace: named(7)? },
        ["workspaces", _, "fhirservices", _] => {
            Target::FhirService { group, workspace: named(7)?, name: named(9)? }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::segments;

    const S: &str = "11111111-2222-3333-4444-555555555555";

    fn check(path: &str, expected: &str) {
        let path = path.replace("{S}", S);
        let found = segments(&path).and_then(|segments| target(&segments));
        let shown = found.map_or_else(|| "none".to_owned(), |target| format!("{target:?}"));
        let shown = shown.replace(S, "S").replace("\"", "'");
        assert_eq!(shown, expected, "{path}");
    }

    #[test]
    fn a_path_names_a_resource_in_any_case_and_with_doubled_slashes() {
        check("//metadata/endpoints", "MetadataEndpoints");
        check("/tenants", "Tenants");
        check("/Subscriptions/", "Subscriptions");
        check("/subscriptions/{S}", "Subscription(S)");
        check("/subscriptions/{S}/locations", "Locations(S)");
        check("/subscriptions/{S}/resourcegroups", "ResourceGroups(S)");
        check(
            "/subscriptions/{S}/resourceGroups/Rg",
            "ResourceGroup(Group { subscription: S, name: 'Rg' })",
        );
        check(
            "/subscriptions/{S}/providers/Microsoft.HealthcareApis",
            "Provider { subscription: S, namespace: 'Microsoft.HealthcareApis' }",
        );
        check(
            "/subscriptions/{S}/resourceGroups/g/providers/Microsoft.HealthcareApis//workspaces/W",
            "Workspace { group: Group { subscription: S, name: 'g' }, workspace: 'W' }",
        );
        check(
            "/subscriptions/{S}/resourceGroups/g/providers/microsoft.healthcareapis/workspaces/w\
             /FhirServices/f",
            "FhirService { group: Group { subscription: S, name: 'g' }, \
             workspace: 'w', name: 'f' }",
        );
        check("/subscriptions/no-guid", "none");
        check("/subscriptions/{S}/resourceGroups/g/providers/Microsoft.Web/sites", "none");
        check("/providers", "none");
    }

    #[test]
    fn a_role_path_begins_with_any_scope() {
        check(
            "/subscriptions/{S}/providers/Microsoft.Authorization/roleDefinitions",
            "RoleDefinitions(Scope('/subscriptions/S'))",
        );
        check(
            "/providers/Microsoft.Authorization/roleDefinitions/X",
            "RoleDefinition { scope: Scope('/'), id: 'x' }",
        );
        check(
            "/subscriptions/{S}/resourceGroups/g/providers/Microsoft.HealthcareApis/workspaces/w\
             /providers/Microsoft.Authorization/roleAssignments",
            "RoleAssignments(Scope('/subscriptions/S/resourceGroups/g/providers\
             /Microsoft.HealthcareApis/workspaces/w'))",
        );
        check(
            "/subscriptions/{S}/providers/Microsoft.Authorization/roleAssignments/A",
            "RoleAssignment { scope: Scope('/subscriptions/S'), id: 'a' }",
        );
        check("/subscriptions/{S}/providers/Microsoft.Authorization/locks", "none");
    }
}
