//! What the directory holds, as it is stored: one JSON value per record in the control store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::names::ServiceId;
use crate::password::PasswordHash;
use crate::scope::Scope;
use crate::secret::SecretHash;

/// A kind of record: where it is stored and under which key.
pub(crate) trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// What finds a record of this kind.
    type Key: Ord + Clone + StoredKey;
    /// The collection in the control store.
    const COLLECTION: &'static str;
    /// The key of this record.
    fn key(&self) -> Self::Key;
}

/// A key as the bytes it is stored under.
pub(crate) trait StoredKey {
    /// The bytes; different keys give different bytes.
    fn stored(&self) -> Vec<u8>;
}

impl StoredKey for Uuid {
    fn stored(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl StoredKey for String {
    fn stored(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}

impl StoredKey for ServiceId {
    fn stored(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

/// A key of two parts; neither may hold a slash.
impl StoredKey for (Uuid, String) {
    fn stored(&self) -> Vec<u8> {
        format!("{}/{}", self.0, self.1).into_bytes()
    }
}

macro_rules! records {
    ($($record:ident in $collection:literal by $key:ty => |$it:ident| $of:expr;)*) => {$(
        impl Record for $record {
            type Key = $key;
            const COLLECTION: &'static str = $collection;
            fn key(&self) -> $key {
                let $it = self;
                $of
            }
        }
    )*};
}

records! {
    Tenant in "tenants" by Uuid => |it| it.id;
    User in "users" by Uuid => |it| it.object_id;
    Application in "applications" by Uuid => |it| it.object_id;
    ServicePrincipal in "service_principals" by Uuid => |it| it.object_id;
    Subscription in "subscriptions" by Uuid => |it| it.id;
    ResourceGroup in "resource_groups" by (Uuid, String)
        => |it| (it.subscription, it.name.to_lowercase());
    Workspace in "workspaces" by String => |it| it.name.clone();
    Service in "services" by ServiceId => |it| it.id.clone();
    RoleAssignment in "role_assignments" by Uuid => |it| it.id;
    Administrator in "administrators" by Uuid => |it| it.principal;
}

/// A directory of users and applications with its own issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The tenant's GUID, claim `tid`.
    pub id: Uuid,
    /// The verified domain, lower case; user names end in it.
    pub domain: String,
    /// What people call it.
    pub display_name: String,
    /// Whether it is the first one: what `organizations`, `common` and `adfs` mean.
    pub bootstrap: bool,
    /// When it was made.
    #[serde(with = "moment")]
    pub created: Timestamp,
}

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The directory object id, claim `oid`: what roles and lists of allowed object IDs name.
    pub object_id: Uuid,
    /// The home tenant.
    pub tenant: Uuid,
    /// The user principal name, lower case: `admin@firekeep.localhost`.
    pub username: String,
    /// The name shown.
    pub display_name: String,
    /// The password's argon2id hash.
    pub password: PasswordHash,
    /// A disabled user can neither sign in nor use a token.
    pub enabled: bool,
    /// Counts password resets and revocations; a refresh token of an earlier number is refused.
    pub session_generation: u64,
    /// When the user was made.
    #[serde(with = "moment")]
    pub created: Timestamp,
}

/// An application registration: what may ask for tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The registration's own object id. Never in a token; not to be confused with the service
    /// principal's.
    pub object_id: Uuid,
    /// The client id, claim `appid`.
    pub client_id: Uuid,
    /// The tenant it is registered in.
    pub tenant: Uuid,
    /// The name shown.
    pub display_name: String,
    /// Such as `api://…`; kept for Graph.
    pub identifier_uris: Vec<String>,
    /// Where authorization codes may be sent; compared exactly, loopback on any port.
    pub redirect_uris: Vec<String>,
    /// Whether it may sign users in without a secret (device code, or code with PKCE).
    pub public_client: bool,
    /// Its secrets, hashed.
    pub secrets: Vec<Secret>,
    /// Its certificates.
    pub certificates: Vec<Certificate>,
    /// When it was registered.
    #[serde(with = "moment")]
    pub created: Timestamp,
}

/// A client secret: only its keyed hash is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The credential's id.
    pub key_id: Uuid,
    /// What people call it.
    pub display_name: String,
    /// The first three characters, so that people can tell secrets apart.
    pub hint: String,
    /// The keyed hash.
    pub hash: SecretHash,
    /// From when it holds.
    #[serde(with = "moment")]
    pub start: Timestamp,
    /// Until when it holds.
    #[serde(with = "moment")]
    pub end: Timestamp,
}

/// A certificate whose key signs client assertions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The credential's id.
    pub key_id: Uuid,
    /// What people call it; the subject unless something else was given.
    pub display_name: String,
    /// SHA-1 of the DER, base64url without padding: the `x5t` of an assertion.
    pub sha1: String,
    /// SHA-256 of the DER, base64url without padding: the `x5t#S256` of an assertion.
    pub sha256: String,
    /// The RSA public key: PKCS#1 DER, base64url without padding.
    pub public_key: String,
    /// From when the certificate holds.
    #[serde(with = "moment")]
    pub start: Timestamp,
    /// Until when the certificate holds.
    #[serde(with = "moment")]
    pub end: Timestamp,
}

