//! <https://hl7.org/fhir/R4/search.html#sort>: one page of a set, in the order of the plan.
//!
//! Few matches are gathered and sorted by their packed values. Many are met by walking the index in
//! the order of the first key, until the page is full.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use base::Timestamp;
use roaring::RoaringTreemap;

use super::{Found, SearchError, Searching};
use crate::embedded::postings::{Posting, Postings};
use crate::embedded::read::{highest_before, named_row, row};
use crate::key::{ParameterId, Rid};
use crate::page::Page;
use crate::plan::{SearchPlan, SortBy, SortKey};
use crate::rows::ordered;
use crate::sorting::{self, Ordered};

/// A match in the order of the plan: its keys, then its rid.
#[derive(Clone, Debug)]
struct Placed<'p> {
    keys: Vec<Option<Vec<u8>>>,
    rid: Rid,
    plan: &'p SearchPlan,
}

impl Ord for Placed<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.keys.iter().zip(&other.keys).zip(&self.plan.sort);
        // Nothing is less than something: first when rising, last when falling.
        let keys = pairs.map(|((one, two), key)| directed(one.cmp(two), key.descending));
        keys.fold(Ordering::Equal, Ordering::then)
            .then_with(|| directed(self.rid.cmp(&other.rid), self.plan.descending))
    }
}

impl PartialOrd for Placed<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Placed<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Placed<'_> {}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

