//! <https://hl7.org/fhir/R4/search.html#escaping>: where a value is parted, and what is escaped in
//! it.

/// The parts between separators that are not escaped, still escaped.
pub(crate) fn parts(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == separator {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + character.len_utf8();
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// The text itself: `\,`, `\$`, `\|` and `\\` stand for what is escaped.
pub(crate) fn plain(text: &str) -> String {
    let (mut plain, mut escaped) = (String::with_capacity(text.len()), false);
    for character in text.chars() {
        if character == '\\' && !escaped {
            escaped = true;
            continue;
        }
        if escaped && !matches!(character, ',' | '$' | '|' | '\\') {
            plain.push('\\');
        }
        plain.push(character);
        escaped = false;
    }
    if escaped {
        plain.push('\\');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_parts_nothing() {
        let values = |text| parts(text, ',').into_iter().map(plain).collect::<Vec<_>>();
        assert_eq!(values("a,b"), ["a", "b"]);
        assert_eq!(values("a\\,b,c"), ["a,b", "c"]);
        assert_eq!(values("a\\\\,b"), ["a\\", "b"]);
        assert_eq!(values("a\\b\\"), ["a\\b\\"]);
        assert_eq!(values(""), [""]);
        assert_eq!(parts("s|a\\|b|", '|'), ["s", "a\\|b", ""]);
    }
}
