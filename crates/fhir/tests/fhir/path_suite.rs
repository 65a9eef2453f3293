//! The official FHIRPath suite for R4, against the list of failures that are known and argued.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fhir::path::{Environment, ErrorKind, Item, Items, Options, Program, Schema, compile, parse};
use fhir::value::Moment;
use json::{Document, Limits};

use crate::archive::Archive;
use crate::suite_xml::{Element, read_element, to_json};

const SUITE: &str = "fhir-test-cases/r4/fhirpath/tests-fhir-r4.xml";

struct Test {
    id: String,
    input: Option<String>,
    expression: String,
    invalid: Option<String>,
    strict: bool,
    predicate: bool,
    outputs: Vec<(Option<String>, String)>,
}

/// The tests of the suite; a name that repeats gets a number.
fn tests(suite: &Element) -> Vec<Test> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let groups = suite.children("group");
    let tests = groups.flat_map(|group| group.children("test"));
    tests
        .filter_map(|test| {
            let expression = test.children("expression").next()?;
            let name = test.attribute("name").unwrap_or_default();
            let count = seen.entry(name.to_owned()).or_default();
            *count += 1;
            let id = if *count > 1 { format!("{name}#{count}") } else { name.to_owned() };
            Some(Test {
                id,
                input: test.attribute("inputfile").map(str::to_owned),
                expression: expression.text.clone(),
                invalid: expression.attribute("invalid").map(str::to_owned),
                strict: test.attribute("mode").or(expression.attribute("mode")) == Some("strict"),
                predicate: test.attribute("predicate") == Some("true"),
                outputs: test
                    .children("output")
                    .map(|output| {
                        (output.attribute("type").map(str::to_owned), output.text.clone())
                    })
                    .collect(),
            })
        })
        .collect()
}

struct Suite {
    archive: Archive,
    schema: Arc<Schema>,
    inputs: BTreeMap<String, Document>,
}

impl Suite {
    fn input(&mut self, name: &str) -> Result<Document, String> {
        if let Some(document) = self.inputs.get(name) {
            return Ok(document.clone());
        }
        let folders = ["fhir-test-cases/r4/", "fhir-test-cases/r4/examples/"];
        let found = folders.iter().find_map(|folder| self.archive.get(&format!("{folder}{name}")));
        let bytes = found.ok_or_else(|| format!("there is no input {name}"))?;
        let text = if name.ends_with(".xml") {
            let text = String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())?;
            to_json(&text, &self.schema)?
        } else {
            bytes.to_vec()
        };
        let document =
            Document::parse(text, &Limits::default()).map_err(|error| error.to_string())?;
        self.inputs.insert(name.to_owned(), document.clone());
        Ok(document)
    }

    /// What is wrong with how a test went.
    fn run(&mut self, test: &Test) -> Result<(), String> {
        let document = match &test.input {
            Some(name) => Some(self.input(name)?),
            None => None,
        };
        // What is marked as a semantic error is one in strict mode, whoever says so.
        let strict = test.strict || test.invalid.as_deref() == Some("semantic");
        let resource_type = document.as_ref().and_then(|d| d.root().get("resourceType")?.as_str());
        let options = Options { input: resource_type.as_deref(), strict, ..Options::default() };
        let result = compile(&test.expression, &self.schema, options).and_then(|program| {
            let now = Moment::parse_partial("2026-11-24T12:00:00.000Z").ok();
            let environment = Environment::at(now.unwrap_or_else(|| unreachable!()));
            match &document {
                Some(document) => program
                    .evaluate(&environment, document.root())
                    .map(|items| self.show(&program, &items, test)),
                None => program
                    .evaluate_on(&environment, None)
                    .map(|items| self.show(&program, &items, test)),
            }
        });
        match (test.invalid.as_deref(), result) {
            (None, Ok(shown)) => shown,
            (None, Err(error)) => Err(error.to_string()),
            (Some(kind), Ok(_)) => Err(format!("{kind} error expected")),
            // An error may be found sooner than the suite thinks, never later.
            (Some("syntax"), Err(error)) if error.kind != ErrorKind::Syntax => {
                Err(format!("syntax error expected, not: {error}"))
            }
            (Some(_), Err(_)) => Ok(()),
        }
    }

    fn show(&self, program: &Program, items: &Items<'_>, test: &Test) -> Result<(), String> {
        let schema = program.schema();
        let expected: Vec<String> =
            test.outputs.iter().map(|(_, text)| text.trim_start_matches('@').to_owned()).collect();
        if test.predicate {
            let holds = !items.is_empty();
            return same(&expected, &[holds.to_string()]);
        }
        let found: Vec<String> = items
            .iter()
            .map(|item| item.to_text(schema).map(Cow::into_owned).unwrap_or_default())
            .collect();
        let is_time = |item: &Item<'_>| matches!(item, Item::Time(_));
        let found: Vec<String> = found
            .into_iter()
            .zip(items)
            .map(|(text, item)| if is_time(item) { format!("T{text}") } else { text })
            .collect();
        same(&expected, &found)?;
        for ((expected, _), item) in test.outputs.iter().zip(items) {
            let found = item.type_name(schema).1;
            if expected.as_deref().is_some_and(|expected| !expected.eq_ignore_ascii_case(found)) {
                return Err(format!("type {found}, not {}", expected.as_deref().unwrap_or("")));
            }
        }
        Ok(())
    }
}

