//! `firekeep package`: US Core, IPS and the terminology of HL7 in a service, and out of it.

use std::path::Path;

use serde_json::{Value, json};
use stories::{Firekeep, Reply, Setup, shared};

/// Runs `firekeep package` with these arguments: whether it went well, what it printed, what it
/// noted.
fn package(fk: &Firekeep, arguments: &[&str]) -> (bool, String, String) {
    let done = fk.run(&[&["package"], arguments].concat());
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (done.status.success(), text(done.stdout), text(done.stderr))
}

#[track_caller]
fn added(fk: &Firekeep, file: &Path) -> (Value, String) {
    let (ok, printed, noted) = package(fk, &["add", &file.display().to_string()]);
    assert!(ok, "{noted}");
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    (printed[0].clone(), noted)
}

fn ids(fk: &Firekeep) -> String {
    let (ok, printed, noted) = package(fk, &["list", "--query", "[].id", "--output", "tsv"]);
    assert!(ok, "{noted}");
    printed.trim_end().replace('\n', " ")
}

#[tokio::test]
async fn packages_are_added_listed_and_removed() {
    let Some(us_core) = shared("data/igs/hl7.fhir.us.core-6.1.0.tgz") else { return };
    let Some(ips) = shared("data/igs/hl7.fhir.uv.ips-2.0.0.tgz") else { return };
    let fk = Firekeep::start().await;
    let one = json!({"resourceType": "Patient", "id": "u", "gender": "male",
                     "birthDate": "1970-01-01", "identifier": [{"value": "7"}],
                     "name": [{"family": "One"}]});
    fk.as_contributor().await.put("/Patient/u", &one).await.created();
    let (shown, noted) = added(&fk, &us_core);
    assert_eq!(shown["id"], "hl7.fhir.us.core#6.1.0");
    assert_eq!(shown["contents"]["StructureDefinition"], 59);
    assert!(!noted.contains("needs hl7.fhir.r4.core"), "{noted}");
    let missing = "warning: hl7.fhir.us.core#6.1.0 needs us.nlm.vsac#0.10.0, which this service";
    assert!(noted.contains(missing), "{noted}");
    let anyone = fk.as_anonymous();
    let profiles = async || {
        let statement = anyone.get("/metadata").await.ok().json();
        let all = statement["rest"][0]["resource"].as_array().cloned().unwrap_or_default();
        let patient = all.into_iter().find(|it| it["type"] == "Patient").expect("Patient");
        patient["supportedProfile"].clone()
    };
    let patient = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0";
    assert_eq!(profiles().await, json!([patient]));
    // What US Core searches as R4 does is indexed already, from before.
    let app = fk.as_contributor().await;
    for query in ["identifier=7", "name=one", "birthdate=1970", "gender=male&_id=u", "family=one"] {
        let request = app.request(reqwest::Method::GET, &format!("/Patient?{query}"));
        let found = Reply::of(request.header("Prefer", "handling=strict")).await.ok();
        assert_eq!(found.ids(), ["u"], "{query}");
    }
    let race = app.get("/Patient?race=2106-3").await.ok();
    assert!(race.text().contains("is not complete yet"), "{}", race.text());
    added(&fk, &ips);
    let (again, _) = added(&fk, &us_core);
    assert_eq!(again["replaced"], true);
    assert_eq!(ids(&fk), "hl7.fhir.us.core#6.1.0 hl7.fhir.uv.ips#2.0.0");

    // They are there after the next start too, and in a backup.
    let copy = tempfile::TempDir::new().expect("a folder");
    let copy = copy.path().join("copy");
    let made = fk.run(&["backup", &copy.display().to_string()]);
    assert!(made.status.success(), "{made:?}");
    let (_, folder, _) = fk.stop();
    let fk = Firekeep::start_with(Setup { folder: Some(folder), ..Setup::default() }).await;
    assert_eq!(ids(&fk), "hl7.fhir.us.core#6.1.0 hl7.fhir.uv.ips#2.0.0");
    let (removed, _, noted) = package(&fk, &["remove", "hl7.fhir.us.core#6.1.0"]);
    assert!(removed, "{noted}");
    assert_eq!(ids(&fk), "hl7.fhir.uv.ips#2.0.0");
    let (removed, _, noted) = package(&fk, &["remove", "hl7.fhir.us.core#6.1.0"]);
    let says = "main/demo has no package hl7.fhir.us.core#6.1.0. It has hl7.fhir.uv.ips#2.0.0.";
    assert!(!removed && noted.contains(says), "{noted}");
    let (listed, printed, _) = package(&fk, &["list", "--output", "table"]);
    assert!(listed && printed.starts_with("Package "), "{printed}");
}

