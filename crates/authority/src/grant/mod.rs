//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>
//!
//! The token endpoint: which grant a request is, and who the client is. One file per grant.

mod assertion;
mod authorization_code;
mod client_credentials;
mod device_code;
mod pending;
mod refresh_token;
mod target;

use std::sync::Arc;

use base::Timestamp;
use uuid::Uuid;

pub(crate) use assertion::Assertions;
pub use authorization_code::{
    AuthorizationRefusal, PendingAuthorization, ResponseMode, ReturnAddress,
};
pub use device_code::{DeviceStart, DeviceView};
pub(crate) use pending::Pending;
pub(crate) use target::Target;

use crate::authority::Authority;
use crate::clients;
use crate::directory::{Application, Directory, Tenant};
use crate::issue::TokenAnswer;
use crate::names::Names;
use crate::parameters::{Endpoint, Parameters};
use crate::refusal::TokenRefusal;
use crate::sign_in::SignedIn;

/// The grants that are served: a closed list.
enum Grant {
    ClientCredentials,
    AuthorizationCode,
    RefreshToken,
    DeviceCode,
}

impl Grant {
    fn named(grant_type: &str) -> Result<Self, TokenRefusal> {
        match grant_type {
            "client_credentials" => Ok(Self::ClientCredentials),
            "authorization_code" => Ok(Self::AuthorizationCode),
            "refresh_token" => Ok(Self::RefreshToken),
            // Node sends the short name.
            "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => Ok(Self::DeviceCode),
            // `password` too: az sends it only after a call to port 443 of the host.
            other => Err(TokenRefusal::Grant { grant_type: shortened(other) }),
        }
    }
}

/// What every grant needs to know about its request, at one moment.
struct Request<'a> {
    endpoint: &'a Endpoint,
    parameters: &'a Parameters,
    directory: Arc<Directory>,
    names: Arc<Names>,
    tenant: Arc<Tenant>,
    now: Timestamp,
}

/// A client that was found in the tenant; nothing is proven yet.
enum Client {
    /// One of the command lines that every tenant knows.
    WellKnown { client_id: Uuid, name: &'static str },
    /// A registered application.
    Registered(Arc<Application>),
}

impl Client {
    fn client_id(&self) -> Uuid {
        match self {
            Self::WellKnown { client_id, .. } => *client_id,
            Self::Registered(application) => application.client_id,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::WellKnown { name, .. } => name,
            Self::Registered(application) => &application.display_name,
        }
    }

    fn is_public(&self) -> bool {
        match self {
            Self::WellKnown { .. } => true,
            Self::Registered(application) => application.public_client,
        }
    }
}

/// What a person granted a client, and which family of refresh tokens comes of it.
struct Granted {
    family: Uuid,
    signed_in: SignedIn,
    target: Target,
}

/// How a client proved itself: claim `appidacr`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A public client proves nothing.
    Public,
    /// By a secret.
    Secret,
    /// By a certificate.
    Certificate,
}

impl Proof {
    /// The value of `appidacr`.
    pub(crate) fn appidacr(self) -> &'static str {
        match self {
            Self::Public => "0",
            Self::Secret => "1",
            Self::Certificate => "2",
        }
    }
}

impl Authority {
    /// Answers a request to the token endpoint, whatever its grant.
    pub fn token(
        &self,
        endpoint: &Endpoint,
        parameters: &Parameters,
    ) -> Result<TokenAnswer, TokenRefusal> {
        let request = self.request(endpoint, parameters)?;
        match Grant::named(parameters.need("grant_type")?)? {
            Grant::ClientCredentials => self.client_credentials(&request),
            Grant::AuthorizationCode => self.redeem_code(&request),
            Grant::RefreshToken => self.refresh(&request),
            Grant::DeviceCode => self.poll_device(&request),
        }
    }

    /// The tenant of the first segment of an authority URL.
    pub fn tenant(&self, segment: &str) -> Result<Tenant, TokenRefusal> {
        let directory = self.directory();
        let tenant = directory.tenant(segment).map(|tenant| Tenant::clone(tenant));
        tenant.ok_or_else(|| TokenRefusal::UnknownTenant { tenant: shortened(segment) })
    }

    fn request<'a>(
        &self,
        endpoint: &'a Endpoint,
        parameters: &'a Parameters,
    ) -> Result<Request<'a>, TokenRefusal> {
        parameters.check()?;
        Ok(Request {
            endpoint,
            parameters,
            directory: self.directory(),
            names: self.names(),
            tenant: Arc::new(self.tenant(&endpoint.tenant)?),
            now: self.now(),
        })
    }
}

impl Request<'_> {
    /// The client that `client_id` names.
    fn client(&self) -> Result<Client, TokenRefusal> {
        let sent = self.parameters.need("client_id")?;
        let unknown = || TokenRefusal::UnknownClient {
            client_id: shortened(sent),
            tenant: self.tenant.display_name.clone(),
        };
        let client_id = Uuid::parse_str(sent).map_err(|_| unknown())?;
        if let Some(name) = clients::well_known(client_id) {
            return Ok(Client::WellKnown { client_id, name });
        }
        let application = self.directory.application_by_client_id(client_id);
        let application = application.filter(|application| application.tenant == self.tenant.id);
        Ok(Client::Registered(Arc::clone(application.ok_or_else(unknown)?)))
    }

    /// Whether the client asked for tokens that say how it handles challenges (`CP1`).
    fn wants_capabilities(&self) -> bool {
        let claims = self.parameters.get("claims").map(str::to_ascii_lowercase);
        claims.is_some_and(|claims| claims.contains("\"cp1\""))
    }
}

/// What a client sent, cut to what an error message may repeat.
fn shortened(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(200).collect()
}
