//! /Patient and /Patient/{id}: create, read, vread, update, delete.

use reqwest::Method;
use serde_json::json;
use stories::{Firekeep, Reply, patient};

#[tokio::test]
async fn a_created_patient_reads_back_as_it_was_sent() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let sent = r#"{ "resourceType":"Patient", "id": "mine", "extension":[{"url":"http://example.org/x",
        "valueDecimal": 1.50}], "name":[{"family":"\u00c5berg","given":["Zoë"]}] }"#;
    let made = app.send(Method::POST, "/Patient", sent).await.created();
    let location = made.header("location");
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_ne!(id, "mine", "the server assigns the id of a POST");
    assert_eq!(location, format!("{}/Patient/{id}/_history/1", app.base()));
    assert_eq!(made.header("etag"), "W/\"1\"");
    assert!(!made.header("last-modified").is_empty());

    let read = app.get(&format!("/Patient/{id}")).await.ok();
    assert!(read.text().contains("1.50"), "the number keeps its text: {}", read.text());
    assert!(read.text().contains(r#""family":"\u00c5berg""#), "the string keeps its spelling");
    assert_eq!(read.json()["meta"]["versionId"], "1");
    assert_eq!(read.header("content-type"), "application/fhir+json; charset=utf-8");
    assert_eq!(app.get(&location).await.ok().body, read.body);
}

#[tokio::test]
async fn a_put_counts_versions_and_changes_nothing_when_nothing_changed() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let path = "/Patient/a-1.b";
    let one = app.put(path, &patient("a-1.b", "One")).await.created();
    assert_eq!(one.header("location"), format!("{}{path}/_history/1", app.base()));
    let same = app.put(path, &one.json()).await.ok();
    assert_eq!(same.header("etag"), "W/\"1\"");
    let two = app.put(path, &patient("a-1.b", "Two")).await.ok();
    assert_eq!(two.header("etag"), "W/\"2\"");
    assert!(
        two.json()["meta"]["lastUpdated"].as_str() > one.json()["meta"]["lastUpdated"].as_str()
    );
    let first = app.get(&format!("{path}/_history/1")).await.ok();
    assert_eq!(first.json()["name"][0]["family"], "One");
    app.get(&format!("{path}/_history/3")).await.refused(404, "version");
}

#[tokio::test]
async fn members_in_another_order_are_no_change() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let sent = r#"{"birthDate":"1970-01-01","resourceType":"Patient","active":true,"id":"o"}"#;
    app.send(Method::PUT, "/Patient/o", sent).await.created();
    let other = r#"{"resourceType":"Patient","id":"o","active":true,"birthDate":"1970-01-01"}"#;
    let same = app.send(Method::PUT, "/Patient/o", other).await.ok();
    assert_eq!(same.header("etag"), "W/\"1\"");
    let xml = app.get("/Patient/o?_format=xml").await.ok().text();
    let request = app.request(Method::PUT, "/Patient/o");
    let same = Reply::of(request.header("Content-Type", "application/fhir+xml").body(xml)).await;
    assert_eq!(same.ok().header("etag"), "W/\"1\"");
    let changed = other.replace("true", "false");
    let changed = app.send(Method::PUT, "/Patient/o", changed).await.ok();
    assert_eq!(changed.header("etag"), "W/\"2\"");
}

#[tokio::test]
async fn a_deleted_patient_is_gone_and_can_come_back() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/d", &patient("d", "One")).await.created();
    let gone = app.delete("/Patient/d").await.no_content();
    assert_eq!(gone.header("etag"), "W/\"2\"");
    let again = app.delete("/Patient/d").await.no_content();
    assert_eq!(again.header("etag"), "W/\"2\"");
    app.get("/Patient/d").await.refused(410, "deleted");
    app.delete("/Patient/never").await.no_content();
    let back = app.put("/Patient/d", &patient("d", "One")).await.created();
    assert_eq!(back.header("etag"), "W/\"3\"");
    app.get("/Patient/d/_history/2").await.refused(410, "deleted");
}

#[tokio::test]
async fn a_hard_delete_needs_its_own_right_and_leaves_nothing() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let writer = fk.as_role("3f88fce4-5892-4214-ae73-ba5294559913").await;
    app.put("/Patient/h", &patient("h", "One")).await.created();
    app.put("/Patient/h", &patient("h", "Two")).await.ok();
    writer.delete("/Patient/h?hardDelete=true").await.refused(403, "FHIR Data Contributor");
    app.delete("/Patient/h?hardDelete=true").await.no_content();
    app.get("/Patient/h").await.status(404);
    app.get("/Patient/h/_history/1").await.status(404);
    assert_eq!(app.get("/Patient?_summary=count").await.ok().json()["total"], 0);
}

