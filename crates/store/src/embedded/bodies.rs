//! Bodies that were read lately, decompressed once. A version never changes, so nothing here can
//! be out of date.

use base::{Fault, limits};
use bytes::Bytes;
use moka::sync::Cache;

use super::dictionaries::Dictionaries;
use crate::key::Rid;
use crate::version::{Row, Version};

/// The longest body that is kept: longer ones would push out many that are asked for more often.
const BODY_BYTES: usize = 64 << 10;
/// What an entry takes besides its body.
const ENTRY_BYTES: usize = 128;

/// For reads of one resource, where decompressing costs more than finding; lists go past it.
pub(super) struct Bodies(Cache<Rid, Bytes>);

impl Bodies {
    pub(super) fn new() -> Self {
        let weigh =
            |_: &Rid, body: &Bytes| u32::try_from(ENTRY_BYTES + body.len()).unwrap_or(u32::MAX);
        let most = limits::BODY_CACHE_BYTES as u64;
        Self(Cache::builder().max_capacity(most).weigher(weigh).build())
    }

    /// The version of a row that was found in the reader's own transaction.
    pub(super) fn version(
        &self,
        row: &Row<'_>,
        dictionaries: &Dictionaries,
    ) -> Result<Version, Fault> {
        if let Some(body) = self.0.get(&row.head.rid) {
            return Ok(row.with_body(body));
        }
        let version = row.version(dictionaries)?;
        if !version.is_deletion() && version.body.len() <= BODY_BYTES {
            self.0.insert(version.rid, version.body.clone());
        }
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_of_bodies_is_kept_than_the_limit() {
        let kept = Bodies::new().0;
        let body = Bytes::from(vec![0; (64 << 10) - ENTRY_BYTES]);
        let keep = |number: u64| {
            kept.insert(Rid(number), body.clone());
            kept.run_pending_tasks();
            kept.weighted_size()
        };
        let limit = limits::BODY_CACHE_BYTES as u64;
        let most = limit / (64 << 10);
        assert_eq!((0..most).map(keep).last(), Some(limit));
        assert_eq!(keep(most), limit);
    }
}
