//! <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
//!
//! The tokens themselves. Access tokens have the v1 shape whichever endpoint gave them; id tokens
//! have the v2 shape.

use std::fmt;

use base::Timestamp;
use base::limits::ACCESS_TOKEN_LIFETIME;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::authority::Authority;
use crate::directory::{ServicePrincipal, User};
use crate::grant::{Proof, Target};
use crate::refusal::TokenRefusal;
use crate::secret::base64url;

/// The delegated permission that user tokens carry.
pub(crate) const USER_IMPERSONATION: &str = "user_impersonation";

/// What the token endpoint answers; `token_type` is always `Bearer`. Its debug form shows no token.
#[derive(Clone)]
pub struct TokenAnswer {
    /// Seconds until the access token ends.
    pub expires_in: u64,
    /// The same: there are no outages to bridge.
    pub ext_expires_in: u64,
    /// A JWT.
    pub access_token: String,
    /// For users whose client asked for `offline_access`.
    pub refresh_token: Option<String>,
    /// For users whose client asked for `openid`.
    pub id_token: Option<String>,
    /// What the access token is good for, for users.
    pub scope: Option<String>,
    /// The user and its tenant in base64url, as MSAL wants it.
    pub client_info: Option<String>,
    /// The resource as it was asked for; v1 answers have it.
    pub resource: String,
    /// Seconds since 1970; v1 answers have it.
    pub not_before: i64,
    /// Seconds since 1970; v1 answers have it.
    pub expires_on: i64,
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("resource", &self.resource)
            .field("expires_on", &self.expires_on)
            .finish_non_exhaustive()
    }
}

/// The claims of an access token.
#[derive(Serialize)]
struct AccessClaims<'a> {
    aud: &'a str,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    appid: Uuid,
    appidacr: &'static str,
    idp: String,
    idtyp: &'static str,
    oid: Uuid,
    sub: String,
    tid: Uuid,
    uti: String,
    ver: &'static str,
    #[serde(flatten)]
    user: Option<UserClaims<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xms_cc: Option<[&'static str; 1]>,
}

/// What an access token says about a person.
#[derive(Serialize)]
struct UserClaims<'a> {
    amr: [&'static str; 1],
    name: &'a str,
    given_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    scp: &'static str,
    unique_name: &'a str,
    upn: &'a str,
}

/// For which client a token is made, how the client proved itself, and whether it said `CP1`.
#[derive(Clone, Copy)]
pub(crate) struct For {
    pub(crate) client_id: Uuid,
    pub(crate) proof: Proof,
    pub(crate) capabilities: bool,
}

