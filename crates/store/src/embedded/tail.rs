//! The tail of the index: rows of the newest versions, kept in memory until enough have gathered to
//! be written into the table in their order.
//!
//! Each key has a random place in the table, so that writing few costs a page each, and writing
//! neighbours, and many rows of a key, much less. Those that have gathered go into the table a part
//! with each commit, so that few commits wait for all of them, and stay in memory until the last is
//! there. What is in memory is made anew from the packed values when the store is opened: the row
//! `indexed` of `meta` says from where on.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use base::Fault;
use parking_lot::{Mutex, RwLock};

use super::engine::{View, Writer};
use super::postings::{self, Posting};
use super::read::read_rid;
use super::tables::{FORWARD, META, META_INDEXED, SEARCH};
use super::trouble::Trouble;
use crate::forward::Values;
use crate::key::{self, Rid};
use crate::rows::Rows;

/// So many runs of one size become one.
const MERGED: usize = 4;

/// At least so many rows go into the table for each that is new: those on their way are there
/// before as many others have gathered.
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
    /// How many keys of each run the table has.
    written: Vec<usize>,
}

/// Keys in their order, each with the versions that have it in theirs.
#[derive(Default)]
struct Run {
    bytes: Vec<u8>,
    rids: Vec<u64>,
    /// Where in `bytes` each key is, and where in `rids` its versions.
    places: Vec<Place>,
    /// The newest version they are of.
    last: Rid,
}

type Place = (Range<usize>, Range<usize>);

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
        if run.rids.is_empty() {
            return self;
        }
        self.runs.push(Arc::new(run));
        while let Some([oldest, older, newer, newest]) = self.runs.last_chunk::<MERGED>()
            && oldest.rids.len() <= MERGED * newest.rids.len()
        {
            let merged = oldest.with(older).with(&newer.with(newest));
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

    /// The rows of the keys between two, both included: a stream per run, each in their order.
    pub(super) fn between<'r>(
        &'r self,
        from: &'r [u8],
        to: &'r [u8],
    ) -> impl Iterator<Item = impl DoubleEndedIterator<Item = Posting<'r>>> {
        self.leaving.runs.iter().chain(&self.runs).map(move |run| run.between(from, to))
    }
}

fn rows_of(runs: &[Arc<Run>]) -> usize {
    runs.iter().map(|run| run.rids.len()).sum()
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

    /// Writes the next keys with all their rows, until these are `most`; tells whether the table
    /// has all now. What a store had written of them when it was closed is written over: the rows
    /// of a key begin with the same one again.
    fn write(&mut self, writer: &mut Writer<'_>, most: usize) -> Result<bool, Trouble> {
        let Self { runs, written } = self;
        let (mut rids, mut rows) = (Vec::new(), 0);
        while rows < most {
            let nexts = runs.iter().zip(&*written).filter_map(|(run, place)| run.nth(*place));
            let Some(key) = nexts.map(|(key, _)| key).min() else { break };
            rids.clear();
            // From old to new, so that the rids rise.
            for (run, place) in runs.iter().zip(&mut *written) {
                if let Some((_, its)) = run.nth(*place).filter(|(found, _)| *found == key) {
                    rids.extend_from_slice(its);
                    *place += 1;
                }
            }
            postings::append(writer, key, &rids)?;
            rows += rids.len();
        }
        Ok(runs.iter().zip(&*written).all(|(run, place)| *place == run.places.len()))
    }
}

impl Run {
    /// Merged pair by pair: what versions of one type share is soon one key.
    fn of(versions: &[(Rid, &Rows)]) -> Self {
        let one = |(rid, rows): &(Rid, &Rows)| Self::of_one(*rid, rows);
        let mut runs = versions.iter().map(one).collect::<Vec<_>>();
        while runs.len() > 1 {
            let mut left = runs.into_iter();
            let pair = || Some((left.next()?, left.next()));
            let both = |(older, newer): (Self, Option<Self>)| match newer {
                Some(newer) => older.with(&newer),
                None => older,
            };
            runs = std::iter::from_fn(pair).map(both).collect();
        }
        runs.pop().unwrap_or_default()
    }

