//! /{type}?…: searches of codes by what their systems say: hierarchies, and whether case counts.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply, patient};

const LOOSE: &str = "http://example.org/loose";
const EXACT: &str = "http://example.org/exact";

/// Observations `a`, `b`… with these codings.
async fn observed(app: &Actor, codings: &[(&str, &str)]) {
    for (id, (system, code)) in ('a'..).zip(codings) {
        let observation = json!({"resourceType": "Observation", "id": id.to_string(),
            "status": "final", "code": {"coding": [{"system": system, "code": code}]},
            "valueQuantity": {"value": 1}});
        app.put(&format!("/Observation/{id}"), &observation).await.created();
    }
}

fn system(url: &str, case_sensitive: bool, concepts: &Value) -> Value {
    json!({"resourceType": "CodeSystem", "id": url.rsplit('/').next(), "url": url,
        "status": "active", "content": "complete", "caseSensitive": case_sensitive,
        "hierarchyMeaning": "is-a", "concept": concepts})
}

async fn check(app: &Actor, rows: &[(&str, &str)]) {
    for (query, expected) in rows {
        let found = app.get(&format!("/Observation?{query}")).await.ok();
        assert_eq!(found.ids().join(" "), *expected, "{query}");
    }
}

async fn strictly(app: &Actor, path: &str) -> Reply {
    Reply::of(app.request(Method::GET, path).header("Prefer", "handling=strict")).await
}

#[tokio::test]
async fn below_a_code_whose_hierarchy_is_not_known_is_the_code_itself() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    observed(&app, &[("http://nobody.example", "x-1"), ("http://nobody.example", "y-1")]).await;
    for modifier in ["below", "above"] {
        let path = format!("/Observation?code:{modifier}=http://nobody.example|x-1");
        let found = app.get(&path).await.ok();
        assert_eq!(found.ids(), ["a"], "{path}");
        assert!(found.text().contains("'http://nobody.example' is not loaded"), "{}", found.text());
        strictly(&app, &path).await.refused(400, "is not loaded");
    }
    let bare = app.get("/Observation?code:below=y-1").await.ok();
    assert_eq!(bare.ids(), ["b"]);
    assert!(bare.text().contains("No code system that is loaded has the code 'y-1'"));
    let none = app.get("/Observation?code:below=http://nobody.example|z-1").await.ok();
    assert!(none.ids().is_empty());
    app.get("/Observation?code:below=http://nobody.example|").await.refused(400, "system|code");
    app.get("/Observation?code:in=http://nobody.example/set").await.refused(400, "not known here");
    // What may be too little is no ground for a write.
    app.delete("/Observation?code:below=http://nobody.example|x-1")
        .await
        .refused(400, "not loaded");
    let create = app.request(Method::POST, "/Observation").json(&json!({}));
    let create = create.header("If-None-Exist", "code:below=http://nobody.example|x-1");
    Reply::of(create).await.refused(400, "not loaded");

    let concepts = json!([{"code": "x-1", "concept": [{"code": "y-1"}]}]);
    let known = system("http://nobody.example", true, &concepts);
    app.put("/CodeSystem/nobody.example", &known).await.created();
    let found = strictly(&app, "/Observation?code:below=http://nobody.example|x-1").await.ok();
    assert_eq!(found.ids(), ["a", "b"]);
    let mut part = known;
    part["content"] = json!("fragment");
    app.put("/CodeSystem/nobody.example", &part).await.ok();
    let found = app.get("/Observation?code:below=http://nobody.example|x-1").await.ok();
    assert_eq!(found.ids(), ["a", "b"]);
    assert!(found.text().contains("Only a part of the code system"), "{}", found.text());
}

