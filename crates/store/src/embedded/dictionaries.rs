//! The table `dictionary`: what bodies of one type have in common, learned from the store's own
//! bodies on a thread beside the writer, and known for good. Written beside the commits, since it
//! is not part of any snapshot.

use std::collections::{HashMap, HashSet};
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use base::Fault;
use parking_lot::{Mutex, RwLock};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::engine::View;
use super::read::{broken, row};
use super::tables::{BY_TYPE, DICTIONARY, LIVE};
use super::write::join;
use super::{Shared, Store};
use crate::compression::{self, Dictionary};
use crate::content::DICTIONARY_BODY_BYTES;
use crate::key::{self, Rid, TypeId};
use crate::open::{Sample, Sampler};
use crate::version::Kind;

/// Bodies of a type that are asked about before there is a dictionary for it, or before it is tried
/// again.
const FIRST: u64 = 1_024;
/// The next one is made when there are so many times as many bodies.
const AGAIN: u64 = 64;
/// Bodies that a dictionary is made of at the most and at the least, and their bytes together.
const SAMPLES: usize = 500;
const SAMPLES_LEAST: usize = 50;
const SAMPLES_BYTES: usize = 1 << 20;
/// Of many bodies, one in so many at the most is a sample.
const STRIDE_MOST: u64 = 64;
/// Types that may wait for their dictionary: more than there are, and each waits once.
const WAITING: usize = 256;

/// The dictionaries of a store.
#[derive(Default)]
pub(crate) struct Dictionaries {
    /// In the order of their numbers, from 1.
    known: RwLock<Vec<Arc<Dictionary>>>,
    types: RwLock<HashMap<TypeId, OfType>>,
}

struct OfType {
    newest: Option<Arc<Dictionary>>,
    /// Resources there were at the start, and those written since.
    bodies: AtomicU64,
    /// At how many the next dictionary is made.
    due: AtomicU64,
}

impl Dictionaries {
    pub(super) fn load(view: View<'_>) -> Result<Self, Fault> {
        let (mut known, mut types) = (Vec::new(), HashMap::new());
        for entry in view.all(LIVE)? {
            let (of, bodies) = entry?;
            let of = key::read_type(of).ok_or_else(|| broken("live"))?;
            let bodies = key::read_u64(bodies).ok_or_else(|| broken("live"))?;
            types.insert(of, OfType::new(None, bodies, FIRST.max(bodies.saturating_add(1))));
        }
        for (number, entry) in (1..=u16::MAX).zip(view.all(DICTIONARY)?) {
            let (name, row) = entry?;
            let number = NonZero::new(number).filter(|number| name == number.get().to_be_bytes());
            let row = number.and_then(|number| Some((number, Row::read(number.get(), row)?)));
            let row = row.ok_or_else(|| broken("dictionary"));
            let (number, Row { of, bodies, bytes }) = row?;
            let dictionary = Dictionary::new(number, bytes.to_vec());
            let dictionary = Arc::new(dictionary.ok_or_else(|| broken("dictionary"))?);
            let live = types.get(&of).map_or(0, |of: &OfType| of.bodies.load(Ordering::Relaxed));
            let due = bodies.saturating_mul(AGAIN).max(live.saturating_add(1));
            types.insert(of, OfType::new(Some(Arc::clone(&dictionary)), live, due));
            known.push(dictionary);
        }
        Ok(Self { known: RwLock::new(known), types: RwLock::new(types) })
    }