    fn of_one(rid: Rid, rows: &Rows) -> Self {
        let mut run = Self::with_room(rows.bytes(), rows.len(), rows.len());
        rows.iter().for_each(|key| run.push(key, [&[rid.0][..]]));
        Self { last: rid, ..run }
    }

    fn with_room(bytes: usize, rids: usize, places: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            rids: Vec::with_capacity(rids),
            places: Vec::with_capacity(places),
            last: Rid::default(),
        }
    }

    /// Adds a key above all others, and its versions from old to new.
    fn push<'r>(&mut self, key: &[u8], rids: impl IntoIterator<Item = &'r [u64]>) {
        let starts = (self.bytes.len(), self.rids.len());
        self.bytes.extend_from_slice(key);
        rids.into_iter().for_each(|some| self.rids.extend_from_slice(some));
        self.places.push((starts.0..self.bytes.len(), starts.1..self.rids.len()));
    }

    /// With the rows of newer versions.
    fn with(&self, newer: &Self) -> Self {
        let mut both = Self::with_room(
            self.bytes.len() + newer.bytes.len(),
            self.rids.len() + newer.rids.len(),
            self.places.len() + newer.places.len(),
        );
        both.last = newer.last;
        let (mut old, mut new) = (self.keys().peekable(), newer.keys().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (Some((one, _)), Some((two, _))) => one.cmp(two),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return both,
            };
            let old = old.next_if(|_| order.is_le());
            let new = new.next_if(|_| order.is_ge());
            let key = old.or(new).map(|(key, _)| key).unwrap_or_default();
            both.push(key, [old, new].into_iter().flatten().map(|(_, rids)| rids));
        }
    }

    fn at(&self, (key, rids): &Place) -> (&[u8], &[u64]) {
        let key = self.bytes.get(key.clone()).unwrap_or_default();
        (key, self.rids.get(rids.clone()).unwrap_or_default())
    }

    /// A key and the versions that have it, by its number.
    fn nth(&self, number: usize) -> Option<(&[u8], &[u64])> {
        Some(self.at(self.places.get(number)?))
    }

    fn keys(&self) -> impl Iterator<Item = (&[u8], &[u64])> {
        self.places.iter().map(|place| self.at(place))
    }

    fn between(&self, from: &[u8], to: &[u8]) -> impl DoubleEndedIterator<Item = Posting<'_>> {
        let start = self.places.partition_point(|place| self.at(place).0 < from);
        let end = self.places.partition_point(|place| self.at(place).0 <= to);
        let places = self.places.get(start..end).unwrap_or_default();
        places.iter().flat_map(|place| {
            let (key, rids) = self.at(place);
            rids.iter().map(move |rid| (key, Rid(*rid)))
        })
    }
}

/// Up to which rid versions have their rows in the table.
pub(super) fn indexed(view: View<'_>) -> Result<Rid, Fault> {
    view.get(META, META_INDEXED)?.map_or(Ok(Rid(0)), |row| read_rid(row, "meta"))
}

/// Takes out the rows that format 5 had written of versions after `indexed`.
pub(super) fn take_back(writer: &mut Writer<'_>) -> Result<(), Trouble> {
    let after = Rid(indexed(writer.view())?.0.saturating_add(1));
    let mut rows = Vec::new();
    let (from, to) = (key::of_rid(after), key::of_rid(Rid(u64::MAX)));
    for entry in writer.view().range(FORWARD, &from, &to)? {
        let (rid, forward) = entry?;
        rows.extend(Rows::of(Values(forward)).iter().map(|row| [row, rid].concat()));
    }
    rows.iter().try_for_each(|row| writer.delete(SEARCH, row).map(drop))
}

