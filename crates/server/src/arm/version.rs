//! <https://learn.microsoft.com/azure/azure-resource-manager/management/api-versions>
//!
//! The api-versions that are served, a closed list per provider.

use super::refusal::Refusal;
use super::route::Target;
use crate::control;

/// Subscriptions, locations and tenants.
const SUBSCRIPTIONS: &[&str] = &[
    "2016-06-01",
    "2018-05-01",
    "2019-06-01",
    "2019-11-01",
    "2020-01-01",
    "2021-01-01",
    "2021-10-01",
    "2022-09-01",
    "2022-12-01",
];

/// Resource groups and providers.
const RESOURCES: &[&str] = &[
    "2019-10-01",
    "2020-06-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2022-09-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-03-01",
    "2025-04-01",
];

/// Workspaces and FHIR services.
pub(crate) const HEALTHCARE: &[&str] = &[
    "2021-11-01",
    "2022-05-15",
    "2022-06-01",
    "2022-12-01",
    "2023-02-28",
    "2023-09-06",
    "2023-11-01",
    "2023-12-01",
    "2024-03-01",
    "2024-03-31",
];

/// Role definitions and assignments.
const AUTHORIZATION: &[&str] = &[
    "2015-07-01",
    "2018-01-01-preview",
    "2018-07-01",
    "2018-09-01-preview",
    "2020-04-01-preview",
    "2020-08-01-preview",
    "2020-10-01-preview",
    "2022-04-01",
    "2022-05-01-preview",
];

/// The `api-version` of a request, when it is one that `target` is served in.
pub(crate) fn required(query: &str, target: &Target) -> Result<&'static str, Refusal> {
    let given = control::parameter(query, "api-version").ok_or(Refusal::MissingApiVersion)?;
    let known = match target {
        Target::MetadataEndpoints => super::metadata::VERSIONS,
        Target::Tenants
        | Target::Subscriptions
        | Target::Subscription(_)
        | Target::Locations(_) => SUBSCRIPTIONS,
        Target::Provider { .. }
        | Target::ProviderRegistration { .. }
        | Target::ResourceGroups(_)
        | Target::ResourceGroup(_) => RESOURCES,
        Target::Workspaces { .. }
        | Target::Workspace { .. }
        | Target::FhirServices { .. }
        | Target::FhirService { .. } => HEALTHCARE,
        Target::RoleDefinitions(_)
        | Target::RoleDefinition { .. }
        | Target::RoleAssignments(_)
        | Target::RoleAssignment { .. } => AUTHORIZATION,
    };
    let found = known.iter().find(|version| given.eq_ignore_ascii_case(version));
    found.copied().ok_or(Refusal::UnknownApiVersion { given, known })
}
