//! The table of the index: of each key the versions that have it, in rising order, so many to an
//! entry.
//!
//! An entry's key is the index key and the first rid; its value is how far each further rid is from
//! the one before it, in LEB128. The entries of one index key do not overlap. Ranges are asked for
//! by index keys and never by rids, so that an entry is in one whole or not at all.

use std::iter;

use base::Fault;

use super::engine::{Entry, Rows, View, Writer};
use super::read::broken;
use super::tables::SEARCH;
use super::trouble::Trouble;
use crate::key::{self, Rid};
use crate::leb128;

/// The most versions of one entry: with distances of ten bytes it stays below half a page. With
/// another number, what the tail had written in part when the store was closed would overlap with
/// what it writes then.
const MOST: usize = 128;

/// Enough for any.
const DISTANCE_BYTES: u32 = 10;

/// An index key, and a version that has it.
pub(super) type Posting<'t> = (&'t [u8], Rid);

/// The postings of the keys between two, both included: by entries, and within one by rids.
pub(super) struct Postings<'t> {
    entries: Rows<'t>,
    back: bool,
    key: &'t [u8],
    /// What is left of the entry, the next one last.
    rids: Vec<u64>,
}

impl<'t> Postings<'t> {
    pub(super) fn between(view: View<'t>, from: &[u8], to: &[u8]) -> Result<Self, Fault> {
        Ok(Self::of(view.range(SEARCH, from, to)?, false))
    }

    /// As [`Postings::between`], backwards.
    pub(super) fn between_back(view: View<'t>, from: &[u8], to: &[u8]) -> Result<Self, Fault> {
        Ok(Self::of(view.range_back(SEARCH, from, to)?, true))
    }

    pub(super) fn all(view: View<'t>) -> Result<Self, Fault> {
        Ok(Self::of(view.all(SEARCH)?, false))
    }

    fn of(entries: Rows<'t>, back: bool) -> Self {
        Self { entries, back, key: &[], rids: Vec::new() }
    }

    fn open(&mut self, entry: Entry<'t>) -> Result<(), Fault> {
        let (key, first) = split(entry.0)?;
        self.key = key;
        read_rids(first, entry.1, &mut self.rids)?;
        if !self.back {
            self.rids.reverse();
        }
        Ok(())
    }
}

impl<'t> Iterator for Postings<'t> {
    type Item = Result<Posting<'t>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rids.is_empty() {
            let entry = self.entries.next()?;
            if let Err(fault) = entry.and_then(|entry| self.open(entry)) {
                return Some(Err(fault));
            }
        }
        self.rids.pop().map(|rid| Ok((self.key, Rid(rid))))
    }
}

/// Gives a key versions that are all newer than those it has; in rising order.
pub(super) fn append(writer: &mut Writer<'_>, key: &[u8], rids: &[u64]) -> Result<(), Trouble> {
    for rids in rids.chunks(MOST) {
        let Some((first, further)) = rids.split_first() else { continue };
        let mut distances = Vec::with_capacity(2 * further.len());
        iter::zip(rids, further).for_each(|(one, next)| leb128::write(next - one, &mut distances));
        writer.put(SEARCH, &of_entry(key, *first), &distances)?;
    }
    Ok(())
}

/// Gives a key a version, among those that it has.
pub(super) fn insert(writer: &mut Writer<'_>, key: &[u8], rid: Rid) -> Result<(), Trouble> {
    let mut rids = before(writer.view(), key, rid.0)?.unwrap_or_default();
    let Err(place) = rids.binary_search(&rid.0) else { return Ok(()) };
    rids.insert(place, rid.0);
    // What comes last is likely to be followed by more.
    let full = if place == MOST { MOST } else { MOST / 2 };
    let (entry, next) = rids.split_at(if rids.len() > MOST { full } else { rids.len() });
    append(writer, key, entry)?;
    append(writer, key, next)
}

/// Takes a version from a key.
pub(super) fn remove(writer: &mut Writer<'_>, key: &[u8], rid: Rid) -> Result<(), Trouble> {
    let Some(mut rids) = before(writer.view(), key, rid.0)? else { return Ok(()) };
    let (Some(&first), Ok(place)) = (rids.first(), rids.binary_search(&rid.0)) else {
        return Ok(());
    };
    rids.remove(place);
    if place == 0 {
        writer.delete(SEARCH, &of_entry(key, first))?;
    }
    append(writer, key, &rids)
}

/// Whether a key has a version.
pub(super) fn has(view: View<'_>, key: &[u8], rid: Rid) -> Result<bool, Fault> {
    Ok(before(view, key, rid.0)?.is_some_and(|rids| rids.binary_search(&rid.0).is_ok()))
}

/// The last entry of a key that begins with `rid` or one before it.
fn before(view: View<'_>, key: &[u8], rid: u64) -> Result<Option<Vec<u64>>, Fault> {
    for entry in view.range_back(SEARCH, &of_entry(key, 0), &of_entry(key, rid))? {
        let (name, distances) = entry?;
        let (found, first) = split(name)?;
        // Between two entries of a key may be some of one that begins with it.
        if found == key {
            let mut rids = Vec::new();
            read_rids(first, distances, &mut rids)?;
            return Ok(Some(rids));
        }
    }
    Ok(None)
}

fn of_entry(key: &[u8], first: u64) -> Vec<u8> {
    [key, &key::of_rid(Rid(first))].concat()
}