#[tokio::test]
async fn if_match_guards_a_version() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/m", &patient("m", "One")).await.created();
    let put = |etag: &'static str, family: &'static str| {
        let request = app.request(Method::PUT, "/Patient/m").header("If-Match", etag);
        Reply::of(request.json(&patient("m", family)))
    };
    put("W/\"1\"", "Two").await.ok();
    put("W/\"1\"", "Three").await.refused(412, "1");
    put("\"2\"", "Three").await.refused(400, "W/");
    put("nonsense", "Three").await.refused(400, "W/");
    let absent = app.request(Method::PUT, "/Patient/none").header("If-Match", "W/\"1\"");
    Reply::of(absent.json(&patient("none", "X"))).await.status(404);
    let only_new = app.request(Method::PUT, "/Patient/m").header("If-None-Match", "*");
    Reply::of(only_new.json(&patient("m", "X"))).await.status(412);
}

#[tokio::test]
async fn a_client_that_has_the_version_gets_304() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let made = app.put("/Patient/c", &patient("c", "One")).await.created();
    for (name, value) in [
        ("If-None-Match", "W/\"1\"".to_owned()),
        ("If-Modified-Since", made.header("last-modified")),
    ] {
        let reply = Reply::of(app.request(Method::GET, "/Patient/c").header(name, value)).await;
        assert!(reply.status(304).body.is_empty());
    }
    let head = Reply::of(app.request(Method::HEAD, "/Patient/c")).await.ok();
    assert_eq!(head.header("etag"), "W/\"1\"");
    assert!(head.body.is_empty());
    let pretty = app.get("/Patient/c?_pretty=true").await.ok().text();
    assert!(pretty.contains("\n  \"resourceType\""), "{pretty}");
}

#[tokio::test]
async fn prefer_says_what_a_write_answers() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let post = |prefer: &'static str| {
        let request = app.request(Method::POST, "/Patient").header("Prefer", prefer);
        Reply::of(request.json(&json!({"resourceType": "Patient"})))
    };
    assert!(post("return=minimal").await.created().body.is_empty());
    let outcome = post("return=OperationOutcome").await.created().json();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    assert_eq!(post("return=representation").await.created().json()["resourceType"], "Patient");
}

#[tokio::test]
async fn bad_bodies_are_refused_with_what_is_wrong() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let cases = [
        ("", "empty"),
        ("{\"resourceType\":\"Patient\",}", "line 1"),
        ("{\"resourceType\":\"Patient\",\"active\":true,\"active\":true}", "active"),
        ("[]", "object"),
        ("{\"active\":true}", "resourceType"),
        ("{\"resourceType\":\"Observation\"}", "Patient"),
        ("{\"resourceType\":\"Patient\",\"meta\":[]}", "meta"),
        ("{\"resourceType\":\"Patient\",\"meta\":{\"profile\":\"x\"}}", "profile"),
        ("{\"resourceType\":\"Patient\",\"meta\":{\"versionId\":1}}", "versionId"),
    ];
    for (body, words) in cases {
        app.send(Method::POST, "/Patient", body).await.refused(400, words);
    }
    app.put("/Patient/x", &patient("y", "Z")).await.refused(400, "id");
    app.put("/Patient/x", &json!({"resourceType": "Patient"})).await.refused(400, "id");
    app.put("/Patient/sp%20ace", &patient("sp ace", "Z")).await.refused(400, "id");
    app.get("/patient/1").await.refused(404, "Patient");
    app.get("/Nonsense/1").await.refused(404, "Nonsense");
    let odd = app.request(Method::POST, "/Patient").header("Content-Type", "text/plain");
    Reply::of(odd.body("{}")).await.refused(415, "application/fhir+json");
    let turtle = app.request(Method::GET, "/Patient/1").header("Accept", "text/turtle");
    Reply::of(turtle).await.refused(406, "JSON");
}

#[tokio::test]
async fn what_comes_later_says_so() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.get("/Patient/$match").await.refused(501, "later");
    app.get("/Patient/1/$nonsense").await.status(404);
    app.put("/Patient", &json!({"resourceType": "Patient"})).await.refused(400, "do not select");
    app.delete("/Patient").await.refused(412, "do not select");
}
