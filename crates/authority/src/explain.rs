//! What a token is and what it opens, for people: `firekeep token explain`.

use std::sync::Arc;

use base::limits::TOKEN_BYTES;
use serde_json::Value;

use crate::authority::Authority;
use crate::decide::Decision;
use crate::fault::TokenFault;
use crate::jwt::Jwt;
use crate::names::{ExpectedAudience, ServiceId};
use crate::roles::DataAction;
use crate::verify::Identity;

/// A token taken apart.
#[derive(Clone, Debug)]
pub struct TokenExplanation {
    /// Its header, if it has one.
    pub header: Option<Value>,
    /// Its claims, if it has any.
    pub claims: Option<Value>,
    /// Whose it is, or why it is refused; for whom it is does not count here.
    pub verdict: Result<Arc<Identity>, TokenFault>,
    /// For each service of this process, what it opens there.
    pub services: Vec<ServiceExplanation>,
}

/// What a token opens at one service.
#[derive(Clone, Debug)]
pub struct ServiceExplanation {
    /// The service.
    pub service: ServiceId,
    /// The URL to ask for.
    pub url: String,
    /// What it may do.
    pub allowed: Vec<DataAction>,
    /// Why it may, or why it may not even read.
    pub reason: String,
}

impl Authority {
    /// Says everything there is to say about `token`. The signature's text is in none of it.
    #[must_use]
    pub fn explain(&self, token: &str) -> TokenExplanation {
        let jwt = if token.len() <= TOKEN_BYTES { Jwt::split(token) } else { None };
        TokenExplanation {
            header: jwt.as_ref().and_then(Jwt::header),
            claims: jwt.as_ref().and_then(Jwt::claims),
            verdict: self.verify_for_anybody(token),
            services: self
                .names()
                .services
                .iter()
                .map(|names| {
                    let url = names.urls.first().cloned().unwrap_or_default();
                    self.explain_at(token, names.service.clone(), url)
                })
                .collect(),
        }
    }

    fn explain_at(&self, token: &str, service: ServiceId, url: String) -> ServiceExplanation {
        let identity = match self.verify(token, &ExpectedAudience::Service(service.clone())) {
            Ok(identity) => identity,
            Err(fault) => {
                let reason = fault.to_string();
                return ServiceExplanation { service, url, allowed: Vec::new(), reason };
            }
        };
        let allowed: Vec<DataAction> = DataAction::ALL
            .into_iter()
            .filter(|action| self.decide(&identity, *action, &service).is_allowed())
            .collect();
        let first = allowed.first().copied().unwrap_or(DataAction::Read);
        let reason = match self.decide(&identity, first, &service) {
            Decision::Allowed(because) => format!("allowed {because}"),
            Decision::Denied(why) => why.to_string(),
        };
        ServiceExplanation { service, url, allowed, reason }
    }
}
