//! Views of values: places on the tape that are read when somebody asks.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::document::Source;
use crate::error::Position;
use crate::strings::Strings;
use crate::tape::Node;
use crate::{escape, scan};

/// The six kinds of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, kept as its text.
    Number,
    /// A string.
    String,
    /// An ordered list of elements.
    Array,
    /// Members in the order of the text.
    Object,
}

/// A value of a document: two words to copy.
#[derive(Clone, Copy)]
pub struct Value<'d> {
    source: &'d Source,
    index: usize,
}

impl<'d> Value<'d> {
    pub(crate) fn new(source: &'d Source, index: usize) -> Self {
        Self { source, index }
    }

    pub(crate) fn node(self) -> Node {
        self.source.tape.get(self.index).copied().unwrap_or(Node::NOTHING)
    }

    pub(crate) fn source(self) -> &'d Source {
        self.source
    }

    pub(crate) fn text(self) -> &'d [u8] {
        self.source.bytes()
    }

    /// What kind of value it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self.text().get(self.node().start()) {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// Which value of its document it is: its place on the tape, from 0 for the root.
    #[must_use]
    pub fn index(self) -> usize {
        self.index
    }

    /// Where it stands in the text, in bytes, quotes and brackets included.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        self.node().start()..self.node().end()
    }

    /// Line and column of its first character; counted anew on each call.
    #[must_use]
    pub fn position(self) -> Position {
        Position::of(self.text(), self.node().start())
    }

    /// Its bytes in the text, quotes and brackets included.
    #[must_use]
    pub fn raw(self) -> &'d [u8] {
        self.text().get(self.span()).unwrap_or_default()
    }

    /// Its text as written, quotes and brackets included.
    #[must_use]
    pub fn raw_str(self) -> &'d str {
        self.source.text().get(self.span()).unwrap_or_default()
    }

    /// The characters of a string; borrowed when it has no escapes.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'d, str>> {
        Some(escape::decode(self.quoted()?, self.node().is_escaped()))
    }

    /// Whether it is the string `text`, however spelled; allocates nothing.
    #[must_use]
    pub fn is_str(self, text: &str) -> bool {
        match self.quoted() {
            Some(raw) if self.node().is_escaped() => escape::stands_for(raw, text),
            Some(raw) => raw == text,
            None => false,
        }
    }

    /// What stands between the quotes of a string.
    fn quoted(self) -> Option<&'d str> {
        let (text, node) = (self.source.text(), self.node());
        let is_string = text.as_bytes().get(node.start()) == Some(&b'"');
        // What an index past the end of the tape shows ends at 0.
        let inside = text.get(node.start() + 1..node.end().checked_sub(1)?);
        inside.filter(|_| is_string)
    }

    /// The truth of a `true` or `false`.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.raw() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// The text of a number, exactly as written: `1.50` stays `1.50`.
    #[must_use]
    pub fn as_number(self) -> Option<&'d str> {
        (self.kind() == Kind::Number).then(|| self.raw_str())
    }

    /// The value of the member `key` of an object; walks the members.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'d>> {
        self.members().find(|member| member.is(key)).map(|member| member.value())
    }

    /// The members of an object in the order of the text; none for other kinds.
    #[must_use]
    pub fn members(self) -> Members<'d> {
        Members(self.children(Kind::Object))
    }

    /// The elements of an array; none for other kinds.
    #[must_use]
    pub fn elements(self) -> Elements<'d> {
        Elements(self.children(Kind::Array))
    }

    fn children(self, of: Kind) -> Children<'d> {
        let end = if self.kind() == of { self.node().next() } else { 0 };
        Children { source: self.source, at: self.index + 1, end }
    }

    /// How many members or elements it has; 0 for scalars. Counts them.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a number is neither empty nor not empty")]
    pub fn len(self) -> usize {
        self.members().count() + self.elements().count()
    }

    /// All string values in this one, at any depth and itself included, in the order of the text,
    /// each with the key of the nearest member around it. A reference in
    /// `{"subject":{"reference":"urn:uuid:1"}}` comes with the key `reference`; the elements of
    /// `"given":["A","B"]` both come with `given`.
    #[must_use]
    pub fn strings(self) -> Strings<'d> {
        Strings::new(self)
    }

    /// The member that this value is the value of; None for elements and the root.
    #[must_use]
    pub fn member(self) -> Option<Member<'d>> {
        self.node().key().map(|key| Member { key, value: self })
    }
}

/// The text as written.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw_str())
    }
}

/// A key and its value.
#[derive(Clone, Copy)]
pub struct Member<'d> {
    /// Where the key's opening quote stands.
    key: usize,
    value: Value<'d>,
}

impl<'d> Member<'d> {
    /// The key, decoded; borrowed when it has no escapes.
    #[must_use]
    #[inline]
    pub fn key(&self) -> Cow<'d, str> {
        escape::decode(self.quoted(), self.value.node().is_key_escaped())
    }

    /// The key as written, without its quotes.
    #[must_use]
    pub fn key_raw(&self) -> &'d [u8] {
        self.quoted().as_bytes()
    }

    /// What stands between the quotes of the key. Between the second and the value there are only
    /// whitespace and a colon, most often in one of two ways. With others the key is read, since
    /// its names are short where whitespace may be long.
    #[inline]
    fn quoted(&self) -> &'d str {
        let (text, start) = (self.value.source.text(), self.key + 1);
        let before = text.as_bytes().get(start..self.value.node().start()).unwrap_or_default();
        match before {
            [key @ .., b'"', b':'] | [key @ .., b'"', b':', b' '] => {
                text.get(start..start + key.len()).unwrap_or_default()
            }
            _ => scan::string(text.as_bytes(), self.key).inside(text),
        }
    }

    /// Whether the key is `key`, however spelled; allocates nothing.
    #[must_use]
    #[inline]
    pub fn is(&self, key: &str) -> bool {
        if self.value.node().is_key_escaped() {
            return escape::stands_for(self.quoted(), key);
        }
        let from = self.value.text().get(self.key + 1..).unwrap_or_default();
        from.get(key.len()) == Some(&b'"')
            && from.starts_with(key.as_bytes())
            // What has a quote of its own would end behind the key.
            && memchr::memchr(b'"', key.as_bytes()).is_none()
    }

    /// Where the member stands in the text: from the key's first quote to the value's last byte.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.key..self.value.node().end()
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> Value<'d> {
        self.value
    }
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.key(), self.value)
    }
}

#[derive(Clone)]
struct Children<'d> {
    source: &'d Source,
    at: usize,
    end: usize,
}

impl<'d> Iterator for Children<'d> {
    type Item = Value<'d>;

    #[inline]
    fn next(&mut self) -> Option<Value<'d>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value::new(self.source, self.at);
        self.at = value.node().next();
        Some(value)
    }
}

/// The members of an object.
#[derive(Clone)]
pub struct Members<'d>(Children<'d>);

impl<'d> Iterator for Members<'d> {
    type Item = Member<'d>;

    #[inline]
    fn next(&mut self) -> Option<Member<'d>> {
        self.0.next()?.member()
    }
}

/// The elements of an array.
#[derive(Clone)]
pub struct Elements<'d>(Children<'d>);

impl<'d> Iterator for Elements<'d> {
    type Item = Value<'d>;

    #[inline]
    fn next(&mut self) -> Option<Value<'d>> {
        self.0.next()
    }
}

#[cfg(test)]
mod tests;
