//! Walking versions of several types in one order of rids, and the ranges of rids that bound a
//! walk.

use std::collections::BinaryHeap;

use base::{Fault, Timestamp};

use super::engine::{Rows, View};
use super::read::{Head, broken, highest_before};
use super::tables::{BY_TYPE, LIVE};
use crate::key::{self, Rid, TypeId};
use crate::version::Kind;

/// Rids from the first to the second, both included; never empty.
pub(super) type Range = (u64, u64);

/// Disjoint ranges of rids, in rising order.
pub(super) struct Ranges(pub(super) Vec<Range>);

impl Ranges {
    /// Everything that a snapshot can hold.
    pub(super) fn of(head: &Head) -> Self {
        let mut ranges = Self(vec![(1, u64::MAX)]);
        ranges.keep((0, head.rid.0));
        ranges
    }

    /// Leaves what lies within `range`, which may be empty.
    pub(super) fn keep(&mut self, (from, to): Range) {
        let kept = self.0.iter().map(|range| (range.0.max(from), range.1.min(to)));
        self.0 = kept.filter(|range| range.0 <= range.1).collect();
    }

    /// Leaves what lies outside of `range`, which may be empty.
    pub(super) fn drop_range(&mut self, (from, to): Range) {
        if from > to {
            return;
        }
        let below = |range: &Range| (range.0, range.1.min(from.saturating_sub(1)));
        let above = |range: &Range| (range.0.max(to.saturating_add(1)), range.1);
        let left = self.0.iter().flat_map(|range| [below(range), above(range)]);
        // Nothing is above the highest rid and nothing below zero: saturation must not bring it
        // back.
        let outside = |range: &Range| range.1 < from || range.0 > to;
        self.0 = left.filter(|range| range.0 <= range.1 && outside(range)).collect();
    }

    /// Leaves what comes after `rid` in a direction.
    pub(super) fn keep_after(&mut self, rid: Option<Rid>, descending: bool) {
        match rid {
            None => {}
            Some(Rid(0)) if descending => self.0.clear(),
            Some(rid) if descending => self.keep((0, rid.0 - 1)),
            Some(rid) => match rid.0.checked_add(1) {
                Some(next) => self.keep((next, u64::MAX)),
                None => self.0.clear(),
            },
        }
    }

    pub(super) fn contain(&self, rid: Rid) -> bool {
        self.0.iter().any(|range| range.0 <= rid.0 && rid.0 <= range.1)
    }
}

/// The rids of versions whose `last_updated` lies in an interval; may be empty.
pub(super) fn updated_within(
    view: View<'_>,
    head: &Head,
    from: Option<Timestamp>,
    before: Option<Timestamp>,
) -> Result<Range, Fault> {
    let first = match from {
        Some(from) => highest_before(view, head, from)?.0.saturating_add(1),
        None => 0,
    };
    let last = match before {
        Some(before) => highest_before(view, head, before)?.0,
        None => u64::MAX,
    };
    Ok((first, last))
}

/// Every type that ever had a resource.
pub(super) fn known_types(view: View<'_>) -> Result<Vec<TypeId>, Fault> {
    let known = view.all(LIVE)?.map(|entry| key::read_type(entry?.0).ok_or_else(|| broken("live")));
    known.collect()
}

/// The versions of some types within one range, merged into one order.
pub(super) struct Walk<'t> {
    rows: Vec<Rows<'t>>,
    /// The next version of each type, the nearest on top.
    nearest: BinaryHeap<(u64, usize, u8)>,
    descending: bool,
}

impl<'t> Walk<'t> {
    pub(super) fn over(
        view: View<'t>,
        types: &[TypeId],
        range: Range,
        descending: bool,
    ) -> Result<Self, Fault> {
        let open = |&resource_type: &TypeId| {
            let first = key::of_by_type(resource_type, Rid(range.0));
            let last = key::of_by_type(resource_type, Rid(range.1));
            match descending {
                true => view.range_back(BY_TYPE, &first, &last),
                false => view.range(BY_TYPE, &first, &last),
            }
        };
        let rows = types.iter().map(open).collect::<Result<Vec<_>, Fault>>()?;
        let nearest = BinaryHeap::with_capacity(rows.len());
        let mut walk = Self { rows, nearest, descending };
        for stream in 0..walk.rows.len() {
            walk.refill(stream)?;
        }
        Ok(walk)
    }

    /// The heap gives its greatest: rising rids are kept as their complements.
    fn rank(&self, rid: u64) -> u64 {
        if self.descending { rid } else { !rid }
    }

    fn refill(&mut self, stream: usize) -> Result<(), Fault> {
        let Some(entry) = self.rows.get_mut(stream).and_then(Iterator::next) else {
            return Ok(());
        };
        let (key, value) = entry?;
        let (_, rid) = key::read_by_type(key).ok_or_else(|| broken("by_type"))?;
        let &kind = value.first().ok_or_else(|| broken("by_type"))?;
        self.nearest.push((self.rank(rid.0), stream, kind));
        Ok(())
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<(Rid, Kind), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let (rank, stream, kind) = self.nearest.pop()?;
        let kind = Kind::from_byte(kind).ok_or_else(|| broken("by_type"));
        let rid = Rid(self.rank(rank));
        Some(self.refill(stream).and(kind).map(|kind| (rid, kind)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &[Range], change: impl Fn(&mut Ranges)) {
        let mut ranges = Ranges(vec![(1, 10), (20, 30)]);
        change(&mut ranges);
        assert_eq!(ranges.0, expected);
    }

    #[test]
    fn ranges_are_cut_at_both_ends_and_in_the_middle() {
        check(&[(5, 10), (20, 25)], |it| it.keep((5, 25)));
        check(&[], |it| it.keep((11, 19)));
        check(&[], |it| it.keep((9, 3)));
        check(&[(1, 4), (26, 30)], |it| it.drop_range((5, 25)));
        check(&[(1, 2), (5, 10), (20, 30)], |it| it.drop_range((3, 4)));
        check(&[(1, 10), (20, 30)], |it| it.drop_range((9, 3)));
        check(&[(1, 10), (20, 30)], |it| it.drop_range((11, 19)));
        check(&[], |it| it.drop_range((0, u64::MAX)));
        check(&[(20, 30)], |it| it.drop_range((0, 19)));
        check(&[(1, 10)], |it| it.drop_range((15, u64::MAX)));
        check(&[(21, 30)], |it| it.keep_after(Some(Rid(20)), false));
        check(&[(1, 10)], |it| it.keep_after(Some(Rid(20)), true));
        check(&[], |it| it.keep_after(Some(Rid(u64::MAX)), false));
        check(&[], |it| it.keep_after(Some(Rid(0)), true));
        check(&[(1, 10), (20, 30)], |it| it.keep_after(None, true));
    }
}
