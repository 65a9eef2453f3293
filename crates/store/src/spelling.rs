//! In which ways a code can be written where case means nothing: so it is found in an index that
//! has it as it was written.

use base::limits::TOKEN_SPELLINGS;

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
