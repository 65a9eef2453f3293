//! In which ways a code can be written where case means nothing: so it is found in an index that
//! has it as it was written.

use base::limits::TOKEN_SPELLINGS;

/// A code in lower case, as it is compared where case means nothing. The Kelvin sign, which would
/// become a k, stays: a code in ASCII has no spelling outside of it.
#[must_use]
pub fn folded_code(code: &str) -> String {
    let parts: Vec<String> = code.split(KELVIN).map(str::to_lowercase).collect();
    parts.join(KELVIN)
}

const KELVIN: &str = "\u{212A}";

/// All ways to write codes in upper and lower case, when they are not too many.
pub(crate) fn spellings(codes: &[Box<str>]) -> Option<Vec<String>> {
    let mut all = Vec::with_capacity(codes.len());
    for code in codes {
        if !code.is_ascii() {
            return None;
        }
        let first = all.len();
        all.push(String::with_capacity(code.len()));
        for letter in code.chars() {
            let begun = if letter.is_ascii_alphabetic() { all.len() - first } else { 0 };
            if all.len() + begun > TOKEN_SPELLINGS {
                return None;
            }
            all.extend_from_within(first..first + begun);
            let raised = all.len() - begun;
            let (plain, raised) = all.split_at_mut(raised);
            plain.iter_mut().skip(first).for_each(|text| text.push(letter.to_ascii_lowercase()));
            raised.iter_mut().for_each(|text| text.push(letter.to_ascii_uppercase()));
        }
    }
    (all.len() <= TOKEN_SPELLINGS).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(codes: &[&str], expected: &str) {
        let codes: Vec<Box<str>> = codes.iter().map(|&code| code.into()).collect();
        let found = spellings(&codes).map_or("too many".to_owned(), |all| all.join(" "));
        assert_eq!(found, expected, "{codes:?}");
    }

    #[test]
    fn each_letter_is_written_in_two_ways() {
        check(&["8302-2"], "8302-2");
        check(&["a1"], "a1 A1");
        check(&["ab", "-", "c"], "ab Ab aB AB - c C");
        check(&["é"], "too many");
    }

    #[test]
    fn a_code_in_ascii_is_folded_from_its_spellings_only() {
        let all = (char::MIN..=char::MAX).map(String::from);
        for letter in all.filter(|letter| folded_code(letter).is_ascii()) {
            let found = spellings(&[folded_code(&letter).into()]);
            assert!(found.is_some_and(|all| all.contains(&letter)), "{letter:?}");
        }
        assert_eq!(folded_code("ÄK-\u{212A}"), "äk-\u{212A}");
    }

    #[test]
    fn so_many_spellings_are_looked_up_one_by_one() {
        let count = |codes: &[&str]| {
            let codes: Vec<Box<str>> = codes.iter().map(|&code| code.into()).collect();
            spellings(&codes).map(|all| all.len())
        };
        assert_eq!(count(&["abcdefghij"]), Some(TOKEN_SPELLINGS));
        assert_eq!(count(&["abcdefghij", "1"]), None);
        assert_eq!(count(&["1", "abcdefghij"]), None);
        assert_eq!(count(&["abcdefghijk"]), None);
    }
}
