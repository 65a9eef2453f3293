//! The tape: one entry of 16 bytes per value, in the order in which values begin.

use std::borrow::Cow;

use crate::escape;

/// The most bytes of a document: the top bit of an offset is a flag.
pub(crate) const MAX_BYTES: usize = FLAG as usize - 1;

const FLAG: u32 = 1 << 31;

/// One value. Its first byte in the source says what kind it is; its children follow it on the
/// tape.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    start: u32,
    /// One past the last byte; the flag says that the value is a string with escapes.
    end: u32,
    /// The tape index of the first value that is not inside this one.
    next: u32,
    /// The opening quote of the member's key, 0 for what has none; the flag says that the key has
    /// escapes.
    key: u32,
}

/// A string in the source, quotes included.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) escaped: bool,
}

impl Text {
    /// What stands between its quotes in `source`.
    pub(crate) fn inside(self, source: &str) -> &str {
        source.get(self.start + 1..self.end - 1).unwrap_or_default()
    }

    /// The characters that it stands for.
    pub(crate) fn decode(self, source: &str) -> Cow<'_, str> {
        escape::decode(self.inside(source), self.escaped)
    }
}

/// The key of the value to come, if it is a member.
#[derive(Clone, Copy)]
pub(crate) struct Key(u32);

impl Key {
    pub(crate) const NONE: Key = Key(0);

    pub(crate) fn new(text: Text) -> Key {
        Key(narrow(text.start) | if text.escaped { FLAG } else { 0 })
    }
}

impl Node {
    /// What an index past the end of the tape shows: an empty span.
    pub(crate) const NOTHING: Node = Node { start: 0, end: 0, next: u32::MAX, key: 0 };

    pub(crate) fn new(key: Key, text: Text, next: usize) -> Node {
        let end = narrow(text.end) | if text.escaped { FLAG } else { 0 };
        Node { start: narrow(text.start), end, next: narrow(next), key: key.0 }
    }

    pub(crate) fn close(&mut self, end: usize, next: usize) {
        debug_assert!(end > self.start(), "a container is closed after it was opened");
        self.end = narrow(end);
        self.next = narrow(next);
    }

    pub(crate) fn start(self) -> usize {
        self.start as usize
    }

    pub(crate) fn end(self) -> usize {
        (self.end & !FLAG) as usize
    }

    pub(crate) fn is_escaped(self) -> bool {
        self.end & FLAG != 0
    }

    pub(crate) fn next(self) -> usize {
        self.next as usize
    }

    /// Where the key's opening quote stands.
    pub(crate) fn key(self) -> Option<usize> {
        let start = (self.key & !FLAG) as usize;
        (start != 0).then_some(start)
    }

    pub(crate) fn is_key_escaped(self) -> bool {
        self.key & FLAG != 0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a document holds at most MAX_BYTES, checked before it is parsed"
)]
fn narrow(offset: usize) -> u32 {
    debug_assert!(offset <= MAX_BYTES, "offsets leave the flag bit free");
    offset as u32
}
