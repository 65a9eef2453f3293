//! <https://hl7.org/fhir/R4/conceptmap-operation-translate.html>

use super::scope::split;
use super::{Coding, Scope};
use crate::definitions::{ConceptMap, MapGroup, UnmappedKind};

/// Which maps are asked.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// The map, `url` or `url|version`; else all that fit are asked.
    pub map: Option<String>,
    /// The value set that the code comes from.
    pub source: Option<String>,
    /// The value set that it goes to.
    pub target: Option<String>,
    /// The code system that it goes to.
    pub target_system: Option<String>,
    /// From target to source.
    pub is_reverse: bool,
}

/// What a code is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// `equivalence` of R4.
    pub equivalence: String,
    /// The code system.
    pub system: Option<String>,
    /// The version of the code system.
    pub version: Option<String>,
    /// The code; none where the map says that there is none.
    pub code: Option<String>,
    /// What people read.
    pub display: Option<String>,
    /// The map that says so.
    pub map: String,
}

impl Match {
    /// Whether it is a translation at all.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        !matches!(
            self.equivalence.as_str(),
            "unmatched" | "disjoint" | "not-related-to" | "inequivalent"
        )
    }
}

/// What a code is elsewhere. None: no map fits the question.
#[must_use]
pub fn translate(scope: &Scope<'_>, coding: Coding<'_>, route: &Route) -> Option<Vec<Match>> {
    let mut maps: Vec<_> = scope.concept_maps().filter(|map| fits(*map, route)).collect();
    // Of several versions of a map, the one that comes first is the one that is meant.
    let mut seen = Vec::new();
    maps.retain(|map| {
        let is_new = !seen.contains(&map.url());
        seen.push(map.url());
        is_new
    });
    if maps.is_empty() {
        return None;
    }
    Some(maps.into_iter().flat_map(|map| of_map(scope, map, coding, route)).collect())
}

fn fits(map: ConceptMap<'_>, route: &Route) -> bool {
    let same = |wanted: Option<&String>, found: Option<&str>| {
        wanted.is_none_or(|wanted| found.is_some_and(|found| split(found).0 == split(wanted).0))
    };
    let named = route.map.as_ref().is_none_or(|wanted| {
        let (url, version) = split(wanted);
        map.url() == url && version.is_none_or(|version| version == map.version())
    });
    let (source, target) =
        if route.is_reverse { (map.target(), map.source()) } else { (map.source(), map.target()) };
    named && same(route.source.as_ref(), source) && same(route.target.as_ref(), target)
}

fn of_map(scope: &Scope<'_>, map: ConceptMap<'_>, coding: Coding<'_>, route: &Route) -> Vec<Match> {
    let mut found = Vec::new();
    for group in map.groups() {
        let (from, to) = if route.is_reverse {
            (group.target(), group.source())
        } else {
            (group.source(), group.target())
        };
        let same = |wanted: Option<&str>, found: Option<&str>| {
            wanted.is_none_or(|wanted| found == Some(wanted))
        };
        if !same(coding.system, from) || !same(route.target_system.as_deref(), to) {
            continue;
        }
        let before = found.len();
        found.extend(mapped(map, group, coding.code, route.is_reverse));
        if found.len() == before && !route.is_reverse {
            found.extend(unmapped(scope, map, group, coding));
        }
    }
    found
}

fn mapped(map: ConceptMap<'_>, group: MapGroup<'_>, code: &str, is_reverse: bool) -> Vec<Match> {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let rows = group.mappings().filter(|mapping| {
        if is_reverse { mapping.target() == Some(code) } else { mapping.code() == code }
    });
    rows.map(|mapping| {
        let equivalence = mapping.relationship().unwrap_or("unmatched");
        let (system, version, code, display) = if is_reverse {
            let code = Some(mapping.code());
            (group.source(), group.source_version(), code, mapping.display())
        } else {
            let display = mapping.target_display();
            (group.target(), group.target_version(), mapping.target(), display)
        };
        Match {
            equivalence: if is_reverse { turned(equivalence) } else { of_r4(equivalence) }.into(),
            system: own(system),
            version: own(version),
            code: own(code),
            display: own(display),
            map: map.url().to_owned(),
        }
    })
    .collect()
}

/// What a map does with codes that it does not list.
fn unmapped(
    scope: &Scope<'_>,
    map: ConceptMap<'_>,
    group: MapGroup<'_>,
    coding: Coding<'_>,
) -> Option<Match> {
    let unmapped = group.unmapped()?;
    let (code, display) = match unmapped.kind {
        UnmappedKind::Provided => (coding.code, coding.display),
        UnmappedKind::Fixed => (unmapped.code?, unmapped.display),
        UnmappedKind::OtherMap => {
            let (url, version) = split(unmapped.url?);
            let other = scope.concept_maps().find(|other| {
                other.url() == url
                    && url != map.url()
                    && version.is_none_or(|version| version == other.version())
            })?;
            let groups = other.groups().filter(|other| other.target() == group.target());
            let mut all = groups.flat_map(|group| mapped(other, group, coding.code, false));
            return all.next();
        }
    };
    Some(Match {
        equivalence: "relatedto".to_owned(),
        system: group.target().map(str::to_owned),
        version: group.target_version().map(str::to_owned),
        code: Some(code.to_owned()),
        display: display.map(str::to_owned),
        map: map.url().to_owned(),
    })
}

/// A relationship of R5 in the words of R4.
fn of_r4(relationship: &str) -> &str {
    match relationship {
        "related-to" => "relatedto",
        "equivalent" | "source-is-equivalent-to-target" => "equivalent",
        "source-is-narrower-than-target" => "wider",
        "source-is-broader-than-target" => "narrower",
        "not-related-to" => "disjoint",
        other => other,
    }
}

/// The same seen from the other side.
fn turned(relationship: &str) -> &str {
    match of_r4(relationship) {
        "wider" => "narrower",
        "narrower" => "wider",
        "subsumes" => "specializes",
        "specializes" => "subsumes",
        other => other,
    }
}
