//! Writing what was decided: the rows of every table.

use std::collections::{BTreeMap, HashSet};

use base::Fault;
use parking_lot::RwLock;
use roaring::RoaringTreemap;

use super::decide::{Decided, Effect};
use super::engine::Writer;
use super::index::vacuumed;
use super::postings;
use super::read::{broken, named_row};
use super::tables::{
    BY_TYPE, COMMITS, COMPARTMENT, CURRENT, FORWARD, HISTORY, LIVE, SUPERSEDED, VERSION,
};
use super::tail::{self, Runs};
use super::trouble::Trouble;
use super::versions;
use crate::commit::Purged;
use crate::content::Content;
use crate::forward::Values;
use crate::key::{self, Key, Rid, TypeId};
use crate::rows::Rows;
use crate::version::{VersionHead, write_row};

/// Writes a group of commits; gives what the tail of the index is once they are committed. The bits
/// of superseded rids are set here, before the engine's commit makes the rows visible: a reader may
/// find a bit without a row, never a row without its bit.
pub(super) fn apply(
    writer: &mut Writer<'_>,
    group: &[&Decided<'_>],
    superseded: &RwLock<RoaringTreemap>,
    (tail, most): (Runs, usize),
) -> Result<Runs, Trouble> {
    let tail = tail.beside(tail::indexed(writer.view())?);
    let purges = |effect: &Effect<'_>| !matches!(effect, Effect::Append { .. });
    if group.iter().any(|decided| decided.effects.iter().any(purges)) {
        // What is taken out must all be in one place.
        let newest = group.last().map_or(tail.last(), |decided| decided.head.rid);
        let left = tail.write(writer, newest)?;
        write_all(writer, group, superseded, None)?;
        return Ok(left);
    }
    let mut rows = Vec::new();
    write_all(writer, group, superseded, Some(&mut rows))?;
    let added = rows.iter().map(|(_, rows)| rows.len()).sum();
    tail.with(&rows).ease(writer, added, most)
}

/// Index rows that are not written yet, by their version.
type Later<'g> = Vec<(Rid, &'g Rows)>;

fn write_all<'g>(
    writer: &mut Writer<'_>,
    group: &[&'g Decided<'_>],
    superseded: &RwLock<RoaringTreemap>,
    mut later: Option<&mut Later<'g>>,
) -> Result<(), Trouble> {
    let mut live = BTreeMap::<TypeId, i64>::new();
    for decided in group.iter().filter(|decided| !decided.effects.is_empty()) {
        for effect in &decided.effects {
            match effect {
                Effect::Append { version, content, supersedes, live: change } => {
                    *live.entry(version.key.resource_type).or_default() += change;
                    append(writer, version, *content, later.as_deref_mut())?;
                    if let Some(old) = supersedes {
                        superseded.write().insert(old.rid.0);
                        supersede(writer, old, version.rid)?;
                    }
                }
                Effect::Purge { key, live: change } => {
                    *live.entry(key.resource_type).or_default() += change;
                    purge(writer, key)?;
                }
                Effect::PurgeHistory { key, which } => purge_history(writer, key, *which)?,
            }
        }
        let head = &decided.head;
        writer.append(COMMITS, &key::of_commit(head.number), &head.row())?;
    }
    live.into_iter().try_for_each(|(resource_type, change)| count(writer, resource_type, change))
}

fn append<'g>(
    writer: &mut Writer<'_>,
    version: &VersionHead,
    content: Option<&'g Content>,
    later: Option<&mut Later<'g>>,
) -> Result<(), Trouble> {
    let VersionHead { rid, key, kind, .. } = version;
    let rid_bytes = key::of_rid(*rid);
    writer.append(VERSION, &rid_bytes, &write_row(version, content))?;
    writer.put(CURRENT, &key::of_current(key), &rid_bytes)?;
    writer.put(BY_TYPE, &key::of_by_type(key.resource_type, *rid), &[*kind as u8])?;
    let Some(content) = content else { return Ok(()) };
    for compartment in &content.compartments {
        let row = key::of_compartment(compartment, key.resource_type, *rid);
        writer.put(COMPARTMENT, &row, &[])?;
    }
    match later {
        Some(later) => later.push((*rid, &content.rows)),
        None => index(writer, *rid, &content.rows)?,
    }
    match content.forward.as_bytes() {
        [] => Ok(()),
        forward => writer.append(FORWARD, &rid_bytes, forward),
    }
}

