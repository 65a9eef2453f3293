//! The control plane's own environment: ordered collections of small values.

use std::path::Path;
use std::sync::Arc;

use base::Fault;
use parking_lot::Mutex;

use crate::embedded::backup;
use crate::embedded::engine::{Engine, Writer};
use crate::embedded::tables::{CONTROL, ENTRIES};
use crate::embedded::trouble::Trouble;
use crate::open::{OpenError, StoreOptions};

/// Bytes that a collection's name and a key may have together.
pub const KEY_BYTES: usize = 500;

/// A key of a collection and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Collections of the control plane. Clones share it. Reads are short; a write is on the disk when
/// it returns.
#[derive(Clone)]
pub struct ControlStore {
    engine: Arc<Engine>,
    writing: Arc<Mutex<()>>,
}

/// One change within a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Sets the value of a key.
    Put {
        /// The collection's name, without a zero byte.
        collection: String,
        /// The key within it.
        key: Vec<u8>,
        /// Its new value.
        value: Vec<u8>,
    },
    /// Removes a key; one that is not there is no error.
    Delete {
        /// The collection's name, without a zero byte.
        collection: String,
        /// The key within it.
        key: Vec<u8>,
    },
}

impl ControlStore {
    /// Opens the environment in the folder `path`, or makes it there; the folder stays locked.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    #[expect(clippy::needless_pass_by_value, reason = "as Store::open takes them")]
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let engine = Arc::new(Engine::open(path, CONTROL, &options)?);
        Ok(Self { engine, writing: Arc::new(Mutex::new(())) })
    }

    /// The value of a key.
    ///
    /// # Errors
    /// A [`Fault`] when the file cannot be read, or the name or key is not allowed.
    pub fn get(&self, collection: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let name = entry_name(collection, key)?;
        let reader = self.engine.read()?;
        Ok(reader.view().get(ENTRIES, &name)?.map(<[u8]>::to_vec))
    }

    /// The keys of a collection that begin with `prefix`, in order, with their values.
    ///
    /// # Errors
    /// As [`ControlStore::get`].
    pub fn scan(&self, collection: &str, prefix: &[u8]) -> Result<Vec<Entry>, Fault> {
        let first = entry_name(collection, prefix)?;
        let mut last = first.clone();
        last.resize(KEY_BYTES + 2, 0xff);
        let reader = self.engine.read()?;
        let rows = reader.view().range(ENTRIES, &first, &last)?;
        let entries = rows.map(|entry| {
            let (name, value) = entry?;
            let key = name.get(collection.len() + 1..).unwrap_or_default();
            Ok((key.to_vec(), value.to_vec()))
        });
        entries.collect()
    }

    /// Makes all changes, in order and as one, and syncs them. Blocking.
    ///
    /// # Errors
    /// A [`Fault`], for which [`Fault::is_no_room`] tells a full disk or map apart; nothing is then
    /// changed.
    pub fn write(&self, changes: &[Change]) -> Result<(), Fault> {
        let _writing = self.writing.lock();
        self.engine.write_growing(|writer| changes.iter().try_for_each(|it| apply(writer, it)))
    }

    /// Copies the environment into the new or empty folder `to`, and syncs it. Blocking.
    ///
    /// # Errors
    /// A [`Fault`] when `to` is not empty or cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), Fault> {
        backup(&self.engine, to)
    }
}

fn apply(writer: &mut Writer<'_>, change: &Change) -> Result<(), Trouble> {
    match change {
        Change::Put { collection, key, value } => {
            writer.put(ENTRIES, &entry_name(collection, key)?, value)
        }
        Change::Delete { collection, key } => {
            writer.delete(ENTRIES, &entry_name(collection, key)?).map(drop)
        }
    }
}

/// `entries`: collection, zero, key.
fn entry_name(collection: &str, key: &[u8]) -> Result<Vec<u8>, Fault> {
    if collection.is_empty() || collection.contains('\0') {
        return Err(Fault::because("a collection needs a name without zero bytes"));
    }
    if collection.len() + key.len() > KEY_BYTES {
        let length = collection.len() + key.len();
        return Err(Fault::because(format!("a control-plane key of {length} bytes")));
    }
    Ok([collection.as_bytes(), &[0], key].concat())
}
