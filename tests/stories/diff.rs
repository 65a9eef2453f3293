//! /{type}/{id}/$diff and /$diff.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Firekeep, patient};

fn operations(patch: &Value) -> String {
    let texts = patch["parameter"].as_array().into_iter().flatten().map(|operation| {
        let part = |name: &str| {
            let parts = operation["part"].as_array().cloned().unwrap_or_default();
            parts.into_iter().find(|part| part["name"] == name).unwrap_or_default()
        };
        let (kind, path) = (part("type"), part("path"));
        format!("{} {}", kind["valueCode"].as_str().unwrap(), path["valueString"].as_str().unwrap())
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_diff_is_a_patch_that_makes_the_later_version_of_the_earlier() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    let mut one = patient("a", "One");
    app.put("/Patient/a", &one).await.created();
    reader.get("/Patient/a/$diff").await.refused(404, "no version before");
    let mut two = one.clone();
    two["name"][0]["family"] = json!("Two");
    two["meta"] = json!({"tag": [{"code": "t"}]});
    app.put("/Patient/a", &two).await.ok();
    let mut three = two.clone();
    three["birthDate"] = json!("1970-01-01");
    app.put("/Patient/a", &three).await.ok();

    let last = reader.get("/Patient/a/$diff").await.ok().json();
    assert_eq!(operations(&last), "add Patient");
    let all = reader.get("/Patient/a/$diff?fromVersion=1").await.ok().json();
    assert_eq!(operations(&all), "add Patient, add Patient.meta, replace Patient.name[0].family");
    let same = reader.get("/Patient/a/$diff?fromVersion=3").await.ok().json();
    assert_eq!(same, json!({"resourceType": "Parameters"}));

    let second = reader.get("/Patient/a/_history/2/$diff").await.ok().json();
    assert_eq!(operations(&second), "add Patient.meta, replace Patient.name[0].family");
    let back = reader.get("/Patient/a/_history/1/$diff?fromVersion=3").await.ok().json();
    assert_eq!(
        operations(&back),
        "delete Patient.meta.tag[0], replace Patient.name[0].family, delete Patient.birthDate"
    );
    reader.get("/Patient/a/_history/1/$diff").await.refused(404, "no version before");
    reader.get("/Patient/a/_history/9/$diff").await.refused(404, "version 9");
    reader.get("/Patient/a/_history/x/$diff").await.refused(404, "'x'");
    reader.get("/Patient/a/_history/2/$everything").await.refused(404, "$everything");

    // Patched with it, another resource that is like the first becomes like the third.
    one["id"] = json!("b");
    app.put("/Patient/b", &one).await.created();
    app.send(Method::PATCH, "/Patient/b", all.to_string()).await.ok();
    let between = reader.get("/$diff?from=Patient/a&to=Patient/b").await.ok().json();
    assert_eq!(between, json!({"resourceType": "Parameters"}));
    let first = format!("{}/Patient/a/_history/1", app.base());
    let parameters = json!({"resourceType": "Parameters", "parameter": [
        {"name": "from", "valueReference": {"reference": "Patient/b"}},
        {"name": "to", "valueString": first}]});
    let back = reader.post("/$diff", &parameters).await.ok().json();
    assert_eq!(
        operations(&back),
        "delete Patient.meta.tag[0], replace Patient.name[0].family, delete Patient.birthDate"
    );
    app.send(Method::PATCH, "/Patient/b", back.to_string()).await.ok();
    let left = reader.get("/$diff?from=Patient/a/_history/1&to=Patient/b").await.ok().json();
    assert_eq!(left, json!({"resourceType": "Parameters"}));
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    app.put("/Patient/a", &patient("a", "One")).await.created();
    app.put(
        "/Group/g",
        &json!({"resourceType": "Group", "id": "g", "type": "person",
        "actual": true}),
    )
    .await
    .created();
    reader.get("/Patient/never/$diff").await.refused(404, "Patient/never");
    reader.get("/Patient/a/$diff?fromVersion=7").await.refused(404, "version 7");
    reader.get("/Patient/a/$diff?fromVersion=x").await.refused(400, "fromVersion");
    reader.get("/Patient/a/$diff?includeMeta=true").await.refused(400, "includeMeta");
    reader.get("/$diff?from=Patient/a").await.refused(400, "'to' is missing");
    reader.get("/$diff?from=Patient/a&to=Group/g").await.refused(400, "two types");
    reader.get("/$diff?from=Patient/a&to=http://x.example/Patient/a").await.refused(400, "to is");
    fk.as_anonymous().get("/Patient/a/$diff").await.status(401);
    app.delete("/Patient/a").await.no_content();
    reader.get("/Patient/a/$diff").await.refused(410, "deleted");
    app.put("/Patient/a", &patient("a", "Two")).await.created();
    let over = reader.get("/Patient/a/$diff").await.ok().json();
    assert_eq!(operations(&over), "replace Patient.name[0].family");
}
