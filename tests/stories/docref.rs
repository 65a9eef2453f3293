//! /DocumentReference/$docref.

use serde_json::{Value, json};
use stories::{Firekeep, Reply};

fn reference(id: &str, code: &str, period: Option<(&str, &str)>) -> Value {
    let mut reference = json!({"resourceType": "DocumentReference", "id": id, "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p"},
        "content": [{"attachment": {"url": format!("Binary/{id}")}}]});
    if let Some((start, end)) = period {
        reference["context"] = json!({"period": {"start": start, "end": end}});
    }
    reference
}

fn shown(reply: &Reply) -> String {
    reply.ids().join(" ")
}

#[tokio::test]
async fn the_documents_of_a_patient_are_found_by_time_and_type() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    let mut old = reference("old", "34133-9", None);
    old["status"] = json!("superseded");
    let mut other = reference("other", "34133-9", None);
    other["subject"] = json!({"reference": "Patient/q"});
    for one in [
        reference("ccd", "34133-9", None),
        reference("may", "34133-9", Some(("2026-05-01", "2026-05-03"))),
        reference("june", "11488-4", Some(("2026-06-01", "2026-06-30"))),
        old,
        other,
    ] {
        let path = format!("/DocumentReference/{}", one["id"].as_str().expect("an id"));
        app.put(&path, &one).await.created();
    }
    let of = "/DocumentReference/$docref?patient=p";
    let all = reader.get(of).await.ok();
    assert_eq!(all.json()["type"], "searchset");
    assert_eq!(shown(&all), "ccd may june");
    let own = all.json()["link"][0]["url"].as_str().expect("a URL").to_owned();
    assert!(own.ends_with("/DocumentReference/$docref?patient=p"), "{own}");
    let shown_by = async |query: &str| shown(&reader.get(&format!("{of}&{query}")).await.ok());
    assert_eq!(shown_by("start=2026-05-02&end=2026-05-31T00:00:00Z").await, "may");
    assert_eq!(shown_by("start=2026-06-15").await, "june");
    assert_eq!(shown_by("type=http://loinc.org%7C11488-4").await, "june");
    assert_eq!(shown_by("type=11488-4&type=34133-9&start=2026").await, "may june");
    assert_eq!(shown_by("on-demand=false").await, "ccd may june");
    let first = reader.get(&format!("{of}&_count=2")).await.ok();
    assert_eq!(reader.follow(first).await.len(), 3);
    let parameters = json!({"resourceType": "Parameters", "parameter": [
        {"name": "patient", "valueId": "p"}, {"name": "start", "valueDateTime": "2026-06-02"},
        {"name": "type", "valueCoding": {"system": "http://loinc.org", "code": "11488-4"}}]});
    assert_eq!(shown(&reader.post("/DocumentReference/$docref", &parameters).await.ok()), "june");
    let nobody = reader.get("/DocumentReference/$docref?patient=nobody").await.ok();
    assert_eq!(nobody.json()["total"], 0);
}

#[tokio::test]
async fn what_no_document_can_be_found_by_is_said() {
    let fk = Firekeep::start().await;
    let reader = fk.as_reader().await;
    let of = "/DocumentReference/$docref";
    reader.get(of).await.refused(400, "patient=ID");
    reader.get(&format!("{of}?patient=p&start=soon")).await.refused(400, "start: ");
    reader.get(&format!("{of}?patient=p&profile=urn:x")).await.refused(400, "profile");
    let made = reader.get(&format!("{of}?patient=p&on-demand=true")).await.ok();
    assert!(made.text().contains("on demand"), "{}", made.text());
    fk.as_anonymous().get(&format!("{of}?patient=p")).await.status(401);
    reader.get("/DocumentReference/d/$docref?patient=p").await.status(404);
}
