//! What a data folder holds, opened: the control plane, the authority, the services, a certificate.

use std::sync::Arc;

use arc_swap::ArcSwap;
use authority::{Authority, AuthorityOptions};
use base::{Fault, limits};
use store::StoreOptions;
use store::control::ControlStore;
use tokio::sync::Semaphore;

use crate::announce::{Connection, Ports, retire};
use crate::app::{Addresses, App, certificate_names};
use crate::bootstrap::{Made, Secrets, made, make};
use crate::edge::blocking;
use crate::edge::development_ca::DevelopmentCa;
use crate::edge::metrics::Metrics;
use crate::edge::tls::{Certificates, TlsFiles};
use crate::jobs::reindex;
use crate::service::Services;
use crate::start::ServeOptions;
use crate::start_error::StartError;

/// What opening the folder gives.
pub(crate) struct Opened {
    pub(crate) app: Arc<App>,
    pub(crate) connection: Connection,
    pub(crate) first_start: bool,
    pub(crate) announce: bool,
}

/// Everything that touches the disk, in the order in which a failure leaves the least behind.
pub(crate) fn open(
    options: ServeOptions,
    addresses: Addresses,
    ports: &Ports,
) -> Result<Opened, StartError> {
    let ServeOptions { data, config, tls, bootstrap, announce, clock, random, .. } = options;
    let ca_folder = options.development_ca.unwrap_or_else(|| data.clone());
    let stored = StoreOptions {
        clock: Arc::clone(&clock),
        random: Arc::clone(&random),
        ..StoreOptions::default()
    };
    let control = ControlStore::open(&data.join("control"), stored).map_err(StartError::Control)?;
    let authority = Arc::new(Authority::open(AuthorityOptions {
        control: control.clone(),
        clock: Arc::clone(&clock),
        random: Arc::clone(&random),
    })?);
    let made = made(&control)?;
    let first_start = made.is_none();
    let (made, new): (Made, Option<Secrets>) = match made {
        Some(made) => (made, None),
        None => {
            let (made, secrets) = make(bootstrap, &authority, &*random)?;
            (made, Some(secrets))
        }
    };
    let development_ca = tls.is_none().then(|| DevelopmentCa::of(&ca_folder));
    let files = match (&development_ca, tls) {
        (Some(ca), _) => {
            let services = authority.directory();
            let hosts: Vec<String> =
                services.services().flat_map(|known| config.service(&known.id).hosts).collect();
            ca.ensure(&certificate_names(&config, &hosts), clock.now())?;
            TlsFiles { certificate: ca.certificate(), key: ca.key() }
        }
        (None, Some(files)) => files,
        (None, None) => return Err(Fault::because("there is no certificate").into()),
    };
    let app = Arc::new(App {
        services: Services::new(&control, &*random)?,
        hosts: ArcSwap::default(),
        metrics: Metrics::default(),
        body_memory: Arc::new(Semaphore::new(limits::BODY_BYTES_IN_FLIGHT)),
        unpacking: blocking::Turns::new(limits::BODIES_UNPACKED),
        password_checks: blocking::Turns::new(limits::PASSWORD_CHECKS),
        certificates: Arc::new(Certificates::read(files)?),
        config,
        authority,
        clock,
        random,
        data: data.clone(),
        control,
        addresses,
        development_ca,
    });
    app.services_changed()?;
    if announce {
        // A command that only reads should not begin what takes long.
        app.services.all().iter().try_for_each(|service| reindex::go_on(&app, service))?;
    }
    warn_of_unknown_services(&app);
    let kept = if announce { retire(&data)? } else { Secrets::default() };
    let connection = Connection::of(&app, &made, &new.unwrap_or(kept), ports);
    Ok(Opened { app, connection, first_start, announce })
}

/// No error, since a service may be made later; its settings wait for it.
fn warn_of_unknown_services(app: &App) {
    let directory = app.authority.directory();
    for id in app.config.named_services().filter(|id| directory.service(id).is_none()) {
        tracing::warn!(
            "the configuration has settings for the service {id}, which does not exist (yet)"
        );
    }
}
