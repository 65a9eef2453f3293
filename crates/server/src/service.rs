//! The FHIR services that are open in this process, each with its store.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use authority::{ExpectedAudience, ServiceId};
use base::{Fault, Random, ids};
use fhir::definitions::Registry;
use store::control::{Change, ControlStore};
use store::{Snapshot, Store, StoreOptions};

use crate::app::App;
use crate::edge::config::ServiceSettings;
use crate::fhir::samples;
use crate::fhir::search::catalogue::Catalogue;
use crate::index::Index;
use crate::permits::Permits;
use crate::registry::{LooseSystems, OwnDefinitions};

/// Where the control plane keeps the folder of each service, by `workspace/name`.
const FOLDERS: &str = "service_folders";
/// Where the control plane keeps what the whole server needs.
const SERVER: &str = "server";
const PAGE_KEY: &[u8] = b"page_key";

/// One FHIR service: a store, its settings, and the key that seals its page links.
pub(crate) struct Service {
    pub(crate) id: ServiceId,
    /// What tokens for it are for.
    pub(crate) audience: ExpectedAudience,
    pub(crate) store: Store,
    pub(crate) settings: ServiceSettings,
    /// Authenticates page links; made once per data folder, kept in the control plane.
    pub(crate) page_key: [u8; 32],
    /// Where the store is within the data folder: `services/GUID`. A service that was deleted and
    /// made again has another one.
    pub(crate) folder: String,
    /// Leave to run queries that read much.
    pub(crate) permits: Permits,
    /// What it knows beyond its FHIR version.
    own: OwnDefinitions,
    /// What its search index is complete for.
    pub(crate) index: Index,
}

impl Service {
    /// The definitions that the service knows now: those of its FHIR version and its own. A request
    /// asks once and works on one state to its end. Blocks while what changed is read.
    pub(crate) fn registry(&self) -> Result<Arc<Registry>, Fault> {
        self.own.registry(&self.store)
    }

    /// The systems of codes that are the same in any case. Blocks as [`Self::registry`] does.
    pub(crate) fn loose_systems(&self) -> Result<Arc<LooseSystems>, Fault> {
        self.own.loose_systems(&self.store)
    }

    /// The definitions that the service knew at the time of a snapshot, and the systems of codes
    /// that were the same in any case. Blocks as [`Self::registry`] does.
    pub(crate) fn terminology_at(
        &self,
        snapshot: &Snapshot,
    ) -> Result<(Arc<Registry>, Arc<LooseSystems>), Fault> {
        self.own.terminology_at(&self.store, snapshot)
    }

    /// What its resources can be searched by now. Blocks as [`Self::registry`] does.
    pub(crate) fn catalogue(&self) -> Result<Arc<Catalogue>, Fault> {
        let catalogue = self.own.catalogue(&self.store)?;
        self.index.adopt(&catalogue, &self.store)?;
        Ok(catalogue)
    }
}

/// All open services, found by label.
pub(crate) struct Services {
    open: ArcSwap<HashMap<String, Arc<Service>>>,
    page_key: [u8; 32],
    /// Held while services come and go: one change at a time.
    following: parking_lot::Mutex<()>,
}

impl Services {
    /// No service yet; makes the key for page links on the first start.
    pub(crate) fn new(control: &ControlStore, random: &dyn Random) -> Result<Self, Fault> {
        let kept = control.get(SERVER, PAGE_KEY)?;
        let page_key = match kept.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
            Some(key) => key,
            None => {
                let mut key = [0; 32];
                random.fill(&mut key);
                put(control, SERVER, PAGE_KEY, key.to_vec())?;
                key
            }
        };
        Ok(Self { open: ArcSwap::default(), page_key, following: parking_lot::Mutex::default() })
    }

    /// In the order of their labels.
    pub(crate) fn all(&self) -> Vec<Arc<Service>> {
        let mut all: Vec<_> = self.open.load().values().cloned().collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    }

    /// The one of this label, `workspace-name`.
    pub(crate) fn labelled(&self, label: &str) -> Option<Arc<Service>> {
        self.open.load().get(label).cloned()
    }

    /// Opens what the directory has and closes what it has no more, with its data.
    pub(crate) fn follow(&self, app: &App) -> Result<(), Fault> {
        let _one_at_a_time = self.following.lock();
        let directory = app.authority.directory();
        let before = self.open.load_full();
        let mut after = HashMap::new();
        for known in directory.services() {
            let label = known.id.label();
            let service = match before.get(&label) {
                Some(service) => Arc::clone(service),
                None => Arc::new(self.open(app, &known.id)?),
            };
            after.insert(label, service);
        }
        let gone: Vec<_> = before.iter().filter(|(label, _)| !after.contains_key(*label)).collect();
        self.open.store(Arc::new(after));
        for (_, service) in gone {
            remove(app, service)?;
        }
        Ok(())
    }

    fn open(&self, app: &App, id: &ServiceId) -> Result<Service, Fault> {
        let folder = folder(app, id)?;
        let store = store(app, id, &folder)?;
        let (settings, page_key) = (app.config.service(id), self.page_key);
        let (own, index) = (OwnDefinitions::default(), Index::open(&store)?);
        let permits = Permits::new(settings.expensive_queries);
        let audience = ExpectedAudience::Service(id.clone());
        let id = id.clone();
        Ok(Service { id, audience, store, settings, page_key, folder, permits, own, index })
    }
}

/// Where a service's store is, below the data folder; chosen the first time.
fn folder(app: &App, id: &ServiceId) -> Result<String, Fault> {
    let key = id.to_string().into_bytes();
    let kept = app.control.get(FOLDERS, &key)?;
    if let Some(folder) = kept.and_then(|bytes| String::from_utf8(bytes).ok()) {
        return Ok(folder);
    }
    let folder = format!("services/{}", ids::guid(&*app.random));
    put(&app.control, FOLDERS, &key, folder.clone().into_bytes())?;
    Ok(folder)
}

fn store(app: &App, id: &ServiceId, folder: &str) -> Result<Store, Fault> {
    let path = app.data.join(folder);
    let opening = || format!("opening the store of {id}");
    private_folder(&path).map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Fault::no_room(opening(), error)
        }
        _ => Fault::new(opening(), error),
    })?;
    let options = StoreOptions {
        clock: Arc::clone(&app.clock),
        random: Arc::clone(&app.random),
        sampler: Some(samples::samples),
        ..StoreOptions::default()
    };
    Store::open(&path, options).map_err(|error| match error.is_no_room() {
        true => Fault::no_room(opening(), error),
        false => Fault::new(opening(), error),
    })
}

/// Makes a folder, and those above it that are missing, for nobody but the owner.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Forgets a service's folder and deletes it. Requests that still run keep their open files.
fn remove(app: &App, service: &Service) -> Result<(), Fault> {
    let key = service.id.to_string().into_bytes();
    app.control.write(&[Change::Delete { collection: FOLDERS.to_owned(), key }])?;
    let path = app.data.join(&service.folder);
    fs::remove_dir_all(&path)
        .map_err(|error| Fault::new(format!("deleting {}", path.display()), error))
}

fn put(control: &ControlStore, collection: &str, key: &[u8], value: Vec<u8>) -> Result<(), Fault> {
    let (collection, key) = (collection.to_owned(), key.to_vec());
    control.write(&[Change::Put { collection, key, value }])
}
