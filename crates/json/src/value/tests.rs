//! What a view shows of a value.

use std::borrow::Cow;

use super::{Kind, Value};
use crate::{Document, Limits};

const TEXT: &str =
    r#"{ "a" : 1.50, "b\n":"x\u00e9\"y", "c":["plain", true, null, {"d":[]}], "e":{} }"#;

fn parse(text: &str) -> Document {
    Document::parse(text.to_owned(), &Limits::default()).unwrap()
}

#[test]
fn members_and_elements_are_shown_as_written_and_decoded() {
    let document = parse(TEXT);
    let root = document.root();
    let keys: Vec<_> = root.members().map(|member| member.key()).collect();
    assert_eq!(keys, ["a", "b\n", "c", "e"]);
    let raw: Vec<_> = root.members().map(|member| member.key_raw()).collect();
    assert_eq!(raw, [&b"a"[..], b"b\\n", b"c", b"e"]);
    let texts: Vec<_> = root.members().map(|member| &TEXT[member.span()]).collect();
    assert_eq!(texts[0], "\"a\" : 1.50");
    assert_eq!(texts[3], "\"e\":{}");
    let kinds: Vec<_> = root.get("c").unwrap().elements().map(Value::kind).collect();
    assert_eq!(kinds, [Kind::String, Kind::Bool, Kind::Null, Kind::Object]);
    assert_eq!((root.len(), root.get("c").unwrap().len(), root.get("a").unwrap().len()), (4, 4, 0));
    assert!(root.get("b").is_none() && root.get("d").is_none() && root.elements().next().is_none());
    assert!(root.members().any(|member| member.is("b\n")));
}

#[test]
fn scalars_are_read_exactly() {
    let document = parse(TEXT);
    let root = document.root();
    assert_eq!(root.get("a").unwrap().as_number(), Some("1.50"));
    assert_eq!(root.get("a").unwrap().as_str(), None);
    let escaped = root.get("b\n").unwrap();
    assert_eq!(escaped.as_str().unwrap(), "xé\"y");
    assert!(escaped.is_str("xé\"y"));
    for other in ["", "x", "xé\"", "xé\"yz", "xe\"y", r#"x\u00e9\"y"#] {
        assert!(!escaped.is_str(other), "{other}");
    }
    let mut elements = root.get("c").unwrap().elements();
    let plain = elements.next().unwrap();
    assert!(matches!(plain.as_str(), Some(Cow::Borrowed("plain"))) && plain.is_str("plain"));
    let truth = elements.next().unwrap();
    assert_eq!((truth.as_bool(), truth.raw_str(), truth.as_number()), (Some(true), "true", None));
    assert!(!truth.is_str("true"));
}

#[test]
fn places_are_counted_in_lines_and_characters() {
    let document = parse("{\n  \"é\": [\"é\", 1]\n}");
    let array = document.root().get("é").unwrap();
    let one = array.elements().nth(1).unwrap();
    assert_eq!(one.position().to_string(), "line 2, column 14");
    assert_eq!(document.position(one.span().start), one.position());
    assert_eq!(document.position(usize::MAX).to_string(), "line 3, column 2");
}

#[track_caller]
fn check_strings(text: &str, expected: &[&str]) {
    let document = parse(text);
    let found: Vec<String> = document
        .root()
        .strings()
        .map(|(key, value)| {
            format!("{}={}", key.as_deref().unwrap_or("-"), value.as_str().unwrap())
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn strings_come_with_the_key_around_them() {
    check_strings(r#""a""#, &["-=a"]);
    check_strings("[1,{},[]]", &[]);
    check_strings(r#"["a",["b"],{"c":"d"},"e"]"#, &["-=a", "-=b", "c=d", "-=e"]);
    check_strings(
        r#"{"a":["b",[1,"c"],{"d":["e"],"f":"g"},"h"],"i":{"\u006a":"k"},"l":[[]],"m":"n"}"#,
        &["a=b", "a=c", "d=e", "f=g", "a=h", "j=k", "m=n"],
    );
    let document = parse(r#"{"a":["b"],"c":["d"],"e":"f"}"#);
    let inside: Vec<_> = document.root().get("c").unwrap().strings().collect();
    assert_eq!(inside.len(), 1);
    assert_eq!((inside[0].0.as_deref(), inside[0].1.raw_str()), (Some("c"), "\"d\""));
}

#[test]
fn a_key_ends_at_its_own_quote_whatever_stands_before_the_value() {
    for (written, key) in [
        (r#""""#, ""),
        (r#""a""#, "a"),
        (r#""a\"""#, "a\""),
        (r#""a\\""#, "a\\"),
        (r#""a\":""#, "a\":"),
        (r#"" : ""#, " : "),
        (r#""é\u0022 :""#, "é\" :"),
    ] {
        for colon in [":", ": ", " :", " : ", ":  ", "\n:\t", "\r\n \t:\n\n  "] {
            for value in ["1", "\"\"", "\":\"", "[\"x\"]", "{}", "{\"\": 2}"] {
                let document = parse(&format!("{{\"z\":0,{written}{colon}{value},\"b\":1}}"));
                let member = document.root().members().nth(1).unwrap();
                assert_eq!(member.key(), key, "{written}{colon}{value}");
                assert_eq!(member.key_raw(), &written.as_bytes()[1..written.len() - 1]);
                assert!(member.is(key));
                for (found, _) in member.value().strings() {
                    assert_eq!(found.as_deref(), Some(key));
                }
            }
        }
    }
}

#[test]
fn no_key_reaches_behind_its_own_end() {
    let document = parse(r#"{"birthDate":"2000-01-01","gender":"male"}"#);
    let root = document.root();
    assert!(root.get(r#"birthDate":"2000-01-01","gender"#).is_none());
    assert!(root.get("birthDate").is_some_and(|date| date.is_str("2000-01-01")));
}
