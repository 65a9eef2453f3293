//! The ids of a request and its line in the access log.

use std::cell::Cell;

use base::Random;
use http::{HeaderMap, HeaderName};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The most characters of an id that is echoed.
const ID_CHARACTERS: usize = 128;

/// `X-Request-Id` and `X-Correlation-Id`: the client's when they are sane, else made here.
pub(crate) struct Ids {
    pub(crate) request: String,
    pub(crate) correlation: String,
}

impl Ids {
    pub(crate) fn of(headers: &HeaderMap, random: &dyn Random) -> Self {
        let request = sane(headers, &REQUEST_ID).unwrap_or_else(|| quick_guid(random));
        let correlation = sane(headers, &CORRELATION_ID).unwrap_or_else(|| request.clone());
        Self { request, correlation }
    }
}

/// The one value of a header, if it is printable ASCII without spaces and not too long.
fn sane(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.as_bytes();
    let is_sane =
        (1..=ID_CHARACTERS).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    is_sane.then(|| String::from_utf8_lossy(value).into_owned())
}

/// A GUID that names a request in logs. It need not be unpredictable, so each thread asks the
/// random source once and counts on from there with SplitMix64 (Steele, Lea, Flood, 2014).
fn quick_guid(random: &dyn Random) -> String {
    thread_local! {
        static STATE: Cell<Option<u64>> = const { Cell::new(None) };
    }
    let mut state = STATE.get().unwrap_or_else(|| {
        let mut seed = [0; 8];
        random.fill(&mut seed);
        u64::from_ne_bytes(seed)
    });
    let words = [split_mix(&mut state), split_mix(&mut state)];
    STATE.set(Some(state));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&words[0].to_ne_bytes());
    bytes[8..].copy_from_slice(&words[1].to_ne_bytes());
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .hyphenated()
        .encode_lower(&mut text)
        .to_owned()
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use base::SystemRandom;
    use http::HeaderValue;

    use super::*;

    #[test]
    fn sane_ids_are_echoed_and_others_are_replaced() {
        let check = |sent: &'static [u8], echoed: bool| {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_bytes(sent).unwrap_or(HeaderValue::from_static(""));
            headers.insert(REQUEST_ID, value);
            let ids = Ids::of(&headers, &SystemRandom);
            assert_eq!(ids.request.as_bytes() == sent, echoed, "{sent:?}");
            assert_eq!(ids.correlation, ids.request);
        };
        check(b"a", true);
        check(&[b'x'; 128], true);
        check(&[b'x'; 129], false);
        check(b"", false);
        check(b"two words", false);
        check(b"caf\xc3\xa9", false);
    }

    #[test]
    fn made_ids_differ_and_are_guids() {
        let (one, two) = (quick_guid(&SystemRandom), quick_guid(&SystemRandom));
        assert_ne!(one, two);
        assert!(uuid::Uuid::parse_str(&one).is_ok_and(|id| id.get_version_num() == 4), "{one}");
    }
}
