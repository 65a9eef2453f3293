//! <https://hl7.org/fhir/R4/search.html>: from the name and the value of a parameter to what must
//! hold of a resource.
//!
//! To add a modifier: an arm in the file of its type of search. What cannot be understood is a
//! [`Miss`], and whoever asked decides whether that is a warning.

use base::limits::SEARCH_VALUES;
use base::{Fault, Timestamp};
use fhir::definitions::{Registry, SearchKind};
use store::{Address, Criterion, Key, ResourceId, Snapshot, TypeId, TypeSearch};

use super::catalogue::{Catalogue, Known};
use super::date::{self, Dates};
use super::gaps::Gaps;
use super::name::Path;
use super::{contained, filter, near, test, text, words};
use crate::fhir::types;
use crate::fhir::values::Indexing;
use crate::index::Index;
use crate::registry::LooseSystems;

/// All that a search is understood with.
#[derive(Clone, Copy)]
pub(crate) struct Interpreter<'i> {
    pub(crate) catalogue: &'i Catalogue,
    /// Reads what is within bodies, when it is asked for.
    pub(crate) indexing: &'i Indexing,
    /// Which parameters find everything; none is all of them.
    pub(crate) index: Option<&'i Index>,
    pub(crate) registry: &'i Registry,
    /// Systems of codes that are the same in any case.
    pub(crate) loose: &'i LooseSystems,
    /// The names of the service, without trailing slashes.
    pub(crate) bases: &'i [String],
    pub(crate) now: Timestamp,
    pub(crate) dates: Dates,
    /// Where value sets are found that are named by their address.
    pub(crate) snapshot: &'i Snapshot,
    /// What was heard and may find too little.
    pub(crate) gaps: &'i Gaps,
}

/// What must hold of a resource of a type at the end of a path: by the name of a parameter and its
/// modifier.
type End<'e> = dyn Fn(TypeId, &str, Option<&str>) -> Result<Criterion, Miss> + 'e;

/// What must hold of a resource of a type that a reference leads to, or from.
type Then<'t> = dyn Fn(TypeId) -> Result<Criterion, Miss> + 't;

/// Why a parameter means nothing.
#[derive(Debug)]
pub(crate) enum Miss {
    /// No such parameter, or one that is not supported.
    Unknown(String),
    /// A modifier that a known parameter does not have: R4 wants it refused.
    Modifier(String),
    /// A value that a known parameter cannot have.
    Wrong(String),
    Fault(Fault),
}

impl Miss {
    /// What it says, for people.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Unknown(why) | Self::Modifier(why) | Self::Wrong(why) => why.clone(),
            Self::Fault(fault) => fault.to_string(),
        }
    }
}

impl From<Fault> for Miss {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

pub(crate) fn wrong<T>(text: impl Into<String>) -> Result<T, Miss> {
    Err(Miss::Wrong(text.into()))
}

pub(crate) fn no_modifier<T>(text: impl Into<String>) -> Result<T, Miss> {
    Err(Miss::Modifier(text.into()))
}

pub(crate) fn unknown<T>(text: impl Into<String>) -> Result<T, Miss> {
    Err(Miss::Unknown(text.into()))
}

impl Interpreter<'_> {
    /// What must hold of a resource of the type.
    pub(crate) fn criterion(
        &self,
        of: TypeId,
        path: &Path<'_>,
        value: &str,
    ) -> Result<Criterion, Miss> {
        self.along(of, path, &|of, code, modifier| self.plain(of, code, modifier, value))
    }

    /// What must hold of a resource of the type, by what must hold at the end of the path.
    pub(crate) fn along(
        &self,
        of: TypeId,
        path: &Path<'_>,
        end: &End<'_>,
    ) -> Result<Criterion, Miss> {
        match path {
            Path::Plain { code, modifier } => end(of, code, *modifier),
            Path::Chain { code, target, rest } => {
                self.lead(of, (code, *target), &|of| self.along(of, rest, end))
            }
            Path::Has { source, reference, rest } => {
                self.has(of, (source, reference), &|of| self.along(of, rest, end))
            }
        }
    }

