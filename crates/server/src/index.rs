//! What the search index of a service is complete for: a search by anything else says so, instead
//! of finding too little.
//!
//! Whatever is written has all its values from the beginning. What was there before a parameter
//! lacks the parameter's, until `$reindex` has gone through it (`jobs/reindex.rs`).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use base::Fault;
use store::{ParameterId, ParameterState, SearchPlan, Store, TypeId, TypeSearch};

use crate::fhir::search::catalogue::{Catalogue, Known};
use crate::fhir::search::listing;
use crate::jobs::reindex::Running;

/// Under which name the store keeps what its index was made with.
const MADE_WITH: &str = "index";
/// Raised when the definitions of R4 or the code that reads values find other values than before:
/// stores that were indexed with another are indexed anew.
const INDEX: &[u8] = b"r4 4";
/// Under which name the store keeps the urls of the parameters that are disabled, a line each.
const DISABLED: &str = "disabled";

/// The index of one service.
pub(crate) struct Index {
    /// Whether it has all that R4's own parameters find.
    is_whole: AtomicBool,
    /// The service's own parameters that it is complete for.
    own: ArcSwap<HashSet<ParameterId>>,
    /// The urls of parameters that nobody is to search by.
    disabled: ArcSwap<HashSet<String>>,
    /// The fingerprint of the own parameters that were looked at last.
    adopted: AtomicU64,
    /// Held while a state is changed.
    changing: parking_lot::Mutex<()>,
    pub(crate) job: Running,
}

impl Index {
    pub(crate) fn open(store: &Store) -> Result<Self, Fault> {
        let mut is_whole = store.kept(MADE_WITH)?.is_some_and(|with| with == INDEX);
        if !is_whole && store.snapshot().number().0 == 0 {
            store.keep(MADE_WITH, INDEX)?;
            is_whole = true;
        }
        let states = store.parameters()?.into_iter();
        let own = states.filter(|(_, state)| *state == ParameterState::Complete);
        Ok(Self {
            is_whole: AtomicBool::new(is_whole),
            own: ArcSwap::from_pointee(own.map(|(id, _)| id).collect()),
            disabled: ArcSwap::from_pointee(disabled(store)?),
            adopted: AtomicU64::new(0),
            changing: parking_lot::Mutex::default(),
            job: Running::of(store)?,
        })
    }

    /// Whether a search by the parameter finds everything.
    pub(crate) fn is_complete(&self, known: &Known) -> bool {
        match known.is_own {
            true => self.own.load().contains(&known.id),
            false => self.is_whole(),
        }
    }

    /// Whether the parameter of this url is not to be searched by.
    pub(crate) fn is_disabled(&self, url: &str) -> bool {
        let disabled = self.disabled.load();
        !disabled.is_empty() && disabled.contains(url)
    }

    /// Disables parameters, or enables them again, by their urls. What is disabled is indexed
    /// still, so that it is complete when it is enabled. Blocks.
    pub(crate) fn disable(
        &self,
        store: &Store,
        wanted: &BTreeMap<String, bool>,
    ) -> Result<(), Fault> {
        let _one_at_a_time = self.changing.lock();
        let mut all = HashSet::clone(&self.disabled.load());
        for (url, disabled) in wanted {
            if *disabled {
                all.insert(url.clone())
            } else {
                all.remove(url)
            };
        }
        let mut lines: Vec<&str> = all.iter().map(String::as_str).collect();
        lines.sort_unstable();
        store.keep(DISABLED, lines.join("\n").as_bytes())?;
        self.disabled.store(Arc::new(all));
        Ok(())
    }

    /// Whether it has all that R4's own parameters find.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Acquire)
    }

    /// Takes note of parameters that are new: of a type that has no resources yet the index is
    /// complete from the beginning. Blocks when there are some.
    pub(crate) fn adopt(&self, catalogue: &Catalogue, store: &Store) -> Result<(), Fault> {
        if self.adopted.load(Ordering::Acquire) == catalogue.fingerprint() {
            return Ok(());
        }
        let known = store.parameters()?.into_iter().map(|(id, _)| id).collect::<HashSet<_>>();
        let mut states = Vec::new();
        for (number, parameter) in catalogue.own() {
            if !known.contains(&parameter.id) {
                let state = match is_empty(store, number)? {
                    true => ParameterState::Complete,
                    false => ParameterState::Building,
                };
                states.push((parameter.id, state));
            }
        }
        self.set(store, &states)?;
        self.adopted.store(catalogue.fingerprint(), Ordering::Release);
        Ok(())
    }

    /// The index of these parameters is complete; `whole` says that R4's own are, too.
    pub(crate) fn completed(
        &self,
        store: &Store,
        parameters: &[ParameterId],
        whole: bool,
    ) -> Result<(), Fault> {
        let complete = |id: &ParameterId| (*id, ParameterState::Complete);
        self.set(store, &parameters.iter().map(complete).collect::<Vec<_>>())?;
        if whole && !self.is_whole() {
            store.keep(MADE_WITH, INDEX)?;
            self.is_whole.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn set(&self, store: &Store, states: &[(ParameterId, ParameterState)]) -> Result<(), Fault> {
        if states.is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.changing.lock();
        store.set_parameters(states)?;
        let mut own = HashSet::clone(&self.own.load());
        for (id, state) in states {
            match state {
                ParameterState::Complete => own.insert(*id),
                ParameterState::Building => own.remove(id),
            };
        }
        self.own.store(Arc::new(own));
        Ok(())
    }
}

fn disabled(store: &Store) -> Result<HashSet<String>, Fault> {
    let kept = store.kept(DISABLED)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&kept);
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn is_empty(store: &Store, number: TypeId) -> Result<bool, Fault> {
    let types = vec![TypeSearch::everything(number)];
    let plan = SearchPlan { types, ..SearchPlan::default() };
    Ok(store.snapshot().count(&plan).map_err(listing::fault)? == 0)
}

#[cfg(test)]
mod tests {
    use fhir::Definitions;
    use xxhash_rust::xxh3::Xxh3;

    use super::*;
    use crate::fhir::search::catalogue::fingerprint;

    #[test]
    fn what_is_disabled_stays_so_until_it_is_enabled() -> Result<(), Fault> {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), store::StoreOptions::default()).expect("a store");
        let set = |url: &str, disabled| {
            Index::open(&store)?.disable(&store, &BTreeMap::from([(url.to_owned(), disabled)]))
        };
        set("urn:a", true)?;
        set("urn:b", true)?;
        set("urn:b", false)?;
        set("urn:never", false)?;
        let index = Index::open(&store)?;
        assert!(index.is_disabled("urn:a") && !index.is_disabled("urn:b"));
        set("urn:a", false)?;
        assert!(!Index::open(&store)?.is_disabled("urn:a"));
        Ok(())
    }

    /// When this fails, raise the number in `INDEX` and put the new value here.
    #[test]
    fn stores_are_indexed_anew_when_the_definitions_change() {
        let mut hash = Xxh3::new();
        for parameter in Definitions::r4().search_parameters().iter() {
            hash.update(&fingerprint(parameter).to_be_bytes());
        }
        assert_eq!((INDEX, hash.digest()), (&b"r4 4"[..], 11_814_810_200_921_743_909));
    }
}
