//! Which area a request is for: by its host, then by the first segment of its path.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use http::request::Parts;
use http::uri::Authority;
use http::{StatusCode, header};

use base::limits;

use crate::service::Service;

/// The host names this process answers under.
#[derive(Default)]
pub(crate) struct Hosts {
    /// Names of services in lower case: the host form, custom hosts with or without a port.
    pub(crate) services: BTreeMap<String, Arc<Service>>,
    /// Services by label, for the path form.
    pub(crate) labels: BTreeMap<String, Arc<Service>>,
    /// The public URL and its host, with its port if it has one.
    pub(crate) public: Option<(String, String)>,
}

/// A part of the server that answers.
pub(crate) enum Area {
    /// A FHIR service and the URL under which it was called, without a trailing slash.
    Fhir(Arc<Service>, String),
    Arm,
    Graph,
    Oauth,
    Admin,
    /// What a person sees who opens the authority's address.
    Portal,
}

impl Area {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Fhir(..) => "fhir",
            Self::Arm => "arm",
            Self::Graph => "graph",
            Self::Oauth => "oauth",
            Self::Admin => "admin",
            Self::Portal => "portal",
        }
    }
}

/// Where a request goes.
pub(crate) struct Route {
    pub(crate) area: Area,
    /// Scheme, host and port under which it came.
    pub(crate) origin: String,
    /// Where the path that the area sees begins in the path that was sent.
    pub(crate) path_start: usize,
}

/// Why there is no area for a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unrouted {
    /// 400: no `Host`, more than one, or not a host.
    BadHost,
    /// 414.
    LongUrl,
    /// 421: a host this process does not answer for.
    UnknownHost(String),
    /// 404: the path form names no service.
    UnknownService(String),
}

impl Unrouted {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadHost => StatusCode::BAD_REQUEST,
            Self::LongUrl => StatusCode::URI_TOO_LONG,
            Self::UnknownHost(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::UnknownService(_) => StatusCode::NOT_FOUND,
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::BadHost => "invalid",
            Self::LongUrl => "too-long",
            Self::UnknownHost(_) | Self::UnknownService(_) => "not-found",
        }
    }

    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::BadHost => {
                "A request needs exactly one Host header that names a host.".to_owned()
            }
            Self::LongUrl => format!(
                "The URL is too long: at most {} bytes. Send a long search as POST [type]/_search.",
                limits::URL_BYTES
            ),
            Self::UnknownHost(host) => format!(
                "This server does not answer for the host '{host}'. Call a service by the URL that \
                 `firekeep service list` shows, or add the host to hosts of [service.\"WS/NAME\"] \
                 in the file given by --config."
            ),
            Self::UnknownService(label) => {
                format!("There is no FHIR service '{label}' here; see `firekeep service list`.")
            }
        }
    }
}

impl Hosts {
    /// The way of a request; `secure` tells whether it came through TLS.
    pub(crate) fn route(&self, secure: bool, parts: &Parts) -> Result<Route, Unrouted> {
        let path = parts.uri.path();
        if parts.uri.path_and_query().map_or(0, |url| url.as_str().len()) > limits::URL_BYTES {
            return Err(Unrouted::LongUrl);
        }
        let host = &*lower(host_of(parts)?);
        let (name, port) = split_port(host).ok_or(Unrouted::BadHost)?;
        let origin = [if secure { "https://" } else { "http://" }, host].concat();
        if let Some(service) = self.services.get(host).or_else(|| self.services.get(name)) {
            let area = Area::Fhir(Arc::clone(service), origin.clone());
            return Ok(Route { area, origin, path_start: 0 });
        }
        let origin = match &self.public {
            Some((public, public_host)) if is_public(public_host, host, name, port) => {
                public.clone()
            }
            _ if is_loopback(name) => origin,
            _ => return Err(Unrouted::UnknownHost(host.to_owned())),
        };
        self.on_authority(origin, path)
    }

    /// The areas that share the authority's host.
    fn on_authority(&self, origin: String, path: &str) -> Result<Route, Unrouted> {
        // `az` joins its endpoint and `/metadata/endpoints` with one slash too many when the
        // endpoint ends in one.
        let path_start = path.bytes().take_while(|byte| *byte == b'/').count().saturating_sub(1);
        let (first, rest) = cut(path.get(path_start + 1..).unwrap_or_default(), b'/');
        let named = |name: &str| first.eq_ignore_ascii_case(name);
        if named("fhir") {
            let (label, _) = cut(rest.get(1..).unwrap_or_default(), b'/');
            let Some((known, service)) = self.labels.get_key_value(&*lower(label)) else {
                return Err(Unrouted::UnknownService(label.to_owned()));
            };
            let taken = path_start + "/fhir/".len() + label.len();
            let base = [&origin, "/fhir/", known].concat();
            let area = Area::Fhir(Arc::clone(service), base);
            return Ok(Route { area, origin, path_start: taken });
        }
        let area = if first.is_empty() {
            Area::Portal
        } else if ["metadata", "subscriptions", "tenants", "providers"].iter().any(|n| named(n)) {
            Area::Arm
        } else if first == "v1.0" {
            Area::Graph
        } else if first == "_admin" {
            Area::Admin
        } else {
            Area::Oauth
        };
        Ok(Route { area, origin, path_start })
    }
}

