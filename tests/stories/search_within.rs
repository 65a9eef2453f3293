//! /{type}?…: resources within others, by chains and with `_contained`; versions that references name.

use serde_json::{Value, json};
use stories::{Actor, Firekeep};

/// The resources of a page, each as its URL, without the base.
async fn urls(app: &Actor, query: &str) -> Vec<String> {
    let bundle = app.get(&format!("/{query}")).await.ok().json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let url = |entry: &Value| {
        let url = entry["fullUrl"].as_str().expect("a URL").to_owned();
        let place = url.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
        format!("{} {}", entry["search"]["mode"].as_str().expect("a mode"), &url[place..])
    };
    entries.iter().map(url).collect()
}

async fn check(app: &Actor, query: &str, expected: &[&str]) {
    assert_eq!(urls(app, query).await, expected, "{query}");
}

fn medication(id: &str, code: &str, form: &str) -> Value {
    let coding = |code: &str| json!({"coding": [{"system": "http://m", "code": code}]});
    json!({"resourceType": "Medication", "id": id, "code": coding(code), "form": coding(form)})
}

#[tokio::test]
async fn what_is_within_others_is_searched_when_that_is_asked_for() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put(
        "/Organization/o1",
        &json!({"resourceType": "Organization", "id": "o1", "name": "Acme"}),
    )
    .await
    .status(201);
    app.put("/Medication/alone", &medication("alone", "a", "tablet")).await.status(201);
    let request = json!({
        "resourceType": "MedicationRequest", "id": "r1", "status": "active", "intent": "order",
        "contained": [
            medication("m1", "a", "tablet"), medication("m2", "b", "pill"),
            {"resourceType": "Patient", "id": "p", "name": [{"family": "Within"}],
             "managingOrganization": {"reference": "Organization/o1"}}
        ],
        "medicationReference": {"reference": "#m1"}, "subject": {"reference": "#p"}
    });
    app.put("/MedicationRequest/r1", &request).await.status(201);

    let container = ["match MedicationRequest/r1"];
    check(&app, "MedicationRequest?medication.code=a", &container).await;
    check(&app, "MedicationRequest?medication.code=b", &[]).await;
    check(&app, "MedicationRequest?patient.name=within", &container).await;
    check(&app, "MedicationRequest?subject:Patient.organization.name=acme", &container).await;
    check(&app, "Medication?code=a", &["match Medication/alone"]).await;
    check(&app, "Medication?code=a&_contained=true", &container).await;
    check(&app, "Medication?code=b&form=tablet&_contained=true", &[]).await;
    let both = ["match Medication/alone", "match MedicationRequest/r1"];
    check(&app, "Medication?code=a&_contained=both", &both).await;
    let parts = "_contained=both&_containedType=contained";
    let both = ["match Medication/alone", "match MedicationRequest/r1#m1"];
    check(&app, &format!("Medication?code=a&{parts}"), &both).await;
    let all = ["match MedicationRequest/r1#m1", "match MedicationRequest/r1#m2"];
    let query = "Medication?form=pill,tablet&_contained=true&_containedType=contained";
    check(&app, query, &all).await;
    check(&app, "Patient?organization.name=acme&_contained=true", &container).await;
    let bundle = app.get(&format!("/{query}&_total=accurate&_count=1")).await.ok().json();
    assert_eq!(bundle["total"], 2);
}

#[tokio::test]
async fn an_include_brings_the_version_that_a_reference_names() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    for family in ["Before", "After"] {
        let patient = json!({"resourceType": "Patient", "id": "p1", "name": [{"family": family}]});
        app.put("/Patient/p1", &patient).await;
    }
    for (id, reference) in [("b1", "Patient/p1/_history/1"), ("b2", "Patient/p1")] {
        let observation = json!({
            "resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
            "subject": {"reference": reference}
        });
        app.put(&format!("/Observation/{id}"), &observation).await.status(201);
    }
    for (id, expected) in [("b1", "Before"), ("b2", "After")] {
        let query = format!("/Observation?_id={id}&_include=Observation:subject");
        let bundle = app.get(&query).await.ok().json();
        assert_eq!(bundle["entry"][1]["resource"]["name"][0]["family"], expected, "{id}");
    }
}