#[tokio::test]
async fn the_terminology_of_hl7_is_added() {
    let Some(terminology) = shared("data/igs/hl7.terminology.r4-7.0.1.tar.zst") else { return };
    let fk = Firekeep::start().await;
    let (shown, _) = added(&fk, &terminology);
    assert_eq!(shown["id"], "hl7.terminology.r4#7.0.1");
    assert_eq!(shown["contents"]["CodeSystem"], 897);
    assert_eq!(shown["contents"]["ValueSet"], 2_499);
}

#[tokio::test]
async fn what_is_no_package_of_this_version_is_refused_by_name() {
    let fk = Firekeep::start().await;
    let folder = tempfile::TempDir::new().expect("a folder");
    let refused = |name: &str, bytes: &[u8], says: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        let (ok, _, noted) = package(&fk, &["add", &file.display().to_string()]);
        assert!(!ok && noted.contains(name) && noted.contains(says), "{noted}");
    };
    refused("text.tgz", b"hello", "this is no FHIR package: a package is a .tgz or a .tar.zst");
    let r5 = r#"{"name":"hl7.fhir.r5.core","version":"5.0.0","fhirVersions":["5.0.0"]}"#;
    let archive = packed(&[("package/package.json", r5)]);
    let (half, _) = archive.split_at(archive.len() / 2);
    refused("half.tgz", half, "the package is damaged");
    refused("r5.tgz", &archive, "hl7.fhir.r5.core#5.0.0 is for FHIR 5.0.0, and this service has");
    let other = packed(&[("readme.txt", "hello")]);
    refused("other.tgz", &other, "this is no FHIR package: it has no package/package.json");
    let (ok, _, noted) = package(&fk, &["add", "missing.tgz"]);
    assert!(!ok && noted.contains("missing.tgz: it cannot be read"), "{noted}");
    assert_eq!(ids(&fk), "");

    let reader = fk.as_stranger().await.0;
    let listed = format!("{}/_admin/services/main-demo/packages", fk.says("/arm"));
    reader.at(&listed).get("").await.status(401);
    let administrator = fk.as_administrator().await;
    administrator.get("/_admin/services/main-lab/packages").await.status(404);
    administrator.delete("/_admin/services/main-demo/packages").await.status(405);
}

#[tokio::test]
async fn a_package_has_its_limit_of_bytes() {
    const PACKAGE_BYTES: usize = 64 << 20;
    let fk = Firekeep::start().await;
    let administrator = fk.as_administrator().await;
    for (bytes, status, says) in [
        (PACKAGE_BYTES, 400, "this is no FHIR package"),
        (PACKAGE_BYTES + 1, 413, "larger than 67108864 bytes"),
    ] {
        let path = "/_admin/services/main-demo/packages";
        let request = administrator.request(reqwest::Method::POST, path).body(vec![0; bytes]);
        let reply = Reply::of(request).await.status(status);
        assert!(reply.text().contains(says), "{}", reply.text());
    }
}

fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, name, text.as_bytes()).expect("a member");
    }
    zstd::encode_all(&archive.into_inner().expect("an archive")[..], 1).expect("zstd")
}
