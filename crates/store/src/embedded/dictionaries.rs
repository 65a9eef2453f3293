//! The table `dictionary`: what bodies of one type have in common, learned from the store's own
//! bodies on a thread beside the writer, and known for good. Written beside the commits, since it
//! is not part of any snapshot.

use std::collections::HashMap;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use base::Fault;
use parking_lot::{Mutex, RwLock};

use super::engine::View;
use super::read::{broken, row};
use super::tables::{BY_TYPE, DICTIONARY, LIVE};
use super::{Shared, Store};
use crate::compression::{self, Dictionary};
use crate::key::{self, Rid, TypeId};
use crate::open::Sampler;
use crate::version::Kind;

/// Bodies of a type that are asked about before there is a dictionary for it.
const FIRST: u64 = 1_024;
/// The next one is made when there are so many times as many bodies.
const AGAIN: u64 = 64;
/// Bodies that a dictionary is made of, and their bytes together.
const SAMPLES: usize = 500;
const SAMPLES_BYTES: usize = 1 << 20;
/// A longer body is no sample: little of it would be kept.
const SAMPLE_BYTES: u32 = 32 << 10;
/// Of many bodies, one in so many at the most is a sample.
const STRIDE_MOST: u64 = 64;
/// Types that may wait for their dictionary.
const WAITING: usize = 64;

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
            let row = number.zip(Row::read(row)).ok_or_else(|| broken("dictionary"));
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

/// A row of the table: the type, how many bodies of it there were, the dictionary.
struct Row<'r> {
    of: TypeId,
    bodies: u64,
    bytes: &'r [u8],
}

impl<'r> Row<'r> {
    fn read(row: &'r [u8]) -> Option<Self> {
        let (of, rest) = row.split_first_chunk::<2>()?;
        let (bodies, bytes) = rest.split_first_chunk::<8>()?;
        let (of, bodies) = (TypeId(u16::from_be_bytes(*of)), u64::from_be_bytes(*bodies));
        Some(Self { of, bodies, bytes })
    }

    fn write(&self) -> Vec<u8> {
        [&self.of.0.to_be_bytes()[..], &self.bodies.to_be_bytes(), self.bytes].concat()
    }
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
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the making of dictionaries had stopped by a panic");
        }
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(shared: &Shared, sampler: Sampler, of: TypeId) {
    let bodies = shared.dictionaries.bodies(of);
    shared.dictionaries.put_off(of, bodies.saturating_mul(AGAIN));
    match make(shared, sampler, of, bodies) {
        Ok(Some(bytes)) => tracing::debug!(of = of.0, bytes, "a dictionary was made"),
        Ok(None) => tracing::debug!(of = of.0, "a dictionary would save little"),
        Err(fault) => tracing::warn!(of = of.0, %fault, "a dictionary could not be made"),
    }
}

/// Makes the next dictionary of a type if it saves something, and tells its bytes.
fn make(
    shared: &Shared,
    sampler: Sampler,
    of: TypeId,
    bodies: u64,
) -> Result<Option<usize>, Fault> {
    let Shared { engine, dictionaries, .. } = shared;
    let sampled = sampled(shared, of, bodies)?;
    let Some(bytes) = compression::train(&sampler(&sampled)) else { return Ok(None) };
    let number = u16::try_from(dictionaries.known.read().len() + 1).ok().and_then(NonZero::new);
    let Some(number) = number else { return Ok(None) };
    let row = Row { of, bodies, bytes: &bytes }.write();
    let dictionary = Dictionary::new(number, bytes).ok_or_else(|| broken("dictionary"))?;
    let newest = dictionaries.types.read().get(&of).and_then(|it| it.newest.clone());
    if !saves(&sampled, &dictionary, newest.as_deref())? {
        return Ok(None);
    }
    // It is on the disk before any row can name it.
    engine.write_growing(|writer| writer.put(DICTIONARY, &number.get().to_be_bytes(), &row))?;
    dictionaries.add(of, dictionary);
    Ok(Some(row.len()))
}

/// Some of a type's newest bodies.
fn sampled(shared: &Shared, of: TypeId, bodies: u64) -> Result<Vec<Vec<u8>>, Fault> {
    let reader = shared.engine.read()?;
    let view = reader.view();
    let (first, last) = (key::of_by_type(of, Rid(0)), key::of_by_type(of, Rid(u64::MAX)));
    let stride = (bodies / SAMPLES as u64).clamp(1, STRIDE_MOST);
    let (mut sampled, mut bytes) = (Vec::new(), 0);
    for entry in view.range_back(BY_TYPE, &first, &last)?.step_by(stride as usize) {
        let (_, rid) = key::read_by_type(entry?.0).ok_or_else(|| broken("by_type"))?;
        let Some(row) = row(view, rid)? else { continue };
        if row.head.kind == Kind::Delete || row.raw_length() > SAMPLE_BYTES {
            continue;
        }
        let body = row.body(&shared.dictionaries)?;
        bytes += body.len();
        if bytes > SAMPLES_BYTES || sampled.len() == SAMPLES {
            break;
        }
        sampled.push(body);
    }
    Ok(sampled)
}

/// Whether some of these bodies take a twentieth less than with what there is.
fn saves(bodies: &[Vec<u8>], new: &Dictionary, old: Option<&Dictionary>) -> Result<bool, Fault> {
    let (mut with, mut without) = (0, 0);
    for body in bodies.iter().step_by(8) {
        with += compression::compress(body, Some(new))?.len();
        without += compression::compress(body, old)?.len();
    }
    Ok(with + without / 20 < without)
}
