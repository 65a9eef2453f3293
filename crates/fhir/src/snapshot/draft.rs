//! An ElementDefinition while a snapshot is made: members by name, their values as JSON.

use json::{Value, Writer};

use crate::definitions::{Constraint, Element, Role, TypeRef};

const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";
const BEST_PRACTICE: &str =
    "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice";
const REGEX: &str = "http://hl7.org/fhir/StructureDefinition/regex";

/// An element: where it stands, and what is said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) id: String,
    pub(super) path: String,
    /// All other members, each value as JSON text.
    pub(super) members: Vec<(String, String)>,
}

impl Draft {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, json)| json.as_str())
    }

    /// A member that is a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.strip_prefix('"')?.strip_suffix('"')
    }

    pub(super) fn set(&mut self, name: &str, json: String) {
        match self.members.iter_mut().find(|(key, _)| key == name) {
            Some((_, value)) => *value = json,
            None => self.members.push((name.to_owned(), json)),
        }
    }

    pub(super) fn remove(&mut self, wanted: impl Fn(&str) -> bool) {
        self.members.retain(|(key, _)| !wanted(key));
    }

    /// Adds the elements of a JSON array to a member that is one.
    pub(super) fn append(&mut self, name: &str, array: &str) {
        let inside = |json: &str| -> Option<String> {
            Some(json.trim().strip_prefix('[')?.strip_suffix(']')?.trim().to_owned())
        };
        let (Some(old), Some(new)) = (self.get(name).and_then(inside), inside(array)) else {
            return self.set(name, array.to_owned());
        };
        let comma = if old.is_empty() || new.is_empty() { "" } else { "," };
        self.set(name, format!("[{old}{comma}{new}]"));
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.begin_object().key("id").string(&self.id).key("path").string(&self.path);
        for (name, json) in &self.members {
            writer.key(name).raw(json.as_bytes());
        }
        writer.end_object();
    }
}

/// The elements of a snapshot or differential.
pub(super) fn of_json(of: Value<'_>) -> Vec<Draft> {
    let elements = of.get("element").into_iter().flat_map(Value::elements);
    elements
        .map(|element| {
            let text = |key: &str| {
                element.get(key).and_then(Value::as_str).unwrap_or_default().into_owned()
            };
            let others = element.members().filter(|member| !member.is("id") && !member.is("path"));
            let members = others
                .map(|member| (member.key().into_owned(), member.value().raw_str().to_owned()));
            Draft { id: text("id"), path: text("path"), members: members.collect() }
        })
        .collect()
}

impl Draft {
    fn add(&mut self, name: &str, write: impl FnOnce(&mut Writer<'_>)) {
        let mut json = Vec::new();
        write(&mut Writer::new(&mut json));
        self.members.push((name.to_owned(), String::from_utf8(json).unwrap_or_default()));
    }

    fn add_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.add(name, |w| {
                w.string(text);
            });
        }
    }
}

/// An element of the tables as an ElementDefinition.
pub(super) fn of_element(element: Element<'_>) -> Draft {
    let (id, path) = (element.id().to_owned(), element.path().to_owned());
    let mut draft = Draft { id, path, members: Vec::new() };
    let attribute = element.is_xml_attribute().then_some("xmlAttr");
    let xhtml = element.is_xhtml().then_some("xhtml");
    if let Some(representation) = attribute.or(xhtml) {
        draft.add("representation", |w| {
            w.begin_array().string(representation).end_array();
        });
    }
    draft.add_text("sliceName", element.slice_name());
    if element.slicing().is_some() {
        draft.add("slicing", |w| slicing(element, w));
    }
    let max = element.max().map_or("*".to_owned(), |max| max.to_string());
    draft.add("min", |w| {
        w.integer(element.min());
    });
    draft.add_text("max", Some(&max));
    draft.add("base", |w| {
        let max = if element.repeats() { "*" } else { "1" };
        w.begin_object().key("path").string(element.base_path()).key("min").integer(0);
        w.key("max").string(max).end_object();
    });
    let reference = element.content_reference().map(|path| format!("#{path}"));
    draft.add_text("contentReference", reference.as_deref());
    if element.types().next().is_some() {
        draft.add("type", |w| types(element, w));
    }
    values(element, &mut draft);
    draft
}

