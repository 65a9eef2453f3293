//! Version policies, `_meta-history=false` and X-Provenance: what a write keeps, needs and brings
//! along.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply, Setup, patient};

async fn total(app: &Actor, path: &str) -> Value {
    app.get(path).await.ok().json()["total"].clone()
}

async fn put(app: &Actor, path: &str, header: (&str, &str), body: &Value) -> Reply {
    Reply::of(app.request(Method::PUT, path).header(header.0, header.1).json(body)).await
}

/// The header that brings a Provenance.
fn with(text: &str) -> (&str, &str) {
    ("X-Provenance", text)
}

fn list(status: &str) -> Value {
    json!({"resourceType": "List", "id": "l", "status": status, "mode": "working"})
}

#[tokio::test]
async fn the_configuration_says_which_versions_are_kept() {
    let config = "[service.'main/demo'.versioning]\n\
                  default = 'no-version'\nPatient = 'version-update'\nBasic = 'versioned'\n";
    let setup = Setup { config: Some(config.to_owned()), ..Setup::default() };
    let fk = Firekeep::start_with(setup).await;
    let app = fk.as_contributor().await;
    for status in ["current", "retired"] {
        app.put("/List/l", &list(status)).await;
    }
    assert_eq!(app.get("/List/l").await.ok().header("etag"), "W/\"2\"");
    assert_eq!(total(&app, "/List/l/_history").await, 1);
    app.get("/List/l/_history/1").await.status(404);
    let entry = json!({"resource": list("current"), "request": {"method": "PUT", "url": "List/l"}});
    for kind in ["batch", "transaction"] {
        let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": [entry]});
        let answer = app.post("/", &bundle).await.ok().json();
        assert_eq!(answer["entry"][0]["response"]["status"], "200 OK", "{answer}");
        assert_eq!(total(&app, "/List/l/_history").await, 1);
    }
    app.delete("/List/l").await.no_content();
    assert_eq!(total(&app, "/List/l/_history").await, 1);
    app.put(
        "/List/m",
        &json!({"resourceType": "List", "id": "m", "status": "current",
                               "mode": "working", "title": "Mine"}),
    )
    .await
    .created();
    app.delete("/List?title=Mine").await.no_content();
    app.get("/List/m/_history/1").await.status(404);
    assert_eq!(total(&app, "/List/m/_history").await, 1);

    app.put("/Patient/a", &patient("a", "One")).await.created();
    let changed = patient("a", "Two");
    app.put("/Patient/a", &changed).await.refused(400, "A valid if-match header is required");
    put(&app, "/Patient/a", ("If-Match", "W/\"2\""), &changed).await.refused(412, "did not match");
    put(&app, "/Patient/a", ("If-Match", "W/\"1\""), &changed).await.ok();
    put(&app, "/Patient/b", ("If-Match", "W/\"1\""), &patient("b", "B")).await.status(404);
    let patch = app.request(Method::PATCH, "/Patient/a");
    let patch = patch.header("Content-Type", "application/json-patch+json");
    let patch = patch.body(r#"[{"op":"add","path":"/active","value":true}]"#);
    Reply::of(patch).await.refused(400, "if-match");
    let put = json!({"resource": changed, "request": {"method": "PUT", "url": "Patient?_id=a"}});
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [put]});
    app.post("/", &bundle).await.refused(400, "A valid if-match header is required");
    assert_eq!(total(&app, "/Patient/a/_history").await, 2);
    let statement = app.get("/metadata").await.ok().json();
    let types = statement["rest"][0]["resource"].as_array().expect("types").clone();
    let policy = |name: &str| {
        let found = types.iter().find(|it| it["type"] == name);
        found.expect("the type")["versioning"].clone()
    };
    assert_eq!(policy("Patient"), "versioned-update");
    assert_eq!((policy("Basic"), policy("List")), (json!("versioned"), json!("no-version")));
}