    /// A reference leads to a resource that `then` holds for.
    pub(crate) fn lead(
        &self,
        of: TypeId,
        (code, target): (&str, Option<&str>),
        then: &Then<'_>,
    ) -> Result<Criterion, Miss> {
        let known = self.reference(of, code)?;
        let targets = targets(known, target)?;
        let mut found = Vec::new();
        let mut missed = None;
        for resource_type in targets {
            match then(resource_type) {
                Ok(criterion) => found.push(TypeSearch { resource_type, criterion }),
                Err(miss @ (Miss::Unknown(_) | Miss::Modifier(_))) => {
                    missed = missed.or(Some(miss));
                }
                Err(miss) => return Err(miss),
            }
        }
        if found.is_empty() {
            let nowhere = || Miss::Unknown(format!("'{code}' leads to no type."));
            return Err(missed.unwrap_or_else(nowhere));
        }
        let mut any = vec![Criterion::Inside(contained::inside(self, of, &found, Some(known.id)))];
        let canonicals = found.iter().filter_map(|target| {
            Some((self.address(known, target.resource_type)?, target.clone()))
        });
        let targets: Vec<_> = canonicals.collect();
        if !targets.is_empty() {
            any.push(Criterion::CanonicalChain { parameter: known.id, targets });
        }
        any.push(Criterion::Chain { parameter: known.id, targets: found });
        Ok(Criterion::Any(any))
    }

    fn has(
        &self,
        of: TypeId,
        (source, reference): (&str, &str),
        then: &Then<'_>,
    ) -> Result<Criterion, Miss> {
        let Some(resource_type) = types::number(source) else {
            return unknown(format!("_has: FHIR R4 has no resource type '{source}'."));
        };
        let known = self.reference(resource_type, reference)?;
        if !known.of.targets.is_empty() && !known.of.targets.contains(&of) {
            let name = types::name(of);
            return unknown(format!("_has: {source}.{reference} does not refer to {name}."));
        }
        let criterion = then(resource_type)?;
        let source = Box::new(TypeSearch { resource_type, criterion });
        let parameter = known.id;
        let Some(address) = self.address(known, of) else {
            return Ok(Criterion::Has { source, parameter });
        };
        let by_url = Criterion::CanonicalHas { source: source.clone(), parameter, address };
        Ok(Criterion::Any(vec![Criterion::Has { source, parameter }, by_url]))
    }

    /// By what a reference parameter may name resources of a type besides their place: only types
    /// that it lists, and only those that have a canonical URL.
    pub(crate) fn address(&self, known: &Known, of: TypeId) -> Option<Address> {
        let is_listed = known.of.targets.contains(&of);
        let url = self.catalogue.find(of, "url").filter(|url| url.of.kind == SearchKind::Uri)?;
        let version = self.catalogue.find(of, "version").map(|known| known.id);
        is_listed.then_some(Address { resource_type: of, url: url.id, version })
    }

    /// A parameter of type reference.
    pub(crate) fn reference(&self, of: TypeId, code: &str) -> Result<&Known, Miss> {
        let known = self.find(of, code)?;
        if known.of.kind == SearchKind::Reference {
            return Ok(known);
        }
        let name = types::name(of);
        unknown(format!("'{code}' of {name} is no reference, and only a reference leads on."))
    }

    /// A parameter of the type.
    pub(crate) fn find(&self, of: TypeId, code: &str) -> Result<&Known, Miss> {
        if let Some(known) = self.catalogue.find(of, code) {
            return self.complete(of, known);
        }
        let name = types::name(of);
        let meant = self.meant(of, code);
        let meant = meant.map(|meant| format!(" Did you mean '{meant}'?")).unwrap_or_default();
        unknown(format!(
            "{name} has no search parameter '{code}'.{meant} The list is in /metadata."
        ))
    }

