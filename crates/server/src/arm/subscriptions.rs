//! <https://learn.microsoft.com/rest/api/resources/subscriptions>

use authority::Subscription;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::Refusal;
use super::{Call, ok, values};
use crate::exchange::Answer;

/// Where everything is: there are no regions here.
pub(super) const LOCATION: &str = "local";

/// `GET /subscriptions`: all of the caller's tenant, also for who has no role yet, because the
/// command lines take an empty list for a failed sign-in.
pub(super) fn list(call: &Call) -> Result<Answer, Refusal> {
    call.only_get()?;
    let own = call.caller.identity.tenant;
    let all = call.caller.directory.subscriptions();
    values(all.filter(|subscription| subscription.tenant == own).map(|it| shape(it)))
}

/// `GET /subscriptions/{id}`.
pub(super) fn get(call: &Call, id: Uuid) -> Result<Answer, Refusal> {
    call.only_get()?;
    ok(&shape(call.subscription(id)?))
}

/// `GET /subscriptions/{id}/locations`.
pub(super) fn locations(call: &Call, id: Uuid) -> Result<Answer, Refusal> {
    call.only_get()?;
    let subscription = call.subscription(id)?;
    values([json!({
        "id": format!("/subscriptions/{}/locations/{LOCATION}", subscription.id),
        "subscriptionId": subscription.id,
        "name": LOCATION,
        "type": "Region",
        "displayName": "Local",
        "regionalDisplayName": "Local",
        "metadata": { "regionType": "Physical", "regionCategory": "Recommended" },
    })])
}

fn shape(subscription: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant,
        "displayName": subscription.display_name,
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionPolicies": { "spendingLimit": "Off" },
    })
}