pub(super) fn set_indexed(writer: &mut Writer<'_>, rid: Rid) -> Result<(), Trouble> {
    writer.put(META, META_INDEXED, &key::of_rid(rid))
}

#[cfg(test)]
mod tests {
    use fhir::search::{Token, Value};
    use proptest::prelude::*;

    use super::*;
    use crate::StoreOptions;
    use crate::embedded::engine::Engine;
    use crate::embedded::tables::SERVICE;
    use crate::forward::Forward;
    use crate::key::ParameterId;

    /// The tail of a store that was closed while its rows went into the table has the same rows
    /// again, and newer ones.
    #[test]
    fn what_was_written_in_part_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { map_bytes: 8 << 20, ..StoreOptions::default() };
        let engine = Engine::open(folder.path(), SERVICE, &options).unwrap();
        let [ab, c] = [["a", "b"].as_slice(), &["c"]]
            .map(|codes| rows(&codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>()));
        let versions = |last| (1..=last).map(|rid| (Rid(rid), if rid % 3 == 0 { &c } else { &ab }));
        let leaving = |last| {
            let runs = Runs::default().with(&versions(last).collect::<Vec<_>>());
            Leaving::of(runs.runs)
        };
        let mut first = leaving(600);
        assert!(!engine.write(|writer| first.write(writer, 401)).unwrap());
        assert!(engine.write(|writer| leaving(700).write(writer, usize::MAX)).unwrap());
        let reader = engine.read().unwrap();
        let found = postings::Postings::all(reader.view()).unwrap().map(Result::unwrap);
        let found = found.map(|(key, rid)| (key.to_vec(), rid)).collect::<Vec<_>>();
        let mut expected = versions(700)
            .flat_map(|(rid, rows)| rows.iter().map(move |row| (row.to_vec(), rid)))
            .collect::<Vec<_>>();
        expected.sort();
        assert_eq!(found, expected);
    }

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
                expected.extend(rows.iter().map(|row| (row.to_vec(), rid)));
                runs = runs.with(&[(rid, &rows)]);
            }
            expected.sort();
            prop_assert_eq!(runs.rows(), expected.len());
            let merged = runs.runs.iter().fold(Run::default(), |older, run| older.with(run));
            let all = merged.between(&[], &[0xff]).map(|(key, rid)| (key.to_vec(), rid));
            prop_assert!(all.eq(expected.iter().cloned()));
            prop_assert!(merged.keys().is_sorted_by(|one, next| one.0 < next.0));
            prop_assert!(runs.runs.len() <= 16, "{} runs", runs.runs.len());
            // All keys begin with the parameter.
            let [from, to] = [from, to].map(|end| [&[0, 0, 0, 0, 0, 0, 0, 1][..], &end].concat());
            let is_between = |key: &[u8]| (&*from..=&*to).contains(&key);
            for run in runs.between(&from, &to) {
                let run = run.collect::<Vec<_>>();
                prop_assert!(run.is_sorted());
                prop_assert!(run.iter().all(|(key, _)| is_between(key)));
            }
            let found = runs.between(&from, &to).flatten().count();
            prop_assert_eq!(found, expected.iter().filter(|(key, _)| is_between(key)).count());
        }

        #[test]
        fn rows_of_versions_written_together_are_those_of_each(
            versions in prop::collection::vec(prop::collection::vec("[a-c]{1,2}", 0..5), 0..40),
        ) {
            let versions = versions.iter().map(|codes| rows(codes)).collect::<Vec<_>>();
            let versions = (1..).map(Rid).zip(&versions).collect::<Vec<_>>();
            let one_by_one = versions.iter().fold(Run::default(), |older, (rid, rows)| {
                older.with(&Run::of_one(*rid, rows))
            });
            let together = Run::of(&versions);
            prop_assert!(together.keys().eq(one_by_one.keys()));
            prop_assert_eq!(together.last, one_by_one.last);
        }
    }
}
