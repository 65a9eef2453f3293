//! <https://hl7.org/fhir/R4/datatypes.html#primitive>: what the values of primitives look like.

use std::borrow::Cow;

use base::limits::{ID_CHARACTERS, STRING_BYTES};
use json::{Kind, Value};

use crate::definitions::Primitive;
use crate::value::{Malformed, Moment, Time};

/// What is wrong with a value, as the end of a sentence: "… is no date: " and this.
pub(super) enum Wrong {
    /// Not the kind of JSON value that the type has.
    Kind,
    /// Not what the type's text looks like.
    Text(Cow<'static, str>),
    /// Longer than a string may be.
    TooLong,
}

impl From<&'static str> for Wrong {
    #[cold]
    fn from(why: &'static str) -> Self {
        Self::Text(Cow::Borrowed(why))
    }
}

impl From<Malformed> for Wrong {
    #[cold]
    fn from(malformed: Malformed) -> Self {
        let column = malformed.at + 1;
        Self::Text(Cow::Owned(format!("{} (at its character {column})", malformed.reason)))
    }
}

/// The JSON kind of a primitive's values, as people call it.
pub(super) fn kind(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Boolean => "true or false, without quotes",
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
            "a number, without quotes"
        }
        Primitive::Decimal => "a number, without quotes",
        _ => "a string, in double quotes",
    }
}

/// Checks one value; a `null` is the caller's affair.
#[inline]
pub(super) fn check(primitive: Primitive, value: Value<'_>) -> Result<(), Wrong> {
    match primitive {
        Primitive::Boolean => value.as_bool().map(drop).ok_or(Wrong::Kind),
        Primitive::Decimal => value.as_number().map(drop).ok_or(Wrong::Kind),
        Primitive::Integer => integer(value, i64::from(i32::MIN)),
        Primitive::UnsignedInt => integer(value, 0),
        Primitive::PositiveInt => integer(value, 1),
        text => {
            if value.kind() != Kind::String {
                return Err(Wrong::Kind);
            }
            let decoded = value.as_str().unwrap_or_default();
            if decoded.is_empty() {
                return Err("a string is never empty: leave the element out".into());
            }
            of_text(text, &decoded)?;
            match decoded {
                Cow::Borrowed(_) => Ok(()),
                // Only escapes can bring control characters into JSON.
                Cow::Owned(decoded) => no_controls(&decoded),
            }
        }
    }
}

fn of_text(primitive: Primitive, text: &str) -> Result<(), Wrong> {
    match primitive {
        Primitive::String | Primitive::Markdown => string(text),
        Primitive::Code => code(text),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => uri(text),
        Primitive::Id => id(text),
        Primitive::Date => Ok(Moment::parse_date(text).map(drop)?),
        // FHIRPath and searches read `2020T`; it is no dateTime.
        Primitive::DateTime if text.ends_with('T') => Err("a time follows the 'T'".into()),
        Primitive::DateTime => Ok(Moment::parse_date_time(text).map(drop)?),
        Primitive::Instant => Ok(Moment::parse_instant(text).map(drop)?),
        Primitive::Time => Ok(Time::parse(text).map(drop)?),
        Primitive::Base64Binary => base64(text),
        Primitive::Oid => oid(text),
        Primitive::Uuid => uuid(text),
        Primitive::Integer64 => match text.parse::<i64>() {
            Ok(_) => Ok(()),
            Err(_) => Err("write a whole number of 64 bits".into()),
        },
        // The narrative has a check of its own, and the others are no strings.
        Primitive::Xhtml
        | Primitive::Boolean
        | Primitive::Decimal
        | Primitive::Integer
        | Primitive::PositiveInt
        | Primitive::UnsignedInt => Ok(()),
    }
}

fn integer(value: Value<'_>, least: i64) -> Result<(), Wrong> {
    let text = value.as_number().ok_or(Wrong::Kind)?;
    if text.contains(['.', 'e', 'E']) {
        return Err("write it without fraction and exponent".into());
    }
    let range = least..=i64::from(i32::MAX);
    match text.parse::<i64>() {
        Ok(number) if range.contains(&number) => Ok(()),
        _ => Err(match least {
            0 => "it is from 0 to 2147483647".into(),
            1 => "it is from 1 to 2147483647".into(),
            _ => "it is from -2147483648 to 2147483647".into(),
        }),
    }
}

fn string(text: &str) -> Result<(), Wrong> {
    if text.len() > STRING_BYTES {
        return Err(Wrong::TooLong);
    }
    // White space is what XML Schema calls so: a no-break space is a character.
    if text.trim_ascii().is_empty() {
        return Err("white space alone says nothing: leave the element out".into());
    }
    Ok(())
}

/// Characters that no FHIR text holds.
pub(super) fn no_controls(text: &str) -> Result<(), Wrong> {
    let control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    match text.as_bytes().iter().find(|byte| control(byte)) {
        None => Ok(()),
        Some(byte) => Err(Wrong::Text(Cow::Owned(format!(
            "it holds the control character U+{byte:04X}, which FHIR does not allow"
        )))),
    }
}

fn code(text: &str) -> Result<(), Wrong> {
    let mut before = b' ';
    for byte in text.bytes() {
        if byte < b' ' || (byte == b' ' && before == b' ') {
            return Err("a code has no white space but single spaces inside".into());
        }
        before = byte;
    }
    if before == b' ' {
        return Err("a code does not end with a space".into());
    }
    string(text)
}

fn uri(text: &str) -> Result<(), Wrong> {
    if text.bytes().any(|byte| byte <= b' ') {
        return Err("it has no white space; write a space as %20".into());
    }
    Ok(())
}

fn id(text: &str) -> Result<(), Wrong> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if text.len() <= ID_CHARACTERS && text.bytes().all(fits) {
        return Ok(());
    }
    Err("write 1 to 64 letters, digits, '-' and '.'".into())
}

/// Groups of four characters, white space anywhere between.
fn base64(text: &str) -> Result<(), Wrong> {
    let (mut digits, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => digits += 1,
            b'=' => padding += 1,
            b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => return Err("write A-Z, a-z, 0-9, '+' and '/', with '=' only at the end".into()),
        }
    }
    if digits == 0 || padding > 2 || !(digits + padding).is_multiple_of(4) {
        return Err("the characters come in groups of four, filled up with at most two '='".into());
    }
    Ok(())
}

fn oid(text: &str) -> Result<(), Wrong> {
    const SHAPE: &str = "write urn:oid: and numbers without leading zeros, parted by dots, of \
                         which the first is 0, 1 or 2";
    let arcs = text.strip_prefix("urn:oid:").ok_or(SHAPE)?;
    let (root, rest) = arcs.split_once('.').ok_or(SHAPE)?;
    let plain = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|byte| byte.is_ascii_digit())
            && (arc == "0" || !arc.starts_with('0'))
    };
    if matches!(root, "0" | "1" | "2") && rest.split('.').all(plain) {
        return Ok(());
    }
    Err(SHAPE.into())
}

fn uuid(text: &str) -> Result<(), Wrong> {
    const SHAPE: &str = "write urn:uuid: and a UUID in lower case, such as \
                         urn:uuid:c757873d-ec9a-4326-a141-556f43239520";
    let uuid = text.strip_prefix("urn:uuid:").ok_or(SHAPE)?;
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    if uuid.len() == 36 && uuid.bytes().enumerate().all(fits) {
        return Ok(());
    }
    Err(SHAPE.into())
}
