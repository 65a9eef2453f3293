//! <https://learn.microsoft.com/rest/api/healthcareapis/fhir-services/create-or-update>
//!
//! The properties of workspaces and FHIR services: which are known, which values work, and how they
//! are shown. What does not work here is refused by name, never kept and ignored.

use std::collections::BTreeSet;

use authority::{Names, Service, same_resource};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use crate::versioning;

/// Versions in which a FHIR service has `accessPolicies`: the list of allowed object IDs.
const WITH_ACCESS_POLICIES: &[&str] = &["2021-11-01", "2022-05-15"];

/// Properties that exist in Azure and may be given only as they are when nobody sets them.
const UNSET_ONLY: &[&str] = &[
    "acrConfiguration",
    "corsConfiguration",
    "encryption",
    "exportConfiguration",
    "implementationGuidesConfiguration",
    "importConfiguration",
    "privateEndpointConnections",
];

/// What a service's own URLs make of `authenticationConfiguration`.
pub(super) struct Authentication {
    authority: String,
    /// The first is the one to ask tokens for.
    audiences: Vec<String>,
}

impl Authentication {
    pub(super) fn new(names: &Names, tenant: Uuid, audiences: Vec<String>) -> Self {
        Self { authority: format!("{}/{tenant}", names.origin), audiences }
    }

    fn shape(&self) -> Value {
        json!({
            "authority": self.authority,
            "audience": self.audiences.first(),
            "smartProxyEnabled": false,
        })
    }

    /// Whether `given` says what is so anyway.
    fn is(&self, given: &Value) -> bool {
        let Some(given) = given.as_object() else { return given.is_null() };
        given.iter().all(|(name, value)| match (name.as_str(), value.as_str()) {
            ("authority", Some(authority)) => same_resource(authority, &self.authority),
            ("audience", Some(audience)) => {
                self.audiences.iter().any(|own| same_resource(own, audience))
            }
            _ => is_unset(value),
        })
    }
}

/// Checks the properties of a workspace.
pub(super) fn check_workspace(given: &Map<String, Value>) -> Result<(), Refusal> {
    given.iter().try_for_each(|(name, value)| match name.as_str() {
        "provisioningState" => Ok(()),
        "publicNetworkAccess" if value == "Enabled" => Ok(()),
        "privateEndpointConnections" if is_unset(value) => Ok(()),
        "publicNetworkAccess" | "privateEndpointConnections" => Err(not_here(name)),
        _ => Err(unknown(name)),
    })
}

/// Checks the properties of a service; the answer is the list of allowed object IDs, if there is
/// one.
pub(super) fn check_service(
    given: &Map<String, Value>,
    version: &str,
    authentication: &Authentication,
) -> Result<Option<BTreeSet<Uuid>>, Refusal> {
    let mut allowed = None;
    for (name, value) in given {
        match name.as_str() {
            "accessPolicies" => allowed = Some(access_policies(value, version)?),
            "provisioningState" | "eventState" => {}
            versioning::PROPERTY => versioning::check_property(value).map_err(Refusal::Invalid)?,
            "publicNetworkAccess" if value == "Enabled" => {}
            "authenticationConfiguration" if authentication.is(value) => {}
            "authenticationConfiguration" => {
                return Err(Refusal::Invalid(format!(
                    "Another authority or audience than '{}' and '{}', and SMART settings, are not \
                     supported yet.",
                    authentication.authority,
                    authentication.audiences.join("', '")
                )));
            }
            name if UNSET_ONLY.contains(&name) && is_unset(value) => {}
            name if UNSET_ONLY.contains(&name) || name == "publicNetworkAccess" => {
                return Err(not_here(name));
            }
            name => return Err(unknown(name)),
        }
    }
    Ok(allowed)
}

/// The properties of a service as `version` shows them.
pub(super) fn shape(service: &Service, version: &str, authentication: &Authentication) -> Value {
    let mut properties = json!({
        "provisioningState": "Succeeded",
        "authenticationConfiguration": authentication.shape(),
        versioning::PROPERTY: version_policy(service),
        "publicNetworkAccess": "Enabled",
        "eventState": "Disabled",
        "privateEndpointConnections": [],
    });
    if WITH_ACCESS_POLICIES.contains(&version) {
        let policies = service.allowed_object_ids.iter().map(|id| json!({ "objectId": id }));
        properties["accessPolicies"] = policies.collect();
    }
    properties
}

/// What is kept of the properties that a service is given; what is not given stays as it is.
pub(super) fn kept(given: &Map<String, Value>, known: Option<&Service>) -> Map<String, Value> {
    let policy = match given.get(versioning::PROPERTY) {
        Some(value) => Some(value).filter(|value| !value.is_null()),
        None => known.and_then(|known| known.properties.get(versioning::PROPERTY)),
    };
    policy.map(|policy| (versioning::PROPERTY.to_owned(), policy.clone())).into_iter().collect()
}

