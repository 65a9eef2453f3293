//! <https://hl7.org/fhir/R4/fhirpatch.html>: the FHIRPath Patch that makes one resource of another.
//!
//! Objects are compared element by element. Lists are aligned first, so that an element which was
//! put in or taken out is one operation, and the others keep theirs. Operations are written in the
//! order in which they apply: within an object what goes away goes last, since nothing may be left
//! empty in between; within a list the end comes first, since places before it stay right.

use json::{Kind as Json, Value, Writer};

use super::align::gaps;
use super::place::{actual, sibling_key};
use crate::path::{ElementId, Kind, Schema, TypeId, is_plain};

/// Data types that `Parameters.parameter.value[x]` takes; others are given in parts.
const OPEN: [&str; 31] = [
    "Address",
    "Age",
    "Annotation",
    "Attachment",
    "CodeableConcept",
    "Coding",
    "ContactDetail",
    "ContactPoint",
    "Contributor",
    "Count",
    "DataRequirement",
    "Distance",
    "Dosage",
    "Duration",
    "Expression",
    "HumanName",
    "Identifier",
    "Meta",
    "Money",
    "ParameterDefinition",
    "Period",
    "Quantity",
    "Range",
    "Ratio",
    "Reference",
    "RelatedArtifact",
    "SampledData",
    "Signature",
    "Timing",
    "TriggerDefinition",
    "UsageContext",
];

/// What makes one resource of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// A Parameters resource.
    pub patch: Vec<u8>,
    /// How many operations it has.
    pub operations: usize,
}

/// The FHIRPath Patch that makes `after` of `before`, leaving alone what stands at the `ignored`
/// paths, such as `Patient.id`. None when they are not of one type.
#[must_use]
pub fn fhirpath_diff(
    before: Value<'_>,
    after: Value<'_>,
    schema: &Schema,
    ignored: &[&str],
) -> Option<Difference> {
    let name = before.get("resourceType")?.as_str()?;
    if !after.get("resourceType")?.is_str(&name) {
        return None;
    }
    let type_id = schema.type_named(&name)?;
    let mut comparing = Comparing { schema, ignored, operations: Vec::new() };
    comparing.object(&name, type_id, (before, after));
    let mut patch = Vec::new();
    let mut writer = Writer::new(&mut patch);
    writer.begin_object().key("resourceType").string("Parameters");
    if !comparing.operations.is_empty() {
        writer.key("parameter").begin_array();
        for operation in &comparing.operations {
            writer.raw(operation);
        }
        writer.end_array();
    }
    writer.end_object();
    Some(Difference { patch, operations: comparing.operations.len() })
}

/// One element as it stands: under which key, as what, with which `_` sibling.
struct Standing<'d> {
    key: String,
    type_id: TypeId,
    value: Option<Value<'d>>,
    sibling: Option<Value<'d>>,
}

impl<'d> Standing<'d> {
    /// All that an object has of an element.
    fn all(object: Value<'d>, element: ElementId, schema: &Schema) -> Vec<Standing<'d>> {
        let forms = schema.forms(element).iter();
        let mut found = forms.filter_map(|form| {
            let sides = (object.get(&form.key), object.get(&sibling_key(&form.key)));
            (sides.0.is_some() || sides.1.is_some()).then_some((form, sides))
        });
        let Some((form, (values, siblings))) = found.next() else { return Vec::new() };
        let standing = |value: Option<Value<'d>>, sibling: Option<Value<'d>>| {
            let there = |side: Option<Value<'d>>| side.filter(|it| it.kind() != Json::Null);
            let (value, sibling) = (there(value), there(sibling));
            let type_id = value.map_or(form.type_id, |it| actual(form.type_id, it, schema));
            Standing { key: form.key.to_string(), type_id, value, sibling }
        };
        if !schema.is_list(element) {
            return vec![standing(values, siblings)];
        }
        let list = |side: Option<Value<'d>>| side.into_iter().flat_map(Value::elements);
        let (mut values, mut siblings) = (list(values), list(siblings));
        let pairs = std::iter::from_fn(|| match (values.next(), siblings.next()) {
            (None, None) => None,
            (value, sibling) => Some(standing(value, sibling)),
        });
        pairs.collect()
    }

    /// A text that is the same for what is the same.
    fn canonical(&self) -> Vec<u8> {
        let mut out = self.key.clone().into_bytes();
        for side in [self.value, self.sibling] {
            out.push(b'\n');
            side.into_iter().for_each(|side| canonical(side, &mut out));
        }
        out
    }
}

/// JSON in one of its spellings; numbers keep their precision.
fn canonical(value: Value<'_>, out: &mut Vec<u8>) {
    match value.kind() {
        Json::Null | Json::Bool | Json::Number => out.extend_from_slice(value.raw()),
        Json::String => json::write_string(out, &value.as_str().unwrap_or_default()),
        Json::Array => {
            out.push(b'[');
            for element in value.elements() {
                canonical(element, out);
                out.push(b',');
            }
            out.push(b']');
        }
        Json::Object => {
            let members = value.members().map(|member| (member.key(), member.value()));
            let mut members: Vec<_> = members.collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            out.push(b'{');
            for (key, value) in members {
                json::write_string(out, &key);
                canonical(value, out);
            }
            out.push(b'}');
        }
    }
}

struct Comparing<'s> {
    schema: &'s Schema,
    ignored: &'s [&'s str],
    operations: Vec<Vec<u8>>,
}

