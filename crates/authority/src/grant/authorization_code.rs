//! <https://www.rfc-editor.org/rfc/rfc6749#section-4.1>
//!
//! With PKCE, <https://www.rfc-editor.org/rfc/rfc7636>, which public clients have to use.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base::Timestamp;
use base::limits::CODE_LIFETIME;
use uuid::Uuid;

use super::{Client, Granted, Request, Target, shortened};
use crate::authority::Authority;
use crate::issue::TokenAnswer;
use crate::parameters::{Endpoint, Parameters, Shape};
use crate::redirect;
use crate::refusal::TokenRefusal;
use crate::secret::{base64url, sha256, unguessable};
use crate::sign_in::SignedIn;

/// An authorization request that may go on to the sign-in page.
#[derive(Clone, Debug)]
pub struct PendingAuthorization {
    /// The client.
    pub client_id: Uuid,
    /// What to call it on the page.
    pub client_name: String,
    /// Where the code goes.
    pub redirect_uri: String,
    /// How it goes there.
    pub response_mode: ResponseMode,
    /// To be sent back as it came.
    pub state: Option<String>,
    /// The user name to fill in.
    pub login_hint: Option<String>,
    /// Whether no page may be shown.
    pub prompt_none: bool,
    endpoint: Endpoint,
    challenge: Option<String>,
    target: Target,
}

/// How a code travels to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In its fragment.
    Fragment,
    /// In a form that posts itself there.
    FormPost,
}

/// Why an authorization request cannot go on, and whether the client may be told.
#[derive(Debug)]
pub struct AuthorizationRefusal {
    /// What is wrong.
    pub refusal: TokenRefusal,
    /// Where to send it; none where the address itself is in doubt: then only a page says it.
    pub back_to: Option<Box<ReturnAddress>>,
}

/// Where an authorization response goes.
#[derive(Clone, Debug)]
pub struct ReturnAddress {
    /// The client's address, checked.
    pub redirect_uri: String,
    /// How it goes there.
    pub response_mode: ResponseMode,
    /// To be sent back as it came.
    pub state: Option<String>,
}

impl From<TokenRefusal> for AuthorizationRefusal {
    fn from(refusal: TokenRefusal) -> Self {
        Self { refusal, back_to: None }
    }
}

/// A code that was given out.
pub(super) struct Code {
    client_id: Uuid,
    redirect_uri: String,
    challenge: Option<String>,
    user: SignedIn,
    target: Target,
    pub(super) until: Timestamp,
    /// What came of it, once it was redeemed.
    family: Option<Uuid>,
}

impl Authority {
    /// Reads an authorization request. Nothing is kept: the page holds the parameters, and this is
    /// called again when the form comes back.
    pub fn begin_authorization(
        &self,
        endpoint: &Endpoint,
        parameters: &Parameters,
    ) -> Result<PendingAuthorization, AuthorizationRefusal> {
        let request = self.request(endpoint, parameters)?;
        let client = request.client()?;
        let redirect_uri = request.redirect_uri(&client)?.to_owned();
        let response_mode = response_mode(parameters)?;
        let state = parameters.get("state").map(ToOwned::to_owned);
        let go_on = || -> Result<PendingAuthorization, TokenRefusal> {
            let response_type = parameters.need("response_type")?;
            if response_type != "code" {
                let response_type = shortened(response_type);
                return Err(TokenRefusal::ResponseType { response_type });
            }
            Ok(PendingAuthorization {
                client_id: client.client_id(),
                client_name: client.name().to_owned(),
                redirect_uri: redirect_uri.clone(),
                response_mode,
                state: state.clone(),
                login_hint: parameters.get("login_hint").map(ToOwned::to_owned),
                prompt_none: parameters.get("prompt") == Some("none"),
                endpoint: endpoint.clone(),
                challenge: challenge(parameters, client.is_public())?,
                target: request.authorization_target()?,
            })
        };
        go_on().map_err(|refusal| AuthorizationRefusal {
            refusal,
            back_to: Some(Box::new(ReturnAddress {
                redirect_uri: redirect_uri.clone(),
                response_mode,
                state: state.clone(),
            })),
        })
    }

    /// A code for the client, once the user has signed in.
    pub fn issue_code(
        &self,
        pending: &PendingAuthorization,
        user: &SignedIn,
    ) -> Result<String, TokenRefusal> {
        let now = self.now();
        let current = self.current_user(user)?;
        self.admit(&pending.endpoint, &current)?;
        let text = unguessable(self.random());
        let mut sign_ins = self.pending();
        sign_ins.room_for_code(now)?;
        let code = Code {
            client_id: pending.client_id,
            redirect_uri: pending.redirect_uri.clone(),
            challenge: pending.challenge.clone(),
            user: user.clone(),
            target: pending.target.clone(),
            until: now.plus(CODE_LIFETIME),
            family: None,
        };
        sign_ins.codes.insert(sha256(text.as_bytes()), code);
        Ok(text)
    }

