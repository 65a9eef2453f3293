//! The cases of HL7's validator for R4: whether we agree on valid and invalid.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fhir::Definitions;
use fhir::definitions::{Layer, Origin, Registry};
use fhir::validate::{Issue, Issues, Place, Request, Rules, Severity, Validator, structure};
use fhir::value::Moment;
use fhir::xml::to_json;
use json::{Document, Kind, Limits, Value};

use crate::archive::{Archive, data};

const FOLDER: &str = "fhir-test-cases/validator/";
/// Modules about what is no validation of R4 resources against R4 and profiles.
const OTHER_MODULES: [&str; 12] = [
    "questionnaire",
    "cdshooks",
    "xver",
    "shc",
    "measure",
    "dsig",
    "cda",
    "logical",
    "tx",
    "tx-advanced",
    "json5",
    "v2",
];

/// Why a case is not judged.
fn left_out(case: Value<'_>) -> Option<&'static str> {
    let text = |key: &str| case.get(key).and_then(Value::as_str);
    if !matches!(text("version").as_deref(), Some("4.0" | "4.0.1")) {
        return Some("another version");
    }
    if case.get("use-test").and_then(Value::as_bool) == Some(false) {
        return Some("switched off");
    }
    if text("module").is_some_and(|module| OTHER_MODULES.contains(&&*module)) {
        return Some("another module");
    }
    if case.get("logical").is_some() {
        return Some("a logical model");
    }
    if case.get("packages").is_some() {
        return Some("packages of its own");
    }
    None
}

/// What the suite says of a resource.
enum Expected {
    Valid,
    Invalid,
    /// Only with codes that need another terminology server.
    External,
}

struct Suite {
    archive: Archive,
    base: Validator,
}

impl Suite {
    fn open() -> Suite {
        // HL7's validator has the extensions of all domains loaded.
        let extensions = package("igs/hl7.fhir.uv.extensions.r4-5.3.0-ballot-tc1.tgz");
        let origin = Origin::Package("hl7.fhir.uv.extensions.r4#5.3.0".to_owned());
        let layer = Layer::new(Definitions::r4(), origin, &extensions);
        let registry = Registry::new(Definitions::r4()).with(Arc::new(layer));
        Suite {
            archive: Archive::open("suites/fhir-test-cases.tar.zst"),
            base: Validator::new(&registry),
        }
    }

    fn manifest(&self) -> Document {
        let bytes = self.archive.get(&format!("{FOLDER}manifest.json")).expect("the manifest");
        Document::parse(bytes.to_vec(), &Limits::default()).expect("the manifest is JSON")
    }

    /// A file as JSON.
    fn file(&self, name: &str) -> Result<Document, String> {
        let bytes = self.archive.get(&format!("{FOLDER}{name}")).ok_or("no such file")?;
        let json = if name.ends_with(".xml") {
            to_json(Definitions::r4(), bytes, &Limits::default())
                .map_err(|error| error.to_string())?
        } else {
            bytes.to_vec()
        };
        Document::parse(json, &Limits::default()).map_err(|error| error.to_string())
    }

    fn expected(&self, outcome: Option<Value<'_>>) -> Option<Expected> {
        let outcome = outcome?;
        let stored;
        let outcome = match outcome.as_str() {
            Some(name) => {
                stored = self.file(&format!("outcomes/{name}")).ok()?;
                stored.root()
            }
            None => outcome.get("outcome").unwrap_or(outcome),
        };
        if let Some(count) = outcome.get("errorCount").and_then(Value::as_number) {
            return Some(if count == "0" { Expected::Valid } else { Expected::Invalid });
        }
        // An outcome without issues is that nothing is wrong.
        outcome.get("resourceType")?;
        let issues: Vec<Value<'_>> =
            outcome.get("issue").into_iter().flat_map(Value::elements).collect();
        let is_error = |issue: &&Value<'_>| {
            issue.get("severity").is_some_and(|s| s.is_str("error") || s.is_str("fatal"))
        };
        let errors: Vec<&Value<'_>> = issues.iter().filter(is_error).collect();
        if errors.is_empty() {
            return Some(Expected::Valid);
        }
        let external = |issue: &&&Value<'_>| {
            let text = issue.get("details").and_then(|details| details.get("text")?.as_str());
            let text = text.unwrap_or_default();
            EXTERNAL.iter().any(|system| text.contains(system))
        };
        let all = errors.iter().filter(external).count() == errors.len();
        Some(if all { Expected::External } else { Expected::Invalid })
    }

    fn validator(&self, case: Value<'_>) -> Result<Validator, String> {
        let mut documents = Vec::new();
        let profile = case.get("profile");
        let lists = [case.get("supporting"), case.get("profiles")];
        let lists = lists.into_iter().chain([profile.and_then(|p| p.get("supporting"))]);
        for file in lists.flatten().flat_map(Value::elements) {
            documents.extend(self.file(&file.as_str().unwrap_or_default()).ok());
        }
        if let Some(source) = profile.and_then(|profile| profile.get("source")?.as_str()) {
            documents.push(self.file(&source)?);
        }
        let name = Origin::Package("case".to_owned());
        let documents = fhir::snapshot::complete(self.base.registry(), &documents);
        let layer = Layer::new(Definitions::r4(), name, &documents);
        Ok(self.base.over(&self.base.registry().with(Arc::new(layer))))
    }

    /// Whether we agree on the resource alone, and with the profile; what we said if not.
    fn run(&self, case: Value<'_>) -> Option<Result<(), String>> {
        let file = case.get("file")?.as_str()?;
        let expected = self.expected(case.get("java"));
        let profile = case.get("profile");
        let profiled = profile.and_then(|profile| self.expected(profile.get("java")));
        if expected.is_none() && profiled.is_none() {
            return None;
        }
        if matches!(expected, Some(Expected::External))
            || matches!(profiled, Some(Expected::External))
        {
            return None;
        }
        let mut wrong = String::new();
        let mut judge = |what: &str, expected: Option<Expected>, issues: Vec<Issue>| {
            let is_valid = !issues.iter().any(|issue| issue.severity >= Severity::Error);
            let Some(expected) = expected else { return };
            if is_valid != matches!(expected, Expected::Valid) {
                wrong += &format!("{what} we say {}\n", if is_valid { "valid" } else { "invalid" });
                for issue in issues
                    .iter()
                    .filter(|issue| is_valid || issue.severity >= Severity::Error)
                    .take(5)
                {
                    wrong += &format!("    {:?} {issue}\n", issue.severity);
                }
            }
        };
        self.archive.get(&format!("{FOLDER}{file}"))?;
        let document = self.file(&file);
        // The archive may lack a profile, or have one that is no XML.
        let Ok(validator) = self.validator(case) else { return None };
        let domains: Vec<_> =
            case.get("allowed-extension-domain").and_then(Value::as_str).into_iter().collect();
        let mut domains: Vec<&str> = domains.iter().map(|domain| &**domain).collect();
        domains.extend(["http://example.org", "http://acme.", "https://example.org"]);
        judge("alone", expected, check(&validator, &document, &[], &domains));
        if let Some(source) = profile.and_then(|profile| profile.get("source")?.as_str()) {
            let url = self.file(&source).ok()?;
            let url = url.root().get("url").and_then(Value::as_str)?.into_owned();
            judge("with profile", profiled, check(&validator, &document, &[&url], &domains));
        }
        Some(if wrong.is_empty() { Ok(()) } else { Err(wrong) })
    }
}

