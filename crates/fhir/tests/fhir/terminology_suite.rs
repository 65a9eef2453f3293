//! The terminology tests that HL7 made for terminology servers, against the failures that are
//! known and argued. What is compared: result, code, system and display, and the codes of
//! expansions; not how a message is worded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fhir::Definitions;
use fhir::definitions::{Layer, Origin, Registry};
use fhir::terminology::{
    Brought, Coding, Failure, Parameters, Question, Route, Scope, Wanted, expand, lookup,
    matches_to_json, translate, validate,
};
use json::{Document, Limits, Value};

use crate::archive::Archive;

const ROOT: &str = "fhir-tx-ecosystem-ig/tests/";
const KNOWN: &str = include_str!("terminology_known_failures.txt");

fn document(archive: &Archive, name: &str) -> Document {
    let bytes = archive.get(&format!("{ROOT}{name}")).expect(name);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    Document::parse(bytes.to_vec(), &Limits::default()).expect(name)
}

fn text<'d>(of: Value<'d>, key: &str) -> Option<String> {
    of.get(key)?.as_str().map(std::borrow::Cow::into_owned)
}

fn elements<'d>(of: Value<'d>, key: &str) -> impl Iterator<Item = Value<'d>> {
    of.get(key).into_iter().flat_map(Value::elements)
}

/// What an operation answered, as JSON.
type Answered = Result<Vec<u8>, String>;

fn answer(registry: &Registry, operation: &str, given: &Parameters<'_>) -> Answered {
    let versions = given.version_rules();
    let brought = Brought::of(registry.base(), given, &Limits::default()).expect("resources");
    let scope = Scope::new(registry, &versions).with(brought.layer());
    for supplement in given.texts("useSupplement") {
        if scope.supplement(&supplement).is_none() {
            return Err(Failure::NoSupplement(supplement.into_owned()).to_string());
        }
    }
    let why = |failure: Failure| failure.to_string();
    match operation {
        "expand" => {
            let set = brought.value_set(&scope, given).map_err(why)?.ok_or("no set")?;
            let wanted = Wanted::of(given);
            let expanded = expand(&scope, set, &wanted).map_err(why)?;
            Ok(expanded.to_json("urn:uuid:0", "2026-11-24T00:00:00Z", &wanted))
        }
        "validate-code" => {
            let set = brought.value_set(&scope, given).map_err(why)?;
            let question = Question::of(given, "system");
            Ok(validate(&scope, set, &question).map_err(why)?.to_json())
        }
        "cs-validate-code" => {
            let question = Question::of(given, "url");
            Ok(validate(&scope, None, &question).map_err(why)?.to_json())
        }
        "lookup" => {
            let (system, code) = (given.text("system"), given.text("code"));
            let system = (system.as_deref().unwrap_or_default(), None);
            let code = code.as_deref().unwrap_or_default();
            let looked = lookup(&scope, system, code, &given.languages()).map_err(why)?;
            Ok(looked.to_json(&[]))
        }
        "translate" => {
            // The suite uses the names of R5.
            let is_reverse = given.text("targetCode").is_some();
            let (mut system, mut target_system) =
                (given.text("sourceSystem"), given.text("targetSystem"));
            if is_reverse {
                std::mem::swap(&mut system, &mut target_system);
            }
            let code = given.text("sourceCode").or_else(|| given.text("targetCode"));
            let target_system = target_system.map(std::borrow::Cow::into_owned);
            let route = Route { target_system, is_reverse, ..Route::of(given) };
            let code = code.unwrap_or_default();
            let coding = Coding { system: system.as_deref(), code: &code, ..<_>::default() };
            translate(&scope, coding, &route)
                .map(|all| matches_to_json(&all))
                .ok_or("no map".into())
        }
        other => Err(format!("there is no operation {other}")),
    }
}

