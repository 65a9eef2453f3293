//! What the walk says when something is wrong: a code, and a sentence that names what was found and
//! what is allowed.

use std::sync::Arc;

use json::{Kind, Value};

use super::codes::Codes;
use super::issue::{IssueCode, Severity};
use super::narrative::Fault;
use super::primitive::{self, Wrong};
use super::rules::{Child, Shape, Special};
use super::say;
use super::walk::Walk;
use crate::definitions::Primitive;

impl<'d> Walk<'_, 'd> {
    #[cold]
    pub(super) fn wrong(&mut self, value: Value<'d>, code: IssueCode, text: String) {
        self.issues.error(self.place, value, code, text);
    }

    /// As the specification's rule of this name has it.
    fn broken(&mut self, value: Value<'d>, code: IssueCode, key: &'static str, text: String) {
        let about = (Severity::Error, code, Some(Arc::from(key)));
        self.issues.note(self.place, value, about, text);
    }

    #[cold]
    pub(super) fn not_a_resource(&mut self, value: Value<'d>) {
        let text = format!("A resource is a JSON object, not {}.", say::found(value));
        self.wrong(value, IssueCode::Structure, text);
    }

    #[cold]
    pub(super) fn no_resource_type(&mut self, resource: Value<'d>, found: Option<Value<'d>>) {
        let Some(found) = found else {
            let text = "The resource has no resourceType. Add it as the first member, for \
                        example \"resourceType\": \"Patient\".";
            return self.wrong(resource, IssueCode::Required, text.to_owned());
        };
        let Some(name) = found.as_str() else {
            let text = format!("resourceType is a string, not {}.", say::found(found));
            return self.wrong(found, IssueCode::Structure, text);
        };
        let text = match self.rules.resource_type(&name) {
            Some((_, shape)) if shape.special == Special::AbstractResource => {
                format!("{name} is abstract: give the type of the resource itself.")
            }
            _ => {
                let meant = say::meant(&name, self.rules.resource_names());
                format!("FHIR R4 has no resource type '{}'{meant}", say::excerpt(&name))
            }
        };
        self.wrong(found, IssueCode::NotSupported, text);
    }

    #[cold]
    pub(super) fn unknown(&mut self, value: Value<'d>, shape: &Shape, key: &str) {
        let (name, key) = (shape.name, say::excerpt(key));
        let bare = shape.elements.iter().find(|element| {
            element.strip_suffix("[x]").is_some_and(|bare| bare == key.trim_start_matches('_'))
        });
        let text = if let Some(choice) = bare {
            let forms: Vec<&str> = shape.forms(choice).collect();
            format!("'{key}' is a choice of types: write one of {}.", say::list(&forms))
        } else if let Some(plain) = key.strip_prefix('_').filter(|key| shape.has(key)) {
            let text = "only primitives have an '_' sibling; extensions of others stand inside";
            format!("{name} has no '{key}': {text} '{plain}'.")
        } else {
            let names = shape.children.iter().map(|child| child.name);
            format!("{name} has no element '{key}'{}", say::meant(&key, names))
        };
        self.wrong(value, IssueCode::Structure, text);
    }

    #[cold]
    pub(super) fn chosen_twice(
        &mut self,
        object: Value<'d>,
        value: Value<'d>,
        shape: &Shape,
        child: &Child,
    ) {
        let before = object.members().take_while(|other| other.value().index() < value.index());
        let mut others = before.filter_map(|other| {
            let key = other.key();
            let other = shape.find(key.trim_start_matches('_').as_bytes())?;
            (other.element == child.element && other.name != child.name).then_some(other.name)
        });
        // `valueString` and `_valueString` are one value.
        let Some(other) = others.next() else { return };
        let name = shape.elements.get(usize::from(child.element)).copied().unwrap_or_default();
        let text = format!(
            "{}.{name} has one value, here are two: {other} and {}. Leave one out.",
            shape.name, child.name
        );
        self.wrong(value, IssueCode::Structure, text);
    }

    #[cold]
    pub(super) fn missing(&mut self, object: Value<'d>, shape: &Shape, missing: u128) {
        for (bit, element) in shape.elements.iter().enumerate() {
            if missing & (1 << bit) == 0 {
                continue;
            }
            let how = match element.strip_suffix("[x]") {
                Some(_) => {
                    let forms: Vec<&str> = shape.forms(element).collect();
                    format!(" as one of {}", say::list(&forms))
                }
                None => String::new(),
            };
            let text = format!("{} needs the element '{element}': add it{how}.", shape.name);
            self.wrong(object, IssueCode::Required, text);
        }
    }

    #[cold]
    pub(super) fn null(&mut self, value: Value<'d>) {
        let text = "null stands only in an array of primitives, where the '_' array beside it has \
                    an object at the same place, or the other way round. Leave it out.";
        self.wrong(value, IssueCode::Structure, text.to_owned());
    }

    #[cold]
    pub(super) fn empty(&mut self, value: Value<'d>) {
        let what = if value.kind() == Kind::Array { "array" } else { "object" };
        let text = format!("An {what} is never empty in FHIR: leave it out, or fill it.");
        self.wrong(value, IssueCode::Structure, text);
    }

    #[cold]
    pub(super) fn not_an_array(&mut self, value: Value<'d>) {
        let name = name(value);
        let found = say::found(value);
        let text = format!("'{name}' can repeat: write an array, [ … ], not {found}.");
        self.wrong(value, IssueCode::Structure, text);
    }

    #[cold]
    pub(super) fn an_array(&mut self, value: Value<'d>) {
        let text = format!("'{}' does not repeat: write the value without brackets.", name(value));
        self.wrong(value, IssueCode::Structure, text);
    }

    #[cold]
    pub(super) fn not_an_object(&mut self, value: Value<'d>, shape: &Shape) {
        let text =
            format!("A {} is a JSON object, {{ … }}, not {}.", shape.name, say::found(value));
        self.wrong(value, IssueCode::Structure, text);
    }

    #[cold]
    pub(super) fn too_many(&mut self, value: Value<'d>, most: u32, count: u32) {
        let text = format!("At most {most} values are allowed, here are {count}.");
        self.wrong(value, IssueCode::Structure, text);
    }

    #[cold]
    pub(super) fn misaligned(&mut self, siblings: Value<'d>, values: Value<'d>) {
        let text = format!(
            "The array with '_' has {} items, the one beside it {}: each needs as many, with null \
             where one has nothing.",
            siblings.len(),
            values.len()
        );
        self.wrong(siblings, IssueCode::Structure, text);
    }

    #[cold]
    pub(super) fn malformed(&mut self, value: Value<'d>, primitive: Primitive, wrong: Wrong) {
        let (code, found) = (primitive.code(), say::found(value));
        let (issue, text) = match wrong {
            Wrong::Kind => {
                let kind = primitive::kind(primitive);
                (IssueCode::Structure, format!("A value of type {code} is {kind}, not {found}."))
            }
            Wrong::Text(why) => {
                (IssueCode::Value, format!("This is not of type {code}: {found}. Here {why}."))
            }
            Wrong::TooLong => {
                let most = base::limits::STRING_BYTES;
                let length = value.span().len();
                let text = format!("A string has at most {most} bytes, this one {length}.");
                (IssueCode::TooLong, text)
            }
        };
        self.wrong(value, issue, text);
    }

    #[cold]
    pub(super) fn no_such_code(&mut self, value: Value<'d>, codes: &Codes, url: &str) {
        let listed = codes.listed();
        let code = value.as_str().unwrap_or_default();
        let meant = say::meant(&code, listed.iter().copied());
        let text = format!(
            "'{}' is not a code that is allowed here{meant} It is one of {} ({url}).",
            say::excerpt(&code),
            say::list(listed)
        );
        self.wrong(value, IssueCode::CodeInvalid, text);
    }

    #[cold]
    pub(super) fn extension(&mut self, extension: Value<'d>, valued: bool) {
        let text = if valued {
            "An extension has a value or extensions of its own, not both: leave one out."
        } else {
            "An extension has neither a value nor extensions of its own: add a value[x] such as \
             valueString."
        };
        self.broken(extension, IssueCode::Structure, "ext-1", text.to_owned());
    }

    #[cold]
    pub(super) fn bad_narrative(&mut self, value: Value<'d>, fault: Fault) {
        let Fault { code, key, text } = fault;
        match key {
            Some(key) => self.broken(value, code, key, text),
            None => self.wrong(value, code, text),
        }
    }
}

/// The key of a value.
fn name(value: Value<'_>) -> String {
    value.member().map(|member| member.key().into_owned()).unwrap_or_default()
}

impl Shape {
    fn has(&self, name: &str) -> bool {
        self.find(name.as_bytes()).is_some()
    }

    /// The names that a choice may have.
    fn forms<'s>(&'s self, choice: &'s str) -> impl Iterator<Item = &'s str> {
        let bit = self.elements.iter().position(|element| *element == choice);
        let of = move |child: &&Child| bit == Some(usize::from(child.element));
        self.children.iter().filter(of).map(|child| child.name)
    }
}
