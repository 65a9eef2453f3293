//! <https://learn.microsoft.com/graph/query-parameters>

use http::StatusCode;
use serde_json::{Value, json};

use super::Call;
use super::refusal::Refusal;
use crate::control::filter::{self, Term};
use crate::exchange::Answer;

/// `$filter` and `$select` of a request; other parameters are refused.
pub(super) struct Query {
    terms: Vec<Term>,
    select: Option<Vec<String>>,
}

impl Query {
    pub(super) fn of(call: &Call) -> Result<Self, Refusal> {
        Self::parse(&call.request.query)
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut query = Self { terms: Vec::new(), select: None };
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match name.to_ascii_lowercase().as_str() {
                "$filter" => query.terms = filter::parse(&value).map_err(Refusal::Query)?,
                "$select" => {
                    query.select = Some(value.split(',').map(|it| it.trim().to_owned()).collect());
                }
                // Says how counts of large directories are made; there is no other way here.
                "$count" if value.eq_ignore_ascii_case("false") => {}
                _ => {
                    return Err(Refusal::Query(format!(
                        "The query parameter '{name}' is not supported; $filter and $select are."
                    )));
                }
            }
        }
        Ok(query)
    }

    /// Whether an object fits the filter. `names` are the properties that can be filtered by.
    fn takes(&self, object: &Value, names: &[&str]) -> Result<bool, Refusal> {
        for term in &self.terms {
            let (property, value, whole) = match term {
                Term::Equals { property, value } => (property, value, true),
                Term::StartsWith { property, value } => (property, value, false),
                Term::Call { function, .. } => {
                    let text = format!("The function '{function}' is not supported in a $filter.");
                    return Err(Refusal::Query(text));
                }
            };
            let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(property)) else {
                return Err(Refusal::Query(format!(
                    "'{property}' cannot be filtered by; {} can.",
                    names.join(", ")
                )));
            };
            let value = value.to_lowercase();
            let fits = |held: &Value| {
                let held = held.as_str().unwrap_or_default().to_lowercase();
                if whole { held == value } else { held.starts_with(&value) }
            };
            let any = match &object[*name] {
                Value::Array(several) => several.iter().any(fits),
                one => fits(one),
            };
            if !any {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn selected(&self, object: Value) -> Value {
        let (Some(select), Value::Object(members)) = (&self.select, &object) else {
            return object;
        };
        let kept = members.iter().filter(|(name, _)| {
            name.starts_with('@') || select.iter().any(|it| it.eq_ignore_ascii_case(name))
        });
        Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// A list of what fits.
    pub(super) fn list(
        &self,
        objects: impl Iterator<Item = Value>,
        names: &[&str],
    ) -> Result<Answer, Refusal> {
        let mut value = Vec::new();
        for object in objects {
            if self.takes(&object, names)? {
                value.push(self.selected(object));
            }
        }
        Ok(Answer::json(StatusCode::OK, &json!({ "value": value })))
    }

    /// One object.
    pub(super) fn one(&self, object: Value) -> Answer {
        Answer::json(StatusCode::OK, &self.selected(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_filtered_and_cut_to_what_was_selected() {
        let object = json!({ "id": "1", "displayName": "Fire", "names": ["a", "B"] });
        let check = |query: &str, expected: Option<bool>| {
            let found = Query::parse(query)
                .and_then(|query| query.takes(&object, &["displayName", "names"]))
                .ok();
            assert_eq!(found, expected, "{query}");
        };
        check("", Some(true));
        check("$filter=displayName eq 'fire'", Some(true));
        check("$filter=startswith(displayName,'Fi')", Some(true));
        check("%24filter=names/any(c:c%20eq%20'b')", Some(true));
        check("$filter=names/any(c:c eq 'c')", Some(false));
        check("$filter=id eq '1'", None);
        check("$filter=atScope()", None);
        check("$filter=", None);
        check("$top=5", None);

        let selected = Query::parse("$select=id,DISPLAYNAME").map(|it| it.selected(object)).ok();
        assert_eq!(selected, Some(json!({ "id": "1", "displayName": "Fire" })));
    }
}
