//! What `cargo xtask test --long` adds: cargo-deny, longer fuzzing and random searches, more kills,
//! and a record of it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::run::{must, output, succeeds};
use crate::test::{Outcome, Report};

/// How much the tests that can take any time do in the long run, by the variables they read.
pub(crate) const SIZES: [(&str, &str); 3] = [
    ("FIREKEEP_FUZZ_SECONDS", "600"),
    ("FIREKEEP_KILLS", "100"),
    ("FIREKEEP_ORACLE_SECONDS", "7200"),
];

/// The store alone is killed more often: it needs no server, and so each time costs less.
pub(crate) const STORE_KILLS: (&str, &str) = ("FIREKEEP_KILLS", "300");

const CARGO_DENY: &str = "0.20.2";
const RECORD: &str = "docs/long-run.md";

/// Bans, licences and sources by the tool itself.
pub(crate) fn deny(place: &Place) -> Result<Outcome> {
    let arguments = ["check", "bans", "licenses", "sources"];
    let passed = succeeds(cargo_deny(place)?.args(arguments))?;
    Ok(if passed { Outcome::Passed } else { Outcome::Failed("see above".to_owned()) })
}

/// Known vulnerabilities, where their database can be fetched.
pub(crate) fn advisories(place: &Place) -> Result<Outcome> {
    if !succeeds(cargo_deny(place)?.args(["fetch", "db"]))? {
        return Ok(Outcome::Skipped("the advisory database cannot be fetched here".to_owned()));
    }
    let passed = succeeds(cargo_deny(place)?.args(["check", "--disable-fetch", "advisories"]))?;
    Ok(if passed { Outcome::Passed } else { Outcome::Failed("see above".to_owned()) })
}

/// cargo-deny, installed under `target/tools` when it is not there yet.
fn cargo_deny(place: &Place) -> Result<Command> {
    let tools = place.target.join("tools");
    let program = tools.join("bin/cargo-deny");
    if !program.exists() {
        let mut install = Command::new("cargo");
        install.args(["install", "cargo-deny", "--locked", "--version", CARGO_DENY, "--root"]);
        must(install.arg(&tools)).context("install cargo-deny")?;
    }
    let mut deny = Command::new(program);
    deny.current_dir(&place.root);
    Ok(deny)
}

/// Writes the record: when, which commit, and how each step ended.
pub(crate) fn write(place: &Place, reports: &[Report]) -> Result<()> {
    let date = output(&place.root, "date", &["-u", "+%Y-%m-%d %H:%M UTC"])?;
    let commit = output(&place.root, "git", &["describe", "--always", "--dirty"])?;
    let path: PathBuf = place.root.join(RECORD);
    write_file(&path, &record(date.trim(), commit.trim(), reports))?;
    println!("\nwritten: {RECORD}");
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

fn record(date: &str, commit: &str, reports: &[Report]) -> String {
    let mut text = format!(
        "# The last long run\n\nWritten by `cargo xtask test --long` on {date}, at commit \
         `{commit}`.\n\n"
    );
    for (name, value) in SIZES {
        writeln!(text, "- `{name}={value}`").ok();
    }
    writeln!(text, "- `{}={}` for the store alone", STORE_KILLS.0, STORE_KILLS.1).ok();
    text.push_str("\n| step | outcome | seconds |\n| --- | --- | --- |\n");
    for (step, outcome, took) in reports {
        let outcome = outcome.text().replace(['\n', '|'], " ");
        writeln!(text, "| {} | {outcome} | {:.1} |", step.name(), took.as_secs_f64()).ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::record;
    use crate::test::{Outcome, Step};
    use std::time::Duration;

    #[test]
    fn the_record_says_when_what_and_how_it_ended() {
        let reports = [
            (Step::Fmt, Outcome::Passed, Duration::from_millis(1_500)),
            (Step::Tests, Outcome::Failed("a | b\nc".to_owned()), Duration::from_secs(2)),
        ];
        let text = record("2026-11-24", "abc", &reports);
        assert!(text.contains("on 2026-11-24, at commit `abc`"), "{text}");
        assert!(text.contains("- `FIREKEEP_FUZZ_SECONDS=600`"), "{text}");
        assert!(
            text.ends_with("| fmt | passed | 1.5 |\n| tests | FAILED: a   b c | 2.0 |\n"),
            "{text}"
        );
    }
}
