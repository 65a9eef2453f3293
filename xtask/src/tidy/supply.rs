//! What others wrote: the bans, licences and sources of `deny.toml`, over `cargo metadata`.
//!
//! cargo-deny itself runs in the long test only, since building it takes minutes; both read the
//! same file. What counts is what is built: `cargo metadata` also lists optional crates that no
//! feature turns on, so this follows only the edges that are alive.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::licence::is_allowed;
use super::{Finding, Tree};
use crate::run::output;

const POLICY: &str = "deny.toml";

/// The only source: the default registry, as Cargo names it. In two halves, see `text`.
const REGISTRY: &str = concat!("registry+https://github.com/rust-lang/crates", ".io-index");

#[derive(Deserialize)]
struct Policy {
    graph: Graph,
    bans: Bans,
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Dependency>,
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    rename: Option<String>,
    optional: bool,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
    features: Vec<String>,
}

/// Checks every crate that is built for one of the policy's targets.
pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) -> Result<()> {
    let policy = tree.required(POLICY, findings);
    if policy.is_empty() {
        return Ok(());
    }
    let policy: Policy = toml::from_str(&policy).context("read deny.toml")?;
    let mut arguments = vec!["metadata", "--format-version", "1", "--locked"];
    for target in &policy.graph.targets {
        arguments.extend(["--filter-platform", target]);
    }
    let metadata = output(&tree.root, "cargo", &arguments)?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("read cargo metadata")?;
    findings.extend(judge(&metadata, &policy));
    Ok(())
}

fn judge(metadata: &Metadata, policy: &Policy) -> Vec<Finding> {
    let built = built(metadata);
    let mut found = Vec::new();
    for package in metadata.packages.iter().filter(|package| built.contains(package.id.as_str())) {
        let mut say = |what: String| {
            let what = format!("{} {}: {what}", package.name, package.version);
            found.push(Finding::new(POLICY, 0, what));
        };
        if let Some(ban) = policy.bans.deny.iter().find(|ban| ban.name == package.name) {
            say(format!("is banned: {}", ban.reason));
        }
        let licence = package.license.as_deref().unwrap_or_default();
        if !is_allowed(licence, &policy.licenses.allow) {
            say(format!("its licence `{licence}` is not on the list"));
        }
        if package.source.as_deref().is_some_and(|source| source != REGISTRY) {
            say("comes from elsewhere than the default registry".to_owned());
        }
    }
    found
}

/// The ids of the packages that are reached from the workspace over edges that are alive.
fn built(metadata: &Metadata) -> BTreeSet<&str> {
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut built = BTreeSet::new();
    let mut waiting: Vec<&str> = metadata.workspace_members.iter().map(String::as_str).collect();
    while let Some(id) = waiting.pop() {
        let (Some(package), Some(node)) = (packages.get(id), nodes.get(id)) else { continue };
        if !built.insert(id) {
            continue;
        }
        let alive = |to: &&str| packages.get(to).is_some_and(|to| uses(package, node, &to.name));
        waiting.extend(node.dependencies.iter().map(String::as_str).filter(alive));
    }
    built
}

/// Whether `package`, with the features that are on, really uses the crate `name`.
fn uses(package: &Package, node: &Node, name: &str) -> bool {
    package.dependencies.iter().filter(|dependency| dependency.name == name).any(|dependency| {
        let known_as = dependency.rename.as_ref().unwrap_or(&dependency.name);
        let turns_on = |implied: &String| {
            implied.strip_prefix("dep:") == Some(known_as)
                || implied.strip_prefix(known_as.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        let on = |feature: &String| {
            package.features.get(feature).is_some_and(|implied| implied.iter().any(turns_on))
        };
        !dependency.optional || node.features.iter().any(on)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Metadata, Policy, REGISTRY, judge};

    fn policy() -> toml::Table {
        toml::toml! {
            [graph]
            targets = []
            [[bans.deny]]
            crate = "ring"
            reason = "one provider"
            [licenses]
            allow = ["MIT"]
        }
    }

    /// A workspace of one crate that may use `other`; what the rules say about it.
    fn check(features: &[&str], other: &Value, expected: &[&str]) -> Result<(), anyhow::Error> {
        let own = json!({
            "id": "own", "name": "own", "version": "1.0.0", "license": "MIT", "source": null,
            "dependencies": [{"name": other["name"], "rename": null, "optional": true}],
            "features": {"fast": ["dep:ring"], "weak": ["ring?/std"], "strong": ["ring/std"]},
        });
        let metadata: Metadata = serde_json::from_value(json!({
            "packages": [own, other],
            "workspace_members": ["own"],
            "resolve": {"nodes": [
                {"id": "own", "dependencies": ["other"], "features": features},
                {"id": "other", "dependencies": [], "features": []},
            ]},
        }))?;
        let policy: Policy = policy().try_into()?;
        let found: Vec<String> = judge(&metadata, &policy).into_iter().map(|f| f.what).collect();
        assert_eq!(found, expected, "{features:?}");
        Ok(())
    }

    fn ring(licence: &str, source: &str) -> Value {
        json!({
            "id": "other", "name": "ring", "version": "0.1.0", "license": licence,
            "source": source, "dependencies": [], "features": {},
        })
    }

    #[test]
    fn a_ban_holds_for_what_is_built() -> Result<(), anyhow::Error> {
        let banned = ["ring 0.1.0: is banned: one provider"];
        check(&[], &ring("MIT", REGISTRY), &[])?;
        check(&["weak"], &ring("MIT", REGISTRY), &[])?;
        check(&["fast"], &ring("MIT", REGISTRY), &banned)?;
        check(&["strong"], &ring("MIT", REGISTRY), &banned)
    }

    #[test]
    fn licence_and_source_are_named() -> Result<(), anyhow::Error> {
        let expected = [
            "ring 0.1.0: is banned: one provider",
            "ring 0.1.0: its licence `GPL-3.0` is not on the list",
            "ring 0.1.0: comes from elsewhere than the default registry",
        ];
        check(&["fast"], &ring("GPL-3.0", "git+https://example.org/ring"), &expected)
    }
}
