//! <https://github.com/nst/JSONTestSuite>: all its parsing files.
//!
//! `y_` must be accepted, except two with a duplicate key, which we refuse on purpose; `n_` must be
//! refused; what the standard leaves open (`i_`) is decided in [`ACCEPTED_BY_CHOICE`]: numbers of
//! any size, since we keep their text, and 500 levels of nesting (a caller's limit may be lower).
//! All other open cases are broken Unicode, refused: lone surrogates, other encodings than UTF-8,
//! overlong forms, a byte order mark.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use json::{Document, Limits};

const REFUSED_ON_PURPOSE: [&str; 2] =
    ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

const ACCEPTED_BY_CHOICE: [&str; 11] = [
    "i_number_double_huge_neg_exp.json",
    "i_number_huge_exp.json",
    "i_number_neg_int_huge_exp.json",
    "i_number_pos_double_huge_exp.json",
    "i_number_real_neg_overflow.json",
    "i_number_real_pos_overflow.json",
    "i_number_real_underflow.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
    "i_structure_500_nested_arrays.json",
];

#[expect(clippy::disallowed_methods, reason = "a test reads its own settings")]
fn archive() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("FIREKEEP_SHARED").map_or_else(beside, PathBuf::from);
    shared.join("data/bad-input/JSONTestSuite.tar.zst")
}

/// The parsing files by name.
fn files(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let reader = zstd::Decoder::new(File::open(archive).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(reader).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.to_str().unwrap().contains("test_parsing/") && name.ends_with(".json") {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(name, bytes);
        }
    }
    files
}

#[expect(clippy::disallowed_methods, reason = "a test reads its own settings")]
fn shared_is_required() -> bool {
    std::env::var_os("FIREKEEP_REQUIRE_SHARED").is_some_and(|one| one == "1")
}

#[test]
fn the_json_test_suite_is_decided_file_by_file() {
    let archive = archive();
    if !archive.exists() {
        assert!(!shared_is_required(), "{} is required", archive.display());
        println!("skipped: {} is not there", archive.display());
        return;
    }
    let files = files(&archive);
    assert_eq!(files.len(), 318);
    let mut wrong = Vec::new();
    for (name, bytes) in &files {
        let outcome = Document::parse(bytes.clone(), &Limits::default());
        let expected = match name.split_at(2).0 {
            "y_" => !REFUSED_ON_PURPOSE.contains(&name.as_str()),
            "n_" => false,
            _ => ACCEPTED_BY_CHOICE.contains(&name.as_str()),
        };
        if outcome.is_ok() != expected {
            wrong.push(format!("{name}: {outcome:?}"));
        }
        if bytes.len() < 10_000 && !name.contains("500_nested") {
            crate::claims::check(bytes);
        }
    }
    let known = REFUSED_ON_PURPOSE.len();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (cases, passed) = (files.len(), files.len() - known);
    println!(
        "conformance: {{\"name\":\"json-testsuite\",\"cases\":{cases},\"passed\":{passed},\
         \"knownFailures\":{known}}}"
    );
}
