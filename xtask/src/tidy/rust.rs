//! Rules for one Rust file: its head, its length, its functions, and what may not stand in it.

use super::Finding;
use super::functions::{Function, functions, line_of, words};
use super::lexer::code_only;

const FUNCTION_LINES: usize = 70;
const TEST_FUNCTION_LINES: usize = 100;
const FILE_LINES_WARN: usize = 400;
const FILE_LINES: usize = 600;

/// Names that say nothing about what a module holds.
const EMPTY_NAMES: [&str; 7] = ["utils", "util", "helpers", "helper", "common", "manager", "misc"];

/// Folders whose files are endpoints: each begins with the address of its specification.
const ENDPOINT_FOLDERS: [&str; 4] = [
    "crates/server/src/fhir/",
    "crates/server/src/oauth/",
    "crates/server/src/arm/",
    "crates/server/src/graph/",
];

/// Files in those folders that serve several endpoints, by file name.
const NOT_ENDPOINTS: [&str; 3] = ["mod.rs", "tests.rs", "refusal.rs"];

/// Files that may hold `unsafe`: two of the product, and the probe that opens LMDB for comparison.
const UNSAFE_PLACES: [&str; 3] =
    ["crates/json/", "crates/store/src/embedded/open.rs", "bench/src/raw_commit.rs"];

/// Where a FHIR body is bytes and a tape, never a tree of objects.
const FHIR_DATA_PATH: [&str; 3] =
    ["crates/fhir/src/", "crates/store/src/", "crates/server/src/fhir/"];

/// All rules for the file at `path`; what is under `gen/` is exempt.
pub(super) fn check(path: &str, text: &str, findings: &mut Vec<Finding>) {
    if is_generated(path) {
        return;
    }
    let code = code_only(text);
    let all_tests = is_test_file(path);
    check_head(path, text, findings);
    check_names(path, &code, findings);
    check_words(path, text, &code, findings);
    check_unsafe(path, text, &code, findings);
    for function in functions(&code) {
        findings.extend(too_long(path, &function, all_tests));
    }
    let lines = text.lines().count();
    if lines > FILE_LINES {
        findings.push(Finding::new(path, 0, format!("{lines} lines; at most {FILE_LINES}")));
    }
}

/// A file that grows towards the ceiling.
pub(super) fn warn(path: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    let long = lines > FILE_LINES_WARN && lines <= FILE_LINES && !is_generated(path);
    long.then(|| Finding::new(path, 0, format!("{lines} lines; think of a split")))
}

fn is_generated(path: &str) -> bool {
    path.split('/').any(|part| part == "gen")
}

fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs") || path.ends_with("_tests.rs")
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn check_head(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let first = text.lines().next().unwrap_or_default();
    let endpoint = ENDPOINT_FOLDERS.iter().any(|folder| path.starts_with(folder))
        && !NOT_ENDPOINTS.contains(&file_name(path))
        && !is_test_file(path);
    if endpoint && !first.starts_with("//! <https://") {
        let what = "an endpoint's first line is the address of its specification: //! <https://…>";
        findings.push(Finding::new(path, 1, what));
    } else if !first.starts_with("//!") {
        findings.push(Finding::new(path, 1, "begins with a //! line that says what it holds"));
    }
}

fn check_names(path: &str, code: &str, findings: &mut Vec<Finding>) {
    let parts = path.trim_end_matches(".rs").split('/');
    if let Some(name) = parts.into_iter().find(|part| EMPTY_NAMES.contains(part)) {
        findings.push(Finding::new(path, 0, format!("`{name}` does not say what it holds")));
    }
    let mut before = "";
    for (at, word) in words(code) {
        if before == "mod" && EMPTY_NAMES.contains(&word) {
            let what = format!("`mod {word}` does not say what it holds");
            findings.push(Finding::new(path, line_of(code, at), what));
        }
        before = word;
    }
}

/// A text that may not stand in a file, and why.
struct Banned {
    what: &'static str,
    why: &'static str,
    /// Looked for in comments and strings as well.
    anywhere: bool,
    applies: fn(&str) -> bool,
}

const BANNED: [Banned; 8] = [
    Banned { what: concat!("to", "do!"), why: "is left open", anywhere: false, applies: |_| true },
    Banned {
        what: concat!("unimple", "mented!"),
        why: "is left open",
        anywhere: false,
        applies: |_| true,
    },
    Banned { what: concat!("FIX", "ME"), why: "is left open", anywhere: true, applies: |_| true },
    Banned {
        what: concat!("#[ig", "nore"),
        why: "a test that never runs",
        anywhere: false,
        applies: |_| true,
    },
    Banned {
        what: "[allow(",
        why: "write #[expect(lint, reason = \"…\")]",
        anywhere: false,
        applies: |_| true,
    },
    Banned {
        what: "thread::sleep",
        why: "a test looks, it does not wait",
        anywhere: true,
        applies: |path| path.contains("tests/"),
    },
    Banned {
        what: "time::sleep",
        why: "a test looks, it does not wait",
        anywhere: true,
        applies: |path| path.contains("tests/"),
    },
    Banned {
        what: "serde_json::Value",
        why: "the FHIR data path is bytes and a tape",
        anywhere: true,
        applies: |path| FHIR_DATA_PATH.iter().any(|folder| path.starts_with(folder)),
    },
];

fn check_words(path: &str, text: &str, code: &str, findings: &mut Vec<Finding>) {
    for banned in BANNED.iter().filter(|banned| (banned.applies)(path)) {
        let lines = if banned.anywhere { text.lines() } else { code.lines() };
        for (index, _) in lines.enumerate().filter(|(_, line)| line.contains(banned.what)) {
            let what = format!("`{}`: {}", banned.what, banned.why);
            findings.push(Finding::new(path, index + 1, what));
        }
    }
}

