//! <https://hl7.org/fhir/R4/search.html#summary> and `#elements`: a part of a resource.
//!
//! What is kept is copied as it was written. A resource that was cut is tagged SUBSETTED, so that
//! nobody mistakes it for all of it.

use std::borrow::Cow;

use base::Fault;
use fhir::Definitions;
use fhir::definitions::{Child, Type};
use json::{Document, Kind, Limits, Member, Value, Writer, write_string};
use store::Version;

use super::resource;

const SUBSETTED: &str = concat!(
    r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","#,
    r#""code":"SUBSETTED","display":"subsetted"}"#
);

/// The parameters that ask for a part of a resource.
pub(crate) const PARAMETERS: [&str; 2] = ["_elements", "_summary"];

/// How much of a resource is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subset {
    #[default]
    Whole,
    /// `_summary=true`: the elements that the definitions mark, and what must be there.
    Summary,
    /// `_summary=text`: the narrative, and what must be there.
    Text,
    /// `_summary=data`: all but the narrative.
    Data,
    /// `_elements`: those named, as they were named, and what must be there.
    Elements(Vec<String>),
}

impl Subset {
    /// Reads `_summary` and `_elements` of a query. `_summary=count` is about lists: here it keeps
    /// resources whole. The refusal is a sentence.
    pub(crate) fn of<'q>(
        pairs: impl Iterator<Item = (Cow<'q, str>, Cow<'q, str>)>,
    ) -> Result<Self, String> {
        let (mut summary, mut elements) = (None, None::<Vec<String>>);
        for (name, value) in pairs {
            match name.as_ref() {
                "_summary" => summary = Some(Self::of_summary(&value)?),
                // R4 ignores a parameter without a value.
                "_elements" if value.is_empty() => {}
                "_elements" => {
                    let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                    elements.get_or_insert_default().extend(names.map(str::to_owned));
                }
                _ => {}
            }
        }
        match (summary, elements) {
            (None | Some(Self::Whole), None) => Ok(Self::Whole),
            (None | Some(Self::Whole), Some(names)) if names.is_empty() => {
                Err("_elements names no element.".to_owned())
            }
            (None | Some(Self::Whole), Some(names)) => Ok(Self::Elements(names)),
            (Some(summary), None) => Ok(summary),
            (Some(_), Some(_)) => Err("_summary and _elements both say which part of a resource \
                                       is wanted. Send one of them."
                .to_owned()),
        }
    }

    fn of_summary(value: &str) -> Result<Self, String> {
        match value {
            "true" => Ok(Self::Summary),
            "text" => Ok(Self::Text),
            "data" => Ok(Self::Data),
            "false" | "count" | "" => Ok(Self::Whole),
            other => Err(format!("_summary is true, text, data, count or false, not '{other}'.")),
        }
    }

    /// Appends a stored version, or the part of it that is wanted.
    pub(crate) fn write(&self, version: &Version, out: &mut Vec<u8>) -> Result<(), Fault> {
        if *self == Self::Whole {
            return resource::write(version, out);
        }
        self.cut(resource::whole(version)?.root(), out);
        Ok(())
    }

    /// Appends the part of a resource's text that is wanted.
    pub(crate) fn part(&self, text: Vec<u8>, out: &mut Vec<u8>) -> Result<(), Fault> {
        if *self == Self::Whole {
            out.extend(text);
            return Ok(());
        }
        let whole = Document::parse(text, &Limits::default())
            .map_err(|_| Fault::because("a resource of ours is not JSON"))?;
        self.cut(whole.root(), out);
        Ok(())
    }

    /// Appends the part of a resource that is wanted.
    fn cut(&self, resource: Value<'_>, out: &mut Vec<u8>) {
        let name = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        let definitions = Definitions::r4();
        let Some(ty) = definitions.type_named(&name).map(|id| definitions.ty(id)) else {
            out.extend_from_slice(resource.raw());
            return;
        };
        out.push(b'{');
        let (mut is_first, mut has_meta) = (true, false);
        for member in resource.members() {
            let key = member.key();
            let Some(kept) = self.kept(&name, ty, &key) else { continue };
            let before = out.len();
            begin(out, &member, is_first);
            if key == "meta" {
                has_meta = true;
                tagged(member.value(), out);
            } else {
                kept.write(ty.child(&key), &member, out);
            }
            is_first &= !settled(out, (before, is_first), &member, ty.child(&key));
        }
        if !has_meta {
            out.extend_from_slice(if is_first { b"\"meta\":" } else { b",\"meta\":" });
            tagged_anew(out);
        }
        out.push(b'}');
    }

    /// What is wanted of a member of the resource.
    fn kept<'s>(&'s self, name: &str, ty: Type<'_>, key: &str) -> Option<Kept<'s>> {
        if matches!(key, "resourceType" | "id" | "meta" | "implicitRules" | "modifierExtension") {
            return Some(Kept::Whole);
        }
        let child = ty.child(key)?;
        match self {
            Self::Whole => Some(Kept::Whole),
            Self::Data => (key != "text").then_some(Kept::Whole),
            Self::Text => (key == "text" || child.element.min() > 0).then_some(Kept::Whole),
            Self::Summary => Kept::Summary.of(child, key),
            Self::Elements(wanted) => {
                let path = |wanted: &'s String| match wanted.split_once('.') {
                    Some((of, wanted)) if of == name => wanted,
                    _ => wanted.as_str(),
                };
                Kept::Paths(wanted.iter().map(path).collect()).of(child, key)
            }
        }
    }
}