    /// The parameter, when it is in use and its index has everything that was stored before it.
    pub(crate) fn complete<'k>(&self, of: TypeId, known: &'k Known) -> Result<&'k Known, Miss> {
        if self.index.is_some_and(|index| index.is_disabled(&known.url)) {
            return unknown(format!(
                "The search parameter '{}' of {} is disabled. PUT [base]/SearchParameter/$status \
                 with status Supported enables it.",
                known.code,
                types::name(of)
            ));
        }
        self.indexed(of, known)
    }

    /// The parameter, when its index has everything that was stored before it.
    fn indexed<'k>(&self, of: TypeId, known: &'k Known) -> Result<&'k Known, Miss> {
        if self.index.is_none_or(|index| index.is_complete(known)) {
            return Ok(known);
        }
        unknown(format!(
            "The index of '{}' of {} is not complete yet, so a search by it would find too little. \
             POST [base]/$reindex completes it; GET [base]/SearchParameter/$status tells.",
            known.code,
            types::name(of)
        ))
    }

    /// What somebody meant who wrote a name that is nearly one.
    fn meant(&self, of: TypeId, code: &str) -> Option<&str> {
        let letters = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
        let wanted = letters(code);
        let all = self.catalogue.of_type(of).known().map(|known| &*known.code);
        all.into_iter().find(|known| is_near(&letters(known), &wanted))
    }

    /// A parameter of the type itself.
    pub(crate) fn plain(
        &self,
        of: TypeId,
        code: &str,
        modifier: Option<&str>,
        value: &str,
    ) -> Result<Criterion, Miss> {
        match code {
            "_id" | "_lastUpdated" if modifier == Some("missing") => {
                missing(code, value, Criterion::everything())
            }
            "_id" => negated("_id", modifier, ids(value)?),
            "_lastUpdated" => negated("_lastUpdated", modifier, self.last_updated(value)?),
            "_list" if modifier.is_none() => self.list(of, value),
            "_filter" if modifier.is_none() => filter::filter(self, of, value),
            "_text" | "_content" if modifier.is_none() => words::body_test(code, value),
            "_not-referenced" if modifier.is_none() => self.not_referenced(of, value),
            "_list" | "_filter" | "_text" | "_content" | "_not-referenced" => {
                no_modifier(format!("{code} has no modifiers."))
            }
            "_has" => unknown(
                "_has names a type, its reference and its parameter: \
                 _has:Observation:patient:code.",
            ),
            "_query" => wrong("_query: named queries are not supported. Search by parameters."),
            "near" if types::name(of) == "Location" && modifier.is_none() => {
                near::near(self.find(of, code)?.id, value)
            }
            "url" if modifier.is_none() && text::parts(value, '|').len() > 1 => {
                self.versioned_url(of, value)
            }
            code => self.parameter(self.find(of, code)?, modifier, value),
        }
    }

    /// <https://hl7.org/fhir/R4/search.html#uri>: `url|version` of a resource that has both.
    fn versioned_url(&self, of: TypeId, value: &str) -> Result<Criterion, Miss> {
        let (url, versions) = (self.find(of, "url")?, self.catalogue.find(of, "version"));
        let mut any = Vec::new();
        for value in values("url", value)? {
            any.push(match (text::parts(value, '|').as_slice(), versions) {
                ([address, version], Some(versions)) if !version.is_empty() => {
                    Criterion::All(vec![
                        self.parameter(url, None, address)?,
                        self.parameter(versions, None, version)?,
                    ])
                }
                _ => self.parameter(url, None, value)?,
            });
        }
        Ok(one_or_any(any))
    }

    /// A parameter that is indexed.
    pub(crate) fn parameter(
        &self,
        known: &Known,
        modifier: Option<&str>,
        value: &str,
    ) -> Result<Criterion, Miss> {
        let code = &known.code;
        if modifier == Some("missing") {
            return missing(code, value, Criterion::Present(known.id));
        }
        let values = values(code, value)?;
        let (modifier, negates) = match modifier {
            Some("not") => (None, true),
            Some("not-in") => (Some("in"), true),
            other => (other, false),
        };
        if negates && known.of.kind != SearchKind::Token {
            return no_modifier(format!("The modifier of '{code}' is for tokens only."));
        }
        let mut any = Vec::with_capacity(values.len());
        for value in values {
            let criteria = test::criteria(self, known, modifier, value);
            any.extend(criteria.map_err(|miss| match miss {
                Miss::Wrong(why) => Miss::Wrong(format!("{code}: {why}.")),
                other => other,
            })?);
        }
        let any = one_or_any(any);
        Ok(if negates { Criterion::Not(Box::new(any)) } else { any })
    }

    fn last_updated(&self, value: &str) -> Result<Criterion, Miss> {
        let mut matched = Vec::new();
        for value in values("_lastUpdated", value)? {
            match date::matched(&text::plain(value), (self.now, self.dates.zone)) {
                Ok(intervals) => matched.extend(intervals),
                Err(why) => return wrong(format!("_lastUpdated: {why}.")),
            }
        }
        let bound = |ticks: i64, open: i64| (ticks != open).then(|| Timestamp::from_ticks(ticks));
        let any = date::union(matched).into_iter().map(|interval| Criterion::LastUpdated {
            from: bound(interval.from, i64::MIN),
            before: bound(interval.before, i64::MAX),
        });
        Ok(one_or_any(any.collect()))
    }

    /// <https://hl7.org/fhir/R4/search.html#list>: what a List has an item for.
    fn list(&self, of: TypeId, value: &str) -> Result<Criterion, Miss> {
        let Some(resource_type) = types::number("List") else { return unknown("_list") };
        let item = self.find(resource_type, "item")?;
        if let Some(name) = values("_list", value)?.into_iter().find(|it| it.starts_with('$')) {
            return wrong(format!(
                "_list: the functional list '{name}' is not kept here. Name a List by its id, or \
                 search by what makes the list, such as Condition?clinical-status=active."
            ));
        }
        if !item.of.targets.is_empty() && !item.of.targets.contains(&of) {
            return Ok(Criterion::nothing());
        }
        let source = Box::new(TypeSearch { resource_type, criterion: ids(value)? });
        Ok(Criterion::Has { source, parameter: item.id })
    }

    /// Azure's `_not-referenced=*:*`, `Encounter:*`, `Encounter:subject`.
    fn not_referenced(&self, of: TypeId, value: &str) -> Result<Criterion, Miss> {
        let Some((source, code)) = value.split_once(':') else {
            return wrong(format!(
                "_not-referenced is TYPE:PARAMETER, TYPE:* or *:*, not '{value}'."
            ));
        };
        let sources: Vec<TypeId> = match source {
            "*" => types::numbers().collect(),
            name => match types::number(name) {
                Some(number) => vec![number],
                None => return wrong(format!("_not-referenced: there is no type '{name}'.")),
            },
        };
        if let ([only], true) = (sources.as_slice(), code != "*") {
            self.reference(*only, code)?;
        }
        let is_named = |number: &TypeId| self.reference(*number, code).is_ok();
        if code != "*" && !sources.iter().any(is_named) {
            return unknown(format!("_not-referenced: no type has a reference '{code}'."));
        }
        let mut any = Vec::new();
        for resource_type in sources {
            let all = self.catalogue.references(resource_type);
            let named = all.filter(|known| code == "*" || *known.code == *code);
            for known in named.filter(|known| known.of.targets.contains(&of)) {
                // A row that is not there yet would make somebody nobody refers to.
                self.indexed(resource_type, known)?;
                let criterion = Criterion::everything();
                let source = Box::new(TypeSearch { resource_type, criterion });
                any.push(Criterion::Has { source, parameter: known.id });
            }
        }
        Ok(Criterion::Not(Box::new(Criterion::Any(any))))
    }

    /// What of a URL stands below a name of the service.
    pub(crate) fn local<'u>(&self, url: &'u str) -> Option<&'u str> {
        local(self.bases, url)
    }

    /// The current resource, when it is there.
    pub(crate) fn stored(&self, key: &Key) -> Result<Option<store::Version>, Fault> {
        Ok(self.snapshot.current(key)?.filter(|version| !version.is_deletion()))
    }
}