/// The definitions of a package.
fn package(path: &str) -> Vec<Document> {
    let file = std::fs::File::open(data().join(path)).expect("the data is beside the project");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut found = Vec::new();
    for entry in archive.entries().expect("the package is tar") {
        let mut entry = entry.expect("the entry is whole");
        let name = entry.path().expect("the name is text").to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("the entry is whole");
        if name.starts_with("package/") && name.ends_with(".json") {
            found.extend(Document::parse(bytes, &Limits::default()).ok());
        }
    }
    found
}

/// Code systems that only a terminology server has.
const EXTERNAL: [&str; 8] = [
    "http://snomed.info/sct",
    "http://loinc.org",
    "urn:ietf:bcp:47",
    "urn:ietf:bcp:13",
    "urn:iso:std:iso:",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://unitsofmeasure.org",
    "http://hl7.org/fhir/sid/",
];

fn check(
    validator: &Validator,
    document: &Result<Document, String>,
    profiles: &[&str],
    domains: &[&str],
) -> Vec<Issue> {
    let document = match document {
        Ok(document) => document,
        Err(error) => {
            return vec![Issue {
                severity: Severity::Fatal,
                code: fhir::validate::IssueCode::Structure,
                location: String::new(),
                position: None,
                text: error.clone(),
                key: None,
            }];
        }
    };
    let now = Moment::parse_partial("2026-11-24T12:00:00.000Z").expect("a moment");
    let mut issues = Issues::new();
    let root = document.root();
    let name = root.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    structure(&Place { root, path: &name }, Rules::r4(), &mut issues);
    let request = Request { profiles, extension_domains: Some(domains), ..Request::full(now) };
    validator.check(root, &request, &mut issues);
    issues.into_list(document.bytes())
}

#[test]
fn the_validator_agrees_on_valid_and_invalid() {
    let suite = Suite::open();
    let manifest = suite.manifest();
    let all: Vec<Value<'_>> =
        manifest.root().get("test-cases").into_iter().flat_map(Value::elements).collect();
    assert_eq!(all.len(), 862);
    assert_eq!(manifest.root().kind(), Kind::Object);
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut cases = Vec::new();
    for case in &all {
        match left_out(*case) {
            Some(reason) => *reasons.entry(reason).or_default() += 1,
            None => cases.push(*case),
        }
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = case.get("name").and_then(Value::as_str).unwrap_or_default();
            done.push((name.into_owned(), suite.run(*case)));
        }
        done
    };
    let mut results = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut all = work();
        all.extend(other.join().expect("no panic"));
        all
    });
    // A case of several parts has one name: the part that fails is the one that is known to.
    results.sort_by_key(|(name, result)| (name.clone(), matches!(result, Some(Ok(())))));
    let unjudged = results.iter().filter(|(_, result)| result.is_none()).count();
    println!(
        "left out: {reasons:?}; a file or outcome that is missing, or codes of other servers only: \
         {unjudged}"
    );
    let mut known = known();
    let mut wrong = Vec::new();
    let (mut cases, mut failed) = (0, 0);
    for (name, result) in results {
        let Some(result) = result else { continue };
        cases += 1;
        match (result, known.remove(&name)) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{name}: agrees, strike it off")),
            (Err(_), Some(_)) => failed += 1,
            (Err(text), None) => wrong.push(format!("{name}: {text}")),
        }
    }
    wrong.extend(known.into_keys().map(|name| format!("{name}: no such case")));
    let passed = cases - failed;
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(passed * 100 >= cases * 85, "{passed} of {cases}");
    println!(
        "conformance: {{\"name\":\"validator-r4\",\"cases\":{cases},\"passed\":{passed},\
         \"knownFailures\":{failed}}}"
    );
}

/// The known failures: `name: reason` on each line.
fn known() -> BTreeMap<String, String> {
    let text = include_str!("validator_known_failures.txt");
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .filter_map(|line| line.split_once(": "))
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .collect()
}
