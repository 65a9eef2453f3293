//! <https://learn.microsoft.com/azure/role-based-access-control/scope-overview>

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A place in ARM's tree, as its id: the root, a subscription, a resource group, a resource.
/// Compared without regard to case; keeps the spelling it was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(String);

impl Scope {
    /// From an ARM id: doubled slashes and those at the end fall away.
    #[must_use]
    pub fn new(id: &str) -> Self {
        let segments: Vec<&str> = id.split('/').filter(|segment| !segment.is_empty()).collect();
        Self(format!("/{}", segments.join("/")))
    }

    /// A subscription.
    #[must_use]
    pub fn subscription(subscription: Uuid) -> Self {
        Self(format!("/subscriptions/{subscription}"))
    }

    /// A resource group.
    #[must_use]
    pub fn resource_group(subscription: Uuid, name: &str) -> Self {
        Self(format!("/subscriptions/{subscription}/resourceGroups/{name}"))
    }

    /// A workspace.
    #[must_use]
    pub fn workspace(subscription: Uuid, resource_group: &str, name: &str) -> Self {
        let group = Self::resource_group(subscription, resource_group);
        Self(format!("{group}/providers/Microsoft.HealthcareApis/workspaces/{name}"))
    }

    /// A FHIR service in this workspace.
    #[must_use]
    pub fn service(&self, name: &str) -> Self {
        Self(format!("{self}/fhirservices/{name}"))
    }

    /// The ARM id, with the spelling it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what holds here holds at `other` too: it is the same place or lies below.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let (outer, inner) = (self.0.trim_end_matches('/'), other.0.as_str());
        match inner.split_at_checked(outer.len()) {
            Some((head, rest)) => {
                // Most often both are spelled alike, which is soon seen.
                (head == outer || head.eq_ignore_ascii_case(outer))
                    && (rest.is_empty() || rest.starts_with('/'))
            }
            None => false,
        }
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Scope {}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_contains_itself_and_what_is_below_in_any_case() {
        let check = |outer: &str, inner: &str, expected: bool| {
            let contains = Scope::new(outer).contains(&Scope::new(inner));
            assert_eq!(contains, expected, "{outer} contains {inner}");
        };
        let service = "/subscriptions/S/resourceGroups/g/providers/Microsoft.HealthcareApis\
                       /workspaces/main/fhirservices/demo";
        check("/", service, true);
        check("/subscriptions/s", service, true);
        check("/subscriptions/S/", service, true);
        check("/subscriptions/S/resourcegroups/G", service, true);
        check("/subscriptions//S/resourceGroups/g", service, true);
        check(&service.to_uppercase(), service, true);
        check(service.trim_end_matches("/fhirservices/demo"), service, true);
        check("/subscriptions/S/resourceGroups", service, true);
        check("/subscriptions/S/resourceGroups/gg", service, false);
        check("/subscriptions/other", service, false);
        check(&format!("{service}2"), service, false);
        check(service, &format!("{service}2"), false);
        check(service, "/subscriptions/S", false);
        check("/", "/", true);
    }
}
