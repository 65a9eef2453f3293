//! The arguments of the command line, and the exit codes: 0 done, 1 failed, 2 wrong usage.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::commands::{
    account, app, backup, env, fhirpath, keys, later, load, login, logout, package, restore, role,
    serve, service, token, user, version,
};
use crate::environment;
use crate::log::{self, Log};
use crate::output::note;

/// A FHIR service that Azure's own tools already know how to talk to.
#[derive(Parser, Debug)]
#[command(name = "firekeep", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  firekeep                             start the server; the first start makes a demo service
  eval \"$(firekeep env --shell bash)\"  set the variables that az, curl and the SDKs need
  firekeep load patients.tar.zst       load Synthea bundles into the demo service
  firekeep account get-access-token --resource URL --query accessToken --output tsv

Without a command the server is started, as with `firekeep serve`.
`firekeep COMMAND --help` shows examples of each command.
Later versions add: store, postman, http.";

#[derive(Subcommand, Debug)]
enum Command {
    /// Start the server
    Serve(serve::ServeArgs),
    /// Load bundles or NDJSON into a service
    Load(load::LoadArgs),
    /// Sign in, with the options of `az login`
    Login(login::LoginArgs),
    /// Forget accounts and their tokens
    Logout(logout::LogoutArgs),
    /// Get access tokens, show accounts
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Explain an access token
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Create, list and delete FHIR services; allow and disallow object ids
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Create and list users, reset passwords
    #[command(subcommand)]
    User(user::UserCommand),
    /// Assign roles, and see what an identity may do
    #[command(subcommand)]
    Role(role::RoleCommand),
    /// Create and list applications, reset secrets, add certificates
    #[command(subcommand)]
    App(app::AppCommand),
    /// Add, list and remove FHIR packages
    #[command(subcommand)]
    Package(package::PackageCommand),
    /// List and rotate the keys that sign tokens
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Print the variables and commands that az, PowerShell and the SDKs need
    Env(env::EnvArgs),
    /// Copy the data into a folder while the server runs
    Backup(backup::BackupArgs),
    /// Make a data folder from a backup
    Restore(restore::RestoreArgs),
    /// Evaluate a FHIRPath expression over FHIR JSON files
    Fhirpath(fhirpath::FhirpathArgs),
    /// Print the version
    Version,
    #[command(hide = true)]
    Store(later::Anything),
    #[command(hide = true)]
    Postman(later::Anything),
    #[command(hide = true)]
    Http(later::Anything),
}

/// The arguments are well-formed but ask for something that cannot be: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Runs the command line to its end.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match Cli::try_parse_from(arguments) {
        Ok(Cli { command: Some(command) }) => command,
        Ok(Cli { command: None }) => Command::Serve(serve::ServeArgs::alone()),
        Err(error) => return wrong_arguments(&error),
    };
    match dispatch(command) {
        Ok(code) => code,
        Err(error) => {
            note(&format!("error: {error:#}"));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// Help and version are answers, not mistakes.
fn wrong_arguments(error: &clap::Error) -> ExitCode {
    let _gone = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    let _log = (!matches!(command, Command::Serve(_))).then(commands_log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the operating system gives no threads")?;
    runtime.block_on(async {
        let done = match command {
            Command::Serve(args) => serve::run(args).await,
            Command::Load(args) => return load::run(args).await,
            Command::Login(args) => login::run(args).await,
            Command::Logout(args) => logout::run(&args),
            Command::Account(command) => account::run(command).await,
            Command::Token(command) => token::run(command).await,
            Command::Service(command) => service::run(command).await,
            Command::User(command) => user::run(command).await,
            Command::Role(command) => role::run(command).await,
            Command::App(command) => app::run(command).await,
            Command::Package(command) => package::run(command).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Env(args) => env::run(&args),
            Command::Backup(args) => backup::run(args).await,
            Command::Restore(args) => restore::run(&args),
            Command::Fhirpath(args) => return fhirpath::run(&args),
            Command::Version => version::run(),
            Command::Store(_) => later::refuse("firekeep store"),
            Command::Postman(_) => later::refuse("firekeep postman"),
            Command::Http(_) => later::refuse("firekeep http"),
        };
        done.map(|()| ExitCode::SUCCESS)
    })
}

/// Commands are silent about a server they start for a moment, unless `FIREKEEP_LOG` asks.
fn commands_log() -> Log {
    let filter = environment::text("FIREKEEP_LOG").unwrap_or_else(|| "error".to_owned());
    log::begin(serve::LogFormat::Text, &filter)
}

#[cfg(test)]
mod tests;
