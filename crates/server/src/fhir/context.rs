//! <https://hl7.org/fhir/R4/http.html>
//!
//! What an interaction knows about its request: who asks, on which service, under which conditions.

use std::sync::{Arc, OnceLock};

use authority::{DataAction, Decision, Identity, LastToken};
use base::{Timestamp, ids};
use bytes::Bytes;
use store::{Commit, Committed, Guard, Operation, Purged, ResourceId, Snapshot, Stop, TypeId};

use super::check::Checks;
use super::conditions::Conditions;
use super::incoming::LONG;
use super::negotiate::Format;
use super::outcome::Issue;
use super::prefer::Prefer;
use super::provenance::Provenance;
use super::refusal::General;
use super::subset::{self, Subset};
use super::{binary, translate, types};
use crate::app::App;
use crate::edge::blocking;
use crate::edge::config::Handling;
use crate::exchange::Body;
use crate::permits::Permit;
use crate::service::Service;
use crate::versioning::{self, Policy};

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
    /// What the connection sent before.
    pub(crate) last_token: &'r LastToken,
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
    /// The body is the content of a Binary.
    pub(crate) content: Option<binary::Content>,
    /// Set once nobody waits for the answer.
    pub(crate) stop: Stop,
    /// `X-Provenance`: stored beside what is written.
    pub(crate) provenance: Option<Provenance>,
    /// A body that came as XML, and its JSON, once it was read.
    pub(crate) translated: OnceLock<(Bytes, Bytes)>,
}

/// Ends what goes on elsewhere for a request when the request is answered, or given up.
#[derive(Default)]
pub(crate) struct Waiting(pub(crate) Stop);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.now();
    }
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

    /// Whether the caller may do any of these here, which is asked before a long body says what.
    pub(crate) fn allow_any(
        &self,
        first: DataAction,
        others: &[DataAction],
    ) -> Result<(), General> {
        let refused = match self.allow(first) {
            Err(refused @ General::Denied(_)) => refused,
            answered => return answered,
        };
        let is_allowed = |action: &DataAction| self.allow(*action).is_ok();
        if others.iter().any(is_allowed) { Ok(()) } else { Err(refused) }
    }

    /// The surroundings of an entry of a Bundle.
    pub(crate) fn entry<'e>(&'e self, query: &'e str, conditions: &Conditions) -> Context<'e> {
        Context {
            query,
            conditions: conditions.clone(),
            sent: Format::Json,
            content: None,
            provenance: None,
            translated: OnceLock::new(),
            ..self.clone()
        }
    }

    /// Leave to run a query that reads much of the service.
    pub(crate) fn permit(&self) -> Result<Permit, General> {
        self.service.permits.take().ok_or(General::TooExpensive)
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

    /// How much of one resource is wanted; other parameters are refused.
    pub(crate) fn subset(&self) -> Result<Subset, General> {
        if self.query.is_empty() {
            return Ok(Subset::Whole);
        }
        self.only_parameters(&subset::PARAMETERS)?;
        let refused = |text| General::Content(vec![Issue::error("value", text)]);
        if self.parameter("_summary").is_some_and(|value| value == "count") {
            return Err(refused("_summary=count is about lists, and this is one resource.".into()));
        }
        Subset::of(form_urlencoded::parse(self.query.as_bytes())).map_err(refused)
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

    /// A commit of one operation, and of what the version policy asks for beside it.
    pub(crate) async fn commit(&self, operation: Operation) -> Result<Committed, store::Rejected> {
        self.commit_all(vec![operation]).await
    }

    /// The same of several operations; their outcomes come first.
    pub(crate) async fn commit_all(
        &self,
        mut operations: Vec<Operation>,
    ) -> Result<Committed, store::Rejected> {
        operations.extend(self.purges(&operations));
        let guards = self.guards.clone();
        self.service.store.commit(Commit { operations, guards }).await
    }

    /// What the version policies ask for beside these operations: the end of versions that they
    /// replace.
    pub(crate) fn purges(&self, operations: &[Operation]) -> Vec<Operation> {
        let written = operations.iter().filter_map(|operation| match operation {
            Operation::Put { key, .. } | Operation::Delete { key, .. } => Some(*key),
            Operation::HardDelete { .. }
            | Operation::PurgeHistory { .. }
            | Operation::Expect { .. } => None,
        });
        let unkept = written.filter(|key| self.policy(key.resource_type) == Policy::NoVersion);
        let which = Purged::Replaced;
        unkept.map(|key| Operation::PurgeHistory { key, which }).collect()
    }

    /// Which versions of a resource type are kept. The configuration file outweighs ARM.
    pub(crate) fn policy(&self, resource_type: TypeId) -> Policy {
        let name = types::name(resource_type);
        if let Some(versioning) = &self.service.settings.versioning {
            return versioning.of(name);
        }
        let directory = self.app.authority.directory();
        let service = directory.service(&self.service.id);
        let property = service.and_then(|service| service.properties.get(versioning::PROPERTY));
        property.map_or_else(Policy::default, |property| versioning::of_property(property, name))
    }

    /// `BASE/Patient/1`
    pub(crate) fn url(&self, resource_type: TypeId, id: &str) -> String {
        format!("{}/{}/{id}", self.base, types::name(resource_type))
    }

    /// The whole body, up to the limit, as it was sent.
    pub(crate) async fn read_as_sent(&self, body: Body) -> Result<Bytes, General> {
        body.read(self.service.settings.body_bytes).await.map_err(General::Body)
    }

    /// The whole body, up to the limit; one in XML as JSON, the content of a Binary as one.
    pub(crate) async fn read(&self, body: Body) -> Result<Bytes, General> {
        let bytes = self.read_as_sent(body).await?;
        if let Some(content) = self.content.clone() {
            return match bytes.len() <= LONG {
                true => Ok(content.resource(&bytes)),
                false => Ok(blocking::run(move || content.resource(&bytes)).await?),
            };
        }
        if self.sent == Format::Json || bytes.is_empty() {
            return Ok(bytes);
        }
        let json = translate::incoming(bytes.clone()).await?;
        Ok(self.translated.get_or_init(|| (bytes, json)).1.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_request_began_is_told_when_nobody_waits_for_it() {
        let waiting = Waiting::default();
        let stop = waiting.0.clone();
        let request = async move {
            let _waiting = waiting;
            std::future::pending::<()>().await;
        };
        let given_up = tokio::time::timeout(std::time::Duration::ZERO, request).await;
        assert!(given_up.is_err() && stop.is_set());
    }
}
