//! No room on the disk: 507, nothing lost, and the service goes on when there is room again.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use stories::{Firekeep, patient};

/// Sets the file-size limit of the running server, as a disk that is full would.
fn limit_files(fk: &Firekeep, bytes: &str) {
    let pid = fk.pid().to_string();
    let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}")]).status();
    assert!(set.expect("prlimit runs: apt-get install util-linux").success());
}

fn store_bytes(fk: &Firekeep) -> u64 {
    let services = std::fs::read_dir(fk.folder().join("services")).expect("the services' folder");
    let sizes = services
        .flatten()
        .flat_map(|service| std::fs::read_dir(service.path()))
        .flatten()
        .flatten()
        .filter_map(|file| file.metadata().ok())
        .map(|data| data.len());
    sizes.max().expect("a store file")
}

#[tokio::test]
async fn a_full_disk_answers_507_and_loses_nothing() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/before", &patient("before", "Kept")).await.created();
    limit_files(&fk, &format!("{}:unlimited", store_bytes(&fk) + 65_536));
    let noise = BASE64.encode(stories::random::<200_000>());
    let big = json!({"resourceType": "Binary", "contentType": "text/plain", "data": noise});
    let mut stored = 0;
    let refused = loop {
        let reply = app.post("/Binary", &big).await;
        if reply.status != 201 {
            break reply;
        }
        stored += 1;
        assert!(stored < 100, "the limit is never reached");
    };
    refused.refused(507, "room");
    app.get("/Patient/before").await.ok();
    let count = app.get("/Binary?_summary=count").await.ok().json();
    assert_eq!(count["total"], stored, "what was acknowledged is there, and nothing else");
    limit_files(&fk, "unlimited:unlimited");
    app.post("/Binary", &big).await.created();
    app.put("/Patient/after", &patient("after", "New")).await.created();
    let (code, folder, _) = fk.stop();
    assert_eq!(code, 0);
    let setup = stories::Setup { folder: Some(folder), ..Default::default() };
    let again = Firekeep::start_with(setup).await;
    let app = again.as_contributor().await;
    let count = app.get("/Binary?_summary=count").await.ok().json();
    assert_eq!(count["total"], stored + 1);
}

#[tokio::test]
async fn a_service_for_which_there_is_no_room_is_none_until_there_is() {
    let fk = Firekeep::start().await;
    let arm = fk.as_administrator().await;
    let id = fk.says("/service/id").replace("/demo", "/other");
    let path = format!("{id}?api-version=2023-11-01");
    let service = json!({"kind": "fhir-R4", "location": "local", "properties": {}});
    limit_files(&fk, "60000:unlimited");
    let refused = arm.put(&path, &service).await.status(507);
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "InsufficientStorage");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("room")), "{error}");
    arm.get(&path).await.status(404);
    limit_files(&fk, "unlimited:unlimited");
    arm.put(&path, &service).await.created();
    let (code, folder, _) = fk.stop();
    assert_eq!(code, 0);
    let setup = stories::Setup { folder: Some(folder), ..Default::default() };
    Firekeep::start_with(setup).await.as_administrator().await.get(&path).await.ok();
}
