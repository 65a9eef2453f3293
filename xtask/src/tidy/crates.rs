//! Who may use whom: a crate uses only crates above it in the table of `docs/ARCHITECTURE.md`.

use anyhow::{Context, Result};

use super::{Finding, Tree};

/// The crates from the ground up; `xtask`, `tests` and `bench` stand above all, used by none.
const ORDER: [&str; 7] = ["base", "json", "fhir", "store", "authority", "server", "firekeep"];

/// Checks the manifest of every crate.
pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) -> Result<()> {
    for path in tree.paths.iter().filter(|path| path.ends_with("/Cargo.toml")) {
        let text = tree.text(path)?.unwrap_or_default();
        let manifest: toml::Table =
            toml::from_str(&text).with_context(|| format!("read {path}"))?;
        findings.extend(upward_uses(path, &manifest));
        if !inherits_lints(&manifest) && !own_lints(&manifest) {
            findings.push(Finding::new(path, 0, "has no [lints]: write `workspace = true`"));
        }
    }
    Ok(())
}

/// Uses of a crate that does not stand lower than the one that uses it.
fn upward_uses(path: &str, manifest: &toml::Table) -> Vec<Finding> {
    let name = manifest.get("package").and_then(|package| package.get("name"));
    let own = name.and_then(toml::Value::as_str).unwrap_or_default();
    let height = ORDER.iter().position(|name| *name == own).unwrap_or(ORDER.len());
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    let used = sections.iter().filter_map(|section| manifest.get(*section)?.as_table());
    used.flat_map(toml::Table::keys)
        .filter(|used| ORDER[height.min(ORDER.len())..].contains(&used.as_str()))
        .map(|used| Finding::new(path, 0, format!("`{own}` may not use `{used}`: it stands above")))
        .collect()
}

fn inherits_lints(manifest: &toml::Table) -> bool {
    let workspace = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    workspace.and_then(toml::Value::as_bool) == Some(true)
}

/// Crates of tests and benchmarks may have a table of their own, which allows what tests do.
fn own_lints(manifest: &toml::Table) -> bool {
    manifest.get("lints").and_then(|lints| lints.get("clippy")).is_some()
}

#[cfg(test)]
mod tests {
    use super::upward_uses;

    fn check(own: &str, section: &str, used: &str, allowed: bool) {
        let manifest =
            format!("[package]\nname = \"{own}\"\n[{section}]\n{used}.workspace = true\n");
        let found = toml::from_str(&manifest).map(|manifest| upward_uses("Cargo.toml", &manifest));
        assert_eq!(found.map(|found| found.is_empty()), Ok(allowed), "{own} uses {used}");
    }

    #[test]
    fn a_crate_uses_only_what_stands_below_it() {
        check("store", "dependencies", "base", true);
        check("store", "dependencies", "server", false);
        check("store", "dev-dependencies", "authority", false);
        check("json", "build-dependencies", "fhir", false);
        check("server", "dependencies", "store", true);
        check("server", "dependencies", "bytes", true);
        check("bench", "dependencies", "json", true);
        check("stories", "dependencies", "server", true);
        check("base", "dependencies", "base", false);
    }
}
