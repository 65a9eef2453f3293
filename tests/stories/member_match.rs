//! /Patient/$member-match.

use serde_json::{Value, json};
use stories::{Actor, Firekeep, Setup};

fn member(id: &str, given: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "gender": "female", "birthDate": "1974-12-25",
        "name": [{"use": "official", "family": "Person", "given": [given]}],
        "identifier": [{"system": "urn:members", "value": id,
            "type": {"coding": [{"code": "MB"}]}}]})
}

fn coverage(id: &str, of: &str, value: &str) -> Value {
    json!({"resourceType": "Coverage", "id": id, "status": "active",
        "beneficiary": {"reference": of}, "payor": [{"display": "Old Health Plan"}],
        "identifier": [{"system": "urn:old-payer", "value": value}]})
}

async fn stored(app: &Actor) {
    for (id, given, value) in
        [("p1", "Patricia", "DH1"), ("p2", "Patricia", "DH2"), ("p3", "Paula", "DH3")]
    {
        app.put(&format!("/Patient/{id}"), &member(id, given)).await.created();
        let cover = coverage(&format!("c-{id}"), &format!("Patient/{id}"), value);
        app.put(&format!("/Coverage/c-{id}"), &cover).await.created();
    }
}

fn asked(patient: &Value, of: (&str, &Value)) -> Value {
    json!({"resourceType": "Parameters", "parameter": [
        {"name": "MemberPatient", "resource": patient}, {"name": of.0, "resource": of.1}]})
}

#[tokio::test]
async fn a_member_is_found_by_who_it_is_and_its_coverage() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    stored(&app).await;
    let patient = member("theirs", "Patricia");
    let cover = coverage("card", "http://elsewhere.example/Patient/1", "DH2");
    for name in ["CoverageToMatch", "OldCoverage"] {
        let body = asked(&patient, (name, &cover));
        let answer = reader.post("/Patient/$member-match", &body).await.ok().json();
        let parameters = answer["parameter"].as_array().cloned().expect("parameters");
        assert_eq!(parameters[0]["name"], "MemberIdentifier");
        assert_eq!(parameters[0]["valueIdentifier"]["value"], "p2");
        let member = parameters[1]["valueReference"]["reference"].as_str().expect("a reference");
        assert!(member.ends_with("/Patient/p2"), "{member}");
    }
}

#[tokio::test]
async fn azures_answer_is_the_patient_with_the_identifier() {
    let config = Some("[service.'main/demo']\ncompatibility = 'azure'\n".to_owned());
    let fk = Firekeep::start_with(Setup { config, ..Setup::default() }).await;
    let app = fk.as_contributor().await;
    stored(&app).await;
    let body = asked(
        &member("theirs", "Patricia"),
        ("CoverageToMatch", &coverage("c", "Patient/x", "DH2")),
    );
    let answer = app.post("/Patient/$member-match", &body).await.ok().json();
    assert_eq!((&answer["resourceType"], &answer["id"]), (&json!("Patient"), &json!("theirs")));
    let values: Vec<&Value> =
        answer["identifier"].as_array().expect("two").iter().map(|it| &it["value"]).collect();
    assert_eq!(values, ["theirs", "p2"]);
}

#[tokio::test]
async fn none_and_several_are_422() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    stored(&app).await;
    let card = |value| coverage("card", "Patient/x", value);
    let patient = member("theirs", "Patricia");
    let refused = async |body: Value, status, word: &str| {
        reader.post("/Patient/$member-match", &body).await.refused(status, word);
    };
    refused(asked(&patient, ("CoverageToMatch", &card("DH3"))), 422, "No member").await;
    refused(asked(&member("x", "Nobody"), ("CoverageToMatch", &card("DH1"))), 422, "No member")
        .await;
    app.put("/Coverage/more", &coverage("more", "Patient/p1", "DH2")).await.created();
    refused(asked(&patient, ("CoverageToMatch", &card("DH2"))), 422, "Several").await;
    let mut bare = card("DH1");
    bare["identifier"] = json!([{"system": "urn:old-payer"}]);
    refused(asked(&patient, ("CoverageToMatch", &bare)), 422, "subscriberId").await;
    let mut consented = asked(&patient, ("CoverageToMatch", &card("DH1")));
    let consent = json!({"resourceType": "Consent", "status": "rejected"});
    let consents = json!({"name": "Consent", "resource": consent});
    consented["parameter"].as_array_mut().expect("parameters").push(consents);
    refused(consented, 422, "Consent").await;
    refused(asked(&card("DH1"), ("CoverageToMatch", &card("DH1"))), 400, "must be a Patient").await;
    refused(asked(&patient, ("Coverage", &card("DH1"))), 400, "Coverage").await;
    let nothing = json!({"resourceType": "Parameters"});
    refused(nothing.clone(), 400, "MemberPatient").await;
    fk.as_anonymous().post("/Patient/$member-match", &nothing).await.status(401);
    reader.get("/Patient/$member-match").await.status(405);
}

#[tokio::test]
async fn so_many_who_are_alike_are_told_apart() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let all = async |resources: Vec<Value>| {
        let entries = resources.into_iter().map(|resource| {
            let url = resource["resourceType"].clone();
            json!({"resource": resource, "request": {"method": "POST", "url": url}})
        });
        let entries: Vec<Value> = entries.collect();
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        app.post("/", &bundle).await.ok();
    };
    let patient = member("p1", "Patricia");
    app.put("/Patient/p1", &patient).await.created();
    app.put("/Coverage/c", &coverage("c", "Patient/p1", "DH1")).await.created();
    let body = asked(&patient, ("CoverageToMatch", &coverage("card", "Patient/x", "DH1")));
    let ask = async || app.post("/Patient/$member-match", &body).await;
    all(vec![coverage("x", "Patient/p1", "DH0"); 999]).await;
    ask().await.ok();
    all(vec![coverage("x", "Patient/p1", "DH0")]).await;
    ask().await.refused(422, "too many");
    app.delete("/Coverage?identifier=DH0&_count=1").await.no_content();
    all(vec![patient.clone(); 99]).await;
    ask().await.ok();
    all(vec![patient.clone()]).await;
    ask().await.refused(422, "too many");
}
