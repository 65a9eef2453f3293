//! The definitions of one service: of its FHIR version, of its packages, and of what was stored
//! over REST. Made from the store when they are first asked for, and again when the store says that
//! they changed: whoever asks after a write was acknowledged sees what it wrote.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use base::Fault;
use fhir::Definitions;
use fhir::definitions::{Layer, Origin, PackError, Registry, STORED_TYPES, Stored};
use json::{Document, Limits};
use store::{
    KeptPackage, Rid, SearchError, SearchPlan, Snapshot, SnapshotNumber, Store, TypeId, TypeSearch,
    Version,
};

use crate::fhir::search::catalogue::Catalogue;
use crate::fhir::search::listing;
use crate::fhir::types;

/// Stored definitions that are read at one time.
const READ_AT_ONCE: usize = 256;

/// What a service knows, as of the last time somebody asked.
#[derive(Default)]
pub(crate) struct OwnDefinitions {
    known: ArcSwapOption<Known>,
    /// What was known at the time of the snapshot that somebody pages through.
    past: ArcSwapOption<Past>,
    /// Held by the one who reads what changed; others wait for it.
    reading: parking_lot::Mutex<()>,
}

/// A registry, and what it was made from.
struct Known {
    at: SnapshotNumber,
    package_changes: u64,
    /// The versions that were looked at, whether or not they could be used.
    versions: BTreeSet<Rid>,
    stored: Arc<Stored>,
    registry: Arc<Registry>,
    catalogue: Arc<Catalogue>,
    loose: Arc<LooseSystems>,
}

/// The code systems in whose codes case means nothing, by their URLs.
#[derive(Default)]
pub(crate) struct LooseSystems(BTreeSet<String>);

impl LooseSystems {
    pub(crate) fn of(registry: &Registry) -> Self {
        let all = registry.code_systems().filter(|system| !system.is_case_sensitive());
        // Of several definitions of one system the first counts.
        let first = all.filter_map(|system| registry.code_system(system.url()));
        let loose = first.filter(|system| !system.is_case_sensitive());
        Self(loose.map(|system| system.url().to_owned()).collect())
    }

