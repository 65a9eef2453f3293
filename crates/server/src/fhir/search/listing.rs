//! <https://hl7.org/fhir/R4/search.html#paging>: the pages of searches and histories, all pinned to
//! the snapshot of the first.

use std::collections::HashSet;
use std::sync::Arc;

use authority::DataAction;
use base::limits::INCLUDES_MOST;
use base::{Fault, ids};
use fhir::definitions::Compartment;
use http::StatusCode;
use store::{Criterion, HistoryOf, Include, Page, Rid, SearchError, Snapshot, TypeSearch};

use super::contained::{self, Contained, Within};
use super::date::Dates;
use super::entries::{Entries, Entry, Mode};
use super::gaps::Gaps;
use super::interpret::Interpreter;
use super::links::Links;
use super::parameters::{self, Listed, Meaning, Rules, Searching, Total};
use super::plan::Plan;
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::bundle::writer::{self, Head};
use crate::fhir::context::Context;
use crate::fhir::history;
use crate::fhir::negotiate;
use crate::fhir::ops::everything::{self, Whose};
use crate::fhir::ops::{docref, lastn};
use crate::fhir::outcome::{Issue, Outcome, Severity};
use crate::fhir::page_link::{self, Binding, Place};
use crate::fhir::refusal::General;
use crate::fhir::route::Searched;
use crate::fhir::values::Indexing;
use crate::fhir::{bundle, types};

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
    /// 408: nobody waits for it any more.
    Stopped,
}

impl From<SearchError> for Refusal {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Fault(fault) => fault.into(),
            SearchError::Stopped => Self::Stopped,
            SearchError::Expired => Self::Link(page_link::Refusal::Expired),
        }
    }
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
            Refusal::Stopped => Self::error(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "The search took too long. Ask for less: another parameter, a type, a date.",
            ),
        }
    }
}

/// For a search that nobody stops.
pub(crate) fn fault(error: SearchError) -> Fault {
    match error {
        SearchError::Fault(fault) => fault,
        SearchError::Stopped => Fault::because("a search was stopped that nobody stops"),
        SearchError::Expired => Fault::because("a search of now is of a time that is over"),
    }
}

/// What is listed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listing {
    Search(Searched),
    /// The rest of what a page of a search includes.
    Includes(Searched),
    /// What belongs to a patient, an encounter, a group, or to all patients.
    Everything(Whose),
    /// The last Observations of each code.
    LastN,
    /// The documents of a patient.
    DocRef,
    History(HistoryOf),
}

impl Listing {
    fn listed(self) -> Listed {
        match self {
            Self::History(_) => Listed::Versions,
            Self::Search(_)
            | Self::Includes(_)
            | Self::Everything(_)
            | Self::LastN
            | Self::DocRef => Listed::Matches,
        }
    }

    /// Below the base: `Patient`, `Patient/1/_history`, nothing for all types.
    pub(super) fn path(self) -> String {
        match self {
            Self::Search(of) => searched_path(of),
            Self::Includes(of) => match searched_path(of) {
                path if path.is_empty() => "$includes".to_owned(),
                path => format!("{path}/$includes"),
            },
            Self::Everything(whose) => whose.path(),
            Self::LastN => "Observation/$lastn".to_owned(),
            Self::DocRef => "DocumentReference/$docref".to_owned(),
            Self::History(HistoryOf::System) => "_history".to_owned(),
            Self::History(HistoryOf::Type(number)) => format!("{}/_history", types::name(number)),
            Self::History(HistoryOf::Instance(key)) => {
                format!("{}/{}/_history", types::name(key.resource_type), key.id)
            }
        }
    }
}

fn searched_path(of: Searched) -> String {
    match of {
        Searched::System => String::new(),
        Searched::Type(number) => types::name(number).to_owned(),
        Searched::Compartment(key, inside) => {
            format!("{}/{}", bundle::reference(&key), inside.map_or("*", types::name))
        }
    }
}

/// What the parameters mean; strictly, when the client or the service wants that.
pub(crate) fn understand(
    cx: &Context<'_>,
    listing: Listing,
    queries: &[&str],
) -> Result<Meaning, Refusal> {
    understand_at(cx, &cx.snapshot(), listing, queries)
}