/// What an element says of its values.
fn values(element: Element<'_>, draft: &mut Draft) {
    for role in [Role::Fixed, Role::Pattern, Role::MinValue, Role::MaxValue] {
        if let Some(given) = element.given(role) {
            let name = format!("{}{}", role.code(), given.ty);
            draft.add(&name, |w| {
                w.raw(given.json.as_bytes());
            });
        }
    }
    if let Some(length) = element.max_length() {
        draft.add("maxLength", |w| {
            w.integer(length);
        });
    }
    if element.constraints().next().is_some() {
        draft.add("constraint", |w| {
            w.begin_array();
            element.constraints().for_each(|one| constraint(&one, w));
            w.end_array();
        });
    }
    for (name, holds) in [
        ("mustSupport", element.must_support()),
        ("isModifier", element.is_modifier()),
        ("isSummary", element.is_summary()),
    ] {
        if holds {
            draft.add(name, |w| {
                w.bool(true);
            });
        }
    }
    if let Some(binding) = element.binding() {
        draft.add("binding", |w| {
            w.begin_object();
            if let Some(value_set) = binding.max_value_set {
                w.key("extension").begin_array().begin_object();
                w.key("url").string(MAX_VALUE_SET).key("valueCanonical").string(value_set);
                w.end_object().end_array();
            }
            w.key("strength").string(binding.strength.code());
            if let Some(value_set) = binding.value_set {
                w.key("valueSet").string(value_set);
            }
            w.end_object();
        });
    }
}

fn slicing(element: Element<'_>, writer: &mut Writer<'_>) {
    let Some(slicing) = element.slicing() else { return };
    writer.begin_object();
    if slicing.discriminators().next().is_some() {
        writer.key("discriminator").begin_array();
        for (kind, path) in slicing.discriminators() {
            writer.begin_object().key("type").string(kind.code());
            writer.key("path").string(path).end_object();
        }
        writer.end_array();
    }
    writer.key("ordered").bool(slicing.is_ordered());
    writer.key("rules").string(slicing.rules().code()).end_object();
}

fn types(element: Element<'_>, writer: &mut Writer<'_>) {
    let list = |name: &str, urls: Vec<&str>, writer: &mut Writer<'_>| {
        if urls.is_empty() {
            return;
        }
        writer.key(name).begin_array();
        for url in urls {
            writer.string(url);
        }
        writer.end_array();
    };
    writer.begin_array();
    for ty in element.types() {
        let ty: TypeRef<'_> = ty;
        writer.begin_object();
        if let Some(pattern) = ty.pattern() {
            writer.key("extension").begin_array().begin_object();
            writer.key("url").string(REGEX).key("valueString").string(pattern);
            writer.end_object().end_array();
        }
        writer.key("code").string(ty.code());
        list("profile", ty.profiles().collect(), writer);
        list("targetProfile", ty.targets().collect(), writer);
        writer.end_object();
    }
    writer.end_array();
}

fn constraint(one: &Constraint<'_>, writer: &mut Writer<'_>) {
    writer.begin_object();
    if one.best_practice {
        writer.key("extension").begin_array().begin_object();
        writer.key("url").string(BEST_PRACTICE).key("valueBoolean").bool(true);
        writer.end_object().end_array();
    }
    writer.key("key").string(one.key).key("severity").string(one.severity.code());
    writer.key("human").string(one.human);
    if let Some(expression) = one.expression {
        writer.key("expression").string(expression);
    }
    if let Some(source) = one.source {
        writer.key("source").string(source);
    }
    writer.end_object();
}
