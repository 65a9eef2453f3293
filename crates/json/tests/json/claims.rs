//! What must be true of any bytes, whoever made them.

use json::{Document, Edits, ErrorKind, Kind, Limits, Splice, Value, Writer};
use serde_json::{Map, Value as Other};

/// serde_json allows one level of nesting less than its limit of 128.
const LIMITS: Limits = Limits { bytes: 1 << 20, depth: 127, nodes: 1 << 20 };

/// Checks everything; gives the document when the bytes are one.
pub(crate) fn check(bytes: &[u8]) -> Option<Document> {
    let ours = Document::parse(bytes.to_vec(), &LIMITS);
    let theirs = serde_json::from_slice::<Other>(bytes);
    let (document, other) = match (ours, theirs) {
        (Ok(document), Ok(other)) => (document, other),
        // Of numbers we keep the text, so that none is too large.
        (Ok(document), Err(error)) if error.to_string().starts_with("number out of range") => {
            return Some(document);
        }
        (Ok(_), Err(error)) => panic!("only we accept {:?}: {error}", lossy(bytes)),
        (Err(error), Ok(_)) => {
            let on_purpose = matches!(error.kind, ErrorKind::DuplicateKey(_));
            assert!(on_purpose, "only serde_json accepts {:?}: {error}", lossy(bytes));
            return None;
        }
        (Err(_), Err(_)) => return None,
    };
    assert_same(document.root(), &other);
    layout_changes_nothing(&document, &other);
    writing_what_was_read_changes_nothing(&document, &other);
    if document.root().kind() == Kind::Object {
        a_stripped_resource_comes_back(&document, &other);
        edits_do_what_rebuilding_would(&document, &other);
    }
    Some(document)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn parse(bytes: Vec<u8>) -> Document {
    Document::parse(bytes, &LIMITS).expect("what the crate writes is JSON")
}

fn assert_same(ours: Value<'_>, theirs: &Other) {
    match theirs {
        Other::Null => assert_eq!(ours.kind(), Kind::Null),
        Other::Bool(truth) => assert_eq!(ours.as_bool(), Some(*truth)),
        Other::Number(number) => {
            let text = ours.as_number().expect("a number");
            assert_eq!(&serde_json::from_str::<serde_json::Number>(text).unwrap(), number);
        }
        Other::String(text) => {
            assert_eq!(ours.as_str().expect("a string"), text.as_str());
            assert!(ours.is_str(text));
        }
        Other::Array(elements) => {
            assert_eq!((ours.kind(), ours.len()), (Kind::Array, elements.len()));
            ours.elements().zip(elements).for_each(|(ours, theirs)| assert_same(ours, theirs));
        }
        Other::Object(members) => {
            assert_eq!((ours.kind(), ours.len()), (Kind::Object, members.len()));
            for member in ours.members() {
                assert!(member.is(&member.key()));
                assert_same(member.value(), &members[member.key().as_ref()]);
            }
        }
    }
}

fn layout_changes_nothing(document: &Document, other: &Other) {
    let (pretty, compact) = (json::pretty(document), json::compact(document));
    let (pretty, compact) = (parse(pretty), parse(compact));
    assert_same(pretty.root(), other);
    assert_same(compact.root(), other);
    assert_eq!(json::compact(&pretty), compact.bytes()[..]);
    assert_eq!(json::pretty(&compact), pretty.bytes()[..]);
    let texts = |document: &Document| -> Vec<String> {
        let strings = document.root().strings();
        strings.map(|(key, value)| format!("{key:?} {}", value.raw_str())).collect()
    };
    assert_eq!(texts(&pretty), texts(&compact));
}

fn writing_what_was_read_changes_nothing(document: &Document, other: &Other) {
    let mut out = Vec::new();
    write(document.root(), &mut Writer::new(&mut out));
    assert_same(parse(out).root(), other);
}

fn write(value: Value<'_>, writer: &mut Writer<'_>) {
    match value.kind() {
        Kind::Null => drop(writer.null()),
        Kind::Bool => drop(writer.bool(value.as_bool().unwrap())),
        Kind::Number => drop(writer.number_text(value.as_number().unwrap())),
        Kind::String => drop(writer.string(&value.as_str().unwrap())),
        Kind::Array => {
            writer.begin_array();
            value.elements().for_each(|element| write(element, writer));
            writer.end_array();
        }
        Kind::Object => {
            writer.begin_object();
            for member in value.members() {
                writer.key(&member.key());
                write(member.value(), writer);
            }
            writer.end_object();
        }
    }
}

fn a_stripped_resource_comes_back(document: &Document, other: &Other) {
    let stripped = json::strip(document.root());
    parse(stripped.body.clone());
    let splice = Splice::from_bytes(&stripped.splice.to_bytes()).unwrap();
    let mut out = Vec::new();
    splice.write(&stripped.body, "an-id", 7, "a time", &mut out);
    let back = parse(out);
    assert!(back.root().get("id").is_some_and(|id| id.is_str("an-id")));
    let meta = back.root().get("meta").expect("there is always a meta");
    if meta.kind() == Kind::Object {
        assert!(meta.get("versionId").is_some_and(|version| version.is_str("7")));
        assert!(meta.get("lastUpdated").is_some_and(|updated| updated.is_str("a time")));
    }
    let back_other = serde_json::from_slice::<Other>(back.bytes()).unwrap();
    assert_eq!(content(back_other), content(other.clone()));
    let again = json::strip(back.root());
    assert_eq!(again.hash, stripped.hash, "the content is the same");
    assert_eq!(json::compact(&parse(again.body)), json::compact(&parse(stripped.body)));
    let pretty = parse(json::pretty(document));
    assert_eq!(json::strip(pretty.root()).hash, stripped.hash, "layout is not content");
}

/// A resource without what `strip` takes away.
fn content(mut resource: Other) -> Other {
    let members = resource.as_object_mut().unwrap();
    members.remove("id");
    if let Some(Other::Object(meta)) = members.get_mut("meta") {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        if meta.is_empty() {
            members.remove("meta");
        }
    }
    resource
}

/// Per member of the root and by its place: nothing, replaced, removed, set; and one new member.
fn edits_do_what_rebuilding_would(document: &Document, other: &Other) {
    let root = document.root();
    for turn in 0..4 {
        let mut edits = Edits::new(document);
        let mut expected: Map<String, Other> = other.as_object().unwrap().clone();
        edits.set(root, "new \"key\"", "[1]");
        expected.insert("new \"key\"".to_owned(), Other::from(vec![1]));
        for (place, member) in root.members().enumerate().filter(|(_, m)| !m.is("new \"key\"")) {
            let key = member.key().into_owned();
            match (place + turn) % 4 {
                0 => continue,
                1 => edits.replace(member.value(), "\"replaced\""),
                2 => edits.remove(root, &key),
                _ => edits.set(root, &key, "\"set\""),
            }
            match (place + turn) % 4 {
                1 => expected.insert(key, Other::from("replaced")),
                2 => expected.remove(&key),
                _ => expected.insert(key, Other::from("set")),
            };
        }
        let edited = parse(edits.apply().expect("the edits do not overlap"));
        assert_same(edited.root(), &Other::Object(expected));
    }
}
