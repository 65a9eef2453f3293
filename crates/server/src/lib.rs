//! The only crate that knows HTTP: listeners and TLS, routes, and one file per FHIR interaction,
//! OAuth endpoint, ARM and Graph resource.
//!
//! To add a FHIR interaction: one file in `fhir/`, one variant of `fhir::route::Interaction`; an
//! operation: one file in `fhir/ops/`. To add an authority endpoint: one file in `oauth/`, one line
//! in `oauth/mod.rs`. A number that limits something belongs in `base::limits`.
//!
//! Never here: rules of FHIR that need no request, rules of authorization (`authority` decides),
//! bytes on the disk.

mod admin;
mod announce;
mod app;
mod arm;
mod bootstrap;
mod control;
mod edge;
mod exchange;
mod fhir;
mod graph;
mod index;
mod jobs;
mod listeners;
mod oauth;
mod opening;
mod permits;
mod registry;
mod service;
mod start;
mod start_error;
mod versioning;

pub use announce::{AdministratorConnection, ApplicationConnection, Connection, ServiceConnection};
pub use bootstrap::Bootstrap;
pub use edge::config::{Config, ConfigError, Cors, Handling, ServiceSettings};
pub use edge::tls::TlsFiles;
pub use start::{EndSignals, ServeOptions, Server};
pub use start_error::StartError;
pub use versioning::{Policy, Versioning};
