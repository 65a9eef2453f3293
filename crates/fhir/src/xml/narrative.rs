//! <https://hl7.org/fhir/R4/narrative.html>: the `div` of a narrative, whose bytes are kept.
//!
//! It is checked for what makes XML well-formed, so that it cannot break out of the document that
//! it stands in. Which elements it may have is the validator's question.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::XHTML;
use super::characters::{character, value, write_value};
use super::error::ErrorKind;
use super::tag::{Attributes, is_name};

/// What is wrong, and where in the text.
pub(super) type Wrong = (usize, ErrorKind);

/// Where in the text a reader is.
pub(super) fn place(events: &Reader<&[u8]>) -> usize {
    usize::try_from(events.buffer_position()).unwrap_or(usize::MAX)
}

/// What a reader has to say, at the place where it began to read.
pub(super) fn syntax(error: &quick_xml::Error) -> ErrorKind {
    ErrorKind::Syntax(error.to_string())
}

/// Reads on to the end of an element whose start tag was read; `text` is what the reader reads.
/// Gives the place behind its end.
pub(super) fn read_to_end(events: &mut Reader<&[u8]>, text: &str) -> Result<usize, Wrong> {
    let mut open = 1_usize;
    while open > 0 {
        let at = place(events);
        let event = events.read_event().map_err(|error| (at, syntax(&error)))?;
        let inside = || text.get(at..place(events)).unwrap_or_default();
        match event {
            Event::Start(_) | Event::Empty(_) => {
                start(inside()).map_err(|kind| (at, kind))?;
                open += usize::from(matches!(event, Event::Start(_)));
            }
            Event::End(_) => open -= 1,
            Event::Text(_) if inside().contains("]]>") => {
                return Err((at, ErrorKind::Syntax("']]>' in text is written ]]&gt;".to_owned())));
            }
            Event::GeneralRef(name) => {
                let name = str::from_utf8(&name).unwrap_or_default();
                character(name).map_err(|kind| (at, kind))?;
            }
            Event::Text(_) | Event::CData(_) | Event::Comment(_) => {}
            Event::DocType(_) => return Err((at, ErrorKind::DocumentType)),
            Event::PI(_) | Event::Decl(_) => {
                let what = "a processing instruction in a narrative".to_owned();
                return Err((at, ErrorKind::Syntax(what)));
            }
            Event::Eof => return Err((at, ErrorKind::UnexpectedEnd)),
        }
    }
    Ok(place(events))
}

/// Checks a start tag with its brackets. Prefixes are not for narratives: what declares them may
/// stand outside.
fn start(tag: &str) -> Result<(), ErrorKind> {
    let tag = tag.trim_start_matches('<').trim_end_matches('>');
    let tag = tag.strip_suffix('/').unwrap_or(tag);
    let length = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
    let (name, rest) = tag.split_at_checked(length).unwrap_or((tag, ""));
    if let Some((prefix, _)) = name.split_once(':') {
        return Err(ErrorKind::Prefix(prefix.to_owned()));
    }
    if !is_name(name) {
        return Err(ErrorKind::Syntax(format!("'{name}' is not a name")));
    }
    attributes(rest)
}

/// Checks what stands behind the name of a start tag.
pub(super) fn attributes(rest: &str) -> Result<(), ErrorKind> {
    for (place, attribute) in Attributes(rest).enumerate() {
        let (name, text) = attribute?;
        value(text)?;
        match name.split_once(':') {
            None | Some(("xml" | "xmlns", _)) => {}
            Some((prefix, _)) => return Err(ErrorKind::Prefix(prefix.to_owned())),
        }
        let mut before = Attributes(rest).take(place).flatten();
        if before.any(|(known, _)| known == name) {
            return Err(ErrorKind::RepeatedAttribute(name.to_owned()));
        }
    }
    Ok(())
}

/// The text of a `div` in JSON, as a reader of XML understands what was written: line ends are
/// `\n`, and a reference to a carriage return is one.
pub(super) fn text(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\r') && !raw.contains("&#") {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    for_each(raw, |event, part| match event {
        Event::GeneralRef(name) if matches!(name.resolve_char_ref(), Ok(Some('\r'))) => {
            text.push('\r');
        }
        Event::Start(_) | Event::Empty(_) => {
            let lines = part.replace("\r\n", "\n").replace('\r', "\n");
            let returns = ["&#13;", "&#xD;", "&#xd;"].into_iter();
            text.push_str(&returns.fold(lines, |text, reference| text.replace(reference, "\r")));
        }
        _ => text.push_str(&part.replace("\r\n", "\n").replace('\r', "\n")),
    });
    Cow::Owned(text)
}

/// All parts of markup that was found to be well-formed.
fn for_each(text: &str, mut see: impl FnMut(&Event<'_>, &str)) {
    let mut events = Reader::from_str(text);
    loop {
        let at = place(&events);
        match events.read_event() {
            Ok(Event::Eof) | Err(_) => return,
            Ok(event) => see(&event, text.get(at..place(&events)).unwrap_or_default()),
        }
    }
}

/// Appends the `div` of a resource in JSON. One that is not well-formed becomes a `div` with its
/// text: a reader sees what is there, and the document stays whole.
pub(super) fn write(out: &mut Vec<u8>, text: &str) {
    let text = text.trim_ascii();
    match declares(text) {
        Some(true) => lines(out, text),
        Some(false) => {
            lines(out, &text.replacen("<div", &format!("<div xmlns=\"{XHTML}\""), 1));
        }
        None => {
            out.extend_from_slice(format!("<div xmlns=\"{XHTML}\">").as_bytes());
            write_value(out, text);
            out.extend_from_slice(b"</div>");
        }
    }
}

/// Whether a well-formed `div` declares its namespace; none for anything else.
fn declares(text: &str) -> Option<bool> {
    let mut events = Reader::from_str(text);
    events.config_mut().check_comments = true;
    let event = events.read_event().ok()?;
    let (Event::Start(tag) | Event::Empty(tag)) = &event else { return None };
    let rest = str::from_utf8(tag.attributes_raw()).ok()?;
    let is_div = tag.name().as_ref() == b"div" && attributes(rest).is_ok();
    let declared = Attributes(rest).flatten().find(|(name, _)| *name == "xmlns");
    let fits = is_div && declared.is_none_or(|(_, namespace)| namespace == XHTML);
    let end = match event {
        Event::Start(_) => read_to_end(&mut events, text).ok()?,
        _ => place(&events),
    };
    (fits && end == text.len()).then_some(declared.is_some())
}

/// Appends markup; carriage returns in its text and attributes as references, since readers make
/// line ends of them. Elsewhere they may become those.
fn lines(out: &mut Vec<u8>, text: &str) {
    if !text.contains('\r') {
        return out.extend_from_slice(text.as_bytes());
    }
    for_each(text, |event, part| match event {
        Event::Text(_) => out.extend_from_slice(part.replace('\r', "&#13;").as_bytes()),
        Event::Start(_) | Event::Empty(_) => {
            let mut quote = None;
            for byte in part.bytes() {
                match byte {
                    b'"' | b'\'' if quote.is_none() => quote = Some(byte),
                    b'\r' if quote.is_some() => {
                        out.extend_from_slice(b"&#13;");
                        continue;
                    }
                    _ if quote == Some(byte) => quote = None,
                    _ => {}
                }
                out.push(byte);
            }
        }
        _ => out.extend_from_slice(part.as_bytes()),
    });
}
