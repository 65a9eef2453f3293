//! <https://hl7.org/fhir/R4/resource-operation-meta-add.html> and `meta-delete`: what they make of
//! the `meta` of a resource.

use json::{Document, Edits, Value};

use crate::fhir::incoming;
use crate::fhir::outcome::Issue;
use crate::fhir::refusal::General;

/// The lists of a Meta, which together say all that can be added to it or taken away.
pub(crate) const LISTS: [&str; 3] = ["profile", "security", "tag"];
/// What the server alone sets: it is neither added nor taken away.
const OURS: [&str; 2] = ["versionId", "lastUpdated"];

/// What is to be added to the meta of a resource, or to be taken out of it.
#[derive(Clone)]
pub(crate) struct MetaChange {
    meta: Document,
    adds: bool,
}

impl MetaChange {
    /// Reads a Meta.
    pub(crate) fn read(meta: Value<'_>, adds: bool) -> Result<Self, General> {
        let names = meta.members().map(|member| member.key().into_owned());
        let known = |name: &str| LISTS.contains(&name) || OURS.contains(&name);
        let issues: Vec<Issue> = names
            .filter(|name| !known(name))
            .map(|name| {
                let text = format!("Only profile, security and tag can be given, not '{name}'.");
                Issue::error("not-supported", text).at(format!("Meta.{name}"))
            })
            .collect();
        if !issues.is_empty() {
            return Err(General::Content(issues));
        }
        Ok(Self { meta: incoming::parse(meta.raw().to_vec().into())?, adds })
    }

    /// The resource with its meta changed; the same text when there is nothing to change.
    pub(crate) fn apply(&self, before: &Document) -> Result<Document, General> {
        let root = before.root();
        let mut edits = Edits::new(before);
        let mut made = Vec::new();
        for list in LISTS {
            let given: Vec<_> = items(Some(self.meta.root()), list).collect();
            let old: Vec<_> = items(root.get("meta"), list).collect();
            let mut new = old.clone();
            if self.adds {
                for item in given {
                    if !new.iter().any(|known| is_same(*known, item)) {
                        new.push(item);
                    }
                }
            } else {
                new.retain(|item| !given.iter().any(|taken| is_same(*taken, *item)));
            }
            if new.len() != old.len() {
                made.push((list, new));
            }
        }
        match root.get("meta") {
            Some(meta) => made.iter().for_each(|(list, items)| match items.is_empty() {
                true => edits.remove(meta, list),
                false => edits.set(meta, list, array(items)),
            }),
            // A stored resource always has one; there is nothing to take out of none.
            None => return Err(General::bug("a stored resource has no meta")),
        }
        let bytes = edits.apply().map_err(|_| General::bug("a change of meta overlaps itself"))?;
        incoming::parse(bytes.into())
    }
}

/// The items of a list of a Meta.
pub(crate) fn items<'d>(meta: Option<Value<'d>>, list: &str) -> impl Iterator<Item = Value<'d>> {
    meta.and_then(|meta| meta.get(list)).into_iter().flat_map(Value::elements)
}

/// Whether two profiles are equal, or two codings in system and code.
fn is_same(one: Value<'_>, other: Value<'_>) -> bool {
    name(one) == name(other)
}

/// What tells an item of a list from others: the profile itself, or system and code.
pub(crate) fn name(item: Value<'_>) -> (String, String) {
    let text = |key| item.get(key).and_then(Value::as_str).unwrap_or_default().into_owned();
    match item.as_str() {
        Some(profile) => (profile.into_owned(), String::new()),
        None => (text("system"), text("code")),
    }
}

/// A JSON array of values as they were written.
fn array(items: &[Value<'_>]) -> Vec<u8> {
    let items: Vec<&[u8]> = items.iter().map(|item| item.raw()).collect();
    [b"[", items.join(&b","[..]).as_slice(), b"]"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, adds: bool, meta: &str, expected: &str) {
        let parse = |text: &str| incoming::parse(text.to_owned().into()).unwrap();
        let meta = parse(meta);
        let before = format!(r#"{{"resourceType":"Basic","meta":{before}}}"#);
        let after = MetaChange::read(meta.root(), adds).unwrap().apply(&parse(&before)).unwrap();
        assert_eq!(after.root().get("meta").unwrap().raw_str(), expected);
    }

    #[test]
    fn items_are_added_once_and_taken_by_system_and_code() {
        let tag = r#"{"tag":[{"system":"s","code":"a"}]}"#;
        check(
            r#"{"versionId":"1"}"#,
            true,
            tag,
            r#"{"versionId":"1","tag":[{"system":"s","code":"a"}]}"#,
        );
        let named = r#"{"tag":[{"system":"s","code":"a","display":"A"},{"code":"a"}]}"#;
        check(named, true, tag, named);
        check(named, false, tag, r#"{"tag":[{"code":"a"}]}"#);
        check(r#"{"profile":["p","q"]}"#, false, r#"{"profile":["p"]}"#, r#"{"profile":["q"]}"#);
        check(
            r#"{"versionId":"1","profile":["p"]}"#,
            false,
            r#"{"profile":["p"],"versionId":"7"}"#,
            r#"{"versionId":"1"}"#,
        );
    }
}
