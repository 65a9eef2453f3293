//! <https://learn.microsoft.com/entra/identity-platform/v2-protocols#endpoints>
//!
//! Which endpoint of the authority a path names.

use authority::{Endpoint, Shape};

use crate::control::segments;

/// Everything the authority answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Discovery(Endpoint),
    Keys(String),
    Token(Endpoint),
    Authorize(Endpoint),
    DeviceCode(Endpoint),
    DevicePage,
    UserRealm(String),
    InstanceDiscovery,
    SignedOut,
}

impl Route {
    /// The word for it in figures.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Discovery(_) => "openid-configuration",
            Self::Keys(_) => "keys",
            Self::Token(_) => "token",
            Self::Authorize(_) => "authorize",
            Self::DeviceCode(_) => "devicecode",
            Self::DevicePage => "devicelogin",
            Self::UserRealm(_) => "userrealm",
            Self::InstanceDiscovery => "instance",
            Self::SignedOut => "logout",
        }
    }
}

/// Reads a path as sent. Repeated and trailing slashes do not count, nor does the case of letters.
pub(super) fn route(path: &str) -> Option<Route> {
    let segments = segments(path)?;
    let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let place = |tenant: &str, shape| {
        Endpoint::new(tenant, if tenant == "adfs" { Shape::Adfs } else { shape })
    };
    Some(match lower.as_slice() {
        ["devicelogin" | "deviceauth"] | [_, "oauth2", "deviceauth"] => Route::DevicePage,
        [_, "discovery", "instance"] => Route::InstanceDiscovery,
        [_, "userrealm", _] => Route::UserRealm(segments.into_iter().nth(2)?),
        [tenant, ".well-known", "openid-configuration"] => {
            Route::Discovery(place(tenant, Shape::V1))
        }
        [tenant, "v2.0", ".well-known", "openid-configuration"] => {
            Route::Discovery(place(tenant, Shape::V2))
        }
        [tenant, "discovery", "keys"] | [tenant, "discovery", "v2.0", "keys"] => {
            Route::Keys((*tenant).to_owned())
        }
        [tenant, "oauth2", verb] => protocol(verb, place(tenant, Shape::V1))?,
        [tenant, "oauth2", "v2.0", verb] => protocol(verb, place(tenant, Shape::V2))?,
        _ => return None,
    })
}

fn protocol(verb: &str, place: Endpoint) -> Option<Route> {
    Some(match verb {
        "token" => Route::Token(place),
        "authorize" => Route::Authorize(place),
        "devicecode" => Route::DeviceCode(place),
        "logout" => Route::SignedOut,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        let found = match route(path) {
            None => "none".to_owned(),
            Some(Route::Discovery(at)) => format!("discovery {} {:?}", at.tenant, at.shape),
            Some(Route::Keys(tenant)) => format!("keys {tenant}"),
            Some(Route::Token(at)) => format!("token {} {:?}", at.tenant, at.shape),
            Some(Route::Authorize(at)) => format!("authorize {} {:?}", at.tenant, at.shape),
            Some(Route::DeviceCode(at)) => format!("devicecode {} {:?}", at.tenant, at.shape),
            Some(Route::DevicePage) => "device page".to_owned(),
            Some(Route::UserRealm(user)) => format!("realm {user}"),
            Some(Route::InstanceDiscovery) => "instance".to_owned(),
            Some(Route::SignedOut) => "signed out".to_owned(),
        };
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn a_path_names_an_endpoint() {
        check("/T/v2.0/.well-known/openid-configuration", "discovery t V2");
        check(
            "/contoso.example//.well-known/openid-configuration/",
            "discovery contoso.example V1",
        );
        check("/adfs/.well-known/openid-configuration", "discovery adfs Adfs");
        check("/organizations/oauth2/v2.0/token", "token organizations V2");
        check("/t/oauth2/token", "token t V1");
        check("/adfs/oauth2/token/", "token adfs Adfs");
        check("/adfs/oauth2/v2.0/token", "token adfs Adfs");
        check("/t/OAuth2/Authorize", "authorize t V1");
        check("/t/oauth2/v2.0/authorize", "authorize t V2");
        check("/t/oauth2/v2.0/devicecode", "devicecode t V2");
        check("/adfs/oauth2/devicecode", "devicecode adfs Adfs");
        check("/common/userrealm/Ada%40firekeep.localhost", "realm Ada@firekeep.localhost");
        check("/common/discovery/instance", "instance");
        check("/t/discovery/v2.0/keys", "keys t");
        check("/adfs/discovery/keys", "keys adfs");
        check("/devicelogin", "device page");
        check("/common/oauth2/deviceauth", "device page");
        check("/t/oauth2/v2.0/logout", "signed out");
        check("/t/oauth2/v2.0/introspect", "none");
        check("/t/oauth2/%FF", "none");
        check("/", "none");
    }
}
