//! <https://hl7.org/fhir/R4/valueset-versioning-policy.html>: which versions a service keeps, and
//! what an update has to say.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::fhir::types;

/// Where ARM keeps it among the properties of a service.
pub(crate) const PROPERTY: &str = "resourceVersionPolicyConfiguration";
const DEFAULT: &str = "default";
const OVERRIDES: &str = "resourceTypeOverrides";

/// What is done with versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Every version is kept.
    #[default]
    Versioned,
    /// Every version is kept, and an update needs `If-Match`.
    #[serde(alias = "version-update")]
    VersionedUpdate,
    /// Only the current version is kept. Versions are numbered all the same.
    NoVersion,
}

impl Policy {
    /// The specification's code for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Versioned => "versioned",
            Self::VersionedUpdate => "versioned-update",
            Self::NoVersion => "no-version",
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        match code {
            "versioned" => Some(Self::Versioned),
            "versioned-update" | "version-update" => Some(Self::VersionedUpdate),
            "no-version" => Some(Self::NoVersion),
            _ => None,
        }
    }
}

/// The policies of a service by resource type; `default` is for the types that are not named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Versioning(BTreeMap<String, Policy>);

impl Versioning {
    /// The policy of a resource type.
    #[must_use]
    pub fn of(&self, resource_type: &str) -> Policy {
        let named = self.0.get(resource_type).or_else(|| self.0.get(DEFAULT));
        named.copied().unwrap_or_default()
    }

    /// A name among the types that is none.
    pub(crate) fn unknown(&self) -> Option<&str> {
        let names = self.0.keys().map(String::as_str);
        names.filter(|name| *name != DEFAULT).find(|name| types::number(name).is_none())
    }
}

/// The policy of a resource type as ARM's property says it.
pub(crate) fn of_property(property: &Value, resource_type: &str) -> Policy {
    let named = property[OVERRIDES][resource_type].as_str();
    let code = named.or_else(|| property[DEFAULT].as_str());
    code.and_then(Policy::of_code).unwrap_or_default()
}

/// What is wrong with ARM's property, as a sentence.
pub(crate) fn check_property(property: &Value) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("'{PROPERTY}': {what}."));
    let code = |value: &Value| value.is_null() || value.as_str().is_some_and(is_code);
    let Some(members) = property.as_object() else {
        return if property.is_null() { Ok(()) } else { wrong("it must be an object") };
    };
    for (name, value) in members {
        match name.as_str() {
            DEFAULT if code(value) => {}
            OVERRIDES if value.is_null() => {}
            OVERRIDES => {
                let Some(types) = value.as_object() else {
                    return wrong("'resourceTypeOverrides' must be an object");
                };
                for (name, value) in types {
                    if types::number(name).is_none() {
                        return wrong(&format!("FHIR R4 has no resource type '{name}'"));
                    }
                    if !code(value) {
                        return wrong("a policy is no-version, versioned or versioned-update");
                    }
                }
            }
            DEFAULT => return wrong("a policy is no-version, versioned or versioned-update"),
            name => return wrong(&format!("there is no member '{name}'")),
        }
    }
    Ok(())
}

fn is_code(code: &str) -> bool {
    Policy::of_code(code).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_has_its_own_policy_or_that_of_all() {
        let property = json!({
            "default": "no-version",
            "resourceTypeOverrides": {"Patient": "version-update"},
        });
        assert_eq!(of_property(&property, "Patient"), Policy::VersionedUpdate);
        assert_eq!(of_property(&property, "Basic"), Policy::NoVersion);
        assert_eq!(of_property(&Value::Null, "Basic"), Policy::Versioned);
        let versioning: Versioning =
            serde_json::from_value(json!({"Patient": "no-version"})).unwrap();
        assert_eq!(versioning.of("Patient"), Policy::NoVersion);
        assert_eq!(versioning.of("Basic"), Policy::Versioned);
    }

    #[test]
    fn a_property_that_means_nothing_is_refused() {
        for fine in [
            json!(null),
            json!({}),
            json!({"default": "versioned"}),
            json!({"resourceTypeOverrides": null}),
        ] {
            assert_eq!(check_property(&fine), Ok(()), "{fine}");
        }
        for wrong in [
            json!([]),
            json!({"default": "always"}),
            json!({"other": 1}),
            json!({"resourceTypeOverrides": {"patient": "versioned"}}),
            json!({"resourceTypeOverrides": {"Patient": "x"}}),
            json!({"resourceTypeOverrides": []}),
        ] {
            assert!(check_property(&wrong).is_err(), "{wrong}");
        }
    }
}
