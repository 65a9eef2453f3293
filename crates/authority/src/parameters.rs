//! <https://www.rfc-editor.org/rfc/rfc6749#section-3.2>
//!
//! What a client sends to the authority: where to, and which parameters.

use std::collections::BTreeMap;
use std::fmt;

use crate::refusal::TokenRefusal;

/// Where a request came in: which tenant, and which generation of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The first segment of the path: a GUID, a domain, `organizations`, `common` or `adfs`.
    pub tenant: String,
    /// The generation.
    pub shape: Shape,
}

impl Endpoint {
    /// From the first segment of the path.
    #[must_use]
    pub fn new(tenant: &str, shape: Shape) -> Self {
        Self { tenant: tenant.to_owned(), shape }
    }
}

/// The generations of the protocol. The tokens are the same; how one asks for them is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `/{tenant}/oauth2/v2.0/…`: `scope=RESOURCE/.default`.
    V2,
    /// `/{tenant}/oauth2/…`: `resource=RESOURCE`.
    V1,
    /// `/adfs/oauth2/…`: `scope=RESOURCE/.default`, or `RESOURCE/openid` from Az PowerShell.
    Adfs,
}

/// The parameters of a request by name. Its debug form shows names only.
#[derive(Clone, Default)]
pub struct Parameters {
    values: BTreeMap<String, String>,
    repeated: Option<String>,
}

impl Parameters {
    /// From a decoded form or query. An empty value counts as absent.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut parameters = Self::default();
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            let before = parameters.values.insert(name.clone(), value);
            if before.is_some() {
                parameters.repeated = Some(name);
            }
        }
        parameters
    }

    /// Client id and secret of a `Basic` header, decoded; they must not be in the form too.
    pub fn set_basic(&mut self, client_id: String, client_secret: String) {
        for (name, value) in [("client_id", client_id), ("client_secret", client_secret)] {
            let before = self.values.insert(name.to_owned(), value.clone());
            if before.is_some_and(|before| before != value) {
                self.repeated = Some(name.to_owned());
            }
        }
    }

    /// The value of a parameter, unless it is empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value of a parameter that has to be there.
    pub(crate) fn need(&self, name: &'static str) -> Result<&str, TokenRefusal> {
        self.get(name).ok_or(TokenRefusal::Missing { parameter: name })
    }

    /// Refuses a request that gives a parameter twice: the two readers of it might not agree which.
    pub(crate) fn check(&self) -> Result<(), TokenRefusal> {
        match &self.repeated {
            None => Ok(()),
            Some(name) => Err(TokenRefusal::Repeated { parameter: name.clone() }),
        }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_hide_their_values_and_tell_repeats() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = Parameters::from_pairs([pair("client_secret", "hush"), pair("scope", "")]);
        assert_eq!(format!("{form:?}"), r#"{"client_secret"}"#);
        assert_eq!(form.get("scope"), None);
        assert!(form.check().is_ok());

        let twice = Parameters::from_pairs([pair("scope", "a"), pair("scope", "a")]);
        let refused = twice.check().map_err(|refusal| refusal.row().code);
        assert_eq!(refused, Err(90_015));
    }
}
