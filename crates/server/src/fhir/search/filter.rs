//! <https://hl7.org/fhir/R4/search_filter.html>

use fhir::definitions::SearchKind;
use store::{Criterion, TypeId};

use super::interpret::{Interpreter, Miss, unknown, wrong};
use super::name::{self, Path};
use super::text;
use crate::fhir::types;
use base::limits::SEARCH_HOPS;

/// What a `_filter` asks of a resource of the type.
pub(crate) fn filter(
    interpreter: &Interpreter<'_>,
    of: TypeId,
    value: &str,
) -> Result<Criterion, Miss> {
    let tokens = match tokens(value) {
        Ok(tokens) => tokens,
        Err(why) => return wrong(format!("_filter: {why}.")),
    };
    let mut reader = Reader { interpreter, of, tokens: &tokens, left: SEARCH_HOPS };
    let criterion = reader.any()?;
    match reader.tokens.first() {
        None => Ok(criterion),
        Some(Token::Open | Token::Close) => wrong("_filter: the parentheses do not match."),
        Some(Token::Word(word) | Token::Text(word)) => {
            wrong(format!("_filter: '{word}' is not expected there; say and, or."))
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Word(String),
    /// Between quotation marks.
    Text(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' | ']' => return Err("conditions in brackets are not supported".to_owned()),
            '"' => quoted(rest).ok_or("a text has no end")?,
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']');
                let end = rest.find(ends).unwrap_or(rest.len());
                (Token::Word(rest.get(..end).unwrap_or_default().to_owned()), end)
            }
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

/// A JSON string, and how long it is with its quotation marks.
fn quoted(text: &str) -> Option<(Token, usize)> {
    let (mut out, mut escaped) = (String::new(), false);
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => {
                out.push(match character {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((Token::Text(out), at + 1)),
            other => out.push(other),
        }
    }
    None
}

struct Reader<'r> {
    interpreter: &'r Interpreter<'r>,
    of: TypeId,
    tokens: &'r [Token],
    /// Parentheses that may still be opened.
    left: usize,
}

impl<'r> Reader<'r> {
    fn next(&mut self) -> Option<&'r Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = matches!(self.tokens.first(), Some(Token::Word(next)) if next == word);
        if is_next {
            self.next();
        }
        is_next
    }

    fn any(&mut self) -> Result<Criterion, Miss> {
        let mut any = vec![self.all()?];
        while self.take("or") {
            any.push(self.all()?);
        }
        Ok(super::interpret::one_or_any(any))
    }

    fn all(&mut self) -> Result<Criterion, Miss> {
        let mut all = vec![self.one()?];
        while self.take("and") {
            all.push(self.one()?);
        }
        Ok(Criterion::All(all))
    }

    fn one(&mut self) -> Result<Criterion, Miss> {
        if self.take("not") {
            return Ok(Criterion::Not(Box::new(self.group()?)));
        }
        match self.tokens.first() {
            Some(Token::Open) => self.group(),
            _ => self.condition(),
        }
    }

    fn group(&mut self) -> Result<Criterion, Miss> {
        if self.next() != Some(&Token::Open) {
            return wrong("_filter: after 'not' comes a condition in parentheses.");
        }
        let Some(left) = self.left.checked_sub(1) else {
            return wrong(format!("_filter: at most {SEARCH_HOPS} parentheses in each other."));
        };
        self.left = left;
        let inner = self.any()?;
        self.left += 1;
        if self.next() == Some(&Token::Close) {
            Ok(inner)
        } else {
            wrong("_filter: the parentheses do not match.")
        }
    }

    fn condition(&mut self) -> Result<Criterion, Miss> {
        let (Some(Token::Word(path)), Some(Token::Word(operator)), Some(value)) =
            (self.next(), self.next(), self.next())
        else {
            return wrong("_filter: a condition is a parameter, an operator and a value.");
        };
        let value = match value {
            Token::Word(word) => word.clone(),
            Token::Text(text) => text::escaped(text),
            Token::Open | Token::Close => {
                return wrong(format!("_filter: '{path} {operator}' has no value."));
            }
        };
        let path = name::path(path).map_err(Miss::Wrong)?;
        compare(self.interpreter, self.of, &path, (operator, &value))
    }
}