/// An application's identity in a tenant: what roles and lists of allowed object IDs name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePrincipal {
    /// The directory object id, claim `oid`.
    pub object_id: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// The application's client id.
    pub client_id: Uuid,
    /// The name shown.
    pub display_name: String,
    /// A disabled one gets no tokens, and its tokens open nothing.
    pub enabled: bool,
    /// When it was made.
    #[serde(with = "moment")]
    pub created: Timestamp,
}

/// An ARM subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The subscription's GUID.
    pub id: Uuid,
    /// The tenant whose identities can be given roles in it.
    pub tenant: Uuid,
    /// The name shown.
    pub display_name: String,
}

/// An ARM resource group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceGroup {
    /// The subscription.
    pub subscription: Uuid,
    /// The name as it was given; found without regard to case.
    pub name: String,
    /// Such as `local`.
    pub location: String,
    /// Labels of the owner's.
    pub tags: BTreeMap<String, String>,
}

/// A workspace of FHIR services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The name, lower case, unique in the data folder.
    pub name: String,
    /// The subscription.
    pub subscription: Uuid,
    /// The resource group's name.
    pub resource_group: String,
    /// Such as `local`.
    pub location: String,
    /// Labels of the owner's.
    pub tags: BTreeMap<String, String>,
    /// What ARM's `properties` was given; what the server derives is not in it.
    pub properties: Map<String, Value>,
    /// When it was made.
    #[serde(with = "moment")]
    pub created: Timestamp,
}

impl Workspace {
    /// The ARM id.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::workspace(self.subscription, &self.resource_group, &self.name)
    }
}

/// A FHIR service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Workspace and name.
    pub id: ServiceId,
    /// Such as `fhir-R4`.
    pub kind: String,
    /// Such as `local`.
    pub location: String,
    /// Labels of the owner's.
    pub tags: BTreeMap<String, String>,
    /// ARM's `identity` as it was given.
    pub identity: Option<Value>,
    /// What ARM's `properties` was given, without `accessPolicies`: those are in
    /// `allowed_object_ids`.
    pub properties: Map<String, Value>,
    /// Identities that may do everything with the data, without any role.
    pub allowed_object_ids: BTreeSet<Uuid>,
    /// When it was made.
    #[serde(with = "moment")]
    pub created: Timestamp,
}

/// A role given to a principal at a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// The assignment's name in ARM.
    pub id: Uuid,
    /// Where it holds, and everywhere below.
    pub scope: Scope,
    /// The role definition's GUID.
    pub role: Uuid,
    /// The principal's object id.
    pub principal: Uuid,
    /// What the principal is.
    pub principal_kind: PrincipalKind,
    /// Why it was given, if somebody said so.
    pub description: Option<String>,
    /// When it was given.
    #[serde(with = "moment")]
    pub created: Timestamp,
    /// Who gave it.
    pub created_by: Option<Uuid>,
}

/// A principal that may change the directory through Graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administrator {
    /// The principal's object id.
    pub principal: Uuid,
}

/// What can hold a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// An application in a tenant.
    ServicePrincipal,
}

/// As ARM and Graph write it.
impl fmt::Display for PrincipalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "User",
            Self::ServicePrincipal => "ServicePrincipal",
        })
    }
}

/// Timestamps as ticks.
pub(crate) mod moment {
    use base::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.ticks())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_ticks)
    }
}
