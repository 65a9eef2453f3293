//! The page every user starts from: a token from the real `az`, a Patient from the real `curl`.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use stories::Firekeep;

/// The real Azure CLI in the environment that `cargo xtask test` makes.
fn az() -> PathBuf {
    let venv = std::env::var_os("FIREKEEP_VENV").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/venv"),
        PathBuf::from,
    );
    let az = venv.join("bin/az");
    assert!(az.exists(), "{} is not there: run cargo xtask test --only azure", az.display());
    az
}

/// A shell as a user has it: the lines of `firekeep env` taken in, then `script`.
fn shell(fk: &Firekeep, script: &str) -> Output {
    let binary = stories::firekeep().display().to_string();
    let bin = az().parent().expect("a folder").display().to_string();
    let environment = format!("eval \"$({binary} env --shell bash)\"\nset -e\n{script}");
    let output = Command::new("bash")
        .args(["-c", &environment])
        .env("FIREKEEP_DATA", fk.folder())
        .env("PATH", format!("{bin}:{}", std::env::var("PATH").expect("a PATH")))
        .env("AZURE_CORE_COLLECT_TELEMETRY", "false")
        .env("HOME", fk.folder())
        .output()
        .expect("bash runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{errors}");
    output
}

const REGISTER: &str = "az cloud register -n firekeep --endpoint-resource-manager \"$ARM\"
az cloud set -n firekeep
az config set core.instance_discovery=false 2>/dev/null
az login --service-principal -u \"$CLIENT_ID\" -p \"$CLIENT_SECRET\" --tenant \"$TENANT\" -o none
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn az_gives_a_token_and_curl_a_searchset() {
    let fk = Firekeep::start().await;
    let script = format!(
        "{REGISTER}
token=$(az account get-access-token --resource=$FHIR_URL --query accessToken --output tsv)
curl -sS -X GET --header \"Authorization: Bearer $token\" $FHIR_URL/Patient"
    );
    let output = shell(&fk, &script);
    let bundle: Value = serde_json::from_slice(&output.stdout).expect("a Bundle");
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"searchset".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_command_prints_what_az_prints() {
    let fk = Firekeep::start().await;
    let binary = stories::firekeep().display().to_string();
    let script = format!(
        "{REGISTER}
{binary} login --service-principal -u \"$CLIENT_ID\" -p \"$CLIENT_SECRET\" --tenant \"$TENANT\" >&2
for tool in az {binary}; do
  $tool account get-access-token --resource $FHIR_URL -o json \\
    --query '{{keys: sort(keys(@)), type: tokenType, tenant: tenant, subscription: subscription}}'
  $tool account get-access-token --resource $FHIR_URL --query tenant -o tsv
  $tool account get-access-token --resource $FHIR_URL --query tokenType -o yaml
  $tool account get-access-token --resource $FHIR_URL --query '{{T: tenant}}' -o table
  echo ====
done"
    );
    let output = shell(&fk, &script);
    let text = String::from_utf8(output.stdout).expect("text");
    let mut halves = text.split("====\n");
    let (theirs, ours) = (halves.next().expect("az"), halves.next().expect("firekeep"));
    assert!(!theirs.trim().is_empty());
    assert_eq!(theirs, ours);
}

#[tokio::test]
async fn the_end_of_a_token_is_told_in_local_time() {
    let fk = Firekeep::start().await;
    let run = |arguments: &[&str]| {
        let mut command = Command::new(stories::firekeep());
        let folder = fk.folder();
        command.args(arguments).arg("--data").arg(folder).env("TZ", "JST-9");
        let done =
            command.env("FIREKEEP_CONFIG_DIR", folder.join("cli")).output().expect("it runs");
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).expect("text")
    };
    let [client, secret] =
        ["clientId", "clientSecret"].map(|it| fk.says(&format!("/application/{it}")));
    let principal = ["login", "--service-principal", "-u", &client, "-p", &secret, "--tenant"];
    run(&[principal.as_slice(), &[&fk.says("/tenantId")]].concat());
    let both =
        run(&["account", "get-access-token", "--query", "[expires_on, expiresOn]", "-o", "tsv"]);
    let (seconds, told) = both.trim().split_once('\n').expect("two lines");
    let of_day = (seconds.parse::<u64>().expect("a number") + 9 * 3_600) % 86_400;
    let time = format!(" {:02}:{:02}:{:02}.", of_day / 3_600, of_day / 60 % 60, of_day % 60);
    assert!(told.contains(&time), "{told} for {seconds}");
}
