//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
//!
//! An application proves itself by a secret or by an assertion that its certificate's key signed.

use base::Timestamp;

use super::assertion::{Spent, check_assertion};
use super::{Client, Proof, Request};
use crate::authority::Authority;
use crate::directory::Application;
use crate::issue::{For, TokenAnswer};
use crate::refusal::TokenRefusal;

impl Authority {
    /// A token for the application itself.
    pub(super) fn client_credentials(
        &self,
        request: &Request<'_>,
    ) -> Result<TokenAnswer, TokenRefusal> {
        let client = request.client()?;
        let client_id = client.client_id();
        if matches!(client, Client::WellKnown { .. }) {
            return Err(TokenRefusal::PublicClient { client_id });
        }
        let (proof, assertion) = self.prove(request, &client)?;
        if proof == Proof::Public {
            return Err(TokenRefusal::NoClientProof { client_id });
        }
        let resource = request.application_resource()?;
        let principal = request
            .directory
            .service_principal_of(request.tenant.id, client_id)
            .filter(|principal| principal.enabled)
            .ok_or(TokenRefusal::ClientDisabled { client_id })?;
        if let Some(assertion) = assertion {
            self.assertions().spend(&assertion, &resource, request.now)?;
        }
        let client = For { client_id, proof, capabilities: request.wants_capabilities() };
        self.issue_to_application(principal, client, resource, request.now)
    }

    /// Checks the client's proof; an assertion's identity comes with it, for who remembers those.
    pub(super) fn prove(
        &self,
        request: &Request<'_>,
        client: &Client,
    ) -> Result<(Proof, Option<Spent>), TokenRefusal> {
        let secret = request.parameters.get("client_secret");
        let assertion = request.parameters.get("client_assertion");
        let client_id = client.client_id();
        match (client, secret, assertion) {
            (Client::Registered(_), Some(_), Some(_)) => Err(TokenRefusal::TwoProofs),
            (Client::Registered(application), None, Some(assertion)) => {
                let spent = check_assertion(request, application, assertion)?;
                Ok((Proof::Certificate, Some(spent)))
            }
            (Client::Registered(application), Some(secret), None) => {
                self.check_secret(application, secret, request.now)?;
                Ok((Proof::Secret, None))
            }
            (_, None, None) if client.is_public() => Ok((Proof::Public, None)),
            (Client::Registered(_), None, None) => Err(TokenRefusal::NoClientProof { client_id }),
            (Client::WellKnown { .. }, ..) => Err(TokenRefusal::PublicClient { client_id }),
        }
    }

    /// Compares with all secrets, so that the time taken tells nothing.
    fn check_secret(
        &self,
        application: &Application,
        secret: &str,
        now: Timestamp,
    ) -> Result<(), TokenRefusal> {
        let client_id = application.client_id;
        let sent = self.pepper().hash(secret);
        let mut found = None;
        for known in &application.secrets {
            if known.hash.matches(&sent) {
                found = Some(known);
            }
        }
        let known = found.ok_or(TokenRefusal::WrongSecret { client_id })?;
        if (known.start..known.end).contains(&now) {
            return Ok(());
        }
        Err(TokenRefusal::ExpiredSecret { client_id })
    }
}
