//! <https://www.rfc-editor.org/rfc/rfc8259>: bytes to tape in one pass, without recursion.

use crate::document::Limits;
use crate::error::{ErrorKind, Refusal};
use crate::keys::{self, Keys};
use crate::tape::{Key, Node, Text};
use crate::{escape, scan};

/// Most texts have fewer values than one per so many bytes; the tape grows for the others.
const BYTES_PER_VALUE: usize = 16;

/// Checks `text` and gives its tape.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Vec<Node>, Refusal> {
    let tape = Vec::with_capacity((text.len() / BYTES_PER_VALUE + 4).min(limits.nodes));
    let mut parser = Parser {
        characters: text,
        text: text.as_bytes(),
        at: 0,
        tape,
        open: Vec::with_capacity(16),
        limits,
    };
    parser.skip_spaces();
    if parser.peek().is_none() {
        return Err(Refusal::at(0, ErrorKind::Empty));
    }
    parser.document()?;
    Ok(parser.tape)
}

struct Parser<'t> {
    characters: &'t str,
    /// The bytes of `characters`.
    text: &'t [u8],
    at: usize,
    tape: Vec<Node>,
    /// The containers around the present place, outermost first.
    open: Vec<Open>,
    limits: &'t Limits,
}

struct Open {
    node: usize,
    /// None in an array.
    keys: Option<Keys>,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), Refusal> {
        let mut key = Key::NONE;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let text = self.string()?;
                    self.push(key, text)?;
                }
                Some(b'{') => {
                    self.open(key, true)?;
                    if self.peek() != Some(b'}') {
                        key = self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open(key, false)?;
                    if self.peek() != Some(b']') {
                        key = Key::NONE;
                        continue;
                    }
                }
                first => {
                    let text = self.scalar(first)?;
                    self.push(key, text)?;
                }
            }
            match self.next_key()? {
                Some(next) => key = next,
                None => return Ok(()),
            }
        }
    }

    /// After a value: closes what ends here and goes on to the next value. None when the document
    /// is complete.
    #[inline(always)]
    fn next_key(&mut self) -> Result<Option<Key>, Refusal> {
        loop {
            self.skip_spaces();
            let found = self.peek();
            match (self.open.last(), found) {
                (Some(open), Some(b',')) => {
                    let in_object = open.keys.is_some();
                    self.at += 1;
                    self.skip_spaces();
                    return if in_object { self.key().map(Some) } else { Ok(Some(Key::NONE)) };
                }
                (Some(Open { keys: Some(_), .. }), Some(b'}'))
                | (Some(Open { keys: None, .. }), Some(b']')) => self.close()?,
                (Some(Open { keys: Some(_), .. }), _) => return Err(self.unexpected("',' or '}'")),
                (Some(Open { keys: None, .. }), _) => return Err(self.unexpected("',' or ']'")),
                (None, None) => return Ok(None),
                (None, Some(_)) => return Err(self.refuse(ErrorKind::TrailingData)),
            }
        }
    }

    fn open(&mut self, key: Key, is_object: bool) -> Result<(), Refusal> {
        if self.open.len() >= self.limits.depth {
            return Err(self.refuse(ErrorKind::TooDeep(self.limits.depth)));
        }
        let keys = is_object.then(Keys::default);
        self.open.push(Open { node: self.tape.len(), keys });
        self.push(key, Text { start: self.at, end: self.at, escaped: false })?;
        self.at += 1;
        self.skip_spaces();
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refusal> {
        self.at += 1;
        let Some(Open { node, keys }) = self.open.pop() else { return Ok(()) };
        let next = self.tape.len();
        if let Some(container) = self.tape.get_mut(node) {
            container.close(self.at, next);
        }
        if keys.is_some_and(Keys::are_open) {
            return keys::find_duplicate(self.characters, &self.tape, node).map_or(Ok(()), Err);
        }
        Ok(())
    }

    /// A member up to its value.
    #[inline(always)]
    fn key(&mut self) -> Result<Key, Refusal> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in double quotes"));
        }
        let key = self.string()?;
        if let Some(Open { node, keys: Some(keys) }) = self.open.last_mut()
            && keys.note(self.text, key)
            && let Some(duplicate) = keys::find(self.characters, &self.tape, *node, key)
        {
            return Err(duplicate);
        }
        self.skip_spaces();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("':'"));
        }
        self.at += 1;
        self.skip_spaces();
        Ok(Key::new(key))
    }

    #[inline(always)]
    fn string(&mut self) -> Result<Text, Refusal> {
        let start = self.at;
        let mut at = scan::plain_text(self.text, start + 1);
        let mut escaped = false;
        loop {
            match self.text.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    let from = self.text.get(at..).unwrap_or_default();
                    let (_, length) = escape::read(from).map_err(|kind| Refusal::at(at, kind))?;
                    escaped = true;
                    at = scan::plain_text(self.text, at + length);
                }
                Some(&control) => {
                    return Err(Refusal::at(at, ErrorKind::ControlCharacter(control)));
                }
                None => return Err(Refusal::at(at, ErrorKind::UnexpectedEnd)),
            }
        }
        self.at = at + 1;
        Ok(Text { start, end: self.at, escaped })
    }

    /// A number or one of the three words.
    fn scalar(&mut self, first: Option<u8>) -> Result<Text, Refusal> {
        let start = self.at;
        match first {
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            _ => return Err(self.unexpected("a value")),
        }
        Ok(Text { start, end: self.at, escaped: false })
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Refusal> {
        for &letter in word {
            if self.peek() != Some(letter) {
                return Err(self.unexpected("true, false or null"));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Refusal> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        match self.peek() {
            Some(b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E') => {
                Err(self.refuse(ErrorKind::BadNumber))
            }
            _ => Ok(()),
        }
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        match self.peek() {
            _ if self.at > start => Ok(()),
            Some(_) => Err(self.refuse(ErrorKind::BadNumber)),
            None => Err(self.refuse(ErrorKind::UnexpectedEnd)),
        }
    }

    #[inline(always)]
    fn push(&mut self, key: Key, text: Text) -> Result<(), Refusal> {
        if self.tape.len() >= self.limits.nodes {
            return Err(Refusal::at(text.start, ErrorKind::TooManyValues(self.limits.nodes)));
        }
        let next = self.tape.len() + 1;
        self.tape.push(Node::new(key, text, next));
        Ok(())
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Most tokens touch or have one space between them, so those are asked for first.
    #[inline(always)]
    fn skip_spaces(&mut self) {
        if self.peek() == Some(b' ') {
            self.at += 1;
        }
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.at = scan::spaces(self.text, self.at);
        }
    }

    #[cold]
    fn refuse(&self, kind: ErrorKind) -> Refusal {
        Refusal::at(self.at, kind)
    }

    #[cold]
    fn unexpected(&self, expected: &'static str) -> Refusal {
        match self.characters.get(self.at..).unwrap_or_default().chars().next() {
            Some(found) => self.refuse(ErrorKind::UnexpectedByte { found, expected }),
            None => self.refuse(ErrorKind::UnexpectedEnd),
        }
    }
}

#[cfg(test)]
mod tests;
