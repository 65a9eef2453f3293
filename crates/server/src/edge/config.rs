//! The file given by `--config`: one struct, checked when it is read. An unknown key is an error
//! that names it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use authority::ServiceId;
use base::limits;
use fhir::value::{Moment, Zone};
use serde::Deserialize;

use crate::versioning::Versioning;

/// More than any machine can run.
const EXPENSIVE_MOST: usize = 1 << 16;

/// What the file says; the default is what an absent file means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The URL under which clients reach the authority, without a trailing slash, when a proxy
    /// stands in front.
    pub public_url: Option<String>,
    /// Which browsers' pages may call the authority's endpoints.
    pub authority_cors: Option<Cors>,
    /// `[service."WS/NAME"]`.
    services: BTreeMap<ServiceId, ServiceSettings>,
}

/// The settings of one FHIR service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSettings {
    /// Host names of its own, in lower case, with a port only where only that port is meant.
    pub hosts: Vec<String>,
    /// What decides where Azure's service differs from FHIR R4.
    pub compatibility: Compatibility,
    /// Where a time is told that is searched for and does not say it.
    pub time_zone: Zone,
    /// What every write is held against.
    pub validation: Validation,
    /// What an unknown search parameter means when `Prefer: handling` does not say.
    pub handling: Handling,
    /// Which browsers' pages may call it; `None` = the file does not say.
    pub cors: Option<Cors>,
    /// Matches of a page unless `_count` says otherwise.
    pub page_default: usize,
    /// The most matches of a page.
    pub page_most: usize,
    /// How long a page link lives.
    pub link_lifetime: Duration,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Queries that read much of the service which run at one time.
    pub expensive_queries: usize,
    /// Which versions are kept; `None` = the file does not say.
    pub versioning: Option<Versioning>,
}

/// What decides where Azure's service differs from FHIR R4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compatibility {
    /// FHIR R4.
    #[default]
    R4,
    /// Azure's service: a date that is searched for equals what it overlaps, and `$member-match`
    /// answers with the patient.
    Azure,
}

/// What a write is held against; each includes the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validation {
    /// The structure of FHIR R4.
    #[default]
    Structure,
    /// Its invariants of severity error, and its required bindings.
    Base,
    /// The profiles that `meta.profile` names.
    Profiles,
}

/// <https://hl7.org/fhir/R4/search.html#errors>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Handling {
    /// Unknown parameters are left out, with a warning.
    #[default]
    Lenient,
    /// Unknown parameters are refused.
    Strict,
}

/// <https://fetch.spec.whatwg.org/#http-cors-protocol>
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Cors {
    /// Origins as browsers send them, or `*`.
    pub origins: Vec<String>,
    /// Request headers beyond the ones every page may send, or `*`.
    pub headers: Vec<String>,
    /// Methods, or `*`.
    pub methods: Vec<String>,
    /// Seconds for which a browser may keep the answer to its preflight request.
    pub max_age: Option<u32>,
    /// Whether cookies and client certificates may be sent; the bearer token needs no such leave.
    pub credentials: bool,
}

