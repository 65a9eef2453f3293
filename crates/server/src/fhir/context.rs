//! <https://hl7.org/fhir/R4/http.html>
//!
//! What an interaction knows about its request: who asks, on which service, under which conditions.

use std::sync::{Arc, OnceLock};

use authority::{DataAction, Decision, Identity};
use base::{Timestamp, ids};
use bytes::Bytes;
use store::{Commit, Committed, Guard, Operation, ResourceId, Snapshot, TypeId};

use super::check::Checks;
use super::conditions::Conditions;
use super::negotiate::Format;
use super::outcome::Issue;
use super::prefer::Prefer;
use super::refusal::General;
use super::{translate, types};
use crate::app::App;
use crate::edge::config::Handling;
use crate::exchange::Body;
use crate::service::Service;

/// One interaction's surroundings. An entry of a Bundle gets its own, made from that of the Bundle.
#[derive(Clone)]
pub(crate) struct Context<'r> {
    pub(crate) app: &'r Arc<App>,
    pub(crate) service: &'r Arc<Service>,
    /// The URL under which the service was called, without a trailing slash.
    pub(crate) base: &'r str,
    /// As sent.
    pub(crate) query: &'r str,
    pub(crate) now: Timestamp,
    pub(crate) correlation_id: &'r str,
    pub(crate) conditions: Conditions,
    pub(crate) prefer: Prefer,
    /// `None` only for what is answered without a token.
    pub(crate) identity: Option<Arc<Identity>>,
    /// Conditions on other resources that a commit carries.
    pub(crate) guards: Vec<Guard>,
    /// Reads see this snapshot, when there is one, instead of the latest.
    pub(crate) pinned: Option<Snapshot>,
    /// What writes are held against.
    pub(crate) checks: Checks,
    /// `Accept-Language`, as sent.
    pub(crate) accept_language: Option<&'r str>,
    /// The format of the body.
    pub(crate) sent: Format,
    /// A body that came as XML, and its JSON, once it was read.
    pub(crate) translated: OnceLock<(Bytes, Bytes)>,
}

impl Context<'_> {
    /// Whether the caller may do this here; asked anew each time, so that a change takes effect at
    /// once.
    pub(crate) fn allow(&self, action: DataAction) -> Result<(), General> {
        let identity = self.identity.as_ref().ok_or(General::Nobody)?;
        match self.app.authority.decide(identity, action, &self.service.id) {
            Decision::Allowed(_) => Ok(()),
            Decision::Denied(why) => Err(General::Denied(why.to_string())),
        }
    }

    /// The surroundings of an entry of a Bundle.
    pub(crate) fn entry<'e>(&'e self, query: &'e str, conditions: &Conditions) -> Context<'e> {
        Context {
            query,
            conditions: conditions.clone(),
            sent: Format::Json,
            translated: OnceLock::new(),
            ..self.clone()
        }
    }

    /// What reads see.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.pinned.clone().unwrap_or_else(|| self.service.store.snapshot())
    }

    /// Whether a parameter that means nothing here is an error rather than a warning.
    pub(crate) fn strict(&self) -> bool {
        let by_setting = self.service.settings.handling == Handling::Strict;
        self.prefer.strict.unwrap_or(by_setting)
    }

    /// Refuses parameters that the interaction has no use for: outside searches there is no place
    /// for a warning.
    pub(crate) fn only_parameters(&self, known: &[&str]) -> Result<(), General> {
        if self.query.is_empty() {
            return Ok(());
        }
        let unknown =
            |name: &str| !known.contains(&name) && !matches!(name, "_format" | "_pretty" | "");
        let given = form_urlencoded::parse(self.query.as_bytes()).map(|(name, _)| name);
        let issues: Vec<Issue> = given
            .filter(|name| unknown(name))
            .map(|name| {
                let text = format!("The parameter '{name}' is not supported here. Leave it out.");
                Issue::error("not-supported", text)
            })
            .collect();
        if issues.is_empty() { Ok(()) } else { Err(General::Content(issues)) }
    }

    /// The last value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let given = form_urlencoded::parse(self.query.as_bytes());
        given.filter(|(known, _)| known == name).last().map(|(_, value)| value.into_owned())
    }

    /// An id for a new resource: ordered by time, so that new rows lie beside each other.
    pub(crate) fn new_id(&self) -> Result<ResourceId, General> {
        let text = ids::ordered_guid(self.now, &*self.app.random).to_string();
        ResourceId::new(&text).ok_or_else(|| General::bug("a new id is not a FHIR id"))
    }

    /// A commit of one operation.
    pub(crate) async fn commit(&self, operation: Operation) -> Result<Committed, store::Rejected> {
        let commit = Commit { guards: self.guards.clone(), ..Commit::of(operation) };
        self.service.store.commit(commit).await
    }

    /// `BASE/Patient/1`
    pub(crate) fn url(&self, resource_type: TypeId, id: &str) -> String {
        format!("{}/{}/{id}", self.base, types::name(resource_type))
    }

    /// The whole body, up to the limit, as it was sent.
    pub(crate) async fn read_as_sent(&self, body: Body) -> Result<Bytes, General> {
        body.read(self.service.settings.body_bytes).await.map_err(General::Body)
    }

    /// The whole body, up to the limit; one in XML as JSON.
    pub(crate) async fn read(&self, body: Body) -> Result<Bytes, General> {
        let bytes = self.read_as_sent(body).await?;
        if self.sent == Format::Json || bytes.is_empty() {
            return Ok(bytes);
        }
        let json = translate::incoming(bytes.clone()).await?;
        Ok(self.translated.get_or_init(|| (bytes, json)).1.clone())
    }
}
