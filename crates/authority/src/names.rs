//! Under which URLs this process answers, and which of them a resource string names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A FHIR service: `main/demo` when it prints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceId {
    /// The workspace's name, lower case.
    pub workspace: String,
    /// The service's name in it, lower case.
    pub name: String,
}

impl ServiceId {
    /// From the two names; ARM's are found without regard to case, so both become lower case.
    #[must_use]
    pub fn new(workspace: &str, name: &str) -> Self {
        Self { workspace: workspace.to_lowercase(), name: name.to_lowercase() }
    }

    /// The first label of the host name and the last segment of the path form: `main-demo`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}-{}", self.workspace, self.name)
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.workspace, self.name)
    }
}

/// The URLs this process answers under.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The authority's origin: scheme, host, port; no slash at the end.
    pub origin: String,
    /// Audiences of ARM; the first is the one to ask for.
    pub arm: Vec<String>,
    /// Audiences of Graph; the first is the one to ask for.
    pub graph: Vec<String>,
    /// The FHIR services.
    pub services: Vec<ServiceNames>,
}

/// The URLs of one FHIR service.
#[derive(Clone, Debug)]
pub struct ServiceNames {
    /// The service.
    pub service: ServiceId,
    /// First the host form, then the path form, then custom hosts. The first is the one to ask for.
    pub urls: Vec<String>,
}

/// For whom a token has to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExpectedAudience {
    /// A FHIR service.
    Service(ServiceId),
    /// Azure Resource Manager.
    Arm,
    /// Microsoft Graph.
    Graph,
}

impl Names {
    /// The URLs of `expected`; none when this process does not answer for it.
    #[must_use]
    pub fn urls(&self, expected: &ExpectedAudience) -> &[String] {
        match expected {
            ExpectedAudience::Arm => &self.arm,
            ExpectedAudience::Graph => &self.graph,
            ExpectedAudience::Service(id) => self
                .services
                .iter()
                .find(|names| names.service == *id)
                .map_or(&[], |names| names.urls.as_slice()),
        }
    }

    /// What `resource` names, with or without slashes at its end. Where ARM and Graph share one
    /// string, that is ARM.
    #[must_use]
    pub fn find(&self, resource: &str) -> Option<ExpectedAudience> {
        let named = |urls: &[String]| urls.iter().any(|url| same_resource(url, resource));
        if named(&self.arm) {
            return Some(ExpectedAudience::Arm);
        }
        if named(&self.graph) {
            return Some(ExpectedAudience::Graph);
        }
        let service = self.services.iter().find(|names| named(&names.urls))?;
        Some(ExpectedAudience::Service(service.service.clone()))
    }
}

/// Whether two resource strings name the same thing: slashes at the end do not count, nor does the
/// case of scheme and host.
#[must_use]
pub fn same_resource(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (one, other) = (one.trim_end_matches('/'), other.trim_end_matches('/'));
    if one.len() != other.len() {
        return false;
    }
    let host_end = one.find("://").map_or(0, |at| {
        let host = at + "://".len();
        one.get(host..).and_then(|rest| rest.find('/')).map_or(one.len(), |slash| host + slash)
    });
    match (one.split_at_checked(host_end), other.split_at_checked(host_end)) {
        (Some((host, path)), Some((other_host, other_path))) => {
            host.eq_ignore_ascii_case(other_host) && path == other_path
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_the_same_with_slashes_and_in_another_case_of_host() {
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!(same_resource(one, other), same, "{one} and {other}");
            assert_eq!(same_resource(other, one), same, "{other} and {one}");
        };
        check("https://a.example", "https://a.example", true);
        check("https://a.example", "https://a.example/", true);
        check("https://a.example", "https://a.example//", true);
        check("https://a.example", "HTTPS://A.Example/", true);
        check("https://a.example/fhir/x", "https://A.example/fhir/x/", true);
        check("https://a.example/fhir/x", "https://a.example/fhir/X", false);
        check("https://a.example", "https://b.example", false);
        check("https://a.example", "https://a.example:8443", false);
        check("https://a.example", "http://a.example", false);
        check("api://x", "API://X", true);
        check("https://ä.example", "https://b.example/", false);
    }
}