fn check_unsafe(path: &str, text: &str, code: &str, findings: &mut Vec<Finding>) {
    let allowed = UNSAFE_PLACES.iter().any(|place| path.starts_with(place));
    let lines: Vec<&str> = text.lines().collect();
    for (at, _) in words(code).filter(|(_, word)| *word == "unsafe") {
        let line = line_of(code, at);
        if !allowed {
            findings.push(Finding::new(path, line, "`unsafe` is for json and store/embedded/open"));
        } else if !lines[line.saturating_sub(6)..line].iter().any(|line| line.contains("SAFETY")) {
            findings.push(Finding::new(path, line, "`unsafe` without a SAFETY line above it"));
        }
    }
}

fn too_long(path: &str, function: &Function, all_tests: bool) -> Option<Finding> {
    let tests = function.in_tests || all_tests;
    let most = if tests { TEST_FUNCTION_LINES } else { FUNCTION_LINES };
    let what = format!("`fn {}` has {} lines; at most {most}", function.name, function.lines);
    (function.lines > most).then(|| Finding::new(path, function.line, what))
}

#[cfg(test)]
mod tests {
    use super::{Finding, check, warn};

    /// Findings as `line what`, each by how it starts.
    fn findings(path: &str, text: &str, expected: &[&str]) {
        let mut found: Vec<Finding> = Vec::new();
        check(path, text, &mut found);
        let shown: Vec<String> = found.iter().map(|f| format!("{} {}", f.line, f.what)).collect();
        assert_eq!(shown.len(), expected.len(), "{path}: {shown:?}");
        for (shown, expected) in shown.iter().zip(expected) {
            assert!(shown.starts_with(expected), "{shown} should start with {expected}");
        }
    }

    #[test]
    fn a_file_says_first_what_it_holds() {
        findings("crates/json/src/lib.rs", "//! What.\n", &[]);
        findings("crates/json/src/lib.rs", "mod a;\n", &["1 begins with"]);
        findings("crates/server/src/fhir/read.rs", "//! <https://hl7.org/x>\n", &[]);
        findings("crates/server/src/fhir/read.rs", "//! Reads.\n", &["1 an endpoint's"]);
        findings("crates/server/src/fhir/ops/mod.rs", "//! Operations.\n", &[]);
        findings("crates/server/src/edge/limit.rs", "//! Limits.\n", &[]);
        findings("crates/fhir/src/gen/table.rs", "static A: u8 = 0;\n", &[]);
    }

    #[test]
    fn a_name_says_something() {
        findings("crates/json/src/utils.rs", "//! A.\n", &["0 `utils`"]);
        findings("crates/json/src/common/a.rs", "//! A.\n", &["0 `common`"]);
        findings("crates/json/src/a.rs", "//! A.\nmod helpers;\n", &["2 `mod helpers`"]);
        findings("crates/json/src/a.rs", "//! A.\nlet common = 1; // mod utils\n", &[]);
    }

    #[test]
    fn banned_words_are_found_in_code_and_some_everywhere() {
        findings("a.rs", concat!("//! A.\nfn a() { to", "do!() }\n"), &["2 `to"]);
        findings("a.rs", concat!("//! A.\nfn a() -> &str { \"to", "do!\" }\n"), &[]);
        findings("a.rs", concat!("//! A.\n// FIX", "ME\n"), &["2 `FIX"]);
        findings("a.rs", concat!("//! A.\n#[ig", "nore]\n"), &["2 `#[ig"]);
        findings("a.rs", "//! A.\n#![allow(dead_code)]\n", &["2 `[allow("]);
        findings("tests/stories/a.rs", "//! A.\nthread::sleep(x);\n", &["2 `thread::sleep`"]);
        findings("xtask/src/a.rs", "//! A.\nthread::sleep(x);\n", &[]);
        findings("crates/store/src/a.rs", "//! A.\nx: serde_json::Value\n", &["2 `serde_json"]);
        findings("crates/server/src/arm/mod.rs", "//! A.\nx: serde_json::Value\n", &[]);
    }

    #[test]
    fn unsafe_stands_in_two_places_and_says_why() {
        findings("crates/server/src/a.rs", "//! A.\nunsafe { b() }\n", &["2 `unsafe` is for"]);
        findings("crates/json/src/a.rs", "//! A.\nunsafe { b() }\n", &["2 `unsafe` without"]);
        findings("crates/json/src/a.rs", "//! A.\n// SAFETY: yes.\nunsafe { b() }\n", &[]);
        findings("crates/server/src/a.rs", "//! A.\n#![deny(unsafe_code)]\n", &[]);
    }

    #[test]
    fn functions_and_files_have_ceilings() {
        let function =
            |lines: usize| format!("//! A.\nfn a() {{\n{}}}\n", "    b();\n".repeat(lines - 2));
        findings("a.rs", &function(70), &[]);
        findings("a.rs", &function(71), &["2 `fn a` has 71 lines; at most 70"]);
        findings("tests/stories/a.rs", &function(100), &[]);
        findings("crates/json/src/tests.rs", &function(101), &["2 `fn a` has 101"]);
        let in_module = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}\n", &function(90)[7..]);
        findings("a.rs", &in_module, &[]);

        let file = |lines: usize| format!("//! A.\n{}", "const A: u8 = 0;\n".repeat(lines - 1));
        findings("a.rs", &file(600), &[]);
        findings("a.rs", &file(601), &["0 601 lines"]);
        assert!(warn("a.rs", &file(400)).is_none());
        assert!(warn("a.rs", &file(401)).is_some());
        assert!(warn("gen/a.rs", &file(401)).is_none());
    }
}
