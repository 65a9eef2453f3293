//! <https://hl7.org/fhir/R4/search.html#Introduction>: what the parameters of a listing mean.
//!
//! To add a parameter: an arm in [`Reading::parameter`], and a row in the tests.

use std::borrow::Cow;

use base::limits::{INCLUDES_MOST, SEARCH_PARAMETERS};
use base::{Fault, Timestamp};
use fhir::value::Zone;
use store::{Criterion, Include, ResourceId, SortBy, SortKey, TypeId, TypeSearch};

use super::contained::{Contained, Within};
use super::date::{self, Interval};
use super::interpret::{Interpreter, Miss, no_modifier};
use super::{include, name, sort};
use crate::fhir::outcome::Issue;
use crate::fhir::refusal::General;
use crate::fhir::subset::Subset;
use crate::fhir::types;

/// What is listed decides which parameters there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    Matches,
    Versions,
}

/// The rules of the service that meet the parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) listed: Listed,
    pub(crate) page_default: usize,
    pub(crate) page_most: usize,
    /// Where a time is told that does not say it.
    pub(crate) zone: Zone,
}

/// What is searched, before the parameters say more.
#[derive(Clone)]
pub(crate) struct Searching<'s> {
    pub(crate) interpreter: Interpreter<'s>,
    /// The types that may be found; `_type` leaves fewer.
    pub(crate) types: Vec<TypeId>,
    /// Whether `_type` means something.
    pub(crate) many: bool,
}

/// What the parameters mean.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    /// What must hold of each type that is searched.
    pub(crate) types: Vec<TypeSearch>,
    pub(crate) sort: Vec<SortKey>,
    pub(crate) includes: Vec<Include>,
    /// How many includes are wanted at once.
    pub(crate) includes_count: Option<usize>,
    /// Parameters that select.
    pub(crate) selective: usize,
    /// Whether what is within other resources is searched.
    pub(crate) contained: Contained,
    /// Whether that itself is listed, and not what it is within.
    pub(crate) parts: bool,
    /// The searches of what is within others.
    pub(crate) within: Vec<Within>,
    /// Of a history: from here on.
    pub(crate) since: Option<Timestamp>,
    /// Of a history: up to here.
    pub(crate) before: Option<Timestamp>,
    /// Of a history: what was current at some time of this interval.
    pub(crate) at: Option<Interval>,
    /// Of a history: oldest first.
    pub(crate) ascending: bool,
    /// Of a history: only resources in the List of this id.
    pub(crate) list: Option<ResourceId>,
    /// Of `$lastn`: how many of each code.
    pub(crate) of_each: usize,
    /// Entries of a page.
    pub(crate) count: usize,
    pub(crate) total: Total,
    /// How much of each resource.
    pub(crate) subset: Subset,
    /// `_summary=count` or `_count=0`: the number and nothing else.
    pub(crate) only_total: bool,
    /// Whether to tell how the page was found.
    pub(crate) explain: bool,
    /// The paging token.
    pub(crate) token: Option<String>,
    /// The parameters that were heard, as they were written, without the token.
    pub(crate) heard: Vec<String>,
    /// Those that were not.
    pub(crate) ignored: Vec<Issue>,
    /// What was heard and may find too little.
    pub(crate) gaps: Vec<Issue>,
    /// What was heard and not followed to the letter.
    pub(crate) notes: Vec<Issue>,
}

impl Meaning {
    /// A parameter that says how a page looks, and so means nothing where there is none.
    pub(crate) fn of_a_page(&self) -> Option<&'static str> {
        let all = [
            ("_sort", !self.sort.is_empty()),
            ("_include", !self.includes.is_empty()),
            ("_includesCount", self.includes_count.is_some()),
            ("_summary=count", self.only_total),
            ("_summary or _elements", self.subset != Subset::Whole),
            ("_total", self.total != Total::Unsaid),
            ("_explain", self.explain),
        ];
        all.into_iter().find(|(_, heard)| *heard).map(|(name, _)| name)
    }

    /// Whether finding it may read much of the service, whatever is found.
    pub(crate) fn is_costly(&self) -> bool {
        self.types.iter().any(|of| is_costly(&of.criterion))
            || self.sort.iter().any(|key| matches!(key.by, SortBy::Chain { .. }))
            || self.includes.iter().any(|include| include.iterate)
            || self.explain
    }
}

