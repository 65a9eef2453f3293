//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
//!
//! Everything the authority refuses: one table of Entra's error, number, HTTP status and sentence.
//! The sentence tells the person what is wrong and what to do about it.

use std::fmt;

use base::Fault;
use uuid::Uuid;

/// A refusal as an error body has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRow {
    /// OAuth's `error`.
    pub error: &'static str,
    /// The AADSTS number.
    pub code: u32,
    /// The HTTP status, as a plain number.
    pub status: u16,
    /// The sentence, without the number before it and the trace ids after it.
    pub description: String,
    /// Entra's `suberror`.
    pub suberror: Option<&'static str>,
}

macro_rules! refusals {
    ($(
        $(#[$doc:meta])*
        $variant:ident $({ $($field:ident: $type:ty),+ })?
            = $error:literal, $code:literal, $status:literal, $sentence:literal;
    )+) => {
        /// Why no token, code or sign-in was given. Prints as the sentence for the person.
        #[derive(Debug)]
        #[expect(missing_docs, reason = "the fields are named in the sentences beside them")]
        pub enum TokenRefusal {
            $($(#[$doc])* $variant $({ $($field: $type),+ })?,)+
            /// Nobody's fault; the edge logs it.
            Fault(Fault),
        }

        impl TokenRefusal {
            fn numbers(&self) -> (&'static str, u32, u16) {
                match self {
                    $(Self::$variant { .. } => ($error, $code, $status),)+
                    Self::Fault(fault) if fault.is_no_room() => ("server_error", 90_033, 507),
                    Self::Fault(_) => ("server_error", 90_033, 500),
                }
            }

            /// Every number the authority answers with.
            #[cfg(test)]
            const TABLE: &[(&str, &str, u32, u16, &str)] =
                &[$((stringify!($variant), $error, $code, $status, $sentence),)+];
        }

        impl fmt::Display for TokenRefusal {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant $({ $($field),+ })? => write!(f, $sentence),)+
                    Self::Fault(_) => f.write_str(
                        "The authority failed. Its log has the reason under this correlation id.",
                    ),
                }
            }
        }
    };
}