/// What is kept of an element.
enum Kept<'s> {
    Whole,
    /// What the definitions mark, and what must be there.
    Summary,
    /// What lies on these paths, and what must be there.
    Paths(Vec<&'s str>),
}

impl<'s> Kept<'s> {
    /// What is kept of an element inside.
    fn of(&self, child: Child<'_>, key: &str) -> Option<Kept<'s>> {
        let element = child.element;
        match self {
            Self::Whole => Some(Self::Whole),
            Self::Summary => (element.is_summary() || element.min() > 0).then_some(Self::Summary),
            Self::Paths(paths) => {
                let rest = |path: &'s str| {
                    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
                    is_named(first, element.name(), key).then_some(rest)
                };
                let inside: Vec<_> = paths.iter().copied().filter_map(rest).collect();
                if inside.is_empty() {
                    return (element.min() > 0).then_some(Self::Whole);
                }
                Some(if inside.contains(&"") { Self::Whole } else { Self::Paths(inside) })
            }
        }
    }

    /// Appends the value of a member, or the part of it that is kept.
    fn write(&self, child: Option<Child<'_>>, member: &Member<'_>, out: &mut Vec<u8>) {
        let child = child.filter(|child| has_parts(&member.key(), *child));
        match child {
            Some(child) if !matches!(self, Self::Whole) => self.part(child, member.value(), out),
            _ => out.extend_from_slice(member.value().raw()),
        }
    }

    /// Appends the part of a value that is kept; all of one that has no parts.
    fn part(&self, child: Child<'_>, value: Value<'_>, out: &mut Vec<u8>) {
        match value.kind() {
            Kind::Object => self.part_of_object(child, value, out),
            Kind::Array if value.elements().all(|item| item.kind() == Kind::Object) => {
                out.push(b'[');
                let mut is_first = true;
                for item in value.elements() {
                    let before = out.len();
                    if !is_first {
                        out.push(b',');
                    }
                    let start = out.len();
                    self.part_of_object(child, item, out);
                    match out.get(start..) {
                        Some(b"{}") => out.truncate(before),
                        _ => is_first = false,
                    }
                }
                out.push(b']');
            }
            _ => out.extend_from_slice(value.raw()),
        }
    }

