//! /{type}/{id}/_history, /{type}/_history and /_history: newest first, deletions included.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Firekeep, Reply, patient};

fn methods(entries: &[Value]) -> Vec<String> {
    let text = |entry: &Value| {
        let (method, url) = (&entry["request"]["method"], &entry["request"]["url"]);
        format!("{} {}", method.as_str().unwrap_or("?"), url.as_str().unwrap_or("?"))
    };
    entries.iter().map(text).collect()
}

#[tokio::test]
async fn a_history_tells_every_change_newest_first() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/a", &patient("a", "One")).await.created();
    app.put("/Patient/b", &patient("b", "Other")).await.created();
    app.put("/Patient/a", &patient("a", "Two")).await.ok();
    app.delete("/Patient/a").await.no_content();
    let bundle = app.get("/Patient/a/_history").await.ok().json();
    assert_eq!(bundle["type"], "history");
    assert_eq!(bundle["total"], 3);
    let entries = bundle["entry"].as_array().expect("entries");
    assert_eq!(methods(entries), ["DELETE Patient/a", "PUT Patient/a", "PUT Patient/a"]);
    assert!(entries[0].get("resource").is_none());
    assert_eq!(entries[1]["resource"]["name"][0]["family"], "Two");
    assert_eq!(entries[1]["response"]["etag"], "W/\"2\"");
    let all = app.follow(app.get("/Patient/_history?_count=3").await.ok()).await;
    assert_eq!(methods(&all).len(), 4);
    let system = app.follow(app.get("/_history?_count=1").await.ok()).await;
    assert_eq!(methods(&system), methods(&all));
    app.get("/Patient/never/_history").await.status(404);
}

#[tokio::test]
async fn a_history_tells_patches_from_updates() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/a", &patient("a", "One")).await.created();
    let patch = r#"[{"op":"add","path":"/gender","value":"male"}]"#;
    let request = app.request(Method::PATCH, "/Patient/a");
    let request = request.header("Content-Type", "application/json-patch+json").body(patch);
    Reply::of(request).await.ok();
    let delete = json!({"name": "operation", "part": [{"name": "type", "valueCode": "delete"},
        {"name": "path", "valueString": "Patient.gender"}]});
    let parameters = json!({"resourceType": "Parameters", "parameter": [delete]});
    let entry = json!({"resource": parameters, "request": {"method": "PATCH", "url": "Patient/a"}});
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]});
    app.post("", &bundle).await.ok();
    app.put("/Patient/a", &patient("a", "Two")).await.ok();
    let told = app.get("/Patient/a/_history").await.ok().json();
    let entries = told["entry"].as_array().expect("entries");
    let expected = ["PUT Patient/a", "PATCH Patient/a", "PATCH Patient/a", "PUT Patient/a"];
    assert_eq!(methods(entries), expected);
    assert_eq!(entries[1]["response"]["status"], "200 OK");
    assert_eq!(entries[2]["resource"]["gender"], "male");
}

#[tokio::test]
async fn a_history_is_bounded_by_since() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/a", &patient("a", "One")).await.created();
    let two = app.put("/Patient/a", &patient("a", "Two")).await.ok().json();
    let moment = two["meta"]["lastUpdated"].as_str().expect("a moment").to_owned();
    let since = app.get(&format!("/Patient/a/_history?_since={moment}")).await.ok().json();
    assert_eq!(since["total"], 1);
    let before = app.get(&format!("/Patient/a/_history?_before={moment}")).await.ok().json();
    assert_eq!(before["total"], 1);
    app.get("/Patient/a/_history?_since=soon").await.refused(400, "_since");
}

#[tokio::test]
async fn a_history_can_be_of_a_time_of_a_list_and_from_its_beginning() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/a", &patient("a", "One")).await.created();
    app.put("/Patient/b", &patient("b", "Other")).await.created();
    let two = app.put("/Patient/a", &patient("a", "Two")).await.ok().json();
    let list = serde_json::json!({"resourceType": "List", "id": "l", "status": "current",
        "mode": "working", "entry": [{"item": {"reference": "Patient/a"}}]});
    app.put("/List/l", &list).await.created();
    let tell = async |query: &str| {
        let bundle = app.get(query).await.ok().json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let name = |entry: &Value| {
            let (id, meta) = (&entry["resource"]["id"], &entry["resource"]["meta"]["versionId"]);
            format!("{}/{}", id.as_str().unwrap_or("?"), meta.as_str().unwrap_or("?"))
        };
        entries.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(tell("/Patient/_history?_sort=_lastUpdated").await, ["a/1", "b/1", "a/2"]);
    assert_eq!(tell("/Patient/_history?_sort=-_lastUpdated").await, ["a/2", "b/1", "a/1"]);
    assert_eq!(tell("/_history?_list=l").await, ["a/2", "a/1"]);
    assert_eq!(tell("/Patient/b/_history?_list=l").await, [""; 0]);
    let moment = two["meta"]["lastUpdated"].as_str().expect("a moment");
    assert_eq!(tell(&format!("/Patient/_history?_at={moment}")).await, ["a/2", "b/1"]);
    assert_eq!(tell("/Patient/_history?_at=2001").await, [""; 0]);
    let pages = app.follow(app.get("/Patient/_history?_sort=_lastUpdated&_count=1").await.ok());
    let numbers: Vec<_> = pages.await.iter().map(|it| it["resource"]["id"].clone()).collect();
    assert_eq!(numbers, ["a", "b", "a"]);
    app.get("/Patient/_history?_sort=name").await.refused(400, "_lastUpdated");
    app.get("/Patient/_history?_at=soon").await.refused(400, "_at");
}