/// The same as it was understood at the time of a snapshot, by the terminology of then.
fn understand_at(
    cx: &Context<'_>,
    snapshot: &Snapshot,
    listing: Listing,
    queries: &[&str],
) -> Result<Meaning, Refusal> {
    let mut meaning = read(cx, snapshot, listing, queries)?;
    if cx.strict() && !(meaning.ignored.is_empty() && meaning.gaps.is_empty()) {
        let issues = meaning.ignored.into_iter().chain(meaning.gaps);
        let issues = issues.map(|issue| Issue { severity: Severity::Error, ..issue });
        return Err(General::Content(issues.collect()).into());
    }
    for issue in &mut meaning.ignored {
        issue.diagnostics.push_str(" It was left out.");
    }
    Ok(meaning)
}

/// What the parameters mean, and which do not. A token that stands in for a long query brings that
/// query back.
pub(crate) fn read(
    cx: &Context<'_>,
    snapshot: &Snapshot,
    listing: Listing,
    queries: &[&str],
) -> Result<Meaning, Refusal> {
    let settings = &cx.service.settings;
    let rules = Rules {
        listed: listing.listed(),
        page_default: settings.page_default,
        page_most: settings.page_most,
        zone: settings.time_zone,
    };
    let kept = token(queries).as_deref().map(page_link::kept_query).transpose();
    Ok(match kept.map_err(Refusal::Link)?.flatten() {
        Some(query) => {
            let token = token(queries);
            Meaning { token, ..interpreted(cx, snapshot, listing, (&[&*query], rules))? }
        }
        None => interpreted(cx, snapshot, listing, (queries, rules))?,
    })
}

/// The paging token.
fn token(queries: &[&str]) -> Option<String> {
    let pairs = queries.iter().flat_map(|query| query.split('&')).map(parameters::decoded);
    let mut tokens = pairs.filter(|(name, _)| name == "ct");
    tokens.next_back().map(|(_, token)| token.into_owned())
}

/// The snapshot that a page shows: that of its link when it is followed as it was given, else that
/// of now, until it is understood what else the request holds.
fn shown(cx: &Context<'_>, binding: &Binding<'_>, queries: &[&str]) -> Result<Snapshot, Refusal> {
    let Some(token) = token(queries) else { return Ok(cx.snapshot()) };
    let query = match page_link::kept_query(&token).map_err(Refusal::Link)? {
        Some(kept) => kept.to_string(),
        None => {
            let pairs = queries.iter().flat_map(|query| query.split('&'));
            let given =
                pairs.filter(|pair| !pair.is_empty() && parameters::decoded(pair).0 != "ct");
            given.collect::<Vec<_>>().join("&")
        }
    };
    match binding.open(&token, &query, cx.now, cx.service.settings.link_lifetime) {
        Ok(place) => snapshot_of(cx, &place),
        Err(_) => Ok(cx.snapshot()),
    }
}

fn snapshot_of(cx: &Context<'_>, place: &Place) -> Result<Snapshot, Refusal> {
    // One of the future: the data folder was put back to an older state meanwhile.
    let snapshot = cx.service.store.snapshot_at(place.snapshot)?;
    snapshot.ok_or(Refusal::Link(page_link::Refusal::Expired))
}

/// Reads the parameters, those of a search with what the service knew then.
fn interpreted(
    cx: &Context<'_>,
    snapshot: &Snapshot,
    listing: Listing,
    (queries, rules): (&[&str], Rules),
) -> Result<Meaning, Refusal> {
    let of = match listing {
        Listing::Search(of) | Listing::Includes(of) => of,
        Listing::Everything(_) | Listing::LastN | Listing::DocRef => Searched::System,
        Listing::History(_) => {
            return Ok(parameters::read(queries, rules, None).map_err(General::from)?);
        }
    };
    let (registry, loose) = cx.service.terminology_at(snapshot)?;
    let catalogue = cx.service.catalogue()?;
    let bases = bundle::bases(cx);
    let indexing = Indexing::with(Arc::clone(&catalogue), bases.clone().into(), cx.now)?;
    let gaps = Gaps::default();
    let interpreter = Interpreter {
        index: Some(&cx.service.index),
        catalogue: &catalogue,
        indexing: &indexing,
        registry: &registry,
        bases: &bases,
        now: cx.now,
        dates: Dates::of(&cx.service.settings),
        snapshot,
        gaps: &gaps,
        loose: &loose,
    };
    let meaning = match listing {
        Listing::Everything(whose) => everything::meaning(&interpreter, whose, queries, rules)?,
        Listing::LastN => lastn::meaning(&interpreter, queries, rules)?,
        Listing::DocRef => docref::meaning(&interpreter, queries, rules)?,
        Listing::Search(_) | Listing::Includes(_) | Listing::History(_) => {
            searched(&interpreter, of, queries, rules)?
        }
    };
    let is_search = matches!(listing, Listing::Search(_) | Listing::Includes(_));
    if meaning.contained != Contained::No && !is_search {
        return Err(contained::unexpected().into());
    }
    Ok(Meaning { gaps: gaps.issues(), ..meaning })
}