/// What of a URL stands below a name of the service.
pub(crate) fn local<'u>(bases: &[String], url: &'u str) -> Option<&'u str> {
    bases.iter().find_map(|base| url.strip_prefix(base.as_str())?.strip_prefix('/'))
}

/// The types that a reference is followed to.
pub(crate) fn targets(known: &Known, target: Option<&str>) -> Result<Vec<TypeId>, Miss> {
    let Some(name) = target else {
        let all = || types::numbers().collect();
        return Ok(if known.of.targets.is_empty() { all() } else { known.of.targets.clone() });
    };
    let Some(number) = types::number(name) else {
        let text = format!("'{}:{name}': FHIR R4 has no resource type '{name}'.", known.code);
        return no_modifier(text);
    };
    if !known.of.targets.is_empty() && !known.of.targets.contains(&number) {
        return no_modifier(format!("'{}' does not refer to {name}.", known.code));
    }
    Ok(vec![number])
}

/// The values between commas, still escaped; empty ones mean nothing.
pub(crate) fn values<'v>(code: &str, value: &'v str) -> Result<Vec<&'v str>, Miss> {
    let values: Vec<&str> =
        text::parts(value, ',').into_iter().filter(|value| !value.is_empty()).collect();
    match values.len() {
        0 => unknown(format!("The parameter '{code}' has no value.")),
        found if found > SEARCH_VALUES => {
            wrong(format!("{code} has {found} values; at most {SEARCH_VALUES} are read at once."))
        }
        _ => Ok(values),
    }
}

