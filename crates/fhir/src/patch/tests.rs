//! Patches as tables: a resource, a patch, and what comes out.

use base::limits::{PATCH_BYTES, PATCH_OPERATIONS};
use json::{Document, Limits};

use super::{ErrorKind, Setting, fhirpath_diff, fhirpath_patch, json_patch};
use crate::path::Schema;
use crate::value::Moment;

fn document(text: &str) -> Document {
    Document::parse(text.to_owned(), &Limits::default()).expect(text)
}

fn shown(result: Result<Document, super::Error>) -> String {
    match result {
        Ok(document) => document.root().raw_str().to_owned(),
        Err(error) => format!("{:?}: {error}", error.kind),
    }
}

fn json(resource: &str, patch: &str, expected: &str) {
    let found = shown(json_patch(&document(resource), &document(patch)));
    assert_eq!(found, expected, "{resource}\n{patch}");
}

/// `$` stands for the resource type, a Patient. Each operation is its parts: a name, and the
/// members beside it. What the engine says of a path
/// is not compared.
fn path(resource: &str, operations: &[&[(&str, &str)]], expected: &str) {
    let operation = |parts: &&[(&str, &str)]| {
        let part = |(name, value): &(&str, &str)| format!(r#"{{"name":"{name}",{value}}}"#);
        let parts: Vec<String> = parts.iter().map(part).collect();
        format!(r#"{{"name":"operation","part":[{}]}}"#, parts.join(","))
    };
    let all: Vec<String> = operations.iter().map(operation).collect();
    let patch = format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, all.join(","));
    let now = Moment::parse_partial("2026-11-24T12:00:00Z").expect("a time");
    let setting = Setting { schema: Schema::r4(), now };
    let patch = document(&patch);
    let full = |text: &str| text.replace('$', r#""resourceType":"Patient""#);
    let (resource, expected) = (full(resource), full(expected));
    let mut found = shown(fhirpath_patch(&document(&resource), patch.root(), &setting));
    if expected.ends_with(": ") {
        found.truncate(expected.len());
    }
    assert_eq!(found, expected, "{resource}\n{patch:?}", patch = patch.root());
}

#[test]
fn json_patch_leaves_what_it_does_not_name() {
    let patient = "{ \"id\" : \"1\",\n  \"name\": [ {\"family\":\"A\"} , {\"family\":\"B\"} ] }";
    json(
        patient,
        r#"[{"op":"add","path":"/name/1","value":{"family":"\u0043"}}]"#,
        "{ \"id\" : \"1\",\n  \"name\": [ {\"family\":\"A\"} , \
         {\"family\":\"\\u0043\"},{\"family\":\"B\"} ] }",
    );
    json(
        r#"{"value":1.50,"x":[1e3]}"#,
        r#"[{"op":"copy","from":"/value","path":"/x/-"},{"op":"move","from":"/x/0","path":"/y"}]"#,
        r#"{"value":1.50,"x":[1.50],"y":1e3}"#,
    );
    json(r#"{"a":1}"#, r#"[{"op":"test","path":"/a","value":1.0}]"#, r#"{"a":1}"#);
    json(r#"{"a":1}"#, r#"[{"op":"replace","path":"","value":{"b":2}}]"#, r#"{"b":2}"#);
    json(r#"{"a":1}"#, r#"[{"op":"move","from":"/a","path":"/a"}]"#, r#"{"a":1}"#);
    json(r#"{"a~/":1}"#, r#"[{"op":"remove","path":"/a~0~1"}]"#, "{}");
}

#[test]
fn json_patch_leaves_nothing_empty_where_it_takes_away() {
    let rows = [
        (r#"[{"op":"remove","path":"/name/0"}]"#, r#"{"active":true}"#),
        (r#"[{"op":"remove","path":"/name/0/given/0"}]"#, r#"{"active":true}"#),
        (
            r#"[{"op":"move","from":"/name/0/given/0","path":"/text"}]"#,
            r#"{"active":true,"text":"A"}"#,
        ),
        (
            r#"[{"op":"remove","path":"/name/0"},{"op":"add","path":"/name/-","value":"B"}]"#,
            r#"{"name":["B"],"active":true}"#,
        ),
        (
            r#"[{"op":"add","path":"/telecom","value":[]}]"#,
            r#"{"name":[{"given":["A"]}],"active":true,"telecom":[]}"#,
        ),
    ];
    for (patch, expected) in rows {
        json(r#"{"name":[{"given":["A"]}],"active":true}"#, patch, expected);
    }
}

#[test]
fn json_patch_keeps_the_places_beside_primitives() {
    let given = r#"{"given":["A","B"],"_given":[{"extension":[1]},{"extension":[2]}]}"#;
    json(
        given,
        r#"[{"op":"remove","path":"/_given/0/extension"}]"#,
        r#"{"given":["A","B"],"_given":[null,{"extension":[2]}]}"#,
    );
    json(
        given,
        r#"[{"op":"remove","path":"/_given/0/extension"},
            {"op":"remove","path":"/_given/1/extension/0"}]"#,
        r#"{"given":["A","B"]}"#,
    );
}

#[test]
fn json_patch_says_which_operation_is_wrong() {
    let patient = r#"{"name":[{"family":"A"}]}"#;
    let rows = [
        (
            r#"{"op":"add"}"#,
            "Malformed: A JSON Patch is an array of operations: \
          [{\"op\":\"replace\",\"path\":\"/active\",\"value\":true}].",
        ),
        (
            r#"[{"path":"/name"}]"#,
            "Malformed: Operation 1 of the patch: 'op' is missing: add, \
          remove, replace, move, copy or test",
        ),
        (
            r#"[{"op":"test","path":"/name/0/family","value":"A"},{"op":"drop","path":"/name"}]"#,
            "Malformed: Operation 2 of the patch: 'drop' is not an operation: add, remove, \
          replace, move, copy, test",
        ),
        (
            r#"[{"op":"add","path":"/active"}]"#,
            "Malformed: Operation 1 of the patch: add: 'value' is missing",
        ),
        (
            r#"[{"op":"remove","path":"name"}]"#,
            "Malformed: Operation 1 of the patch: 'name' is \
          not a JSON Pointer: those begin with '/', as /name/0",
        ),
        (
            r#"[{"op":"remove","path":"/a~2"}]"#,
            "Malformed: Operation 1 of the patch: in '/a~2', \
          '~' is not followed by 0 (for ~) or 1 (for /)",
        ),
        (
            r#"[{"op":"remove","path":"/name/1"}]"#,
            "Inapplicable: Operation 1 of the patch: remove \
          /name/1: there is nothing at /name/1",
        ),
        (
            r#"[{"op":"add","path":"/name/2","value":{}}]"#,
            "Inapplicable: Operation 1 of the \
          patch: add /name/2: /name has 1 elements, there is no place 2 in it",
        ),
        (
            r#"[{"op":"add","path":"/name/01","value":{}}]"#,
            "Inapplicable: Operation 1 of the \
          patch: add /name/01: '01' is not an index into the array /name: those are 0, 1, 2…",
        ),
        (
            r#"[{"op":"add","path":"/name/0/family/x","value":1}]"#,
            "Inapplicable: Operation 1 of \
          the patch: add /name/0/family/x: /name/0/family has nothing inside it: it is neither \
          object nor array",
        ),
        (
            r#"[{"op":"test","path":"/name/0","value":{"family":"B"}}]"#,
            "Inapplicable: Operation \
          1 of the patch: test /name/0: the value there is another one; nothing was changed",
        ),
        (
            r#"[{"op":"move","from":"/name","path":"/name/0/x"}]"#,
            "Inapplicable: Operation 1 of \
          the patch: move /name/0/x: /name cannot move into itself",
        ),
        (
            r#"[{"op":"remove","path":""}]"#,
            "Inapplicable: Operation 1 of the patch: remove : the \
          resource itself cannot be removed",
        ),
    ];
    for (patch, expected) in rows {
        json(patient, patch, expected);
    }
}

const TYPE_ADD: (&str, &str) = ("type", r#""valueCode":"add""#);
const TYPE_INSERT: (&str, &str) = ("type", r#""valueCode":"insert""#);
const TYPE_DELETE: (&str, &str) = ("type", r#""valueCode":"delete""#);
const TYPE_REPLACE: (&str, &str) = ("type", r#""valueCode":"replace""#);
const TYPE_MOVE: (&str, &str) = ("type", r#""valueCode":"move""#);

#[test]
fn fhirpath_patch_keeps_values_and_their_siblings_in_step() {
    let given = r#"{$,"name":[{"given":["A","B"],"_given":[null,{"id":"b"}]}]}"#;
    let list = ("path", r#""valueString":"Patient.name.given""#);
    let zero = ("index", r#""valueInteger":0"#);
    path(
        given,
        &[&[TYPE_INSERT, list, zero, ("value", r#""valueString":"C""#)]],
        r#"{$,"name":[{"given":["C","A","B"],"_given":[null,null,{"id":"b"}]}]}"#,
    );
    path(
        given,
        &[&[
            TYPE_MOVE,
            list,
            ("source", r#""valueInteger":1"#),
            ("destination", r#""valueInteger":0"#),
        ]],
        r#"{$,"name":[{"given":["B","A"],"_given":[{"id":"b"},null]}]}"#,
    );
    path(
        given,
        &[&[TYPE_DELETE, ("path", r#""valueString":"Patient.name.given[1]""#)]],
        r#"{$,"name":[{"given":["A"]}]}"#,
    );
    path(
        given,
        &[&[
            TYPE_REPLACE,
            ("path", r#""valueString":"Patient.name.given[0]""#),
            ("value", r#""_valueString":{"id":"a"}"#),
        ]],
        r#"{$,"name":[{"given":[null,"B"],"_given":[{"id":"a"},{"id":"b"}]}]}"#,
    );
}

#[test]
fn fhirpath_patch_names_choices_by_their_type() {
    let patient = r#"{$,"deceasedBoolean":false,"id":"1"}"#;
    let deceased = ("path", r#""valueString":"Patient.deceased""#);
    path(
        patient,
        &[&[TYPE_REPLACE, deceased, ("value", r#""valueDateTime":"2020-01-01""#)]],
        r#"{$,"id":"1","deceasedDateTime":"2020-01-01"}"#,
    );
    path(
        patient,
        &[&[TYPE_REPLACE, deceased, ("value", r#""valueInteger":1"#)]],
        "Malformed: Operation 1 of the patch: replace Patient.deceased: deceased takes boolean, \
         dateTime, not valueInteger",
    );
    path(
        patient,
        &[&[
            TYPE_ADD,
            ("path", r#""valueString":"Patient""#),
            ("name", r#""valueString":"deceased""#),
            ("value", r#""valueBoolean":true"#),
        ]],
        "Inapplicable: Operation 1 of the patch: add Patient: there is a deceasedBoolean already; \
         use replace",
    );
    path(
        r#"{$,"birthDate":"1970"}"#,
        &[&[
            TYPE_ADD,
            ("path", r#""valueString":"Patient.birthDate""#),
            ("name", r#""valueString":"extension""#),
            (
                "value",
                r#""part":[{"name":"url","valueUri":"u"},{"name":"value","valueDecimal":1.50}]"#,
            ),
        ]],
        r#"{$,"birthDate":"1970","_birthDate":{"extension":[{"url":"u","valueDecimal":1.50}]}}"#,
    );
}

#[test]
fn fhirpath_patch_leaves_nothing_empty() {
    let extended = r#"{$,"birthDate":"1970","_birthDate":{"extension":[{"url":"http://a"}]}}"#;
    path(
        extended,
        &[&[TYPE_DELETE, ("path", r#""valueString":"Patient.birthDate.extension""#)]],
        r#"{$,"birthDate":"1970"}"#,
    );
    path(extended, &[&[TYPE_DELETE, ("path", r#""valueString":"Patient.birthDate""#)]], r#"{$}"#);
    path(
        r#"{$,"contact":[{"name":{"given":["A"]}}]}"#,
        &[&[TYPE_DELETE, ("path", r#""valueString":"Patient.contact.name.given""#)]],
        r#"{$}"#,
    );
    path(r#"{$}"#, &[&[TYPE_DELETE, ("path", r#""valueString":"Patient.birthDate""#)]], r#"{$}"#);
}

#[test]
fn fhirpath_patch_says_which_operation_is_wrong() {
    let patient = r#"{$,"name":[{"family":"A"},{"family":"B"}]}"#;
    let rows: [(&[(&str, &str)], &str); 9] = [
        (
            &[TYPE_DELETE, ("path", r#""valueString":"Patient.nam""#)],
            "Malformed: Operation 1 of the patch: delete Patient.nam: the path is wrong: ",
        ),
        (
            &[TYPE_DELETE, ("path", r#""valueString":"Patient.name.""#)],
            "Malformed: Operation 1 of the patch: delete Patient.name.: the path is wrong: ",
        ),
        (
            &[TYPE_DELETE, ("path", r#""valueString":"Patient.name""#)],
            "Inapplicable: Operation 1 of the patch: delete Patient.name: the path finds 2 \
             elements, and one can be meant: add an index, [0] for the first",
        ),
        (
            &[TYPE_DELETE, ("path", r#""valueString":"Patient""#)],
            "Inapplicable: Operation 1 of the patch: delete Patient: that is the resource itself, \
             not an element of it",
        ),
        (
            &[TYPE_DELETE, ("path", r#""valueString":"Patient.name.count()""#)],
            "Inapplicable: Operation 1 of the patch: delete Patient.name.count(): the path \
             computes a value; it must find an element",
        ),
        (&[TYPE_DELETE], "Malformed: Operation 1 of the patch: the part 'path' is missing"),
        (
            &[TYPE_DELETE, ("path", r#""valueString":"Patient.name[0]""#), ("index", "\"x\":1")],
            "Malformed: Operation 1 of the patch: delete has no part 'index'",
        ),
        (
            &[
                TYPE_INSERT,
                ("path", r#""valueString":"Patient.name""#),
                ("index", r#""valueInteger":3"#),
                ("value", r#""valueHumanName":{"family":"C"}"#),
            ],
            "Inapplicable: Operation 1 of the patch: insert Patient.name: the list has 2 \
             elements, there is no place 3 in it",
        ),
        (
            &[
                TYPE_REPLACE,
                ("path", r#""valueString":"Patient.name[0]""#),
                ("value", r#""valueCoding":{"code":"C"}"#),
            ],
            "Malformed: Operation 1 of the patch: replace Patient.name[0]: name takes HumanName, \
             not valueCoding",
        ),
    ];
    for (operation, expected) in rows {
        path(patient, &[operation], expected);
    }
}

#[test]
fn a_patch_has_at_most_so_many_operations() {
    let test = r#"{"op":"test","path":"/a","value":1}"#;
    let patch = |count: usize| document(&format!("[{}]", vec![test; count].join(",")));
    let resource = document(r#"{"a":1}"#);
    assert!(json_patch(&resource, &patch(PATCH_OPERATIONS)).is_ok());
    let error = json_patch(&resource, &patch(PATCH_OPERATIONS + 1)).expect_err("one past it");
    assert_eq!(error.kind, ErrorKind::TooCostly);
}

#[test]
fn a_patch_goes_through_at_most_so_many_bytes() {
    let times = 64;
    let long = format!(r#"{{"a":1,"b":"{}"}}"#, " ".repeat(PATCH_BYTES / times - 14));
    assert_eq!(long.len() * times, PATCH_BYTES);
    let replace = r#"{"op":"replace","path":"/a","value":2}"#;
    let patch = |count: usize| document(&format!("[{}]", vec![replace; count].join(",")));
    let resource = document(&long);
    assert!(json_patch(&resource, &patch(times)).is_ok());
    let error = json_patch(&resource, &patch(times + 1)).expect_err("one past it");
    assert_eq!((error.kind, error.operation), (ErrorKind::TooCostly, Some(times + 1)));
}

fn list<'d>(of: json::Value<'d>, key: &str) -> impl Iterator<Item = json::Value<'d>> {
    of.get(key).into_iter().flat_map(json::Value::elements)
}

/// The operations of a diff of two Patients, each as the texts of its parts.
fn diff(before: &str, after: &str, expected: &[&str]) {
    let full = |text: &str| document(&text.replace('$', r#""resourceType":"Patient""#));
    let (before, after) = (full(before), full(after));
    let ignored = ["Patient.id", "Patient.meta.versionId"];
    let found = fhirpath_diff(before.root(), after.root(), &Schema::r4(), &ignored);
    let found = found.expect("both are Patients");
    let patch = Document::parse(found.patch, &Limits::default()).expect("JSON");
    let text = |part: json::Value<'_>| {
        let mut members = part.members().filter(|member| !member.is("name"));
        members.next().map_or_else(String::new, |member| {
            let value = member.value();
            let plain = value.as_str().map_or_else(|| value.raw_str().to_owned(), Into::into);
            if member.key().starts_with('_') { format!("_{plain}") } else { plain }
        })
    };
    let operations: Vec<String> = list(patch.root(), "parameter")
        .map(|of| list(of, "part").map(text).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        operations,
        expected,
        "{before:?} {after:?}",
        before = before.root(),
        after = after.root()
    );
    assert_eq!(found.operations, expected.len());
}

#[test]
fn a_diff_names_what_changed_and_nothing_else() {
    diff(
        r#"{$,"id":"1","meta":{"versionId":"1"}}"#,
        r#"{$,"id":"2","meta":{"versionId":"2"}}"#,
        &[],
    );
    diff(r#"{$,"active":true}"#, r#"{"active":true,$}"#, &[]);
    diff(r#"{$}"#, r#"{$,"active":true}"#, &["add Patient active true"]);
    diff(r#"{$,"active":true}"#, r#"{$}"#, &["delete Patient.active"]);
    diff(
        r#"{$,"name":[{"family":"A","given":["x","y"]}]}"#,
        r#"{$,"name":[{"family":"B","given":["x","z","y"]}]}"#,
        &["replace Patient.name[0].family B", "insert Patient.name[0].given 1 z"],
    );
    diff(
        r#"{$,"name":[{"family":"A"},{"family":"B"},{"family":"C"}]}"#,
        r#"{$,"name":[{"family":"B"},{"family":"D"}]}"#,
        &["replace Patient.name[2].family D", "delete Patient.name[0]"],
    );
    diff(
        r#"{$,"name":[{"family":"A"}]}"#,
        r#"{$,"name":[{"given":["B"]}]}"#,
        &["add Patient.name[0] given B", "delete Patient.name[0].family"],
    );
    diff(
        r#"{$,"multipleBirthBoolean":true}"#,
        r#"{$,"multipleBirthInteger":2}"#,
        &["replace Patient.multipleBirth 2"],
    );
    diff(
        r#"{$,"birthDate":"1970"}"#,
        r#"{$,"_birthDate":{"id":"x"}}"#,
        &[r#"replace Patient.birthDate _{"id":"x"}"#],
    );
    diff(
        r#"{$,"text":{"status":"empty","div":"<div>a</div>"}}"#,
        r#"{$,"text":{"status":"empty","div":"<div>b</div>"}}"#,
        &["replace Patient.text.`div` <div>b</div>"],
    );
    diff(
        r#"{$}"#,
        r#"{$,"contact":[{"name":{"family":"A"}}]}"#,
        &[r#"add Patient contact [{"name":"name","valueHumanName":{"family":"A"}}]"#],
    );
}

#[test]
fn resources_of_two_types_have_no_diff() {
    let (patient, group) =
        (document(r#"{"resourceType":"Patient"}"#), document(r#"{"resourceType":"Group"}"#));
    assert_eq!(fhirpath_diff(patient.root(), group.root(), &Schema::r4(), &[]), None);
}
