//! Finds the functions of a file and how long each is, from its code without comments and strings.

use super::lexer::is_word;

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// The line of `fn`, counted from 1.
    pub(super) line: usize,
    /// Lines from `fn` to the closing brace, both counted.
    pub(super) lines: usize,
    /// Whether it stands in a `#[cfg(test)]` module.
    pub(super) in_tests: bool,
}

/// All functions of `code`, which must have passed through `code_only`; nested ones come as well.
pub(super) fn functions(code: &str) -> Vec<Function> {
    let test_module = test_module(code);
    words(code)
        .filter(|(_, word)| *word == "fn")
        .filter_map(|(at, _)| {
            let rest = &code[at + 2..];
            let name: String = rest.trim_start().chars().take_while(|&c| is_word(c)).collect();
            let open = body(rest).filter(|_| !name.is_empty())?;
            let close = open + block_length(&rest[open..]);
            Some(Function {
                name,
                line: line_of(code, at),
                lines: newlines(&rest[..close]) + 1,
                in_tests: test_module.is_some_and(|(from, to)| (from..to).contains(&at)),
            })
        })
        .collect()
}

/// Every word of `code` with the byte at which it begins.
pub(super) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = code.as_ptr().addr();
    code.split(|c: char| !is_word(c))
        .filter(|word| !word.is_empty())
        .map(move |word| (word.as_ptr().addr() - start, word))
}

/// The line on which the byte `at` stands, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    newlines(&text[..at]) + 1
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|&b| b == b'\n').count()
}

/// Where the body after a function's name opens; none for a declaration that ends with `;`.
fn body(rest: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Bytes of the block that opens at the start of `rest`, its closing brace included.
fn block_length(rest: &str) -> usize {
    let mut depth = 0_i32;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    rest.len()
}

/// The bytes of the `#[cfg(test)] mod tests { … }` at the end of a file.
fn test_module(code: &str) -> Option<(usize, usize)> {
    let from = code.match_indices("#[cfg(test)]").map(|(at, _)| at).find(|&at| {
        let item = code[at..].find("\nmod ").or_else(|| code[at..].find("\npub(crate) mod "));
        item.is_some_and(|item| !code[at..at + item].contains([';', '{']))
    })?;
    let open = body(&code[from..])?;
    Some((from, from + open + block_length(&code[from + open..])))
}

#[cfg(test)]
mod tests {
    use super::super::lexer::code_only;
    use super::functions;

    /// Functions as `name@line+lines`, with a `t` when they stand in tests.
    fn check(source: &str, expected: &str) {
        let found: Vec<String> = functions(&code_only(source))
            .iter()
            .map(|f| {
                let tests = if f.in_tests { "t" } else { "" };
                format!("{}@{}+{}{tests}", f.name, f.line, f.lines)
            })
            .collect();
        assert_eq!(found.join(" "), expected, "{source}");
    }

    #[test]
    fn a_function_is_as_long_as_its_braces_say() {
        check("fn a() {}", "a@1+1");
        check("fn a() {\n    b();\n}\n\nfn c() {}", "a@1+3 c@5+1");
        check("fn a() {\n    fn b() {\n    }\n}", "a@1+4 b@2+2");
        check("trait T {\n    fn a(&self);\n    fn b(&self) {\n    }\n}", "b@3+2");
        check("fn a(x: [u8; 4]) -> u8 {\n}", "a@1+2");
        check("type F = fn(u8) -> u8;\nfn a() {}", "a@2+1");
        check("fn a() {\n    let s = \"}\"; // }\n    let c = '}';\n}", "a@1+4");
        check("fn a()\nwhere\n    T: X,\n{\n}", "a@1+5");
        check("macro_rules! m { () => { fn $name() {} } }", "");
        check("fn never_closed() {\n", "never_closed@1+2");
    }

    #[test]
    fn a_function_in_the_test_module_is_known_as_such() {
        check(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}",
            "a@1+1 b@4+1t c@6+1",
        );
        check("#[cfg(test)]\nmod tests;\nfn a() {}", "a@3+1");
        check("#[cfg(test)]\nuse x::Y;\nfn a() {}", "a@3+1");
        check(
            "#[cfg(test)]\n#[expect(x, reason = \"y\")]\nmod tests {\n    fn b() {}\n}",
            "b@4+1t",
        );
    }
}