/// What stands before an ASCII character, and the rest from it on. So short a text is read before
/// `split` has prepared its search.
fn cut(text: &str, at: u8) -> (&str, &str) {
    let end = text.bytes().position(|byte| byte == at).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// In lower case, which it most often is already.
fn lower(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(text.to_ascii_lowercase()),
        false => Cow::Borrowed(text),
    }
}

/// The authority of an absolute request target or of HTTP/2, else the one `Host` header.
fn host_of(parts: &Parts) -> Result<&str, Unrouted> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let header = hosts.next().map(|value| value.to_str().map_err(|_| Unrouted::BadHost));
    if hosts.next().is_some() {
        return Err(Unrouted::BadHost);
    }
    match parts.uri.authority().map(Authority::as_str) {
        Some(authority) => Ok(authority),
        None => header.unwrap_or(Err(Unrouted::BadHost)),
    }
}

/// Host and port; `None` when it is neither. `[::1]` keeps its brackets.
fn split_port(host: &str) -> Option<(&str, Option<&str>)> {
    let end = if host.starts_with('[') { host.find(']')? + 1 } else { cut(host, b':').0.len() };
    let (name, rest) = host.split_at_checked(end)?;
    let is_name = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':')
    };
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Some((name, None)),
        Some(port) if port.parse::<u16>().is_ok() => Some((name, Some(port))),
        _ => None,
    }
}

fn is_loopback(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Whether a host is the public URL's; a public URL without a port has its scheme's.
fn is_public(public: &str, host: &str, name: &str, port: Option<&str>) -> bool {
    public == host || (public == name && port == Some("443"))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// `origin area path`, or the status of the refusal.
    fn way(hosts: &[&str], target: &str) -> String {
        let mut request = Request::builder().uri(target);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let Ok(request) = request.body(()) else { return "no request".to_owned() };
        let (parts, ()) = request.into_parts();
        let public = ("https://fhir.example.org".to_owned(), "fhir.example.org".to_owned());
        let known = Hosts { public: Some(public), ..Hosts::default() };
        match known.route(true, &parts) {
            Ok(route) => {
                let path = parts.uri.path().get(route.path_start..).unwrap_or_default();
                format!("{} {} {path}", route.origin, route.area.name())
            }
            Err(unrouted) => unrouted.status().as_str().to_owned(),
        }
    }

    #[test]
    fn a_host_is_known_or_misdirected() {
        let check = |hosts: &[&str], expected: &str| assert_eq!(way(hosts, "/"), expected);
        check(&["localhost:8443"], "https://localhost:8443 portal /");
        check(&["LocalHost:8443"], "https://localhost:8443 portal /");
        check(&["127.0.0.1"], "https://127.0.0.1 portal /");
        check(&["[::1]:1"], "https://[::1]:1 portal /");
        check(&["fhir.example.org"], "https://fhir.example.org portal /");
        check(&["fhir.example.org:443"], "https://fhir.example.org portal /");
        check(&["fhir.example.org:444"], "421");
        check(&["evil.example"], "421");
        check(&["localhost.evil.example"], "421");
        check(&[], "400");
        check(&["localhost", "localhost"], "400");
        check(&["localhost:x"], "400");
        check(&["localhost:70000"], "400");
        check(&["a b"], "400");
        check(&["[::1"], "400");
    }

    #[test]
    fn the_first_segment_names_the_area() {
        let check = |target: &str, expected: &str| {
            assert_eq!(way(&["localhost"], target), expected, "{target}");
        };
        check("/metadata/endpoints?x=1", "https://localhost arm /metadata/endpoints");
        check("//metadata/endpoints", "https://localhost arm /metadata/endpoints");
        check("/Subscriptions/1", "https://localhost arm /Subscriptions/1");
        check("/v1.0/users", "https://localhost graph /v1.0/users");
        check("/_admin/backup", "https://localhost admin /_admin/backup");
        check("/common/oauth2/v2.0/token", "https://localhost oauth /common/oauth2/v2.0/token");
        check("/fhir/main-demo/Patient", "404");
        check(
            &format!("/{}", "a".repeat(limits::URL_BYTES - 1)),
            &format!("https://localhost oauth /{}", "a".repeat(limits::URL_BYTES - 1)),
        );
        check(&format!("/{}", "a".repeat(limits::URL_BYTES)), "414");
    }

    #[test]
    fn the_target_of_the_request_counts_before_the_header() {
        assert_eq!(way(&["evil.example"], "https://localhost:1/"), "https://localhost:1 portal /");
        assert_eq!(way(&[], "https://localhost:1/"), "https://localhost:1 portal /");
    }
}
