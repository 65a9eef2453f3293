//! <https://hl7.org/fhir/R4/observation-operation-lastn.html>
//!
//! A search of Observations of which the last of each code are left; its pages, totals and links
//! are those of a search.

use std::cmp::Reverse;
use std::collections::HashMap;

use authority::DataAction;
use fhir::search::Interval;
use json::Value;
use store::{Page, Rid, SearchError, SearchPlan, Snapshot, TypeId};

use super::Input;
use super::input::wrong;
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::outcome::{Issue, Outcome};
use crate::fhir::refusal::General;
use crate::fhir::search::interpret::Interpreter;
use crate::fhir::search::listing::{self, Listing};
use crate::fhir::search::parameters::{self, Meaning, Rules, Searching};
use crate::fhir::values::Indexing;
use crate::fhir::{resource, types};

/// Observations that are read at one time.
const READ_AT_ONCE: usize = 256;

/// `[base]/Observation/$lastn`: of the Observations that match, the newest `max` of each code.
pub(crate) async fn lastn(cx: &Context<'_>, input: &Input) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Read)?;
    let form = input.form()?;
    Ok(listing::list(cx, Listing::LastN, &[cx.query, &form]).await?)
}

/// What the parameters mean: those of a search, `max`, and the two that have to be there.
pub(crate) fn meaning(
    interpreter: &Interpreter<'_>,
    queries: &[&str],
    rules: Rules,
) -> Result<Meaning, listing::Refusal> {
    let pairs: Vec<&str> = queries.iter().flat_map(|query| query.split('&')).collect();
    let max = pairs.iter().map(|pair| parameters::decoded(pair)).rfind(|(name, _)| name == "max");
    let max = max.map_or(Ok(1), |(_, value)| positive(&value))?;
    let own = |pair: &&str| matches!(&*parameters::decoded(pair).0, "max" | "_sort");
    let (own, others): (Vec<&str>, Vec<&str>) = pairs.iter().copied().partition(own);
    let searching =
        Searching { interpreter: *interpreter, types: vec![observation()?], many: false };
    // All of the last belong together; who wants pages of them says so.
    let rules = Rules { page_default: rules.page_most, ..rules };
    let read = parameters::read(&[&others.join("&")], rules, Some(&searching));
    let mut meaning = read.map_err(General::from)?;
    required(&meaning)?;
    for pair in own {
        if pair.starts_with("max") {
            meaning.heard.push(pair.to_owned());
        } else {
            let text = "$lastn gives the newest first; _sort means nothing to it.";
            meaning.ignored.push(Issue::warning("not-supported", text));
        }
    }
    meaning.of_each = max;
    Ok(meaning)
}

fn observation() -> Result<TypeId, General> {
    types::number("Observation").ok_or_else(|| General::bug("R4 has no Observation"))
}

/// Refuses a request that names nobody, or no kind of Observation; also where it did, by a
/// parameter that was left out.
fn required(meaning: &Meaning) -> Result<(), General> {
    let (mut subject, mut code) = (false, false);
    for pair in &meaning.heard {
        let (name, _) = parameters::decoded(pair);
        let head = name.split([':', '.']).next().unwrap_or_default();
        subject |= matches!(head, "patient" | "subject");
        // R4: `category`, or a parameter with a code in its expression, such as `combo-code`.
        code |= head == "category" || (!head.starts_with('_') && head.contains("code"));
    }
    let missing = |what: &str| {
        let issue = Issue::error("required", format!("$lastn needs {what}."));
        let left_out =
            meaning.ignored.iter().map(|it| Issue::error("not-supported", &it.diagnostics));
        Err(General::Content(std::iter::once(issue).chain(left_out).collect()))
    };
    match (subject, code) {
        (true, true) => Ok(()),
        (false, _) => missing("a subject: give patient=ID or subject=TYPE/ID"),
        (true, false) => missing("a kind of Observation: give category, or code or one like it"),
    }
}

fn positive(text: &str) -> Result<usize, General> {
    let number = text.parse().ok().filter(|max| *max > 0);
    number.ok_or_else(|| wrong("value", format!("max is a whole number from 1, not '{text}'.")))
}