/// The parts of an answer that are compared.
fn gist(resource: Value<'_>) -> Vec<String> {
    match text(resource, "resourceType").as_deref() {
        Some("OperationOutcome") => vec!["refused".to_owned()],
        Some("ValueSet") => {
            let Some(expansion) = resource.get("expansion") else { return Vec::new() };
            let mut lines = Vec::new();
            contained(expansion, &mut lines);
            lines.extend(expansion.get("total").map(|total| format!("total {}", total.raw_str())));
            lines.sort();
            lines
        }
        _ => {
            let mut found = Vec::new();
            for parameter in elements(resource, "parameter") {
                let name = text(parameter, "name").unwrap_or_default();
                if matches!(name.as_str(), "result" | "code" | "system" | "display") {
                    let mut members = parameter.members();
                    let value = members.find(|member| member.key().starts_with("value"));
                    found.extend(value.map(|v| format!("{name} {}", v.value().raw_str())));
                }
                if name == "match" {
                    let parts = elements(parameter, "part");
                    let concept = parts.filter_map(|part| part.get("valueCoding"));
                    found.extend(
                        concept.map(|c| {
                            format!("match {:?} {:?}", text(c, "system"), text(c, "code"))
                        }),
                    );
                }
            }
            found.sort();
            found
        }
    }
}

fn contained(of: Value<'_>, lines: &mut Vec<String>) {
    for line in elements(of, "contains") {
        let part = |key: &str| text(line, key).unwrap_or_default();
        let flag = |key: &'static str| {
            let is_up = line.get(key).and_then(Value::as_bool) == Some(true);
            if is_up { key } else { "" }
        };
        lines.push(format!(
            "{}|{}#{} {:?} {} {}",
            part("system"),
            part("version"),
            part("code"),
            part("display"),
            flag("abstract"),
            flag("inactive")
        ));
        contained(line, lines);
    }
}

/// Names of the cases that are known to fail; their reasons stand above them.
fn known() -> BTreeSet<&'static str> {
    KNOWN.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn the_official_suite_passes_but_for_what_is_argued() {
    let archive = Archive::open("suites/fhir-tx-ecosystem-ig.tar.zst");
    let cases = document(&archive, "test-cases.json");
    let is_general = |of: &Value<'_>| text(*of, "mode").is_none_or(|mode| mode == "general");
    let (mut all, mut failed) = (0, BTreeMap::new());
    for suite in elements(cases.root(), "suites").filter(is_general) {
        let files: Vec<Document> = elements(suite, "setup")
            .filter_map(Value::as_str)
            .map(|name| document(&archive, &name))
            .collect();
        let layer = Layer::new(Definitions::r4(), Origin::Rest, &files);
        let registry = Registry::new(Definitions::r4()).with(Arc::new(layer));
        for test in elements(suite, "tests").filter(is_general) {
            all += 1;
            let own = text(test, "name").expect("a name");
            let name = format!("{}/{own}", text(suite, "name").expect("a name"));
            if let Err(why) = run(&archive, &registry, test) {
                failed.insert(format!("{name}#{all}"), why);
            }
        }
    }
    report(all, &failed);
}

fn run(archive: &Archive, registry: &Registry, test: Value<'_>) -> Result<(), String> {
    let request = text(test, "request").ok_or("it asks the server, not the terminology")?;
    let request = document(archive, &request);
    let profile = text(test, "profile").map(|name| document(archive, &name));
    let mut given = Parameters::of(request.root());
    if let Some(profile) = &profile {
        given.extend(Parameters::of(profile.root()));
    }
    // We answer flat; some of the flat responses that are named do not exist.
    let exists = |name: &String| archive.get(&format!("{ROOT}{name}")).is_some();
    let flat = text(test, "response:flat").filter(exists);
    let response = flat.or_else(|| text(test, "response"));
    let response = document(archive, &response.expect("a response"));
    let expected = gist(response.root());
    let operation = text(test, "operation").expect("an operation");
    let (found, why) = match answer(registry, &operation, &given) {
        Ok(json) => {
            let document = Document::parse(json, &Limits::default()).expect("JSON");
            (gist(document.root()), String::new())
        }
        Err(why) => (vec!["refused".to_owned()], why),
    };
    if found == expected {
        return Ok(());
    }
    let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    let more: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    Err(format!("{why}\n    missing {missing:?}\n    too much {more:?}"))
}

fn report(all: usize, failed: &BTreeMap<String, String>) {
    let known = known();
    let names: BTreeSet<&str> = failed.keys().map(String::as_str).collect();
    for name in names.difference(&known) {
        println!("{name}: {}", failed.get(*name).map_or("", String::as_str));
    }
    for name in known.difference(&names) {
        println!("{name} passes: strike it off terminology_known_failures.txt");
    }
    let passed = all - failed.len();
    println!(
        "conformance: {{\"name\":\"terminology\",\"cases\":{all},\"passed\":{passed},\
         \"knownFailures\":{}}}",
        failed.len()
    );
    assert!(names == known, "what fails is not what is known to fail");
}
