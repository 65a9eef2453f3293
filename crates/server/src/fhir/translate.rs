//! <https://hl7.org/fhir/R4/xml.html>
//!
//! XML at the border: what comes in becomes JSON before anything else sees it, what goes out
//! becomes XML last. Whatever is long is translated away from the threads that serve sockets.

use base::Fault;
use base::limits::{JSON_DEPTH, JSON_NODES};
use bytes::Bytes;
use fhir::{Definitions, xml};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use json::{Document, Limits};

use super::bundle::writer;
use super::incoming::LONG;
use super::negotiate::{Form, Format};
use super::outcome::{self, Issue, Outcome};
use super::refusal::General;
use super::resource;
use crate::edge::blocking;
use crate::exchange::{Answer, AnswerBody, AnswerPieces};

const XML: HeaderValue = HeaderValue::from_static("application/fhir+xml; charset=utf-8");
/// How a Bundle of nothing but entries begins and ends.
const ENTRIES: (&str, &str) = (r#"{"resourceType":"Bundle","entry":["#, "]}");
const END: &str = "</Bundle>";

/// The JSON of a body in XML.
pub(crate) async fn incoming(xml: Bytes) -> Result<Bytes, General> {
    if xml.len() <= LONG {
        return to_json(&xml);
    }
    blocking::run(move || to_json(&xml)).await?
}

/// What a body may cost; its bytes were counted when it arrived.
fn limits() -> Limits {
    Limits { bytes: usize::MAX, depth: JSON_DEPTH, nodes: JSON_NODES }
}

fn to_json(xml: &[u8]) -> Result<Bytes, General> {
    let read = xml::to_json(Definitions::r4(), xml, &limits()).map(Bytes::from);
    read.map_err(|error| {
        let position = error.position;
        let text = format!("The body is not a resource in XML: {error}.");
        General::Content(vec![unread(error, text).placed(position)])
    })
}

/// The JSON of what an XML Patch made. There are no lines and columns: nobody sent this text.
pub(crate) fn patched(xml: &[u8]) -> Result<Bytes, General> {
    let read = xml::to_json(Definitions::r4(), xml, &limits()).map(Bytes::from);
    read.map_err(|error| {
        let text = format!("What the patch makes is not a resource in XML: {}.", error.kind);
        General::Content(vec![unread(error, text)])
    })
}

fn unread(error: xml::Error, text: String) -> Issue {
    let code = match error.kind {
        xml::ErrorKind::TooDeep(_) => "too-costly",
        xml::ErrorKind::TooLarge(_) | xml::ErrorKind::TooManyValues(_) => "too-long",
        _ => "structure",
    };
    let issue = Issue::error(code, text);
    if error.path.is_empty() { issue } else { issue.at(error.path) }
}

/// The answer in the form that was asked for.
pub(crate) async fn outgoing(
    answer: Answer,
    form: Form,
    method: &Method,
) -> Result<Answer, General> {
    let is_fhir =
        || answer.headers.get(CONTENT_TYPE).is_some_and(|it| *it == outcome::CONTENT_TYPE);
    match form.format {
        Format::Xml if is_fhir() => {}
        _ if form.pretty => return Ok(blocking::run(move || resource::pretty(answer)).await??),
        _ => return Ok(answer),
    }
    let is_short = matches!(&answer.body, AnswerBody::Full(bytes) if bytes.len() <= LONG);
    let method = method.clone();
    let translate = move || to_xml(answer, form.pretty, &method);
    if is_short { translate() } else { blocking::run(translate).await? }
}

fn to_xml(answer: Answer, pretty: bool, method: &Method) -> Result<Answer, General> {
    let mut answer = answer;
    answer.body = match std::mem::replace(&mut answer.body, AnswerBody::Empty) {
        AnswerBody::Empty => return Ok(answer),
        AnswerBody::Full(bytes) => match whole(bytes, pretty)? {
            Ok(text) => AnswerBody::Full(text.into()),
            Err(unwritable) => {
                // What was written stays written: only what is shown of it changes.
                let is_look = method == Method::GET && answer.status.is_success();
                answer.status = if is_look { StatusCode::NOT_ACCEPTABLE } else { answer.status };
                let text = format!("{unwritable}. Ask with Accept: application/fhir+json.");
                let issue = Issue::error("not-supported", text);
                let text = whole(outcome::resource(None, &[issue]).into(), pretty)?;
                AnswerBody::Full(text.unwrap_or_default().into())
            }
        },
        AnswerBody::Pieces(pieces) => writer::body(Entries::new(pieces, pretty))?,
    };
    answer.headers.insert(CONTENT_TYPE, XML);
    Ok(answer)
}

/// A whole resource.
fn whole(json: Bytes, pretty: bool) -> Result<Result<Vec<u8>, xml::Unwritable>, Fault> {
    let document = Document::parse(json, &Limits::default());
    let document = document.map_err(|error| Fault::new("reading an answer of ours", error))?;
    let mut out = Vec::with_capacity(document.bytes().len() * 5 / 4);
    let written = xml::from_json(Definitions::r4(), document.root(), pretty, &mut out);
    Ok(written.map(|()| out))
}

/// A long Bundle, translated while it is sent. It comes in pieces that are cut between entries:
/// each is made a Bundle by itself, of which the ends are left out.
struct Entries {
    pieces: std::iter::Peekable<AnswerPieces>,
    pretty: bool,
    /// Bytes before the first entry of a Bundle that has nothing else.
    head: Option<usize>,
}

impl Entries {
    fn new(pieces: AnswerPieces, pretty: bool) -> Self {
        Self { pieces: pieces.peekable(), pretty, head: None }
    }

    fn piece(&mut self, piece: &[u8]) -> Result<Bytes, Fault> {
        let is_first = self.head.is_none();
        let is_last = self.pieces.peek().is_none();
        let mut json = Vec::with_capacity(piece.len() + 64);
        if !is_first {
            json.extend_from_slice(ENTRIES.0.as_bytes());
        }
        let comma = usize::from(!is_first && piece.starts_with(b","));
        json.extend_from_slice(piece.get(comma..).unwrap_or_default());
        if !is_last {
            json.extend_from_slice(ENTRIES.1.as_bytes());
        }
        let mut text = self.translate(json)?;
        if !is_last {
            let line = usize::from(self.pretty);
            text.truncate(text.len().saturating_sub(END.len() + line));
        }
        let text = Bytes::from(text);
        match self.head {
            Some(head) => Ok(text.slice(head.min(text.len())..)),
            None => {
                let nothing = [ENTRIES.0, ENTRIES.1].concat().replace(r#","entry":[]"#, "");
                let head = self.translate(nothing.into_bytes())?.len();
                // `/>` and not `>`
                self.head = Some(head.saturating_sub(1));
                Ok(text)
            }
        }
    }

    fn translate(&self, json: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let text = whole(json.into(), self.pretty)?;
        text.map_err(|unwritable| Fault::new("translating an answer", unwritable))
    }
}

impl Iterator for Entries {
    type Item = Result<Bytes, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.pieces.next()?;
        Some(piece.and_then(|piece| self.piece(&piece)))
    }
}

/// Puts the faults of a body in XML where they stand in it: they were found in its JSON, which is
/// one line.
pub(crate) fn relocate(outcome: &mut Outcome, xml: &[u8], json: &[u8]) {
    let text = String::from_utf8_lossy(json);
    let mut placed: Vec<(usize, &mut Issue)> = Vec::new();
    for issue in &mut outcome.issues {
        let Some(position) = issue.position.filter(|position| position.line == 1) else { continue };
        let column = usize::try_from(position.column).unwrap_or(usize::MAX).saturating_sub(1);
        let offset = text.char_indices().nth(column).map_or(text.len(), |(offset, _)| offset);
        placed.push((offset, issue));
    }
    placed.sort_by_key(|(offset, _)| *offset);
    let offsets: Vec<usize> = placed.iter().map(|(offset, _)| *offset).collect();
    let found = xml::places(Definitions::r4(), xml, &offsets);
    for ((_, issue), position) in placed.into_iter().zip(found) {
        let before = issue.position.replace(position).map(|it| it.to_string()).unwrap_or_default();
        issue.diagnostics = issue.diagnostics.replacen(&before, &position.to_string(), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: usize) -> String {
        format!(r#"{{"fullUrl":"urn:{id}","resource":{{"resourceType":"Basic","id":"{id}"}}}}"#)
    }

    #[test]
    fn a_bundle_in_pieces_is_the_same_as_one_made_whole() {
        let head = r#"{"resourceType":"Bundle","type":"searchset","entry":["#;
        let pieces = [
            format!("{head}{},{}", entry(1), entry(2)),
            format!(",{}", entry(3)),
            format!(",{},{}", entry(4), entry(5)),
            "]}".to_owned(),
        ];
        let json = pieces.concat();
        for pretty in [false, true] {
            let pieces = pieces.clone().map(|piece| Ok(Bytes::from(piece)));
            let pieces: AnswerPieces = Box::new(pieces.into_iter());
            let found: Vec<Bytes> = Entries::new(pieces, pretty).flatten().collect();
            let expected = whole(json.clone().into(), pretty).unwrap().unwrap();
            assert_eq!(
                String::from_utf8_lossy(&found.concat()),
                String::from_utf8_lossy(&expected)
            );
        }
    }

    #[test]
    fn faults_found_in_the_json_stand_where_they_are_in_the_xml() {
        let xml = "<Patient xmlns=\"http://hl7.org/fhir\">\n  <id value=\"é\"/>\n  \
                   <meta>\n <source value=\"s\"/></meta>\n</Patient>";
        let json = to_json(xml.as_bytes()).unwrap();
        let text = String::from_utf8(json.to_vec()).unwrap();
        let at = |needle| {
            let offset = text.find(needle).unwrap();
            let position = json::Position::of(text.as_bytes(), offset);
            Issue::error("value", format!("At {position}: {needle}.")).placed(position)
        };
        let issues = vec![at("\"s\""), at("{\"resourceType"), at("\"é"), at("{\"source")];
        let mut outcome = Outcome::new(StatusCode::BAD_REQUEST, issues);
        relocate(&mut outcome, xml.as_bytes(), &json);
        let found: Vec<String> = outcome.issues.into_iter().map(|it| it.diagnostics).collect();
        let expected = [
            "At line 4, column 2: \"s\".",
            "At line 1, column 1: {\"resourceType.",
            "At line 2, column 3: \"é.",
            "At line 3, column 3: {\"source.",
        ];
        assert_eq!(found, expected);
    }
}