fn is_costly(criterion: &Criterion) -> bool {
    match criterion {
        Criterion::All(all) | Criterion::Any(all) => all.iter().any(is_costly),
        Criterion::Not(inner) => is_costly(inner),
        Criterion::Shared(shared) => is_costly(&shared.0),
        Criterion::Chain { .. }
        | Criterion::CanonicalChain { .. }
        | Criterion::Has { .. }
        | Criterion::CanonicalHas { .. }
        | Criterion::CompartmentOfAny(_)
        | Criterion::Inside(_)
        | Criterion::Body(_) => true,
        Criterion::Ids(_)
        | Criterion::Keys(_)
        | Criterion::LastUpdated { .. }
        | Criterion::Value(..)
        | Criterion::Present(_)
        | Criterion::Compartment(_) => false,
    }
}

/// How much the client wants to know the number of all matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Total {
    /// Nothing said: given when it costs nothing.
    #[default]
    Unsaid,
    None,
    /// `estimate` too: an exact number is a good estimate.
    Accurate,
}

/// Why parameters cannot be read.
#[derive(Debug)]
pub(crate) enum Unread {
    Wrong(Vec<Issue>),
    Fault(Fault),
}

impl From<Unread> for General {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Wrong(issues) => Self::Content(issues),
            Unread::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// Reads parameters as they stand in a query or a form; `queries` are read as if joined. Without
/// `searching` they are those of a history.
pub(crate) fn read(
    queries: &[&str],
    rules: Rules,
    searching: Option<&Searching<'_>>,
) -> Result<Meaning, Unread> {
    let pairs: Vec<&str> =
        queries.iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()).collect();
    if pairs.len() > SEARCH_PARAMETERS {
        let text = format!(
            "The request has {} parameters; at most {SEARCH_PARAMETERS} are read. Use fewer, \
             or comma-separated values.",
            pairs.len()
        );
        return Err(Unread::Wrong(vec![Issue::error("too-costly", text)]));
    }
    let mut meaning = Meaning { count: rules.page_default, ..Meaning::default() };
    let wanted = searching.map(|searching| searching.wanted(&pairs));
    let (wanted, wrong) = wanted.unwrap_or_default();
    meaning.types = wanted.into_iter().map(TypeSearch::everything).collect();
    let mut reading = Reading { rules, searching, meaning, wrong, fault: None };
    let all = pairs.iter().flat_map(|pair| form_urlencoded::parse(pair.as_bytes()));
    match Subset::of(all) {
        Ok(subset) => reading.meaning.subset = subset,
        Err(why) => reading.wrong.push(Issue::error("value", why)),
    }
    for pair in pairs {
        let (name, value) = decoded(pair);
        if value.is_empty() && !name.is_empty() {
            // R4 ignores them: they are no error, also for who wants to be strict.
            let text = format!("The parameter '{name}' has no value; it was left out.");
            reading.meaning.notes.push(Issue::warning("informational", text));
            continue;
        }
        match reading.parameter(&name, &value) {
            Heard::Yes => reading.meaning.heard.push(pair.to_owned()),
            Heard::Token => reading.meaning.token = Some(value.into_owned()),
            Heard::No(why) => reading.meaning.ignored.push(Issue::warning("not-supported", why)),
            Heard::Wrong(why) => reading.wrong.push(Issue::error("value", why)),
        }
    }
    if reading.meaning.subset == Subset::Text && !reading.meaning.includes.is_empty() {
        let text = "_summary=text cannot be combined with _include and _revinclude.";
        reading.wrong.push(Issue::error("value", text));
    }
    match reading.fault {
        Some(fault) => Err(Unread::Fault(fault)),
        None if reading.wrong.is_empty() => Ok(reading.meaning),
        None => Err(Unread::Wrong(reading.wrong)),
    }
}

/// More digits than fit are more than the most.
fn whole_number(value: &str) -> Option<usize> {
    let plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| value.parse().unwrap_or(usize::MAX))
}

/// R4 searches several types by what all of them know: what only some do is an error.
fn common(name: &str, of_each: Vec<Result<Criterion, Miss>>) -> Result<Vec<Criterion>, Miss> {
    let some = of_each.iter().any(Result::is_ok);
    let all = of_each.into_iter().collect();
    match all {
        Err(Miss::Unknown(why)) if some => Err(Miss::Wrong(format!(
            "{why} A search of several types takes parameters that all of them have; '{name}' is \
             one of some."
        ))),
        other => other,
    }
}