/// An entry's index key and first rid.
fn split(name: &[u8]) -> Result<(&[u8], u64), Fault> {
    let (key, first) = name.split_last_chunk().ok_or_else(|| broken("search"))?;
    Ok((key, u64::from_be_bytes(*first)))
}

fn read_rids(first: u64, mut distances: &[u8], into: &mut Vec<u64>) -> Result<(), Fault> {
    let mut rid = first;
    into.push(rid);
    while !distances.is_empty() {
        let next = leb128::read(&mut distances, DISTANCE_BYTES)
            .and_then(|distance| rid.checked_add(distance));
        rid = next.filter(|next| *next > rid).ok_or_else(|| broken("search"))?;
        into.push(rid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::StoreOptions;
    use crate::embedded::engine::Engine;
    use crate::embedded::tables::SERVICE;

    fn engine() -> (tempfile::TempDir, Engine) {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { map_bytes: 8 << 20, ..StoreOptions::default() };
        let engine = Engine::open(folder.path(), SERVICE, &options).unwrap();
        (folder, engine)
    }

    /// The keys of the tests: one begins with another.
    const KEYS: [&[u8]; 3] = [b"a", b"a\x00\x00", b"b"];

    #[derive(Clone, Debug)]
    enum Change {
        Append(usize, usize),
        Insert(usize, BTreeSet<u64>),
        Remove(usize, u64),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let rids = prop::collection::btree_set(1_u64..600, 1..200);
        let change = prop_oneof![
            (0..KEYS.len(), 1..300_usize).prop_map(|(key, most)| Change::Append(key, most)),
            (0..KEYS.len(), rids).prop_map(|(key, rids)| Change::Insert(key, rids)),
            (0..KEYS.len(), 1_u64..600).prop_map(|(key, rid)| Change::Remove(key, rid)),
        ];
        prop::collection::vec(change, 1..12)
    }

    fn apply(writer: &mut Writer<'_>, change: &Change, all: &mut BTreeSet<(&'static [u8], u64)>) {
        match change {
            Change::Append(key, most) => {
                let newest = all.iter().filter(|(it, _)| *it == KEYS[*key]).map(|it| it.1).max();
                let next = newest.unwrap_or(0) + 1;
                let rids = (next..).step_by(most % 3 * 100 + 1).take(*most).collect::<Vec<_>>();
                append(writer, KEYS[*key], &rids).unwrap();
                all.extend(rids.into_iter().map(|rid| (KEYS[*key], rid)));
            }
            Change::Insert(key, rids) => {
                rids.iter().for_each(|&rid| insert(writer, KEYS[*key], Rid(rid)).unwrap());
                all.extend(rids.iter().map(|&rid| (KEYS[*key], rid)));
            }
            Change::Remove(key, rid) => {
                remove(writer, KEYS[*key], Rid(*rid)).unwrap();
                all.remove(&(KEYS[*key], *rid));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_key_has_the_versions_it_was_given_in_rising_order(changes in changes()) {
            let (_folder, engine) = engine();
            let mut expected = BTreeSet::new();
            engine
                .write(|writer| {
                    changes.iter().for_each(|change| apply(writer, change, &mut expected));
                    Ok(())
                })
                .unwrap();
            let reader = engine.read().unwrap();
            let view = reader.view();
            let found = Postings::all(view).unwrap().map(Result::unwrap);
            let found = found.map(|(key, rid)| (key, rid.0)).collect::<Vec<_>>();
            let mut sorted = found.clone();
            sorted.sort_unstable();
            prop_assert_eq!(&sorted, &Vec::from_iter(expected.iter().copied()));
            let (from, to) = (&b"a"[..], &[0xff; 20][..]);
            let forth = Postings::between(view, from, to).unwrap().map(Result::unwrap);
            let mut forth = forth.collect::<Vec<_>>();
            for key in KEYS {
                let of_key = forth.iter().filter(|it| it.0 == key).map(|it| it.1);
                prop_assert!(of_key.is_sorted_by(|one, next| one < next));
                for rid in 1..700 {
                    let is_there = expected.contains(&(key, rid));
                    prop_assert_eq!(has(view, key, Rid(rid)).unwrap(), is_there);
                }
            }
            forth.reverse();
            let back = Postings::between_back(view, from, to).unwrap().map(Result::unwrap);
            prop_assert!(back.eq(forth));
        }
    }

    #[test]
    fn what_is_damaged_is_told_and_not_guessed() {
        let check = |value: &[u8]| {
            let (_folder, engine) = engine();
            engine.write(|writer| writer.put(SEARCH, &of_entry(b"a", 7), value)).unwrap();
            let reader = engine.read().unwrap();
            assert!(Postings::all(reader.view()).unwrap().next().unwrap().is_err(), "{value:?}");
        };
        check(&[0]);
        check(&[0x80]);
        check(&[0xff; 9]);
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]);
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    }

    #[test]
    fn entries_of_one_version_are_those_of_older_formats() {
        let (_folder, engine) = engine();
        engine
            .write(|writer| {
                (5..8).try_for_each(|rid| writer.put(SEARCH, &of_entry(b"a", rid), &[]))?;
                [6, 9].into_iter().try_for_each(|rid| insert(writer, b"a", Rid(rid)))
            })
            .unwrap();
        let reader = engine.read().unwrap();
        let found = Postings::all(reader.view()).unwrap().map(|it| it.unwrap().1.0);
        assert_eq!(found.collect::<Vec<_>>(), [5, 6, 7, 9]);
    }
}