impl Searching<'_> {
    /// One page of the matches.
    pub(super) fn ordered(&self, matches: &RoaringTreemap, plan: &SearchPlan) -> Found<Page> {
        let Some(first) = plan.sort.first() else { return Ok(by_rid(matches, plan)) };
        if let Some(after) = plan.after
            && row(self.view, after)?.is_none()
        {
            return Err(SearchError::Expired);
        }
        let after = plan.after.map(|rid| self.placed(rid, plan)).transpose()?;
        let mut page = PageOf { plan, after, first: BinaryHeap::new() };
        if matches.len() <= self.gathered_most || !self.by_walking(matches, first, &mut page)? {
            self.gather(matches.iter(), &mut page)?;
        }
        Ok(page.finish())
    }

    fn gather<'p>(&self, matches: impl Iterator<Item = u64>, page: &mut PageOf<'p>) -> Found<()> {
        let mut count = 0;
        for rid in matches {
            self.look(&mut count)?;
            page.offer(self.placed(Rid(rid), page.plan)?);
        }
        Ok(())
    }

    fn placed<'p>(&self, rid: Rid, plan: &'p SearchPlan) -> Found<Placed<'p>> {
        let keys = plan.sort.iter().map(|key| self.sort_key(rid, key)).collect::<Found<_>>()?;
        Ok(Placed { keys, rid, plan })
    }

    fn sort_key(&self, rid: Rid, key: &SortKey) -> Found<Option<Vec<u8>>> {
        match &key.by {
            SortBy::LastUpdated => {
                let time = named_row(self.view, rid)?.head.last_updated;
                Ok(Some(ordered(time.ticks()).to_vec()))
            }
            SortBy::Id => Ok(Some(self.key_of(rid)?.id.as_str().as_bytes().to_vec())),
            SortBy::Parameter(parameters) => {
                let of = match &**parameters {
                    [(_, one)] => Some(*one),
                    several => {
                        let of = self.key_of(rid)?.resource_type;
                        several.iter().find(|(its, _)| *its == of).map(|(_, it)| *it)
                    }
                };
                of.map_or(Ok(None), |of| self.extreme(rid, of, key.descending))
            }
            SortBy::Chain { parameter, targets } => {
                let mut best = None;
                for (target, _) in self.referred(rid, *parameter)? {
                    let by = targets.iter().find(|(its, _)| *its == target.resource_type);
                    let (Some((of, by)), Some(rid)) = (by, self.current(&target)?) else {
                        continue;
                    };
                    if self.may_see(*of, rid)? {
                        best =
                            better(best, self.extreme(rid, *by, key.descending)?, key.descending);
                    }
                }
                Ok(best)
            }
        }
    }

    fn extreme(
        &self,
        rid: Rid,
        parameter: ParameterId,
        descending: bool,
    ) -> Found<Option<Vec<u8>>> {
        let values = self.values(rid)?.of(parameter);
        let keys = values.map(|value| sorting::sort_bytes(&value, descending));
        Ok(keys.fold(None, |best, key| better(best, key, descending)))
    }

    /// Meets the matches by walking the index; false when no index has the order.
    fn by_walking(
        &self,
        matches: &RoaringTreemap,
        first: &SortKey,
        page: &mut PageOf<'_>,
    ) -> Found<bool> {
        let parameters = match &first.by {
            SortBy::LastUpdated => {
                self.by_time(matches, first.descending, page)?;
                return Ok(true);
            }
            SortBy::Parameter(parameters) => parameters,
            SortBy::Id | SortBy::Chain { .. } => return Ok(false),
        };
        let [(_, parameter)] = &**parameters else { return Ok(false) };
        let Some(ordered) = self.order_of(*parameter, first.descending)? else { return Ok(false) };
        let missing_first = !first.descending;
        let after_missing =
            page.after.as_ref().is_none_or(|after| after.keys.first() == Some(&None));
        if missing_first && after_missing {
            let missing = matches - self.present(*parameter)?.1;
            self.gather(missing.iter(), page)?;
            if page.is_full() {
                return Ok(true);
            }
        }
        let start = page.after.as_ref().and_then(|after| after.keys.first()?.clone());
        if !(first.descending && page.after.is_some() && start.is_none()) {
            self.walk(&ordered, (*parameter, first.descending), (matches, start.as_deref()), page)?;
        }
        if !missing_first && !page.is_full() {
            let missing = matches - self.present(*parameter)?.1;
            self.gather(missing.iter(), page)?;
        }
        Ok(true)
    }

    /// Offers the matches commit by commit, until the page is full: rids rise with time, and those
    /// of one commit have the same.
    fn by_time(
        &self,
        matches: &RoaringTreemap,
        descending: bool,
        page: &mut PageOf<'_>,
    ) -> Found<()> {
        let mut left = matches.clone();
        if let Some(after) = &page.after {
            let time = named_row(self.view, after.rid)?.head.last_updated;
            if descending {
                let next = Timestamp::from_ticks(time.ticks().saturating_add(1));
                let newest = highest_before(self.view, self.head, next)?;
                left.remove_range(newest.0.saturating_add(1)..);
            } else {
                left.remove_range(..=highest_before(self.view, self.head, time)?.0);
            }
        }
        let rids: Box<dyn Iterator<Item = u64>> =
            if descending { Box::new(left.iter().rev()) } else { Box::new(left.iter()) };
        let (mut commit, mut count) = (None, 0);
        for rid in rids {
            self.look(&mut count)?;
            let placed = self.placed(Rid(rid), page.plan)?;
            let time = placed.keys.first().cloned();
            if commit != time {
                if page.is_full() {
                    break;
                }
                commit = time;
            }
            page.offer(placed);
        }
        Ok(())
    }

    /// The rows of the parameter that stand in its order, if all of its values have one.
    fn order_of(&self, parameter: ParameterId, descending: bool) -> Found<Option<Ordered>> {
        if self.has_rows(&sorting::unordered_rows(parameter))? {
            return Ok(None);
        }
        for ordered in sorting::ordered_rows(parameter, descending) {
            if self.has_rows(&ordered.ranges)? {
                return Ok(Some(ordered));
            }
        }
        Ok(None)
    }

    fn has_rows(&self, ranges: &[(Vec<u8>, Vec<u8>)]) -> Found<bool> {
        for (from, to) in ranges {
            if self.rows(from, to)?.next().transpose()?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Offers what it meets in groups of equal values, until the page is full.
    fn walk(
        &self,
        ordered: &Ordered,
        (parameter, descending): (ParameterId, bool),
        (matches, start): (&RoaringTreemap, Option<&[u8]>),
        page: &mut PageOf<'_>,
    ) -> Found<()> {
        let bounds = bounds(ordered, descending, start);
        let mut merged = Merged::over(self, ordered, descending, &bounds)?;
        let mut group: Option<Vec<u8>> = None;
        // Two rows of a resource may say the same, and one may be in the tail and in the table.
        let mut offered = RoaringTreemap::new();
        let mut count = 0;
        while let Some((value, rid)) = merged.next()? {
            self.look(&mut count)?;
            if group.as_ref() != Some(&value) {
                if page.is_full() {
                    return Ok(());
                }
                group = Some(value.clone());
                offered.clear();
            }
            if !matches.contains(rid.0) || !offered.insert(rid.0) {
                continue;
            }
            // Of several values of a resource only the one that counts gives it its place.
            let counts = self.extreme(rid, parameter, descending)?;
            if counts.is_some_and(|counts| sorting::row_value(ordered, &counts) == value) {
                page.offer(self.placed(rid, page.plan)?);
            }
        }
        Ok(())
    }
}

/// The smaller, or the larger, of two keys; something rather than nothing.
fn better(one: Option<Vec<u8>>, two: Option<Vec<u8>>, descending: bool) -> Option<Vec<u8>> {
    match (one, two) {
        (Some(one), Some(two)) => Some(if (two < one) == descending { one } else { two }),
        (one, two) => one.or(two),
    }
}

fn by_rid(matches: &RoaringTreemap, plan: &SearchPlan) -> Page {
    let after = plan.after.map(|rid| rid.0);
    let mut page = Page::default();
    let mut push = |rid: u64| {
        page.more = page.rids.len() == plan.most;
        if !page.more {
            page.rids.push(Rid(rid));
        }
        !page.more
    };
    if plan.descending {
        let mut left = matches.clone();
        if let Some(after) = after {
            left.remove_range(after..);
        }
        left.iter().rev().take_while(|rid| push(*rid)).for_each(drop);
    } else {
        let mut left = matches.iter();
        if let Some(after) = after {
            left.advance_to(after.saturating_add(1));
        }
        left.take_while(|rid| push(*rid)).for_each(drop);
    }
    page
}

/// The first matches after a place: one more than the page has, to know whether more follow.
struct PageOf<'p> {
    plan: &'p SearchPlan,
    after: Option<Placed<'p>>,
    /// The last of them on top.
    first: BinaryHeap<Placed<'p>>,
}

