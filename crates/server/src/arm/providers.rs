//! <https://learn.microsoft.com/rest/api/resources/providers>

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use super::subscriptions::LOCATION;
use super::version::HEALTHCARE;
use super::{Call, ok};
use crate::exchange::Answer;

const HEALTHCARE_APIS: &str = "Microsoft.HealthcareApis";

/// `GET …/providers/{namespace}`: which resources there are and in which api-versions.
pub(super) fn get(call: &Call, subscription: Uuid, namespace: &str) -> Result<Answer, Refusal> {
    call.only_get()?;
    call.subscription(subscription)?;
    ok(&shape(subscription, namespace)?)
}

/// `POST …/providers/{namespace}/register`: always registered, so there is nothing to do.
pub(super) fn register(
    call: &Call,
    subscription: Uuid,
    namespace: &str,
) -> Result<Answer, Refusal> {
    if call.request.method != Method::POST {
        return Err(Refusal::OnlyMethods("POST"));
    }
    call.subscription(subscription)?;
    ok(&shape(subscription, namespace)?)
}

fn shape(subscription: Uuid, namespace: &str) -> Result<Value, Refusal> {
    if !namespace.eq_ignore_ascii_case(HEALTHCARE_APIS) {
        return Err(Refusal::NoSuchPath(format!("the provider {namespace}")));
    }
    let newest_first: Vec<&str> = HEALTHCARE.iter().rev().copied().collect();
    let kind = |name: &str| {
        json!({
            "resourceType": name,
            "locations": [LOCATION],
            "apiVersions": newest_first,
            "capabilities": "SupportsTags",
        })
    };
    Ok(json!({
        "id": format!("/subscriptions/{subscription}/providers/{HEALTHCARE_APIS}"),
        "namespace": HEALTHCARE_APIS,
        "registrationState": "Registered",
        "resourceTypes": [kind("workspaces"), kind("workspaces/fhirservices")],
    }))
}
