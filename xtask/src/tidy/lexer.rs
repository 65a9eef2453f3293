//! A Rust file without what is written in it: comments, strings and characters become spaces.
//!
//! What is left has the same lines and columns, so that a rule can look for a word or count braces
//! without meeting one in a sentence. It knows no grammar, which is why it needs no parser.

/// The code of `source`, every other character but a line end replaced by a space.
pub(super) fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while let Some(rest) = chars.get(at..).filter(|rest| !rest.is_empty()) {
        let after_word = at > 0 && is_word(chars[at - 1]);
        let hidden = hidden_length(rest, after_word);
        let taken = hidden.max(1).min(rest.len());
        for &c in &rest[..taken] {
            code.push(if hidden == 0 || c == '\n' { c } else { ' ' });
        }
        at += taken;
    }
    code
}

/// Whether `c` can stand inside an identifier.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How many characters at the start of `rest` are comment, string or character; 0 when it is code.
fn hidden_length(rest: &[char], after_word: bool) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment(rest),
        ['"', ..] => quoted(rest, 1),
        ['b' | 'c', '"', ..] if !after_word => quoted(rest, 2),
        ['b', '\'', ..] if !after_word => character(&rest[1..]) + 1,
        ['b' | 'c', 'r', '"' | '#', ..] if !after_word => raw_string(rest, 2),
        ['r', '"' | '#', ..] if !after_word => raw_string(rest, 1),
        ['\'', ..] => character(rest),
        _ => 0,
    }
}

/// Block comments nest.
fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(pair) = rest.get(at..at + 2) {
        match pair {
            ['/', '*'] => (depth, at) = (depth + 1, at + 2),
            ['*', '/'] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// A string whose opening quote ends at `start`.
fn quoted(rest: &[char], start: usize) -> usize {
    let mut at = start;
    while let Some(c) = rest.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A raw string whose hashes begin at `start`; 0 for a raw identifier such as `r#type`.
fn raw_string(rest: &[char], start: usize) -> usize {
    let hashes = rest[start..].iter().take_while(|&&c| c == '#').count();
    let body = start + hashes + 1;
    if rest.get(body - 1) != Some(&'"') {
        return 0;
    }
    let closes = |at: usize| {
        rest[at] == '"'
            && rest[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes
    };
    (body..rest.len()).find(|&at| closes(at)).map_or(rest.len(), |at| at + 1 + hashes)
}

/// A character, or 0 for a lifetime.
fn character(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', _, tail @ ..] => {
            tail.iter().position(|&c| c == '\'').map_or(rest.len(), |end| end + 4)
        }
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::code_only;

    /// `code` is `source` with every hidden character written as `.`.
    fn check(source: &str, code: &str) {
        assert_eq!(code_only(source), code.replace('.', " "), "{source}");
    }

    #[test]
    fn comments_strings_and_characters_are_hidden_and_code_is_not() {
        check("a // b {", "a ......");
        check("a /* b */ c", "a ....... c");
        check("/* a /* b */ c */ d", "................. d");
        check("/* never closed", "...............");
        check("x(\"a{b\")", "x(.....)");
        check("x(\"a\\\"{\") }", "x(......) }");
        check("x(\"\\\\\") }", "x(....) }");
        check("b\"{\" c\"{\"", ".... ....");
        check("r\"\\\" }", ".... }");
        check("r#\"a \" {\"# }", ".......... }");
        check("br##\"a\"# {\"## }", "............. }");
        check("r#type {", "r#type {");
        check("'{' }", "... }");
        check("'\\'' }", ".... }");
        check("'\\u{7d}' }", "........ }");
        check("b'{' }", ".... }");
        check("fn f<'a>(x: &'a str) {", "fn f<'a>(x: &'a str) {");
        check("'static '}'", "'static ...");
        check("for r in x { \"a\" }", "for r in x { ... }");
        check("\"a\nb\" {", "..\n.. {");
        check("\"é{\" {", ".... {");
        check("", "");
    }
}
