//! <https://hl7.org/fhir/R4/search.html#string>: text without case and accents.

use std::borrow::Cow;

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

/// A text as string searches compare it: in small letters, without accents, ligatures and wide
/// forms spelled out, with one space where there is any white space. `Åsa Müller-Łęcki` is
/// `asa muller-lecki`. Borrowed where nothing changes.
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    match spaced(text) {
        Cow::Borrowed(text) => small(text),
        Cow::Owned(text) => Cow::Owned(small(&text).into_owned()),
    }
}

/// One space for any white space.
fn spaced(text: &str) -> Cow<'_, str> {
    let mut before = 0;
    // White space, or what may be the beginning of one beyond ASCII.
    let may_be_odd = |byte: u8| {
        let is_second = byte == b' ' && before == b' ';
        before = byte;
        is_second || !matches!(byte, b' '..0x80)
    };
    if !text.bytes().any(may_be_odd) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_whitespace() {
            false => spaced.push(character),
            true if spaced.ends_with(' ') => {}
            true => spaced.push(' '),
        }
    }
    Cow::Owned(spaced)
}

fn small(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    let classes = CanonicalCombiningClassMapBorrowed::new();
    let mut folded = String::with_capacity(text.len());
    let small = text.chars().flat_map(char::to_lowercase);
    let parts = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(small);
    // Some letters have capitals among their parts: U+A7F8 is a raised capital H with stroke.
    for character in parts.flat_map(char::to_lowercase) {
        if let Some(letters) = letters(character) {
            folded.push_str(letters);
        } else if classes.get_u8(character) == 0 {
            folded.push(character);
        }
    }
    Cow::Owned(folded)
}

/// Letters that are no letter with an accent to Unicode, but are to those who write them without.
fn letters(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ł' => "l",
        'ŧ' => "t",
        'þ' => "th",
        // The two forms of a small sigma.
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::fold;

    #[test]
    fn case_and_accents_go() {
        for (text, folded) in [
            ("van der Berg", "van der berg"),
            ("Åsa MÜLLER", "asa muller"),
            ("A\u{30a}sa", "asa"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("Łęcki Øystein Đorđe", "lecki oystein dorde"),
            ("İstanbul ısı", "istanbul isi"),
            ("Ægir Œuvre", "aegir oeuvre"),
            ("Nguyễn", "nguyen"),
            ("ΌΣΟΣ όσος", "οσοσ οσοσ"),
            ("Ёлка Йод", "елка иод"),
            ("ﬁne Ｗｉｄｅ ²", "fine wide 2"),
            ("北京 ガ", "北京 カ"),
            ("\u{a7f8}", "h"),
            ("two  spaces\tand\u{a0} \nmore ", "two spaces and more "),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
        assert!(matches!(fold("plain text 1"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(&*fold(&once), &*once);
        }
    }
}
