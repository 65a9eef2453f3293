//! `cargo xtask test`: every check in one command, the same for a developer and for CI.
//!
//! Each step says what it is and how long it took; its output goes through as it comes. A step that
//! cannot make sense without an earlier one is not run when that failed, and is named as such.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::azure::Installation;
use crate::place::Place;
use crate::{acceptance, r#gen, long, run, tidy};

/// One check. The order here is the order in which they run: what fails fastest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Fmt,
    Tidy,
    Clippy,
    Build,
    Azure,
    Tests,
    Acceptance,
    Gen,
    Fuzz,
    Kills,
    Oracle,
    Deny,
    Advisories,
}

/// Its name on the command line and what its heading says.
pub(crate) const STEPS: [(Step, &str, &str); 13] = [
    (Step::Fmt, "fmt", "every file is formatted"),
    (Step::Tidy, "tidy", "house rules, bans, licences, sources"),
    (Step::Clippy, "clippy", "no warning anywhere"),
    (Step::Build, "build", "the binary and all tests, one profile"),
    (Step::Azure, "azure", "azure-cli in target/venv"),
    (Step::Tests, "tests", "every crate's tests and the stories over HTTP"),
    (Step::Acceptance, "acceptance", "the real az and azure-identity against the real binary"),
    (Step::Gen, "gen", "the FHIR definitions are what the published packages give"),
    (Step::Fuzz, "fuzz", "every parser, 10 minutes each"),
    (Step::Kills, "kills", "the store and the server under kill -9, hundreds of times"),
    (Step::Oracle, "oracle", "two hours of random searches"),
    (Step::Deny, "deny", "cargo-deny: bans, licences, sources"),
    (Step::Advisories, "advisories", "cargo-deny: known vulnerabilities"),
];

impl Step {
    pub(crate) fn name(self) -> &'static str {
        STEPS.iter().find(|(step, ..)| *step == self).map_or("", |(_, name, _)| name)
    }

    /// Steps that only `--long` runs unless they are asked for by name.
    fn is_long(self) -> bool {
        matches!(
            self,
            Self::Gen | Self::Fuzz | Self::Kills | Self::Oracle | Self::Deny | Self::Advisories
        )
    }

    /// Steps whose success this one needs.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Tests | Self::Fuzz | Self::Kills | Self::Oracle => &[Self::Build],
            Self::Acceptance => &[Self::Build, Self::Azure],
            Self::Fmt
            | Self::Tidy
            | Self::Clippy
            | Self::Build
            | Self::Azure
            | Self::Gen
            | Self::Deny
            | Self::Advisories => &[],
        }
    }
}

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) long: bool,
    only: Vec<Step>,
}

impl Options {
    /// Reads the words after `test`; the error says which word and what would work.
    pub(crate) fn read(words: &[&str]) -> Result<Self, String> {
        match words {
            [] => Ok(Self::default()),
            ["--long", rest @ ..] => Ok(Self { long: true, ..Self::read(rest)? }),
            ["--only", name, rest @ ..] => {
                let found = STEPS.iter().find(|(_, known, _)| known == name);
                let names: Vec<&str> = STEPS.iter().map(|(_, name, _)| *name).collect();
                let (step, ..) = found
                    .ok_or_else(|| format!("no step `{name}`; there are {}", names.join(", ")))?;
                let mut options = Self::read(rest)?;
                options.only.insert(0, *step);
                Ok(options)
            }
            [other, ..] => Err(format!("`test` does not know `{other}`")),
        }
    }

    fn asks_for(&self, step: Step) -> bool {
        if self.only.is_empty() { self.long || !step.is_long() } else { self.only.contains(&step) }
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// Could not be done here, and need not be.
    Skipped(String),
    Failed(String),
    /// A step that it needs had failed.
    NotRun,
}

/// A step, how it ended and how long it took.
pub(crate) type Report = (Step, Outcome, Duration);

/// Runs what is asked for and says whether all of it passed.
pub(crate) fn run(place: &Place, options: &Options) -> Result<bool> {
    let mut runner = Runner {
        place,
        installation: options.asks_for(Step::Azure).then(|| Installation::begin(place)),
        venv: None,
    };
    if options.asks_for(Step::Acceptance) && runner.installation.is_none() {
        runner.venv = Some(Installation::begin(place).finish()?);
    }
    let mut reports: Vec<Report> = Vec::new();
    for (step, name, about) in STEPS.into_iter().filter(|(step, ..)| options.asks_for(*step)) {
        println!("\n=== {name}: {about}");
        let start = run::now();
        let failed = |needed: &Step| {
            reports.iter().any(|(step, outcome, _)| step == needed && *outcome != Outcome::Passed)
        };
        let outcome = if step.needs().iter().any(failed) {
            Outcome::NotRun
        } else {
            runner.run(step).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")))
        };
        println!("=== {name}: {} in {:.1} s", outcome.text(), start.elapsed().as_secs_f64());
        reports.push((step, outcome, start.elapsed()));
    }
    if options.long {
        long::write(place, &reports)?;
    }
    Ok(conclude(&reports))
}

impl Outcome {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Passed => "passed".to_owned(),
            Self::Skipped(why) => format!("skipped: {why}"),
            Self::Failed(why) => format!("FAILED: {why}"),
            Self::NotRun => "not run, since a step that it needs did not pass".to_owned(),
        }
    }

    fn of(succeeded: bool, advice: &str) -> Self {
        if succeeded { Self::Passed } else { Self::Failed(advice.to_owned()) }
    }
}