/// What the parameters of a search mean.
fn searched(
    interpreter: &Interpreter<'_>,
    of: Searched,
    queries: &[&str],
    rules: Rules,
) -> Result<Meaning, Refusal> {
    let all = || types::numbers().collect();
    let (types, many) = match of {
        Searched::Type(number) | Searched::Compartment(_, Some(number)) => (vec![number], false),
        Searched::System => (all(), true),
        Searched::Compartment(key, None) => {
            let compartments = interpreter.registry.base().compartments();
            let compartment = compartments.find(types::name(key.resource_type));
            let members = compartment.into_iter().flat_map(Compartment::types);
            (members.filter_map(types::number).collect(), true)
        }
    };
    let searching = Searching { interpreter: *interpreter, types, many };
    let read = parameters::read(queries, rules, Some(&searching));
    let mut meaning = read.map_err(General::from)?;
    if meaning.contained != Contained::No {
        meaning.within = Within::all(interpreter, &meaning.types, meaning.contained);
        meaning.types = meaning.within.iter().map(Within::search).collect();
    }
    if let Searched::Compartment(key, _) = of {
        for TypeSearch { criterion, .. } in &mut meaning.types {
            let other = std::mem::replace(criterion, Criterion::everything());
            *criterion = Criterion::All(vec![Criterion::Compartment(key), other]);
        }
    }
    Ok(meaning)
}

/// Lists one page. The caller has authorized.
pub(crate) async fn list(
    cx: &Context<'_>,
    listing: Listing,
    queries: &[&str],
) -> Result<Answer, Refusal> {
    let path = listing.path();
    let identity = cx.identity.as_ref().ok_or(General::Nobody)?.object_id;
    let (key, service) = (&cx.service.page_key, &cx.service.id);
    let binding = Binding { key, service, path: &path, identity };
    let snapshot = shown(cx, &binding, queries)?;
    let shown = snapshot.number();
    let mut meaning = understand_at(cx, &snapshot, listing, queries)?;
    if meaning.explain {
        // The plan tells of what the caller may not see: how much there is.
        cx.allow(DataAction::SearchParameter)?;
    }
    let start = Start::of(cx, &binding, &meaning, snapshot)?;
    if start.snapshot.number() != shown {
        meaning = understand_at(cx, &start.snapshot, listing, queries)?;
    }
    let after = start.place.map(|place| place.after).filter(|after| after.0 > 0);
    let mut plan = Plan::of(cx, listing, (&meaning, after))?;
    if let (Plan::History { plan, .. }, Some(id)) = (&mut plan, meaning.list) {
        plan.only = Some(history::listed(cx, &start.snapshot, id)?);
    }
    let links = Links {
        cx,
        binding,
        listing,
        start: after,
        query: meaning.heard.join("&"),
        token: meaning.token.clone(),
    };
    let is_costly = matches!(plan, Plan::LastN(_)) || meaning.is_costly();
    let permit = is_costly.then(|| cx.permit()).transpose()?;
    let long = is_costly || is_long(&meaning);
    let (wants, includes) = (Wants::of(&meaning), meaning.includes.clone());
    let (rest, explain) = (matches!(listing, Listing::Includes(_)), meaning.explain);
    let within = if meaning.parts { meaning.within.clone() } else { Vec::new() };
    let includes_most = meaning.includes_count.unwrap_or(INCLUDES_MOST);
    let includes = (includes, includes_most);
    // Pages that may not include all they refer to cannot count on each other.
    let once = matches!(listing, Listing::Everything(_)) && meaning.includes_count.is_none();
    let search = Search { plan, start, wants, includes, within, rest, once, explain };
    let run = move || {
        let _permit = permit;
        search.run()
    };
    let found = if long { blocking::run(run).await?? } else { run()? };
    let head = Head {
        kind: if listing.listed() == Listed::Matches { "searchset" } else { "history" },
        id: ids::guid(&*cx.app.random),
        now: cx.now,
        total: found.total,
        links: links.of(&found),
    };
    let warnings = [meaning.ignored, meaning.gaps, meaning.notes, links.warnings(&found)].concat();
    let (base, snapshot) = (Arc::from(cx.base), found.snapshot);
    let long = long && found.entries.len() > SHORT;
    let entries = Entries::new(&head, listing.listed(), base, snapshot, found.entries);
    let entries = entries.warn(warnings).cut(meaning.subset);
    let answer = if long {
        blocking::run(move || writer::answer(entries)).await??
    } else {
        writer::answer(entries)?
    };
    Ok(answer)
}