impl<'p> PageOf<'p> {
    fn offer(&mut self, placed: Placed<'p>) {
        if self.after.as_ref().is_some_and(|after| placed <= *after) {
            return;
        }
        self.first.push(placed);
        if self.first.len() > self.plan.most + 1 {
            self.first.pop();
        }
    }

    fn is_full(&self) -> bool {
        self.first.len() > self.plan.most
    }

    fn finish(self) -> Page {
        let mut placed = self.first.into_sorted_vec();
        let more = placed.len() > self.plan.most;
        placed.truncate(self.plan.most);
        Page { rids: placed.into_iter().map(|placed| placed.rid).collect(), more }
    }
}

/// From and to of each range, cut to what comes after a value.
type Bounds = Vec<(Vec<u8>, Vec<u8>)>;

fn bounds(ordered: &Ordered, descending: bool, start: Option<&[u8]>) -> Bounds {
    let Some(start) = start else { return ordered.ranges.clone() };
    let value = sorting::row_value(ordered, start);
    let cut = |(from, to): &(Vec<u8>, Vec<u8>)| {
        let mut bound = [from.get(..ordered.skip).unwrap_or_default(), &*value].concat();
        if !descending {
            return (bound, to.clone());
        }
        bound.extend([0xff; 17]);
        (from.clone(), bound)
    };
    ordered.ranges.iter().map(cut).collect()
}

/// Rows in the order of the walk, and the value and rid of the next.
type Stream<'r> = (Box<dyn Iterator<Item = Found<Posting<'r>>> + 'r>, Option<(Vec<u8>, Rid)>);

/// Several ranges of rows, merged by the values in them.
struct Merged<'r> {
    ordered: &'r Ordered,
    descending: bool,
    streams: Vec<Stream<'r>>,
}

impl<'r> Merged<'r> {
    fn over(
        searching: &'r Searching<'_>,
        ordered: &'r Ordered,
        descending: bool,
        bounds: &'r Bounds,
    ) -> Found<Self> {
        let mut merged = Self { ordered, descending, streams: Vec::new() };
        for (from, to) in bounds {
            let stored = match descending {
                true => Postings::between_back(searching.view, from, to)?,
                false => Postings::between(searching.view, from, to)?,
            };
            merged.add(Box::new(stored.map(|row| Ok(row?))))?;
            for rows in searching.tail.between(from, to) {
                merged.add(match descending {
                    true => Box::new(rows.rev().map(Ok)),
                    false => Box::new(rows.map(Ok)),
                })?;
            }
        }
        Ok(merged)
    }

    fn add(&mut self, rows: Box<dyn Iterator<Item = Found<Posting<'r>>> + 'r>) -> Found<()> {
        let mut stream = (rows, None);
        refill(&mut stream, self.ordered)?;
        if stream.1.is_some() {
            self.streams.push(stream);
        }
        Ok(())
    }

    fn next(&mut self) -> Found<Option<(Vec<u8>, Rid)>> {
        let heads = self.streams.iter().enumerate();
        let heads = heads.filter_map(|(place, (_, head))| Some((head.as_ref()?, place)));
        let nearest = if self.descending { heads.max() } else { heads.min() };
        let Some((_, place)) = nearest else { return Ok(None) };
        let Some(stream) = self.streams.get_mut(place) else { return Ok(None) };
        let head = stream.1.take();
        refill(stream, self.ordered)?;
        Ok(head)
    }
}

fn refill(stream: &mut Stream<'_>, ordered: &Ordered) -> Found<()> {
    stream.1 = match stream.0.next() {
        None => None,
        Some(row) => {
            let (row, rid) = row?;
            let value = row.get(ordered.skip..).unwrap_or_default();
            let value = ordered.length.and_then(|length| value.get(..length)).unwrap_or(value);
            Some((value.to_vec(), rid))
        }
    };
    Ok(())
}
