//! <https://www.w3.org/TR/xml/#charsets>: characters, references to them, and how attributes hold
//! them.

use std::borrow::Cow;

use super::error::ErrorKind;

/// Whether XML 1.0 allows a character.
pub(super) fn is_allowed(character: char) -> bool {
    let other = matches!(character, '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}');
    !other || matches!(character, '\t' | '\n' | '\r')
}

/// The first character of a text that XML forbids, and where it stands.
pub(super) fn forbidden(text: &str) -> Option<(usize, char)> {
    // One pass over the bytes, which all but a few texts end with: none of them is suspicious.
    let suspicious = |byte: u8| (byte < b' ' && !matches!(byte, 9 | 10 | 13)) || byte == 0xEF;
    if !text.bytes().fold(false, |found, byte| found | suspicious(byte)) {
        return None;
    }
    text.char_indices().find(|(_, character)| !is_allowed(*character))
}

/// What an attribute holds, as written between its quotes: references resolved, and white space
/// made spaces, as XML has it.
pub(super) fn value(raw: &str) -> Result<Cow<'_, str>, ErrorKind> {
    let special = |byte: u8| matches!(byte, b'&' | b'<' | b'\t' | b'\n' | b'\r');
    if !raw.bytes().fold(false, |found, byte| found | special(byte)) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\n', '\r']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        text.push_str(before);
        if from.starts_with('<') {
            return Err(ErrorKind::Syntax("'<' in an attribute is written &lt;".to_owned()));
        }
        if let Some(reference) = from.strip_prefix('&') {
            let end = reference.find(';').ok_or(ErrorKind::Ampersand)?;
            let (name, after) = reference.split_at_checked(end).unwrap_or((reference, ""));
            text.push(character(name)?);
            rest = after.get(1..).unwrap_or_default();
        } else {
            text.push(' ');
            // A line end of two characters is one.
            let length = if from.starts_with("\r\n") { 2 } else { 1 };
            rest = from.get(length..).unwrap_or_default();
        }
    }
    text.push_str(rest);
    Ok(Cow::Owned(text))
}

/// What a reference stands for; `name` is what is between `&` and `;`.
pub(super) fn character(name: &str) -> Result<char, ErrorKind> {
    let number = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#'),
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    let Some(number) = number else {
        let named = !name.is_empty() && name.chars().all(is_name);
        return Err(if named { ErrorKind::Entity(name.into()) } else { ErrorKind::Ampersand });
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    let digits = Some(digits).filter(|digits| digits.chars().all(|c| c.is_digit(radix)));
    let code = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok());
    let found = code.and_then(char::from_u32).filter(|character| is_allowed(*character));
    found.ok_or_else(|| ErrorKind::Character(format!("&{name};")))
}

/// Appends text as attributes hold it, without the quotes. White space other than spaces goes out
/// as references: readers would make spaces of it.
pub(super) fn write_value(out: &mut Vec<u8>, text: &str) {
    let special = |byte: u8| byte < b' ' || matches!(byte, b'&' | b'<' | b'>' | b'"');
    if !text.bytes().fold(false, |found, byte| found | special(byte)) {
        return out.extend_from_slice(text.as_bytes());
    }
    for &byte in text.as_bytes() {
        let reference: &[u8] = match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\t' => b"&#9;",
            b'\n' => b"&#10;",
            b'\r' => b"&#13;",
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(reference);
    }
}
