//! What `cargo xtask test --long` adds: cargo-deny, longer fuzzing and random searches, more kills,
//! and a record of it. Each of its steps can be run alone (`--long --only oracle`): the record then
//! keeps what it says of the others, each with the commit it was seen at.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::run::{must, output, succeeds};
use crate::test::{Outcome, Report, STEPS, Step};

/// Runs of tests that can take any time: the step, the setting that says how much unless the
/// environment does, and the words for cargo that choose the tests.
pub(crate) const RUNS: [(Step, (&str, &str), &[&str]); 5] = [
    (Step::Fuzz, ("FIREKEEP_FUZZ_SECONDS", "600"), &["--package", "fhir", "--", "fuzz", "panics"]),
    (Step::Fuzz, ("FIREKEEP_FUZZ_SECONDS", "600"), &["--package", "json", "--", "fuzz"]),
    // The store alone is killed more often: it needs no server, and so each time costs less.
    (Step::Kills, ("FIREKEEP_KILLS", "300"), &["--package", "store", "--", "kill_9"]),
    (Step::Kills, ("FIREKEEP_KILLS", "100"), &["--package", "stories", "--", "kill_9"]),
    (
        Step::Oracle,
        ("FIREKEEP_ORACLE_SECONDS", "7200"),
        &["--package", "stories", "--", "looking_at_every_resource"],
    ),
];

/// How much is done of a run: what the environment says, for who has less time or more.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, which they read too")]
pub(crate) fn size(name: &str, usual: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| usual.to_owned())
}

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

/// Writes the record: how each step ended, when, and at which commit.
pub(crate) fn write(place: &Place, reports: &[Report]) -> Result<()> {
    let date = output(&place.root, "date", &["-u", "+%Y-%m-%d %H:%M UTC"])?;
    let commit = output(&place.root, "git", &["describe", "--always", "--dirty"])?;
    let path: PathBuf = place.root.join(RECORD);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let text = record(&before, date.trim(), commit.trim(), reports);
    std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    println!("\nwritten: {RECORD}");
    Ok(())
}

const HEADING: &str = "# The last long run

Written by `cargo xtask test --long`; each step has the commit it was last run at.
";

/// The record after `before`, of which the steps that were not run now keep their rows.
fn record(before: &str, date: &str, commit: &str, reports: &[Report]) -> String {
    let mut text = HEADING.to_owned();
    text.push_str(
        "\n| step | outcome | seconds | how much | when | commit |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for (step, name, _) in STEPS {
        if let Some((_, outcome, took)) = reports.iter().find(|(of, ..)| *of == step) {
            let (outcome, took) = (outcome.text().replace(['\n', '|'], " "), took.as_secs_f64());
            let much = sizes(step);
            writeln!(text, "| {name} | {outcome} | {took:.1} | {much} | {date} | `{commit}` |")
                .ok();
        } else if let Some(row) =
            before.lines().find(|row| row.starts_with(&format!("| {name} | ")))
        {
            writeln!(text, "{row}").ok();
        }
    }
    text
}

/// How much of each of its runs a step did.
fn sizes(step: Step) -> String {
    let runs = RUNS.iter().filter(|(of, ..)| *of == step);
    let sizes = runs.map(|(_, (name, usual), tests)| {
        let package = tests.get(1).copied().unwrap_or_default();
        format!("{package}: `{name}={}`", size(name, usual))
    });
    sizes.collect::<Vec<_>>().join(", ")
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
        let text = record("", "2026-11-24", "abc", &reports);
        let rows = "| fmt | passed | 1.5 |  | 2026-11-24 | `abc` |\n\
                    | tests | FAILED: a   b c | 2.0 |  | 2026-11-24 | `abc` |\n";
        assert!(text.ends_with(rows), "{text}");

        let later = [(Step::Tests, Outcome::Passed, Duration::from_secs(3))];
        let text = record(&text, "2026-11-25", "def", &later);
        let rows = "| fmt | passed | 1.5 |  | 2026-11-24 | `abc` |\n\
                    | tests | passed | 3.0 |  | 2026-11-25 | `def` |\n";
        assert!(text.ends_with(rows), "{text}");
    }
}
