//! Why a text is not a document, in words for the person who wrote it.

use std::fmt;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Counted from 1.
    pub line: u32,
    /// In characters (not bytes), counted from 1.
    pub column: u32,
}

impl Position {
    /// The place of the byte at `offset`.
    #[must_use]
    pub fn of(text: &[u8], offset: usize) -> Position {
        let before = text.get(..offset).unwrap_or(text);
        let lines = memchr::memchr_iter(b'\n', before).count();
        let line = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let begins_character = |byte: &&u8| **byte & 0xC0 != 0x80;
        let columns = before.get(line..).unwrap_or_default().iter().filter(begins_character);
        Position { line: counted(lines), column: counted(columns.count()) }
    }
}

fn counted(before: usize) -> u32 {
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A refused text: why and where. Its `Display` is a sentence that ends with line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// In bytes from the beginning of the text.
    pub offset: usize,
    /// The same place for people.
    pub position: Position,
}

/// Everything that can be wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is nothing but whitespace.
    Empty,
    /// The text stops in the middle of a value.
    UnexpectedEnd,
    /// Something else should stand here.
    UnexpectedByte {
        /// The character that stands here.
        found: char,
        /// What may stand here.
        expected: &'static str,
    },
    /// A number that RFC 8259 does not allow: a leading zero or plus, a missing digit.
    BadNumber,
    /// A backslash in a string that begins no escape of RFC 8259.
    BadEscape,
    /// A `\u` escape of one half of a surrogate pair: no character.
    LoneSurrogate,
    /// A raw character below U+0020 in a string.
    ControlCharacter(u8),
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The object has this key (decoded) already.
    DuplicateKey(String),
    /// Something follows the document.
    TrailingData,
    /// The text begins with U+FEFF.
    ByteOrderMark,
    /// More levels of nesting than this limit.
    TooDeep(usize),
    /// More bytes than this limit.
    TooLarge(usize),
    /// More values than this limit.
    TooManyValues(usize),
}

/// A refusal inside the parser, which leaves counting lines to the edge.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) kind: ErrorKind,
    pub(crate) offset: usize,
}

impl Refusal {
    #[cold]
    pub(crate) fn at(offset: usize, kind: ErrorKind) -> Refusal {
        Refusal { kind, offset }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.kind, self.position)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the document is empty: a JSON value is expected"),
            Self::UnexpectedEnd => f.write_str("the document ends in the middle of a value"),
            Self::UnexpectedByte { found, expected } => {
                write!(f, "expected {expected} but found '{}'", found.escape_debug())
            }
            Self::BadNumber => f.write_str(
                "this is not a JSON number: write digits without a leading zero or plus, and at \
                 least one digit after '.' and 'e'",
            ),
            Self::BadEscape => f.write_str(
                "this backslash begins no JSON escape: write \\\\ for a backslash itself, or one \
                 of \\\" \\/ \\b \\f \\n \\r \\t \\uXXXX",
            ),
            Self::LoneSurrogate => f.write_str(
                "this \\u escape is one half of a surrogate pair and so no character: \
                 write both halves",
            ),
            Self::ControlCharacter(byte) => write!(
                f,
                "a string holds the raw control character U+{byte:04X}: write it as \\u{byte:04x}"
            ),
            Self::NotUtf8 => f.write_str("the bytes are not UTF-8, the only encoding of JSON,"),
            Self::DuplicateKey(key) => {
                write!(f, "the key \"{}\" occurs twice in one object, again", key.escape_debug())
            }
            Self::TrailingData => f.write_str("the document ended before: remove what follows"),
            Self::ByteOrderMark => {
                f.write_str("a byte order mark begins the document: save it as UTF-8 without one")
            }
            Self::TooDeep(limit) => write!(f, "more than {limit} levels of nesting"),
            Self::TooLarge(limit) => write!(f, "the document has more than {limit} bytes"),
            Self::TooManyValues(limit) => write!(f, "the document has more than {limit} values"),
        }
    }
}