    /// Tokens for a code. A code is good for one use; a second one revokes what came of the first.
    pub(super) fn redeem_code(&self, request: &Request<'_>) -> Result<TokenAnswer, TokenRefusal> {
        let client = request.client()?;
        let (proof, _) = self.prove(request, &client)?;
        let renamed = request.user_target()?;
        let _until_written = self.families();
        let mut granted = match self.take_code(request, &client, self.new_id())? {
            Taken::First(granted) => granted,
            Taken::Again(family) => {
                self.revoke_family(family)?;
                return Err(TokenRefusal::ReusedCode);
            }
        };
        if let Some(renamed) = renamed {
            let Target { nonce, offline, .. } = granted.target;
            granted.target = Target { nonce, offline, ..renamed };
        }
        self.answer_user(request, client.client_id(), proof, granted)
    }

    /// Marks a code as used for `family`, if everything about it fits.
    fn take_code(
        &self,
        request: &Request<'_>,
        client: &Client,
        family: Uuid,
    ) -> Result<Taken, TokenRefusal> {
        let text = request.parameters.need("code")?;
        let redirect_uri = request.parameters.need("redirect_uri")?;
        let verifier = request.parameters.get("code_verifier");
        let mut sign_ins = self.pending();
        let code =
            sign_ins.codes.get_mut(&sha256(text.as_bytes())).ok_or(TokenRefusal::UnknownCode)?;
        if code.client_id != client.client_id() || code.redirect_uri != redirect_uri {
            return Err(TokenRefusal::UnknownCode);
        }
        if let Some(first) = code.family {
            return Ok(Taken::Again(first));
        }
        if code.until <= request.now {
            return Err(TokenRefusal::ExpiredCode);
        }
        check_verifier(code.challenge.as_deref(), verifier)?;
        code.family = Some(family);
        let (signed_in, target) = (code.user.clone(), code.target.clone());
        Ok(Taken::First(Granted { family, signed_in, target }))
    }
}

enum Taken {
    First(Granted),
    Again(Uuid),
}

impl Request<'_> {
    /// The redirect URI, if it is one of the client's.
    fn redirect_uri(&self, client: &Client) -> Result<&str, TokenRefusal> {
        let sent = self.parameters.need("redirect_uri")?;
        let fits = match client {
            Client::WellKnown { .. } => redirect::is_loopback(sent),
            Client::Registered(application) => {
                application.redirect_uris.iter().any(|known| redirect::fits(known, sent))
            }
        };
        if fits {
            return Ok(sent);
        }
        let (redirect_uri, client_id) = (shortened(sent), client.client_id());
        Err(TokenRefusal::RedirectMismatch { redirect_uri, client_id })
    }

    /// What the code will be for. A v1 request may name its resource only when it redeems the code.
    fn authorization_target(&self) -> Result<Target, TokenRefusal> {
        let target = match (self.user_target()?, self.endpoint.shape) {
            (Some(target), _) => target,
            (None, Shape::V1) => Target { offline: true, openid: true, ..Target::default() },
            (None, Shape::V2 | Shape::Adfs) => {
                return Err(TokenRefusal::Missing { parameter: "scope" });
            }
        };
        Ok(Target { nonce: self.parameters.get("nonce").map(ToOwned::to_owned), ..target })
    }
}

fn response_mode(parameters: &Parameters) -> Result<ResponseMode, TokenRefusal> {
    match parameters.get("response_mode") {
        None | Some("query") => Ok(ResponseMode::Query),
        Some("fragment") => Ok(ResponseMode::Fragment),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some(_) => Err(TokenRefusal::Malformed {
            parameter: "response_mode",
            expected: "query, fragment or form_post",
        }),
    }
}

/// The PKCE challenge. Public clients need one; `plain` protects nothing and is refused.
fn challenge(parameters: &Parameters, needed: bool) -> Result<Option<String>, TokenRefusal> {
    let Some(challenge) = parameters.get("code_challenge") else {
        return if needed { Err(TokenRefusal::NoChallenge) } else { Ok(None) };
    };
    let method = parameters.get("code_challenge_method").unwrap_or("plain");
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if method != "S256" || challenge.len() != 43 || !challenge.chars().all(is_base64url) {
        return Err(TokenRefusal::Challenge { method: shortened(method) });
    }
    Ok(Some(challenge.to_owned()))
}

fn check_verifier(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), TokenRefusal> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) => {
            let made = base64url(sha256(verifier.as_bytes()));
            verify_slices_are_equal(made.as_bytes(), challenge.as_bytes())
                .map_err(|_| TokenRefusal::WrongVerifier)
        }
        // A verifier without a challenge: somebody took the challenge out on the way.
        (None, Some(_)) | (Some(_), None) => Err(TokenRefusal::WrongVerifier),
    }
}
