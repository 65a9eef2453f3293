//! <https://hl7.org/fhir/R4/search.html#paging>: the opaque token that a next link carries.
//!
//! The token holds a place: the snapshot, the last entry before the page, the total, and when it
//! was made. Its seal covers the service, the query and the identity as well, so that a link opens
//! only what it was made for.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | snapshot |
//! | 8 | rid of the last entry before the page |
//! | 8 | total, or all ones when it is not known |
//! | 8 | when it was made, in ticks |
//! | 16 | HMAC-SHA-256, cut |
//! | 32 | only when the query is too long for a link: its SHA-256, under which it is kept here |

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use authority::ServiceId;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base::Timestamp;
use base::limits::KEPT_QUERY_BYTES;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use moka::sync::Cache;
use store::{Rid, SnapshotNumber};
use uuid::Uuid;

use super::outcome::Outcome;

const PLACE: usize = 32;
const SEAL: usize = 16;
const HASH: usize = 32;
const NO_TOTAL: u64 = u64::MAX;

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) snapshot: SnapshotNumber,
    pub(crate) after: Rid,
    pub(crate) total: Option<u64>,
    pub(crate) made: Timestamp,
}

/// What a link was made for.
#[derive(Clone, Copy)]
pub(crate) struct Binding<'b> {
    pub(crate) key: &'b [u8; 32],
    pub(crate) service: &'b ServiceId,
    /// What is listed: `Patient`, `Patient/1/_history`, or nothing for all types.
    pub(crate) path: &'b str,
    pub(crate) identity: Uuid,
}

/// Why a token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 400: changed, cut, or made for another query, identity or service.
    Foreign,
    /// 410: too old, or its query is no longer kept.
    Expired,
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Foreign => Self::error(
                StatusCode::BAD_REQUEST,
                "value",
                "The page token 'ct' does not belong to this request. Follow next links exactly as \
                 they were given, as the identity they were given to, or start again without it.",
            ),
            Refusal::Expired => Self::error(
                StatusCode::GONE,
                "expired",
                "This page link is too old. Start again with the same request without 'ct'.",
            ),
        }
    }
}

impl Binding<'_> {
    /// The token of `place` for `query`, the parameters as they stand in the link.
    pub(crate) fn seal(&self, place: &Place, query: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.sealed(place, query))
    }

    /// A token that stands in for its query, which is kept here for as long as its links live.
    pub(crate) fn seal_and_keep(&self, place: &Place, query: &str) -> String {
        let mut token = self.sealed(place, query);
        let hash = hash(query);
        KEPT.insert(hash, Arc::from(query));
        token.extend(hash);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The place of a token that was made for this, for `query`, and not too long ago.
    pub(crate) fn open(
        &self,
        token: &str,
        query: &str,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Place, Refusal> {
        let bytes = decode(token)?;
        let place = bytes.get(..PLACE).and_then(read_place).ok_or(Refusal::Foreign)?;
        let seal = bytes.get(PLACE..PLACE + SEAL).ok_or(Refusal::Foreign)?;
        let expected = self.sealed(&place, query);
        let expected = expected.get(PLACE..).ok_or(Refusal::Foreign)?;
        verify_slices_are_equal(seal, expected).map_err(|_| Refusal::Foreign)?;
        if now.since(place.made) > lifetime { Err(Refusal::Expired) } else { Ok(place) }
    }

    fn sealed(&self, place: &Place, query: &str) -> Vec<u8> {
        let mut token = Vec::with_capacity(PLACE + SEAL + HASH);
        token.extend(place.snapshot.0.to_be_bytes());
        token.extend(place.after.0.to_be_bytes());
        token.extend(place.total.unwrap_or(NO_TOTAL).to_be_bytes());
        token.extend(place.made.ticks().to_be_bytes());
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key);
        let mut seal = hmac::Context::with_key(&key);
        seal.update(b"page link 1");
        seal.update(&token);
        seal.update(self.identity.as_bytes());
        // Lengths go before texts, or the end of one could pass for the beginning of the next.
        for text in [&self.service.to_string(), self.path, query] {
            seal.update(&(text.len() as u64).to_be_bytes());
            seal.update(text.as_bytes());
        }
        token.extend(seal.sign().as_ref().get(..SEAL).unwrap_or_default());
        token
    }
}

/// The query that a token stands in for; `None` when the link holds its own.
pub(crate) fn kept_query(token: &str) -> Result<Option<Arc<str>>, Refusal> {
    let bytes = decode(token)?;
    match bytes.get(PLACE + SEAL..).and_then(|hash| <[u8; HASH]>::try_from(hash).ok()) {
        Some(hash) => KEPT.get(&hash).map(Some).ok_or(Refusal::Expired),
        None => Ok(None),
    }
}

/// Queries that are too long for a link, bounded in bytes; the links say how long they live.
static KEPT: LazyLock<Kept> = LazyLock::new(keeper);

type Kept = Cache<[u8; HASH], Arc<str>>;

fn keeper() -> Kept {
    Cache::builder()
        .max_capacity(KEPT_QUERY_BYTES)
        .weigher(|_, query: &Arc<str>| u32::try_from(query.len()).unwrap_or(u32::MAX))
        .build()
}

