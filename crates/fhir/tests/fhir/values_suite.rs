//! R4's search parameters: every one compiles, and finds in all of R4's examples and in patients
//! of Synthea what its expression gives when it is evaluated by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;

use fhir::Definitions;
use fhir::definitions::Registry;
use fhir::path::Schema;
use fhir::search::{Extractors, Setting, check};
use fhir::value::{Moment, Zone, decimal};
use json::Document;

use crate::archive::{Archive, data};
use crate::values_oracle::{Oracle, Table, parse};

const EXAMPLES: &str = "definitions/r4/r4-examples-json-728.tar.zst";
const SYNTHEA: &str = "synthea/synthea-2019-300-patients-bundles.tar.zst";
/// Patients of Synthea that are compared.
const BUNDLES: usize = 2;

pub(crate) fn setting() -> Setting {
    let now = Moment::parse_instant("2026-11-24T12:00:00Z").expect("a moment");
    Setting { zone: Zone::UTC, now }
}

/// The examples by name, each a document.
pub(crate) fn examples() -> BTreeMap<String, Document> {
    let archive = Archive::open(EXAMPLES);
    let files = archive.iter().filter(|(name, _)| name.ends_with(".json"));
    let document = |bytes: &[u8]| parse(std::str::from_utf8(bytes).expect("UTF-8"));
    files
        .map(|(name, bytes)| (name.trim_start_matches("package/").to_owned(), document(bytes)))
        .collect()
}

/// The resources of the first bundles of Synthea, each by itself.
fn synthea() -> Vec<Document> {
    let file = File::open(data().join(SYNTHEA)).expect("the data is beside the project");
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).expect("zstd"));
    let mut resources = Vec::new();
    let files = archive.entries().expect("tar").map(|entry| entry.expect("whole"));
    for mut entry in files.filter(|entry| entry.header().entry_type().is_file()).take(BUNDLES) {
        let mut bundle = String::new();
        entry.read_to_string(&mut bundle).expect("UTF-8");
        let bundle = parse(&bundle);
        let entries = bundle.root().get("entry").expect("entries").elements();
        resources.extend(entries.map(|e| parse(e.get("resource").expect("a resource").raw_str())));
    }
    resources
}

/// What the extractor finds in a resource.
pub(crate) fn extracted(document: &Document) -> Option<Table> {
    let extractor = Extractors::r4().of_resource(document.root())?;
    let values = extractor.extract(document.root(), &setting());
    assert!(values.faults.is_empty(), "{:?}", values.faults);
    let mut table = Table::new();
    for found in values.found {
        let code = &extractor.parameters().get(found.parameter).expect("a parameter").code;
        table.entry(code.to_string()).or_default().insert(found.value.to_string());
    }
    Some(table)
}

/// The known failures: `URL: reason` on each line.
fn known() -> BTreeMap<&'static str, &'static str> {
    let text = include_str!("values_known_failures.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.filter_map(|line| line.split_once(": ")).collect()
}

/// Compares a resource; says what differs, by the URL of the parameter.
fn compare(
    name: &str,
    document: &Document,
    oracle: &mut Oracle,
    wrong: &mut Vec<(String, String)>,
) {
    let definitions = Definitions::r4();
    let root = document.root();
    let Some(found) = extracted(document) else { return };
    let ty = root.get("resourceType").and_then(json::Value::as_str).expect("a type");
    let ty = definitions.type_named(&ty).expect("a known type");
    let mut seen = BTreeSet::new();
    for parameter in definitions.search_parameters_of(ty) {
        if parameter.expression().is_none() || !seen.insert(parameter.code()) {
            continue;
        }
        let expected = oracle.values(parameter, root, &setting());
        let ours = found.get(parameter.code()).cloned().unwrap_or_default();
        let (more, less) = (ours.difference(&expected), expected.difference(&ours));
        // A reference that has nothing but a type and an identifier is to that type, though no
        // evaluation can resolve it. And a union keeps one of `1.0` and `1.00`, since they are
        // equal; both are searched as exactly as they were written.
        let typed = parameter.expression().is_some_and(|text| text.contains("resolve()"));
        let is_typed = |v: &&String| typed && v.contains(" type ") && v.starts_with(['-', 'u']);
        let more = more.filter(|v| !is_typed(v) && !expected.iter().any(|e| same_numbers(v, e)));
        let more: Vec<_> = more.collect();
        let less: Vec<_> = less.collect();
        if !more.is_empty() || !less.is_empty() {
            let what = format!("{name}: {}: more {more:?}, less {less:?}", parameter.code());
            wrong.push((parameter.url().to_owned(), what));
        }
    }
}

/// Whether two values are the same but for trailing zeros.
fn same_numbers(left: &str, right: &str) -> bool {
    let words = left.split(' ').zip(right.split(' '));
    left.matches(' ').count() == right.matches(' ').count()
        && words.into_iter().all(|(left, right)| {
            let (numbers, same) = ((decimal(left), decimal(right)), left == right);
            same || numbers.0.is_some() && numbers.0 == numbers.1
        })
}

#[test]
fn every_parameter_finds_what_its_expression_gives() {
    let definitions = Definitions::r4();
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut oracle, mut wrong) = (Oracle::default(), Vec::new());
    for (name, document) in examples() {
        compare(&name, &document, &mut oracle, &mut wrong);
    }
    for document in synthea() {
        compare("Synthea", &document, &mut oracle, &mut wrong);
    }
    let (registry, schema) = (Registry::new(definitions), Schema::r4());
    let mut cases = 0;
    for parameter in definitions.search_parameters().iter() {
        if parameter.expression().is_none() {
            continue;
        }
        cases += 1;
        for error in check(&registry, &schema, parameter).err().into_iter().flatten() {
            wrong.push((parameter.url().to_owned(), error.to_string()));
        }
    }
    for (url, what) in wrong {
        failures.entry(url).or_default().push(what);
    }
    let (mut known, mut unknown) = (known(), Vec::new());
    let failed = failures.len();
    for (url, what) in failures {
        if known.remove(url.as_str()).is_none() {
            unknown.push(format!("{url} ({}): {}", what.len(), what.first().expect("a failure")));
        }
    }
    unknown.extend(known.into_keys().map(|url| format!("{url}: passes, strike it off")));
    assert_eq!(cases, 1_384);
    assert!(unknown.is_empty(), "{} wrong:\n{}", unknown.len(), unknown.join("\n"));
    assert!(failed <= 5, "at most five parameters may be unsupported");
    let passed = cases - failed;
    println!(
        "conformance: {{\"name\":\"search-values\",\"cases\":{cases},\"passed\":{passed},\
         \"knownFailures\":{failed}}}"
    );
}
