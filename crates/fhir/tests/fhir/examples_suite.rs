//! The official examples of R4, against what every write checks. An example that is refused is
//! listed with what is wrong with it.

use std::collections::BTreeMap;

use fhir::validate::{Issue, Issues, Place, Rules, structure};
use json::{Document, Limits, Value};

use crate::archive::Archive;

const EXAMPLES: &str = "definitions/r4/r4-examples-json-728.tar.zst";

/// All examples, by name.
pub(crate) fn examples() -> Vec<(String, Document)> {
    let archive = Archive::open(EXAMPLES);
    let files = archive.iter().filter(|(name, _)| name.ends_with(".json"));
    let files = files.map(|(name, bytes)| {
        let name = name.trim_start_matches("package/").trim_end_matches(".json");
        let document = Document::parse(bytes.to_vec(), &Limits::default());
        (name.to_owned(), document.expect("an example is JSON"))
    });
    files.collect()
}

/// Everything that is wrong with a resource.
pub(crate) fn issues(document: &Document) -> Vec<Issue> {
    let root = document.root();
    let name = root.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let mut issues = Issues::new();
    structure(&Place { root, path: &name }, Rules::r4(), &mut issues);
    issues.into_list(document.bytes())
}

/// The known failures: `name: reason` on each line.
pub(crate) fn known() -> BTreeMap<String, String> {
    let text = include_str!("examples_known_failures.txt");
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .filter_map(|line| line.split_once(": "))
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .collect()
}

#[test]
fn every_official_example_is_accepted_or_argued() {
    let examples = examples();
    assert_eq!(examples.len(), 728);
    let (mut known, mut wrong, mut failed) = (known(), Vec::new(), 0);
    for (name, document) in &examples {
        let issues = issues(document);
        match (issues.is_empty(), known.remove(name)) {
            (true, None) => {}
            (true, Some(_)) => wrong.push(format!("{name}: passes, strike it off")),
            (false, Some(_)) => failed += 1,
            (false, None) => {
                let lines: Vec<String> = issues.iter().map(ToString::to_string).collect();
                wrong.push(format!("{name}: {}", lines.join("\n    ")));
            }
        }
    }
    wrong.extend(known.into_keys().map(|name| format!("{name}: no such example")));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
    let (cases, passed) = (examples.len(), examples.len() - failed);
    println!(
        "conformance: {{\"name\":\"examples-validate\",\"cases\":{cases},\"passed\":{passed},\
         \"knownFailures\":{failed}}}"
    );
}
