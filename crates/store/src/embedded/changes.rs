//! Which types of resources the latest commits wrote, for who keeps something made from them.

use std::collections::HashMap;

use parking_lot::RwLock;

use super::decide::{Decided, Effect};
use crate::key::{SnapshotNumber, TypeId};

/// The last commit since the opening that wrote or purged a resource of each type.
#[derive(Default)]
pub(super) struct Changes(RwLock<HashMap<TypeId, u64>>);

impl Changes {
    /// Takes note of commits, before they are published.
    pub(super) fn note<'d>(&self, commits: impl Iterator<Item = &'d Decided<'d>>) {
        let mut last = self.0.write();
        for Decided { head, effects, .. } in commits {
            for effect in effects {
                let key = match effect {
                    Effect::Append { version, .. } => &version.key,
                    Effect::Purge { key, .. } | Effect::PurgeHistory { key, .. } => key,
                };
                last.insert(key.resource_type, head.number);
            }
        }
    }

    pub(super) fn last(&self, types: &[TypeId]) -> SnapshotNumber {
        let last = self.0.read();
        SnapshotNumber(types.iter().filter_map(|of| last.get(of)).copied().max().unwrap_or(0))
    }
}
