//! <https://hl7.org/fhir/R4/search_filter.html>: the grammar of `_filter`.

use base::limits::{SEARCH_HOPS, SEARCH_PARAMETERS};

/// A filter as it was written. `and` and `or` are evaluated from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Condition(Condition),
}

/// `path operator value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) path: Vec<Hop>,
    pub(super) operator: String,
    pub(super) value: String,
}

/// A piece of a path up to a filter in brackets, or to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) name: String,
    pub(super) filter: Option<Filter>,
}

/// Reads a filter; the error says what is wrong with it.
pub(super) fn read(text: &str) -> Result<Filter, String> {
    let mut reader = Reader { rest: text.trim(), left: SEARCH_HOPS, conditions: 0 };
    let filter = reader.filter()?;
    match reader.rest {
        "" => Ok(filter),
        rest if rest.starts_with([')', ']']) => {
            Err("the parentheses or brackets do not match".to_owned())
        }
        rest => Err(format!("'{rest}' is not expected there; say and, or")),
    }
}

struct Reader<'t> {
    rest: &'t str,
    /// Parentheses and brackets that may still be opened.
    left: usize,
    conditions: usize,
}

impl<'t> Reader<'t> {
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default().trim_start();
    }

    /// What stands before a character that `ends` a word.
    fn word(&mut self, ends: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let word = self.rest.get(..end).unwrap_or_default();
        self.rest = self.rest.get(end..).unwrap_or_default();
        word
    }

    /// The next word, when it is this one.
    fn take(&mut self, word: &str) -> bool {
        let is_next = self
            .rest
            .strip_prefix(word)
            .is_some_and(|after| after.starts_with(|c: char| c.is_whitespace() || c == '('));
        if is_next {
            self.skip(word.len());
        }
        is_next
    }

    fn filter(&mut self) -> Result<Filter, String> {
        let mut filter = self.one()?;
        loop {
            filter = match () {
                () if self.take("and") => Filter::All(vec![filter, self.one()?]),
                () if self.take("or") => Filter::Any(vec![filter, self.one()?]),
                () => return Ok(filter),
            };
        }
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.take("not") {
            if !self.rest.starts_with('(') {
                return Err("after 'not' comes a condition in parentheses".to_owned());
            }
            return Ok(Filter::Not(Box::new(self.within(')')?)));
        }
        if self.rest.starts_with('(') {
            return self.within(')');
        }
        self.condition()
    }

    /// A filter up to what closes it; what opened it is next.
    fn within(&mut self, close: char) -> Result<Filter, String> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(format!("at most {SEARCH_HOPS} parentheses or brackets in each other"));
        };
        self.left = left;
        self.skip(1);
        let inner = self.filter()?;
        self.left += 1;
        if !self.rest.starts_with(close) {
            return Err("the parentheses or brackets do not match".to_owned());
        }
        self.skip(1);
        Ok(inner)
    }

    fn condition(&mut self) -> Result<Filter, String> {
        self.conditions += 1;
        if self.conditions > SEARCH_PARAMETERS {
            return Err(format!("at most {SEARCH_PARAMETERS} conditions are read"));
        }
        let path = self.path()?;
        let operator = self.word(char::is_whitespace).to_owned();
        self.skip(0);
        let value = match self.rest.starts_with('"') {
            true => self.quoted()?,
            false => self.token(),
        };
        if operator.is_empty() || value.is_empty() {
            return Err("a condition is a parameter, an operator and a value".to_owned());
        }
        self.skip(0);
        Ok(Filter::Condition(Condition { path, operator, value }))
    }

    /// `subject.name`, `subject[gender eq male].name`
    fn path(&mut self) -> Result<Vec<Hop>, String> {
        let mut path = Vec::new();
        loop {
            let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
            let name = self.word(ends).to_owned();
            if name.is_empty() {
                return Err("a condition is a parameter, an operator and a value".to_owned());
            }
            if !self.rest.starts_with('[') {
                self.skip(0);
                path.push(Hop { name, filter: None });
                return Ok(path);
            }
            let filter = Some(self.within(']')?);
            path.push(Hop { name, filter });
            match self.rest.strip_prefix('.') {
                Some(rest) => self.rest = rest,
                None => return Err("after a filter in brackets comes .name".to_owned()),
            }
        }
    }

    /// Up to a space or to what closes something that was opened before.
    fn token(&mut self) -> String {
        let mut open = Vec::new();
        let mut end = self.rest.len();
        for (at, character) in self.rest.char_indices() {
            match character {
                '(' => open.push(')'),
                '[' => open.push(']'),
                ')' | ']' if open.last() == Some(&character) => drop(open.pop()),
                ')' | ']' => end = at,
                other if other.is_whitespace() => end = at,
                _ => {}
            }
            if end < self.rest.len() {
                break;
            }
        }
        let token = self.rest.get(..end).unwrap_or_default().to_owned();
        self.skip(end);
        token
    }

    /// A JSON string.
    fn quoted(&mut self) -> Result<String, String> {
        let (mut out, mut escaped) = (String::new(), false);
        for (at, character) in self.rest.char_indices().skip(1) {
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
                '"' => {
                    self.skip(at + 1);
                    return Ok(out);
                }
                other => out.push(other),
            }
        }
        Err("a text has no end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(filters: &[Filter], by: &str) -> String {
        format!("({})", filters.iter().map(text).collect::<Vec<_>>().join(by))
    }

    fn text(filter: &Filter) -> String {
        let hop = |hop: &Hop| match &hop.filter {
            Some(filter) => format!("{}[{}]", hop.name, text(filter)),
            None => hop.name.clone(),
        };
        match filter {
            Filter::All(all) => joined(all, " & "),
            Filter::Any(any) => joined(any, " | "),
            Filter::Not(inner) => format!("!{}", text(inner)),
            Filter::Condition(Condition { path, operator, value }) => {
                let path: Vec<String> = path.iter().map(hop).collect();
                format!("{} {operator} {value}", path.join("."))
            }
        }
    }

    fn check(filter: &str, expected: &str) {
        let read = read(filter).map(|filter| text(&filter));
        assert_eq!(read.unwrap_or_else(|why| format!("wrong: {why}")), expected, "{filter}");
    }

    #[test]
    fn a_filter_is_read_as_the_grammar_says() {
        check(r#"given eq "pe\"ter""#, r#"given eq pe"ter"#);
        check("a eq 1 and b eq 2 or c eq 3", "((a eq 1 & b eq 2) | c eq 3)");
        check("a eq 1 or b eq 2 and c eq 3", "((a eq 1 | b eq 2) & c eq 3)");
        check("a eq 1 or (b eq 2 and c eq 3)", "(a eq 1 | (b eq 2 & c eq 3))");
        check("not(a eq 1) and not (b eq 2)", "(!a eq 1 & !b eq 2)");
        check("related[type eq comp].target pr false", "related[type eq comp].target pr false");
        check("a[b[c eq d].e eq f].g.h eq i", "a[b[c eq d].e eq f].g.h eq i");
        check("q gt 5|http://u|mm[Hg]", "q gt 5|http://u|mm[Hg]");
        check("(code eq a(b) and q eq mm[Hg])", "(code eq a(b) & q eq mm[Hg])");
        check("_has:Observation:patient:code eq 1", "_has:Observation:patient:code eq 1");
    }

    #[test]
    fn what_is_no_filter_is_told() {
        for wrong in [
            "",
            "a",
            "a eq",
            "(a eq 1",
            "a eq 1)",
            "a eq 1 xor b eq 2",
            "a eq \"open",
            "a[b eq 1 c",
            "a[b eq 1] eq 2",
            "not a eq 1",
            "a eq 1 and",
            "[a eq 1].b eq 2",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let nested = |depth: usize| format!("{}a eq 1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(read(&nested(SEARCH_HOPS)).is_ok());
        assert!(read(&nested(SEARCH_HOPS + 1)).is_err());
        // Each `and` is a level of the tree: without an end, reading it would end the process.
        let long = |conditions: usize| vec!["a eq 1"; conditions].join(" and ");
        assert!(read(&long(SEARCH_PARAMETERS)).is_ok());
        assert!(read(&long(SEARCH_PARAMETERS + 1)).is_err());
        assert!(read(&long(1_000_000)).is_err());
    }
}
