//! /{type}?…: resources within others, by chains and with `_contained`; versions that references
//! name; canonicals.

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

#[tokio::test]
async fn a_canonical_leads_to_the_resource_that_has_its_url() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    for version in ["1", "2"] {
        let id = format!("q{version}");
        let questionnaire = json!({
            "resourceType": "Questionnaire", "id": id, "status": "active", "version": version,
            "url": "http://acme.org/q", "title": format!("Form {version}")
        });
        app.put(&format!("/Questionnaire/{id}"), &questionnaire).await.status(201);
    }
    for (id, canonical) in [("r1", "http://acme.org/q|1"), ("r2", "http://acme.org/q")] {
        let response = json!({
            "resourceType": "QuestionnaireResponse", "id": id, "status": "completed",
            "questionnaire": canonical
        });
        app.put(&format!("/QuestionnaireResponse/{id}"), &response).await.status(201);
    }
    let (r1, r2) = ("match QuestionnaireResponse/r1", "match QuestionnaireResponse/r2");
    let of = "QuestionnaireResponse";
    check(&app, &format!("{of}?questionnaire.title=form%201"), &[r1, r2]).await;
    check(&app, &format!("{of}?questionnaire.title=form%202"), &[r2]).await;
    let include = format!("{of}?_id=r1&_include={of}:questionnaire");
    check(&app, &include, &[r1, "include Questionnaire/q1"]).await;
    let revinclude = format!("Questionnaire?_id=q2&_revinclude={of}:questionnaire");
    let included = "include QuestionnaireResponse/r2";
    check(&app, &revinclude, &["match Questionnaire/q2", included]).await;
    let has = format!("Questionnaire?_has:{of}:questionnaire:_id=r1");
    check(&app, &has, &["match Questionnaire/q1"]).await;
}
