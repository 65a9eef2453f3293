//! <https://hl7.org/fhir/R4/valueset-operation-expand.html>

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use base::limits::EXPANSION_CODES;

use super::concept::{is_abstract, is_inactive};
use super::contains::{Contains, Found, Verdict, filter_text};
use super::filter::Ready;
use super::scope::split;
use super::{Coding, Failure, Parameters, Reason, Scope, display};
use crate::definitions::{CodeSystem, Concept, Designation, Include, IncludedConcept, ValueSet};

const LANGUAGES: &str = "urn:ietf:bcp:47";

/// How a value set is to be expanded.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only what this text is in.
    pub filter: Option<String>,
    /// How many to leave out at the beginning.
    pub offset: Option<usize>,
    /// How many to give.
    pub count: Option<usize>,
    /// Leave out what is no longer used.
    pub active_only: bool,
    /// Other ways to say each concept, too.
    pub designations: bool,
    /// Only the designations in these languages and for these uses, as (system, code).
    pub designated: Vec<(String, String)>,
    /// Also what the value set is defined by.
    pub definition: bool,
    /// Leave out what people cannot choose.
    pub selectable_only: bool,
    /// Leave out the codes of these systems, `url` or `url|version`.
    pub without: Vec<String>,
    /// Leave out codes that are put together of others. There are none here.
    pub composed_excluded: bool,
    /// Put concepts below those that they are listed below, unless a page is asked for.
    pub nested: bool,
    /// Languages, the best first.
    pub languages: Vec<String>,
}

impl Wanted {
    /// What the parameters of a request say.
    #[must_use]
    pub fn of(given: &Parameters<'_>) -> Self {
        let number = |name: &str| given.text(name)?.parse().ok();
        let flag = |name: &str| given.flag(name).unwrap_or(false);
        let token = |text: Cow<'_, str>| {
            let (system, code) = text.rsplit_once('|').unwrap_or(("", text.as_ref()));
            (system.to_owned(), code.to_owned())
        };
        let designated: Vec<_> = given.texts("designation").map(token).collect();
        Self {
            filter: given.text("filter").map(|text| text.to_lowercase()),
            offset: number("offset"),
            count: number("count"),
            active_only: flag("activeOnly"),
            designations: flag("includeDesignations") || !designated.is_empty(),
            designated,
            definition: flag("includeDefinition"),
            selectable_only: flag("excludeNotForUI"),
            without: given.texts("exclude-system").map(Cow::into_owned).collect(),
            composed_excluded: flag("excludePostCoordinated"),
            nested: given.flag("excludeNested") == Some(false),
            languages: given.languages(),
        }
    }
}

/// A line of an expansion.
#[derive(Clone)]
pub struct Line<'a> {
    /// The code system.
    pub system: &'a str,
    /// Its version.
    pub version: Option<&'a str>,
    /// The code.
    pub code: &'a str,
    /// What people read.
    pub display: Option<&'a str>,
    /// Whether it may not be chosen.
    pub is_abstract: bool,
    /// Whether it is no longer used.
    pub is_inactive: bool,
    /// Other ways to say it.
    pub designations: Vec<Designation<'a>>,
    /// How many lines before it, and one below the other, it stands below.
    pub depth: usize,
}

/// An expansion, or the page of it that was asked for.
pub struct Expanded<'a> {
    /// What was expanded.
    pub set: ValueSet<'a>,
    /// How many lines there are without `count` and `offset`.
    pub total: usize,
    /// The lines.
    pub lines: Vec<Line<'a>>,
    /// The code systems that were looked into, `url|version`.
    pub systems: Vec<(&'a str, &'a str)>,
    /// Whether lines name the version of their system, since there are several.
    pub is_versioned: bool,
}

/// The codes of a value set.
pub fn expand<'a>(
    scope: &Scope<'a>,
    set: ValueSet<'a>,
    wanted: &Wanted,
) -> Result<Expanded<'a>, Failure> {
    let languages = display::wanted(Some(set), &wanted.languages);
    for supplement in set.supplements() {
        if scope.supplement(supplement).is_none() {
            return Err(Failure::NoSupplement(supplement.to_owned()));
        }
    }
    let mut expansion = Expansion { scope, open: Vec::new(), systems: Vec::new() };
    let mut all = expansion.value_set(set)?;
    let skips_inactive = wanted.active_only || set.inactive() == Some(false);
    all.retain(|found| {
        let inactive = skips_inactive && found.is_inactive();
        let hidden = wanted.selectable_only && found.is_abstract();
        let matches = wanted.filter.as_ref().is_none_or(|text| is_found(found, text));
        !inactive && !hidden && matches && !is_left_out(found, wanted)
    });
    let total = all.len();
    let versions: HashSet<_> = all.iter().filter_map(Found::system_version).collect();
    let urls: HashSet<_> = versions.iter().map(|(url, _)| url).collect();
    let is_versioned = urls.len() < versions.len();
    let count = wanted.count.unwrap_or(usize::MAX);
    if total > EXPANSION_CODES && count > EXPANSION_CODES {
        return Err(Failure::TooCostly(EXPANSION_CODES));
    }
    let is_whole = wanted.offset.is_none() && wanted.count.is_none();
    let lines = if wanted.nested && is_whole {
        let nested = nested(all).into_iter();
        nested
            .map(|(found, depth)| Line { depth, ..line(scope, &found, wanted, &languages) })
            .collect()
    } else {
        let page = all.into_iter().skip(wanted.offset.unwrap_or(0)).take(count);
        page.map(|found| line(scope, &found, wanted, &languages)).collect()
    };
    Ok(Expanded { set, total, lines, systems: expansion.systems, is_versioned })
}

