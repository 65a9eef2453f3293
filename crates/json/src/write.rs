//! Writing JSON text.

use std::io::Write;

use crate::scan;

/// Appends JSON text to a buffer and sees to the commas. Keeping brackets paired, and a key before
/// each member's value, is the caller's part.
///
/// ```
/// let mut out = Vec::new(); let mut writer = json::Writer::new(&mut out);
/// writer.begin_object().key("active").bool(true).key("name").string("Ann").end_object();
/// assert_eq!(out, br#"{"active":true,"name":"Ann"}"#);
/// ```
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// Whether something stands before the next item that a comma must part it from.
    comma: bool,
}

impl<'o> Writer<'o> {
    /// Writes behind what is in `out` already.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, comma: false }
    }

    /// `{`
    pub fn begin_object(&mut self) -> &mut Self {
        self.begin(b'{')
    }

    /// `}`
    pub fn end_object(&mut self) -> &mut Self {
        self.end(b'}')
    }

    /// `[`
    pub fn begin_array(&mut self) -> &mut Self {
        self.begin(b'[')
    }

    /// `]`
    pub fn end_array(&mut self) -> &mut Self {
        self.end(b']')
    }

    /// The key of the member whose value comes next.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.item(|out| {
            write_string(out, key);
            out.push(b':');
        });
        self.comma = false;
        self
    }

    /// A string, escaped as needed.
    pub fn string(&mut self, text: &str) -> &mut Self {
        self.item(|out| write_string(out, text))
    }

    /// A number by its text, which must be one that RFC 8259 allows.
    pub fn number_text(&mut self, number: &str) -> &mut Self {
        self.raw(number.as_bytes())
    }

    /// A whole number.
    pub fn integer(&mut self, number: impl Into<i128>) -> &mut Self {
        let number = number.into();
        self.item(|out| drop(write!(out, "{number}")))
    }

    /// `true` or `false`
    pub fn bool(&mut self, truth: bool) -> &mut Self {
        self.raw(if truth { b"true" } else { b"false" })
    }

    /// `null`
    pub fn null(&mut self) -> &mut Self {
        self.raw(b"null")
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, json: &[u8]) -> &mut Self {
        self.item(|out| out.extend_from_slice(json))
    }

    /// A value, or the inside of an open object or array, that `write` appends as JSON.
    pub fn raw_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.item(write)
    }

    fn item(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        if self.comma {
            self.out.push(b',');
        }
        write(self.out);
        self.comma = true;
        self
    }

    fn begin(&mut self, bracket: u8) -> &mut Self {
        self.item(|out| out.push(bracket));
        self.comma = false;
        self
    }

    fn end(&mut self, bracket: u8) -> &mut Self {
        self.out.push(bracket);
        self.comma = true;
        self
    }
}

/// Appends `text` as a JSON string with its quotes. Only what must be escaped is; the result never
/// changes, since content hashes stand on it.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    out.push(b'"');
    let mut written = 0;
    loop {
        let stop = scan::plain_text(text, written);
        out.extend_from_slice(text.get(written..stop).unwrap_or_default());
        let Some(&byte) = text.get(stop) else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            control => drop(write!(out, "\\u{control:04x}")),
        }
        written = stop + 1;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut out = Vec::new();
        write_string(&mut out, text);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn only_what_must_be_escaped_is() {
        check("", r#""""#);
        check("a/é\u{7f}\u{2028}𝄞'", "\"a/é\u{7f}\u{2028}𝄞'\"");
        check("\"\\", r#""\"\\""#);
        check("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#);
        check("\0\u{b}\u{1f}", r#""\u0000\u000b\u001f""#);
        check("sixteen letters and\na line end", r#""sixteen letters and\na line end""#);
    }

    #[test]
    fn commas_stand_between_items() {
        let mut out = b"prefix ".to_vec();
        let mut writer = Writer::new(&mut out);
        writer.begin_array().begin_object().end_object().begin_array().end_array();
        writer.begin_object().key("a").null().key("b").begin_array().integer(1_u64).integer(-2);
        writer.number_text("1.50").bool(false).raw(b"{}").end_array().key("c\n").string("d");
        writer.end_object().raw_with(|out| out.extend_from_slice(b"0")).end_array();
        let expected = r#"prefix [{},[],{"a":null,"b":[1,-2,1.50,false,{}],"c\n":"d"},0]"#;
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