/// The name and the value of one parameter.
pub(crate) fn decoded(pair: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    let decoded = form_urlencoded::parse(pair.as_bytes()).next();
    decoded.unwrap_or((Cow::Borrowed(""), Cow::Borrowed("")))
}

impl Searching<'_> {
    /// The types that `_type` leaves, and what is wrong with it.
    fn wanted(&self, pairs: &[&str]) -> (Vec<TypeId>, Vec<Issue>) {
        let (mut wanted, mut wrong) = (self.types.clone(), Vec::new());
        for (name, value) in pairs.iter().map(|pair| decoded(pair)) {
            if name != "_type" || value.is_empty() || !self.many {
                continue;
            }
            let mut named = Vec::new();
            for name in value.split(',') {
                match types::number(name) {
                    Some(number) => named.push(number),
                    None => {
                        let text = format!("_type: FHIR R4 has no resource type '{name}'.");
                        wrong.push(Issue::error("value", text));
                    }
                }
            }
            wanted.retain(|number| named.contains(number));
        }
        (wanted, wrong)
    }
}

/// Whether a parameter meant something.
enum Heard {
    Yes,
    Token,
    /// A parameter, or a value of it, that is not supported: left out, with a warning.
    No(String),
    /// A value that a known parameter cannot have: 400.
    Wrong(String),
}

struct Reading<'r> {
    rules: Rules,
    searching: Option<&'r Searching<'r>>,
    meaning: Meaning,
    wrong: Vec<Issue>,
    fault: Option<Fault>,
}