refusals! {
    /// No tenant has this GUID or domain.
    UnknownTenant { tenant: String } = "invalid_request", 90_002, 400,
        "Tenant '{tenant}' not found. Use the tenant's GUID or domain (tenantId and tenantDomain \
         of connection.json), 'organizations' or 'common'.";
    /// A parameter that the request needs is not there.
    Missing { parameter: &'static str } = "invalid_request", 900_144, 400,
        "The request body must contain the following parameter: '{parameter}'.";
    /// A parameter came twice.
    Repeated { parameter: String } = "invalid_request", 90_015, 400,
        "The parameter '{parameter}' is given more than once.";
    /// A parameter has a value that cannot be.
    Malformed { parameter: &'static str, expected: &'static str } = "invalid_request", 90_014, 400,
        "The parameter '{parameter}' is not well formed: {expected}.";
    /// A grant type that is not served.
    Grant { grant_type: String } = "unsupported_grant_type", 70_003, 400,
        "The grant type '{grant_type}' is not supported. What works: client_credentials (by \
         secret or certificate), authorization_code with PKCE, refresh_token and \
         urn:ietf:params:oauth:grant-type:device_code. To sign a user in, use az login or az \
         login --use-device-code.";

    /// `client_id` names no application of the tenant.
    UnknownClient { client_id: String, tenant: String } = "unauthorized_client", 700_016, 400,
        "Application with identifier '{client_id}' was not found in the directory '{tenant}'. \
         Check the client id (not the object id) and the tenant; firekeep app list names them. \
         After a change, az repeats this answer from its cache for 60 s";
    /// The application has no service principal in the tenant, or a disabled one.
    ClientDisabled { client_id: Uuid } = "unauthorized_client", 7_000_112, 400,
        "Application '{client_id}' has no enabled service principal in this tenant. Make one \
         with: az ad sp create --id {client_id}";
    /// None of the application's secrets is the one sent.
    WrongSecret { client_id: Uuid } = "invalid_client", 7_000_215, 401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the \
         client secret value, not the client secret ID, for a secret added to app '{client_id}'. \
         A new one comes from: firekeep app reset-secret {client_id}";
    /// It is one of the application's secrets, and its time is over.
    ExpiredSecret { client_id: Uuid } = "invalid_client", 7_000_222, 401,
        "The provided client secret keys for app '{client_id}' are expired. A new one comes \
         from: firekeep app reset-secret {client_id}";
    /// A confidential client came without secret and assertion.
    NoClientProof { client_id: Uuid } = "invalid_client", 7_000_218, 401,
        "The request body must contain the following parameter: 'client_assertion' or \
         'client_secret'. The application '{client_id}' is not registered as a public client.";
    /// A client sent a secret and an assertion: RFC 6749, section 2.3, wants one of them.
    TwoProofs = "invalid_request", 90_014, 400,
        "The request has both client_secret and client_assertion: send one of them.";
    /// An app-only grant by a client that has nothing to prove itself with.
    PublicClient { client_id: Uuid } = "invalid_client", 700_025, 401,
        "The application '{client_id}' is public: it signs users in, and has neither secret nor \
         certificate to get a token of its own with.";
    /// The client assertion cannot be read, or its claims or signature do not hold.
    Assertion { why: String } = "invalid_client", 50_027, 401,
        "The client assertion does not hold: {why}.";
    /// The client assertion's time is over, or has not come.
    AssertionTime { why: String } = "invalid_client", 700_024, 401,
        "Client assertion is not within its valid time range: {why}. Check the clock of the \
         client.";
    /// No registered certificate has the assertion's thumbprint.
    UnknownCertificate { thumbprint: String, registered: String } = "invalid_client", 700_027, 401,
        "The certificate with thumbprint '{thumbprint}' used to sign the client assertion is not \
         registered on the application. Registered: {registered}. Add it with: firekeep app \
         add-certificate CLIENT_ID FILE.pem";

    /// The resource is not one of this data folder's.
    UnknownResource { resource: String, tenant: String, known: String }
        = "invalid_resource", 500_011, 400,
        "The resource principal named {resource} was not found in the tenant named {tenant}. Ask \
         for the URL of a service, such as {known}. After a change, az repeats this answer from \
         its cache for 60 s";
    /// An application asked for something other than `RESOURCE/.default`.
    ScopeNotDefault { scope: String } = "invalid_scope", 1_002_012, 400,
        "The provided value for scope {scope} is not valid. Client credential flows must have a \
         scope value with /.default suffixed to the resource identifier (application ID URI).";
    /// A user's scope that means nothing here.
    UnknownScope { scope: String } = "invalid_scope", 70_011, 400,
        "The provided value for the input parameter 'scope' is not valid: '{scope}'. Ask for \
         RESOURCE/.default, and openid profile offline_access as you need them.";
    /// The scope names more than one resource.
    ManyResources { scope: String } = "invalid_scope", 28_000, 400,
        "Provided value for the input parameter scope is not valid because it contains more than \
         one resource. Scope {scope} is not valid: ask for one at a time.";

    /// The redirect URI is not one of the client's.
    RedirectMismatch { redirect_uri: String, client_id: Uuid } = "invalid_request", 50_011, 400,
        "The redirect URI '{redirect_uri}' specified in the request does not match the redirect \
         URIs configured for the application '{client_id}'.";
    /// `response_type` is not `code`.
    ResponseType { response_type: String } = "unsupported_response_type", 700_054, 400,
        "response_type '{response_type}' is not enabled for the application: use 'code'.";
    /// A public client came without a PKCE challenge.
    NoChallenge = "invalid_request", 9_002_325, 400,
        "Proof Key for Code Exchange is required for public clients: send code_challenge and \
         code_challenge_method=S256.";
    /// A challenge by another method than S256, or one that cannot be by it.
    Challenge { method: String } = "invalid_request", 501_471, 400,
        "The code_challenge_method '{method}' or its code_challenge is not accepted: a challenge \
         is 43 characters of base64url, made with S256.";
    /// The PKCE verifier does not fit the challenge.
    WrongVerifier = "invalid_grant", 501_481, 400,
        "The Code_Verifier does not match the code_challenge supplied in the authorization \
         request.";
    /// The authorization code is not known, or was for another client or address.
    UnknownCode = "invalid_grant", 9_002_313, 400,
        "The authorization code is not known, or was given to another client, for another \
         redirect_uri or by another tenant. Sign in again.";
    /// The authorization code's five minutes are over.
    ExpiredCode = "invalid_grant", 70_008, 400,
        "The provided authorization code has expired. Sign in again.";
    /// The authorization code was used before; what came of it is revoked.
    ReusedCode = "invalid_grant", 54_005, 400,
        "OAuth2 Authorization code was already redeemed. What was given for it is revoked. Sign \
         in again.";

    /// `prompt=none`, and nobody is signed in.
    SignInNeeded = "login_required", 50_058, 400,
        "Nobody is signed in, and the request says prompt=none. Send it without.";
    /// User name or password is wrong; it does not say which.
    WrongPassword = "invalid_grant", 50_126, 400,
        "Error validating credentials due to invalid username or password.";
    /// Too many wrong passwords or codes.
    Wait { seconds: u64 } = "invalid_grant", 50_053, 400,
        "There were too many wrong tries. Try again in {seconds} s.";
    /// The user is disabled.
    UserDisabled { username: String } = "invalid_grant", 50_057, 400,
        "The user account {username} is disabled.";
    /// The user belongs to another tenant.
    OtherTenant { username: String, tenant: String } = "invalid_grant", 50_020, 400,
        "User account '{username}' does not exist in tenant '{tenant}'. Sign in to the user's own \
         tenant.";
    /// The refresh token is not known.
    UnknownRefreshToken = "invalid_grant", 9_002_313, 400,
        "The refresh token is not one of this authority's, or is long over. Sign in again.";
    /// The refresh token is another client's.
    RefreshTokenOfOther { client_id: Uuid } = "invalid_grant", 700_009, 400,
        "The refresh token was not given to '{client_id}'. Sign in again.";
    /// The refresh token was revoked, or the password changed since.
    Revoked = "invalid_grant", 50_173, 400,
        "The provided grant has been revoked: the password was changed or reset, the sessions \
         were ended, or a code was used twice. Sign in again.";
    /// The refresh token's time is over.
    ExpiredRefreshToken = "invalid_grant", 700_082, 400,
        "The refresh token has expired due to inactivity. Sign in again.";

    /// Nobody has answered the device code yet.
    AuthorizationPending = "authorization_pending", 70_016, 400,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
    /// The device polls faster than it was told.
    SlowDown = "slow_down", 70_016, 400,
        "The device polls too often. Wait for the interval it was told.";
    /// The device or user code is not known, or its time is over.
    ExpiredDeviceCode = "expired_token", 70_020, 400,
        "The code is not known or has expired. Start the sign-in again on the device.";
    /// The person said no.
    Declined = "authorization_declined", 70_018, 400,
        "The person declined the sign-in.";
    /// The device code was used before.
    ReusedDeviceCode = "invalid_grant", 54_005, 400,
        "The device code was already redeemed. Start the sign-in again on the device.";
    /// Too many sign-ins are under way.
    Busy = "temporarily_unavailable", 90_055, 429,
        "Too many sign-ins are under way. Try again in a minute.";
}

impl TokenRefusal {
    /// Error, number, status and sentence.
    #[must_use]
    pub fn row(&self) -> RefusalRow {
        let (error, code, status) = self.numbers();
        let suberror = match self {
            Self::Revoked | Self::ExpiredRefreshToken => Some("bad_token"),
            _ => None,
        };
        RefusalRow { error, code, status, description: self.to_string(), suberror }
    }
}

impl From<Fault> for TokenRefusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl std::error::Error for TokenRefusal {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows that real clients branch on, as section 2.9 of the clients' contract gives them.
    #[test]
    fn the_table_answers_as_clients_expect() {
        let check = |variant: &str, error: &str, code: u32, status: u16| {
            let row = TokenRefusal::TABLE.iter().find(|row| row.0 == variant);
            let found = row.map(|row| (row.1, row.2, row.3));
            assert_eq!(found, Some((error, code, status)), "{variant}");
        };
        check("WrongSecret", "invalid_client", 7_000_215, 401);
        check("UnknownCertificate", "invalid_client", 700_027, 401);
        check("Assertion", "invalid_client", 50_027, 401);
        check("UnknownClient", "unauthorized_client", 700_016, 400);
        check("UnknownTenant", "invalid_request", 90_002, 400);
        check("UnknownResource", "invalid_resource", 500_011, 400);
        check("ScopeNotDefault", "invalid_scope", 1_002_012, 400);
        check("WrongPassword", "invalid_grant", 50_126, 400);
        check("Revoked", "invalid_grant", 50_173, 400);
        check("ExpiredRefreshToken", "invalid_grant", 700_082, 400);
        check("AuthorizationPending", "authorization_pending", 70_016, 400);
        check("ExpiredDeviceCode", "expired_token", 70_020, 400);
        check("Grant", "unsupported_grant_type", 70_003, 400);
    }

    #[test]
    fn what_az_caches_says_so() {
        for row in TokenRefusal::TABLE.iter().filter(|row| [500_011, 700_016].contains(&row.2)) {
            let end = "az repeats this answer from its cache for 60 s";
            assert!(row.4.ends_with(end), "{}", row.0);
        }
    }
}
