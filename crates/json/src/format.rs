//! The same tokens with other whitespace between them.

use crate::document::Document;
use crate::scan;

/// The text over many lines with an indentation of two spaces; tokens are left as they were
/// written.
#[must_use]
pub fn pretty(document: &Document) -> Vec<u8> {
    let text = document.bytes();
    let mut out = Vec::with_capacity(text.len() * 2);
    Layout::default().push(text, usize::MAX, &mut out);
    out
}

/// [`pretty`] in steps, for texts that are long or come in pieces: indentation can make a deep text
/// many times longer, which should not stand in memory at once.
#[derive(Debug)]
pub struct Layout {
    depth: usize,
    /// The first byte of the token before.
    previous: u8,
}

impl Default for Layout {
    fn default() -> Self {
        Self { depth: 0, previous: b':' }
    }
}

impl Layout {
    /// Appends `text` laid out until `out` is `most` bytes long or a token longer; gives how many
    /// bytes of `text` that took. The texts that are pushed make one valid JSON text together and
    /// are cut between tokens.
    pub fn push(&mut self, text: &[u8], most: usize, out: &mut Vec<u8>) -> usize {
        let mut tokens = Tokens(text);
        while out.len() < most {
            let Some(token) = tokens.next() else { return text.len() };
            self.token(token, out);
        }
        text.len() - tokens.0.len()
    }

    fn token(&mut self, token: &[u8], out: &mut Vec<u8>) {
        let first = token.first().copied().unwrap_or_default();
        let closes = matches!(first, b'}' | b']');
        self.depth = self.depth.saturating_sub(usize::from(closes));
        let after_bracket = matches!(self.previous, b'{' | b'[');
        if self.previous == b',' || after_bracket != closes && (after_bracket || closes) {
            out.push(b'\n');
            out.resize(out.len() + 2 * self.depth, b' ');
        }
        out.extend_from_slice(token);
        if first == b':' {
            out.push(b' ');
        }
        self.depth += usize::from(matches!(first, b'{' | b'['));
        self.previous = first;
    }
}

/// The text without whitespace between tokens; tokens are left as they were written.
#[must_use]
pub fn compact(document: &Document) -> Vec<u8> {
    let mut out = Vec::with_capacity(document.bytes().len());
    Tokens(document.bytes()).for_each(|token| out.extend_from_slice(token));
    out
}

/// The tokens of a text that was parsed before.
struct Tokens<'t>(&'t [u8]);

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let rest = self.0.get(scan::spaces(self.0, 0)..).unwrap_or_default();
        let length = match rest.first()? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            b'"' => scan::string(rest, 0).end,
            _ => rest.iter().position(|byte| !is_scalar(*byte)).unwrap_or(rest.len()),
        };
        let (token, rest) = rest.split_at_checked(length.max(1)).unwrap_or((rest, b""));
        self.0 = rest;
        Some(token)
    }
}

/// The bytes of numbers and of the three words.
fn is_scalar(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.' | b'E')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[track_caller]
    fn check(compacted: &str, prettied: &str) {
        for text in [compacted, prettied] {
            let document = Document::parse(text.to_owned(), &Limits::default()).unwrap();
            assert_eq!(String::from_utf8(pretty(&document)).unwrap(), prettied);
            assert_eq!(String::from_utf8(compact(&document)).unwrap(), compacted);
            for most in 1..4 {
                assert_eq!(String::from_utf8(stepwise(text.as_bytes(), most)).unwrap(), prettied);
            }
        }
    }

    fn stepwise(mut text: &[u8], most: usize) -> Vec<u8> {
        let (mut layout, mut all) = (Layout::default(), Vec::new());
        while !text.is_empty() {
            let mut out = Vec::new();
            text = &text[layout.push(text, most, &mut out)..];
            all.extend(out);
        }
        all
    }

    #[test]
    fn only_whitespace_changes() {
        check("1.50", "1.50");
        check("{}", "{}");
        check("[[],{}]", "[\n  [],\n  {}\n]");
        check(
            r#"{"a":[1E5,"\u0041 : {",-0],"b":{"c":null,"d":[{"e":true}]}}"#,
            r#"{
  "a": [
    1E5,
    "\u0041 : {",
    -0
  ],
  "b": {
    "c": null,
    "d": [
      {
        "e": true
      }
    ]
  }
}"#,
        );
    }
}
