//! <https://hl7.org/fhirpath/N1/#lexical-elements>

use super::error::Flaw;

/// A piece of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or keyword.
    Name(String),
    /// A name in backticks, which is never a keyword.
    Quoted(String),
    /// The characters of a string literal.
    Text(String),
    /// Digits, perhaps with a fraction.
    Number(String),
    /// What stands after `@`.
    Moment(String),
    /// What stands after `%`.
    Variable(String),
    /// What stands after `$`.
    Special(String),
    /// An operator or bracket.
    Symbol(&'static str),
    End,
}

const SYMBOLS: [&str; 22] = [
    "!=", "!~", "<=", ">=", ".", "[", "]", "(", ")", "{", "}", ",", "+", "-", "*", "/", "&", "|",
    "=", "~", "<", ">",
];

/// The tokens of a text with the bytes at which they begin; the last is `End`.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Flaw> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space()?;
        let start = lexer.at;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push((token, start));
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The characters from here for which `is` holds.
    fn run(&mut self, is: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let (run, _) = rest.split_at(rest.find(|c| !is(c)).unwrap_or(rest.len()));
        self.at += run.len();
        run
    }

    fn skip_space(&mut self) -> Result<(), Flaw> {
        loop {
            self.run(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.run(|c| c != '\n' && c != '\r');
            } else if self.rest().starts_with("/*") {
                let end = self.rest().find("*/");
                let end = end.ok_or_else(|| Flaw::syntax(self.at, "a comment has no end '*/'"))?;
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, Flaw> {
        let start = self.at;
        match self.peek() {
            None => Ok(Token::End),
            Some('\'') => Ok(Token::Text(self.quoted('\'')?)),
            Some('`') => Ok(Token::Quoted(self.quoted('`')?)),
            Some('0'..='9') => Ok(Token::Number(self.number())),
            Some('@') => {
                self.at += 1;
                self.moment()
            }
            Some('%') => {
                self.at += 1;
                self.variable()
            }
            Some('$') => {
                self.at += 1;
                Ok(Token::Special(self.name(start)?))
            }
            Some(c) if c == '_' || c.is_ascii_alphabetic() => Ok(Token::Name(self.name(start)?)),
            Some(c) => self.symbol(c),
        }
    }

    fn symbol(&mut self, found: char) -> Result<Token, Flaw> {
        let symbol = SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol));
        let symbol = symbol.ok_or_else(|| {
            Flaw::syntax(self.at, format!("'{found}' has no meaning in FHIRPath"))
        })?;
        self.at += symbol.len();
        Ok(Token::Symbol(symbol))
    }

    fn name(&mut self, start: usize) -> Result<String, Flaw> {
        let name = self.run(|c| c == '_' || c.is_ascii_alphanumeric());
        if name.is_empty() {
            return Err(Flaw::syntax(start, "expected a name"));
        }
        Ok(name.to_owned())
    }

    /// Digits, and a point with digits after it: `1.toString()` is an integer.
    fn number(&mut self) -> String {
        let start = self.at;
        self.run(|c| c.is_ascii_digit());
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            self.run(|c| c.is_ascii_digit());
        }
        self.text.get(start..self.at).unwrap_or_default().to_owned()
    }

    /// A date, dateTime or time: its characters, up to a point that is not in a fraction, and a
    /// sign only where a zone can be.
    fn moment(&mut self) -> Result<Token, Flaw> {
        let start = self.at;
        let is_time = self.rest().starts_with('T');
        if !is_time {
            self.run(|c| c.is_ascii_digit() || c == '-');
        }
        if self.rest().starts_with('T') {
            self.at += 1;
            self.run(|c| c.is_ascii_digit() || c == ':');
            let mut after = self.rest().chars();
            if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1;
                self.run(|c| c.is_ascii_digit());
            }
            if self.rest().starts_with('Z') {
                self.at += 1;
            } else if self.is_zone() {
                self.at += 1;
                self.run(|c| c.is_ascii_digit() || c == ':');
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if text.is_empty() {
            return Err(Flaw::syntax(start, "expected a date or time after '@'"));
        }
        Ok(Token::Moment(text.to_owned()))
    }

    /// `+hh:` or `-hh:`; else the sign is an operator, as in `@2020T-1 'd'`.
    fn is_zone(&self) -> bool {
        matches!(self.rest().as_bytes(), [b'+' | b'-', b'0'..=b'9', b'0'..=b'9', b':', ..])
    }

    fn variable(&mut self) -> Result<Token, Flaw> {
        match self.peek() {
            Some('`') => Ok(Token::Variable(self.quoted('`')?)),
            Some('\'') => Ok(Token::Variable(self.quoted('\'')?)),
            _ => {
                // `%vs-name` and `%ext-name` were once written without quotes.
                let start = self.at;
                let mut name = self.name(start)?;
                if matches!(name.as_str(), "vs" | "ext") && self.rest().starts_with('-') {
                    name.push_str(self.run(|c| c == '-' || c.is_ascii_alphanumeric()));
                }
                Ok(Token::Variable(name))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, Flaw> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            out.push_str(self.run(|c| c != quote && c != '\\'));
            match self.peek() {
                Some('\\') => out.push(self.escape()?),
                Some(_) => {
                    self.at += 1;
                    return Ok(out);
                }
                None => {
                    return Err(Flaw::syntax(
                        start,
                        format!("what begins with {quote} has no end"),
                    ));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Flaw> {
        let start = self.at;
        let mut chars = self.rest().chars().skip(1);
        let escaped = chars.next();
        let plain = match escaped {
            Some(c @ ('\'' | '"' | '`' | '\\' | '/')) => c,
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('f') => '\u{c}',
            Some('u') => return self.unicode(start),
            _ => {
                let known = "known escapes are \\' \\\" \\` \\\\ \\/ \\n \\r \\t \\f \\uXXXX";
                return Err(Flaw::syntax(start, known));
            }
        };
        self.at += 2;
        Ok(plain)
    }

    /// `\uXXXX`, or two of them that make one character.
    fn unicode(&mut self, start: usize) -> Result<char, Flaw> {
        let first = self.unit(start)?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first)
                .ok_or_else(|| Flaw::syntax(start, "half of a surrogate pair"));
        }
        let second = self.unit(self.at)?;
        match (0xDC00..0xE000).contains(&second) {
            true => char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)),
            false => None,
        }
        .ok_or_else(|| Flaw::syntax(start, "half of a surrogate pair"))
    }

    fn unit(&mut self, start: usize) -> Result<u32, Flaw> {
        let digits = self.rest().strip_prefix("\\u").and_then(|rest| rest.get(..4));
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 6;
        unit.ok_or_else(|| Flaw::syntax(start, "expected four hexadecimal digits after \\u"))
    }
}
