//! A stripped body and the resource that comes back from it.

use super::{Splice, strip};
use crate::{Document, Limits};

/// The text with id `X`, version 7, time `T` spliced into its stripped body.
fn again(text: &str, body: Option<&str>) -> String {
    let document = Document::parse(text.to_owned(), &Limits::default()).unwrap();
    let stripped = strip(document.root());
    if let Some(body) = body {
        assert_eq!(String::from_utf8_lossy(&stripped.body), body, "the body of {text}");
    }
    let kept = stripped.splice.to_bytes();
    let mut out = Vec::new();
    Splice::from_bytes(&kept).unwrap().write(&stripped.body, "X", 7, "T", &mut out);
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn check(text: &str, body: &str, expected: &str) {
    assert_eq!(again(text, Some(body)), expected);
    assert_eq!(again(expected, None), expected, "what comes back is stable");
}

#[test]
fn the_id_goes_back_to_where_it_stood() {
    let meta = r#""meta":{"versionId":"7","lastUpdated":"T"}"#;
    check(
        r#"{"id":"1","resourceType":"P","a":1}"#,
        r#"{"resourceType":"P","a":1}"#,
        &format!(r#"{{"id":"X",{meta},"resourceType":"P","a":1}}"#),
    );
    check(
        r#"{"resourceType":"P","id":"1","a":1}"#,
        r#"{"resourceType":"P","a":1}"#,
        &format!(r#"{{"resourceType":"P","id":"X",{meta},"a":1}}"#),
    );
    check(
        r#"{"resourceType":"P","a":1,"id":"1"}"#,
        r#"{"resourceType":"P","a":1}"#,
        &format!(r#"{{"resourceType":"P","a":1,"id":"X",{meta}}}"#),
    );
    check(
        r#"{"resourceType":"P","\u0069d":"1","a":{"id":"kept"}}"#,
        r#"{"resourceType":"P","a":{"id":"kept"}}"#,
        &format!(r#"{{"resourceType":"P","id":"X",{meta},"a":{{"id":"kept"}}}}"#),
    );
}

#[test]
fn a_missing_id_goes_behind_the_type() {
    let both = r#""id":"X","meta":{"versionId":"7","lastUpdated":"T"}"#;
    check(
        r#"{"resourceType":"P","a":1}"#,
        r#"{"resourceType":"P","a":1}"#,
        &format!(r#"{{"resourceType":"P",{both},"a":1}}"#),
    );
    check(
        r#"{"a":1,"resourceType":"P"}"#,
        r#"{"a":1,"resourceType":"P"}"#,
        &format!(r#"{{"a":1,"resourceType":"P",{both}}}"#),
    );
    check(r#"{"a":1}"#, r#"{"a":1}"#, &format!(r#"{{{both},"a":1}}"#));
    check("{}", "{}", &format!("{{{both}}}"));
    check(r#"{ "meta" : {} , "id":"1" }"#, "{}", &format!("{{{both}}}"));
}

#[test]
fn an_emptied_meta_vanishes_and_is_made_anew_at_its_place() {
    check(
        r#"{"resourceType":"P","meta":{"versionId":"1"},"a":1,"id":"1"}"#,
        r#"{"resourceType":"P","a":1}"#,
        r#"{"resourceType":"P","meta":{"versionId":"7","lastUpdated":"T"},"a":1,"id":"X"}"#,
    );
    check(
        r#"{"id":"1","resourceType":"P","meta":{"lastUpdated":"","version\u0049d":""}}"#,
        r#"{"resourceType":"P"}"#,
        r#"{"id":"X","resourceType":"P","meta":{"versionId":"7","lastUpdated":"T"}}"#,
    );
    check(
        r#"{"resourceType":"P","meta":{},"a":1}"#,
        r#"{"resourceType":"P","a":1}"#,
        r#"{"resourceType":"P","id":"X","meta":{"versionId":"7","lastUpdated":"T"},"a":1}"#,
    );
}

#[test]
fn a_meta_with_more_keeps_it() {
    let new = r#""versionId":"7","lastUpdated":"T""#;
    for (meta, stripped, expected) in [
        (r#""versionId":"1","lastUpdated":"t","profile":["p"]"#, r#""profile":["p"]"#, "N,P"),
        (r#""profile":["p"]"#, r#""profile":["p"]"#, "N,P"),
        (r#""profile":["p"],"versionId":"1""#, r#""profile":["p"]"#, "P,N"),
        (r#""profile":["p"],"versionId":"1","lastUpdated":"t""#, r#""profile":["p"]"#, "P,N"),
        (r#""versionId":"1","profile":["p"],"lastUpdated":"t""#, r#""profile":["p"]"#, "N,P"),
    ] {
        let expected = expected.replace('N', new).replace('P', r#""profile":["p"]"#);
        check(
            &format!(r#"{{"resourceType":"P","id":"1","meta":{{{meta}}},"a":1}}"#),
            &format!(r#"{{"resourceType":"P","meta":{{{stripped}}},"a":1}}"#),
            &format!(r#"{{"resourceType":"P","id":"X","meta":{{{expected}}},"a":1}}"#),
        );
        check(
            &format!(r#"{{"meta":{{{meta}}},"id":"1"}}"#),
            &format!(r#"{{"meta":{{{stripped}}}}}"#),
            &format!(r#"{{"meta":{{{expected}}},"id":"X"}}"#),
        );
    }
}

#[test]
fn the_layout_of_the_text_stays() {
    check(
        r#"{
  "resourceType": "P",
  "id": "1",
  "meta": {
    "versionId": "1",
    "profile": [ "p" ]
  },
  "a": 1.50
}"#,
        "{\n  \"resourceType\": \"P\",\n  \n  \"meta\": {\n    \n    \
         \"profile\": [ \"p\" ]\n  },\n  \"a\": 1.50\n}",
        r#"{
  "resourceType": "P",
  "id":"X",
  "meta": {
    "versionId":"7","lastUpdated":"T",
    "profile": [ "p" ]
  },
  "a": 1.50
}"#,
    );
    check(
        r#"{ "resourceType" : "P" , "id" : "1" , "meta" : { "versionId" : "1" } }"#,
        r#"{ "resourceType" : "P"   }"#,
        r#"{ "resourceType" : "P" ,"id":"X" ,"meta":{"versionId":"7","lastUpdated":"T"} }"#,
    );
}

#[test]
fn a_resource_inside_a_bundle_is_stripped_alone() {
    let text = r#"{"id":"b","entry":[{"resource":{"resourceType":"P","id":"1","a":"é"}}]}"#;
    let document = Document::parse(text, &Limits::default()).unwrap();
    let entry = document.root().get("entry").unwrap().elements().next().unwrap();
    let stripped = strip(entry.get("resource").unwrap());
    assert_eq!(stripped.body, r#"{"resourceType":"P","a":"é"}"#.as_bytes());
}

#[test]
fn what_is_no_meta_is_left_alone() {
    let expected = r#"{"resourceType":"P","id":"X","meta":null}"#;
    check(
        r#"{"resourceType":"P","id":"1","meta":null}"#,
        r#"{"resourceType":"P","meta":null}"#,
        expected,
    );
}

#[test]
fn the_hash_is_of_the_content() {
    let hash = |text: &str| {
        strip(Document::parse(text.to_owned(), &Limits::default()).unwrap().root()).hash
    };
    let one = hash(r#"{"resourceType":"P","a":["é\n",1.50,true]}"#);
    for same in [
        r#"{"id":"5","resourceType":"P","a":["\u00e9\n",1.50,true],"meta":{"versionId":"3"}}"#,
        r#"{"a":["é\n",1.50,true],"id":"6","resourceType":"P"}"#,
        "{ \"resourceType\" : \"\\u0050\",\n \"\\u0061\" : [ \"é\\u000A\" ,\t1.50 , true ] }\n",
    ] {
        assert_eq!(hash(same), one, "{same}");
    }
    for other in [
        r#"{"resourceType":"P","a":["é\n",1.5,true]}"#,
        r#"{"resourceType":"P","a":["é\\n",1.50,true]}"#,
        r#"{"resourceType":"P","a":[1.50,"é\n",true]}"#,
        r#"{"resourceType":"P","a":["é\n",1.50,true,{}]}"#,
        r#"{"resourceType":"P","a":[["é\n",1.50,true]]}"#,
        r#"{"resourceType":"P","a":"é\n","b":[1.50,true]}"#,
        r#"{"resourceType":"P","a":["é\n",1.50,true],"b":null}"#,
        r#"{"resourceType":"P","a":["é\n",1.50,"true"]}"#,
        r#"{"resourceType":"P","a":["é\n ",1.50,true]}"#,
    ] {
        assert_ne!(hash(other), one, "{other}");
    }
    let nested = hash(r#"{"a":[{"x":1,"y":{"z":2}},{"x":3}],"b":{"x":1}}"#);
    assert_eq!(hash(r#"{"b":{"x":1},"a":[{"y":{"z":2},"x":1},{"x":3}]}"#), nested);
    for other in [
        r#"{"a":[{"x":3},{"x":1,"y":{"z":2}}],"b":{"x":1}}"#,
        r#"{"a":[{"x":3,"y":{"z":2}},{"x":1}],"b":{"x":1}}"#,
        r#"{"b":[{"x":1,"y":{"z":2}},{"x":3}],"a":{"x":1}}"#,
    ] {
        assert_ne!(hash(other), nested, "{other}");
    }
    // Stored hashes are compared with hashes of later releases.
    let stored = u128::from_be_bytes(hash(r#"{"a":["b",1]}"#));
    assert_eq!(stored, 252_399_277_373_885_186_008_896_929_429_748_196_724);
}

#[test]
fn only_a_splice_is_read_as_one() {
    let document = Document::parse("{}", &Limits::default()).unwrap();
    let bytes = strip(document.root()).splice.to_bytes();
    assert!(Splice::from_bytes(&bytes).is_some());
    assert!(Splice::from_bytes(&bytes[1..]).is_none());
    assert!(Splice::from_bytes(&[&bytes[..], &[0]].concat()).is_none());
    for place in 8..12 {
        let mut other = bytes;
        other[place] = 9;
        assert!(Splice::from_bytes(&other).is_none());
    }
    let mut out = Vec::new();
    Splice::from_bytes(&[0xFF; 8].iter().copied().chain([2, 0, 0, 0]).collect::<Vec<_>>())
        .unwrap()
        .write(b"{}", "X", 1, "T", &mut out); // a splice of another body: nonsense, but no panic
}
