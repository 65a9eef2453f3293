//! <https://learn.microsoft.com/graph/filter-query-parameter>
//!
//! The forms of `$filter` that Azure's tools send, joined by `and`.

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// `name eq 'value'`, and `names/any(c:c eq 'value')`: one of the names is the value.
    Equals { property: String, value: String },
    /// `startswith(name,'value')`.
    StartsWith { property: String, value: String },
    /// `atScope()`, `assignedTo('value')`.
    Call { function: String, argument: Option<String> },
}

/// Reads a filter; `Err` is a sentence.
pub(crate) fn parse(text: &str) -> Result<Vec<Term>, String> {
    let mut reader = Reader { rest: text.trim_start() };
    let mut terms = vec![reader.term().ok_or_else(|| unknown(text))?];
    while !reader.rest.is_empty() {
        reader.word("and").ok_or_else(|| unknown(text))?;
        terms.push(reader.term().ok_or_else(|| unknown(text))?);
    }
    Ok(terms)
}

fn unknown(text: &str) -> String {
    format!(
        "The $filter \"{text}\" is not supported. These forms are, joined by 'and': \
         name eq 'value', startswith(name,'value'), names/any(c:c eq 'value'), atScope(), \
         assignedTo('value')."
    )
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn term(&mut self) -> Option<Term> {
        let name = self.name()?;
        if let Some(property) = name.strip_suffix("/any") {
            return self.any(property);
        }
        if self.symbol('(').is_none() {
            self.word("eq")?;
            return Some(Term::Equals { property: name.to_owned(), value: self.string()? });
        }
        if name.eq_ignore_ascii_case("startswith") {
            let property = self.name()?.to_owned();
            self.symbol(',')?;
            let value = self.string()?;
            self.symbol(')')?;
            return Some(Term::StartsWith { property, value });
        }
        let argument = if self.rest.starts_with('\'') { Some(self.string()?) } else { None };
        self.symbol(')')?;
        Some(Term::Call { function: name.to_owned(), argument })
    }

    /// After `names/any`: `(c:c eq 'value')`.
    fn any(&mut self, property: &str) -> Option<Term> {
        self.symbol('(')?;
        let variable = self.name()?;
        self.symbol(':')?;
        self.word(variable)?;
        self.word("eq")?;
        let value = self.string()?;
        self.symbol(')')?;
        Some(Term::Equals { property: property.to_owned(), value })
    }

    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest.trim_start();
        Some(taken)
    }

    fn name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '/');
        let length = end.unwrap_or(self.rest.len());
        if length == 0 { None } else { self.take(length) }
    }

    fn word(&mut self, expected: &str) -> Option<()> {
        self.name()?.eq_ignore_ascii_case(expected).then_some(())
    }

    fn symbol(&mut self, expected: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?.trim_start();
        Some(())
    }

    /// A string in single quotes, in which a quote is doubled.
    fn string(&mut self) -> Option<String> {
        let mut rest = self.rest.strip_prefix('\'')?;
        let mut value = String::new();
        loop {
            let (part, after) = rest.split_once('\'')?;
            value.push_str(part);
            match after.strip_prefix('\'') {
                Some(more) => {
                    value.push('\'');
                    rest = more;
                }
                None => {
                    self.rest = after.trim_start();
                    return Some(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match parse(text) {
            Ok(terms) => {
                let shown = terms.iter().map(|term| match term {
                    Term::Equals { property, value } => format!("{property}={value}"),
                    Term::StartsWith { property, value } => format!("{property}={value}*"),
                    Term::Call { function, argument } => {
                        format!("{function}({})", argument.as_deref().unwrap_or_default())
                    }
                });
                shown.collect::<Vec<_>>().join(" & ")
            }
            Err(_) => "refused".to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_forms_that_azure_tools_send_are_read() {
        check("roleName eq 'FHIR Data Contributor'", "roleName=FHIR Data Contributor");
        check("displayName eq 'O''Neill'", "displayName=O'Neill");
        check("displayName eq ''", "displayName=");
        check("startswith(displayName,'Fire')", "displayName=Fire*");
        check("startswith( displayName , 'Fire' )", "displayName=Fire*");
        check("servicePrincipalNames/any(c:c eq 'X')", "servicePrincipalNames=X");
        check("servicePrincipalNames/any(x:x eq 'X')", "servicePrincipalNames=X");
        check("atScope()", "atScope()");
        check("assignedTo('X')", "assignedTo(X)");
        check("atScope() and principalId eq 'X'", "atScope() & principalId=X");
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "displayName",
            "displayName eq",
            "displayName eq X",
            "displayName eq 'X",
            "displayName ne 'X'",
            "displayName eq 'X' or a eq 'b'",
            "displayName eq 'X' and",
            "startswith(displayName,'X'",
            "names/any(c:d eq 'X')",
            "é eq 'X'",
        ] {
            check(text, "refused");
        }
    }
}
