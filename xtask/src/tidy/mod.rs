//! `cargo xtask tidy`: the house rules that a program can check, over every file git would keep.
//!
//! To add a rule: a function in the file of its subject (`rust` for one Rust file, `text` for any
//! file, `papers` for what the documents promise, `crates` for who may use whom, `supply` for what
//! others wrote), a call of it in [`run`] or beside its sisters, and rows in that file's tests.

mod crates;
mod functions;
mod lexer;
mod licence;
mod papers;
mod rust;
mod supply;
mod text;
mod wrap;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run::output;

/// A broken rule, and where.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from 1; 0 when the whole file is meant.
    line: usize,
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// The files of the project: those git tracks, and new ones that it does not ignore.
struct Tree {
    root: PathBuf,
    paths: Vec<String>,
}

impl Tree {
    fn read(root: &Path) -> Result<Self> {
        let listed =
            output(root, "git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
        let exists = |path: &&str| root.join(path).is_file();
        let mut paths: Vec<String> = listed.lines().filter(exists).map(str::to_owned).collect();
        paths.sort();
        paths.dedup();
        Ok(Self { root: root.to_owned(), paths })
    }

    /// The text of a file; none when it is not UTF-8.
    fn text(&self, path: &str) -> Result<Option<String>> {
        let bytes = std::fs::read(self.root.join(path)).with_context(|| format!("read {path}"))?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// The text of a file that must be there; empty, with a finding, when it is not.
    fn required(&self, path: &str, findings: &mut Vec<Finding>) -> String {
        if let Ok(Some(text)) = self.text(path) {
            return text;
        }
        findings.push(Finding::new(path, 0, "is missing"));
        String::new()
    }
}

/// Checks everything, prints what it found, and says whether the tree is in order.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let tree = Tree::read(root)?;
    let mut findings = Vec::new();
    let mut warnings = Vec::new();
    for path in &tree.paths {
        text::check_size(&tree, path, &mut findings)?;
        let Some(text) = tree.text(path)? else { continue };
        text::check(path, &text, &mut findings);
        if path.ends_with(".rs") {
            rust::check(path, &text, &mut findings);
            warnings.extend(rust::warn(path, &text));
        }
    }
    crates::check(&tree, &mut findings)?;
    papers::check(&tree, &mut findings, &mut warnings)?;
    supply::check(&tree, &mut findings)?;

    for warning in &warnings {
        println!("warning: {warning}");
    }
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} rules broken", tree.paths.len(), findings.len());
    Ok(findings.is_empty())
}

/// Mends what a program can mend without judgement: comments that are too long.
pub(crate) fn fix(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    for path in tree.paths.iter().filter(|path| path.ends_with(".rs")) {
        let Some(text) = tree.text(path)? else { continue };
        let wrapped = wrap::wrap_comments(&text);
        if wrapped != text {
            std::fs::write(root.join(path), wrapped).with_context(|| format!("write {path}"))?;
            println!("wrapped: {path}");
        }
    }
    Ok(())
}