    pub(crate) fn has(&self, url: &str) -> bool {
        self.0.contains(url)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// A registry as it was.
struct Past {
    at: SnapshotNumber,
    package_changes: u64,
    registry: Arc<Registry>,
    loose: Arc<LooseSystems>,
}

impl Known {
    /// Whether nothing changed since. The store notes a change before anybody can see it.
    fn is_current(&self, store: &Store) -> bool {
        store.last_change(&stored_types()) <= self.at
            && store.package_changes() == self.package_changes
    }
}

impl OwnDefinitions {
    /// The definitions as of now. Blocks while what changed is read.
    pub(crate) fn registry(&self, store: &Store) -> Result<Arc<Registry>, Fault> {
        Ok(Arc::clone(&self.known(store)?.registry))
    }

    /// The definitions as of a snapshot, and the systems of codes that are the same in any case; of
    /// packages and of a snapshot whose rows are gone, those of now. Blocks while what has changed
    /// since is read.
    pub(crate) fn terminology_at(
        &self,
        store: &Store,
        snapshot: &Snapshot,
    ) -> Result<(Arc<Registry>, Arc<LooseSystems>), Fault> {
        let (now, at) = (self.known(store)?, snapshot.number());
        let as_of_now = || (Arc::clone(&now.registry), Arc::clone(&now.loose));
        if store.last_change(&stored_types()) <= at {
            return Ok(as_of_now());
        }
        let _reading = self.reading.lock();
        let package_changes = now.package_changes;
        let is_it = |past: &Arc<Past>| (past.at, past.package_changes) == (at, package_changes);
        if let Some(past) = self.past.load_full().filter(is_it) {
            return Ok((Arc::clone(&past.registry), Arc::clone(&past.loose)));
        }
        let mut stored = match stored(snapshot, Some(&now)) {
            Ok((_, stored)) => stored,
            // The link is too old, and will be told so.
            Err(SearchError::Expired) => return Ok(as_of_now()),
            Err(error) => return Err(listing::fault(error)),
        };
        stored.complete(&now.registry);
        let registry = Arc::new(now.registry.with_stored(Arc::new(stored)));
        let loose = Arc::new(LooseSystems::of(&registry));
        let both = (Arc::clone(&registry), Arc::clone(&loose));
        self.past.store(Some(Arc::new(Past { at, package_changes, registry, loose })));
        Ok(both)
    }

    /// What can be searched by as of now. Blocks as [`Self::registry`] does.
    pub(crate) fn catalogue(&self, store: &Store) -> Result<Arc<Catalogue>, Fault> {
        Ok(Arc::clone(&self.known(store)?.catalogue))
    }

    /// The systems of codes that are the same in any case, as of now. Blocks as the others do.
    pub(crate) fn loose_systems(&self, store: &Store) -> Result<Arc<LooseSystems>, Fault> {
        Ok(Arc::clone(&self.known(store)?.loose))
    }

    fn known(&self, store: &Store) -> Result<Arc<Known>, Fault> {
        let current = |known: Option<Arc<Known>>| known.filter(|known| known.is_current(store));
        if let Some(known) = current(self.known.load_full()) {
            return Ok(known);
        }
        let _reading = self.reading.lock();
        let before = self.known.load_full();
        if let Some(known) = current(before.clone()) {
            return Ok(known);
        }
        let known = Arc::new(read(store, before.as_deref())?);
        self.known.store(Some(Arc::clone(&known)));
        Ok(known)
    }
}

fn stored_types() -> [TypeId; STORED_TYPES.len()] {
    STORED_TYPES.map(|name| types::number(name).unwrap_or(TypeId(0)))
}

/// What is known now: of what was known before only the changes are read.
fn read(store: &Store, before: Option<&Known>) -> Result<Known, Fault> {
    // In this order: what changes in between is seen as a change the next time.
    let package_changes = store.package_changes();
    let snapshot = store.snapshot();
    let registry = match before.filter(|known| known.package_changes == package_changes) {
        Some(known) => Registry::clone(&known.registry),
        None => with_packages(store)?,
    };
    let (versions, mut stored) = stored(&snapshot, before).map_err(listing::fault)?;
    stored.complete(&registry);
    let stored = Arc::new(stored);
    let registry = Arc::new(registry.with_stored(Arc::clone(&stored)));
    let catalogue = Catalogue::of(&registry, before.map(|before| &before.catalogue));
    let (at, loose) = (snapshot.number(), Arc::new(LooseSystems::of(&registry)));
    Ok(Known { at, package_changes, versions, stored, registry, catalogue, loose })
}

/// What was stored at the time of a snapshot: of what is known only the difference is read.
fn stored(
    snapshot: &Snapshot,
    before: Option<&Known>,
) -> Result<(BTreeSet<Rid>, Stored), SearchError> {
    let types = stored_types().into_iter().map(TypeSearch::everything).collect();
    let plan = SearchPlan { types, most: usize::MAX, ..SearchPlan::default() };
    let versions: BTreeSet<Rid> = snapshot.search(&plan)?.rids.into_iter().collect();
    let none = BTreeSet::new();
    let (known, mut stored) = match before {
        Some(before) => (&before.versions, Stored::clone(&before.stored)),
        None => (&none, Stored::default()),
    };
    known.difference(&versions).for_each(|gone| stored.remove(gone.0));
    let new: Vec<Rid> = versions.difference(known).copied().collect();
    for some in new.chunks(READ_AT_ONCE) {
        snapshot.versions(some)?.iter().for_each(|version| insert(&mut stored, version));
    }
    Ok((versions, stored))
}

/// Puts a stored resource among the definitions, or says in the log why it cannot be used.
fn insert(stored: &mut Stored, version: &Version) {
    let name = || format!("{}/{}", types::name(version.key.resource_type), version.key.id);
    let used = Document::parse(version.body.clone(), &Limits::default())
        .map_err(|error| error.to_string())
        .and_then(|document| {
            let used = stored.insert(version.rid.0, Definitions::r4(), &document);
            used.map_err(|why| why.to_string())
        });
    if let Err(why) = used {
        tracing::warn!(resource = name(), %why, "{} is not used as a definition: {why}", name());
    }
}

fn with_packages(store: &Store) -> Result<Registry, Fault> {
    let mut registry = Registry::new(Definitions::r4());
    for package in store.packages()? {
        let name = package.name.clone();
        match layer(store, package, &registry) {
            Ok(layer) => registry = registry.with(Arc::new(layer)),
            Err(why) => tracing::error!(
                package = name, %why,
                "the package {name} is left out: {why}; add it again"
            ),
        }
    }
    Ok(registry)
}

/// The layer of a package: from its pack, or from the package as it was given when another version
/// of this program wrote the pack.
fn layer(store: &Store, package: KeptPackage, known: &Registry) -> Result<Layer, String> {
    let KeptPackage { name, pack, .. } = package;
    let base = Definitions::r4();
    let origin = Origin::Package(name.clone());
    match Layer::load(base, origin.clone(), pack) {
        Err(PackError::Format(_)) => {}
        loaded => return loaded.map_err(|error| error.to_string()),
    }
    tracing::info!(package = name, "the package {name} is read anew: its pack is of another form");
    let archive = store.package_archive(&name).map_err(|fault| fault.to_string())?;
    let archive = archive.unwrap_or_default();
    let read = fhir::package::read(&archive, base.version(), known);
    let read = read.map_err(|error| error.to_string())?;
    Layer::load(base, origin, read.pack).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
