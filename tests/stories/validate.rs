//! /{type}/$validate and /{type}/{id}/$validate: all that is wrong, as an OperationOutcome.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Firekeep, Reply, patient};

/// The issues as `severity expression: diagnostics`.
fn issues(reply: &Reply) -> Vec<String> {
    let outcome = reply.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let issues = outcome["issue"].as_array().expect("issues").iter();
    issues
        .map(|issue| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            format!(
                "{} {}: {}",
                text(&issue["severity"]),
                text(&issue["expression"][0]),
                text(&issue["diagnostics"])
            )
        })
        .collect()
}

/// Without the advice to add a narrative.
fn told(reply: &Reply) -> Vec<String> {
    issues(reply).into_iter().filter(|issue| !issue.contains("dom-6")).collect()
}

fn narrated(mut resource: Value) -> Value {
    resource["text"] = json!({
        "status": "generated",
        "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">A patient</div>",
    });
    resource
}

#[tokio::test]
async fn all_faults_are_told_at_once_with_their_places() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let fine = app.post("/Patient/$validate", &narrated(patient("p", "One"))).await.ok();
    assert_eq!(issues(&fine), ["information : All OK"]);
    let wrong = json!({
        "resourceType": "Patient", "unknown": 1, "birthDate": "yesterday",
        "contact": [{"gender": "male"}],
        "name": [{"period": {"start": "2020-02-01", "end": "2020-01-01"}}],
    });
    let told = told(&app.post("/Patient/$validate", &wrong).await.ok());
    for place in
        ["Patient.unknown", "Patient.birthDate", "Patient.contact[0]", "Patient.name[0].period"]
    {
        let starts = |issue: &&String| issue.starts_with(&format!("error {place}:"));
        assert_eq!(told.iter().filter(starts).count(), 1, "{place}: {told:#?}");
    }
    app.send(Method::POST, "/Patient/$validate", "{").await.refused(400, "not valid JSON");
    let other = app.post("/Patient/$validate", &json!({"resourceType": "Device"})).await.ok();
    assert!(issues(&other)[0].contains("of type Device"), "{:?}", issues(&other));
}

#[tokio::test]
async fn a_resource_comes_as_body_as_parameter_or_from_the_store() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &narrated(patient("p", "One"))).await.created();
    for reply in [
        app.get("/Patient/p/$validate").await,
        app.post("/Patient/p/$validate", &json!({"resourceType": "Parameters"})).await,
        app.post(
            "/Patient/$validate",
            &json!({"resourceType": "Parameters", "parameter": [
                {"name": "resource", "resource": narrated(patient("p", "One"))},
                {"name": "mode", "valueCode": "create"},
            ]}),
        )
        .await,
        app.get("/Patient/p/$validate?mode=delete").await,
        app.post("/Patient/p/$validate?mode=update", &narrated(patient("p", "Two"))).await,
    ] {
        assert_eq!(issues(&reply.ok()), ["information : All OK"]);
    }
    let other = app.post("/Patient/p/$validate?mode=update", &narrated(patient("q", "Two"))).await;
    assert!(told(&other.ok())[0].contains("The id in the URL is 'p'"));
    app.get("/Patient/none/$validate").await.refused(404, "There is no Patient/none");
    app.delete("/Patient/p").await.no_content();
    app.get("/Patient/p/$validate").await.refused(410, "was deleted");
    app.get("/Patient/$validate").await.refused(400, "Send the resource");
    app.get("/Patient/$validate?mode=delete").await.refused(400, "is about one resource");
    app.get("/Patient/$validate?mode=destroy").await.refused(400, "is no mode");
    app.get("/Patient/$validate?mode=profile").await.refused(400, "needs the parameter");
    app.get("/Patient/$validate?colour=red").await.refused(400, "'colour' is not supported");
}

#[tokio::test]
async fn a_profile_is_asked_for_or_declared() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let vital = "http://hl7.org/fhir/StructureDefinition/bodyweight";
    let observation = |profile: &[&str]| {
        narrated(json!({
            "resourceType": "Observation", "status": "final", "code": {"text": "weight"},
            "meta": {"profile": profile},
        }))
    };
    let missing = |told: &[String]| {
        told.iter().any(|issue| issue.contains("subject is missing") && issue.starts_with("error"))
    };
    let plain = told(&app.post("/Observation/$validate", &observation(&[])).await.ok());
    assert!(!missing(&plain), "{plain:#?}");
    let path = format!("/Observation/$validate?profile={vital}");
    let asked = told(&app.post(&path, &observation(&[])).await.ok());
    assert!(missing(&asked), "{asked:#?}");
    let declared = told(&app.post("/Observation/$validate", &observation(&[vital])).await.ok());
    assert!(missing(&declared), "{declared:#?}");
    let path = "/Observation/$validate?profile=http://a/none";
    let unknown = told(&app.post(path, &observation(&[])).await.ok());
    assert!(unknown.iter().any(|issue| issue.contains("http://a/none is not known here")));
}

#[tokio::test]
async fn validating_is_an_action_of_its_own() {
    let fk = Firekeep::start().await;
    let reader = fk.as_reader().await;
    reader.post("/Patient/$validate", &patient("p", "One")).await.refused(403, "resourceValidate");
    fk.as_anonymous().post("/Patient/$validate", &patient("p", "One")).await.refused(401, "");
    // In Bundles too, where it is told before anything is stored.
    let entry = json!({"resource": patient("p", "One"),
        "request": {"method": "POST", "url": "Patient/$validate"}});
    let bundle = |kind: &str| json!({"resourceType": "Bundle", "type": kind, "entry": [entry]});
    reader.post("", &bundle("transaction")).await.refused(403, "resourceValidate");
    let done = reader.post("", &bundle("batch")).await.ok().json();
    assert_eq!(done["entry"][0]["response"]["status"], "403 Forbidden", "{done}");
    let done = fk.as_contributor().await.post("", &bundle("transaction")).await.ok().json();
    assert_eq!(done["entry"][0]["response"]["status"], "200 OK", "{done}");
}
