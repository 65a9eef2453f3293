//! Escapes in strings: checked once while parsing, decoded when somebody asks.

use std::borrow::Cow;

use crate::error::ErrorKind;

/// Reads the escape at the front of `text`: the character it stands for, and how many bytes it
/// takes.
pub(crate) fn read(text: &[u8]) -> Result<(char, usize), ErrorKind> {
    let character = match text {
        [b'\\', b'u', digits @ ..] => return read_unicode(digits),
        [b'\\', plain @ (b'"' | b'\\' | b'/'), ..] => char::from(*plain),
        [b'\\', b'b', ..] => '\u{8}',
        [b'\\', b'f', ..] => '\u{c}',
        [b'\\', b'n', ..] => '\n',
        [b'\\', b'r', ..] => '\r',
        [b'\\', b't', ..] => '\t',
        [b'\\'] => return Err(ErrorKind::UnexpectedEnd),
        _ => return Err(ErrorKind::BadEscape),
    };
    Ok((character, 2))
}

fn read_unicode(digits: &[u8]) -> Result<(char, usize), ErrorKind> {
    let first = hexadecimal(digits)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, 6));
    }
    let [_, _, _, _, b'\\', b'u', more @ ..] = digits else { return Err(ErrorKind::LoneSurrogate) };
    let second = hexadecimal(more)?;
    if !(0xD800..0xDC00).contains(&first) || !(0xDC00..0xE000).contains(&second) {
        return Err(ErrorKind::LoneSurrogate);
    }
    let scalar = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    char::from_u32(scalar).map(|character| (character, 12)).ok_or(ErrorKind::LoneSurrogate)
}

fn hexadecimal(text: &[u8]) -> Result<u32, ErrorKind> {
    let digits: &[u8; 4] = text.first_chunk().ok_or(ErrorKind::BadEscape)?;
    digits.iter().try_fold(0, |number, &digit| {
        let digit = char::from(digit).to_digit(16).ok_or(ErrorKind::BadEscape)?;
        Ok(number << 4 | digit)
    })
}

/// Plain text and, if one follows, the character of an escape.
type Piece<'t> = (&'t str, Option<char>);

/// The pieces of `raw`, the inside of a string that was parsed before.
fn pieces(mut raw: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if raw.is_empty() {
            return None;
        }
        let plain = memchr::memchr(b'\\', raw.as_bytes()).unwrap_or(raw.len());
        let (text, rest) = raw.split_at_checked(plain)?;
        let escape = read(rest.as_bytes()).ok();
        raw = escape.and_then(|(_, length)| rest.get(length..)).unwrap_or_default();
        Some((text, escape.map(|(character, _)| character)))
    })
}

/// The text of a string; `raw` is what stands between the quotes.
#[inline]
pub(crate) fn decode(raw: &str, escaped: bool) -> Cow<'_, str> {
    if escaped { Cow::Owned(decoded(raw)) } else { Cow::Borrowed(raw) }
}

fn decoded(raw: &str) -> String {
    let mut decoded = String::with_capacity(raw.len());
    for (text, character) in pieces(raw) {
        decoded.push_str(text);
        decoded.extend(character);
    }
    decoded
}

/// Whether `raw` (with escapes) stands for `text`.
pub(crate) fn stands_for(raw: &str, text: &str) -> bool {
    let mut rest = Some(text);
    for (plain, character) in pieces(raw) {
        rest = rest.and_then(|rest| rest.strip_prefix(plain));
        if let Some(character) = character {
            rest = rest.and_then(|rest| rest.strip_prefix(character));
        }
    }
    rest == Some("")
}
