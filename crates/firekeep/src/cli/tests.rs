//! The command line as scripts see it: what parses, what is wrong usage (exit code 2), and the
//! help.

use clap::CommandFactory;

use super::*;

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_contract_parses() {
    for line in [
        "firekeep",
        "firekeep serve --data d --listen 127.0.0.1:0 --listen [::1]:0 --http 127.0.0.1:1",
        "firekeep serve --metrics 127.0.0.1:2 --config f --tls-cert c --tls-key k",
        "firekeep serve --bootstrap none --log-format json",
        "firekeep load --data d --service main/demo a.json b",
        "firekeep load --fhir https://x --token t --ca f p",
        "firekeep login",
        "firekeep login --use-device-code --tenant t",
        "firekeep login --service-principal -u a -p b --tenant t --authority https://x --ca f",
        "firekeep login --service-principal -u a --certificate f --tenant t --data d",
        "firekeep logout",
        "firekeep account get-access-token --resource=https://x --query accessToken --output tsv",
        "firekeep account get-access-token --scope https://x/.default --tenant t -o YAML",
        "firekeep account show",
        "firekeep account list --output table",
        "firekeep token explain eyJ0",
        "firekeep token explain -",
        "firekeep service create main/lab",
        "firekeep service allow main/demo 11111111-1111-4111-8111-111111111111",
        "firekeep service disallow main/demo 11111111-1111-4111-8111-111111111111",
        "firekeep user create ada",
        "firekeep user reset-password ada",
        "firekeep role assign --who x --role Owner --scope /subscriptions/s",
        "firekeep role remove --who x --role Owner --service main/demo",
        "firekeep role check --who x --service main/demo",
        "firekeep app create n",
        "firekeep app reset-secret",
        "firekeep app add-certificate c f.pem",
        "firekeep keys rotate",
        "firekeep env --shell powershell",
        "firekeep backup d",
        "firekeep restore d --data e",
        "firekeep fhirpath Patient.name f",
        "firekeep fhirpath -1 - f --output json",
        "firekeep version",
    ] {
        let parsed = Cli::try_parse_from(line.split(' '));
        assert!(
            parsed.is_ok(),
            "{line}: {}",
            parsed.err().map(|it| it.to_string()).unwrap_or_default()
        );
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let two = format!("{:?}", ExitCode::from(2));
    for line in [
        "firekeep nonsense",
        "firekeep serve --listen nowhere",
        "firekeep serve --tls-cert c",
        "firekeep serve --managed-identity 127.0.0.1:1",
        "firekeep serve --store postgres://x",
        "firekeep load",
        "firekeep load --fhir https://x p",
        "firekeep load --service demo p",
        "firekeep login --identity",
        "firekeep login -u a",
        "firekeep login -u a -p -b --tenant t",
        "firekeep serve --http 0.0.0.0:0",
        "firekeep login --service-principal",
        "firekeep account get-access-token --resource x --scope y",
        "firekeep account get-access-token --query [?",
        "firekeep account get-access-token --output xml",
        "firekeep service allow main/demo me",
        "firekeep service delete main/demo",
        "firekeep role assign --who x --role Owner",
        "firekeep role assign --who x --role Owner --service a/b --scope /s",
        "firekeep store check",
        "firekeep package add",
        "firekeep package list --service demo",
        "firekeep fhirpath Patient.name",
        "firekeep fhirpath Patient.name f --output xml",
        "firekeep postman export d",
        "firekeep http export f",
    ] {
        let code = run(line.split(' ').map(OsString::from));
        assert_eq!(format!("{code:?}"), two, "{line}");
    }
}

#[test]
fn every_command_has_examples() {
    fn check(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        let leaf = command.get_subcommands().next().is_none();
        if leaf && !command.is_hide_set() && command.get_name() != "version" {
            assert!(command.get_after_help().is_some(), "{path} has no example");
        }
        command.get_subcommands().for_each(|it| check(it, &path));
    }
    check(&Cli::command(), "");
}

#[test]
fn the_help_lists_the_commands() {
    let help = Cli::command().render_help().to_string();
    assert_eq!(help, HELP);
}

const HELP: &str = "\
A FHIR service that Azure's own tools already know how to talk to

Usage: firekeep [COMMAND]

Commands:
  serve     Start the server
  load      Load bundles or NDJSON into a service
  login     Sign in, with the options of `az login`
  logout    Forget accounts and their tokens
  account   Get access tokens, show accounts
  token     Explain an access token
  service   Create, list and delete FHIR services; allow and disallow object ids
  user      Create and list users, reset passwords
  role      Assign roles, and see what an identity may do
  app       Create and list applications, reset secrets, add certificates
  package   Add, list and remove FHIR packages
  keys      List and rotate the keys that sign tokens
  env       Print the variables and commands that az, PowerShell and the SDKs need
  backup    Copy the data into a folder while the server runs
  restore   Make a data folder from a backup
  fhirpath  Evaluate a FHIRPath expression over FHIR JSON files
  version   Print the version
  help      Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help
  -V, --version  Print version

Examples:
  firekeep                             start the server; the first start makes a demo service
  eval \"$(firekeep env --shell bash)\"  set the variables that az, curl and the SDKs need
  firekeep load patients.tar.zst       load Synthea bundles into the demo service
  firekeep account get-access-token --resource URL --query accessToken --output tsv

Without a command the server is started, as with `firekeep serve`.
`firekeep COMMAND --help` shows examples of each command.
Later versions add: store, postman, http.
";