fn hash(query: &str) -> [u8; HASH] {
    let digest = digest::digest(&digest::SHA256, query.as_bytes());
    digest.as_ref().try_into().unwrap_or_default()
}

fn decode(token: &str) -> Result<Vec<u8>, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Refusal::Foreign)?;
    let lengths = [PLACE + SEAL, PLACE + SEAL + HASH];
    if lengths.contains(&bytes.len()) { Ok(bytes) } else { Err(Refusal::Foreign) }
}

fn read_place(bytes: &[u8]) -> Option<Place> {
    let (snapshot, rest) = bytes.split_first_chunk::<8>()?;
    let (after, rest) = rest.split_first_chunk::<8>()?;
    let (total, rest) = rest.split_first_chunk::<8>()?;
    let (made, _) = rest.split_first_chunk::<8>()?;
    let total = u64::from_be_bytes(*total);
    Some(Place {
        snapshot: SnapshotNumber(u64::from_be_bytes(*snapshot)),
        after: Rid(u64::from_be_bytes(*after)),
        total: (total != NO_TOTAL).then_some(total),
        made: Timestamp::from_ticks(i64::from_be_bytes(*made)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_000);
    const HOUR: Duration = Duration::from_hours(1);

    fn place(total: Option<u64>) -> Place {
        Place { snapshot: SnapshotNumber(7), after: Rid(99), total, made: NOW }
    }

    fn service(name: &str) -> ServiceId {
        ServiceId { workspace: "main".to_owned(), name: name.to_owned() }
    }

    fn with<T>(name: &str, path: &str, identity: u128, use_it: impl FnOnce(Binding<'_>) -> T) -> T {
        let identity = Uuid::from_u128(identity);
        use_it(Binding { key: &[3; 32], service: &service(name), path, identity })
    }

    #[test]
    fn a_token_opens_what_it_was_made_for_and_nothing_else() {
        for total in [None, Some(0), Some(12)] {
            let token = with("demo", "Patient", 1, |it| it.seal(&place(total), "_count=5"));
            let open = |name: &str, path: &str, identity, query: &str| {
                with(name, path, identity, |it| it.open(&token, query, NOW, HOUR))
            };
            assert_eq!(open("demo", "Patient", 1, "_count=5"), Ok(place(total)));
            assert_eq!(open("lab", "Patient", 1, "_count=5"), Err(Refusal::Foreign));
            assert_eq!(open("demo", "Observation", 1, "_count=5"), Err(Refusal::Foreign));
            assert_eq!(open("demo", "Patient", 2, "_count=5"), Err(Refusal::Foreign));
            assert_eq!(open("demo", "Patient", 1, "_count=6"), Err(Refusal::Foreign));
        }
    }

    #[test]
    fn a_token_that_was_tampered_with_is_refused() {
        let token = with("demo", "Patient", 1, |it| it.seal(&place(Some(5)), ""));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            let Some(byte) = changed.get_mut(at) else { continue };
            *byte = if *byte == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8_lossy(&changed).into_owned();
            let opened = with("demo", "Patient", 1, |it| it.open(&changed, "", NOW, HOUR));
            assert_eq!(opened, Err(Refusal::Foreign), "{at}");
        }
        for wrong in ["", "abc", "!", &token[..token.len() - 1], &format!("{token}A")] {
            let opened = with("demo", "Patient", 1, |it| it.open(wrong, "", NOW, HOUR));
            assert_eq!(opened, Err(Refusal::Foreign), "{wrong}");
        }
    }

    #[test]
    fn a_token_lives_for_its_time() {
        let token = with("demo", "Patient", 1, |it| it.seal(&place(None), ""));
        let open = |now| with("demo", "Patient", 1, |it| it.open(&token, "", now, HOUR));
        assert!(open(NOW.plus(HOUR)).is_ok());
        assert_eq!(open(NOW.plus(HOUR + Duration::from_secs(1))), Err(Refusal::Expired));
    }

    #[test]
    fn a_query_too_long_for_a_link_is_kept() {
        let query = format!("_id={}", "a,".repeat(2_000));
        let token = with("demo", "Patient", 1, |it| it.seal_and_keep(&place(None), &query));
        assert!(token.len() < 200);
        let kept = kept_query(&token).ok().flatten();
        assert_eq!(kept.as_deref(), Some(query.as_str()));
        let opened = with("demo", "Patient", 1, |it| it.open(&token, &query, NOW, HOUR));
        assert_eq!(opened, Ok(place(None)));
        let short = with("demo", "Patient", 1, |it| it.seal(&place(None), ""));
        assert_eq!(kept_query(&short), Ok(None));
    }

    #[test]
    fn no_more_of_queries_is_kept_than_the_limit() {
        let (kept, mebibyte) = (keeper(), 1 << 20);
        let query: Arc<str> = "a".repeat(mebibyte).into();
        let keep = |number: u64| {
            kept.insert(hash(&number.to_string()), Arc::clone(&query));
            kept.run_pending_tasks();
            kept.weighted_size()
        };
        let most = KEPT_QUERY_BYTES / mebibyte as u64;
        let sizes: Vec<u64> = (0..most).map(keep).collect();
        assert_eq!(sizes.last(), Some(&KEPT_QUERY_BYTES));
        assert_eq!(keep(most), KEPT_QUERY_BYTES);
    }
}
