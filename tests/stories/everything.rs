//! $everything of patients, groups and the whole type.

use serde_json::json;

use crate::search_parameters::{observation, quantity, shown, world};

#[tokio::test]
async fn everything_of_a_patient_is_its_compartment_and_what_it_refers_to() {
    let (_fk, app) = world().await;
    let whole = "Patient/p1/$everything";
    assert_eq!(shown(&app, whole).await, "p1 b1 b2 r1 (o1)");
    assert_eq!(shown(&app, &format!("{whole}?_type=Observation")).await, "b1 b2");
    let named = format!("{whole}?_type=Patient,Organization");
    assert_eq!(shown(&app, &named).await, "o1 p1");
    let told = app.get(&format!("/{named}")).await.ok().json()["link"][0]["url"].clone();
    assert!(
        told.as_str().is_some_and(|url| url.ends_with("?_type=Patient,Organization")),
        "{told}"
    );
    let named = format!("{whole}?_type=Patient&_type=Organization&_count=1");
    assert_eq!(app.follow(app.get(&format!("/{named}")).await.ok()).await.len(), 2);
    assert_eq!(shown(&app, &format!("{whole}?_type=Organization")).await, "o1");
    assert_eq!(shown(&app, &format!("{whole}?_type=Organization&_since=2100")).await, "");
    assert_eq!(shown(&app, &format!("{whole}?_type=Library")).await, "");
    assert_eq!(shown(&app, &format!("{whole}?start=2020-02&_type=Observation")).await, "b2");
    assert_eq!(shown(&app, &format!("{whole}?end=2020-01-31&_type=Observation")).await, "b1");
    assert_eq!(shown(&app, &format!("{whole}?_since=2100")).await, "");
    assert_eq!(shown(&app, "Group/g1/$everything").await, "p3 g1");
    let first = app.get(&format!("/{whole}?_count=2&_type=Patient,Observation")).await.ok();
    let pages = app.follow(first).await;
    assert_eq!(pages.len(), 3);
    app.get(&format!("/{whole}?start=never")).await.refused(400, "start: 'never'");
    app.get(&format!("/{whole}?_since=never")).await.refused(400, "_since: 'never'");
    app.get(&format!("/{whole}?%73tart=never")).await.refused(400, "start: 'never'");
    app.get(&format!("/{whole}?_contained=true")).await.refused(400, "_contained");
    app.get("/Observation/$lastn?patient=p1&code=x&_contained=both")
        .await
        .refused(400, "_contained");
    let more = format!("{whole}?_type=Observation&_include=Observation:subject");
    assert_eq!(shown(&app, &more).await, "b1 b2 (p1)");
    app.get("/Patient/nobody/$everything").await.status(404);
    let link = json!([{"other": {"reference": "Patient/p2"}, "type": "replaced-by"}]);
    app.put("/Patient/p9", &json!({"resourceType": "Patient", "id": "p9", "link": link}))
        .await
        .created();
    assert!(app.get("/Patient/p9/$everything").await.ok().text().contains("ask for that one"));
    let strict = app.request(reqwest::Method::GET, "/Patient/p9/$everything");
    let moved = stories::Reply::of(strict.header("Prefer", "handling=strict")).await;
    let moved = moved.refused(301, "replaced by Patient/p2");
    assert_eq!(moved.header("location"), format!("{}/Patient/p2/$everything", app.base()));
    app.delete("/Patient/p1").await.no_content();
    assert_eq!(shown(&app, &format!("{whole}?_type=Observation")).await, "b1 b2");
    app.delete("/Patient/p1?hardDelete=true").await.no_content();
    app.get(&format!("/{whole}")).await.refused(404, "Patient/p1");
}

#[tokio::test]
async fn everything_brings_the_devices_of_its_patients() {
    let (_fk, app) = world().await;
    for (id, patient) in [("v1", "Patient/p1"), ("v3", "Patient/p3")] {
        let device = json!({"resourceType": "Device", "id": id, "patient": {"reference": patient}});
        app.put(&format!("/Device/{id}"), &device).await.created();
    }
    assert_eq!(shown(&app, "Patient/p1/$everything").await, "p1 b1 b2 r1 v1 (o1)");
    assert_eq!(shown(&app, "Patient/p1/$everything?_type=Device").await, "v1");
    assert_eq!(shown(&app, "Patient/p1/$everything?_type=Device&_since=2100").await, "");
    assert_eq!(shown(&app, "Group/g1/$everything").await, "p3 g1 v3");
    assert_eq!(shown(&app, "Patient/$everything?_type=Device").await, "v1 v3");
    let mut by = observation("b4", "p1", "1-1", &quantity(&json!(1), "kg"), "2020");
    by["device"] = json!({"reference": "Device/v3"});
    app.put("/Observation/b4", &by).await.created();
    assert_eq!(shown(&app, "Patient/p1/$everything?_type=Device").await, "v1 v3");
    // What is a match of a later page is included on none.
    by["id"] = json!("b5");
    by["device"] = json!({"reference": "Device/v1"});
    app.put("/Observation/b5", &by).await.created();
    let first = app.get("/Patient/p1/$everything?_count=2").await.ok();
    let found = app.follow(first).await;
    let brought = |id: &str| {
        let all = found.iter().filter(|entry| entry["resource"]["id"] == id);
        all.map(|entry| entry["search"]["mode"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(brought("v1"), ["match"]);
    assert_eq!(brought("v3"), ["include"]);
}

#[tokio::test]
async fn everything_of_all_patients_is_what_is_in_a_compartment_of_one() {
    let (fk, app) = world().await;
    app.put("/Observation/none", &observation("none", "", "1-1", &json!({}), "2020")).await;
    let whole = "Patient/$everything";
    assert_eq!(
        shown(&app, &format!("{whole}?_count=100")).await,
        "p1 p2 p3 b1 b2 b3 r1 r2 g1 (o1)"
    );
    assert_eq!(
        shown(&app, &format!("{whole}?_type=Observation,Patient&start=2021")).await,
        "p1 p2 p3 b3"
    );
    assert_eq!(shown(&app, &format!("{whole}?_type=Organization,Patient")).await, "o1 p1 p2 p3");
    assert_eq!(shown(&app, &format!("{whole}?_since=2100")).await, "");
    let first = app.get(&format!("/{whole}?_count=3")).await.ok();
    let found = app.follow(first).await;
    let matches = found.iter().filter(|entry| entry["search"]["mode"] == "match");
    assert_eq!(matches.count(), 9, "{found:?}");
    let parameters = json!({"resourceType": "Parameters",
        "parameter": [{"name": "_type", "valueString": "Patient"}]});
    assert_eq!(app.post(&format!("/{whole}"), &parameters).await.ok().ids(), ["p1", "p2", "p3"]);
    app.get(&format!("/{whole}?start=never")).await.refused(400, "never");
    app.get(&format!("/{whole}?_type=Nobody")).await.refused(400, "Nobody");
    app.get("/Encounter/$everything").await.refused(404, "$everything");
    app.get("/$everything").await.refused(404, "$everything");
    fk.as_anonymous().get(&format!("/{whole}")).await.status(401);
}
