//! Edits give the text that a person would have written, and touch nothing else.

use super::{EditError, Edits};
use crate::{Document, Limits, Value};

fn parse(text: &str) -> Document {
    Document::parse(text.to_owned(), &Limits::default()).unwrap()
}

#[track_caller]
fn check(
    text: &str,
    edit: impl FnOnce(&mut Edits<'_>, Value<'_>),
    expected: Result<&str, EditError>,
) {
    let document = parse(text);
    let mut edits = Edits::new(&document);
    edit(&mut edits, document.root());
    let edited = edits.apply().map(|text| String::from_utf8(text).unwrap());
    assert_eq!(edited.as_deref(), expected.as_ref().map(|text| *text));
    if let Ok(text) = edited {
        parse(&text);
    }
}

#[test]
fn a_value_is_replaced_and_the_rest_stays() {
    check(
        " { \"a\" : 1.50 , \"b\":[ 1 ] }\n",
        |e, root| e.replace(root.get("a").unwrap(), "[2]"),
        Ok(" { \"a\" : [2] , \"b\":[ 1 ] }\n"),
    );
    check(
        "[1,2,3]",
        |e, root| {
            root.elements().for_each(|element| e.replace(element, "0"));
        },
        Ok("[0,0,0]"),
    );
    check("1", |e, root| e.replace(root, "2"), Ok("2"));
    check("[ 1 ]", |_, _| {}, Ok("[ 1 ]"));
}

#[test]
fn a_member_is_set_where_it_is_or_at_the_end() {
    check(r#"{"a":1,"b":2}"#, |e, root| e.set(root, "a", "3"), Ok(r#"{"a":3,"b":2}"#));
    check(r#"{"\u0061":1}"#, |e, root| e.set(root, "a", "3"), Ok(r#"{"\u0061":3}"#));
    check(r#"{"a":1 }"#, |e, root| e.set(root, "b\"", "3"), Ok(r#"{"a":1,"b\"":3 }"#));
    check("{ }", |e, root| e.set(root, "a", "3"), Ok(r#"{"a":3 }"#));
    check(
        "{}",
        |e, root| {
            e.set(root, "a", "1");
            e.set(root, "b", "2");
            e.set(root, "a", "3");
        },
        Ok(r#"{"a":3,"b":2}"#),
    );
    check(
        r#"{"a":{"b":{}}}"#,
        |e, root| {
            e.set(root.get("a").unwrap().get("b").unwrap(), "c", "1");
            e.set(root.get("a").unwrap(), "d", "2");
            e.set(root, "e", "3");
        },
        Ok(r#"{"a":{"b":{"c":1},"d":2},"e":3}"#),
    );
}

#[test]
fn a_member_is_removed_with_one_comma() {
    let remove = |keys: &'static [&str]| {
        move |e: &mut Edits<'_>, root: Value<'_>| keys.iter().for_each(|key| e.remove(root, key))
    };
    let text = r#"{ "a":1 , "b":2 , "c":3 }"#;
    check(text, remove(&["a"]), Ok(r#"{  "b":2 , "c":3 }"#));
    check(text, remove(&["b"]), Ok(r#"{ "a":1 ,  "c":3 }"#));
    check(text, remove(&["c"]), Ok(r#"{ "a":1 , "b":2  }"#));
    check(text, remove(&["b", "c"]), Ok(r#"{ "a":1   }"#));
    check(text, remove(&["a", "c"]), Ok(r#"{  "b":2  }"#));
    check(text, remove(&["a", "b", "c"]), Ok("{    }"));
    check(text, remove(&["d"]), Ok(text));
    check(
        r#"{"a":1,"b":2}"#,
        |e, root| {
            e.remove(root, "a");
            e.remove(root, "b");
            e.set(root, "c", "3");
            e.set(root, "d", "4");
        },
        Ok(r#"{"c":3,"d":4}"#),
    );
    check(
        r#"{"a":1,"b":2}"#,
        |e, root| {
            e.remove(root, "b");
            e.set(root, "c", "3");
        },
        Ok(r#"{"a":1,"c":3}"#),
    );
    check(
        r#"{"a":1,"b":2}"#,
        |e, root| {
            e.remove(root, "b");
            e.set(root, "b", "3");
        },
        Ok(r#"{"a":1,"b":3}"#),
    );
}

#[test]
fn edits_that_exclude_each_other_are_refused() {
    check(
        r#"{"a":[1]}"#,
        |e, root| {
            e.replace(root.get("a").unwrap(), "1");
            e.replace(root.get("a").unwrap().elements().next().unwrap(), "2");
        },
        Err(EditError::Overlap),
    );
    check(
        r#"{"a":[1]}"#,
        |e, root| {
            e.replace(root.get("a").unwrap(), "1");
            e.replace(root.get("a").unwrap(), "2");
        },
        Err(EditError::Overlap),
    );
    check(
        r#"{"a":{"b":1}}"#,
        |e, root| {
            e.remove(root, "a");
            e.set(root.get("a").unwrap(), "c", "1");
        },
        Err(EditError::Overlap),
    );
    check("[1]", |e, root| e.set(root, "a", "1"), Err(EditError::NotAnObject));
    let other = parse("[1]");
    check("[1]", |e, _| e.replace(other.root(), "1"), Err(EditError::Outside));
}

#[test]
fn the_text_of_one_value_can_be_had_edited() {
    let document = parse(r#"[ {"a":"x"}, {"b":"y"} ]"#);
    let mut elements = document.root().elements();
    let (first, second) = (elements.next().unwrap(), elements.next().unwrap());
    let mut edits = Edits::new(&document);
    edits.replace(second.get("b").unwrap(), "\"z\"");
    assert_eq!(edits.apply_to(second).unwrap(), br#"{"b":"z"}"#);
    let mut edits = Edits::new(&document);
    edits.replace(second.get("b").unwrap(), "\"z\"");
    assert_eq!(edits.apply_to(first), Err(EditError::Outside));
}