/// Whether finding the page may take so long that it would hold up other connections: all that
/// indexes are asked.
fn is_long(meaning: &Meaning) -> bool {
    let asks = meaning.explain
        || meaning.contained != Contained::No
        || meaning.selective > 0
        || !meaning.sort.is_empty()
        || !meaning.includes.is_empty()
        || meaning.at.is_some()
        || meaning.list.is_some();
    asks || meaning.count > SHORT || meaning.total == Total::Accurate || meaning.only_total
}

/// Where the page begins, and in which snapshot.
struct Start {
    snapshot: Snapshot,
    place: Option<Place>,
}

impl Start {
    fn of(
        cx: &Context<'_>,
        binding: &Binding<'_>,
        meaning: &Meaning,
        snapshot: Snapshot,
    ) -> Result<Self, Refusal> {
        let Some(token) = &meaning.token else {
            return Ok(Self { snapshot, place: None });
        };
        let lifetime = cx.service.settings.link_lifetime;
        let query = meaning.heard.join("&");
        let place = binding.open(token, &query, cx.now, lifetime).map_err(Refusal::Link)?;
        let snapshot = match snapshot.number() == place.snapshot {
            true => snapshot,
            false => snapshot_of(cx, &place)?,
        };
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
    /// And how many a page brings.
    includes: (Vec<Include>, usize),
    /// What is listed from within others.
    within: Vec<Within>,
    /// Whether only what is included is wanted, from where the link says.
    rest: bool,
    /// Whether a page leaves out what those before it included.
    once: bool,
    explain: bool,
}

/// What a search found of its page.
pub(super) struct Found {
    pub(super) snapshot: Snapshot,
    pub(super) total: Option<u64>,
    entries: Vec<Entry>,
    /// The last match, when more follow.
    pub(super) last: Option<Rid>,
    /// How many includes were given up to here, when there are more.
    pub(super) given: Option<u64>,
    pub(super) circular: bool,
    pub(super) steps: Vec<Issue>,
}

impl Search {
    fn run(self) -> Result<Found, SearchError> {
        let Self { plan, start, wants, includes, within, rest, once, explain } = self;
        let Start { snapshot, place } = start;
        let steps = if explain { plan.explain(&snapshot)? } else { Vec::new() };
        let mut page = if wants.entries { plan.page(&snapshot)? } else { Page::default() };
        let parts = plan.parts(&snapshot, &within, &mut page)?;
        let carried = place.and_then(|place| place.total);
        let skip = if rest { usize::try_from(carried.unwrap_or(0)).unwrap_or(0) } else { 0 };
        let (includes, most) = (includes.0, skip + includes.1);
        let included = plan.included(&snapshot, &page.rids, (&includes, most))?;
        let is_whole = wants.entries && place.is_none() && !page.more;
        let total = match (carried, wants.total) {
            _ if rest => None,
            (Some(carried), _) => Some(carried),
            (None, Total::Accurate) => Some(plan.count(&snapshot, &within)?),
            (None, Total::Unsaid) if plan.is_short() => Some(plan.count(&snapshot, &within)?),
            // All there is stands on this page: its number costs nothing.
            (None, Total::Unsaid) if is_whole => {
                u64::try_from(parts.as_ref().map_or(page.rids.len(), Vec::len)).ok()
            }
            (None, Total::Unsaid | Total::None) => None,
        };
        let given = included.more.then(|| u64::try_from(included.rids.len()).unwrap_or(u64::MAX));
        let last = page.rids.last().copied().filter(|_| page.more && !rest);
        let versions = page.rids.into_iter().filter(|_| !rest);
        let versions = || versions.map(|rid| Entry::Version(rid, Mode::Match)).collect();
        let mut entries: Vec<Entry> = parts.unwrap_or_else(versions);
        let elsewhere = match once && !included.rids.is_empty() {
            true => plan.elsewhere(&snapshot, &includes, &included.rids)?,
            false => HashSet::new(),
        };
        let others = included.rids.into_iter().skip(skip).filter(|rid| !elsewhere.contains(rid));
        entries.extend(others.map(|rid| Entry::Version(rid, Mode::Include)));
        let circular = included.circular;
        Ok(Found { snapshot, total, entries, last, given, circular, steps })
    }
}
