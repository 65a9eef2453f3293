//! <https://hl7.org/fhir/R4/search.html#include>: what goes onto a page besides its matches.

use std::collections::{HashMap, HashSet};

use roaring::RoaringTreemap;

use super::criteria::{Referred, all_references};
use super::{Found, Searching};
use crate::embedded::read::row;
use crate::key::{Key, Rid};
use crate::plan::{Address, Include, Included};

pub(super) fn included(
    searching: &Searching<'_>,
    matches: &[Rid],
    includes: &[Include],
    most: usize,
) -> Found<Included> {
    let mut seen = matches.iter().copied().collect::<HashSet<_>>();
    let mut included = Included::default();
    // What led to each that was not on the page.
    let mut reached_by = HashMap::new();
    let mut by_type = HashMap::new();
    let mut round = matches.to_vec();
    let (mut is_first, mut count) = (true, 0);
    while !round.is_empty() {
        let mut next = Vec::new();
        for rid in round {
            searching.look(&mut count)?;
            // It may have been taken out since the page was found.
            let Some(version) = row(searching.view, rid)? else { continue };
            let key = version.head.key;
            let rules: &Vec<&Include> = by_type.entry(key.resource_type).or_insert_with(|| {
                let starts = |it: &&Include| it.reverse || it.source == key.resource_type;
                includes.iter().filter(starts).collect()
            });
            // Read once: many rules may start from one type.
            let referred = match rules.iter().any(|it| !it.reverse) {
                true => all_references(searching.values(rid)?),
                false => Vec::new(),
            };
            for include in rules.iter().filter(|it| is_first || it.iterate) {
                for reached in reached(searching, (rid, &referred), &key, include)? {
                    if !seen.insert(reached) {
                        included.circular |=
                            include.iterate && leads_back(&reached_by, reached, rid);
                        continue;
                    }
                    reached_by.insert(reached, rid);
                    if included.rids.len() == most {
                        included.more = true;
                        return Ok(included);
                    }
                    included.rids.push(reached);
                    // From an older version on, what the current one refers to.
                    let current = searching.current(&searching.key_of(reached)?)?;
                    next.push(current.unwrap_or(reached));
                }
            }
        }
        round = next;
        is_first = false;
    }
    Ok(included)
}

/// Whether what was reached from `from` is it, or what led to it.
fn leads_back(reached_by: &HashMap<Rid, Rid>, reached: Rid, from: Rid) -> bool {
    let way = std::iter::successors(Some(from), |rid| reached_by.get(rid).copied());
    // Where an older version led on from the current one, the way itself may be a circle.
    way.take(reached_by.len() + 1).any(|rid| rid == reached)
}

/// What one rule reaches from one resource, which refers to these.
fn reached(
    searching: &Searching<'_>,
    (rid, referred): (Rid, &[Referred<'_>]),
    key: &Key,
    include: &Include,
) -> Found<Vec<Rid>> {
    let mut reached = Vec::new();
    if include.reverse {
        if include.target.is_some_and(|target| target != key.resource_type) {
            return Ok(reached);
        }
        let mut referring = RoaringTreemap::new();
        for parameter in &include.parameters {
            searching.referring(*parameter, key, &mut referring)?;
        }
        let own = include.canonicals.iter().filter(|it| it.1.resource_type == key.resource_type);
        for (parameter, address) in own {
            referring |= searching.naming(*parameter, address, rid)?;
        }
        for rid in searching.visible(referring)? {
            if searching.may_see(include.source, Rid(rid))? {
                reached.push(Rid(rid));
            }
        }
        return Ok(reached);
    }
    if include.source != key.resource_type {
        return Ok(reached);
    }
    for parameter in &include.parameters {
        for (_, key, version) in referred.iter().filter(|(by, ..)| by == parameter) {
            if include.target.is_some_and(|target| target != key.resource_type) {
                continue;
            }
            let found = match version {
                Some(version) => searching.named(key, version)?,
                None => searching.current(key)?,
            };
            if let Some(rid) = found
                && searching.may_see(key.resource_type, rid)?
            {
                reached.push(rid);
            }
        }
    }
    let is_wanted = |address: &Address| include.target.is_none_or(|it| it == address.resource_type);
    for (parameter, address) in include.canonicals.iter().filter(|(_, it)| is_wanted(it)) {
        for rid in searching.named_by(rid, *parameter, address)? {
            if searching.may_see(address.resource_type, Rid(rid))? {
                reached.push(Rid(rid));
            }
        }
    }
    Ok(reached)
}