/// The table at the end, and whether the whole passed.
fn conclude(reports: &[Report]) -> bool {
    println!();
    for (step, outcome, took) in reports {
        println!("{:>11} {:>7.1} s  {}", step.name(), took.as_secs_f64(), outcome.text());
    }
    let bad = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_) | Outcome::NotRun);
    let bad: Vec<&str> =
        reports.iter().filter(|(_, o, _)| bad(o)).map(|(s, ..)| s.name()).collect();
    match bad.as_slice() {
        [] => println!("all steps passed"),
        names => println!("not passed: {}", names.join(", ")),
    }
    bad.is_empty()
}

struct Runner<'a> {
    place: &'a Place,
    installation: Option<Installation>,
    venv: Option<PathBuf>,
}

impl Runner<'_> {
    fn run(&mut self, step: Step) -> Result<Outcome> {
        match step {
            Step::Fmt => self.cargo(&["fmt", "--all", "--", "--check"], "run cargo fmt"),
            Step::Tidy => {
                Ok(Outcome::of(tidy::run(&self.place.root)?, "the lines above say where"))
            }
            Step::Clippy => self.cargo(
                &[
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--profile",
                    "ci",
                    "--locked",
                    "--",
                    "-D",
                    "warnings",
                ],
                "the lines above say where",
            ),
            Step::Build => self.cargo(
                &["build", "--workspace", "--bins", "--tests", "--profile", "ci", "--locked"],
                "it does not compile",
            ),
            Step::Azure => {
                let installation = self.installation.take().context("already installed")?;
                self.venv = Some(installation.finish()?);
                Ok(Outcome::Passed)
            }
            Step::Tests => self.tests(),
            Step::Acceptance => self.acceptance(),
            Step::Gen => {
                Ok(Outcome::of(r#gen::check(self.place)?, "cargo xtask gen writes them anew"))
            }
            Step::Fuzz | Step::Kills | Step::Oracle => self.many_times(step),
            Step::Deny => long::deny(self.place),
            Step::Advisories => long::advisories(self.place),
        }
    }

    fn cargo(&self, arguments: &[&str], advice: &str) -> Result<Outcome> {
        Ok(Outcome::of(run::succeeds(self.command().args(arguments))?, advice))
    }

    /// Cargo in the project; without incremental files where they are thrown away.
    fn command(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.place.root);
        if self.place.ci {
            cargo.env("CARGO_INCREMENTAL", "0");
        }
        cargo
    }

    /// The stories find the binary and the Azure CLI by `FIREKEEP_BIN` and `FIREKEEP_VENV`.
    fn tests(&self) -> Result<Outcome> {
        let mut cargo = self.command();
        cargo.args(["test", "--workspace", "--profile", "ci", "--locked", "--no-fail-fast"]);
        cargo.env("FIREKEEP_BIN", self.place.binary());
        if let Some(venv) = &self.venv {
            cargo.env("FIREKEEP_VENV", venv);
        }
        Ok(Outcome::of(run::succeeds(&mut cargo)?, "the lines above say which test"))
    }

    /// The tests whose size is a setting, at the size of the long run.
    fn many_times(&self, step: Step) -> Result<Outcome> {
        let mut all = true;
        for (_, (name, value), tests) in long::RUNS.iter().filter(|(of, ..)| *of == step) {
            let mut cargo = self.command();
            cargo.args(["test", "--profile", "ci", "--locked", "--no-fail-fast"]).args(*tests);
            cargo.env("FIREKEEP_BIN", self.place.binary()).env(name, long::size(name, value));
            all &= run::succeeds(&mut cargo)?;
        }
        Ok(Outcome::of(all, "the lines above say which"))
    }

    fn acceptance(&self) -> Result<Outcome> {
        let Some(shared) = &self.place.shared else {
            let why = "the folder `shared` beside the project (or FIREKEEP_SHARED) is not there";
            return Ok(if self.place.require_shared {
                Outcome::Failed(why.to_owned())
            } else {
                Outcome::Skipped(why.to_owned())
            });
        };
        let venv = self.venv.as_ref().context("azure-cli is not installed")?;
        acceptance::run(self.place, shared, venv)?;
        Ok(Outcome::Passed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Outcome, STEPS, Step, conclude};
    use std::time::Duration;

    fn check(words: &[&str], expected: Result<&str, &str>) {
        let read = Options::read(words).map(|options| {
            let asked = STEPS.iter().filter(|(step, ..)| options.asks_for(*step));
            asked.map(|(_, name, _)| *name).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(read.as_deref().map_err(String::as_str), expected, "{words:?}");
    }

    #[test]
    fn the_command_line_chooses_steps() {
        check(&[], Ok("fmt tidy clippy build azure tests acceptance"));
        let long = "gen fuzz kills oracle deny advisories";
        let all = format!("fmt tidy clippy build azure tests acceptance {long}");
        check(&["--long"], Ok(&all));
        check(&["--only", "tidy"], Ok("tidy"));
        check(&["--only", "deny"], Ok("deny"));
        check(&["--only", "acceptance", "--only", "build"], Ok("build acceptance"));
        check(&["--fast"], Err("`test` does not know `--fast`"));
        check(&["--only"], Err("`test` does not know `--only`"));
    }

    #[test]
    fn a_failed_step_and_what_needs_it_fail_the_whole() {
        let check = |outcome: Outcome, expected: bool| {
            let reports = [(Step::Tests, outcome.clone(), Duration::ZERO)];
            assert_eq!(conclude(&reports), expected, "{outcome:?}");
        };
        check(Outcome::Passed, true);
        check(Outcome::Skipped("no shared".to_owned()), true);
        check(Outcome::Failed("x".to_owned()), false);
        check(Outcome::NotRun, false);
    }
}
