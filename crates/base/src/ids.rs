//! Ids: random GUIDs for the directory and ordered ones for resources.

use uuid::{Builder, Uuid};

use crate::{Random, Timestamp};

/// A random GUID (RFC 9562, version 4), as directory objects, tenants and traces have.
#[must_use]
pub fn guid(random: &dyn Random) -> Uuid {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// A GUID that begins with the time (RFC 9562, version 7): server-assigned resource ids, which then
/// lie beside each other in the index.
#[must_use]
pub fn ordered_guid(now: Timestamp, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    Builder::from_unix_timestamp_millis(now.unix_milliseconds(), &bytes).into_uuid()
}
