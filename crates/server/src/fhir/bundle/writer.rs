//! <https://hl7.org/fhir/R4/bundle.html>: writing a Bundle piece by piece.

use base::{Fault, Timestamp};
use bytes::Bytes;
use http::StatusCode;
use json::Writer;
use uuid::Uuid;

use crate::exchange::{Answer, AnswerBody};
use crate::fhir::outcome::CONTENT_TYPE;
use crate::fhir::resource::instant;

/// Up to this size an answer is made whole, so that what fails on the way can still be answered
/// 500.
const WHOLE: usize = 1 << 20;
/// Pieces of an answer that is made while it is sent are about this long.
pub(crate) const PIECE: usize = 64 << 10;

/// What stands before the entries.
pub(crate) struct Head {
    pub(crate) kind: &'static str,
    pub(crate) id: Uuid,
    pub(crate) now: Timestamp,
    pub(crate) total: Option<u64>,
    /// Relation and URL.
    pub(crate) links: Vec<(&'static str, String)>,
}

/// A Bundle on its way out.
pub(crate) struct BundleWriter {
    out: Vec<u8>,
    has_entries: bool,
}

impl BundleWriter {
    pub(crate) fn new(head: &Head) -> Self {
        let mut out = Vec::with_capacity(1_024);
        let mut writer = Writer::new(&mut out);
        writer.begin_object().key("resourceType").string("Bundle");
        writer.key("id").string(&head.id.to_string());
        writer.key("meta").begin_object();
        writer.key("lastUpdated").string(&instant(head.now)).end_object();
        writer.key("type").string(head.kind);
        if let Some(total) = head.total {
            writer.key("total").integer(total);
        }
        if !head.links.is_empty() {
            writer.key("link").begin_array();
            for (relation, url) in &head.links {
                writer.begin_object().key("relation").string(relation);
                writer.key("url").string(url).end_object();
            }
            writer.end_array();
        }
        Self { out, has_entries: false }
    }

    /// Adds an entry, an object that `write` appends.
    pub(crate) fn entry<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let before: &[u8] = if self.has_entries { b"," } else { b",\"entry\":[" };
        self.out.extend_from_slice(before);
        self.has_entries = true;
        write(&mut self.out)
    }

    /// What was written so far, once that is worth sending.
    pub(crate) fn piece(&mut self) -> Option<Bytes> {
        (self.out.len() >= PIECE).then(|| std::mem::take(&mut self.out).into())
    }

    /// The rest.
    pub(crate) fn finish(mut self) -> Bytes {
        let end: &[u8] = if self.has_entries { b"]}" } else { b"}" };
        self.out.extend_from_slice(end);
        self.out.into()
    }
}

/// 200 with the Bundle that `pieces` make.
pub(crate) fn answer<P>(pieces: P) -> Result<Answer, Fault>
where
    P: Iterator<Item = Result<Bytes, Fault>> + Send + 'static,
{
    let answer = Answer::of(StatusCode::OK, CONTENT_TYPE, Bytes::new());
    Ok(Answer { body: body(pieces)?, ..answer })
}

/// A body whole when it is small, made while it is sent when it is not.
pub(crate) fn body<P>(mut pieces: P) -> Result<AnswerBody, Fault>
where
    P: Iterator<Item = Result<Bytes, Fault>> + Send + 'static,
{
    let mut whole = Vec::new();
    while whole.len() < WHOLE {
        match pieces.next() {
            Some(piece) if whole.is_empty() => whole = Vec::from(piece?),
            Some(piece) => whole.extend_from_slice(&piece?),
            None => return Ok(AnswerBody::Full(whole.into())),
        }
    }
    let begun = std::iter::once(Ok(Bytes::from(whole)));
    Ok(AnswerBody::Pieces(Box::new(begun.chain(pieces))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(total: Option<u64>, links: Vec<(&'static str, String)>) -> Head {
        let now = Timestamp::from_unix_seconds(0);
        Head { kind: "searchset", id: Uuid::nil(), now, total, links }
    }

    #[test]
    fn a_bundle_without_entries_has_no_empty_array() {
        let text = BundleWriter::new(&head(Some(0), Vec::new())).finish();
        assert_eq!(
            String::from_utf8_lossy(&text),
            r#"{"resourceType":"Bundle","id":"00000000-0000-0000-0000-000000000000","#.to_owned()
                + r#""meta":{"lastUpdated":"1970-01-01T00:00:00.000000Z"},"#
                + r#""type":"searchset","total":0}"#
        );
    }

    #[test]
    fn entries_follow_the_links() {
        let mut bundle = BundleWriter::new(&head(None, vec![("self", "x".to_owned())]));
        bundle.entry(|out| out.extend_from_slice(b"{}"));
        bundle.entry(|out| out.extend_from_slice(b"{}"));
        let text = String::from_utf8_lossy(&bundle.finish()).into_owned();
        let end = r#""link":[{"relation":"self","url":"x"}],"entry":[{},{}]}"#;
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn a_long_answer_is_made_while_it_is_sent() {
        let piece = || Ok(Bytes::from(vec![b' '; PIECE]));
        let small = answer(std::iter::repeat_with(piece).take(2)).map(|answer| answer.body);
        assert!(matches!(small, Ok(AnswerBody::Full(bytes)) if bytes.len() == 2 * PIECE));
        let long = answer(std::iter::repeat_with(piece).take(20)).map(|answer| answer.body);
        let Ok(AnswerBody::Pieces(pieces)) = long else { unreachable!("20 pieces are long") };
        let length: usize = pieces.map(|piece| piece.map_or(0, |piece| piece.len())).sum();
        assert_eq!(length, 20 * PIECE);
    }
}
