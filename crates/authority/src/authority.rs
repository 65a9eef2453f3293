//! The authority as one value: the directory, the keys, the names, and what is under way.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use base::{Clock, Fault, Random, Timestamp, ids};
use parking_lot::{Mutex, MutexGuard};
use store::control::{Change, ControlStore};
use uuid::Uuid;

use crate::directory::{ChangeRefused, Directory, Draft};
use crate::grant::{Assertions, Pending};
use crate::keys::{KeySet, PublishedKey};
use crate::names::Names;
use crate::password::{Backoff, PasswordHash};
use crate::secret::{Pepper, unguessable};
use crate::verify::Verified;

/// Issues tokens, checks them, and decides what they open. Share it as `Arc<Authority>`.
pub struct Authority {
    control: ControlStore,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    pepper: Pepper,
    directory: ArcSwap<Directory>,
    names: ArcSwap<Names>,
    keys: ArcSwap<KeySet>,
    /// Held for the length of a change: one at a time.
    changing: Mutex<()>,
    /// Held from reading a family of refresh tokens to writing it, so that no use of a token undoes
    /// a revocation that happens at the same time.
    families: Mutex<()>,
    pending: Mutex<Pending>,
    assertions: Assertions,
    backoff: Backoff,
    /// The hash that is checked where there is no user, so that it takes the same time.
    no_password: PasswordHash,
    verified: Verified,
}

/// What an authority stands on.
pub struct AuthorityOptions {
    /// The control plane's environment.
    pub control: ControlStore,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and secrets come from.
    pub random: Arc<dyn Random>,
}

impl Authority {
    /// Reads the directory and the keys; on the first start makes the keys.
    pub fn open(options: AuthorityOptions) -> Result<Self, Fault> {
        let AuthorityOptions { control, clock, random } = options;
        let authority = Self {
            pepper: open_pepper(&control, &*random)?,
            directory: ArcSwap::from_pointee(Directory::load(&control)?),
            keys: ArcSwap::from_pointee(KeySet::open(&control)?),
            names: ArcSwap::default(),
            changing: Mutex::default(),
            families: Mutex::default(),
            pending: Mutex::default(),
            assertions: Assertions::default(),
            backoff: Backoff::default(),
            no_password: PasswordHash::of(&unguessable(&*random), &*random)?,
            verified: Verified::default(),
            control,
            clock,
            random,
        };
        authority.prune()?;
        Ok(authority)
    }

    /// The directory at this moment.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// The directory for a moment: nothing is counted that all threads would have to share.
    pub(crate) fn directory_now(&self) -> Guard<Arc<Directory>> {
        self.directory.load()
    }

    /// Changes the directory: all of `edit` or nothing, on the disk before anybody sees it. It may
    /// block; changes happen one at a time.
    pub fn change<T>(
        &self,
        edit: impl FnOnce(&mut Draft<'_>) -> Result<T, ChangeRefused>,
    ) -> Result<T, ChangeRefused> {
        let _one_at_a_time = self.changing.lock();
        let before = Directory::clone(&self.directory());
        let mut draft = Draft::new(before, self.now(), &*self.random, &self.pepper);
        let answer = edit(&mut draft)?;
        let (directory, changes) = draft.finish();
        if !changes.is_empty() {
            self.control.write(&changes)?;
            self.directory.store(Arc::new(directory));
        }
        Ok(answer)
    }

    /// Says under which URLs this process answers.
    pub fn set_names(&self, names: Names) {
        self.names.store(Arc::new(names));
    }

    /// The URLs under which this process answers.
    #[must_use]
    pub fn names(&self) -> Arc<Names> {
        self.names.load_full()
    }

    /// The keys for the key set document.
    #[must_use]
    pub fn published_keys(&self) -> Vec<PublishedKey> {
        self.keys().published()
    }

    /// Lets the next key sign from now on. Tokens of the key before stay good; those of the one
    /// before that do not.
    pub fn rotate_keys(&self) -> Result<(), Fault> {
        let _one_at_a_time = self.changing.lock();
        let keys = self.keys().rotate(&self.control)?;
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn new_id(&self) -> Uuid {
        ids::guid(&*self.random)
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.random
    }

    pub(crate) fn control(&self) -> &ControlStore {
        &self.control
    }

    pub(crate) fn pepper(&self) -> &Pepper {
        &self.pepper
    }

    pub(crate) fn keys(&self) -> Arc<KeySet> {
        self.keys.load_full()
    }

    /// The keys for a moment, as [`Self::directory_now`] is the directory.
    pub(crate) fn keys_now(&self) -> Guard<Arc<KeySet>> {
        self.keys.load()
    }

    /// The names for a moment.
    pub(crate) fn names_now(&self) -> Guard<Arc<Names>> {
        self.names.load()
    }

    pub(crate) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock()
    }

    pub(crate) fn families(&self) -> MutexGuard<'_, ()> {
        self.families.lock()
    }

    pub(crate) fn assertions(&self) -> &Assertions {
        &self.assertions
    }

    pub(crate) fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    pub(crate) fn no_password(&self) -> &PasswordHash {
        &self.no_password
    }

    pub(crate) fn verified(&self) -> &Verified {
        &self.verified
    }
}

/// Reads the key that secrets are hashed with, or makes it.
fn open_pepper(control: &ControlStore, random: &dyn Random) -> Result<Pepper, Fault> {
    let (collection, key) = ("pepper", b"secrets");
    if let Some(bytes) = control.get(collection, key)? {
        return Ok(Pepper::new(&bytes));
    }
    let mut value = vec![0; Pepper::BYTES];
    random.fill(&mut value);
    let pepper = Pepper::new(&value);
    let collection = collection.to_owned();
    control.write(&[Change::Put { collection, key: key.to_vec(), value }])?;
    Ok(pepper)
}
