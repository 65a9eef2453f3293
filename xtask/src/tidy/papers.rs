//! What the documents promise: a row for every limit and every dependency, the two commands of the
//! README, and that CI runs what a developer runs.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::{Finding, Tree};

const LIMITS: &str = "docs/limits.md";
const DEPENDENCIES: &str = "docs/dependencies.md";

/// How a row admits that its limit is not tested.
const NOT_YET: &str = "not yet";

/// Checks all documents.
pub(super) fn check(
    tree: &Tree,
    findings: &mut Vec<Finding>,
    warnings: &mut Vec<Finding>,
) -> Result<()> {
    let source = tree.required("crates/base/src/limits.rs", findings);
    let table = tree.required(LIMITS, findings);
    findings.extend(compare_limits(&source, &table));
    for (name, (line, cells)) in rows(&table) {
        let what = match proof(cells.get(4).unwrap_or(&""), &|path| tree.text(path).ok().flatten())
        {
            Proof::Named => continue,
            Proof::NotYet => {
                warnings.push(Finding::new(LIMITS, line, format!("`{name}` has no test yet")));
                continue;
            }
            Proof::Wrong => format!("`{name}`: the last cell names its test as `file::function`"),
        };
        findings.push(Finding::new(LIMITS, line, what));
    }

    let manifest = tree.required("Cargo.toml", findings);
    let manifest: toml::Table = toml::from_str(&manifest).context("read Cargo.toml")?;
    let table = tree.required(DEPENDENCIES, findings);
    findings.extend(compare_dependencies(&manifest, &table));

    let readme = tree.required("README.md", findings);
    for command in ["cargo run --release", "cargo xtask test"] {
        if !readme.contains(command) {
            findings.push(Finding::new("README.md", 0, format!("does not show `{command}`")));
        }
    }
    let ci = tree.required(".ci/run", findings);
    if !ci.contains("cargo xtask test") {
        findings.push(Finding::new(".ci/run", 0, "does not call `cargo xtask test`"));
    }
    Ok(())
}

/// The rows of a Markdown table whose first cell is code: that cell, and the line with its cells.
fn rows(table: &str) -> BTreeMap<&str, (usize, Vec<&str>)> {
    let lines = table.lines().enumerate();
    let cells = lines.filter_map(|(index, line)| {
        let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
        let name = code(cells.first()?)?;
        Some((name, (index + 1, cells)))
    });
    cells.collect()
}

/// The text between two backticks.
fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

/// Name and value text of every constant of a Rust file.
fn constants(source: &str) -> Vec<(&str, &str)> {
    let declarations = source.split("pub const ").skip(1);
    let parts = declarations.filter_map(|declaration| {
        let (name, rest) = declaration.split_once(':')?;
        let (_, value) = rest.split_once('=')?;
        Some((name.trim(), value.split_once(';')?.0.trim()))
    });
    parts.collect()
}

fn compare_limits(source: &str, table: &str) -> Vec<Finding> {
    let mut rows = rows(table);
    let mut found = Vec::new();
    for (name, value) in constants(source) {
        match rows.remove(name) {
            None => found.push(Finding::new(LIMITS, 0, format!("no row for `{name}`"))),
            Some((line, cells)) if cells.get(1).and_then(|cell| code(cell)) != Some(value) => {
                found.push(Finding::new(LIMITS, line, format!("`{name}` is `{value}`")));
            }
            Some(_) => {}
        }
    }
    let stale = rows.into_iter();
    found.extend(stale.map(|(name, (line, _))| {
        Finding::new(LIMITS, line, format!("there is no limit `{name}`"))
    }));
    found
}

/// What a limit's row says about its test.
#[derive(Debug, PartialEq, Eq)]
enum Proof {
    Named,
    /// The row admits that there is no test yet.
    NotYet,
    /// No such file, or no such function in it.
    Wrong,
}

/// Reads a cell such as `` `tests/stories/limits.rs::a_long_url_is_414` ``.
fn proof(cell: &str, read: &dyn Fn(&str) -> Option<String>) -> Proof {
    if cell == NOT_YET {
        return Proof::NotYet;
    }
    let named = code(cell).and_then(|name| name.split_once("::"));
    let found = named.and_then(|(path, test)| {
        let declared = format!("fn {test}(");
        read(path).map(|text| text.contains(&declared))
    });
    if found == Some(true) { Proof::Named } else { Proof::Wrong }
}

fn compare_dependencies(manifest: &toml::Table, table: &str) -> Vec<Finding> {
    let rows = rows(table);
    let listed = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let used: Vec<&String> = listed
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten()
        .filter(|(_, how)| how.get("path").is_none())
        .map(|(name, _)| name)
        .collect();
    let missing = used.iter().filter(|name| !rows.contains_key(name.as_str()));
    let missing = missing.map(|name| Finding::new(DEPENDENCIES, 0, format!("no row for `{name}`")));
    let stale = rows.iter().filter(|(name, _)| !used.iter().any(|used| used == *name));
    let stale = stale.map(|(name, (line, _))| {
        Finding::new(DEPENDENCIES, *line, format!("`{name}` is not a dependency any more"))
    });
    missing.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use super::{Finding, Proof, compare_dependencies, compare_limits, proof};

    fn shown(found: &[Finding]) -> Vec<String> {
        found.iter().map(|f| format!("{} {}", f.line, f.what)).collect()
    }

    #[test]
    fn every_limit_has_a_row_with_its_value() {
        let source = "/// A.\npub const A: usize = 64 << 20;\n/// B.\npub const B: Duration =\n    \
                      Duration::from_secs(2);\n";
        let check = |table: &str, expected: &[&str]| {
            assert_eq!(shown(&compare_limits(source, table)), expected, "{table}");
        };
        let head = "| name | value |\n| --- | --- |\n";
        let row = "| `A` | `64 << 20` | x |\n";
        check(&format!("{head}{row}| `B` | `Duration::from_secs(2)` | x |\n"), &[]);
        check(&format!("{head}{row}"), &["0 no row for `B`"]);
        check(
            &format!("{head}{row}| `B` | `3` | x |\n| `C` | `1` | x |\n"),
            &["4 `B` is `Duration::from_secs(2)`", "5 there is no limit `C`"],
        );
    }

    #[test]
    fn every_limit_names_its_test() {
        let check = |cell: &str, expected: Proof| {
            let read = |path: &str| (path == "tests/a.rs").then(|| "async fn b() {".to_owned());
            assert_eq!(proof(cell, &read), expected, "{cell}");
        };
        check("`tests/a.rs::b`", Proof::Named);
        check("`tests/a.rs::c`", Proof::Wrong);
        check("`tests/b.rs::b`", Proof::Wrong);
        check("`tests/a.rs`", Proof::Wrong);
        check("tests/a.rs::b", Proof::Wrong);
        check("", Proof::Wrong);
        check("not yet", Proof::NotYet);
    }

    #[test]
    fn every_dependency_has_a_row() -> Result<(), toml::de::Error> {
        let manifest = toml::from_str(
            "[workspace.dependencies]\nbase = { path = \"base\" }\nbytes = \"1\"\nheed = \"2\"\n",
        )?;
        let found = compare_dependencies(&manifest, "| `bytes` | x |\n| `uuid` | x |\n");
        let expected = ["0 no row for `heed`", "2 `uuid` is not a dependency any more"];
        assert_eq!(shown(&found), expected);
        Ok(())
    }
}
