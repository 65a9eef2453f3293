//! <https://learn.microsoft.com/entra/identity-platform/scopes-oidc>
//!
//! What a token is asked for: the resource, which becomes `aud` as it was written, and what a
//! user's client wants besides.

use base::limits::SCOPE_BYTES;
use serde::{Deserialize, Serialize};

use super::{Request, shortened};
use crate::parameters::Shape;
use crate::refusal::TokenRefusal;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// The resource, verbatim; none where a user's client asked only who the user is.
    pub(crate) resource: Option<String>,
    /// Whether a refresh token is wanted.
    pub(crate) offline: bool,
    /// Whether an id token is wanted.
    pub(crate) openid: bool,
    /// The scope as it was sent.
    pub(crate) scope: Option<String>,
    /// What the id token has to repeat; only an authorization request has it.
    pub(crate) nonce: Option<String>,
}

/// What one word of a scope means.
enum Word<'a> {
    Offline,
    Openid,
    Profile,
    Resource(&'a str),
    Other,
}

impl<'a> Word<'a> {
    /// Reads a word. The resource is what stands before the suffix, slashes and all:
    /// `https://a//.default` is for `https://a/`.
    fn read(word: &'a str, shape: Shape, suffixes: &[&str]) -> Self {
        match word {
            "offline_access" => return Self::Offline,
            "openid" => return Self::Openid,
            "profile" | "email" => return Self::Profile,
            _ => {}
        }
        let adfs: &[&str] = if shape == Shape::Adfs { &["/openid"] } else { &[] };
        let resource = suffixes.iter().chain(adfs).find_map(|suffix| {
            let (resource, end) = word.split_at_checked(word.len().checked_sub(suffix.len())?)?;
            (end.eq_ignore_ascii_case(suffix) && !resource.is_empty()).then_some(resource)
        });
        resource.map_or(Self::Other, Self::Resource)
    }
}

/// What an application may ask for: exactly one resource.
pub(super) fn for_application(scope: &str, shape: Shape) -> Result<String, TokenRefusal> {
    let mut resource: Option<&str> = None;
    for word in scope.split_whitespace() {
        match Word::read(word, shape, &["/.default"]) {
            Word::Resource(other) if resource.is_some_and(|known| known != other) => {
                return Err(TokenRefusal::ManyResources { scope: shortened(scope) });
            }
            Word::Resource(named) => resource = Some(named),
            Word::Offline | Word::Openid | Word::Profile | Word::Other => {
                return Err(TokenRefusal::ScopeNotDefault { scope: shortened(scope) });
            }
        }
    }
    resource
        .map(ToOwned::to_owned)
        .ok_or_else(|| TokenRefusal::ScopeNotDefault { scope: shortened(scope) })
}

/// What a user's client may ask for: at most one resource, by `/.default` or `/user_impersonation`.
pub(super) fn for_user(scope: &str, shape: Shape) -> Result<Target, TokenRefusal> {
    if scope.len() > SCOPE_BYTES {
        return Err(TokenRefusal::UnknownScope { scope: shortened(scope) });
    }
    let mut target = Target { scope: Some(scope.to_owned()), ..Target::default() };
    for word in scope.split_whitespace() {
        match Word::read(word, shape, &["/.default", "/user_impersonation"]) {
            Word::Offline => target.offline = true,
            Word::Openid => target.openid = true,
            Word::Profile => {}
            Word::Resource(named) if target.resource.as_deref().is_none_or(|it| it == named) => {
                target.resource = Some(named.to_owned());
            }
            Word::Resource(_) => {
                return Err(TokenRefusal::ManyResources { scope: shortened(scope) });
            }
            Word::Other => return Err(TokenRefusal::UnknownScope { scope: shortened(word) }),
        }
    }
    Ok(target)
}

