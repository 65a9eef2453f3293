//! The tail of the index: rows of the newest versions, kept in memory until enough have gathered to
//! be written into the table in their order.
//!
//! Each row has a random place in the table, so that writing few costs a page each, and writing
//! neighbours much less. Those that have gathered go into the table a part with each commit, so
//! that few commits wait for all of them, and stay in memory until the last is there. What is in
//! memory is made anew from the packed values when the store is opened: the row `indexed` of `meta`
//! says from where on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Range;
use std::sync::Arc;

use base::Fault;
use parking_lot::{Mutex, RwLock};

use super::engine::{View, Writer};
use super::read::read_rid;
use super::tables::{FORWARD, META, META_INDEXED, SEARCH};
use super::trouble::Trouble;
use crate::forward::Values;
use crate::key::{self, Rid};
use crate::rows::Rows;

/// So many runs of one size become one.
const MERGED: usize = 4;

/// So many rows go into the table for each that is new: those on their way are there before as
/// many others have gathered.
const PACE: usize = 2;

/// What readers look into besides the table.
pub(super) struct Tail {
    /// When there are more rows than these, they begin to go into the table.
    pub(super) most: usize,
    runs: RwLock<Runs>,
    /// Held by who writes index rows, from looking at the runs until they are what was written.
    pub(super) writing: Mutex<()>,
}

/// The rows of all versions after one. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Runs {
    /// The rows of versions up to this one are in the table.
    pub(super) after: Rid,
    /// The oldest, some of which the table has as well.
    leaving: Leaving,
    /// The others, from large and old to small and new.
    runs: Vec<Arc<Run>>,
}

/// Rows on their way into the table.
#[derive(Clone, Default)]
struct Leaving {
    runs: Vec<Arc<Run>>,
    /// How many rows of each run the table has.
    written: Vec<usize>,
}

/// Rows in their order, each with its rid.
struct Run {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
    /// The newest version they are of.
    last: Rid,
}

impl Tail {
    /// As it was when the store was closed.
    pub(super) fn load(view: View<'_>, most: usize) -> Result<Self, Fault> {
        let after = indexed(view)?;
        let (from, to) = (key::of_rid(Rid(after.0.saturating_add(1))), key::of_rid(Rid(u64::MAX)));
        let mut rows = Vec::new();
        for entry in view.range(FORWARD, &from, &to)? {
            let (rid, forward) = entry?;
            rows.push((read_rid(rid, "forward")?, Rows::of(Values(forward))));
        }
        let versions = rows.iter().map(|(rid, rows)| (*rid, rows)).collect::<Vec<_>>();
        let runs = Runs::nothing_after(after).with(&versions);
        Ok(Self { most, runs: RwLock::new(runs), writing: Mutex::new(()) })
    }

    pub(super) fn runs(&self) -> Runs {
        self.runs.read().clone()
    }

    /// Takes what a transaction left, once it is committed and before its versions are published.
    pub(super) fn set(&self, runs: Runs) {
        *self.runs.write() = runs;
    }
}

impl Runs {
    /// Nothing beside the table, which has the rows of versions up to `after`.
    pub(super) fn nothing_after(after: Rid) -> Self {
        Self { after, ..Self::default() }
    }

    /// The same beside a table that has the rows of versions up to `indexed`, maybe more than these
    /// were told of.
    pub(super) fn beside(mut self, indexed: Rid) -> Self {
        if indexed > self.after {
            // A run counts as being in the table when all of it is, and all that are older.
            self.after = indexed;
            self.runs.retain(|run| run.last > indexed);
            if self.leaving.last() <= Some(indexed) {
                self.leaving = Leaving::default();
            }
        }
        self
    }

    /// With the rows of newer versions.
    pub(super) fn with(mut self, versions: &[(Rid, &Rows)]) -> Self {
        let run = Run::of(versions);
        if run.places.is_empty() {
            return self;
        }
        self.runs.push(Arc::new(run));
        while let Some(young) =
            self.runs.len().checked_sub(MERGED).and_then(|at| self.runs.get(at..))
            && let [oldest, .., newest] = young
            && oldest.places.len() <= MERGED * newest.places.len()
        {
            let merged = Run::merged(young);
            self.runs.truncate(self.runs.len() - MERGED);
            self.runs.push(Arc::new(merged));
        }
        self
    }

