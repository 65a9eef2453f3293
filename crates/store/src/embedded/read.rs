//! Single rows: commits, the version of a resource that a snapshot sees, bodies.

use base::{Fault, Timestamp};

use super::engine::View;
use super::tables::{COMMITS, FORWARD, VERSION};
use super::versions;
use crate::forward::{Tested, Values};
use crate::key::{self, Key, Rid};
use crate::version::Row;

/// A commit: what a snapshot is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    /// Its number; 0 before the first.
    pub(super) number: u64,
    /// The highest rid that existed after it.
    pub(super) rid: Rid,
    /// Its time.
    pub(super) last_updated: Timestamp,
}

impl Head {
    /// The store before its first commit.
    pub(super) const START: Self =
        Self { number: 0, rid: Rid(0), last_updated: Timestamp::from_ticks(0) };

    /// The value of its row in `commits`: highest rid, time.
    pub(super) fn row(&self) -> [u8; 16] {
        let mut row = [0; 16];
        let (rid, ticks) = row.split_at_mut(8);
        rid.copy_from_slice(&self.rid.0.to_be_bytes());
        ticks.copy_from_slice(&self.last_updated.ticks().to_be_bytes());
        row
    }

    pub(super) fn read(number: u64, row: &[u8]) -> Result<Self, Fault> {
        let parse = || {
            let (rid, ticks) = row.split_first_chunk::<8>()?;
            let ticks = i64::from_be_bytes(ticks.try_into().ok()?);
            let last_updated = Timestamp::from_ticks(ticks);
            Some(Self { number, rid: Rid(u64::from_be_bytes(*rid)), last_updated })
        };
        parse().ok_or_else(|| broken("commits"))
    }
}

pub(super) fn broken(table: &str) -> Fault {
    Fault::because(format!("a row of the table '{table}' is broken; run firekeep store check"))
}

/// The latest commit of the view's transaction.
pub(super) fn latest(view: View<'_>) -> Result<Head, Fault> {
    let Some((number, row)) = view.last(COMMITS)? else { return Ok(Head::START) };
    Head::read(key::read_u64(number).ok_or_else(|| broken("commits"))?, row)
}

/// The commit of a number that is not past the latest.
pub(super) fn head_at(view: View<'_>, number: u64) -> Result<Head, Fault> {
    if number == 0 {
        return Ok(Head::START);
    }
    let row = view.get(COMMITS, &key::of_commit(number))?;
    Head::read(number, row.ok_or_else(|| broken("commits"))?)
}

/// The highest rid among commits up to `head` that are older than `time`; commits are numbered
/// without gaps, so this is a binary search.
pub(super) fn highest_before(view: View<'_>, head: &Head, time: Timestamp) -> Result<Rid, Fault> {
    let (mut older, mut newer) = (Head::START, head.number + 1);
    while older.number + 1 < newer {
        let middle = head_at(view, older.number.midpoint(newer))?;
        if middle.last_updated < time {
            older = middle;
        } else {
            newer = middle.number;
        }
    }
    Ok(older.rid)
}

pub(super) fn read_rid(row: &[u8], table: &str) -> Result<Rid, Fault> {
    key::read_u64(row).map(Rid).ok_or_else(|| broken(table))
}

/// The newest version of a resource among rids up to `highest`, deletions included.
pub(super) fn newest(view: View<'_>, key: &Key, highest: Rid) -> Result<Option<Rid>, Fault> {
    match versions::current(view, key)? {
        Some(current) if current > highest => {
            let mut versions = versions::of(view, key, false)?;
            versions.find(|rid| rid.as_ref().map_or(true, |&rid| rid <= highest)).transpose()
        }
        current => Ok(current),
    }
}

/// The row of a version; `None` when it was hard-deleted.
pub(super) fn row(view: View<'_>, rid: Rid) -> Result<Option<Row<'_>>, Fault> {
    view.get(VERSION, &key::of_rid(rid))?.map(|bytes| Row::read(rid, bytes)).transpose()
}

/// The row of a version that another table names.
pub(super) fn named_row(view: View<'_>, rid: Rid) -> Result<Row<'_>, Fault> {
    row(view, rid)?.ok_or_else(|| broken("version"))
}

/// The packed values of a version; none if it was never indexed.
pub(super) fn values(view: View<'_>, rid: Rid) -> Result<Values<'_>, Fault> {
    Ok(Values(view.get(FORWARD, &key::of_rid(rid))?.unwrap_or_default()))
}

/// A version as criteria are tested on it.
pub(super) fn tested(view: View<'_>, rid: Rid) -> Result<Tested<'_>, Fault> {
    let head = named_row(view, rid)?.head;
    let (key, last_updated) = (head.key, Some(head.last_updated));
    Ok(Tested { key, last_updated, values: values(view, rid)? })
}
