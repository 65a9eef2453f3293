//! Takes the index rows of superseded versions out, once no page link can ask for them any more:
//! searches over resources that are often updated would walk ever more of them.

use base::{Fault, Timestamp};

use crate::app::App;
use crate::service::Service;

/// Versions between two turns of the writer.
const STEP: usize = 200;

/// All services, one after the other. Blocks.
pub(crate) fn run(app: &App) {
    for service in app.services.all() {
        if let Err(fault) = vacuum(app, &service) {
            tracing::error!(service = %service.id, %fault, "old index rows could not be taken out");
        }
    }
}

fn vacuum(app: &App, service: &Service) -> Result<(), Fault> {
    let lifetime = service.settings.link_lifetime.as_nanos() / 100;
    let lifetime = i64::try_from(lifetime).unwrap_or(i64::MAX);
    let before = app.clock.now().ticks().saturating_sub(lifetime);
    while service.store.vacuum(Timestamp::from_ticks(before), STEP)? {}
    Ok(())
}
