//! <https://build.fhir.org/ig/HL7/FHIRPath/#encodeformat--string--string>

use std::mem::take;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::super::error::Flaw;
use super::super::item::{Item, Items};
use super::super::run::Run;
use super::{Call, Function, STRING};

pub(super) const TABLE: &[Function] = &[
    Function::new("encode", 1..=1, STRING, |run, call, input, out| {
        with(run, call, input, out, encode)
    }),
    Function::new("decode", 1..=1, STRING, |run, call, input, out| {
        with(run, call, input, out, decode)
    }),
    Function::new("escape", 1..=1, STRING, |run, call, input, out| {
        with(run, call, input, out, escape)
    }),
    Function::new("unescape", 1..=1, STRING, |run, call, input, out| {
        with(run, call, input, out, unescape)
    }),
];

/// Applies a conversion in a named format; a format that is not known gives nothing.
fn with<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
    convert: fn(&str, &str) -> Option<String>,
) -> Result<(), Flaw> {
    let text = run.text_of(call, take(input))?;
    let format = run.text_argument(call, 0)?;
    if let (Some(text), Some(format)) = (text, format) {
        run.charge(call.at, text.len() / 8)?;
        out.extend(convert(&text, &format).map(Item::text));
    }
    Ok(())
}

fn encode(text: &str, format: &str) -> Option<String> {
    match format {
        "hex" => Some(text.bytes().map(|byte| format!("{byte:02x}")).collect()),
        "base64" => Some(STANDARD.encode(text)),
        "urlbase64" => Some(URL_SAFE.encode(text)),
        _ => None,
    }
}

fn decode(text: &str, format: &str) -> Option<String> {
    let bytes = match format {
        "hex" => hex(text)?,
        "base64" => STANDARD.decode(text).ok()?,
        "urlbase64" => URL_SAFE.decode(text).ok()?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>()?;
    let byte = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}

const HTML: [(char, &str); 5] =
    [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];

fn escape(text: &str, format: &str) -> Option<String> {
    match format {
        "html" => Some(text.chars().fold(String::new(), |mut out, c| {
            match HTML.iter().find(|(plain, _)| *plain == c) {
                Some((_, escaped)) => out.push_str(escaped),
                None => out.push(c),
            }
            out
        })),
        "json" => {
            let mut out = Vec::new();
            json::write_string(&mut out, text);
            let quoted = String::from_utf8(out).ok()?;
            Some(quoted.get(1..quoted.len() - 1)?.to_owned())
        }
        _ => None,
    }
}

fn unescape(text: &str, format: &str) -> Option<String> {
    match format {
        "html" => Some(unescape_html(text)),
        "json" => {
            // Quotes that stand for themselves are taken as if they were escaped.
            let document = json_string(text).or_else(|| json_string(&text.replace('"', "\\\"")))?;
            Some(document.root().as_str()?.into_owned())
        }
        _ => None,
    }
}

fn json_string(text: &str) -> Option<json::Document> {
    let quoted = format!("\"{text}\"");
    let document = json::Document::parse(quoted.into_bytes(), &json::Limits::default()).ok()?;
    (document.root().kind() == json::Kind::String).then_some(document)
}

fn unescape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        match HTML.iter().find(|(_, escaped)| from.starts_with(escaped)) {
            Some((plain, escaped)) => {
                out.push(*plain);
                rest = from.get(escaped.len()..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    out + rest
}