    /// The one that a row names; `None` when it names none.
    pub(crate) fn numbered(&self, number: u16) -> Result<Option<Arc<Dictionary>>, Fault> {
        let Some(place) = usize::from(number).checked_sub(1) else { return Ok(None) };
        let found = self.known.read().get(place).cloned();
        found.map(Some).ok_or_else(|| {
            Fault::because(format!("a body names dictionary {number}, which the store has not"))
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.known.read().len()
    }

    /// What the next body of a type is compressed with, and whether it is time to make another.
    fn next(&self, of: TypeId) -> (Option<Arc<Dictionary>>, bool) {
        if let Some(it) = self.types.read().get(&of) {
            let bodies = it.bodies.fetch_add(1, Ordering::Relaxed) + 1;
            return (it.newest.clone(), bodies == it.due.load(Ordering::Relaxed));
        }
        let mut types = self.types.write();
        let it = types.entry(of).or_insert_with(|| OfType::new(None, 0, FIRST));
        it.bodies.fetch_add(1, Ordering::Relaxed);
        (it.newest.clone(), false)
    }

    fn bodies(&self, of: TypeId) -> u64 {
        self.types.read().get(&of).map_or(0, |it| it.bodies.load(Ordering::Relaxed))
    }

    /// Sees to it that another is made later.
    fn put_off(&self, of: TypeId, due: u64) {
        if let Some(it) = self.types.read().get(&of) {
            it.due.store(due, Ordering::Relaxed);
        }
    }

    fn add(&self, of: TypeId, dictionary: Dictionary) {
        let dictionary = Arc::new(dictionary);
        self.known.write().push(Arc::clone(&dictionary));
        if let Some(it) = self.types.write().get_mut(&of) {
            it.newest = Some(dictionary);
        }
    }
}

impl OfType {
    fn new(newest: Option<Arc<Dictionary>>, bodies: u64, due: u64) -> Self {
        Self { newest, bodies: AtomicU64::new(bodies), due: AtomicU64::new(due) }
    }
}

/// A row of the table: a hash of all else, the type, how many bodies of it there were, the
/// dictionary. A bit that is wrong in it would make other text of many bodies without a word.
struct Row<'r> {
    of: TypeId,
    bodies: u64,
    bytes: &'r [u8],
}

impl<'r> Row<'r> {
    fn read(number: u16, row: &'r [u8]) -> Option<Self> {
        let (hash, row) = row.split_first_chunk::<8>()?;
        if *hash != hash_of(number, row) {
            return None;
        }
        let (of, rest) = row.split_first_chunk::<2>()?;
        let (bodies, bytes) = rest.split_first_chunk::<8>()?;
        let (of, bodies) = (TypeId(u16::from_be_bytes(*of)), u64::from_be_bytes(*bodies));
        Some(Self { of, bodies, bytes })
    }

    fn write(&self, number: u16) -> Vec<u8> {
        let row = [&self.of.0.to_be_bytes()[..], &self.bodies.to_be_bytes(), self.bytes].concat();
        [&hash_of(number, &row)[..], &row].concat()
    }
}

fn hash_of(number: u16, row: &[u8]) -> [u8; 8] {
    xxh3_64_with_seed(row, number.into()).to_be_bytes()
}

impl Store {
    /// What the next body of this type is to be compressed with, for a version of this store.
    /// Asking counts: from time to time a dictionary is made of what was asked about.
    #[must_use]
    pub fn dictionary(&self, of: TypeId) -> Option<Arc<Dictionary>> {
        let (dictionary, is_due) = self.shared.dictionaries.next(of);
        if is_due {
            self.training.ask(of);
        }
        dictionary
    }
}

/// The way to the thread that makes dictionaries.
pub(super) struct Training {
    waiting: RwLock<Option<SyncSender<TypeId>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    closing: Arc<AtomicBool>,
}

impl Training {
    /// No dictionary is ever made without a sampler.
    pub(super) fn start(shared: Arc<Shared>, sampler: Option<Sampler>) -> io::Result<Self> {
        let closing = Arc::<AtomicBool>::default();
        let Some(sampler) = sampler else {
            let (waiting, thread) = (RwLock::new(None), Mutex::new(None));
            return Ok(Self { waiting, thread, closing });
        };
        let (sender, waiting) = sync_channel(WAITING);
        let is_closing = Arc::clone(&closing);
        let serving = move || {
            let open = waiting.iter().take_while(|_| !is_closing.load(Ordering::Acquire));
            open.for_each(|of| serve(&shared, sampler, of));
        };
        let thread = thread::Builder::new().name("store-training".to_owned()).spawn(serving)?;
        let (waiting, thread) = (RwLock::new(Some(sender)), Mutex::new(Some(thread)));
        Ok(Self { waiting, thread, closing })
    }

    /// When too many wait already this type goes without until the store is opened again.
    fn ask(&self, of: TypeId) {
        if let Some(waiting) = &*self.waiting.read() {
            let _ = waiting.try_send(of);
        }
    }