    /// How many rows there are, those on their way included.
    #[cfg(test)]
    pub(super) fn rows(&self) -> usize {
        rows_of(&self.leaving.runs) + rows_of(&self.runs)
    }

    /// Writes a part of the rows on their way, more than the `added` ones that are new. When there
    /// are more than `most` others, these are the next.
    pub(super) fn ease(
        mut self,
        writer: &mut Writer<'_>,
        added: usize,
        most: usize,
    ) -> Result<Self, Trouble> {
        if rows_of(&self.runs) > most {
            self.advance(writer, usize::MAX)?;
            self.leaving = Leaving::of(std::mem::take(&mut self.runs));
        }
        self.advance(writer, PACE * added)?;
        Ok(self)
    }

    /// Writes `most` of the rows on their way; they stay here until the table has all.
    fn advance(&mut self, writer: &mut Writer<'_>, most: usize) -> Result<(), Trouble> {
        if let Some(last) = self.leaving.last()
            && self.leaving.write(writer, most)?
        {
            set_indexed(writer, last)?;
            (self.after, self.leaving) = (last, Leaving::default());
        }
        Ok(())
    }

    /// Writes all rows into the table, which then counts as having those of versions up to
    /// `newest`; gives what is left.
    pub(super) fn write(mut self, writer: &mut Writer<'_>, newest: Rid) -> Result<Self, Trouble> {
        self.leaving.write(writer, usize::MAX)?;
        Leaving::of(self.runs).write(writer, usize::MAX)?;
        set_indexed(writer, newest)?;
        Ok(Self::nothing_after(newest))
    }

    /// The newest version whose rows are here or in the table.
    pub(super) fn last(&self) -> Rid {
        self.runs.last().map(|newest| newest.last).or(self.leaving.last()).unwrap_or(self.after)
    }

    /// The rows between two keys, both included: a stream per run, each in the order of keys.
    pub(super) fn between<'r>(
        &'r self,
        from: &'r [u8],
        to: &'r [u8],
    ) -> impl Iterator<Item = impl DoubleEndedIterator<Item = &'r [u8]>> {
        self.leaving.runs.iter().chain(&self.runs).map(move |run| run.between(from, to))
    }
}

fn rows_of(runs: &[Arc<Run>]) -> usize {
    runs.iter().map(|run| run.places.len()).sum()
}

impl Leaving {
    fn of(runs: impl IntoIterator<Item = Arc<Run>>) -> Self {
        let runs = runs.into_iter().collect::<Vec<_>>();
        Self { written: vec![0; runs.len()], runs }
    }

    /// The newest version they are of.
    fn last(&self) -> Option<Rid> {
        self.runs.last().map(|run| run.last)
    }

    /// Writes the next `most` rows in their order; tells whether the table has all now.
    fn write(&mut self, writer: &mut Writer<'_>, most: usize) -> Result<bool, Trouble> {
        let Self { runs, written } = self;
        let firsts = runs.iter().zip(&*written).map(|(run, written)| run.nth(*written));
        let mut next = (0..)
            .zip(firsts)
            .filter_map(|(place, row)| Some(Reverse((row?, place))))
            .collect::<BinaryHeap<_>>();
        for _ in 0..most {
            let Some(mut top) = next.peek_mut() else { break };
            let Reverse((row, place)) = &mut *top;
            writer.put(SEARCH, row, &[])?;
            let Some((run, written)) = runs.get(*place).zip(written.get_mut(*place)) else { break };
            *written += 1;
            match run.nth(*written) {
                Some(after) => *row = after,
                None => drop(PeekMut::pop(top)),
            }
        }
        Ok(next.is_empty())
    }
}

