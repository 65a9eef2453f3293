//! The versions of one resource. Those that another took the place of have a row in `history`, the
//! newest is in `current` alone; in stores that were written before format 7 it has a row as well.

use base::Fault;

use super::engine::View;
use super::read::{named_row, read_rid};
use super::tables::{CURRENT, HISTORY};
use crate::key::{self, Key, Rid};

/// The newest version, which may be a deletion.
pub(super) fn current(view: View<'_>, key: &Key) -> Result<Option<Rid>, Fault> {
    let row = view.get(CURRENT, &key::of_current(key))?;
    row.map(|row| read_rid(row, "current")).transpose()
}

/// All versions, each once, in the order of their numbers or against it.
pub(super) fn of<'t>(
    view: View<'t>,
    key: &Key,
    ascending: bool,
) -> Result<impl Iterator<Item = Result<Rid, Fault>> + use<'t>, Fault> {
    let current = current(view, key)?;
    let (first, last) = (key::of_history(key, 0), key::of_history(key, u64::MAX));
    let (before, rows, after) = match ascending {
        true => (None, view.range(HISTORY, &first, &last)?, current),
        false => (current, view.range_back(HISTORY, &first, &last)?, None),
    };
    let past = rows.map(|entry| read_rid(entry?.1, "history"));
    let past = past.filter(move |rid| rid.as_ref().map_or(true, |&rid| Some(rid) != current));
    Ok(before.into_iter().map(Ok).chain(past).chain(after.into_iter().map(Ok)))
}

/// The version of a number.
pub(super) fn numbered(view: View<'_>, key: &Key, number: u64) -> Result<Option<Rid>, Fault> {
    if let Some(row) = view.get(HISTORY, &key::of_history(key, number))? {
        return read_rid(row, "history").map(Some);
    }
    let Some(rid) = current(view, key)? else { return Ok(None) };
    Ok((named_row(view, rid)?.head.number == number).then_some(rid))
}

/// The version that the one of a number took the place of; of those between them some may have been
/// purged.
pub(super) fn before(view: View<'_>, key: &Key, number: u64) -> Result<Option<Rid>, Fault> {
    let (first, last) = (key::of_history(key, 0), key::of_history(key, number.saturating_sub(1)));
    let row = view.range_back(HISTORY, &first, &last)?.next().transpose()?;
    row.map(|(_, rid)| read_rid(rid, "history")).transpose()
}

#[cfg(test)]
mod tests;