fn is_left_out(found: &Found<'_>, wanted: &Wanted) -> bool {
    wanted.without.iter().any(|canonical| {
        let (url, version) = split(canonical);
        let own = found.system.map(CodeSystem::version);
        found.url == url && version.is_none_or(|version| own == Some(version))
    })
}

fn is_found(found: &Found<'_>, text: &str) -> bool {
    let has = |known: &str| known.to_lowercase().contains(text);
    has(found.code())
        || display::display(found, &[], &[]).is_some_and(has)
        || display::designations(found, &[]).iter().any(|designation| has(designation.value))
}

fn line<'a>(
    scope: &Scope<'a>,
    found: &Found<'a>,
    wanted: &Wanted,
    languages: &[String],
) -> Line<'a> {
    let supplements = scope.supplementing(found);
    let mut designations =
        if wanted.designations { display::designations(found, &supplements) } else { Vec::new() };
    if !wanted.designated.is_empty() {
        designations.retain(|one| is_designated(one, &wanted.designated));
    }
    Line {
        system: found.url,
        version: found.system.map(CodeSystem::version).filter(|version| !version.is_empty()),
        code: found.code(),
        display: display::display(found, &supplements, languages),
        is_abstract: found.is_abstract(),
        is_inactive: found.is_inactive(),
        designations,
        depth: 0,
    }
}

/// Whether a designation is in one of the languages or for one of the uses.
fn is_designated(one: &Designation<'_>, wanted: &[(String, String)]) -> bool {
    wanted.iter().any(|(system, code)| {
        let is_use = one.use_code == Some(code.as_str())
            && (system.is_empty() || one.use_system == Some(system.as_str()));
        let is_language = system.is_empty() || system == LANGUAGES;
        is_use || is_language && one.language == Some(code.as_str())
    })
}

/// Each concept after the nearest of those that it is listed below, with its depth.
fn nested(all: Vec<Found<'_>>) -> Vec<(Found<'_>, usize)> {
    let places: HashMap<_, _> =
        all.iter().enumerate().map(|(place, found)| ((found.url, found.code()), place)).collect();
    let above = |found: &Found<'_>| {
        let mut above = found.concept.and_then(Concept::parent);
        while let Some(concept) = above {
            let place = places.get(&(found.url, concept.code()));
            if place.is_some() {
                return place.copied();
            }
            above = concept.parent();
        }
        None
    };
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    let mut open = Vec::new();
    for (place, found) in all.iter().enumerate() {
        match above(found).and_then(|above| below.get_mut(above)) {
            Some(siblings) => siblings.push(place),
            None => open.push((place, 0)),
        }
    }
    open.reverse();
    let mut all: Vec<Option<Found<'_>>> = all.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(all.len());
    while let Some((place, depth)) = open.pop() {
        ordered.extend(all.get_mut(place).and_then(Option::take).map(|found| (found, depth)));
        let children = below.get(place).into_iter().flatten();
        open.extend(children.rev().map(|child| (*child, depth + 1)));
    }
    ordered
}

impl<'a> Found<'a> {
    /// The code, as the system or else the value set writes it.
    pub(super) fn code(&self) -> &'a str {
        let own = self.concept.map(Concept::code);
        own.or_else(|| self.listed.map(IncludedConcept::code)).unwrap_or(self.code)
    }

    fn system_version(&self) -> Option<(&'a str, &'a str)> {
        Some((self.url, self.system?.version()))
    }

    pub(super) fn is_inactive(&self) -> bool {
        let known = self.system.zip(self.concept);
        known.is_some_and(|(system, concept)| is_inactive(system, concept))
    }

    pub(super) fn is_abstract(&self) -> bool {
        let known = self.system.zip(self.concept);
        known.is_some_and(|(system, concept)| is_abstract(system, concept))
    }
}

/// An expansion that is being made.
struct Expansion<'s, 'a> {
    scope: &'s Scope<'a>,
    /// The value sets that are being expanded, the outermost first.
    open: Vec<(&'a str, &'a str)>,
    systems: Vec<(&'a str, &'a str)>,
}