impl Reading<'_> {
    fn parameter(&mut self, name: &str, value: &str) -> Heard {
        let searched = self.rules.listed == Listed::Matches;
        match name {
            "_since" if !searched => {
                let bound = bound(name, value, self.rules.zone);
                self.bound(bound, |meaning, from| {
                    meaning.since = Some(meaning.since.map_or(from, |other| other.max(from)));
                })
            }
            "_before" if !searched => {
                let bound = bound(name, value, self.rules.zone);
                self.bound(bound, |meaning, before| {
                    meaning.before = Some(meaning.before.map_or(before, |other| other.min(before)));
                })
            }
            "_at" if !searched => self.at(value),
            "_sort" if !searched => self.history_sort(value),
            "_list" if !searched => self.history_list(value),
            "_count" => self.count(value),
            "_includesCount" if searched => self.includes_count(value),
            "_total" => self.total(value),
            "_summary" => {
                self.meaning.only_total |= value == "count";
                Heard::Yes
            }
            "_explain" if searched => match value {
                "true" | "false" => {
                    self.meaning.explain = value == "true";
                    Heard::Yes
                }
                other => Heard::Wrong(format!("_explain is true or false, not '{other}'.")),
            },
            // They were understood before.
            "_elements" | "_format" | "_pretty" => Heard::Yes,
            "ct" => Heard::Token,
            name if searched => {
                let read = self.search(name, value);
                read.unwrap_or_else(|miss| self.missed(miss))
            }
            name => Heard::No(format!(
                "The parameter '{name}' is not supported. /metadata lists those that are."
            )),
        }
    }

    /// A parameter that only searches have.
    fn search(&mut self, name: &str, value: &str) -> Result<Heard, Miss> {
        let Some(searching) = self.searching else { return Ok(Heard::Yes) };
        let interpreter = &searching.interpreter;
        let types: Vec<TypeId> = self.meaning.types.iter().map(|it| it.resource_type).collect();
        if let Some(kind) = include::kind(name) {
            self.meaning.includes.extend(include::rules(interpreter, &types, kind, value)?);
            return Ok(Heard::Yes);
        }
        match name {
            "_type" if searching.many => return Ok(Heard::Yes),
            "_sort" => {
                self.meaning.sort.extend(sort::keys(interpreter, &types, value)?);
                return Ok(Heard::Yes);
            }
            "_contained" | "_containedType" => return Ok(self.contained(name, value)),
            _ => {}
        }
        if let Some(modifier) = include::unknown_modifier(name) {
            return no_modifier(format!("An include has no modifier '{modifier}', only iterate."));
        }
        let path = name::path(name).map_err(Miss::Wrong)?;
        let criteria = types.into_iter().map(|of| interpreter.criterion(of, &path, value));
        let criteria = common(name, criteria.collect())?;
        for (of, criterion) in self.meaning.types.iter_mut().zip(criteria) {
            match &mut of.criterion {
                Criterion::All(all) => all.push(criterion),
                other => *other = Criterion::All(vec![other.clone(), criterion]),
            }
        }
        self.meaning.selective += 1;
        Ok(Heard::Yes)
    }

    fn contained(&mut self, name: &str, value: &str) -> Heard {
        match (name, value, Contained::read(value)) {
            ("_contained", _, Some(contained)) => self.meaning.contained = contained,
            ("_containedType", "container", _) => self.meaning.parts = false,
            ("_containedType", "contained", _) => self.meaning.parts = true,
            ("_contained", other, _) => {
                return Heard::Wrong(format!("_contained is true, false or both, not '{other}'."));
            }
            (_, other, _) => {
                let text = format!("_containedType is container or contained, not '{other}'.");
                return Heard::Wrong(text);
            }
        }
        Heard::Yes
    }

    fn missed(&mut self, miss: Miss) -> Heard {
        match miss {
            Miss::Unknown(why) => Heard::No(why),
            Miss::Modifier(why) | Miss::Wrong(why) => Heard::Wrong(why),
            Miss::Fault(fault) => {
                self.fault = Some(fault);
                Heard::Yes
            }
        }
    }

    fn bound(
        &mut self,
        bound: Result<Timestamp, String>,
        set: impl FnOnce(&mut Meaning, Timestamp),
    ) -> Heard {
        match bound {
            Ok(moment) => {
                set(&mut self.meaning, moment);
                Heard::Yes
            }
            Err(why) => Heard::Wrong(why),
        }
    }

    fn at(&mut self, value: &str) -> Heard {
        match date::interval_in(value, self.rules.zone) {
            Ok(interval) => {
                self.meaning.at = Some(interval);
                Heard::Yes
            }
            Err(why) => Heard::Wrong(format!("_at: {why}.")),
        }
    }

    fn history_sort(&mut self, value: &str) -> Heard {
        self.meaning.ascending = match value {
            "_lastUpdated" => true,
            "-_lastUpdated" => false,
            other => {
                return Heard::Wrong(format!(
                    "A history is sorted by _lastUpdated or -_lastUpdated, not by '{other}'."
                ));
            }
        };
        Heard::Yes
    }

    fn history_list(&mut self, value: &str) -> Heard {
        let id = ResourceId::new(value.strip_prefix("List/").unwrap_or(value));
        match id {
            Some(id) => {
                self.meaning.list = Some(id);
                Heard::Yes
            }
            None => Heard::Wrong(format!("_list is the id of a List, not '{value}'.")),
        }
    }

    /// As Azure has it: how many includes a page brings, and `$includes` at once.
    fn includes_count(&mut self, value: &str) -> Heard {
        match whole_number(value) {
            Some(count) if count > 0 => {
                self.meaning.includes_count = Some(count.min(INCLUDES_MOST));
                Heard::Yes
            }
            _ => {
                let text = format!("_includesCount is a whole number from 1, not '{value}'.");
                Heard::Wrong(text)
            }
        }
    }

    fn count(&mut self, value: &str) -> Heard {
        let Some(count) = whole_number(value) else {
            return Heard::Wrong(format!("_count is a whole number from 0, not '{value}'."));
        };
        let most = self.rules.page_most;
        if count > most {
            let text = format!(
                "_count={value} is more than a page may hold; pages have {most} entries. \
                 Follow the next links."
            );
            self.meaning.notes.push(Issue::warning("informational", text));
        }
        self.meaning.only_total |= count == 0;
        self.meaning.count = count.min(most);
        Heard::Yes
    }

    fn total(&mut self, value: &str) -> Heard {
        self.meaning.total = match value {
            "none" => Total::None,
            "estimate" | "accurate" => Total::Accurate,
            other => {
                let text = format!("_total is none, estimate or accurate, not '{other}'.");
                return Heard::Wrong(text);
            }
        };
        Heard::Yes
    }
}

/// The beginning of a date that bounds a history.
fn bound(name: &str, value: &str, zone: Zone) -> Result<Timestamp, String> {
    match date::interval_in(value, zone) {
        Ok(Interval { from, .. }) => Ok(Timestamp::from_ticks(from)),
        Err(why) => Err(format!("{name}: {why}.")),
    }
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
