//! `cargo xtask`: the project's own tools, in Rust, so that they run wherever the project builds.
//!
//! To add a command: one arm in [`run_command`], one line in [`HELP`], one file named for it.
//! To add a check: a rule in `tidy` or a step in `test`.
//!
//! Never here: anything the service needs when it runs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these tools speak to a terminal")]

mod acceptance;
mod azure;
mod conformance;
mod r#gen;
mod long;
mod place;
mod run;
mod test;
mod tidy;

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::place::Place;

const HELP: &str = "\
cargo xtask COMMAND

  test [--long] [--only STEP]   every check, as CI runs it; --long adds what takes hours
                                and writes docs/long-run.md
  tidy [--fix]                  the house rules, licences, bans and sources; --fix breaks
                                comments that are too long
  bench ARGUMENTS...            the load driver, built for release; with --peer NAME=URL the
                                searches go to another FHIR server too
  bench --peer-fhirpath         FHIRPath against rh-fhirpath, which is built for it alone
  gen [--check]                 the packs of FHIR definitions, from the published packages;
                                --check says whether the committed ones are what they give
  conformance [--json|--write]  the counts of the official suites; --write publishes them in
                                docs/conformance/README.md
  dist                          the binary as it is shipped: target/dist/firekeep
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run_command(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_command(words: &[&str]) -> Result<ExitCode> {
    let outcome = match words {
        ["test", options @ ..] => match test::Options::read(options) {
            Ok(options) => test::run(&Place::find()?, &options)?,
            Err(wrong) => return Ok(usage(&wrong)),
        },
        ["tidy", "--fix"] => {
            let root = Place::find()?.root;
            tidy::fix(&root)?;
            tidy::run(&root)?
        }
        ["tidy"] => tidy::run(&Place::find()?.root)?,
        ["bench", "--peer-fhirpath"] => {
            let place = Place::find()?;
            let mut cargo = Command::new("cargo");
            cargo.args(["run", "--release", "--locked", "--manifest-path"]);
            cargo.arg(place.root.join("bench/peers/rh-fhirpath/Cargo.toml"));
            cargo.arg("--target-dir").arg(place.target.join("peers")).arg("--");
            cargo.arg(place.shared.unwrap_or_else(|| "../shared".into()).join("data"));
            run::succeeds(&mut cargo)?
        }
        ["bench", rest @ ..] => {
            let mut cargo = Command::new("cargo");
            cargo.args(["run", "--release", "--package", "bench", "--"]).args(rest);
            run::succeeds(&mut cargo)?
        }
        ["gen"] => r#gen::write(&Place::find()?)?,
        ["gen", "--check"] => r#gen::check(&Place::find()?)?,
        ["conformance", options @ ..] => {
            let form = match options {
                [] => conformance::Form::Text,
                ["--json"] => conformance::Form::Json,
                ["--write"] => conformance::Form::Written,
                _ => return Ok(usage("`conformance` takes --json or --write")),
            };
            conformance::run(&Place::find()?, form)?
        }
        ["dist"] => {
            let mut cargo = Command::new("cargo");
            cargo.args(["build", "--profile", "dist", "--package", "firekeep", "--locked"]);
            run::succeeds(&mut cargo)?
        }
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            true
        }
        [other, ..] => return Ok(usage(&format!("there is no command `{other}`"))),
    };
    Ok(if outcome { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was wrong with the command line, and the exit code that says so.
fn usage(wrong: &str) -> ExitCode {
    eprintln!("error: {wrong}\n\n{HELP}");
    ExitCode::from(2)
}