impl Request<'_> {
    /// The resource an application asks for. AD FS takes it by its name too, as v1 does.
    pub(super) fn application_resource(&self) -> Result<String, TokenRefusal> {
        let resource = match (self.endpoint.shape, self.parameters.get("resource")) {
            (Shape::V1, _) => self.parameters.need("resource")?.to_owned(),
            (Shape::Adfs, Some(resource)) => resource.to_owned(),
            (shape @ (Shape::V2 | Shape::Adfs), _) => {
                for_application(self.parameters.need("scope")?, shape)?
            }
        };
        self.known(resource)
    }

    /// What a user's client asks for; `None` when the request names nothing, so that what was asked
    /// before holds.
    pub(super) fn user_target(&self) -> Result<Option<Target>, TokenRefusal> {
        let shape = self.endpoint.shape;
        let named = self.parameters.get("resource").filter(|_| shape != Shape::V2);
        let target = match (named, self.parameters.get("scope")) {
            (Some(resource), _) => Target {
                resource: Some(resource.to_owned()),
                offline: true,
                openid: true,
                ..Target::default()
            },
            (None, Some(_)) if shape == Shape::V1 => return Ok(None),
            (None, Some(scope)) => for_user(scope, shape)?,
            (None, None) => return Ok(None),
        };
        if let Some(resource) = &target.resource {
            self.known(resource.clone())?;
        }
        Ok(Some(target))
    }

    /// The resource, if this data folder has it.
    fn known(&self, resource: String) -> Result<String, TokenRefusal> {
        if self.names.find(&resource).is_some() {
            return Ok(resource);
        }
        let service = self.names.services.first().and_then(|names| names.urls.first());
        Err(TokenRefusal::UnknownResource {
            resource: shortened(&resource),
            tenant: self.tenant.display_name.clone(),
            known: service.or(self.names.arm.first()).cloned().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_asks_for_exactly_one_default_scope() {
        let check = |scope: &str, shape: Shape, expected: Result<&str, u32>| {
            let found = for_application(scope, shape).map_err(|refusal| refusal.row().code);
            assert_eq!(found.as_deref().map_err(|code| *code), expected, "{scope}");
        };
        check("https://a/.default", Shape::V2, Ok("https://a"));
        check("https://a//.default", Shape::V2, Ok("https://a/"));
        check("https://a/fhir/x/.default", Shape::V2, Ok("https://a/fhir/x"));
        check("api://thing/.DEFAULT", Shape::V2, Ok("api://thing"));
        check(" https://a/.default  https://a/.default ", Shape::V2, Ok("https://a"));
        check("https://a/.default https://b/.default", Shape::V2, Err(28_000));
        check("https://a/.default openid", Shape::V2, Err(1_002_012));
        check("https://a/user_impersonation", Shape::V2, Err(1_002_012));
        check("https://a/Patient.Read", Shape::V2, Err(1_002_012));
        check("https://a", Shape::V2, Err(1_002_012));
        check(".default", Shape::V2, Err(1_002_012));
        check("/.default", Shape::V2, Err(1_002_012));
        check(" ", Shape::V2, Err(1_002_012));
        check("https://a/openid", Shape::V2, Err(1_002_012));
        check("https://a/openid", Shape::Adfs, Ok("https://a"));
        check("https://a//openid", Shape::Adfs, Ok("https://a/"));
        check("https://a/.default", Shape::Adfs, Ok("https://a"));
        check("openid", Shape::Adfs, Err(1_002_012));
    }

    #[test]
    fn a_user_asks_for_a_resource_and_for_what_openid_knows() {
        let check = |scope: &str, expected: Result<(Option<&str>, bool, bool), u32>| {
            let found = for_user(scope, Shape::V2).map_err(|refusal| refusal.row().code);
            let found = found.as_ref().map(|it| (it.resource.as_deref(), it.offline, it.openid));
            assert_eq!(found.map_err(|code| *code), expected, "{scope}");
        };
        check(
            "https://a/.default offline_access openid profile",
            Ok((Some("https://a"), true, true)),
        );
        check("https://a//user_impersonation", Ok((Some("https://a/"), false, false)));
        check("openid email", Ok((None, false, true)));
        check(
            "https://a/.default https://a/user_impersonation",
            Ok((Some("https://a"), false, false)),
        );
        check("https://a/.default https://b/.default", Err(28_000));
        check("https://a/.default User.Read", Err(70_011));
        check("https://a/openid", Err(70_011));
        let openid = "openid".to_owned();
        let padded = |bytes: usize| openid.clone() + &" ".repeat(bytes - openid.len());
        check(&padded(SCOPE_BYTES), Ok((None, false, true)));
        check(&padded(SCOPE_BYTES + 1), Err(70_011));
    }
}
