//! Duplicate keys: noticed while an object is read when it is small and plain, on its closing
//! bracket otherwise.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use crate::error::{ErrorKind, Refusal};
use crate::scan;
use crate::tape::{Node, Text};

/// Objects with more members are checked once, when they close, instead of key by key.
const FEW: u32 = 32;

/// What is known about the keys of one open object.
#[derive(Clone, Copy, Default)]
pub(crate) struct Keys {
    /// One bit per key seen, chosen by its length and first eight bytes.
    seen: u64,
    count: u32,
    any_escaped: bool,
}

impl Keys {
    /// Notes a key and says whether one like it may have come before, so that looking is worth
    /// while.
    #[inline(always)]
    pub(crate) fn note(&mut self, text: &[u8], key: Text) -> bool {
        let bit = 1 << (fingerprint(text, key) >> 58);
        let maybe = self.seen & bit != 0 && self.count < FEW;
        self.seen |= bit;
        self.count += 1;
        self.any_escaped |= key.escaped;
        maybe
    }

    /// Whether [`find_duplicate`] must have the last word: looking one by one would take too long,
    /// or spelling differs from meaning.
    pub(crate) fn are_open(self) -> bool {
        self.any_escaped || self.count > FEW
    }
}

#[inline(always)]
fn fingerprint(text: &[u8], key: Text) -> u64 {
    let length = key.end - key.start - 2;
    let from = text.get(key.start + 1..).unwrap_or_default();
    let word = from.first_chunk().map_or_else(|| short(from), |chunk| u64::from_le_bytes(*chunk));
    let kept = if length < 8 { word & ((1 << (8 * length)) - 1) } else { word };
    (kept ^ length as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The same for the last bytes of the text.
#[cold]
fn short(from: &[u8]) -> u64 {
    from.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Looks for a plain `key` among the members that the object at `object` has so far.
pub(crate) fn find(text: &str, tape: &[Node], object: usize, key: Text) -> Option<Refusal> {
    let quoted = text.get(key.start..key.end)?;
    let mut at = object + 1;
    while let Some(node) = tape.get(at) {
        if node.key().and_then(|start| text.get(start..))?.starts_with(quoted) {
            return Some(duplicate(text, key.start));
        }
        at = node.next();
    }
    None
}

/// Looks for two keys of the closed object at `object` that mean the same. Keys meet only when
/// their hashes are equal, and nobody outside can know the hash, so many keys never mean many
/// comparisons.
pub(crate) fn find_duplicate(text: &str, tape: &[Node], object: usize) -> Option<Refusal> {
    let secret = RandomState::new();
    let mut hashes = Vec::new();
    let mut at = object + 1;
    while let Some(node) = tape.get(at) {
        let start = node.key()?;
        hashes.push((secret.hash_one(decoded(text, start).as_ref()), start));
        at = node.next();
    }
    hashes.sort_unstable();
    let pairs = hashes.iter().zip(hashes.iter().skip(1));
    let equal = pairs.filter(|((first, a), (second, b))| {
        first == second && decoded(text, *a) == decoded(text, *b)
    });
    equal.map(|(_, (_, again))| *again).min().map(|again| duplicate(text, again))
}

fn duplicate(text: &str, start: usize) -> Refusal {
    Refusal::at(start, ErrorKind::DuplicateKey(decoded(text, start).into_owned()))
}

/// The key whose opening quote stands at `start`.
fn decoded(text: &str, start: usize) -> Cow<'_, str> {
    scan::string(text.as_bytes(), start).decode(text)
}
