//! What all handlers share: the authority, the open services, the settings, the clock.

use std::sync::Arc;

use authority::Authority;
use base::{Clock, Random};

use crate::edge::config::Config;
use crate::edge::metrics::Metrics;
use crate::service::Services;

/// One per process; handlers get `&Arc<App>`.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) authority: Arc<Authority>,
    pub(crate) services: Services,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) metrics: Metrics,
}