#[tokio::test]
async fn all_codes_of_a_system_are_those_that_are_loaded() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    observed(&app, &[(EXACT, "c0"), (EXACT, "other")]).await;
    let stored = async |content: &str, count: usize| {
        let concepts = (0..count).map(|code| json!({"code": format!("c{code}")}));
        let mut all = system(EXACT, true, &concepts.collect());
        if let (0, Some(members)) = (count, all.as_object_mut()) {
            members.remove("concept");
        }
        all["content"] = json!(content);
        all["valueSet"] = json!("http://example.org/all");
        app.put("/CodeSystem/exact", &all).await;
    };
    let (within, outside) =
        ("code:in=http://example.org/all", "code:not-in=http://example.org/all");
    stored("complete", 2).await;
    check(&app, &[(within, "a"), (outside, "b")]).await;
    strictly(&app, &format!("/Observation?{within}")).await.ok();
    for (content, count, told, found) in [
        ("fragment", 2, "Only a part of the code system", ("a", "b")),
        ("example", 2, "Only a part of the code system", ("a", "b")),
        ("not-present", 0, "are not loaded", ("", "a b")),
    ] {
        stored(content, count).await;
        for (query, found) in [(within, found.0), (outside, found.1)] {
            let path = format!("/Observation?{query}");
            let reply = app.get(&path).await.ok();
            assert_eq!(reply.ids().join(" "), found, "{content} {query}");
            assert!(reply.text().contains(told), "{content} {query}: {}", reply.text());
            strictly(&app, &path).await.refused(400, told);
            app.delete(&path).await.refused(400, told);
        }
    }
    stored("complete", 10_001).await;
    for query in [within, outside] {
        app.get(&format!("/Observation?{query}")).await.refused(400, "more than 10000 codes");
    }
}

#[tokio::test]
async fn codes_are_compared_as_their_system_says() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let long = "abcdefghijklmnop";
    observed(
        &app,
        &[
            (LOOSE, "Ab-1"),
            (LOOSE, "aB-1"),
            (EXACT, "Ab-1"),
            (EXACT, "ab-1"),
            (LOOSE, "ABCDEFGHijklmnop"),
            (LOOSE, "other"),
        ],
    )
    .await;
    let query = format!("code={LOOSE}|ab-1");
    check(&app, &[(&query, "")]).await;
    let concepts = json!([{"code": "AB-1", "concept": [{"code": long}]}]);
    app.put("/CodeSystem/loose", &system(LOOSE, false, &concepts)).await.created();
    app.put("/CodeSystem/exact", &system(EXACT, true, &concepts)).await.created();
    let of = |system: &str, rest: &str| format!("code{rest}").replace("SYSTEM", system);
    check(
        &app,
        &[
            (&query, "a b"),
            (&of(EXACT, "=SYSTEM|ab-1"), "d"),
            (&of(EXACT, "=SYSTEM|AB-1"), ""),
            ("code=ab-1", "a b d"),
            ("code=AB-1", "a b"),
            ("code=Ab-1", "a b c"),
            (&of(LOOSE, ":not=SYSTEM|AB-1"), "c d e f"),
            (&of(LOOSE, ":below=SYSTEM|ab-1"), "a b e"),
            (&of(LOOSE, "=SYSTEM|AbcdefghijklmnoP"), "e"),
            (&of(LOOSE, "=SYSTEM|AbcdefghijklmnoP,SYSTEM|OTHER"), "e f"),
            (&of(LOOSE, "=SYSTEM|other&code=OTHER"), ""),
            (&of(LOOSE, "-value-quantity=SYSTEM|ab-1$1"), "a b"),
            (&of(LOOSE, "=SYSTEM|"), "a b e f"),
            ("code=|ab-1", ""),
        ],
    )
    .await;
    let all = json!({"include": [{"system": LOOSE}]});
    app.put(
        "/ValueSet/all",
        &json!({"resourceType": "ValueSet", "id": "all", "url": "http://example.org/all",
            "status": "active", "compose": all}),
    )
    .await
    .created();
    check(&app, &[("code:in=ValueSet/all", "a b e"), ("code:not-in=ValueSet/all", "c d f")]).await;
    // Once the system says so, a create on the same condition finds what is there.
    let create = app.request(Method::POST, "/Observation").json(&json!({}));
    let create = create.header("If-None-Exist", format!("code={LOOSE}|OTHER"));
    assert_eq!(Reply::of(create).await.ok().json()["id"], "f");
}

#[tokio::test]
async fn a_functional_list_is_refused() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    for path in [
        "/Condition?_list=$current-problems",
        "/AllergyIntolerance?patient=p&_list=$current-allergies",
        "/Patient?_list=l,$current-patients",
        "/Condition/_history?_list=$current-problems",
    ] {
        app.get(path).await.refused(400, "_list");
    }
    app.delete("/Condition?_list=$current-problems").await.refused(400, "$current-problems");
    assert!(app.get("/Patient?_list=never").await.ok().ids().is_empty());
}
