//! The FHIR services that are open in this process, each with its store.

use std::collections::HashMap;
use std::sync::Arc;

use authority::ServiceId;
use store::Store;

use crate::edge::config::ServiceSettings;

/// One FHIR service: a store, its settings, and the key that seals its page links.
pub(crate) struct Service {
    pub(crate) id: ServiceId,
    pub(crate) store: Store,
    pub(crate) settings: ServiceSettings,
    /// Authenticates page links; made once per data folder, kept in the control plane.
    pub(crate) page_key: [u8; 32],
}

/// All open services, found by label.
pub(crate) struct Services(parking_lot::RwLock<HashMap<String, Arc<Service>>>);

impl Services {
    pub(crate) fn get(&self, id: &ServiceId) -> Option<Arc<Service>> {
        self.0.read().get(&id.label()).cloned()
    }
}
