//! /$…: what all operations have in common.

use reqwest::Method;
use serde_json::json;
use stories::{Firekeep, patient};

#[tokio::test]
async fn an_operation_that_takes_parameters_does_not_ignore_another_resource() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    for path in [
        "/Patient/$everything",
        "/Patient/p/$everything",
        "/Patient/p/$meta",
        "/Patient/p/$meta-add",
        "/Patient/p/$purge-history",
        "/Patient/p/$diff",
        "/Patient/p/$graph?graph=g",
        "/Composition/$document?id=c",
        "/Observation/$lastn?patient=p&code=c",
        "/DocumentReference/$docref?patient=p",
        "/$reindex",
    ] {
        let refused = app.post(path, &patient("p", "One")).await;
        refused.refused(400, "The body is a Patient; this operation takes Parameters");
        app.post(path, &json!({"text": "x"})).await.refused(400, "The body is no resource");
    }
    let gender = "url=http://hl7.org/fhir/ValueSet/administrative-gender";
    app.post(&format!("/ValueSet/$expand?{gender}"), &patient("p", "One"))
        .await
        .refused(400, "The body is a Patient");
    app.get("/Patient/p/$meta?foo=1").await.refused(400, "It has none");
    app.post("/Patient/p/$everything", &json!({})).await.ok();
    app.post("/Patient/p/$meta", &json!({"resourceType": "Parameters"})).await.ok();
    let meta = |all: serde_json::Value| json!({"resourceType": "Parameters", "parameter": all});
    let tag = json!({"name": "meta", "valueMeta": {"tag": [{"code": "t"}]}});
    let text = json!({"name": "meta", "valueString": "t"});
    app.post("/Patient/p/$meta-add", &meta(json!([text]))).await.refused(400, "valueMeta");
    app.post("/Patient/p/$meta-add", &meta(json!([tag, tag]))).await.refused(400, "as one");
    app.post("/Patient/p/$meta-add", &meta(json!([tag]))).await.ok();
    app.get("/_operations/nothing/1").await.refused(404, "_operations/nothing/1");
    app.get("/_operations/reindex/x").await.refused(404, "_operations/reindex/x");
}

#[tokio::test]
async fn a_body_whose_parameters_cannot_be_heard_is_refused() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/1", &patient("1", "One")).await.created();
    for body in [
        json!({"resourceType": "Parameters",
               "parameter": {"name": "targetResourceTypes", "valueString": "Patient"}}),
        json!({"resourceType": "Parameters", "parameter": [{"valueString": "Patient"}]}),
        json!({"resourceType": "Parameters", "parameter": ["targetResourceTypes"]}),
        json!([]),
        json!("Patient"),
    ] {
        for path in ["/$reindex", "/Patient/1/$everything", "/Patient/1/$purge-history"] {
            let reply = app.post(path, &body).await;
            reply.refused(400, "Parameters");
        }
    }
    assert!(app.get("/Patient/1/_history/1").await.ok().text().contains("One"));
}

#[tokio::test]
async fn a_long_body_of_somebody_without_a_role_is_not_read() {
    let fk = Firekeep::start().await;
    let (nobody, _) = fk.as_stranger().await;
    // It is no JSON at all, which would be the answer if it were read.
    for path in ["", "/$reindex", "/Patient/1/$everything"] {
        nobody.send(Method::POST, path, "x".repeat(1 << 20)).await.refused(403, "role");
    }
}
