//! <https://hl7.org/fhir/R4/search.html#Introduction>: what the parameters of a listing mean.
//!
//! To add a parameter: an arm in [`Reading::parameter`], and a row in the tests.

use std::borrow::Cow;

use base::Timestamp;
use base::limits::{SEARCH_PARAMETERS, SEARCH_VALUES};
use store::{Criterion, ResourceId};

use super::date::{self, Interval};
use crate::fhir::outcome::Issue;

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
    pub(crate) now: Timestamp,
}

/// What the parameters mean.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    /// All of them must hold.
    pub(crate) criteria: Vec<Criterion>,
    /// Of a history: from here on.
    pub(crate) since: Option<Timestamp>,
    /// Of a history: up to here.
    pub(crate) before: Option<Timestamp>,
    /// Entries of a page.
    pub(crate) count: usize,
    pub(crate) total: Total,
    /// `_summary=count` or `_count=0`: the number and nothing else.
    pub(crate) only_total: bool,
    /// The paging token.
    pub(crate) token: Option<String>,
    /// The parameters that were heard, as they were written, without the token.
    pub(crate) heard: Vec<String>,
    /// Those that were not.
    pub(crate) ignored: Vec<Issue>,
    /// What was heard and not followed to the letter.
    pub(crate) notes: Vec<Issue>,
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

/// Reads parameters as they stand in a query or a form; `queries` are read as if joined.
pub(crate) fn read(queries: &[&str], rules: Rules) -> Result<Meaning, Vec<Issue>> {
    let pairs: Vec<&str> =
        queries.iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()).collect();
    if pairs.len() > SEARCH_PARAMETERS {
        let text = format!(
            "The request has {} parameters; at most {SEARCH_PARAMETERS} are read. Use fewer, \
             or comma-separated values.",
            pairs.len()
        );
        return Err(vec![Issue::error("too-costly", text)]);
    }
    let meaning = Meaning { count: rules.page_default, ..Meaning::default() };
    let mut reading = Reading { rules, meaning, wrong: Vec::new() };
    for pair in pairs {
        let decoded = form_urlencoded::parse(pair.as_bytes()).next();
        let (name, value) = decoded.unwrap_or((Cow::Borrowed(""), Cow::Borrowed("")));
        match reading.parameter(&name, &value) {
            Heard::Yes => reading.meaning.heard.push(pair.to_owned()),
            Heard::Token => reading.meaning.token = Some(value.into_owned()),
            Heard::No(why) => reading.meaning.ignored.push(Issue::warning("not-supported", why)),
            Heard::Wrong(why) => reading.wrong.push(Issue::error("value", why)),
        }
    }
    if reading.wrong.is_empty() { Ok(reading.meaning) } else { Err(reading.wrong) }
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

struct Reading {
    rules: Rules,
    meaning: Meaning,
    wrong: Vec<Issue>,
}

impl Reading {
    fn parameter(&mut self, name: &str, value: &str) -> Heard {
        let searched = self.rules.listed == Listed::Matches;
        match name {
            "_id" | "_lastUpdated" if searched && value.is_empty() => {
                Heard::No(format!("The parameter '{name}' has no value."))
            }
            "_id" if searched => self.ids(value),
            "_lastUpdated" if searched => self.last_updated(value),
            "_since" if !searched => {
                let bound = bound(name, value);
                self.bound(bound, |meaning, from| {
                    meaning.since = Some(meaning.since.map_or(from, |other| other.max(from)));
                })
            }
            "_before" if !searched => {
                let bound = bound(name, value);
                self.bound(bound, |meaning, before| {
                    meaning.before = Some(meaning.before.map_or(before, |other| other.min(before)));
                })
            }
            "_count" => self.count(value),
            "_total" => self.total(value),
            "_summary" => self.summary(value),
            // Both were understood before the interaction began.
            "_format" | "_pretty" => Heard::Yes,
            "ct" => Heard::Token,
            name => Heard::No(format!(
                "The parameter '{name}' is not supported. /metadata lists those that are."
            )),
        }
    }

    fn ids(&mut self, value: &str) -> Heard {
        let values = values(value);
        if values.len() > SEARCH_VALUES {
            return too_many("_id", values.len());
        }
        // What cannot be an id matches nothing.
        let ids = values.iter().filter_map(|value| ResourceId::new(value)).collect();
        self.meaning.criteria.push(Criterion::Ids(ids));
        Heard::Yes
    }

    fn last_updated(&mut self, value: &str) -> Heard {
        let values = values(value);
        if values.len() > SEARCH_VALUES {
            return too_many("_lastUpdated", values.len());
        }
        let mut matched = Vec::new();
        for value in values {
            match date::matched(&value, self.rules.now) {
                Ok(intervals) => matched.extend(intervals),
                Err(why) => return Heard::Wrong(format!("_lastUpdated: {why}.")),
            }
        }
        self.meaning.criteria.extend(criteria(&date::union(matched)));
        Heard::Yes
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

    fn count(&mut self, value: &str) -> Heard {
        let plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        if !plain {
            return Heard::Wrong(format!("_count is a whole number from 0, not '{value}'."));
        }
        let most = self.rules.page_most;
        // More digits than fit are more than the most.
        let count = value.parse().unwrap_or(usize::MAX);
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

    fn summary(&mut self, value: &str) -> Heard {
        match value {
            "count" => {
                self.meaning.only_total = true;
                Heard::Yes
            }
            "false" => Heard::Yes,
            "true" | "text" | "data" => {
                Heard::No(format!("_summary={value} is not supported yet: resources are complete."))
            }
            other => Heard::Wrong(format!(
                "_summary is count, false, true, text or data, not '{other}'."
            )),
        }
    }
}

fn too_many(name: &str, found: usize) -> Heard {
    Heard::Wrong(format!("{name} has {found} values; at most {SEARCH_VALUES} are read at once."))
}

/// The beginning of a date that bounds a history.
fn bound(name: &str, value: &str) -> Result<Timestamp, String> {
    match date::interval(value) {
        Ok(Interval { from, .. }) => Ok(Timestamp::from_ticks(from)),
        Err(why) => Err(format!("{name}: {why}.")),
    }
}

/// The values between commas; `\,`, `\$`, `\|` and `\\` stand for themselves.
fn values(text: &str) -> Vec<String> {
    let (mut values, mut value, mut escaped) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        match character {
            '\\' if !escaped => escaped = true,
            ',' if !escaped => values.push(std::mem::take(&mut value)),
            other => {
                if escaped && !matches!(other, ',' | '$' | '|' | '\\') {
                    value.push('\\');
                }
                value.push(other);
                escaped = false;
            }
        }
    }
    if escaped {
        value.push('\\');
    }
    values.push(value);
    values
}

/// A union of intervals as conditions that hold together: within its hull and in none of its gaps.
fn criteria(union: &[Interval]) -> Vec<Criterion> {
    let (Some(first), Some(last)) = (union.first(), union.last()) else {
        return vec![Criterion::Ids(Vec::new())];
    };
    let from = (first.from != i64::MIN).then(|| Timestamp::from_ticks(first.from));
    let before = (last.before != i64::MAX).then(|| Timestamp::from_ticks(last.before));
    let mut criteria = vec![Criterion::LastUpdated { from, before }];
    criteria.extend(union.iter().zip(union.iter().skip(1)).map(|(left, right)| {
        let from = Some(Timestamp::from_ticks(left.before));
        Criterion::NotLastUpdated { from, before: Some(Timestamp::from_ticks(right.from)) }
    }));
    criteria
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