/// What is wrong with the file, ready to be shown.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            compatibility: Compatibility::default(),
            time_zone: Zone::UTC,
            validation: Validation::default(),
            handling: Handling::default(),
            cors: None,
            page_default: limits::PAGE_DEFAULT,
            page_most: limits::PAGE_MOST,
            link_lifetime: limits::LINK_LIFETIME,
            body_bytes: limits::BODY_BYTES,
            expensive_queries: limits::EXPENSIVE_QUERIES,
            versioning: None,
        }
    }
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let named = |what: &dyn fmt::Display| ConfigError(format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
        Self::parse(&text).map_err(|error| named(&error))
    }

    /// Checks the text of such a file.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text)
            .map_err(|error| ConfigError(error.to_string().trim_end().to_owned()))?;
        let public_url = file.public_url.as_deref().map(public_url).transpose()?;
        let mut services = BTreeMap::new();
        for (key, table) in file.service {
            services.insert(service_id(&key)?, table.settings(&key)?);
        }
        let authority_cors = file.authority.and_then(|table| table.cors);
        authority_cors.as_ref().map_or(Ok(()), |cors| check_cors("authority", cors))?;
        Ok(Self { public_url, authority_cors, services })
    }

    /// The settings of `service`: what the file says, the defaults for the rest.
    #[must_use]
    pub fn service(&self, service: &ServiceId) -> ServiceSettings {
        self.services.get(service).cloned().unwrap_or_default()
    }

    /// The services that the file has a table for.
    pub fn named_services(&self) -> impl Iterator<Item = &ServiceId> {
        self.services.keys()
    }
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    public_url: Option<String>,
    authority: Option<AuthorityTable>,
    #[serde(default)]
    service: BTreeMap<String, ServiceTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AuthorityTable {
    cors: Option<Cors>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ServiceTable {
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    compatibility: Compatibility,
    time_zone: Option<String>,
    #[serde(default)]
    validation: Validation,
    #[serde(default)]
    handling: Handling,
    cors: Option<Cors>,
    versioning: Option<Versioning>,
    #[serde(default)]
    limits: LimitsTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct LimitsTable {
    page_default: Option<usize>,
    page_most: Option<usize>,
    /// Seconds.
    link_lifetime: Option<u64>,
    body_bytes: Option<usize>,
    expensive_queries: Option<usize>,
}

impl ServiceTable {
    fn settings(self, key: &str) -> Result<ServiceSettings, ConfigError> {
        let hosts = self.hosts.iter().map(|host| custom_host(key, host));
        let (limits, other) = (self.limits, ServiceSettings::default());
        let settings = ServiceSettings {
            hosts: hosts.collect::<Result<_, _>>()?,
            compatibility: self.compatibility,
            time_zone: self.time_zone.map_or(Ok(Zone::UTC), |text| time_zone(key, &text))?,
            validation: self.validation,
            handling: self.handling,
            cors: self.cors,
            page_most: limits.page_most.unwrap_or(other.page_most),
            page_default: limits
                .page_default
                .unwrap_or(other.page_default.min(limits.page_most.unwrap_or(usize::MAX))),
            link_lifetime: limits.link_lifetime.map_or(other.link_lifetime, Duration::from_secs),
            body_bytes: limits.body_bytes.unwrap_or(other.body_bytes),
            expensive_queries: limits.expensive_queries.unwrap_or(other.expensive_queries),
            versioning: self.versioning,
        };
        settings.cors.as_ref().map_or(Ok(()), |cors| check_cors(key, cors))?;
        if let Some(name) = settings.versioning.as_ref().and_then(Versioning::unknown) {
            return Err(ConfigError(format!(
                "service.\"{key}\".versioning: FHIR R4 has no resource type \"{name}\""
            )));
        }
        check_limits(key, &settings)?;
        Ok(settings)
    }
}

/// `Z` or `+02:00`, as in a dateTime.
fn time_zone(key: &str, text: &str) -> Result<Zone, ConfigError> {
    let moment = Moment::parse_instant(&format!("2000-01-01T00:00:00{text}"));
    moment.ok().and_then(|moment| moment.zone()).ok_or_else(|| {
        ConfigError(format!(
            "service.\"{key}\".time-zone = \"{text}\": write it as Z or as +01:00, its distance \
             from UTC"
        ))
    })
}

fn check_limits(key: &str, settings: &ServiceSettings) -> Result<(), ConfigError> {
    let must = |setting: &str, rule: String| {
        Err(ConfigError(format!("service.\"{key}\".limits.{setting} must be {rule}")))
    };
    if settings.page_most == 0 || settings.page_most > limits::PAGE_MOST {
        return must("page-most", format!("from 1 to {}", limits::PAGE_MOST));
    }
    if settings.page_default == 0 || settings.page_default > settings.page_most {
        return must("page-default", format!("from 1 to page-most ({})", settings.page_most));
    }
    if settings.link_lifetime.is_zero() {
        return must("link-lifetime", "a number of seconds above 0".to_owned());
    }
    if settings.expensive_queries == 0 || settings.expensive_queries > EXPENSIVE_MOST {
        return must("expensive-queries", format!("from 1 to {EXPENSIVE_MOST}"));
    }
    if settings.body_bytes == 0 || settings.body_bytes > limits::BODY_BYTES_IN_FLIGHT {
        return must("body-bytes", format!("from 1 to {}", limits::BODY_BYTES_IN_FLIGHT));
    }
    Ok(())
}

fn check_cors(key: &str, cors: &Cors) -> Result<(), ConfigError> {
    if cors.credentials && cors.origins.iter().any(|origin| origin == "*") {
        return Err(ConfigError(format!(
            "{key}: cors.credentials = true needs a list of origins, not \"*\""
        )));
    }
    match cors.origins.iter().find(|origin| *origin != "*" && !origin.contains("://")) {
        Some(origin) => Err(ConfigError(format!(
            "{key}: cors.origins: \"{origin}\" is no origin; write it as https://host or \"*\""
        ))),
        None => Ok(()),
    }
}

fn service_id(key: &str) -> Result<ServiceId, ConfigError> {
    match key.split_once('/') {
        Some((workspace, name)) if !workspace.is_empty() && !name.is_empty() => {
            Ok(ServiceId::new(workspace, name))
        }
        _ => Err(ConfigError(format!(
            "service.\"{key}\": write the service as WORKSPACE/NAME, for example \"main/demo\""
        ))),
    }
}

/// A host name, perhaps with a port, in lower case.
fn custom_host(key: &str, host: &str) -> Result<String, ConfigError> {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if is_name && port.parse::<u16>().is_ok() {
        let host = host.to_ascii_lowercase();
        return match host.split(':').next() {
            Some("localhost" | "127.0.0.1") => Err(ConfigError(format!(
                "service.\"{key}\".hosts: \"{host}\" is the authority's own name; give the \
                 service another"
            ))),
            _ => Ok(host),
        };
    }
    Err(ConfigError(format!(
        "service.\"{key}\".hosts: \"{host}\" is no host name; write it without https:// and path"
    )))
}

fn public_url(text: &str) -> Result<String, ConfigError> {
    let url = text.strip_suffix('/').unwrap_or(text);
    match url.parse::<http::Uri>() {
        Ok(uri) if uri.scheme_str() == Some("https") && uri.path() == "/" && !url.contains('?') => {
            Ok(url.to_ascii_lowercase())
        }
        _ => Err(ConfigError(format!(
            "public-url = \"{text}\" must be https://HOST or https://HOST:PORT, without a path"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let said = match Config::parse(text) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(expected), "{text}: {said}");
    }

    #[test]
    fn a_mistake_in_the_file_is_named() {
        check("", "ok");
        check("public-url = 'https://fhir.example.org'", "ok");
        check("public-url = 'http://fhir.example.org'", "must be https://HOST");
        check("public-url = 'https://fhir.example.org/x'", "without a path");
        check("public_url = 'https://a'", "unknown field `public_url`");
        check("[service.demo]", "WORKSPACE/NAME");
        check("[service.'main/demo']\nhost = ['a']", "unknown field `host`");
        check("[service.'main/demo']\nhosts = ['a.example', 'b.example:444']", "ok");
        check("[service.'main/demo']\nhosts = ['https://a']", "without https://");
        check("[service.'main/demo']\nhosts = ['LOCALHOST:8443']", "the authority's own name");
        check("[service.'main/demo']\ncompatibility = 'r4'", "ok");
        check("[service.'main/demo']\ncompatibility = 'azure'", "ok");
        check("[service.'main/demo']\ncompatibility = 'stu3'", "unknown variant `stu3`");
        check("[service.'main/demo']\ntime-zone = '+02:00'", "ok");
        check("[service.'main/demo']\ntime-zone = 'Z'", "ok");
        check("[service.'main/demo']\ntime-zone = 'Europe/Berlin'", "+01:00");
        check("[service.'main/demo']\nvalidation = 'profiles'", "ok");
        check("[service.'main/demo']\nvalidation = 'none'", "unknown variant `none`");
        check("[service.'main/demo']\nhandling = 'harsh'", "unknown variant `harsh`");
        check("[service.'main/demo'.limits]\npage-most = 1000", "ok");
        check("[service.'main/demo'.limits]\npage-most = 1001", "from 1 to 1000");
        check("[service.'main/demo'.limits]\npage-most = 5", "ok");
        check("[service.'main/demo'.limits]\npage-most = 5\npage-default = 6", "page-most (5)");
        check("[service.'main/demo'.versioning]\ndefault = 'no-version'", "ok");
        check("[service.'main/demo'.versioning]\nPatient = 'version-update'", "ok");
        check("[service.'main/demo'.versioning]\nPatient = 'some'", "unknown variant `some`");
        check("[service.'main/demo'.versioning]\npatient = 'versioned'", "no resource type");
        check("[service.'main/demo'.limits]\npages = 5", "unknown field `pages`");
        check("[service.'main/demo'.cors]\norigins = ['app.example']", "is no origin");
        check("[service.'main/demo'.cors]\norigins = ['*']\ncredentials = true", "not \"*\"");
    }

    #[test]
    fn the_documentation_shows_a_file_that_is_read_and_the_defaults() -> Result<(), ConfigError> {
        let page = include_str!("../../../../docs/configuration.md");
        let file = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
        let config = Config::parse(file.unwrap_or_default())?;
        let mut shown = config.service(&ServiceId::new("main", "demo"));
        let hosts = std::mem::take(&mut shown.hosts);
        assert_eq!(hosts, ["account.azurehealthcareapis.com"]);
        assert!(shown.cors.take().is_some() && shown.versioning.take().is_some());
        assert_eq!(shown, ServiceSettings::default());
        Ok(())
    }

    #[test]
    fn a_service_without_a_table_has_the_defaults() -> Result<(), ConfigError> {
        let config = Config::parse("[service.'main/demo'.limits]\nbody-bytes = 7")?;
        assert_eq!(config.service(&ServiceId::new("main", "demo")).body_bytes, 7);
        assert_eq!(config.service(&ServiceId::new("main", "lab")), ServiceSettings::default());
        Ok(())
    }
}