#[tokio::test]
async fn resource_manager_says_which_versions_are_kept() {
    let fk = Firekeep::start().await;
    let (arm, app) = (fk.as_administrator().await, fk.as_contributor().await);
    let path = format!("{}?api-version=2023-11-01", fk.says("/service/id"));
    let policy = json!({"default": "versioned", "resourceTypeOverrides": {"List": "no-version"}});
    let with = |policy: &Value| {
        let properties = json!({"resourceVersionPolicyConfiguration": policy});
        json!({"kind": "fhir-R4", "location": "local", "properties": properties})
    };
    arm.put(&path, &with(&policy)).await.ok();
    let shown = arm.get(&path).await.ok().json();
    assert_eq!(shown["properties"]["resourceVersionPolicyConfiguration"], policy);
    for status in ["current", "retired"] {
        app.put("/List/l", &list(status)).await;
    }
    assert_eq!(total(&app, "/List/l/_history").await, 1);
    arm.put(&path, &with(&json!({"default": "always"}))).await.status(400);
    arm.put(&path, &with(&json!({"default": "versioned"}))).await.ok();
    app.put("/List/l", &list("current")).await.ok();
    assert_eq!(total(&app, "/List/l/_history").await, 2);
}

#[tokio::test]
async fn a_change_of_meta_alone_need_not_be_kept() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/a", &patient("a", "One")).await.created();
    let mut tagged = patient("a", "One");
    tagged["meta"] = json!({"tag": [{"code": "t"}]});
    let changed = app.put("/Patient/a?_meta-history=false", &tagged).await.ok();
    assert_eq!(changed.header("etag"), "W/\"2\"");
    assert_eq!(total(&app, "/Patient/a/_history").await, 1);
    tagged["active"] = json!(true);
    app.put("/Patient/a?_meta-history=false", &tagged).await.ok();
    assert_eq!(total(&app, "/Patient/a/_history").await, 2);
    let urls = ["Patient/a?_meta-history=false", "Patient?_id=a&_meta-history=false"];
    for (url, etag) in urls.into_iter().zip(["W/\"4\"", "W/\"5\""]) {
        tagged["meta"] = json!({"tag": [{"code": etag}]});
        let entry = json!({"resource": tagged, "request": {"method": "PUT", "url": url}});
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]});
        app.post("/", &bundle).await.ok();
        assert_eq!(total(&app, "/Patient/a/_history").await, 2);
        assert_eq!(app.get("/Patient/a").await.ok().header("etag"), etag);
    }
    app.put("/Patient/a?_meta-history=maybe", &tagged).await.refused(400, "_meta-history");
}

#[tokio::test]
async fn a_write_brings_its_provenance() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let provenance = json!({"resourceType": "Provenance", "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"display": "somebody"}}]});
    let header = provenance.to_string();
    put(&app, "/Patient/a", with(&header), &patient("a", "One")).await.created();
    put(&app, "/Patient/a", with(&header), &patient("a", "Two")).await.ok();
    put(&app, "/Patient/a", with(&header), &patient("a", "Two")).await.ok();
    let made = app.request(Method::POST, "/Patient").header("X-Provenance", &header);
    let made = Reply::of(made.json(&patient("x", "New"))).await.created().json();
    let stored = app.get("/Provenance").await.ok().json();
    let entries = stored["entry"].as_array().expect("entries").clone();
    let targets: Vec<_> =
        entries.iter().map(|it| it["resource"]["target"][0]["reference"].clone()).collect();
    let new = format!("Patient/{}/_history/1", made["id"].as_str().expect("an id"));
    let (one, two) = ("Patient/a/_history/1", "Patient/a/_history/2");
    assert_eq!(targets, [one, two, two, new.as_str()]);
    for (wrong, says) in [
        ("{", "X-Provenance"),
        (r#"{"resourceType":"Patient"}"#, "Provenance resource"),
        (r#"{"resourceType":"Provenance","target":[]}"#, "no target"),
        (r#"{"resourceType":"Provenance"}"#, "the element 'agent'"),
    ] {
        let refused = put(&app, "/Patient/b", with(wrong), &patient("b", "B")).await;
        refused.refused(400, says);
    }
    app.get("/Patient/b").await.status(404);
}
