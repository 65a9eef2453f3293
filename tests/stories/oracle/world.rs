//! All current resources of a service, as plain JSON.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::extract::{Found, NUMBER, values};
use super::parameters::ALL;

/// Type and id.
pub(super) type Key = (String, String);

pub(super) struct Resource {
    pub(super) key: Key,
    pub(super) version: String,
    pub(super) updated: String,
    pub(super) body: Value,
    /// What stands within it.
    pub(super) contained: Vec<Resource>,
    values: HashMap<&'static str, Vec<Found>>,
}

impl Resource {
    pub(super) fn new(body: Value, version: &str, updated: &str) -> Self {
        let text = |key: &str| body[key].as_str().expect("a text").to_owned();
        let key = (text("resourceType"), text("id"));
        let of_type = ALL.iter().filter(|parameter| parameter.of == key.0);
        let values = of_type.map(|it| (it.code, values(it, &body))).collect();
        let within = body["contained"].as_array().map(Vec::as_slice).unwrap_or_default();
        let contained = within.iter().map(|part| Self::new(part.clone(), "", "")).collect();
        let (version, updated) = (version.to_owned(), updated.to_owned());
        Self { key, version, updated, body, contained, values }
    }

    pub(super) fn values(&self, code: &str) -> &[Found] {
        self.values.get(code).map_or(&[], Vec::as_slice)
    }
}

/// A snapshot: the resources in the order in which they were last written.
#[derive(Clone, Default)]
pub(super) struct World {
    /// The names of the service.
    pub(super) bases: Vec<String>,
    pub(super) resources: Vec<Arc<Resource>>,
    /// The first versions of all that ever was: those that references name.
    pub(super) first: Arc<HashMap<Key, Arc<Resource>>>,
}

impl World {
    pub(super) fn write(&mut self, resource: Resource) {
        let (key, resource) = (resource.key.clone(), Arc::new(resource));
        self.delete(&key);
        if resource.version == "1" {
            Arc::make_mut(&mut self.first).insert(key, resource.clone());
        }
        self.resources.push(resource);
    }

    pub(super) fn delete(&mut self, key: &Key) {
        self.resources.retain(|resource| resource.key != *key);
    }

    pub(super) fn of_type<'w>(&'w self, name: &'w str) -> impl Iterator<Item = &'w Arc<Resource>> {
        self.resources.iter().filter(move |resource| resource.key.0 == name)
    }

    /// What a reference names here, and its version: `Patient/1`, also behind one of our names.
    pub(super) fn local(&self, text: &str) -> Option<(Key, Option<String>)> {
        let below = |base: &String| text.strip_prefix(base.as_str())?.strip_prefix('/');
        let path = self.bases.iter().find_map(below).unwrap_or(text);
        let parts: Vec<&str> = path.split('/').collect();
        let (of, id, version) = match parts.as_slice() {
            [of, id] => (of, id, None),
            [of, id, "_history", version] => (of, id, Some((*version).to_owned())),
            _ => return None,
        };
        of.starts_with(|letter: char| letter.is_ascii_uppercase())
            .then(|| (((*of).to_owned(), (*id).to_owned()), version))
    }

    /// What the references of a parameter lead to here, whether it exists or not.
    pub(super) fn led_to(&self, resource: &Resource, code: &str) -> Vec<Key> {
        self.named(resource, code).into_iter().map(|(key, _)| key).collect()
    }

    /// The same, with the versions that the references name.
    pub(super) fn named(&self, resource: &Resource, code: &str) -> Vec<(Key, Option<String>)> {
        texts(resource, code).filter_map(|text| self.local(text)).collect()
    }

    /// The resource as it is, or the version that is asked for; of one that was deleted, none.
    pub(super) fn find(&self, key: &Key, version: Option<&str>) -> Option<&Arc<Resource>> {
        let current = self.resources.iter().find(|it| it.key == *key)?;
        let is_it = |it: &&Arc<Resource>| version.is_none_or(|version| it.version == version);
        Some(current).filter(is_it).or_else(|| self.first.get(key).filter(is_it))
    }
}

fn texts<'r>(resource: &'r Resource, code: &str) -> impl Iterator<Item = &'r str> {
    resource.values(code).iter().filter_map(|found| match found {
        Found::Reference(reference) => reference.text.as_deref(),
        _ => None,
    })
}

impl Resource {
    /// What within it the references of a parameter lead to.
    pub(super) fn parts(&self, code: &str) -> impl Iterator<Item = &Resource> {
        let ids: Vec<&str> = texts(self, code).filter_map(|text| text.strip_prefix('#')).collect();
        self.contained.iter().filter(move |part| ids.contains(&part.key.1.as_str()))
    }
}

/// JSON as text, with every digit of its numbers.
pub(super) fn to_text(body: &Value) -> String {
    let text = body.to_string();
    let mark = format!("\"{NUMBER}");
    let mut pieces = text.split(&mark);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (number, rest) = piece.split_once('"').expect("the end of a string");
        out.push_str(number);
        out.push_str(rest);
    }
    out
}

/// The other way round: each number a string that says so.
pub(super) fn from_text(text: &str) -> Value {
    let mut marked = String::with_capacity(text.len() + 64);
    let (mut in_string, mut escaped, mut in_number) = (false, false, false);
    for letter in text.chars() {
        let numeric = !in_string && (letter.is_ascii_digit() || "+-.eE".contains(letter));
        let begins = numeric && (letter.is_ascii_digit() || letter == '-');
        if in_number && !numeric {
            marked.push('"');
            in_number = false;
        } else if !in_number && begins {
            marked.push('"');
            marked.push(NUMBER);
            in_number = true;
        }
        marked.push(letter);
        if letter == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && letter == '\\' && !escaped;
    }
    serde_json::from_str(&marked).expect("JSON")
}

#[test]
fn numbers_keep_their_digits_on_the_way() {
    let text = r#"{"a":[-1.50,1e3],"b":"5 \" 6","c":true,"d":0.10}"#;
    let value = from_text(text);
    assert_eq!(value["a"][0], "\u{a7}-1.50");
    assert_eq!(value["b"], "5 \" 6");
    assert_eq!(to_text(&value), text);
}
