//! <https://hl7.org/fhir/R4/search.html>: what the store is asked for a listing.

use std::collections::HashSet;

use base::Fault;
use base::limits::{EVERYTHING_BEFORE, INCLUDES_MOST};
use store::{
    Criterion, HistoryOf, HistoryPlan, Include, Included, Page, Restrictions, Rid, SearchError,
    SearchPlan, Snapshot, Step, TypeSearch,
};

use super::contained::{self, Within};
use super::entries::{Entry, Mode};
use super::listing::Listing;
use super::parameters::Meaning;
use crate::fhir::context::Context;
use crate::fhir::history;
use crate::fhir::ops::lastn::LastN;
use crate::fhir::outcome::Issue;
use crate::fhir::values::Indexing;

/// What the store is asked.
pub(super) enum Plan {
    Search(SearchPlan),
    LastN(LastN),
    History { plan: HistoryPlan, after: Option<Rid>, most: usize },
}

impl Plan {
    /// What a listing asks, from after a match on.
    pub(super) fn of(
        cx: &Context<'_>,
        listing: Listing,
        (meaning, after): (&Meaning, Option<Rid>),
    ) -> Result<Self, Fault> {
        let search = || SearchPlan {
            types: meaning.types.clone(),
            restrictions: Restrictions::default(),
            sort: meaning.sort.clone(),
            descending: false,
            after,
            most: meaning.count,
            stop: cx.stop.clone(),
        };
        Ok(match listing {
            Listing::Search(_)
            | Listing::Includes(_)
            | Listing::Everything(_)
            | Listing::DocRef => Self::Search(search()),
            Listing::LastN => Self::LastN(LastN {
                plan: search(),
                of_each: meaning.of_each,
                indexing: Indexing::of(cx)?,
            }),
            Listing::History(of) => {
                let stop = cx.stop.clone();
                let plan = HistoryPlan { stop, ..history::plan(of, meaning) };
                Self::History { plan, after, most: meaning.count }
            }
        })
    }

    /// One page of what it finds.
    pub(super) fn page(&self, snapshot: &Snapshot) -> Result<Page, SearchError> {
        match self {
            Self::Search(plan) => snapshot.search(plan),
            Self::LastN(last) => last.page(snapshot),
            Self::History { plan, after, most } => snapshot.history(plan, *after, *most),
        }
    }

    /// What a page lists when that stands within others: as much as its entries may be.
    pub(super) fn parts(
        &self,
        snapshot: &Snapshot,
        within: &[Within],
        page: &mut Page,
    ) -> Result<Option<Vec<Entry>>, SearchError> {
        let Self::Search(plan) = self else { return Ok(None) };
        if within.is_empty() {
            return Ok(None);
        }
        let mut entries = Vec::new();
        for (at, rid) in page.rids.iter().enumerate() {
            let of = contained::found(snapshot, within, *rid)?;
            let found = usize::from(of.itself) + of.parts.len();
            if at > 0 && entries.len() + found > plan.most {
                page.rids.truncate(at);
                page.more = true;
                break;
            }
            entries.extend(of.itself.then_some(Entry::Version(*rid, Mode::Match)));
            let part = |part| Entry::Part { container: of.container, part };
            entries.extend(of.parts.into_iter().map(part));
        }
        Ok(Some(entries))
    }

    /// Whether it is counted at no cost worth mentioning.
    pub(super) fn is_short(&self) -> bool {
        let Self::History { plan, .. } = self else { return false };
        matches!(plan.of, HistoryOf::Instance(_))
    }

    /// How many it finds on all pages.
    pub(super) fn count(&self, snapshot: &Snapshot, within: &[Within]) -> Result<u64, SearchError> {
        match self {
            Self::Search(plan) if !within.is_empty() => contained::count(snapshot, within, plan),
            Self::Search(plan) => snapshot.count(plan),
            Self::LastN(last) => last.count(snapshot),
            Self::History { plan, .. } => snapshot.count_history(plan),
        }
    }

    /// What each step of the search does, for people.
    pub(super) fn explain(&self, snapshot: &Snapshot) -> Result<Vec<Issue>, SearchError> {
        let Some(plan) = self.search() else { return Ok(Vec::new()) };
        let told = snapshot.explain(plan)?.into_iter().map(|step| {
            let Step { what, index, rows, left, micros } = step;
            let text = format!("{index}: {rows} rows, {left} left, {micros} µs: {what}");
            Issue::information("informational", text)
        });
        Ok(told.collect())
    }

    /// What goes onto the page of these matches besides them.
    pub(super) fn included(
        &self,
        snapshot: &Snapshot,
        matches: &[Rid],
        (includes, most): (&[Include], usize),
    ) -> Result<Included, SearchError> {
        match self.search() {
            Some(plan) if !includes.is_empty() => {
                snapshot.included(matches, includes, (&plan.restrictions, &plan.stop), most)
            }
            _ => Ok(Included::default()),
        }
    }

    /// What of the included versions stands on another page: the pages before this one included it,
    /// as far as the limits go, or it is a match itself.
    pub(super) fn elsewhere(
        &self,
        snapshot: &Snapshot,
        includes: &[Include],
        included: &[Rid],
    ) -> Result<HashSet<Rid>, SearchError> {
        let mut found = self.included_before(snapshot, includes)?;
        let Some(plan) = self.search() else { return Ok(found) };
        let keys = snapshot.heads(included)?.into_iter().map(|head| head.key).collect::<Vec<_>>();
        let among = |of: &TypeSearch| {
            let own = keys.iter().filter(|key| key.resource_type == of.resource_type);
            let own = own.copied().collect::<Vec<_>>();
            (!own.is_empty()).then(|| {
                let criteria = vec![Criterion::Keys(own), of.criterion.clone()];
                let criterion = Criterion::All(criteria);
                TypeSearch { resource_type: of.resource_type, criterion }
            })
        };
        let types = plan.types.iter().filter_map(among).collect();
        let matches = SearchPlan { types, after: None, most: included.len(), ..plan.clone() };
        found.extend(snapshot.search(&matches)?.rids);
        Ok(found)
    }

    /// What the pages before this one included, as far as the limits go.
    fn included_before(
        &self,
        snapshot: &Snapshot,
        includes: &[Include],
    ) -> Result<HashSet<Rid>, SearchError> {
        let Some((plan, after)) = self.search().and_then(|plan| Some((plan, plan.after?))) else {
            return Ok(HashSet::new());
        };
        let first = SearchPlan { after: None, most: EVERYTHING_BEFORE, ..plan.clone() };
        let matches = snapshot.search(&first)?.rids;
        let Some(place) = matches.iter().position(|rid| *rid == after) else {
            return Ok(HashSet::new());
        };
        let included = self.included(snapshot, &matches[..=place], (includes, INCLUDES_MOST))?;
        Ok(included.rids.into_iter().collect())
    }

    /// What is searched, when it is no history.
    fn search(&self) -> Option<&SearchPlan> {
        match self {
            Self::Search(plan) | Self::LastN(LastN { plan, .. }) => Some(plan),
            Self::History { .. } => None,
        }
    }
}
