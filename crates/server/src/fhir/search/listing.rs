//! <https://hl7.org/fhir/R4/search.html#paging>: the pages of searches and histories, all pinned to
//! the snapshot of the first.

use std::sync::Arc;

use base::limits::LINK_CHARACTERS;
use base::{Fault, ids};
use store::{HistoryOf, HistoryPlan, Page, Restriction, Rid, SearchPlan, Snapshot, TypeId};
use store::{SnapshotNumber, TypeRestriction};

use super::entries::Entries;
use super::parameters::{self, Listed, Meaning, Rules, Total};
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::bundle::writer::{self, Head};
use crate::fhir::context::Context;
use crate::fhir::negotiate;
use crate::fhir::outcome::{Issue, Outcome, Severity};
use crate::fhir::page_link::{self, Binding, Place};
use crate::fhir::refusal::General;
use crate::fhir::types;

/// Pages up to this size are found without leaving the thread that serves the socket.
const SHORT: usize = 64;

/// Everything that can go wrong with a search or a history, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    /// 406 or 400: the form asks for an answer that we cannot write.
    Form(negotiate::Refusal),
    /// 400 or 410: the page token.
    Link(page_link::Refusal),
}

impl<T: Into<General>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Form(refusal) => refusal.into(),
            Refusal::Link(refusal) => refusal.into(),
        }
    }
}

/// What is listed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listing {
    Search(Option<TypeId>),
    History(HistoryOf),
}

impl Listing {
    fn listed(self) -> Listed {
        match self {
            Self::Search(_) => Listed::Matches,
            Self::History(_) => Listed::Versions,
        }
    }

    /// Below the base: `Patient`, `Patient/1/_history`, nothing for all types.
    fn path(self) -> String {
        match self {
            Self::Search(None) => String::new(),
            Self::Search(Some(number)) => types::name(number).to_owned(),
            Self::History(HistoryOf::System) => "_history".to_owned(),
            Self::History(HistoryOf::Type(number)) => format!("{}/_history", types::name(number)),
            Self::History(HistoryOf::Instance(key)) => {
                format!("{}/{}/_history", types::name(key.resource_type), key.id)
            }
        }
    }

    fn plan(self, meaning: &Meaning, after: Option<Rid>) -> Plan {
        match self {
            Self::Search(number) => {
                let restrict = |resource_type| TypeRestriction {
                    resource_type,
                    restriction: Restriction::Everything,
                };
                Plan::Search(SearchPlan {
                    types: number.map(restrict).into_iter().collect(),
                    criteria: meaning.criteria.clone(),
                    descending: false,
                    after,
                    most: meaning.count,
                })
            }
            Self::History(of) => {
                let Meaning { since, before, count, .. } = *meaning;
                let plan = HistoryPlan { since, before, ..HistoryPlan::of(of) };
                Plan::History { plan, after, most: count }
            }
        }
    }
}

/// What the store is asked.
enum Plan {
    Search(SearchPlan),
    History { plan: HistoryPlan, after: Option<Rid>, most: usize },
}

impl Plan {
    fn page(&self, snapshot: &Snapshot) -> Result<Page, Fault> {
        match self {
            Self::Search(plan) => snapshot.search(plan),
            Self::History { plan, after, most } => snapshot.history(plan, *after, *most),
        }
    }

    fn count(&self, snapshot: &Snapshot) -> Result<u64, Fault> {
        match self {
            Self::Search(plan) => snapshot.count(plan),
            Self::History { plan, .. } => snapshot.count_history(plan),
        }
    }
}

/// What the parameters mean; strictly, when the client or the service wants that. A token that
/// stands in for a long query brings that query back.
pub(crate) fn understand(
    cx: &Context<'_>,
    listing: Listing,
    queries: &[&str],
) -> Result<Meaning, Refusal> {
    let settings = &cx.service.settings;
    let rules = Rules {
        listed: listing.listed(),
        page_default: settings.page_default,
        page_most: settings.page_most,
        now: cx.now,
    };
    let mut meaning = parameters::read(queries, rules).map_err(General::Content)?;
    let kept = meaning.token.as_deref().map(page_link::kept_query).transpose();
    if let Some(query) = kept.map_err(Refusal::Link)?.flatten() {
        let token = meaning.token.take();
        let read = parameters::read(&[&*query], rules).map_err(General::Content)?;
        meaning = Meaning { token, ..read };
    }
    if cx.strict() && !meaning.ignored.is_empty() {
        let error = |issue| Issue { severity: Severity::Error, ..issue };
        let issues = std::mem::take(&mut meaning.ignored).into_iter().map(error).collect();
        return Err(General::Content(issues).into());
    }
    for issue in &mut meaning.ignored {
        issue.diagnostics.push_str(" It was left out.");
    }
    Ok(meaning)
}

