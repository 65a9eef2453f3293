//! Public clients that every tenant knows without registration: Azure's command lines, and ours.

use uuid::{Uuid, uuid};

/// The Azure CLI; also the default of azure-identity's developer credentials.
pub const AZURE_CLI: Uuid = uuid!("04b07795-8ddb-461a-bbee-02f9e1bf7b46");
/// Az PowerShell.
pub const AZURE_POWERSHELL: Uuid = uuid!("1950a258-227b-4e31-a9cf-717495945fc2");
/// `firekeep login`.
pub const FIREKEEP: Uuid = uuid!("f1e4eeb0-5c1e-4d55-9a4b-6a4f6b1d7c3e");

/// The name people are shown for a well-known client.
#[must_use]
pub fn well_known(client_id: Uuid) -> Option<&'static str> {
    match client_id {
        AZURE_CLI => Some("Microsoft Azure CLI"),
        AZURE_POWERSHELL => Some("Microsoft Azure PowerShell"),
        FIREKEEP => Some("Firekeep command line"),
        _ => None,
    }
}