/// A version is no longer the newest of its resource.
fn supersede(writer: &mut Writer<'_>, old: &VersionHead, by: Rid) -> Result<(), Trouble> {
    let rid_bytes = key::of_rid(old.rid);
    writer.put(HISTORY, &key::of_history(&old.key, old.number), &rid_bytes)?;
    writer.put(SUPERSEDED, &rid_bytes, &key::of_rid(by))
}

/// Takes out every row of every version of a resource. Bits of the bitmap stay: rids do not come
/// back.
fn purge(writer: &mut Writer<'_>, key: &Key) -> Result<(), Trouble> {
    for version in versions_of(writer, key)? {
        remove(writer, key, version)?;
    }
    writer.delete(CURRENT, &key::of_current(key))?;
    Ok(())
}

/// Puts the index rows of a version.
pub(super) fn index(writer: &mut Writer<'_>, rid: Rid, rows: &Rows) -> Result<(), Trouble> {
    rows.iter().try_for_each(|row| postings::insert(writer, row, rid))
}

/// Takes out the index rows of a version, which its packed values tell, but those it is to keep.
pub(super) fn unindex(writer: &mut Writer<'_>, rid: Rid, kept: &Rows) -> Result<(), Trouble> {
    let values = writer.view().get(FORWARD, &key::of_rid(rid))?.unwrap_or_default();
    let (rows, kept) = (Rows::of(Values(values)), kept.iter().collect::<HashSet<_>>());
    let mut gone = rows.iter().filter(|row| !kept.contains(row));
    gone.try_for_each(|row| postings::remove(writer, row, rid))
}

/// Takes out past versions. What came before a single one is superseded by what came after it,
/// unless a vacuum took its values away: it then stays as hidden as it was.
fn purge_history(writer: &mut Writer<'_>, key: &Key, which: Purged) -> Result<(), Trouble> {
    let mut past = versions_of(writer, key)?;
    let Some((_, current, _)) = past.pop() else { return Ok(()) };
    let most = match which {
        Purged::AllButCurrent => past.len(),
        Purged::Replaced | Purged::ReplacedNumber(_) => 1,
    };
    let purged = past.split_off(past.len().saturating_sub(most));
    let has_values = purged
        .first()
        .map_or(Ok(false), |(_, rid, _)| vacuumed(writer.view()).map(|vacuumed| *rid > vacuumed))?;
    for version in purged {
        remove(writer, key, version)?;
    }
    match past.last() {
        Some((_, rid, _)) if has_values => {
            writer.put(SUPERSEDED, &key::of_rid(*rid), &key::of_rid(current))
        }
        _ => Ok(()),
    }
}

/// Takes out every row of one version but `current`.
fn remove(writer: &mut Writer<'_>, key: &Key, version: Listed) -> Result<(), Trouble> {
    let (number, rid, compartments) = version;
    let rid_bytes = key::of_rid(rid);
    for compartment in compartments {
        let row = key::of_compartment(&compartment, key.resource_type, rid);
        writer.delete(COMPARTMENT, &row)?;
    }
    unindex(writer, rid, &Rows::default())?;
    for table in [VERSION, SUPERSEDED, FORWARD] {
        writer.delete(table, &rid_bytes)?;
    }
    writer.delete(HISTORY, &key::of_history(key, number))?;
    writer.delete(BY_TYPE, &key::of_by_type(key.resource_type, rid))?;
    Ok(())
}

/// A version by its number and rid, with its compartments.
type Listed = (u64, Rid, Vec<Key>);

fn versions_of(writer: &Writer<'_>, key: &Key) -> Result<Vec<Listed>, Fault> {
    let view = writer.view();
    let versions = versions::of(view, key, true)?.map(|rid| {
        let row = named_row(view, rid?)?;
        Ok((row.head.number, row.head.rid, row.compartments().collect()))
    });
    versions.collect()
}

fn count(writer: &mut Writer<'_>, resource_type: TypeId, change: i64) -> Result<(), Trouble> {
    let name = key::of_type(resource_type);
    let before = match writer.view().get(LIVE, &name)? {
        Some(row) => key::read_u64(row).ok_or_else(|| broken("live"))?,
        None => 0,
    };
    let after = before.checked_add_signed(change).ok_or_else(|| broken("live"))?;
    writer.put(LIVE, &name, &after.to_be_bytes())
}
