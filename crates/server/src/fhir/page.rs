//! <https://hl7.org/fhir/R4/http.html#mime-type>: an answer as a page for people.
//!
//! The page shows the JSON and nothing else: laid out, coloured, its links made to follow. It has
//! no script, and everything that came from the data is escaped.

use base::Fault;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};

use super::{outcome, resource, types};
use crate::exchange::{Answer, AnswerBody, AnswerPieces};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const STYLE: &str = "body{font:15px sans-serif;margin:1.5em;color:#222;background:#fff}\
h1{font-size:1.1em}pre{font:13px/1.45 monospace;white-space:pre-wrap;overflow-wrap:anywhere}\
a{color:#0b5394}b{font-weight:normal;color:#7a1f1f}i{font-style:normal;color:#1c6b2a}\
u{text-decoration:none;color:#6a3d9a}";

/// What the page says above the resource.
pub(crate) struct Asked {
    /// The URL under which the service was called, without a trailing slash.
    pub(crate) base: String,
    /// Path and query, as sent.
    pub(crate) target: String,
}

/// The answer as a page, when it is a resource; written while it is sent.
pub(crate) fn page(answer: Answer, asked: Asked) -> Result<Answer, Fault> {
    let is_fhir = answer.headers.get(CONTENT_TYPE).is_some_and(|it| *it == outcome::CONTENT_TYPE);
    if !is_fhir {
        return Ok(answer);
    }
    let head = head(answer.status, &asked);
    let answer = resource::pretty(answer)?;
    let pieces: AnswerPieces = match answer.body {
        AnswerBody::Empty => Box::new(std::iter::empty()),
        AnswerBody::Full(bytes) => Box::new(std::iter::once(Ok(bytes))),
        AnswerBody::Pieces(pieces) => pieces,
    };
    let mut marker = Marker { base: asked.base, key: Vec::new(), string: None };
    let marked = pieces.map(move |piece| {
        let piece = piece?;
        let mut out = Vec::with_capacity(piece.len() * 2);
        marker.mark(&piece, &mut out);
        Ok(Bytes::from(out))
    });
    let end = std::iter::once(Ok(Bytes::from_static(b"</pre>\n</body>\n</html>\n")));
    let body = AnswerBody::Pieces(Box::new(std::iter::once(Ok(head)).chain(marked).chain(end)));
    Ok(Answer { body, ..answer }
        .with(CONTENT_TYPE, HTML)
        .with_text(CONTENT_SECURITY_POLICY, &policy())
        .with(REFERRER_POLICY, HeaderValue::from_static("same-origin")))
}

fn policy() -> String {
    let style = crate::oauth::page::hash(STYLE);
    format!(
        "default-src 'none'; style-src '{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

fn head(status: StatusCode, asked: &Asked) -> Bytes {
    let mut target = Vec::new();
    escape(asked.target.as_bytes(), &mut target);
    let target = String::from_utf8_lossy(&target);
    let mut base = Vec::new();
    escape(asked.base.as_bytes(), &mut base);
    let base = String::from_utf8_lossy(&base);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{target}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>GET {target}</h1>\n<p>{status}, at <a href=\"{base}/metadata\">{base}</a></p>\n<pre>"
    )
    .into()
}

/// Marks JSON that was laid out; pieces are cut between tokens.
struct Marker {
    base: String,
    /// The last key, with its quotes.
    key: Vec<u8>,
    /// A string of which it is not known yet whether it is a key.
    string: Option<Vec<u8>>,
}

impl Marker {
    fn mark(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut rest = text;
        while let Some(&first) = rest.first() {
            if let Some(string) = self.string.take() {
                self.string(string, first == b':', out);
            }
            let length = match first {
                b'"' => string_length(rest),
                byte if is_word(byte) => rest.iter().take_while(|byte| is_word(**byte)).count(),
                _ => rest.iter().take_while(|byte| **byte != b'"' && !is_word(**byte)).count(),
            };
            let (token, after) = rest.split_at(length.clamp(1, rest.len()));
            match first {
                b'"' => self.string = Some(token.to_vec()),
                byte if is_word(byte) => wrapped("u", token, out),
                _ => out.extend_from_slice(token),
            }
            rest = after;
        }
    }

    fn string(&mut self, string: Vec<u8>, is_key: bool, out: &mut Vec<u8>) {
        if is_key {
            wrapped("b", &string, out);
            self.key = string;
            return;
        }
        match self.target(&string) {
            Some(target) => {
                out.extend_from_slice(b"\"<a href=\"");
                escape(target.as_bytes(), out);
                out.extend_from_slice(b"\">");
                escape(string.get(1..string.len() - 1).unwrap_or_default(), out);
                out.extend_from_slice(b"</a>\"");
            }
            None => wrapped("i", &string, out),
        }
    }

    /// Where a string leads: a web address, or a reference within the service.
    fn target(&self, string: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(string).ok()?;
        let text = text.strip_prefix('"')?.strip_suffix('"')?;
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<');
        if !text.bytes().all(is_plain) {
            return None;
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            return Some(text.to_owned());
        }
        let leads = matches!(self.key.as_slice(), b"\"reference\"" | b"\"url\"");
        let name = text.split(['/', '?']).next()?;
        (leads && types::number(name).is_some()).then(|| format!("{}/{text}", self.base))
    }
}

/// Numbers and literals are made of these.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// Bytes of the string that `text` begins with, quotes included.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = true;
    for (place, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return place + 1,
            _ => {}
        }
    }
    text.len()
}

fn wrapped(tag: &str, text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("<{tag}>").as_bytes());
    escape(text, out);
    out.extend_from_slice(format!("</{tag}>").as_bytes());
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let expected = expected.replace('~', "&quot;");
        for cut in (0..=json.len()).filter(|at| [0, json.len()].contains(at)) {
            let base = "https://b".to_owned();
            let mut marker = Marker { base, key: Vec::new(), string: None };
            let mut out = Vec::new();
            let (one, two) = json.as_bytes().split_at(cut);
            marker.mark(one, &mut out);
            marker.mark(two, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_in_the_data_stays_text() {
        check(r#"{"a": 1.5e3}"#, "{<b>~a~</b>: <u>1.5e3</u>}");
        check(
            r#"["<script>", "\"><b>", true]"#,
            r"[<i>~&lt;script&gt;~</i>, <i>~\~&gt;&lt;b&gt;~</i>, <u>true</u>]",
        );
        check(r#"["javascript:alert(1)"]"#, "[<i>~javascript:alert(1)~</i>]");
        check(r#"{"x": "http://a\"onclick=\"b"}"#, r"{<b>~x~</b>: <i>~http://a\~onclick=\~b~</i>}");
    }

    #[test]
    fn addresses_and_references_lead_somewhere() {
        check(
            r#"{"reference": "Patient/1"}"#,
            r#"{<b>~reference~</b>: "<a href="https://b/Patient/1">Patient/1</a>"}"#,
        );
        check(r#"{"display": "Patient/1"}"#, "{<b>~display~</b>: <i>~Patient/1~</i>}");
        check(
            r#"["https://c/?a=1&b='2'"]"#,
            r#"["<a href="https://c/?a=1&amp;b=&#39;2&#39;">https://c/?a=1&amp;b=&#39;2&#39;</a>"]"#,
        );
    }
}