    fn part_of_object(&self, child: Child<'_>, object: Value<'_>, out: &mut Vec<u8>) {
        let definitions = Definitions::r4();
        // A resource within a resource says itself what it is.
        let named = object.get("resourceType").and_then(Value::as_str);
        let named = named.and_then(|name| definitions.type_named(&name));
        let ty = definitions.ty(named.unwrap_or(child.ty));
        out.push(b'{');
        let mut is_first = true;
        for member in object.members() {
            let key = member.key();
            let inner = ty.child(&key);
            let kept = match inner {
                Some(_) if key == "modifierExtension" => Some(Self::Whole),
                Some(inner) => self.of(inner, &key),
                None => (key == "resourceType").then_some(Self::Whole),
            };
            let Some(kept) = kept else { continue };
            let before = out.len();
            begin(out, &member, is_first);
            kept.write(inner, &member, out);
            is_first &= !settled(out, (before, is_first), &member, inner);
        }
        out.push(b'}');
    }
}

/// Takes a member out again of which nothing is kept; what must be there is kept whole then. Says
/// whether there is a member.
fn settled(
    out: &mut Vec<u8>,
    (before, is_first): (usize, bool),
    member: &Member<'_>,
    child: Option<Child<'_>>,
) -> bool {
    if !out.ends_with(b":{}") && !out.ends_with(b":[]") {
        return true;
    }
    out.truncate(before);
    let must_be = child.is_some_and(|child| child.element.min() > 0);
    if must_be {
        begin(out, member, is_first);
        out.extend_from_slice(member.value().raw());
    }
    must_be
}

/// Whether `wanted` is the name of an element, or of one of a choice.
fn is_named(wanted: &str, name: &str, key: &str) -> bool {
    let is_choice = name.strip_suffix("[x]") == Some(wanted);
    wanted == key.trim_start_matches('_') || wanted == name || is_choice
}

/// The key of a member, a comma before it where one is due.
fn begin(out: &mut Vec<u8>, member: &Member<'_>, is_first: bool) {
    if !is_first {
        out.push(b',');
    }
    write_string(out, &member.key());
    out.push(b':');
}

/// Whether a part of a member can be kept: what belongs to a primitive goes with it.
fn has_parts(key: &str, child: Child<'_>) -> bool {
    child.named_type && !key.starts_with('_')
}

/// Appends a meta with the tag.
fn tagged(meta: Value<'_>, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    writer.begin_object();
    let mut has_tags = false;
    for member in meta.members() {
        writer.key(&member.key());
        if !member.is("tag") {
            writer.raw(member.value().raw());
            continue;
        }
        has_tags = true;
        writer.begin_array();
        for tag in member.value().elements() {
            writer.raw(tag.raw());
        }
        if !member.value().elements().any(is_subsetted) {
            writer.raw(SUBSETTED.as_bytes());
        }
        writer.end_array();
    }
    if !has_tags {
        writer.key("tag").begin_array().raw(SUBSETTED.as_bytes()).end_array();
    }
    writer.end_object();
}

fn tagged_anew(out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    writer
        .begin_object()
        .key("tag")
        .begin_array()
        .raw(SUBSETTED.as_bytes())
        .end_array()
        .end_object();
}