/// What cannot be an id matches nothing.
fn ids(value: &str) -> Result<Criterion, Miss> {
    let values = values("_id", value)?.into_iter().map(text::plain);
    Ok(Criterion::Ids(values.filter_map(|value| ResourceId::new(&value)).collect()))
}

/// Of the store's own parameters, which no resource lacks.
fn negated(code: &str, modifier: Option<&str>, criterion: Criterion) -> Result<Criterion, Miss> {
    match modifier {
        None => Ok(criterion),
        Some("not") if code == "_id" => Ok(Criterion::Not(Box::new(criterion))),
        Some(other) => no_modifier(format!("The modifier '{other}' means nothing for {code}.")),
    }
}

fn missing(code: &str, value: &str, present: Criterion) -> Result<Criterion, Miss> {
    match value {
        "false" => Ok(present),
        "true" => Ok(Criterion::Not(Box::new(present))),
        other => wrong(format!("{code}:missing is true or false, not '{other}'.")),
    }
}

/// The one, or any of them.
pub(crate) fn one_or_any(mut any: Vec<Criterion>) -> Criterion {
    match any.pop() {
        Some(only) if any.is_empty() => only,
        Some(last) => {
            any.push(last);
            Criterion::Any(any)
        }
        None => Criterion::nothing(),
    }
}

/// Whether two names differ in one letter at most, or in the order of two.
fn is_near(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let start = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let ends = left.iter().rev().zip(right.iter().rev());
    let end = ends.take_while(|(one, other)| one == other).count();
    let rest = |text: &[u8]| text.len().saturating_sub(start + end);
    let middle = |text: &[u8]| {
        let mut middle = text.get(start..start + rest(text)).unwrap_or_default().to_vec();
        middle.sort_unstable();
        middle
    };
    let (longest, shortest) = (rest(left).max(rest(right)), rest(left).min(rest(right)));
    longest <= 1 || (longest == 2 && shortest == 2 && middle(left) == middle(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nearly_one_is_told() {
        for (one, other) in [("patient", "patiant"), ("code", "cdoe"), ("name", "names")] {
            assert!(is_near(one, other), "{one} {other}");
        }
        for (one, other) in [("patient", "subject"), ("code", "date"), ("name", "n")] {
            assert!(!is_near(one, other), "{one} {other}");
        }
    }
}