impl Run {
    fn of(versions: &[(Rid, &Rows)]) -> Self {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for (rid, rows) in versions {
            for row in rows.iter() {
                let start = bytes.len();
                bytes.extend_from_slice(row);
                bytes.extend(key::of_rid(*rid));
                places.push(start..bytes.len());
            }
        }
        let row = |place: &Range<usize>| bytes.get(place.clone()).unwrap_or_default();
        places.sort_by(|one, two| row(one).cmp(row(two)));
        Self { places, bytes, last: versions.last().map(|(rid, _)| *rid).unwrap_or_default() }
    }

    fn merged(runs: &[Arc<Self>]) -> Self {
        let mut rows = runs.iter().flat_map(|run| run.rows()).collect::<Vec<_>>();
        // The sort that finds what is in order already.
        rows.sort();
        let (mut bytes, mut places) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            let start = bytes.len();
            bytes.extend_from_slice(row);
            places.push(start..bytes.len());
        }
        Self { bytes, places, last: runs.last().map(|run| run.last).unwrap_or_default() }
    }

    fn row(&self, place: &Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|place| self.row(place))
    }

    fn nth(&self, number: usize) -> Option<&[u8]> {
        Some(self.row(self.places.get(number)?))
    }

    fn between(&self, from: &[u8], to: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
        let start = self.places.partition_point(|place| self.row(place) < from);
        let end = self.places.partition_point(|place| self.row(place) <= to);
        let places = self.places.get(start..end).unwrap_or_default();
        places.iter().map(|place| self.row(place))
    }
}

/// Up to which rid versions have their rows in the table.
pub(super) fn indexed(view: View<'_>) -> Result<Rid, Fault> {
    view.get(META, META_INDEXED)?.map_or(Ok(Rid(0)), |row| read_rid(row, "meta"))
}

pub(super) fn set_indexed(writer: &mut Writer<'_>, rid: Rid) -> Result<(), Trouble> {
    writer.put(META, META_INDEXED, &key::of_rid(rid))
}

#[cfg(test)]
mod tests {
    use fhir::search::{Token, Value};
    use proptest::prelude::*;

    use super::*;
    use crate::forward::Forward;
    use crate::key::ParameterId;

    fn rows(codes: &[String]) -> Rows {
        let token = |code: &String| Token { code: Some(code.clone().into()), ..Token::default() };
        let values = codes.iter().map(|code| (ParameterId(1), Value::Token(token(code))));
        Rows::of(Forward::pack(&values.collect::<Vec<_>>(), &|_| None).view())
    }

    proptest! {
        #[test]
        fn runs_have_all_rows_in_order_however_they_were_merged(
            versions in prop::collection::vec(prop::collection::vec("[a-c]{1,2}", 0..5), 0..40),
            (from, to) in (any::<[u8; 10]>(), any::<[u8; 10]>()),
        ) {
            let (mut runs, mut expected) = (Runs::default(), Vec::new());
            for (rid, codes) in (1..).map(Rid).zip(&versions) {
                let rows = rows(codes);
                expected.extend(rows.iter().map(|row| [row, &key::of_rid(rid)].concat()));
                runs = runs.with(&[(rid, &rows)]);
            }
            expected.sort();
            prop_assert_eq!(runs.rows(), expected.len());
            let merged = Run::merged(&runs.runs);
            prop_assert!(merged.rows().eq(expected.iter().map(Vec::as_slice)));
            prop_assert!(runs.runs.len() <= 16, "{} runs", runs.runs.len());
            // Of the keys all begin with the parameter.
            let [from, to] = [from, to].map(|end| [&[0, 0, 0, 0, 0, 0, 0, 1][..], &end].concat());
            for run in runs.between(&from, &to) {
                let run = run.collect::<Vec<_>>();
                prop_assert!(run.is_sorted());
                prop_assert!(run.iter().all(|row| (&*from..=&*to).contains(row)));
            }
            let found = runs.between(&from, &to).flatten().count();
            let is_between = |row: &&Vec<u8>| from <= **row && **row <= to;
            prop_assert_eq!(found, expected.iter().filter(is_between).count());
        }
    }
}
