//! <https://hl7.org/fhir/R4/search.html#string> and `#escaping`: texts without case and accents,
//! and the parts of a value.

/// Letters of the data sets, and what they are without case and accents.
const LETTERS: &[(char, &str)] = &[
    ('ä', "a"),
    ('á', "a"),
    ('å', "a"),
    ('é', "e"),
    ('ë', "e"),
    ('ę', "e"),
    ('í', "i"),
    ('ł', "l"),
    ('ñ', "n"),
    ('ö', "o"),
    ('ø', "o"),
    ('ü', "u"),
    ('ß', "ss"),
    ('œ', "oe"),
];

pub(super) fn fold(text: &str) -> String {
    let mut folded = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        match LETTERS.iter().find(|(accented, _)| *accented == letter) {
            Some((_, plain)) => folded.push_str(plain),
            None if ('\u{300}'..='\u{36f}').contains(&letter) => {}
            // One space for any white space.
            None if letter.is_whitespace() && folded.ends_with(' ') => {}
            None if letter.is_whitespace() => folded.push(' '),
            None => folded.push(letter),
        }
    }
    folded
}

/// The parts between separators that no backslash escapes; still escaped themselves.
pub(super) fn parts(value: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for character in value.chars() {
        let last = parts.last_mut().expect("a part");
        if character == separator && !escaped {
            parts.push(String::new());
        } else {
            last.push(character);
        }
        escaped = character == '\\' && !escaped;
    }
    parts
}

pub(super) fn plain(escaped: &str) -> String {
    let mut plain = String::new();
    let mut after = false;
    for character in escaped.chars() {
        after = character == '\\' && !after;
        if !after {
            plain.push(character);
        }
    }
    plain
}

pub(super) fn escape(text: &str) -> String {
    let escaped = |character| match character {
        ',' | '|' | '$' | '\\' => vec!['\\', character],
        other => vec![other],
    };
    text.chars().flat_map(escaped).collect()
}

#[test]
fn texts_are_folded_and_taken_apart() {
    assert_eq!(fold("MÜLLER-Stra\u{df}e e\u{301}"), "muller-strasse e");
    assert_eq!(fold("van\t \u{a0}der"), "van der");
    assert_eq!(parts("a,b\\,c,", ','), ["a", "b\\,c", ""]);
    assert_eq!(plain(&escape("a,b|c$d\\e")), "a,b|c$d\\e");
}
