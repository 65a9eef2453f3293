//! What all handlers share: the authority, the open services, the settings, the clock.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use authority::{Authority, Names, ServiceNames};
use base::{Clock, Fault, Random};
use store::control::ControlStore;
use tokio::sync::Semaphore;

use crate::edge::blocking::Turns;
use crate::edge::config::{Config, ServiceSettings};
use crate::edge::development_ca::DevelopmentCa;
use crate::edge::metrics::Metrics;
use crate::edge::route::Hosts;
use crate::edge::tls::Certificates;
use crate::service::{Service, Services};

/// One per process; handlers get `&Arc<App>`.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) authority: Arc<Authority>,
    pub(crate) services: Services,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) metrics: Metrics,
    /// The data folder.
    pub(crate) data: PathBuf,
    pub(crate) control: ControlStore,
    /// Under which hosts this process answers; follows the services.
    pub(crate) hosts: ArcSwap<Hosts>,
    /// Memory for the bodies of all requests, in bytes.
    pub(crate) body_memory: Arc<Semaphore>,
    /// Compressed bodies: each takes a window of 8 MiB while it is unpacked, and a core.
    pub(crate) unpacking: Turns,
    /// Password checks: each takes 19 MiB and a core by design.
    pub(crate) password_checks: Turns,
    pub(crate) addresses: Addresses,
    pub(crate) certificates: Arc<Certificates>,
    /// `None` when the certificate was given.
    pub(crate) development_ca: Option<DevelopmentCa>,
}

/// The addresses that URLs are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// The port of the first TLS listener.
    pub(crate) port: u16,
    /// `http://ADDR:PORT` of the plain listener.
    pub(crate) http: Option<String>,
    /// The public URL of the configuration.
    pub(crate) public: Option<String>,
}

impl Addresses {
    /// The authority's origin.
    pub(crate) fn origin(&self) -> String {
        self.public.clone().unwrap_or_else(|| self.https("localhost"))
    }

    fn https(&self, host: &str) -> String {
        match self.port {
            443 => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }

    /// Everything a service is called: first the host form, then the path form, then custom hosts,
    /// then the loopback addresses.
    fn urls(&self, label: &str, settings: &ServiceSettings) -> Vec<String> {
        let path_form = |origin: &str| format!("{origin}/fhir/{label}");
        let mut urls = vec![self.https(&host_form(label)), path_form(&self.origin())];
        for host in &settings.hosts {
            urls.push(format!("https://{host}"));
            if !host.contains(':') && self.port != 443 {
                urls.push(self.https(host));
            }
        }
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(|host| self.https(host));
        urls.extend(loopback.iter().chain(&self.http).map(|origin| path_form(origin)));
        let mut known = BTreeSet::new();
        urls.retain(|url| known.insert(url.clone()));
        urls
    }
}

/// The host of a service's own: one label before `fhir.localhost`, since a wildcard covers one.
pub(crate) fn host_form(label: &str) -> String {
    format!("{label}.fhir.localhost")
}

/// The names that the development certificate is for.
pub(crate) fn certificate_names(config: &Config, hosts: &[String]) -> BTreeSet<String> {
    let host_of = |text: &str| {
        let host = text.strip_prefix("https://").unwrap_or(text);
        host.split(':').next().unwrap_or_default().to_owned()
    };
    let fixed = ["localhost", "*.fhir.localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let public = config.public_url.as_deref().map(host_of);
    fixed.into_iter().chain(hosts.iter().map(|host| host_of(host))).chain(public).collect()
}

impl App {
    /// Follows the directory after a service was made, changed or removed: opens and closes stores,
    /// then makes names, hosts and the certificate anew. Blocks.
    pub(crate) fn services_changed(&self) -> Result<(), Fault> {
        self.services.follow(self)?;
        let services = self.services.all();
        self.authority.set_names(self.names(&services));
        if let Some(ca) = &self.development_ca {
            let hosts: Vec<String> =
                services.iter().flat_map(|service| service.settings.hosts.clone()).collect();
            ca.ensure(&certificate_names(&self.config, &hosts), self.clock.now())?;
            self.certificates.refresh();
        }
        self.hosts.store(Arc::new(self.hosts_of(&services)));
        Ok(())
    }

    fn names(&self, services: &[Arc<Service>]) -> Names {
        let origin = self.addresses.origin();
        let mut authority = vec![origin.clone()];
        authority
            .extend(["localhost", "127.0.0.1", "[::1]"].map(|host| self.addresses.https(host)));
        authority.extend(self.addresses.http.clone());
        let mut known = BTreeSet::new();
        authority.retain(|url| known.insert(url.clone()));
        let services = services.iter().map(|service| ServiceNames {
            service: service.id.clone(),
            urls: self.addresses.urls(&service.id.label(), &service.settings),
        });
        Names { origin, arm: authority.clone(), graph: authority, services: services.collect() }
    }

    fn hosts_of(&self, services: &[Arc<Service>]) -> Hosts {
        let mut hosts = Hosts::default();
        for service in services {
            let label = service.id.label();
            hosts.services.insert(host_form(&label), Arc::clone(service));
            for host in &service.settings.hosts {
                hosts.services.insert(host.clone(), Arc::clone(service));
            }
            hosts.labels.insert(label, Arc::clone(service));
        }
        hosts.public = self.addresses.public.as_ref().map(|url| {
            let host = url.strip_prefix("https://").unwrap_or(url).to_owned();
            (url.clone(), host)
        });
        hosts
    }

    /// The files of the development CA, by name within the data folder; none when a certificate was
    /// given.
    pub(crate) fn certificate_files(&self) -> &'static [&'static str] {
        match self.development_ca {
            Some(_) => &["ca.pem", "ca.key", "server.pem", "server.key"],
            None => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_called_by_its_host_its_path_and_its_custom_hosts() {
        let addresses = Addresses { port: 8443, http: None, public: None };
        let hosts = vec!["account.azurehealthcareapis.com".to_owned()];
        let settings = ServiceSettings { hosts, ..ServiceSettings::default() };
        let expected = [
            "https://main-demo.fhir.localhost:8443",
            "https://localhost:8443/fhir/main-demo",
            "https://account.azurehealthcareapis.com",
            "https://account.azurehealthcareapis.com:8443",
            "https://127.0.0.1:8443/fhir/main-demo",
            "https://[::1]:8443/fhir/main-demo",
        ];
        assert_eq!(addresses.urls("main-demo", &settings), expected);

        let public = Some("https://fhir.example.org".to_owned());
        let http = Some("http://127.0.0.1:80".to_owned());
        let addresses = Addresses { port: 443, http, public };
        let expected = [
            "https://main-demo.fhir.localhost",
            "https://fhir.example.org/fhir/main-demo",
            "https://localhost/fhir/main-demo",
            "https://127.0.0.1/fhir/main-demo",
            "https://[::1]/fhir/main-demo",
            "http://127.0.0.1:80/fhir/main-demo",
        ];
        assert_eq!(addresses.urls("main-demo", &ServiceSettings::default()), expected);
    }

    #[test]
    fn the_certificate_names_custom_hosts_and_the_public_one() -> Result<(), crate::ConfigError> {
        let config = Config::parse("public-url = 'https://fhir.example.org:444'")?;
        let names = certificate_names(&config, &["a.example:8443".to_owned()]);
        for name in ["localhost", "*.fhir.localhost", "::1", "a.example", "fhir.example.org"] {
            assert!(names.contains(name), "{name} is not in {names:?}");
        }
        Ok(())
    }
}