/// The last of each code among what a plan finds.
pub(crate) struct LastN {
    pub(crate) plan: SearchPlan,
    pub(crate) of_each: usize,
    pub(crate) indexing: Indexing,
}

/// An Observation that matches.
#[derive(Clone, Copy)]
struct Observed {
    rid: Rid,
    /// Its effective time; the later end counts, as in a sort.
    when: Option<(i64, i64)>,
    group: usize,
}

impl LastN {
    /// One page of them, newest first. Blocks.
    pub(crate) fn page(&self, snapshot: &Snapshot) -> Result<Page, SearchError> {
        let mut left = self.chosen(snapshot)?;
        if let Some(after) = self.plan.after {
            let last = left.iter().position(|rid| *rid == after);
            left.drain(..=last.ok_or(SearchError::Expired)?);
        }
        let more = left.len() > self.plan.most;
        left.truncate(self.plan.most);
        Ok(Page { rids: left, more })
    }

    /// How many there are on all pages. Blocks.
    pub(crate) fn count(&self, snapshot: &Snapshot) -> Result<u64, SearchError> {
        Ok(u64::try_from(self.chosen(snapshot)?.len()).unwrap_or(u64::MAX))
    }

    fn chosen(&self, snapshot: &Snapshot) -> Result<Vec<Rid>, SearchError> {
        let whole = SearchPlan { after: None, most: usize::MAX - 1, ..self.plan.clone() };
        let matches = snapshot.search(&whole)?.rids;
        let (mut groups, mut all) = (Groups::default(), Vec::with_capacity(matches.len()));
        for rids in matches.chunks(READ_AT_ONCE) {
            if self.plan.stop.is_set() {
                return Err(SearchError::Stopped);
            }
            for version in snapshot.versions(rids)? {
                let document = resource::body(&version)?;
                let when = self.indexing.date(version.key.resource_type, document.root());
                let when = when.map(|Interval { low, high }| (high, low));
                let group = groups.join(names(document.root()));
                all.push(Observed { rid: version.rid, when, group });
            }
        }
        Ok(last(all, &mut groups, self.of_each))
    }
}

/// Of each group the newest, and what is as new as the last of them; newest first.
fn last(mut all: Vec<Observed>, groups: &mut Groups, of_each: usize) -> Vec<Rid> {
    // Without a time it is older than any; of the same time what was stored last is first.
    all.sort_unstable_by_key(|it| Reverse((it.when, it.rid)));
    let mut taken: HashMap<usize, (usize, Option<(i64, i64)>)> = HashMap::new();
    all.retain(|it| {
        let (count, newest) = taken.entry(groups.root(it.group)).or_default();
        let is_tie = *count > 0 && it.when.is_some() && it.when == *newest;
        let is_last = *count < of_each || is_tie;
        if is_last {
            (*count, *newest) = (*count + 1, it.when);
        }
        is_last
    });
    all.into_iter().map(|it| it.rid).collect()
}

/// What a code is known by.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Name {
    Coding { system: Option<String>, code: String },
    Text(String),
}

/// The names of an Observation's code: its codings, else its text.
fn names(observation: Value<'_>) -> Vec<Name> {
    let Some(concept) = observation.get("code") else { return Vec::new() };
    let text = |of: Value<'_>, key| Some(of.get(key)?.as_str()?.into_owned());
    let codings = concept.get("coding").into_iter().flat_map(Value::elements);
    let codings = codings.filter_map(|coding| {
        Some(Name::Coding { system: text(coding, "system"), code: text(coding, "code")? })
    });
    let codings: Vec<Name> = codings.collect();
    match codings.is_empty() {
        true => text(concept, "text").map(Name::Text).into_iter().collect(),
        false => codings,
    }
}

/// Codes that mean the same: the codings of one concept, and all that share one of them.
#[derive(Default)]
struct Groups {
    numbers: HashMap<Name, usize>,
    /// The group that a group became a part of; itself when there is none.
    parents: Vec<usize>,
}

impl Groups {
    /// The group of these names, which are one from now on. Without a name it stands alone.
    fn join(&mut self, names: Vec<Name>) -> usize {
        let own = self.parents.len();
        self.parents.push(own);
        for name in names {
            let number = *self.numbers.entry(name).or_insert(own);
            let (root, joined) = (self.root(number), self.root(own));
            if let Some(parent) = self.parents.get_mut(joined) {
                *parent = root;
            }
        }
        own
    }