/// Whether the texts are the same; numbers by value.
fn same(expected: &[String], found: &[String]) -> Result<(), String> {
    let number = |text: &str| fhir::value::decimal(text);
    let equal = expected.len() == found.len()
        && expected.iter().zip(found).all(|(expected, found)| {
            expected == found || number(expected).is_some_and(|value| number(found) == Some(value))
        });
    if equal { Ok(()) } else { Err(format!("{found:?}, not {expected:?}")) }
}

/// The known failures: `id: reason` on each line.
fn known() -> BTreeMap<String, String> {
    let text = include_str!("path_known_failures.txt");
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .filter_map(|line| line.split_once(": "))
        .map(|(id, reason)| (id.to_owned(), reason.to_owned()))
        .collect()
}

#[test]
fn the_official_suite_passes_but_for_what_is_argued() {
    let archive = Archive::open("suites/fhir-test-cases.tar.zst");
    let suite = archive.get(SUITE).expect("the suite is in the archive").to_vec();
    let suite = String::from_utf8(suite).expect("the suite is UTF-8");
    let suite = read_element(&suite).expect("the suite is XML");
    let tests = tests(&suite);
    assert_eq!(tests.len(), 935);
    let mut runner = Suite { archive, schema: Schema::r4(), inputs: BTreeMap::new() };
    let mut known = known();
    let mut wrong = Vec::new();
    let mut failed = 0;
    for test in &tests {
        match (runner.run(test), known.remove(&test.id)) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{}: passes, strike it off", test.id)),
            (Err(_), Some(_)) => failed += 1,
            (Err(error), None) => {
                wrong.push(format!("{}: {error}\n    {}", test.id, test.expression.trim()));
            }
        }
    }
    wrong.extend(known.into_keys().map(|id| format!("{id}: no such test")));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), tests.len(), wrong.join("\n"));
    let (cases, passed) = (tests.len(), tests.len() - failed);
    println!(
        "conformance: {{\"name\":\"fhirpath-r4\",\"cases\":{cases},\"passed\":{passed},\
         \"knownFailures\":{failed}}}"
    );
}

#[test]
fn printing_and_reading_again_is_the_same() {
    let archive = Archive::open("suites/fhir-test-cases.tar.zst");
    let suite = archive.get(SUITE).expect("the suite is in the archive").to_vec();
    let suite = read_element(&String::from_utf8(suite).expect("UTF-8")).expect("XML");
    let mut count = 0;
    for test in tests(&suite) {
        let Ok(ast) = parse(&test.expression) else { continue };
        let printed = ast.to_string();
        assert_eq!(parse(&printed).as_ref(), Ok(&ast), "{printed}");
        count += 1;
    }
    assert!(count > 900, "{count}");
}
