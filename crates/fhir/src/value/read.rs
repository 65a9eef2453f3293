//! Reading digits with a position, and what to say when they are not there.

use std::borrow::Cow;
use std::fmt;

/// Why a text is not the value it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The byte at which the fault begins.
    pub at: usize,
    /// What is wrong there, in words.
    pub reason: Cow<'static, str>,
}

impl Malformed {
    pub(crate) fn new(at: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { at, reason: reason.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error at {}: {}", self.at, self.reason)
    }
}

impl std::error::Error for Malformed {}

/// A place in a text.
pub(crate) struct Reader<'t> {
    text: &'t [u8],
    pub(crate) at: usize,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Goes past `byte` if it stands here.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Malformed> {
        if self.take(byte) { Ok(()) } else { Err(Malformed::new(self.at, what)) }
    }

    /// A number of exactly `count` digits.
    pub(crate) fn digits(&mut self, count: usize, what: &'static str) -> Result<u16, Malformed> {
        let digits = self.text.get(self.at..self.at + count).unwrap_or_default();
        if digits.len() != count || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Malformed::new(self.at, format!("expected {what} of {count} digits")));
        }
        self.at += count;
        Ok(digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
    }

    /// Two digits up to `most`.
    pub(crate) fn two(&mut self, most: u8, what: &'static str) -> Result<u8, Malformed> {
        let at = self.at;
        match u8::try_from(self.digits(2, what)?) {
            Ok(number) if number <= most => Ok(number),
            _ => Err(Malformed::new(at, format!("{what} is at most {most}"))),
        }
    }

    /// The digits of a fraction as nanoseconds, and how many there are; those beyond the ninth
    /// do not count.
    pub(crate) fn fraction(&mut self) -> Result<(u32, u8), Malformed> {
        let (mut nanoseconds, mut count) = (0u32, 0u8);
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            self.at += 1;
            if count < 9 {
                nanoseconds = nanoseconds * 10 + u32::from(digit - b'0');
                count += 1;
            }
        }
        if self.at == start {
            return Err(Malformed::new(start, "expected the digits of a fraction of a second"));
        }
        Ok((nanoseconds * 10u32.pow(9 - u32::from(count)), count))
    }

    pub(crate) fn end(&self, what: &'static str) -> Result<(), Malformed> {
        if self.is_done() { Ok(()) } else { Err(Malformed::new(self.at, what)) }
    }
}
