//! Azure Resource Manager's addresses, beyond what signing in and roles need.

use reqwest::Method;
use serde_json::json;
use stories::{Firekeep, Reply};

/// What `az group exists` asks.
#[tokio::test]
async fn head_says_whether_a_resource_group_exists() {
    let fk = Firekeep::start().await;
    let arm = fk.as_administrator().await;
    let subscription = fk.says("/subscriptionId");
    for (name, status) in [(fk.says("/resourceGroup"), 204), ("nothing".to_owned(), 404)] {
        let path = format!("/subscriptions/{subscription}/resourcegroups/{name}");
        let asked = arm.request(Method::HEAD, &format!("{path}?api-version=2022-09-01"));
        let reply = Reply::of(asked).await.status(status);
        assert!(reply.body.is_empty());
    }
}

#[tokio::test]
async fn the_tags_of_a_service_are_patched_and_nothing_else() {
    let fk = Firekeep::start().await;
    let arm = fk.as_administrator().await;
    let path = format!("{}?api-version=2023-11-01", fk.says("/service/id"));
    let before = arm.get(&path).await.ok().json();
    let patch = async |body| Reply::of(arm.request(Method::PATCH, &path).json(&body)).await;
    let tags = json!({"team": "a", "cost centre": "7"});
    assert_eq!(patch(json!({"tags": tags})).await.ok().json()["tags"], tags);
    let mut after = arm.get(&path).await.ok().json();
    assert_eq!(after["tags"], tags);
    after["tags"] = before["tags"].clone();
    assert_eq!(after, before);
    patch(json!({"tags": {}, "kind": "fhir-Stu3"})).await.status(400);
    fk.as_contributor().await.get("/Patient").await.ok();
}

#[tokio::test]
async fn a_setting_that_has_no_effect_here_is_refused_by_name() {
    let fk = Firekeep::start().await;
    let arm = fk.as_administrator().await;
    let path = format!("{}?api-version=2023-11-01", fk.says("/service/id"));
    let with = |cors: serde_json::Value| {
        let properties = json!({"corsConfiguration": cors});
        json!({"kind": "fhir-R4", "location": "local", "properties": properties})
    };
    let refused = arm.put(&path, &with(json!({"origins": ["https://app.example"]}))).await;
    assert!(refused.status(400).text().contains("corsConfiguration"));
    arm.put(&path, &with(json!({}))).await.ok();
}
