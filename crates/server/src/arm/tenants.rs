//! <https://learn.microsoft.com/rest/api/resources/tenants/list>

use serde_json::json;

use super::refusal::Refusal;
use super::{Call, values};
use crate::exchange::Answer;

/// `GET /tenants`: the caller's.
pub(super) fn list(call: &Call) -> Result<Answer, Refusal> {
    call.only_get()?;
    let own = call.caller.identity.tenant;
    values(call.caller.directory.tenants().filter(|tenant| tenant.id == own).map(|tenant| {
        json!({
            "id": format!("/tenants/{}", tenant.id),
            "tenantId": tenant.id,
            "displayName": tenant.display_name,
            "defaultDomain": tenant.domain,
            "domains": [tenant.domain],
            "tenantCategory": "Home",
            "tenantType": "AAD",
        })
    }))
}
