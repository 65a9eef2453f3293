//! <https://hl7.org/fhir/R4/search.html#content>: `_text` looks for words in the narrative,
//! `_content` in all of a resource; case and accents aside.

use std::borrow::Cow;
use std::sync::Arc;

use fhir::search::fold;
use json::{Document, Limits, Value};
use store::{BodyTest, Criterion};

use super::interpret::{Miss, unknown, wrong};
use base::limits::SEARCH_HOPS;

/// What is asked of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Words {
    /// Words after each other; one that ends in `*` begins so.
    Phrase(Vec<String>),
    All(Vec<Words>),
    Any(Vec<Words>),
    Not(Box<Words>),
}

/// The condition on the body that `_text` or `_content` is.
pub(crate) fn body_test(code: &str, value: &str) -> Result<Criterion, Miss> {
    if value.trim().is_empty() {
        return unknown(format!("The parameter '{code}' has no value."));
    }
    let Some(words) = read(value) else {
        return wrong(format!(
            "{code}: '{value}' cannot be understood. Write words with AND, OR, NOT and \
             parentheses between them, or \"a phrase\"."
        ));
    };
    let narrative = code == "_text";
    Ok(Criterion::Body(BodyTest(Arc::new(move |body: &[u8]| {
        let document = Document::parse(body.to_vec(), &Limits::default());
        document.is_ok_and(|document| words.hold(&found(document.root(), narrative)))
    }))))
}

/// The words of a text; a comma stands for OR, as it does everywhere.
fn read(value: &str) -> Option<Words> {
    let any: Option<Vec<Words>> = value
        .split(',')
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let tokens = tokens(part);
            let mut reader = Reader { tokens: &tokens, left: SEARCH_HOPS };
            let words = reader.any()?;
            reader.tokens.is_empty().then_some(words)
        })
        .collect();
    Some(Words::Any(any.filter(|any| !any.is_empty())?))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Phrase(Vec<String>),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' => (Some(Token::Open), rest.get(1..)),
            ')' => (Some(Token::Close), rest.get(1..)),
            '"' => {
                let inner = rest.get(1..).unwrap_or_default();
                let end = inner.find('"').unwrap_or(inner.len());
                let phrase = phrase(inner.get(..end).unwrap_or_default());
                (phrase, inner.get((end + 1).min(inner.len())..))
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"');
                let end = rest.find(ends).unwrap_or(rest.len());
                let token = match rest.get(..end).unwrap_or_default() {
                    "AND" | "and" => Some(Token::And),
                    "OR" | "or" => Some(Token::Or),
                    "NOT" | "not" => Some(Token::Not),
                    word => phrase(word),
                };
                (token, rest.get(end..))
            }
        };
        tokens.extend(token);
        rest = after.unwrap_or_default().trim_start();
    }
    tokens
}

fn phrase(text: &str) -> Option<Token> {
    let folded = fold(text);
    let mut words = words(&folded);
    if text.ends_with('*')
        && let Some(last) = words.last_mut()
    {
        last.push('*');
    }
    (!words.is_empty()).then_some(Token::Phrase(words))
}

/// What stands between everything that is neither letter nor digit.
fn words(folded: &str) -> Vec<String> {
    let words = folded.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

struct Reader<'t> {
    tokens: &'t [Token],
    /// Parentheses that may still be opened.
    left: usize,
}

impl Reader<'_> {
    fn take(&mut self, token: &Token) -> bool {
        match self.tokens.split_first() {
            Some((first, rest)) if first == token => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Option<Words> {
        let mut any = vec![self.all()?];
        while self.take(&Token::Or) {
            any.push(self.all()?);
        }
        Some(Words::Any(any))
    }

    /// Words without anything between them must all be there.
    fn all(&mut self) -> Option<Words> {
        let mut all = vec![self.one()?];
        while !matches!(self.tokens.first(), None | Some(Token::Or | Token::Close)) {
            self.take(&Token::And);
            all.push(self.one()?);
        }
        Some(Words::All(all))
    }

    fn one(&mut self) -> Option<Words> {
        let negates = self.take(&Token::Not);
        let words = if self.take(&Token::Open) {
            self.left = self.left.checked_sub(1)?;
            let inner = self.any()?;
            self.left += 1;
            self.take(&Token::Close).then_some(inner)?
        } else {
            let (first, rest) = self.tokens.split_first()?;
            let Token::Phrase(words) = first else { return None };
            self.tokens = rest;
            Words::Phrase(words.clone())
        };
        Some(if negates { Words::Not(Box::new(words)) } else { words })
    }
}

impl Words {
    fn hold(&self, text: &[String]) -> bool {
        match self {
            Self::Phrase(words) => text.windows(words.len()).any(|run| {
                run.iter().zip(words).all(|(found, word)| match word.strip_suffix('*') {
                    Some(start) => found.starts_with(start),
                    None => found == word,
                })
            }),
            Self::All(all) => all.iter().all(|words| words.hold(text)),
            Self::Any(any) => any.iter().any(|words| words.hold(text)),
            Self::Not(words) => !words.hold(text),
        }
    }
}

/// The words of a resource's narrative, or of all its texts.
fn found(resource: Value<'_>, narrative: bool) -> Vec<String> {
    let mut found = Vec::new();
    if narrative {
        let div = resource.get("text").and_then(|text| text.get("div")).and_then(Value::as_str);
        let div = div.unwrap_or_default();
        found.extend(words(&fold(&without_tags(&div))));
        return found;
    }
    for (key, value) in resource.strings() {
        let Some(text) = value.as_str() else { continue };
        let text = match key.as_deref() {
            Some("div") => Cow::Owned(without_tags(&text)),
            _ => text,
        };
        found.extend(words(&fold(&text)));
    }
    found
}

/// The text of XHTML. Tags part words; what is written as an entity is read as one.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(rest.get(..start).unwrap_or_default());
        text.push(' ');
        let tag = rest.get(start..).unwrap_or_default();
        let end = tag.find('>').map_or(tag.len(), |end| end + 1);
        rest = tag.get(end..).unwrap_or_default();
    }
    text.push_str(rest);
    for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")] {
        text = text.replace(entity, character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, text: &str, expected: Option<bool>) {
        let found = read(query).map(|read| read.hold(&words(&fold(text))));
        assert_eq!(found, expected, "{query} in {text}");
    }

    #[test]
    fn words_are_found_whatever_their_case_and_accents() {
        let text = "Müller's liver biopsy shows metastases";
        for (query, expected) in [
            ("liver", true),
            ("LIVER", true),
            ("muller", true),
            ("live", false),
            ("live*", true),
            ("liver AND biopsy", true),
            ("liver kidney", false),
            ("liver or kidney", true),
            ("kidney,liver", true),
            ("\"liver biopsy\"", true),
            ("\"biopsy liver\"", false),
            ("NOT kidney", true),
            ("liver and not (biopsy or kidney)", false),
            ("(bone OR liver) AND metastases", true),
        ] {
            check(query, text, Some(expected));
        }
        for wrong in ["(liver", "AND", "liver)", "liver OR", "*"] {
            check(wrong, text, None);
        }
    }

    #[test]
    fn a_narrative_is_its_text() {
        assert_eq!(without_tags("<p class=\"liver\">a<b>b</b> &amp; c</p>"), " a b  & c ");
    }
}
