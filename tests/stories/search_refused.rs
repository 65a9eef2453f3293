//! /{type}?…: what is refused, lenient or not: left out, it would find what nobody asked for.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Firekeep, Reply, patient};

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let fk = Firekeep::start().await;
    let app = fk.as_reader().await;
    for (query, why) in [
        ("Patient?_text:exact=x", "_text has no modifiers"),
        ("Patient?_content:contains=x", "_content has no modifiers"),
        ("Patient?_list:not=1", "_list has no modifiers"),
        ("Patient?_filter:x=name%20eq%20a", "_filter has no modifiers"),
        ("Patient?_not-referenced:x=*:*", "_not-referenced has no modifiers"),
        ("Observation?subject:Foo.name=x", "no resource type 'Foo'"),
        ("Observation?subject:Foo=1", "Foo"),
        ("Observation?patient:Practitioner.name=x", "does not refer to Practitioner"),
        ("Patient?_has:Observation:patient=x", "_has names a type"),
        ("Patient?a.b.c.d.e.f.g.h.i.j=x", "at most 8 steps"),
        ("Observation?_include=Observation:subject&_summary=text", "_summary=text"),
        ("Patient?_revinclude=*&_summary=text", "_summary=text"),
        ("Patient?name=%20", "nothing to look for"),
        ("Patient?name:contains=%CC%81", "nothing to look for"),
        ("Observation?code:text=%20", "nothing to look for"),
        ("Patient?_not-referenced=*:nonsense", "nonsense"),
        ("Patient?_not-referenced=Encounter:nonsense", "nonsense"),
    ] {
        let reply = app.get(&format!("/{query}")).await;
        match query.ends_with(":nonsense") {
            true => assert!(reply.ok().text().contains(why), "{query}"),
            false => drop(reply.refused(400, why)),
        }
    }
}

#[tokio::test]
async fn parameters_without_a_value_are_ignored() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/1", &patient("1", "One")).await.created();
    for path in ["/Patient?_elements=", "/Patient/1?_elements=", "/Patient/1?_summary="] {
        assert!(app.get(path).await.ok().text().contains("One"), "{path}");
    }
    app.put("/Patient/1?_meta-history=", &patient("1", "Two")).await.ok();
    app.delete("/Patient/1?hardDelete=").await.no_content();
    app.get("/Patient/1").await.status(410);
}

#[tokio::test]
async fn a_filter_without_end_is_refused() {
    let fk = Firekeep::start().await;
    let app = fk.as_reader().await;
    let filter = format!("{}_id eq b", "_id eq a or ".repeat(100_000));
    app.form("/Patient/_search", &[("_filter", &filter)]).await.refused(400, "at most 100");
    let words = "NOT ".repeat(100_000);
    app.form("/Patient/_search", &[("_text", &words)]).await.refused(400, "understood");
    let groups = vec!["(a)"; 20].join(" OR ");
    app.form("/Patient/_search", &[("_text", &groups)]).await.ok();
}

#[tokio::test]
async fn the_format_in_a_form_outweighs_accept() {
    let fk = Firekeep::start().await;
    let app = fk.as_reader().await;
    let search = |form: &'static str| {
        let request = app.request(Method::POST, "/Patient/_search").header("Accept", "text/turtle");
        Reply::of(request.header("Content-Type", "application/x-www-form-urlencoded").body(form))
    };
    assert_eq!(search("_format=json").await.ok().json()["resourceType"], "Bundle");
    assert!(search("_format=xml").await.ok().text().contains("<Bundle"));
    search("name=a").await.status(406);
    search("_format=turtle").await.status(406);
}

#[tokio::test]
async fn what_is_found_within_others_is_cut_as_well() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let medication = json!({"resourceType": "Medication", "id": "m", "status": "active",
                            "code": {"text": "Aspirin"}});
    let request = json!({"resourceType": "MedicationRequest", "id": "r", "status": "active",
        "intent": "order", "contained": [medication], "subject": {"reference": "Patient/1"},
        "medicationReference": {"reference": "#m"}});
    app.put("/MedicationRequest/r", &request).await.created();
    let query = "/Medication?_contained=true&_containedType=contained&_elements=code";
    let found = app.get(query).await.ok().json();
    let found = &found["entry"][0]["resource"];
    assert_eq!(found["code"]["text"], "Aspirin", "{found}");
    assert_eq!(found["status"], Value::Null, "{found}");
    assert_eq!(found["meta"]["tag"][0]["code"], "SUBSETTED", "{found}");
}