/// What an operator asks, in the words of a search.
fn compare(
    interpreter: &Interpreter<'_>,
    of: TypeId,
    path: &Path<'_>,
    (operator, value): (&str, &str),
) -> Result<Criterion, Miss> {
    let kind = kind(interpreter, of, path)?;
    let with = |modifier: Option<&'static str>, value: &str| {
        interpreter.criterion(of, &modified(path, modifier), value)
    };
    let not = |criterion: Criterion| Criterion::Not(Box::new(criterion));
    use SearchKind::{Date, Number, Quantity, Reference, String, Token, Uri};
    match (kind, operator) {
        (_, "pr") => match value {
            "true" => with(Some("missing"), "false"),
            "false" => with(Some("missing"), "true"),
            other => wrong(format!("_filter: pr is true or false, not '{other}'.")),
        },
        (String, "eq") => with(Some("exact"), value),
        (String, "ne") => Ok(not(with(Some("exact"), value)?)),
        (String, "co") => with(Some("contains"), value),
        (String, "sw") => with(None, value),
        (Token | Reference | Uri, "eq") | (Reference, "re") => with(None, value),
        (Token | Reference | Uri, "ne") => Ok(not(with(None, value)?)),
        (Token, "in") => with(Some("in"), value),
        (Token, "ni") => with(Some("not-in"), value),
        (Token, "ss") => with(Some("below"), value),
        (Token, "sb") => with(Some("above"), value),
        (Uri, "sw" | "ss") => with(Some("below"), value),
        (Uri, "sb") => with(Some("above"), value),
        (
            Date | Number | Quantity,
            "eq" | "ne" | "gt" | "lt" | "ge" | "le" | "ap" | "sa" | "eb",
        ) => with(None, &format!("{operator}{value}")),
        // What overlaps neither ends before nor begins after.
        (Date, "po") => Ok(Criterion::All(vec![
            with(Some("missing"), "false")?,
            not(with(None, &format!("eb{value}"))?),
            not(with(None, &format!("sa{value}"))?),
        ])),
        (_, operator) => unknown(format!(
            "_filter: the operator '{operator}' is not supported for a parameter of type {}.",
            kind.code()
        )),
    }
}

fn modified<'n>(path: &Path<'n>, modifier: Option<&'n str>) -> Path<'n> {
    match path {
        Path::Plain { code, .. } => Path::Plain { code, modifier },
        Path::Chain { code, target, rest } => {
            Path::Chain { code, target: *target, rest: Box::new(modified(rest, modifier)) }
        }
        Path::Has { source, reference, rest } => {
            Path::Has { source, reference, rest: Box::new(modified(rest, modifier)) }
        }
    }
}

/// The type of the parameter at the end of a path.
fn kind(interpreter: &Interpreter<'_>, of: TypeId, path: &Path<'_>) -> Result<SearchKind, Miss> {
    match path {
        Path::Plain { code: "_id", .. } => Ok(SearchKind::Token),
        Path::Plain { code: "_lastUpdated", .. } => Ok(SearchKind::Date),
        Path::Plain { code, .. } => Ok(interpreter.find(of, code)?.of.kind),
        Path::Chain { code, target, rest } => {
            let known = interpreter.reference(of, code)?;
            let mut missed = None;
            for number in super::interpret::targets(known, *target)? {
                match kind(interpreter, number, rest) {
                    Ok(kind) => return Ok(kind),
                    Err(miss) => missed = missed.or(Some(miss)),
                }
            }
            Err(missed.unwrap_or_else(|| Miss::Unknown(format!("'{code}' leads to no type."))))
        }
        Path::Has { source, rest, .. } => match types::number(source) {
            Some(number) => kind(interpreter, number, rest),
            None => unknown(format!("FHIR R4 has no resource type '{source}'.")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_words_texts_and_parentheses() {
        let word = |text: &str| Token::Word(text.to_owned());
        let text = |text: &str| Token::Text(text.to_owned());
        assert_eq!(
            tokens(r#"given eq "pe\"ter" and not(birthdate ge 2014-10-10)"#),
            Ok(vec![
                word("given"),
                word("eq"),
                text("pe\"ter"),
                word("and"),
                word("not"),
                Token::Open,
                word("birthdate"),
                word("ge"),
                word("2014-10-10"),
                Token::Close,
            ])
        );
        assert!(tokens("\"open").is_err());
        assert!(tokens("related[type eq comp].target pr false").is_err());
    }
}
