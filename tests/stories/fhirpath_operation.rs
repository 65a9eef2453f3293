//! $fhirpath: expressions evaluated by the service.

use serde_json::{Value, json};
use stories::{Firekeep, patient};

fn question(expression: &str, resource: Option<Value>) -> Value {
    let mut all = vec![json!({"name": "expression", "valueString": expression})];
    all.extend(resource.map(|resource| json!({"name": "resource", "resource": resource})));
    json!({"resourceType": "Parameters", "parameter": all})
}

/// The parts of each result, as (name, value).
fn results(answer: &Value) -> Vec<Vec<(String, Value)>> {
    let all = answer["parameter"].as_array().cloned().unwrap_or_default();
    let parts = |result: Value| result["part"].as_array().cloned().unwrap_or_default();
    let part = |part: Value| {
        let value = part.as_object().and_then(|part| part.iter().find(|(key, _)| *key != "name"));
        let value = value.map(|(key, value)| json!({key: value})).unwrap_or_default();
        (part["name"].as_str().unwrap_or_default().to_owned(), value)
    };
    all.into_iter().map(|result| parts(result).into_iter().map(part).collect()).collect()
}

#[tokio::test]
async fn an_expression_is_answered_with_types_and_places() {
    let fk = Firekeep::start().await;
    let reader = fk.as_reader().await;
    let asked = question(
        "name.family | 1.50 | contact",
        Some(json!({
            "resourceType": "Patient", "name": [{"family": "One"}], "contact": [{"gender": "male"}],
        })),
    );
    let answer = reader.post("/$fhirpath", &asked).await.ok().json();
    let found = results(&answer);
    let text = |text: &str| json!({"valueString": text});
    assert_eq!(
        found[0],
        [
            ("type".to_owned(), text("FHIR.string")),
            ("location".to_owned(), text("Patient.name[0].family")),
            ("value".to_owned(), text("One")),
        ]
    );
    assert_eq!(found[1][1], ("value".to_owned(), json!({"valueDecimal": 1.5})));
    assert_eq!(found[2][2], ("json".to_owned(), text("{\"gender\":\"male\"}")));
}

#[tokio::test]
async fn a_stored_resource_and_a_body_can_be_asked() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let stored = app.get("/Patient/p/$fhirpath?expression=name.family").await.ok().json();
    let sent = app.post("/$fhirpath?expression=name.family", &patient("q", "One")).await.ok();
    assert_eq!(results(&stored), results(&sent.json()));
    let typed = app.post("/Patient/$fhirpath", &question("id", Some(patient("q", "One")))).await;
    assert_eq!(results(&typed.ok().json()).len(), 1);
    let alone = app.post("/$fhirpath", &question("1 + 1", None)).await.ok().json();
    assert_eq!(results(&alone)[0][1].1, json!({"valueInteger": 2}));

    app.get("/Patient/never/$fhirpath?expression=id").await.refused(404, "There is no");
    app.post("/Observation/$fhirpath", &question("id", Some(patient("q", "One"))))
        .await
        .refused(400, "Observation");
    app.post("/$fhirpath", &patient("q", "One")).await.refused(400, "expression");
    let wrong = app.post("/$fhirpath", &question("1 +\n )", None)).await;
    wrong.refused(400, "line 2, column 2");
    let endless = "repeat($this + 1)";
    app.post("/$fhirpath", &question(endless, Some(patient("q", "One")))).await.status(400);
    fk.as_anonymous().post("/$fhirpath", &question("1", None)).await.refused(401, "");
}
