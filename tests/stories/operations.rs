//! What all operations have in common.

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
