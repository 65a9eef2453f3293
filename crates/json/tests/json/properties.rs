//! Generated values in generated spellings, and generated rubbish.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::claims;

/// A text of JSON with whitespace, escapes and number forms of many kinds.
fn text() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][-+]?[0-9]{1,2})?",
        string(),
    ];
    scalar.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..8), space()).prop_map(|(elements, space)| {
                format!("[{space}{}{space}]", elements.join(&format!("{space},")))
            }),
            (vec((key(), inner), 0..8), space()).prop_map(|(members, space)| {
                let member = |(key, value)| format!("{key}{space}:{space}{value}");
                let members: Vec<String> = members.into_iter().map(member).collect();
                format!("{{{space}{}{space}}}", members.join(&format!(",{space}")))
            }),
        ]
    })
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ \\n\\r\\t]{0,20}"]
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9 /:.-]{1,30}",
        "[^\"\\\\\\x00-\\x1f]{1,5}",
        "\\\\[\"\\\\/bfnrt]",
        "\\\\u[0-9a-cA-C][0-9a-fA-F]{3}",
        Just("\\ud834\\uDD1E".to_owned()),
    ];
    vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// Often one of those that mean something, so that `strip` has work and duplicates occur.
fn key() -> impl Strategy<Value = String> {
    let known =
        ["id", "\\u0069d", "meta", "m\\u0065ta", "versionId", "lastUpdated", "resourceType", ""];
    prop_oneof![prop::sample::select(known.to_vec()).prop_map(|key| format!("\"{key}\"")), string()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_keeps_all_claims(text in text()) {
        claims::check(text.as_bytes());
    }

    #[test]
    fn any_resource_keeps_all_claims(members in vec((key(), text()), 0..12), space in space()) {
        let member = |(key, value)| format!("{key}:{space}{value}");
        let members: Vec<String> = members.into_iter().map(member).collect();
        claims::check(format!("{{{}}}", members.join(&format!("{space},"))).as_bytes());
    }

    #[test]
    fn any_prefix_is_refused(text in text()) {
        let whole = format!("[{text}]");
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            prop_assert!(claims::check(&whole.as_bytes()[..end]).is_none());
        }
    }

    #[test]
    fn any_bytes_keep_all_claims(bytes in vec(any::<u8>(), 0..40)) {
        claims::check(&bytes);
    }

    #[test]
    fn any_string_is_written_and_read_back(text in any::<String>()) {
        let mut out = Vec::new();
        json::write_string(&mut out, &text);
        let document = claims::check(&out).expect("a string");
        let read = document.root().as_str().expect("a string").into_owned();
        prop_assert_eq!(read, text);
    }
}