/// Lists one page. The caller has authorized.
pub(crate) async fn list(
    cx: &Context<'_>,
    listing: Listing,
    queries: &[&str],
) -> Result<Answer, Refusal> {
    let meaning = understand(cx, listing, queries)?;
    let path = listing.path();
    let identity = cx.identity.as_ref().ok_or(General::Nobody)?.object_id;
    let (key, service) = (&cx.service.page_key, &cx.service.id);
    let binding = Binding { key, service, path: &path, identity };
    let start = Start::of(cx, &binding, &meaning)?;
    let plan = listing.plan(&meaning, start.place.map(|place| place.after));
    let links = Links { cx, binding, query: meaning.heard.join("&"), token: meaning.token.clone() };
    let long = meaning.count > SHORT || meaning.total == Total::Accurate || meaning.only_total;
    let search = Search { plan, start, wants: Wants::of(&meaning) };
    let found = if long { blocking::run(move || search.run()).await?? } else { search.run()? };
    let head = Head {
        kind: if listing.listed() == Listed::Matches { "searchset" } else { "history" },
        id: ids::guid(&*cx.app.random),
        now: cx.now,
        total: found.total,
        links: links.of(&found),
    };
    let warnings: Vec<Issue> = meaning.ignored.into_iter().chain(meaning.notes).collect();
    let (base, snapshot) = (Arc::from(cx.base), found.snapshot);
    let entries = Entries::new(&head, listing.listed(), base, snapshot, found.page.rids);
    let entries = entries.warn(warnings);
    let long = long && found.page_is_long;
    let answer = if long {
        blocking::run(move || writer::answer(entries)).await??
    } else {
        writer::answer(entries)?
    };
    Ok(answer)
}

/// Where the page begins, and in which snapshot.
struct Start {
    snapshot: Snapshot,
    place: Option<Place>,
}

impl Start {
    fn of(cx: &Context<'_>, binding: &Binding<'_>, meaning: &Meaning) -> Result<Self, Refusal> {
        let Some(token) = &meaning.token else {
            return Ok(Self { snapshot: cx.snapshot(), place: None });
        };
        let lifetime = cx.service.settings.link_lifetime;
        let query = meaning.heard.join("&");
        let place = binding.open(token, &query, cx.now, lifetime).map_err(Refusal::Link)?;
        // A snapshot of the future: the data folder was put back to an older state meanwhile.
        let snapshot = cx.service.store.snapshot_at(place.snapshot);
        let snapshot = snapshot?.ok_or(Refusal::Link(page_link::Refusal::Expired))?;
        Ok(Self { snapshot, place: Some(place) })
    }
}

/// What the client wants to know.
#[derive(Clone, Copy)]
struct Wants {
    total: Total,
    entries: bool,
}

impl Wants {
    fn of(meaning: &Meaning) -> Self {
        let total = if meaning.only_total { Total::Accurate } else { meaning.total };
        Self { total, entries: !meaning.only_total }
    }
}

/// A page to find: owned, so that it can be found on another thread.
struct Search {
    plan: Plan,
    start: Start,
    wants: Wants,
}

struct Found {
    snapshot: Snapshot,
    total: Option<u64>,
    page: Page,
    page_is_long: bool,
}

impl Search {
    fn run(self) -> Result<Found, Fault> {
        let Self { plan, start: Start { snapshot, place }, wants } = self;
        let page = if wants.entries { plan.page(&snapshot)? } else { Page::default() };
        let page_is_long = page.rids.len() > SHORT;
        let is_whole = wants.entries && place.is_none() && !page.more;
        let total = match (place.and_then(|place| place.total), wants.total) {
            (Some(carried), _) => Some(carried),
            (None, Total::Accurate) => Some(plan.count(&snapshot)?),
            // All there is stands on this page: its number costs nothing.
            (None, Total::Unsaid) if is_whole => u64::try_from(page.rids.len()).ok(),
            (None, Total::Unsaid | Total::None) => None,
        };
        Ok(Found { snapshot, total, page, page_is_long })
    }
}

/// Writes the links of a page.
struct Links<'l> {
    cx: &'l Context<'l>,
    binding: Binding<'l>,
    /// The parameters that were heard.
    query: String,
    token: Option<String>,
}

impl Links<'_> {
    fn of(&self, found: &Found) -> Vec<(&'static str, String)> {
        let mut links = vec![("self", self.url(&self.query, self.token.as_deref()))];
        if let Some(last) = found.page.rids.last().filter(|_| found.page.more) {
            links.push(("next", self.next(found.snapshot.number(), *last, found.total)));
        }
        links
    }

    fn next(&self, snapshot: SnapshotNumber, after: Rid, total: Option<u64>) -> String {
        let place = Place { snapshot, after, total, made: self.cx.now };
        let token = self.binding.seal(&place, &self.query);
        let url = self.url(&self.query, Some(&token));
        if url.len() <= LINK_CHARACTERS {
            return url;
        }
        self.url(&form(&self.query), Some(&self.binding.seal_and_keep(&place, &self.query)))
    }

    fn url(&self, query: &str, token: Option<&str>) -> String {
        let mut url = format!("{}/{}", self.cx.base, self.binding.path);
        let token = token.map(|token| format!("ct={token}"));
        let parts = [Some(query).filter(|query| !query.is_empty()), token.as_deref()];
        for (part, separator) in parts.into_iter().flatten().zip(["?", "&"]) {
            url.push_str(separator);
            url.push_str(part);
        }
        url
    }
}

/// What of a query says how answers look. It stays in a link whose query is kept here: it is read
/// before that is looked up.
fn form(query: &str) -> String {
    let named = |part: &&str| part.starts_with("_format=") || part.starts_with("_pretty=");
    query.split('&').filter(named).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_whose_query_is_kept_still_says_how_answers_look() {
        assert_eq!(form("_id=1&_pretty=true&_count=2&_format=json"), "_pretty=true&_format=json");
        assert_eq!(form("_id=_pretty=true"), "");
    }
}