impl Comparing<'_> {
    fn object(&mut self, path: &str, type_id: TypeId, (before, after): (Value<'_>, Value<'_>)) {
        let schema = self.schema;
        let mut deleted = Vec::new();
        for element in schema.elements(type_id) {
            let name = schema.element_name(element);
            let child = match is_plain(name) {
                true => format!("{path}.{name}"),
                false => format!("{path}.`{name}`"),
            };
            let old = Standing::all(before, element, schema);
            let new = Standing::all(after, element, schema);
            if self.ignored.contains(&&*child) || (old.is_empty() && new.is_empty()) {
                continue;
            }
            match (old.as_slice(), new.as_slice()) {
                ([], new) => new.iter().for_each(|it| self.add(path, (element, it))),
                (old, []) if schema.is_list(element) => {
                    deleted.extend((0..old.len()).rev().map(|place| format!("{child}[{place}]")));
                }
                (_, []) => deleted.push(child),
                (old, new) if schema.is_list(element) => self.list(&child, element, (old, new)),
                ([old], [new]) => self.one(&child, element, (old, new)),
                _ => {}
            }
        }
        deleted.iter().for_each(|path| self.operation("delete", path, |_| {}));
    }

    /// A list that is in both.
    fn list(
        &mut self,
        path: &str,
        element: ElementId,
        (before, after): (&[Standing<'_>], &[Standing<'_>]),
    ) {
        let texts =
            |list: &[Standing<'_>]| list.iter().map(Standing::canonical).collect::<Vec<_>>();
        for gap in gaps(&texts(before), &texts(after)).into_iter().rev() {
            let old = before.get(gap.before.clone()).unwrap_or_default();
            let new = after.get(gap.after).unwrap_or_default();
            for place in (new.len()..old.len()).rev() {
                let path = format!("{path}[{}]", gap.before.start + place);
                self.operation("delete", &path, |_| {});
            }
            for (place, it) in new.iter().enumerate().skip(old.len()) {
                self.insert(path, gap.before.start + place, it);
            }
            for (place, pair) in old.iter().zip(new).enumerate().rev() {
                self.one(&format!("{path}[{}]", gap.before.start + place), element, pair);
            }
        }
    }

    /// An element that is in both.
    fn one(
        &mut self,
        path: &str,
        element: ElementId,
        (before, after): (&Standing<'_>, &Standing<'_>),
    ) {
        if before.canonical() == after.canonical() {
            return;
        }
        let schema = self.schema;
        let is_object = !matches!(schema.kind(after.type_id), Kind::Primitive(_));
        let is_alike = before.key == after.key && before.type_id == after.type_id;
        if let (Some(old), Some(new)) = (before.value, after.value)
            && is_object
            && is_alike
        {
            // Where several types may stand, a path has to say which does.
            let declared = schema.forms(element).iter().find(|form| *form.key == *after.key);
            let is_sure = schema.forms(element).len() == 1
                && declared.is_some_and(|form| form.type_id == after.type_id);
            let name = schema.type_name(after.type_id);
            match is_sure {
                true => self.object(path, after.type_id, (old, new)),
                false => self.object(&format!("{path}.ofType({name})"), after.type_id, (old, new)),
            }
            return;
        }
        self.operation("replace", path, |writer| part(writer, "value", after, schema));
    }

    fn add(&mut self, path: &str, (element, it): (ElementId, &Standing<'_>)) {
        let schema = self.schema;
        self.operation("add", path, |writer| {
            writer.begin_object().key("name").string("name");
            writer.key("valueString").string(schema.element_name(element)).end_object();
            part(writer, "value", it, schema);
        });
    }

    fn insert(&mut self, path: &str, index: usize, it: &Standing<'_>) {
        let schema = self.schema;
        self.operation("insert", path, |writer| {
            writer.begin_object().key("name").string("index");
            writer.key("valueInteger").number_text(&index.to_string()).end_object();
            part(writer, "value", it, schema);
        });
    }

    fn operation(&mut self, kind: &str, path: &str, parts: impl FnOnce(&mut Writer<'_>)) {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.begin_object().key("name").string("operation").key("part").begin_array();
        writer.begin_object().key("name").string("type").key("valueCode").string(kind);
        writer.end_object();
        writer.begin_object().key("name").string("path").key("valueString").string(path);
        writer.end_object();
        parts(&mut writer);
        writer.end_array().end_object();
        self.operations.push(out);
    }
}

/// A part that gives a value: as `value[x]`, as a resource, or in parts.
fn part(writer: &mut Writer<'_>, name: &str, it: &Standing<'_>, schema: &Schema) {
    writer.begin_object().key("name").string(name);
    let type_name = schema.type_name(it.type_id);
    let is_primitive = matches!(schema.kind(it.type_id), Kind::Primitive(_));
    if is_primitive || OPEN.contains(&type_name) {
        // What no primitive of Parameters is like, a narrative, is a string in JSON too.
        let key = value_key(if type_name == "xhtml" { "string" } else { type_name });
        if let Some(value) = it.value {
            writer.key(&key).raw(value.raw());
        }
        if let Some(sibling) = it.sibling {
            writer.key(&sibling_key(&key)).raw(sibling.raw());
        }
    } else if let Some(value) = it.value {
        match schema.kind(it.type_id) {
            Kind::Resource | Kind::AbstractResource => {
                writer.key("resource").raw(value.raw());
            }
            _ => parts(writer, value, it.type_id, schema),
        }
    }
    writer.end_object();
}

/// The elements of an object, a part each.
fn parts(writer: &mut Writer<'_>, object: Value<'_>, type_id: TypeId, schema: &Schema) {
    writer.key("part").begin_array();
    for element in schema.elements(type_id) {
        for it in Standing::all(object, element, schema) {
            part(writer, schema.element_name(element), &it, schema);
        }
    }
    writer.end_array();
}

/// `valueCode`
fn value_key(type_name: &str) -> String {
    let mut letters = type_name.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("value{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
}
