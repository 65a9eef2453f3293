//! `cargo xtask conformance`: the official suites of others, as counts in one table.
//!
//! A suite is a test of a crate that prints a line `conformance: {"name":…}` with its counts and
//! fails when anything but a known failure failed. To add one: that line, and a row in [`SUITES`].

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::place::Place;

/// Each suite, what it is and where its known failures are argued.
const SUITES: [(&str, &str, &str); 11] = [
    ("json-testsuite", "the parsing files of JSONTestSuite", "crates/json/tests/json/suite.rs"),
    (
        "fhirpath-r4",
        "HL7's FHIRPath tests for R4",
        "crates/fhir/tests/fhir/path_known_failures.txt",
    ),
    (
        "xml-roundtrip",
        "the official examples and definitions as XML and JSON",
        "crates/fhir/tests/fhir/xml_known_failures.txt",
    ),
    ("patch-fhirpath", "HL7's FHIRPath Patch tests for R4", PATCH_FAILURES),
    ("patch-json", "HL7's JSON Patch tests for R4", PATCH_FAILURES),
    ("patch-xml", "HL7's XML Patch tests for R4", PATCH_FAILURES),
    (
        "examples-validate",
        "HL7's examples against what every write checks",
        "crates/fhir/tests/fhir/examples_known_failures.txt",
    ),
    (
        "search-values",
        "R4's SearchParameters, each against its expression evaluated by itself",
        "crates/fhir/tests/fhir/values_known_failures.txt",
    ),
    (
        "validator-r4",
        "HL7's validator cases for R4, as valid or invalid",
        "crates/fhir/tests/fhir/validator_known_failures.txt",
    ),
    (
        "terminology",
        "HL7's tests for terminology servers, those of mode `general`",
        "crates/fhir/tests/fhir/terminology_known_failures.txt",
    ),
    ("ucum", "the functional tests of UCUM", "crates/fhir/tests/fhir/ucum_known_failures.txt"),
];

const PATCH_FAILURES: &str = "crates/fhir/tests/fhir/patch_known_failures.txt";

/// How the counts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    /// Nothing else on standard output.
    Json,
    /// As text, and as `docs/conformance/README.md`.
    Written,
}

/// The counts of one suite.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Suite {
    name: String,
    cases: u32,
    passed: u32,
    known_failures: u32,
}

#[derive(Serialize)]
struct Report {
    suites: Vec<Suite>,
}

/// Runs the suites and shows their counts; false when a test of them failed.
pub(crate) fn run(place: &Place, form: Form) -> Result<bool> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&place.root).env("FIREKEEP_REQUIRE_SHARED", "1").stderr(Stdio::inherit());
    cargo.args(["test", "--profile", "ci", "--locked", "--no-fail-fast"]);
    cargo.args(["--package", "json", "--package", "fhir", "--test", "json", "--test", "fhir"]);
    cargo.args(["--", "--nocapture", "suite::"]);
    let output = cargo.output().context("start cargo test")?;
    let passed = output.status.success();
    let suites = collect(&String::from_utf8_lossy(&output.stdout));
    if !passed {
        eprintln!("error: a suite fails; the lines above say which and why");
        return Ok(false);
    }
    let report = Report { suites: suites? };
    if form == Form::Json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(true);
    }
    print!("{}", table(&report.suites));
    if form == Form::Written {
        let folder = place.root.join("docs/conformance");
        std::fs::create_dir_all(&folder).context("make docs/conformance")?;
        std::fs::write(folder.join("README.md"), page(&report.suites))
            .context("write docs/conformance/README.md")?;
    }
    Ok(true)
}

/// The counts that tests printed, in the order of [`SUITES`].
fn collect(printed: &str) -> Result<Vec<Suite>> {
    let mut found = BTreeMap::new();
    for line in printed.lines() {
        // The name of the test may stand before it.
        let Some((_, json)) = line.split_once("conformance: ") else { continue };
        let suite: Suite = serde_json::from_str(json).with_context(|| format!("read {json}"))?;
        found.insert(suite.name.clone(), suite);
    }
    let suites = SUITES.iter().map(|(name, ..)| {
        found.remove(*name).with_context(|| format!("no test printed the counts of {name}"))
    });
    let suites = suites.collect::<Result<_>>()?;
    if let Some(name) = found.keys().next() {
        bail!("{name} is not in the list of suites in xtask/src/conformance.rs");
    }
    Ok(suites)
}

fn table(suites: &[Suite]) -> String {
    let mut out = String::from(
        "| suite             | cases | passed | known failures |\n\
         | ----------------- | ----: | -----: | -------------: |\n",
    );
    for Suite { name, cases, passed, known_failures } in suites {
        out += &format!("| {name:17} | {cases:5} | {passed:6} | {known_failures:14} |\n");
    }
    out
}

fn page(suites: &[Suite]) -> String {
    let about = SUITES.iter().map(|(name, what, known)| {
        format!("- `{name}`: {what}; known failures in [{known}](../../{known})\n")
    });
    format!(
        "# Conformance\n\n\
         The official suites of others, as `cargo xtask conformance --write` counted them. \
         `--json` prints the same for programs.\n\n{}\n{}\n\
         A known failure is a case that contradicts a decision of ours, with its reason; one that \
         passes again has to be struck\noff. Any other failure fails the tests, in every run.\n",
        table(suites),
        about.collect::<String>(),
    )
}

#[cfg(test)]
mod tests {
    use super::{SUITES, collect, page, table};

    fn line(name: &str) -> String {
        format!(
            "test a::b ... conformance: {{\"name\":\"{name}\",\"cases\":9,\"passed\":7,\
             \"knownFailures\":2}}\nok\n"
        )
    }

    #[test]
    fn every_suite_reports_once_and_in_order() {
        let all: String = SUITES.iter().rev().map(|(name, ..)| line(name)).collect();
        let suites = collect(&all).unwrap_or_default();
        let names: Vec<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
        assert_eq!(names, SUITES.map(|(name, ..)| name));
        let ucum = "| ucum              |     9 |      7 |              2 |\n";
        assert!(table(&suites).ends_with(ucum));
        assert!(page(&suites).contains(ucum));
        let json = serde_json::to_string(&suites.last()).unwrap_or_default();
        assert_eq!(json, r#"{"name":"ucum","cases":9,"passed":7,"knownFailures":2}"#);
    }

    #[test]
    fn a_suite_that_is_silent_or_unknown_is_an_error() {
        assert!(collect(&line("ucum")).is_err());
        let all: String = SUITES.iter().map(|(name, ..)| line(name)).collect();
        assert!(collect(&(all + &line("other"))).is_err());
        assert!(collect("conformance: {}").is_err());
    }
}