/// Whom a token is about.
#[derive(Clone, Copy)]
enum Subject<'a> {
    User(&'a User),
    Application(&'a ServicePrincipal),
}

impl Authority {
    /// The answer for an application of its own.
    pub(crate) fn issue_to_application(
        &self,
        principal: &ServicePrincipal,
        client: For,
        resource: String,
        now: Timestamp,
    ) -> Result<TokenAnswer, TokenRefusal> {
        self.issue(Subject::Application(principal), client, resource, now)
    }

    /// The answer for a user's client, without a refresh token.
    pub(crate) fn issue_to_user(
        &self,
        user: &User,
        client: For,
        target: &Target,
        now: Timestamp,
    ) -> Result<TokenAnswer, TokenRefusal> {
        let asked = target.resource.clone();
        // A client that asks only who the user is gets a token for Graph, as from Entra.
        let resource = asked.or_else(|| self.names().graph.first().cloned()).unwrap_or_default();
        let mut answer = self.issue(Subject::User(user), client, resource, now)?;
        let info = json!({ "uid": user.object_id, "utid": user.tenant });
        answer.client_info = Some(base64url(info.to_string()));
        let resource = &answer.resource;
        answer.scope = Some(match &target.scope {
            Some(scope) => scope.clone(),
            None => format!("{resource}/{USER_IMPERSONATION}"),
        });
        if target.openid {
            answer.id_token = Some(self.id_token(user, client.client_id, target, now)?);
        }
        Ok(answer)
    }

    fn issue(
        &self,
        subject: Subject<'_>,
        client: For,
        resource: String,
        now: Timestamp,
    ) -> Result<TokenAnswer, TokenRefusal> {
        let (object_id, tenant, kind) = match subject {
            Subject::User(user) => (user.object_id, user.tenant, "user"),
            Subject::Application(it) => (it.object_id, it.tenant, "app"),
        };
        let (iat, exp) = (now.unix_seconds(), now.plus(ACCESS_TOKEN_LIFETIME).unix_seconds());
        let issuer = format!("{}/{tenant}/", self.names().origin);
        let claims = AccessClaims {
            aud: &resource,
            idp: issuer.clone(),
            iss: issuer,
            iat,
            nbf: iat,
            exp,
            appid: client.client_id,
            appidacr: client.proof.appidacr(),
            idtyp: kind,
            oid: object_id,
            sub: self.subject(subject, client.client_id),
            tid: tenant,
            uti: self.fresh_token_id(),
            ver: "1.0",
            user: match subject {
                Subject::User(user) => Some(UserClaims::of(user)),
                Subject::Application(_) => None,
            },
            xms_cc: client.capabilities.then_some(["CP1"]),
        };
        let access_token = self.keys().sign(&claims)?;
        // One second less, as from Entra: who counts from the answer's arrival is never late.
        let expires_in = ACCESS_TOKEN_LIFETIME.as_secs() - 1;
        Ok(TokenAnswer {
            expires_in,
            ext_expires_in: expires_in,
            access_token,
            refresh_token: None,
            id_token: None,
            scope: None,
            client_info: None,
            resource,
            not_before: iat,
            expires_on: exp,
        })
    }

    fn id_token(
        &self,
        user: &User,
        client_id: Uuid,
        target: &Target,
        now: Timestamp,
    ) -> Result<String, TokenRefusal> {
        let mut claims = json!({
            "ver": "2.0",
            "iss": format!("{}/{}/v2.0", self.names().origin, user.tenant),
            "aud": client_id,
            "sub": self.subject(Subject::User(user), client_id),
            "oid": user.object_id,
            "tid": user.tenant,
            "preferred_username": user.username,
            "name": user.display_name,
            "iat": now.unix_seconds(),
            "nbf": now.unix_seconds(),
            "exp": now.plus(ACCESS_TOKEN_LIFETIME).unix_seconds(),
        });
        if let (Some(nonce), Value::Object(claims)) = (&target.nonce, &mut claims) {
            claims.insert("nonce".to_owned(), nonce.as_str().into());
        }
        Ok(self.keys().sign(&claims)?)
    }

    /// `sub`: an application's object id; for a user another text for every client, so that clients
    /// cannot put together what they know.
    fn subject(&self, subject: Subject<'_>, client_id: Uuid) -> String {
        match subject {
            Subject::Application(principal) => principal.object_id.to_string(),
            Subject::User(user) => self.pepper().pairwise(&[
                "sub",
                &user.object_id.to_string(),
                &client_id.to_string(),
            ]),
        }
    }

    fn fresh_token_id(&self) -> String {
        let mut bytes = [0; 16];
        self.random().fill(&mut bytes);
        base64url(bytes)
    }
}

impl<'a> UserClaims<'a> {
    fn of(user: &'a User) -> Self {
        let name = user.display_name.as_str();
        let (given_name, family_name) = match name.rsplit_once(' ') {
            Some((given, family)) => (given, Some(family)),
            None => (name, None),
        };
        Self {
            amr: ["pwd"],
            name,
            given_name,
            family_name,
            scp: USER_IMPERSONATION,
            unique_name: &user.username,
            upn: &user.username,
        }
    }
}
