//! /Observation/$lastn.

use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply};

fn observation(id: &str, codes: &[&str], effective: &str) -> Value {
    let codings = codes.iter().map(|code| json!({"system": "urn:codes", "code": code}));
    let category = json!([{"coding": [{"system": "urn:kinds", "code": "vital"}]}]);
    json!({"resourceType": "Observation", "id": id, "status": "final", "category": category,
        "code": {"coding": codings.collect::<Vec<_>>()}, "subject": {"reference": "Patient/p"},
        "effectiveDateTime": effective})
}

async fn stored(app: &Actor) {
    for (id, codes, effective) in [
        ("a1", &["a"][..], "2026-01-01"),
        ("a2", &["a"], "2026-01-02"),
        ("a3", &["a"], "2026-01-03"),
        ("b1", &["b"], "2026-01-05T10:00:00Z"),
        ("b2", &["b"], "2026-01-05T11:00:00+01:00"),
        ("c1", &["c"], "2026-01-04"),
        ("cd", &["c", "d"], "2025-01-01"),
        ("d1", &["d"], "2026-01-06"),
    ] {
        let path = format!("/Observation/{id}");
        app.put(&path, &observation(id, codes, effective)).await.created();
    }
    let mut other = observation("other", &["a"], "2026-02-01");
    other["subject"] = json!({"reference": "Patient/q"});
    app.put("/Observation/other", &other).await.created();
}

fn shown(reply: &Reply) -> String {
    reply.ids().join(" ")
}

#[tokio::test]
async fn the_last_of_each_code_are_a_searchset_newest_first() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    stored(&app).await;
    let of = "/Observation/$lastn?patient=p&category=vital";
    let last = reader.get(of).await.ok();
    assert_eq!(last.json()["type"], "searchset");
    assert_eq!(last.json()["total"], 4);
    assert_eq!(shown(&last), "d1 b2 b1 a3");
    assert_eq!(shown(&reader.get(&format!("{of}&max=2")).await.ok()), "d1 b2 b1 c1 a3 a2");
    let some = reader.get("/Observation/$lastn?subject=Patient/p&code=a,b&date=lt2026-01-03").await;
    assert_eq!(shown(&some.ok()), "a2");

    // A query too long for a link is kept, and what has to be there with it.
    let codes: Vec<String> = (0..400).map(|code| format!("x{code}")).collect();
    let long = format!("{of}&_count=3&code=a,b,c,d,{}", codes.join(","));
    let first = reader.get(&long).await.ok();
    assert_eq!(reader.follow(first).await.len(), 4);

    let first = reader.get(&format!("{of}&_count=3&max=1")).await.ok();
    assert_eq!(shown(&first), "d1 b2 b1");
    app.put("/Observation/a4", &observation("a4", &["a"], "2026-01-09")).await.created();
    assert_eq!(reader.follow(first).await.len(), 4);
    assert_eq!(shown(&reader.get(of).await.ok()), "a4 d1 b2 b1");
}

#[tokio::test]
async fn the_last_are_asked_for_by_parameters_and_in_batches() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    stored(&app).await;
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "subject", "valueReference": {"reference": "Patient/p"}},
        {"name": "code", "valueCoding": {"system": "urn:codes", "code": "a"}},
        {"name": "max", "valuePositiveInt": 2}]});
    assert_eq!(shown(&reader.post("/Observation/$lastn", &body).await.ok()), "a3 a2");
    let request = json!({"method": "GET", "url": "Observation/$lastn?patient=p&code=a"});
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [{"request": request}]});
    let answer = reader.post("/", &batch).await.ok().json();
    let inner = &answer["entry"][0]["resource"];
    assert_eq!(inner["entry"][0]["resource"]["id"], "a3", "{answer}");
}

#[tokio::test]
async fn what_the_last_cannot_be_asked_for_is_said() {
    let fk = Firekeep::start().await;
    let reader = fk.as_reader().await;
    let of = "/Observation/$lastn";
    reader.get(&format!("{of}?category=vital")).await.refused(400, "patient=ID");
    reader.get(&format!("{of}?patient=p")).await.refused(400, "category");
    for max in ["0", "-1", "x"] {
        let path = format!("{of}?patient=p&code=a&max={max}");
        reader.get(&path).await.refused(400, "max is a whole number");
    }
    let sorted = format!("{of}?patient=p&code=a&_sort=date");
    assert!(reader.get(&sorted).await.ok().text().contains("newest first"));
    assert_eq!(reader.get(&format!("{of}?patient=p&code=a")).await.ok().json()["total"], 0);
    fk.as_anonymous().get(&format!("{of}?patient=p&code=a")).await.status(401);
    reader.get("/Patient/$lastn?patient=p&code=a").await.status(404);
    reader.get("/Observation/o/$lastn").await.status(404);
}
