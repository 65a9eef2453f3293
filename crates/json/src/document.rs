//! A parsed text: the bytes and the tape, shared by all its clones.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Position, Refusal};
use crate::tape::{MAX_BYTES, Node};
use crate::value::Value;

/// How much one document may cost. A document at a limit is accepted, one past it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text; never more than 2 GiB whatever stands here.
    pub bytes: usize,
    /// Levels of nesting: `[[1]]` has two.
    pub depth: usize,
    /// Values, counted with those inside others; 16 bytes of memory each.
    pub nodes: usize,
}

impl Default for Limits {
    /// 1 GiB, 512 levels, 64 Mi values: for texts whose author is trusted.
    fn default() -> Self {
        Self { bytes: 1 << 30, depth: 512, nodes: 1 << 26 }
    }
}

/// A valid JSON text. Cloning shares it.
#[derive(Clone)]
pub struct Document(Arc<Source>);

pub(crate) struct Source {
    /// UTF-8: `tape` looks before there is a source.
    bytes: Bytes,
    pub(crate) tape: Vec<Node>,
}

impl Source {
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[expect(
        unsafe_code,
        reason = "every string that is read would be checked again, by each of its readers"
    )]
    #[inline]
    pub(crate) fn text(&self) -> &str {
        // SAFETY: `Document::parse` makes the only sources, of bytes that were checked to be UTF-8,
        // and nothing changes them.
        unsafe { std::str::from_utf8_unchecked(&self.bytes) }
    }
}

impl Document {
    /// Checks the whole text and notes where each value stands.
    ///
    /// # Errors
    /// The first thing that is wrong with the text, or the limit that it exceeds.
    pub fn parse(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Document, Error> {
        let bytes = bytes.into();
        match tape(&bytes, limits) {
            Ok(tape) => Ok(Document(Arc::new(Source { bytes, tape }))),
            Err(Refusal { kind, offset }) => {
                Err(Error { kind, offset, position: Position::of(&bytes, offset) })
            }
        }
    }

    /// The one value that everything is in.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value::new(&self.0, 0)
    }

    /// The text as it was given.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    /// Where the byte at `offset` stands; counted anew on each call.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        Position::of(&self.0.bytes, offset)
    }

    pub(crate) fn source(&self) -> &Source {
        &self.0
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.root(), f)
    }
}

fn tape(bytes: &[u8], limits: &Limits) -> Result<Vec<Node>, Refusal> {
    let most = limits.bytes.min(MAX_BYTES);
    if bytes.len() > most {
        return Err(Refusal::at(0, ErrorKind::TooLarge(most)));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(Refusal::at(0, ErrorKind::ByteOrderMark));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => crate::parse::parse(text, limits),
        Err(error) => Err(Refusal::at(error.valid_up_to(), ErrorKind::NotUtf8)),
    }
}
