//! `firekeep fhirpath` as a script uses it: files and a pipe, no server, exit codes.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Runs the command with `input` on its standard input.
fn fhirpath(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(stories::firekeep());
    command.arg("fhirpath").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("firekeep runs");
    // A command that refuses its arguments does not read.
    let _ = process.stdin.take().expect("a pipe").write_all(input.as_bytes());
    process.wait_with_output().expect("an end")
}

#[track_caller]
fn check(output: &Output, code: i32, out: &str, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), out, "{said}");
    assert!(said.contains(words) && (words.is_empty() == said.is_empty()), "{said}");
}

#[test]
fn results_name_their_place_and_mistakes_theirs() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        file.display().to_string()
    };
    let ada = write("ada.json", &stories::patient("1", "Lovelace").to_string());
    let xml = write("ada.xml", "<Patient xmlns=\"http://hl7.org/fhir\"/>");
    let bo = "{\n  \"resourceType\": \"Patient\",\n  \"name\": [{\"family\": \"Boole\"}]\n}";

    let line = "-:3:23\tPatient.name[0].family\tFHIR.string\tBoole\n";
    check(&fhirpath(&["Patient.name.family", "-"], bo), 0, line, "");
    check(&fhirpath(&["name.count() = 1", "-"], bo), 0, "-\t-\tSystem.Boolean\ttrue\n", "");
    check(&fhirpath(&["Patient.photo", &ada], ""), 0, "", "");

    // What cannot be read is reported, and the rest goes on.
    let mixed = fhirpath(&["name.family", &xml, "-"], bo);
    check(&mixed, 1, line, "XML, which comes with a later version");

    let found = fhirpath(&["name.family", "--output", "json", &ada, "-"], bo);
    let found: Vec<Value> = serde_json::from_slice(&found.stdout).expect("JSON alone");
    let values: Vec<&Value> = found.iter().map(|it| &it["value"]).collect();
    assert_eq!(values, [&json!("Lovelace"), &json!("Boole")]);
    assert_eq!(found[0]["location"], "Patient.name[0].family");
    assert_eq!((&found[1]["line"], &found[1]["column"]), (&json!(3), &json!(23)));

    check(&fhirpath(&["name.where(", "-"], bo), 1, "", "at line 1, column 12");
    check(&fhirpath(&["name.family.memberOf('x')", &ada, "-"], bo), 1, "", "memberOf");
    assert_eq!(fhirpath(&["name.family"], "").status.code(), Some(2));
}