fn version_policy(service: &Service) -> Value {
    let known = service.properties.get(versioning::PROPERTY);
    known.cloned().unwrap_or_else(|| json!({ "default": "versioned" }))
}

fn access_policies(value: &Value, version: &str) -> Result<BTreeSet<Uuid>, Refusal> {
    if !WITH_ACCESS_POLICIES.contains(&version) {
        return Err(Refusal::Invalid(format!(
            "'accessPolicies' is not a property in api-version {version}; it is in {}.",
            WITH_ACCESS_POLICIES.join(" and ")
        )));
    }
    let entries = value.as_array().map_or(&[][..], Vec::as_slice);
    if !value.is_null() && !value.is_array() {
        return Err(Refusal::Invalid("'accessPolicies' must be a list.".into()));
    }
    let ids = entries.iter().map(|entry| {
        let entry = entry.as_object().filter(|entry| entry.len() == 1);
        let id = entry.and_then(|entry| entry.get("objectId")?.as_str());
        id.and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(|| {
            Refusal::Invalid(
                "Every entry of 'accessPolicies' must be {\"objectId\":\"GUID\"}: the object id of \
                 a user or of a service principal."
                    .into(),
            )
        })
    });
    ids.collect()
}

/// Whether a value says what is so when nobody says anything.
fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_unset),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn not_here(name: &str) -> Refusal {
    Refusal::Invalid(format!(
        "The property '{name}' cannot be set to this value: it is not supported yet. Leave it out."
    ))
}

fn unknown(name: &str) -> Refusal {
    Refusal::Invalid(format!("Could not find member '{name}' on the properties of this resource."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(version: &str, properties: &Value, expected: &str) {
        let origin = "https://localhost:8443".to_owned();
        let names = Names { origin, ..Names::default() };
        let audiences = vec!["https://main-demo.fhir.localhost:8443".to_owned()];
        let authentication = Authentication::new(&names, Uuid::nil(), audiences);
        let given = properties.as_object().cloned().unwrap_or_default();
        let found = match check_service(&given, version, &authentication) {
            Ok(None) => "taken".to_owned(),
            Ok(Some(ids)) => format!("{} allowed", ids.len()),
            Err(_) => "refused".to_owned(),
        };
        assert_eq!(found, expected, "{version} {properties}");
    }

    #[test]
    fn properties_are_taken_when_they_hold_and_refused_otherwise() {
        let new = "2024-03-31";
        let old = "2021-11-01";
        let id = "11111111-2222-3333-4444-555555555555";
        let here = json!({
            "authority": "https://localhost:8443/00000000-0000-0000-0000-000000000000",
            "audience": "https://main-demo.fhir.localhost:8443/",
            "smartProxyEnabled": false,
        });
        let elsewhere = json!({ "authority": "https://login.example/x" });
        check(new, &json!({}), "taken");
        check(new, &json!({ "provisioningState": "Succeeded" }), "taken");
        check(new, &json!({ "authenticationConfiguration": here }), "taken");
        check(new, &json!({ "authenticationConfiguration": elsewhere }), "refused");
        check(
            new,
            &json!({ "authenticationConfiguration": {"smartProxyEnabled": true} }),
            "refused",
        );
        check(new, &json!({ "publicNetworkAccess": "Enabled" }), "taken");
        check(new, &json!({ "publicNetworkAccess": "Disabled" }), "refused");
        check(new, &json!({ "corsConfiguration": { "origins": [] } }), "taken");
        check(new, &json!({ "corsConfiguration": { "origins": ["*"] } }), "refused");
        check(new, &json!({ "exportConfiguration": { "storageAccountName": "x" } }), "refused");
        let policy =
            |code: &str| json!({ "resourceVersionPolicyConfiguration": { "default": code } });
        check(new, &policy("no-version"), "taken");
        check(new, &policy("some"), "refused");
        check(new, &json!({ "nonsense": null }), "refused");
        check(new, &json!({ "accessPolicies": [] }), "refused");
        check(old, &json!({ "accessPolicies": [] }), "0 allowed");
        check(old, &json!({ "accessPolicies": [{ "objectId": id }] }), "1 allowed");
        check(old, &json!({ "accessPolicies": [{ "objectId": "x" }] }), "refused");
        check(old, &json!({ "accessPolicies": [{ "objectId": id, "a": 1 }] }), "refused");
        check(old, &json!({ "accessPolicies": "x" }), "refused");
    }
}
