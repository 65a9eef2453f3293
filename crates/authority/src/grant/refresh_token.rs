//! <https://www.rfc-editor.org/rfc/rfc6749#section-6>
//!
//! Refresh tokens belong to a family: everything that came of one sign-in. Each use gives a new
//! one, and the old ones stay good, since several processes share one cache; but the family ends as
//! a whole: when its code is used twice, when the password changes, when the user is disabled.

use base::limits::REFRESH_TOKEN_LIFETIME;
use base::{Fault, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Granted, Proof, Request, Target};
use crate::authority::Authority;
use crate::directory::moment;
use crate::issue::{For, TokenAnswer};
use crate::refusal::TokenRefusal;
use crate::secret::{sha256, unguessable};
use store::control::Change;

const FAMILIES: &str = "refresh_families";
const TOKENS: &str = "refresh_tokens";

/// Everything that came of one sign-in. Stored under its id.
#[derive(Serialize, Deserialize)]
struct Family {
    user: Uuid,
    /// The user's session generation at the sign-in.
    generation: u64,
    client_id: Uuid,
    /// What was asked for then; holds for a refresh that names nothing.
    target: Target,
    revoked: bool,
    #[serde(with = "moment")]
    until: Timestamp,
}

/// One refresh token. Stored under the SHA-256 of its text.
#[derive(Serialize, Deserialize)]
struct Token {
    family: Uuid,
    #[serde(with = "moment")]
    until: Timestamp,
}

impl Authority {
    /// Tokens for a user's client, the first of a family if it asked for one.
    pub(super) fn answer_user(
        &self,
        request: &Request<'_>,
        client_id: Uuid,
        proof: Proof,
        granted: Granted,
    ) -> Result<TokenAnswer, TokenRefusal> {
        let Granted { family, signed_in, target } = granted;
        let user = self.current_user(&signed_in)?;
        self.admit(request.endpoint, &user)?;
        let client = For { client_id, proof, capabilities: request.wants_capabilities() };
        let mut answer = self.issue_to_user(&user, client, &target, request.now)?;
        if target.offline {
            let first = Family {
                user: signed_in.user(),
                generation: signed_in.generation(),
                client_id,
                target: Target { nonce: None, ..target },
                revoked: false,
                until: request.now.plus(REFRESH_TOKEN_LIFETIME),
            };
            answer.refresh_token = Some(self.next_token(family, &first, request.now)?);
        }
        Ok(answer)
    }

    /// Tokens for a refresh token: for any resource, at any endpoint of the user's tenant.
    pub(super) fn refresh(&self, request: &Request<'_>) -> Result<TokenAnswer, TokenRefusal> {
        let now = request.now;
        let client = request.client()?;
        let client_id = client.client_id();
        let (proof, _) = self.prove(request, &client)?;
        let text = request.parameters.need("refresh_token")?;
        let _until_written = self.families();
        let token: Token = self
            .read(TOKENS, &sha256(text.as_bytes()))?
            .ok_or(TokenRefusal::UnknownRefreshToken)?;
        if token.until <= now {
            return Err(TokenRefusal::ExpiredRefreshToken);
        }
        let family: Family =
            self.read(FAMILIES, token.family.as_bytes())?.ok_or(TokenRefusal::Revoked)?;
        if family.client_id != client_id {
            return Err(TokenRefusal::RefreshTokenOfOther { client_id });
        }
        if family.revoked {
            return Err(TokenRefusal::Revoked);
        }
        let user = self.user_of_generation(family.user, family.generation)?;
        self.admit(request.endpoint, &user)?;
        let target = match request.user_target()? {
            Some(Target { resource: None, openid, scope, .. }) => {
                Target { openid, scope, ..family.target.clone() }
            }
            Some(target) => target,
            None => family.target.clone(),
        };
        let client = For { client_id, proof, capabilities: request.wants_capabilities() };
        let mut answer = self.issue_to_user(&user, client, &target, now)?;
        let until = now.plus(REFRESH_TOKEN_LIFETIME);
        answer.refresh_token =
            Some(self.next_token(token.family, &Family { until, ..family }, now)?);
        Ok(answer)
    }

    /// Another token of a family, written before it is given out.
    fn next_token(&self, id: Uuid, family: &Family, now: Timestamp) -> Result<String, Fault> {
        let text = unguessable(self.random());
        let token = Token { family: id, until: now.plus(REFRESH_TOKEN_LIFETIME) };
        self.control().write(&[
            put(FAMILIES, id.as_bytes(), family)?,
            put(TOKENS, &sha256(text.as_bytes()), &token)?,
        ])?;
        Ok(text)
    }

    /// Ends a family, if there is one. The caller holds [`Authority::families`].
    pub(super) fn revoke_family(&self, id: Uuid) -> Result<(), Fault> {
        let Some(family) = self.read::<Family>(FAMILIES, id.as_bytes())? else { return Ok(()) };
        let revoked = Family { revoked: true, ..family };
        self.control().write(&[put(FAMILIES, id.as_bytes(), &revoked)?])
    }

    /// Forgets refresh tokens whose time has been over for as long as they lived. Until then they
    /// are refused as expired, which says more than unknown. Call it now and then.
    pub fn prune(&self) -> Result<(), Fault> {
        let now = self.now();
        let over = |until: Timestamp| until.plus(REFRESH_TOKEN_LIFETIME) <= now;
        let mut changes = Vec::new();
        for (key, value) in self.control().scan(TOKENS, b"")? {
            if over(parse::<Token>(TOKENS, &value)?.until) {
                changes.push(delete(TOKENS, key));
            }
        }
        for (key, value) in self.control().scan(FAMILIES, b"")? {
            if over(parse::<Family>(FAMILIES, &value)?.until) {
                changes.push(delete(FAMILIES, key));
            }
        }
        if changes.is_empty() { Ok(()) } else { self.control().write(&changes) }
    }

    fn read<T: DeserializeOwned>(
        &self,
        collection: &'static str,
        key: &[u8],
    ) -> Result<Option<T>, Fault> {
        let value = self.control().get(collection, key)?;
        value.map(|value| parse(collection, &value)).transpose()
    }
}

fn parse<T: DeserializeOwned>(collection: &str, value: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(value)
        .map_err(|error| Fault::new(format!("reading a record of '{collection}'"), error))
}

fn put(collection: &'static str, key: &[u8], record: &impl Serialize) -> Result<Change, Fault> {
    let value = serde_json::to_vec(record)
        .map_err(|error| Fault::new(format!("writing into '{collection}'"), error))?;
    Ok(Change::Put { collection: collection.to_owned(), key: key.to_vec(), value })
}

fn delete(collection: &str, key: Vec<u8>) -> Change {
    Change::Delete { collection: collection.to_owned(), key }
}
