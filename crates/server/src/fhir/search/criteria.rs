//! <https://hl7.org/fhir/R4/search.html>: criteria that are no request of their own: those of a
//! GraphDefinition, say. They are looked up on a thread that may block.

use std::sync::Arc;

use base::{Fault, Timestamp};
use fhir::definitions::Registry;
use store::{Key, SearchPlan, Snapshot, Stop, TypeId};

use super::catalogue::Catalogue;
use super::contained::{self, Contained};
use super::date::Dates;
use super::gaps::Gaps;
use super::interpret::Interpreter;
use super::listing::Refusal;
use super::parameters::{self, Listed, Rules, Searching};
use crate::fhir::bundle::bases;
use crate::fhir::context::Context;
use crate::fhir::outcome::{Issue, Severity};
use crate::fhir::refusal::General;
use crate::fhir::values::Indexing;
use crate::service::Service;

/// What criteria are read with.
pub(crate) struct Searcher {
    service: Arc<Service>,
    registry: Arc<Registry>,
    catalogue: Arc<Catalogue>,
    bases: Vec<String>,
    now: Timestamp,
    stop: Stop,
}

impl Searcher {
    pub(crate) fn of(cx: &Context<'_>) -> Result<Self, Fault> {
        Ok(Self {
            service: Arc::clone(cx.service),
            registry: cx.service.registry()?,
            catalogue: cx.service.catalogue()?,
            bases: bases(cx),
            now: cx.now,
            stop: cx.stop.clone(),
        })
    }

    /// The first `most` resources of a type that match. What is not understood is refused, since
    /// without it more would match, and what may find too little. Blocks.
    pub(crate) fn find(
        &self,
        snapshot: &Snapshot,
        (of, query): (TypeId, &str),
        most: usize,
    ) -> Result<Vec<Key>, Refusal> {
        let bases = self.bases.clone().into();
        let indexing = Indexing::with(Arc::clone(&self.catalogue), bases, self.now)?;
        let (gaps, loose) = (Gaps::default(), self.service.loose_systems()?);
        let interpreter = Interpreter {
            gaps: &gaps,
            loose: &loose,
            index: Some(&self.service.index),
            catalogue: &self.catalogue,
            indexing: &indexing,
            registry: &self.registry,
            bases: &self.bases,
            now: self.now,
            dates: Dates::of(&self.service.settings),
            snapshot,
        };
        let searching = Searching { interpreter, types: vec![of], many: false };
        let rules = Rules {
            listed: Listed::Matches,
            page_default: most,
            page_most: most,
            zone: self.service.settings.time_zone,
        };
        let meaning = parameters::read(&[query], rules, Some(&searching)).map_err(General::from)?;
        let unheard: Vec<Issue> = meaning.ignored.into_iter().chain(gaps.issues()).collect();
        if !unheard.is_empty() {
            let error = |issue| Issue { severity: Severity::Error, ..issue };
            return Err(General::Content(unheard.into_iter().map(error).collect()).into());
        }
        if !meaning.includes.is_empty() {
            let text = format!("'{query}' is for what matches: _include has no meaning there.");
            return Err(General::Content(vec![Issue::error("not-supported", text)]).into());
        }
        if meaning.contained != Contained::No {
            return Err(contained::unexpected().into());
        }
        let plan = SearchPlan {
            types: meaning.types,
            sort: meaning.sort,
            most: meaning.count,
            stop: self.stop.clone(),
            ..SearchPlan::default()
        };
        let rids = snapshot.search(&plan)?.rids;
        Ok(snapshot.heads(&rids)?.iter().map(|head| head.key).collect())
    }
}
