//! The acceptance step against stand-ins: what it sets, what it starts, and that it leaves nothing.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::{Place, run};

/// Serves as long as nobody sends SIGTERM, and ends as `$ending` says.
const SERVER: &str = r#"#!/usr/bin/env bash
set -eu
case $1 in
app) [ "$2 $3" = "add-certificate client" ] && [ -s "$4" ] && [ "$5" = --data ] ;;
serve)
    [ "$2 $3 $4" = "--listen 127.0.0.1:0 --data" ]
    trap 'exit ENDING' TERM
    mkdir -p "$5"
    cat >"$5/connection.json" <<'JSON'
{"authority":"https://localhost:1","arm":"https://localhost:2","tenantId":"tenant",
 "tenantDomain":"firekeep.localhost","service":{"id":"x","url":"https://a","pathUrl":"https://b"},
 "application":{"clientId":"client","objectId":"o","clientSecret":"secret"},
 "administrator":{"username":"admin","password":"word","objectId":"o"},
 "http":null,"caBundle":"ca.pem","pid":1}
JSON
    while :; do read -rt 1 <> <(:) || :; done ;;
esac
"#;

const PYTHON: &str = "#!/usr/bin/env bash\necho pem >\"$3\"\n";

const CHECKS: &str = r#"set -eu
[ "$AUTHORITY $ARM $TENANT $CLIENT_ID" = "https://localhost:1 https://localhost:2 tenant client" ]
[ "$FHIR_URL $REST_URL $TENANT_DOMAIN" = "https://a https://b firekeep.localhost" ]
[ "$CLIENT_SECRET $CA_BUNDLE $SIGN_IN_USER $SIGN_IN_PASSWORD" = "secret ca.pem admin word" ]
[ -x "$VENV/bin/python" ] && [ -s "$CERT_PEM" ] && [ "$ADFS" = 1 ]
[ "$DEVICE_HOOK" = "$BROWSER_HOOK" ] && [ "${DEVICE_HOOK##*/}" = sign-in ]
"#;

/// Writes a program by a process of its own: a file that this one has open for writing may be
/// inherited by what another test starts just then, and cannot be started meanwhile.
fn write_program(path: &Path, text: &str) -> Result<()> {
    let written = Command::new("sh")
        .args(["-c", r#"printf %s "$2" >"$1" && chmod 700 "$1""#, "sh"])
        .arg(path)
        .arg(text)
        .status()?;
    ensure!(written.success(), "writing {}: {written}", path.display());
    Ok(())
}

/// The outcome of the step when the server ends with `ending` and the checks are `checks`.
fn outcome(ending: &str, checks: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let server = SERVER.replace("ENDING", ending);
    for (name, text) in [
        ("target/ci/firekeep", server.as_str()),
        ("venv/bin/python", PYTHON),
        ("shared/acceptance/azure-clients.sh", checks),
    ] {
        let path = at(name);
        std::fs::create_dir_all(path.with_file_name(""))?;
        write_program(&path, text)?;
    }
    let place = Place {
        root: at(""),
        target: at("target"),
        shared: Some(at("shared")),
        require_shared: true,
        ci: false,
    };
    let ran = run(&place, &at("shared"), &at("venv"));
    Ok(ran.map_or_else(|error| format!("{error:#}"), |()| "passed".to_owned()))
}

#[test]
fn it_passes_when_the_checks_do_and_the_server_ends_well() -> Result<()> {
    assert_eq!(outcome("0", CHECKS)?, "passed");
    Ok(())
}

#[test]
fn it_names_what_failed() -> Result<()> {
    assert_eq!(outcome("0", "exit 3")?, "azure-clients.sh: exit status: 3");
    assert_eq!(outcome("7", CHECKS)?, "firekeep serve after SIGTERM: exit status: 7, not 0");
    Ok(())
}

#[test]
fn a_server_that_ends_at_once_is_not_waited_for() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let started = super::Server::start(Path::new("false"), folder.path());
    let error = started.err().map(|error| format!("{error:#}"));
    assert_eq!(error.as_deref(), Some("firekeep serve ended at once: exit status: 1"));
    Ok(())
}
