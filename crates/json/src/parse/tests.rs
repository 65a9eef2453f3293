//! What is refused, with the sentence that says so, and what is accepted at each limit.

use crate::{Document, Limits};

fn outcome(text: &[u8], limits: &Limits) -> String {
    match Document::parse(text.to_vec(), limits) {
        Ok(document) => format!("{} values", document.source().tape.len()),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(text: impl AsRef<[u8]>, expected: &str) {
    assert_eq!(outcome(text.as_ref(), &Limits::default()), expected);
}

#[test]
fn every_kind_of_value_is_accepted() {
    check("null", "1 values");
    check(" \t\r\n[] ", "1 values");
    check(r#"{"a":[1,{"b":null},"c"],"d":true}"#, "7 values");
    check("[0,-0,-1.5e+10,1E-245,0.10,123456789012345678901234567890]", "7 values");
    check(r#"["\"\\\/\b\f\n\r\t\u00e9\uD834\uDD1E","\u0000","é","𝄞","\u007f"]"#, "6 values");
}

#[test]
fn structure_is_refused_where_it_breaks() {
    check("", "the document is empty: a JSON value is expected at line 1, column 1");
    check(" \n", "the document is empty: a JSON value is expected at line 1, column 1");
    check("[1,]", "expected a value but found ']' at line 1, column 4");
    check("[1 2]", "expected ',' or ']' but found '2' at line 1, column 4");
    check("[1}", "expected ',' or ']' but found '}' at line 1, column 3");
    check(r#"{"a":1]"#, "expected ',' or '}' but found ']' at line 1, column 7");
    check(r#"{"a" 1}"#, "expected ':' but found '1' at line 1, column 6");
    check(r#"{"a":1,}"#, "expected a key in double quotes but found '}' at line 1, column 8");
    check("{'a':1}", "expected a key in double quotes but found '\\'' at line 1, column 2");
    check("[\n  \"é\", é]", "expected a value but found 'é' at line 2, column 8");
    check("[\u{a0}]", "expected a value but found '\\u{a0}' at line 1, column 2");
    check("[] []", "the document ended before: remove what follows at line 1, column 4");
    check("]", "expected a value but found ']' at line 1, column 1");
    check("[1", "the document ends in the middle of a value at line 1, column 3");
    check("{\"a\":", "the document ends in the middle of a value at line 1, column 6");
    check("\"abc", "the document ends in the middle of a value at line 1, column 5");
    check("\"abc\\", "the document ends in the middle of a value at line 1, column 5");
}

#[test]
fn words_and_numbers_are_exact() {
    check("nul", "the document ends in the middle of a value at line 1, column 4");
    check("[True]", "expected a value but found 'T' at line 1, column 2");
    check("[tru]", "expected true, false or null but found ']' at line 1, column 5");
    check("[nulll]", "expected ',' or ']' but found 'l' at line 1, column 6");
    check("[NaN]", "expected a value but found 'N' at line 1, column 2");
    check("[+1]", "expected a value but found '+' at line 1, column 2");
    check("-", "the document ends in the middle of a value at line 1, column 2");
    let bad = "this is not a JSON number: write digits without a leading zero or plus, and at \
               least one digit after '.' and 'e' at line 1, column";
    for (text, column) in [
        ("[01]", 3),
        ("[-]", 3),
        ("[1.]", 4),
        ("[1e]", 4),
        ("[1e+]", 5),
        ("[1.2.3]", 5),
        ("[0e1-]", 5),
    ] {
        check(text, &format!("{bad} {column}"));
    }
}

#[test]
fn strings_hold_characters_only() {
    let escape = "this backslash begins no JSON escape: write \\\\ for a backslash itself, or one \
                  of \\\" \\/ \\b \\f \\n \\r \\t \\uXXXX at line 1, column 2";
    for text in [r#""\x""#, r#""\u12G4""#, r#""\u12""#, r#""\U0041""#, "\"\\\u{1}\""] {
        check(text, escape);
    }
    let lone = "this \\u escape is one half of a surrogate pair and so no character: write both \
                halves at line 1, column 2";
    for text in
        [r#""\ud800""#, r#""\udc00""#, r#""\ud800\u0041""#, r#""\udc00\ud800""#, r#""\ud800x""#]
    {
        check(text, lone);
    }
    let raw = "a string holds the raw control character U+000A: write it as \\u000a at line 1, \
               column 3";
    check("[\"\n\"]", raw);
    check(b"[\"\xff\"]", "the bytes are not UTF-8, the only encoding of JSON, at line 1, column 3");
    check(
        b"\"\xed\xa0\x80\"",
        "the bytes are not UTF-8, the only encoding of JSON, at line 1, column 2",
    );
    check(
        "\u{feff}{}",
        "a byte order mark begins the document: save it as UTF-8 without one at line 1, column 1",
    );
}

#[track_caller]
fn check_duplicate(text: &str, key: &str, column: usize) {
    let expected =
        format!("the key \"{key}\" occurs twice in one object, again at line 1, column {column}");
    check(text, &expected);
}

#[test]
fn a_key_occurs_once_however_it_is_spelled() {
    check_duplicate(r#"{"a":1,"a":2}"#, "a", 8);
    check_duplicate(r#"{"a":1,"\u0061":2}"#, "a", 8);
    check_duplicate(r#"{"\u0061":1,"a":2}"#, "a", 13);
    check_duplicate(r#"{"":1,"b":{"":1},"":2}"#, "", 18);
    check_duplicate(
        r#"{"resourceType":1,"b":{"c":[{"d":1}]},"resourceType":2}"#,
        "resourceType",
        39,
    );
    check_duplicate(r#"[{"a":{"x":1,"x":1}}]"#, "x", 14);
    check(r#"{"a":{"a":{"a":1}},"b":{"a":1},"ab":1,"aa":[{"a":1},{"a":2}]}"#, "12 values");
}

#[test]
fn a_duplicate_is_found_among_any_number_of_keys() {
    for count in 1..80 {
        let keys = |last: &str| {
            let members: String = (0..count).map(|n| format!("\"key-{n}\":{n},")).collect();
            format!("{{{members}\"{last}\":0}}")
        };
        check(keys("other"), &format!("{} values", count + 2));
        for again in [0, count / 2, count - 1] {
            let key = format!("key-{again}");
            let column = keys(&key).rfind('"').unwrap_or(0) - key.len();
            check_duplicate(&keys(&key), &key, column);
        }
    }
}

#[test]
fn a_document_at_a_limit_is_accepted_and_one_past_it_refused() {
    let limits = Limits { bytes: 9, depth: 3, nodes: 4 };
    let check =
        |text: &str, expected: &str| assert_eq!(outcome(text.as_bytes(), &limits), expected);
    check("[[[]]]   ", "3 values");
    check("[[[]]]    ", "the document has more than 9 bytes at line 1, column 1");
    check("[[[[]]]]", "more than 3 levels of nesting at line 1, column 4");
    check("[1,2,3]", "4 values");
    check("[1,2,3,4]", "the document has more than 4 values at line 1, column 8");
}

#[test]
fn depth_costs_no_stack_and_many_keys_no_time() {
    let deep = Limits { depth: 5_000_000, ..Limits::default() };
    let nested = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    assert_eq!(outcome(nested.as_bytes(), &deep), "1000000 values");
    check("[".repeat(100_000), "more than 512 levels of nesting at line 1, column 513");
    let members: Vec<String> = (0..200_000).map(|n| format!("\"\\u0061{n}\":0")).collect();
    check(format!("{{{}}}", members.join(",")), "200001 values");
}
