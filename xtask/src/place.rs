//! Where the project lies, and what the environment says: the one file here that reads variables.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::run::output;

/// The folders and switches that the commands need.
pub(crate) struct Place {
    /// The folder of the workspace.
    pub(crate) root: PathBuf,
    /// Where Cargo builds; our own downloads (`venv`, `tools`) lie there too.
    pub(crate) target: PathBuf,
    /// Texts and data beside the project; none when the folder is not there.
    pub(crate) shared: Option<PathBuf>,
    /// Whether the absence of `shared` is a failure.
    pub(crate) require_shared: bool,
    /// Whether this is a continuous integration run.
    pub(crate) ci: bool,
}

impl Place {
    /// Asks Cargo and the environment.
    pub(crate) fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let metadata = output(here, "cargo", &["metadata", "--no-deps", "--format-version", "1"])?;
        let metadata: Value = serde_json::from_str(&metadata).context("read cargo metadata")?;
        let folder = |name: &str| {
            let folder = metadata.get(name).and_then(Value::as_str).map(PathBuf::from);
            folder.with_context(|| format!("cargo metadata has no {name}"))
        };
        let root = folder("workspace_root")?;
        let shared =
            variable("FIREKEEP_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
        Ok(Self {
            target: folder("target_directory")?,
            shared: shared.canonicalize().ok(),
            require_shared: variable("FIREKEEP_REQUIRE_SHARED").is_some_and(|value| value != "0"),
            ci: variable("CI").is_some_and(|value| value != "false"),
            root,
        })
    }

    /// The binary that all tests run, built with the profile of all tests.
    pub(crate) fn binary(&self) -> PathBuf {
        self.target.join("ci/firekeep")
    }
}

/// A variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