fn is_subsetted(tag: Value<'_>) -> bool {
    tag.get("code").is_some_and(|code| code.is_str("SUBSETTED"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: &str = concat!(
        r#"{"resourceType":"Patient","id":"p","text":{"status":"generated","div":"<div/>"},"#,
        r#""identifier":[{"use":"usual","system":"s","value":"v"}],"active":true,"#,
        r#""_birthDate":{"id":"b"},"birthDate":"1970-01-01","maritalStatus":{"text":"m"},"#,
        r#""deceasedBoolean":false,"contact":[{"gender":"male"}],"#,
        r#""link":[{"other":{"reference":"Patient/q"},"type":"seealso","id":"x"}],"#,
        r#""meta":{"versionId":"1","tag":[{"code":"t"}]}}"#
    );

    /// The names of what is left.
    fn check(query: &str, resource: &str, expected: &str) {
        let subset = Subset::of(form_urlencoded::parse(query.as_bytes())).unwrap();
        let document = Document::parse(resource.to_owned(), &Limits::default()).unwrap();
        let mut out = Vec::new();
        subset.cut(document.root(), &mut out);
        let cut = Document::parse(out, &Limits::default()).unwrap();
        let names: Vec<_> = cut.root().members().map(|member| member.key().into_owned()).collect();
        assert_eq!(names.join(" "), expected, "{query}");
        let tags = cut.root().get("meta").unwrap().get("tag").unwrap();
        assert_eq!(tags.elements().filter(|tag| is_subsetted(*tag)).count(), 1);
    }

    #[test]
    fn each_subset_keeps_its_elements_and_what_must_be_there() {
        check(
            "_summary=true",
            PATIENT,
            "resourceType id identifier active _birthDate birthDate deceasedBoolean link meta",
        );
        check("_summary=text", PATIENT, "resourceType id text meta");
        check(
            "_summary=data",
            PATIENT,
            "resourceType id identifier active _birthDate birthDate maritalStatus deceasedBoolean \
             contact link meta",
        );
        check(
            "_elements=birthDate,deceased",
            PATIENT,
            "resourceType id _birthDate birthDate deceasedBoolean meta",
        );
        check("_elements=Patient.contact&_elements=id", PATIENT, "resourceType id contact meta");
        let observation = concat!(
            r#"{"resourceType":"Observation","status":"final","code":{"text":"c"},"#,
            r#""note":[{"text":"n"}]}"#
        );
        check("_elements=note", observation, "resourceType status code note meta");
        check("_elements=value[x]", observation, "resourceType status code meta");
        check("_summary=text", observation, "resourceType status code meta");
    }

    #[test]
    fn a_summary_looks_into_elements() {
        let text = concat!(
            r#"{"resourceType":"DocumentReference","status":"current","content":[{"attachment":"#,
            r#"{"contentType":"text/plain","data":"QQ=="}}]}"#
        );
        let document = Document::parse(text.to_owned(), &Limits::default()).unwrap();
        let mut out = Vec::new();
        Subset::Summary.cut(document.root(), &mut out);
        let out = String::from_utf8(out).unwrap();
        assert!(
            out.contains(r#""content":[{"attachment":{"contentType":"text/plain"}}]"#),
            "{out}"
        );
    }

    /// What is left of a Patient's name and links.
    fn check_inside(query: &str, expected: &str) {
        let text = concat!(
            r#"{"resourceType":"Patient","name":[{"use":"usual","family":"F","given":["G"]},"#,
            r#"{"text":"T"}],"link":[{"id":"l","other":{"reference":"Patient/q"},"type":"refer"}]}"#
        );
        let subset = Subset::of(form_urlencoded::parse(query.as_bytes())).unwrap();
        let document = Document::parse(text.to_owned(), &Limits::default()).unwrap();
        let mut out = Vec::new();
        subset.cut(document.root(), &mut out);
        let out = String::from_utf8(out).unwrap();
        let out = out.strip_prefix(r#"{"resourceType":"Patient","#).unwrap();
        assert_eq!(out.split(r#","meta""#).next(), Some(expected), "{query}");
    }

    #[test]
    fn elements_within_elements_are_named_by_their_path() {
        check_inside("_elements=name.family", r#""name":[{"family":"F"}]"#);
        check_inside(
            "_elements=Patient.name.text,name.use",
            r#""name":[{"use":"usual"},{"text":"T"}]"#,
        );
        check_inside(
            "_elements=name.use,name",
            r#""name":[{"use":"usual","family":"F","given":["G"]},{"text":"T"}]"#,
        );
        check_inside(
            "_elements=link.id",
            r#""link":[{"id":"l","other":{"reference":"Patient/q"},"type":"refer"}]"#,
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for query in ["_summary=maybe", "_elements=,", "_elements=a&_summary=true"] {
            assert!(Subset::of(form_urlencoded::parse(query.as_bytes())).is_err(), "{query}");
        }
        let whole = Subset::of(form_urlencoded::parse(b"_summary=false"));
        assert_eq!(whole, Ok(Subset::Whole));
    }
}