    /// Lets the thread finish the dictionary that it makes, and waits for it.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.waiting.write().take();
        join(&self.thread, "the making of dictionaries");
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(shared: &Shared, sampler: Sampler, of: TypeId) {
    let bodies = shared.dictionaries.bodies(of);
    let made = make(shared, sampler, of, bodies);
    match &made {
        Ok(Made::Dictionary) => tracing::debug!(of = of.0, "a dictionary was made"),
        Ok(Made::SavesLittle) => tracing::debug!(of = of.0, "a dictionary would save little"),
        Ok(Made::TooFew) => tracing::debug!(of = of.0, "too few bodies for a dictionary"),
        Err(fault) => tracing::warn!(of = of.0, %fault, "a dictionary could not be made"),
    }
    let due = match made {
        Ok(Made::Dictionary | Made::SavesLittle) => bodies.saturating_mul(AGAIN),
        Ok(Made::TooFew) | Err(_) => shared.dictionaries.bodies(of).saturating_add(FIRST),
    };
    shared.dictionaries.put_off(of, due);
}

/// What trying to make a dictionary came to.
enum Made {
    Dictionary,
    SavesLittle,
    /// What was asked about may not be stored yet.
    TooFew,
}

/// Makes the next dictionary of a type if it saves something.
fn make(shared: &Shared, sampler: Sampler, of: TypeId, bodies: u64) -> Result<Made, Fault> {
    let Shared { engine, dictionaries, .. } = shared;
    let sampled = sampled(shared, of, bodies)?;
    if sampled.len() < SAMPLES_LEAST {
        return Ok(Made::TooFew);
    }
    let Some(bytes) = compression::train(&sampler(&sampled)) else { return Ok(Made::TooFew) };
    let number = u16::try_from(dictionaries.count() + 1).ok().and_then(NonZero::new);
    let Some(number) = number else { return Ok(Made::SavesLittle) };
    let row = Row { of, bodies, bytes: &bytes }.write(number.get());
    let dictionary = Dictionary::new(number, bytes).ok_or_else(|| broken("dictionary"))?;
    let newest = dictionaries.types.read().get(&of).and_then(|it| it.newest.clone());
    if !saves(&sampled, &dictionary, newest.as_deref())? {
        return Ok(Made::SavesLittle);
    }
    // It is on the disk before any row can name it. Where the map is full it waits: a commit that
    // is on its way must be the one that makes it grow.
    engine.write(|writer| writer.put(DICTIONARY, &number.get().to_be_bytes(), &row))?;
    dictionaries.add(of, dictionary);
    Ok(Made::Dictionary)
}

/// Some of a type's newest bodies, one of each resource.
fn sampled(shared: &Shared, of: TypeId, bodies: u64) -> Result<Vec<Sample>, Fault> {
    let reader = shared.engine.read()?;
    let view = reader.view();
    let (first, last) = (key::of_by_type(of, Rid(0)), key::of_by_type(of, Rid(u64::MAX)));
    let stride = (bodies / SAMPLES as u64).clamp(1, STRIDE_MOST);
    let (mut sampled, mut seen, mut bytes) = (Vec::new(), HashSet::new(), 0);
    let newest = view.range_back(BY_TYPE, &first, &last)?.step_by(stride as usize);
    for entry in newest.take(4 * SAMPLES) {
        let (_, rid) = key::read_by_type(entry?.0).ok_or_else(|| broken("by_type"))?;
        let Some(row) = row(view, rid)? else { continue };
        let is_long = row.raw_length() as usize > DICTIONARY_BODY_BYTES;
        if row.head.kind == Kind::Delete || is_long || !seen.insert(row.head.key) {
            continue;
        }
        let body = row.body(&shared.dictionaries)?;
        bytes += body.len();
        if bytes > SAMPLES_BYTES || sampled.len() == SAMPLES {
            break;
        }
        let compartments = row.compartments().collect();
        sampled.push(Sample { key: row.head.key, compartments, body });
    }
    Ok(sampled)
}

/// Whether some of these bodies take a twentieth less than with what there is.
fn saves(samples: &[Sample], new: &Dictionary, old: Option<&Dictionary>) -> Result<bool, Fault> {
    let (mut with, mut without) = (0, 0);
    for Sample { body, .. } in samples.iter().step_by(8) {
        with += compression::compress(body, Some(new))?.len();
        without += compression::compress(body, old)?.len();
    }
    Ok(with + without / 20 < without)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_with_a_wrong_bit_or_of_another_number_is_told() {
        let row = Row { of: TypeId(3), bodies: 1_024, bytes: b"a dictionary" };
        let written = row.write(2);
        let read = Row::read(2, &written).unwrap();
        assert_eq!((read.of, read.bodies, read.bytes), (row.of, row.bodies, row.bytes));
        assert!(Row::read(3, &written).is_none());
        for place in 0..written.len() {
            let mut wrong = written.clone();
            wrong[place] ^= 1;
            assert!(Row::read(2, &wrong).is_none(), "byte {place}");
            assert!(Row::read(2, &written[..place]).is_none(), "up to {place}");
        }
    }

    #[test]
    fn a_body_that_names_what_is_not_there_is_told() {
        let none = Dictionaries::default();
        assert!(none.numbered(0).unwrap().is_none());
        assert!(none.numbered(1).is_err());
    }

    #[test]
    fn a_type_is_due_once_and_again_when_it_was_put_off() {
        let (none, of) = (Dictionaries::default(), TypeId(7));
        let due = |times: u64| (0..times).filter(|_| none.next(of).1).count();
        assert_eq!(due(FIRST - 1), 0);
        assert_eq!(due(1), 1);
        assert_eq!(due(2 * FIRST), 0);
        none.put_off(of, none.bodies(of) + 5);
        assert_eq!((due(4), due(1), due(100)), (0, 1, 0));
    }
}