impl<'a> Expansion<'_, 'a> {
    fn value_set(&mut self, set: ValueSet<'a>) -> Result<Vec<Found<'a>>, Failure> {
        let key = (set.url(), set.version());
        if self.open.len() > 32 || (!key.0.is_empty() && self.open.contains(&key)) {
            return Err(Failure::Cycle(set.url().to_owned()));
        }
        self.open.push(key);
        let all = match self.composed(set) {
            // What was published is better than nothing when a code system is not there.
            Err(Failure::NoCodeSystem(missing)) => {
                published(set).ok_or(Failure::NoCodeSystem(missing))
            }
            other => other,
        };
        self.open.pop();
        all
    }

    fn composed(&mut self, set: ValueSet<'a>) -> Result<Vec<Found<'a>>, Failure> {
        let mut seen = HashSet::new();
        let mut all = Vec::new();
        for include in set.includes() {
            for found in self.include(include)? {
                let version = found.system.map(CodeSystem::version);
                if seen.insert((found.url, version, found.code())) {
                    all.push(found);
                }
            }
        }
        if set.includes().next().is_none() {
            all = published(set).unwrap_or_default();
        }
        for exclude in set.excludes() {
            let mut kept = Vec::with_capacity(all.len());
            for found in all {
                if !self.has(exclude, &found)? {
                    kept.push(found);
                }
            }
            all = kept;
        }
        Ok(all)
    }

    /// Whether a part of a value set has a code.
    fn has(&self, include: Include<'a>, found: &Found<'a>) -> Result<bool, Failure> {
        let version = found.system.map(CodeSystem::version).filter(|version| !version.is_empty());
        let coding = Coding { system: Some(found.url), version, code: found.code(), display: None };
        match Contains::within(self.scope, coding, &self.open).include(include) {
            Verdict::In(_) => Ok(true),
            Verdict::Out(_) => Ok(false),
            Verdict::Unknown(reason) => Err(failure(reason)),
        }
    }

    fn include(&mut self, include: Include<'a>) -> Result<Vec<Found<'a>>, Failure> {
        let mut canonicals = include.value_sets();
        let mut all = match include.system() {
            Some(url) => self.of_system(url, include)?,
            None => match canonicals.next() {
                Some(canonical) => self.value_set(self.named(canonical)?)?,
                None => Vec::new(),
            },
        };
        for canonical in canonicals {
            let other = self.value_set(self.named(canonical)?)?;
            let codes: HashSet<_> = other.iter().map(|found| (found.url, found.code())).collect();
            all.retain(|found| codes.contains(&(found.url, found.code())));
        }
        Ok(all)
    }

    fn named(&self, canonical: &str) -> Result<ValueSet<'a>, Failure> {
        let missing = || Failure::NoValueSet(canonical.to_owned());
        self.scope.value_set(canonical).ok_or_else(missing)
    }

    fn of_system(&mut self, url: &'a str, include: Include<'a>) -> Result<Vec<Found<'a>>, Failure> {
        let system = self.scope.allowed_system(url, include.version());
        let is_listed = include.concepts().next().is_some();
        let system = match system {
            Ok(system) => system,
            Err(Failure::NoCodeSystem(super::Missing::System(_))) if is_listed => {
                return Ok(include.concepts().map(|c| Found::listed(url, c)).collect());
            }
            Err(failure) => return Err(failure),
        };
        if !self.systems.contains(&(url, system.version())) {
            self.systems.push((url, system.version()));
        }
        if is_listed {
            let known = include.concepts().filter_map(|listed| {
                let concept = system.concept(listed.code());
                let is_there = concept.is_some() || system.content() != "complete";
                let found = Found::listed(url, listed);
                is_there.then_some(Found { system: Some(system), concept, ..found })
            });
            return Ok(known.collect());
        }
        if system.content() == "not-present" {
            let missing = super::Missing::System(url.to_owned());
            return Err(Failure::NoCodeSystem(missing));
        }
        let ready =
            |filter| Ready::new(system, filter).ok_or_else(|| Failure::Filter(filter_text(filter)));
        let filters = include.filters().map(ready).collect::<Result<Vec<_>, _>>()?;
        let fits = |concept: &Concept<'a>| filters.iter().all(|filter| filter.holds(*concept));
        Ok(system.concepts().filter(fits).map(|concept| Found::of(system, concept)).collect())
    }
}

fn failure(reason: Reason) -> Failure {
    match reason {
        Reason::NoCodeSystem(url) => Failure::NoCodeSystem(super::Missing::System(url)),
        Reason::NoValueSet(url) => Failure::NoValueSet(url),
        Reason::Cycle(url) => Failure::Cycle(url),
        Reason::Filter(text) => Failure::Filter(text),
        Reason::NoSuchCode { system, code } => Failure::NoSuchCode { system, code },
        Reason::NotListed { value_set, code } => Failure::NoSuchCode { system: value_set, code },
    }
}

/// The lines of the expansion that was published with a value set.
fn published(set: ValueSet<'_>) -> Option<Vec<Found<'_>>> {
    let lines = set.expansion()?.contains().filter(|line| !line.code().is_empty());
    Some(lines.map(Found::published).collect())
}