    fn root(&mut self, mut of: usize) -> usize {
        while let Some(&parent) = self.parents.get(of).filter(|parent| **parent != of) {
            let above = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(place) = self.parents.get_mut(of) {
                *place = above;
            }
            of = above;
        }
        of
    }
}

#[cfg(test)]
mod tests {
    use json::{Document, Limits};

    use super::*;

    /// Observations as `codes@time`, oldest rid first; which are the last, as letters a, b, c…
    fn check(of_each: usize, observed: &[&str], expected: &str) {
        let mut groups = Groups::default();
        let all = observed.iter().zip(0..).map(|(text, rid)| {
            let (codes, when) = text.split_once('@').expect("codes@time");
            let when = when.parse().ok().map(|time| (time, time));
            let codes = codes.split(',').filter(|code| !code.is_empty());
            let names = codes.map(|code| Name::Text(code.to_owned())).collect();
            Observed { rid: Rid(rid), when, group: groups.join(names) }
        });
        let all: Vec<Observed> = all.collect();
        let letter = |rid: Rid| char::from(b'a' + u8::try_from(rid.0).expect("few"));
        let found: String = last(all, &mut groups, of_each).into_iter().map(letter).collect();
        assert_eq!(found, expected, "{observed:?}");
    }

    #[test]
    fn the_last_of_each_code_are_left() {
        check(1, &["x@1", "x@3", "x@2", "y@1"], "bd");
        check(2, &["x@1", "x@3", "x@2", "y@1"], "bcd");
        check(1, &["x@2", "x@1", "x@2"], "ca");
        check(2, &["x@3", "x@2", "x@2", "x@1"], "acb");
        check(1, &["x@", "x@1"], "b");
        check(1, &["x@", "x@"], "b");
        check(3, &["x@", "x@1"], "ba");
        check(1, &["@1", "@2"], "ba");
        check(1, &[], "");
    }

    #[test]
    fn codes_that_share_a_coding_are_one() {
        check(1, &["a@3", "b@2", "c@1"], "abc");
        check(1, &["a@3", "b@2", "a,c@1"], "ab");
        check(1, &["a@3", "b@2", "a,b@1"], "a");
        check(1, &["a,b@1", "c,d@2", "b,c@3", "d@4", "e@0"], "de");
        check(1, &["a@1", "a,a@2"], "b");
    }

    #[test]
    fn a_code_is_its_codings_else_its_text() {
        let found = |code: &str| {
            let text = format!(r#"{{"code":{code}}}"#);
            let document = Document::parse(text, &Limits::default()).expect("JSON");
            format!("{:?}", names(document.root()))
        };
        for (code, expected) in [
            (r#"{"text":"t e x t"}"#, r#"[Text("t e x t")]"#),
            (r#"{"text":"t","coding":[{"code":"c"}]}"#, r#"[Coding { system: None, code: "c" }]"#),
            (
                r#"{"coding":[{"system":"s","code":"c"},{"display":"d"}]}"#,
                r#"[Coding { system: Some("s"), code: "c" }]"#,
            ),
            (r#"{"coding":[{"display":"d"}]}"#, "[]"),
        ] {
            assert_eq!(found(code), expected, "{code}");
        }
    }

    #[test]
    fn a_subject_and_a_kind_have_to_be_named() {
        for (heard, word) in [
            (&["patient=1", "category=c"][..], ""),
            (&["subject:Patient.identifier=1", "combo-code=c"], ""),
            (&["patient=1", "code-value-concept=c"], ""),
            (&["category=c"], "subject"),
            (&["category=c"], "left out"),
            (&["patient=1"], "kind"),
            (&["patient=1", "_has:Encoding:code=c"], "kind"),
        ] {
            let heard = heard.iter().map(|&pair| pair.to_owned()).collect();
            let ignored = vec![Issue::warning("not-supported", "was left out")];
            let said = required(&Meaning { heard, ignored, ..Meaning::default() });
            let said = said.err().map(|refusal| format!("{refusal:?}"));
            assert!(said.as_ref().map_or(word.is_empty(), |it| it.contains(word)), "{said:?}");
        }
    }
}
