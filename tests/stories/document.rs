//! /Composition/{id}/$document.

use serde_json::{Value, json};
use stories::{Firekeep, patient};

fn urls(bundle: &Value, base: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let url = |entry: &Value| entry["fullUrl"].as_str().unwrap_or_default().replace(base, "");
    entries.iter().map(url).collect()
}

#[tokio::test]
async fn a_document_holds_what_its_composition_refers_to() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let practitioner = json!({"resourceType": "Practitioner", "id": "d"});
    app.put("/Practitioner/d", &practitioner).await.created();
    let section =
        json!({"title": "s", "entry": [{"reference": "Patient/p"}, {"reference": "List/no"}]});
    let composition = json!({"resourceType": "Composition", "id": "c", "status": "final",
        "type": {"text": "t"}, "date": "2026-01-01", "title": "T",
        "subject": {"reference": format!("{}/Patient/p", app.base())},
        "author": [{"reference": "Practitioner/d"}], "section": [section]});
    app.put("/Composition/c", &composition).await.created();
    let bundle = reader.get("/Composition/c/$document").await.ok().json();
    assert_eq!(bundle["type"], "document");
    assert!(bundle["timestamp"].is_string() && bundle["identifier"]["value"].is_string());
    let expected = ["/Composition/c", "/Patient/p", "/Practitioner/d"];
    assert_eq!(urls(&bundle, app.base()), expected);
    let nothing = json!({"resourceType": "Parameters"});
    let kept = app.post("/Composition/c/$document?persist=true", &nothing).await.ok().json();
    let path = format!("/Bundle/{}", kept["id"].as_str().expect("an id"));
    assert_eq!(urls(&app.get(&path).await.ok().json(), app.base()), expected);
    app.get("/Composition/c/$document?persist=true").await.refused(400, "POST");
    reader.post("/Composition/c/$document?persist=true", &nothing).await.refused(403, "write");
    for named in
        ["c".to_owned(), "Composition/c".to_owned(), format!("{}/Composition/c", app.base())]
    {
        let same = reader.get(&format!("/Composition/$document?id={named}")).await.ok().json();
        assert_eq!(urls(&same, app.base()), expected, "{named}");
    }
    let named = json!({"resourceType": "Parameters",
        "parameter": [{"name": "id", "valueUri": "c"}, {"name": "persist", "valueBoolean": true}]});
    app.post("/Composition/$document", &named).await.ok();
    reader.get("/Composition/$document").await.refused(400, "'id' is missing");
    reader.get("/Composition/$document?id=never").await.refused(404, "Composition/never");
    reader.get("/Composition/$document?id=Patient/p").await.refused(400, "Patient/p");
    let elsewhere = "/Composition/$document?id=http://x.example/Composition/c";
    reader.get(elsewhere).await.refused(400, "other services");
    reader.get("/Composition/c/$document?id=c").await.refused(400, "'id'");
    reader.get("/Composition/never/$document").await.refused(404, "Composition/never");
    reader.get("/Patient/p/$document").await.status(404);
}
