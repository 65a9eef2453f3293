//! Finding the next byte that matters, sixteen bytes at a time.
//!
//! Every x86-64 has SSE2, so nothing need be detected at run time; elsewhere the same is done with
//! 64-bit integers.

#[cfg(target_arch = "x86_64")]
use sse2 as lanes;
#[cfg(not(target_arch = "x86_64"))]
use words as lanes;

use crate::tape::Text;

const CHUNK: usize = 16;

/// The first place from `at` on that is no plain text of a string: a quote, a backslash or a
/// control character. The length of `text` when there is none.
#[inline(always)]
pub(crate) fn plain_text(text: &[u8], at: usize) -> usize {
    first(text, at, lanes::text_stop, |byte| matches!(byte, b'"' | b'\\' | 0..0x20))
}

/// The string that begins at `at`, in a text that was parsed before.
#[inline]
pub(crate) fn string(text: &[u8], at: usize) -> Text {
    let mut string = Text { start: at, end: plain_text(text, at + 1), escaped: false };
    while let Some(b'\\') = text.get(string.end) {
        string.escaped = true;
        string.end = plain_text(text, string.end + 2);
    }
    string.end += 1;
    string
}

/// The first place from `at` on that is no whitespace; the length of `text` when there is none.
#[inline(always)]
pub(crate) fn spaces(text: &[u8], at: usize) -> usize {
    first(text, at, lanes::not_space, |byte| !is_space(byte))
}

#[inline(always)]
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

#[inline(always)]
fn first(
    text: &[u8],
    mut at: usize,
    in_chunk: impl Fn(&[u8; CHUNK]) -> Option<usize>,
    is_it: impl Fn(u8) -> bool,
) -> usize {
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk) {
        match in_chunk(chunk) {
            Some(place) => return at + place,
            None => at += CHUNK,
        }
    }
    let tail = text.get(at..).unwrap_or_default();
    tail.iter().position(|&byte| is_it(byte)).map_or(text.len(), |place| at + place)
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "one comparison of sixteen bytes is one instruction, which safe code cannot name"
)]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    use super::CHUNK;

    #[inline(always)]
    pub(super) fn text_stop(chunk: &[u8; CHUNK]) -> Option<usize> {
        lowest(marked(chunk, |bytes| {
            or(at_most(bytes, 0x1F), or(equal(bytes, b'"'), equal(bytes, b'\\')))
        }))
    }

    #[inline(always)]
    pub(super) fn not_space(chunk: &[u8; CHUNK]) -> Option<usize> {
        let spaces = marked(chunk, |bytes| {
            let line_end = or(equal(bytes, b'\n'), equal(bytes, b'\r'));
            or(line_end, or(equal(bytes, b' '), equal(bytes, b'\t')))
        });
        lowest(spaces ^ 0xFFFF)
    }

    /// One bit per byte that `mark` sets to ones.
    #[inline(always)]
    fn marked(chunk: &[u8; CHUNK], mark: impl Fn(__m128i) -> __m128i) -> i32 {
        // SAFETY: the sixteen bytes that are loaded are the chunk, and this load asks for no
        // alignment.
        let bytes = unsafe { _mm_loadu_si128(chunk.as_ptr().cast()) };
        // SAFETY: needs SSE2, which every x86-64 has.
        unsafe { _mm_movemask_epi8(mark(bytes)) }
    }

    #[inline(always)]
    fn equal(bytes: __m128i, byte: u8) -> __m128i {
        // SAFETY: needs SSE2, which every x86-64 has.
        unsafe { _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed())) }
    }

    #[inline(always)]
    fn at_most(bytes: __m128i, limit: u8) -> __m128i {
        let limit = limit.cast_signed();
        // SAFETY: needs SSE2, which every x86-64 has.
        unsafe { _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(limit)), bytes) }
    }

    #[inline(always)]
    fn or(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: needs SSE2, which every x86-64 has.
        unsafe { _mm_or_si128(a, b) }
    }

    #[inline(always)]
    fn lowest(mask: i32) -> Option<usize> {
        (mask != 0).then_some(mask.trailing_zeros() as usize)
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod words {
    //! Eight bytes in an integer. A borrow runs only upwards, so the lowest marked byte is always a
    //! true one.

    use super::CHUNK;

    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;

    pub(super) fn text_stop(chunk: &[u8; CHUNK]) -> Option<usize> {
        lowest(chunk, |word| equal(word, b'"') | equal(word, b'\\') | below(word, 0x20))
    }

    pub(super) fn not_space(chunk: &[u8; CHUNK]) -> Option<usize> {
        chunk.iter().position(|&byte| !super::is_space(byte))
    }

    fn lowest(chunk: &[u8; CHUNK], marks: impl Fn(u64) -> u64) -> Option<usize> {
        let place = |half: Option<&[u8; 8]>| {
            let marked = marks(u64::from_le_bytes(half.copied().unwrap_or_default()));
            (marked != 0).then_some(marked.trailing_zeros() as usize / 8)
        };
        place(chunk.first_chunk()).or_else(|| place(chunk.last_chunk()).map(|place| place + 8))
    }

    fn equal(word: u64, byte: u8) -> u64 {
        below(word ^ (ONES * u64::from(byte)), 1)
    }

    /// Marks the bytes below `limit`, which is at most 0x80.
    fn below(word: u64, limit: u64) -> u64 {
        word.wrapping_sub(ONES * limit) & !word & TOPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forty bytes with one that differs.
    fn text(around: u8, place: usize, byte: u8) -> [u8; 40] {
        let mut text = [around; 40];
        text[place] = byte;
        text
    }

    #[test]
    fn every_byte_is_found_at_every_place() {
        for byte in 0..=255 {
            let stops = matches!(byte, b'"' | b'\\' | 0..0x20);
            for place in 0..40 {
                let found = |is_it| if is_it { place } else { 40 };
                let plain = text(b'x', place, byte);
                assert_eq!(plain_text(&plain, 0), found(stops), "{byte} at {place}");
                let blank = text(b' ', place, byte);
                assert_eq!(spaces(&blank, 0), found(!is_space(byte)), "{byte} at {place}");
            }
        }
    }

    #[test]
    fn integers_find_what_vectors_find() {
        for byte in 0..=255 {
            for around in [b'x', b' ', 0xFF, byte ^ 1] {
                for place in 0..CHUNK {
                    let text = text(around, place, byte);
                    let chunk = text.first_chunk().unwrap();
                    assert_eq!(words::text_stop(chunk), lanes::text_stop(chunk));
                    assert_eq!(words::not_space(chunk), lanes::not_space(chunk));
                }
            }
        }
    }
}
