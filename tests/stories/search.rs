//! /{type}?…: the parameters that need no search index, counts and pages.

use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply, patient, patients};

async fn with_patients(fk: &Firekeep, count: usize) -> Actor {
    let app = fk.as_contributor().await;
    app.post("", &patients(count)).await.ok();
    app
}

fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array()?;
    let found = links.iter().find(|link| link["relation"] == relation)?;
    Some(found["url"].as_str()?.to_owned())
}

#[tokio::test]
async fn an_empty_service_answers_a_searchset() {
    let fk = Firekeep::start().await;
    let bundle = fk.as_reader().await.get("/Patient").await.ok().json();
    assert_eq!(bundle["resourceType"], "Bundle");
    assert_eq!(bundle["type"], "searchset");
    assert_eq!(link(&bundle, "self"), Some(format!("{}/Patient", fk.says("/service/pathUrl"))));
    assert_eq!(link(&bundle, "next"), None);
    assert!(bundle.get("entry").is_none(), "an empty array is no FHIR");
}

#[tokio::test]
async fn a_page_link_shows_the_moment_it_was_made() {
    let fk = Firekeep::start().await;
    let (app, nurse) = (with_patients(&fk, 25).await, fk.as_reader().await);
    let first = nurse.get("/Patient?_count=10").await.ok();
    assert_eq!(first.ids()[..2], ["p0", "p1"]);
    app.delete("/Patient/p13").await.no_content();
    app.put("/Patient/p14", &patient("p14", "Changed")).await.ok();
    app.put("/Patient/p99", &patient("p99", "New")).await.created();

    let all = nurse.follow(first).await;
    let ids: Vec<_> = all.iter().map(|entry| entry["resource"]["id"].clone()).collect();
    let expected: Vec<Value> = (0..25).map(|n| json!(format!("p{n}"))).collect();
    assert_eq!(ids, expected);
    assert_eq!(all[14]["resource"]["name"][0]["family"], "Original");
    let now = nurse.get("/Patient?_summary=count").await.ok().json();
    assert_eq!(now["total"], 25, "one deleted, one new");
}

#[tokio::test]
async fn no_page_follows_the_last_full_one() {
    let fk = Firekeep::start().await;
    let app = with_patients(&fk, 20).await;
    let first = app.get("/Patient?_count=10&_total=accurate").await.ok().json();
    assert_eq!(first["total"], 20);
    let second = app.get(&link(&first, "next").expect("a second page")).await.ok().json();
    assert_eq!(second["total"], 20, "the total travels in the link");
    assert_eq!(link(&second, "next"), None);
}

#[tokio::test]
async fn a_page_link_is_sealed_and_personal() {
    let fk = Firekeep::start().await;
    let (app, nurse) = (with_patients(&fk, 12).await, fk.as_reader().await);
    let next = link(&app.get("/Patient").await.ok().json(), "next").expect("a next link");
    assert!(next.len() <= 2_000);
    app.get(&next).await.ok();
    nurse.get(&next).await.refused(400, "page");
    let broken = next.replace("ct=", "ct=A");
    app.get(&broken).await.refused(400, "page");
    // Its snapshot would be one of the future.
    let (before, token) = next.split_once("ct=").expect("a token");
    app.get(&format!("{before}ct=_{}", &token[1..])).await.refused(400, "page");
    app.get(&next.replace("/Patient?", "/Observation?")).await.refused(400, "page");
}

#[tokio::test]
async fn ids_and_moments_select() {
    let fk = Firekeep::start().await;
    let app = with_patients(&fk, 5).await;
    assert_eq!(app.get("/Patient?_id=p3,p1,nobody").await.ok().ids(), ["p1", "p3"]);
    assert_eq!(app.get("/Patient?_id=p3&_id=p1").await.ok().ids(), [""; 0]);
    let read = app.get("/Patient/p2").await.ok().json();
    let moment = read["meta"]["lastUpdated"].as_str().expect("a moment");
    for (query, expected) in [
        (format!("_lastUpdated={moment}"), 5),
        (format!("_lastUpdated=gt{moment}"), 0),
        (format!("_lastUpdated=ge{moment}"), 5),
        (format!("_lastUpdated=lt{moment}"), 0),
        (format!("_lastUpdated=ne{moment}"), 0),
        ("_lastUpdated=gt2020".to_owned(), 5),
        ("_lastUpdated=sa2020".to_owned(), 5),
        ("_lastUpdated=lt2020-06".to_owned(), 0),
        ("_lastUpdated=eb2020-06-01".to_owned(), 0),
    ] {
        let bundle = app.get(&format!("/Patient?_summary=count&{query}")).await.ok().json();
        assert_eq!(bundle["total"], expected, "{query}");
    }
    app.get("/Patient?_lastUpdated=yesterday").await.refused(400, "yesterday");
    app.get("/Patient?_count=x").await.refused(400, "_count");
    app.get("/Patient?_lastUpdated=2019-02-29").await.status(400);
}

#[tokio::test]
async fn post_search_is_the_same_search() {
    let fk = Firekeep::start().await;
    let app = with_patients(&fk, 15).await;
    let posted = app.form("/Patient/_search", &[("_id", "p1,p2"), ("_count", "1")]).await.ok();
    let (bundle, got) = (posted.json(), app.get("/Patient?_id=p1,p2&_count=1").await.ok().json());
    assert_eq!(bundle["entry"], got["entry"]);
    let next = link(&bundle, "next").expect("a GET link");
    assert_eq!(app.get(&next).await.ok().ids(), ["p2"]);
}

#[tokio::test]
async fn the_whole_system_can_be_listed() {
    let fk = Firekeep::start().await;
    let app = with_patients(&fk, 2).await;
    let basic = json!({"resourceType": "Basic", "id": "b", "code": {"text": "x"}});
    app.put("/Basic/b", &basic).await.created();
    assert_eq!(app.get("?_count=50").await.ok().ids(), ["p0", "p1", "b"]);
    assert_eq!(app.form("/_search", &[("_id", "b")]).await.ok().ids(), ["b"]);
}

#[tokio::test]
async fn what_is_not_supported_is_said_never_swallowed() {
    let fk = Firekeep::start().await;
    let app = with_patients(&fk, 2).await;
    let lenient = app.get("/Patient?nmae=x&_id=p1").await.ok();
    let bundle = lenient.json();
    let entries = bundle["entry"].as_array().expect("entries");
    let outcome = entries.iter().find(|entry| entry["search"]["mode"] == "outcome");
    assert!(outcome.expect("a warning").to_string().contains("nmae"));
    assert_eq!(lenient.ids(), ["p1"]);
    assert!(!link(&bundle, "self").expect("self").contains("nmae"), "ignored ones leave the link");
    let strict = app.request(reqwest::Method::GET, "/Patient?nmae=x");
    Reply::of(strict.header("Prefer", "handling=strict")).await.refused(400, "nmae");
}

#[tokio::test]
async fn a_count_beyond_the_most_is_capped_with_a_word() {
    let fk = Firekeep::start().await;
    let app = with_patients(&fk, 3).await;
    let capped = app.get("/Patient?_count=5000").await.ok();
    assert!(capped.text().contains("1000"), "{}", capped.text());
    assert_eq!(capped.ids().len(), 3);
    let none = app.get("/Patient?_count=0").await.ok().json();
    assert_eq!((none["total"].as_u64(), none.get("entry")), (Some(3), None));
}

#[tokio::test]
async fn a_form_may_ask_for_a_format_and_a_layout() {
    let fk = Firekeep::start().await;
    let app = with_patients(&fk, 1).await;
    app.form("/Patient/_search", &[("_format", "ttl")]).await.status(406);
    app.form("/Patient/_search", &[("_pretty", "1")]).await.status(400);
    let pretty = app.form("/Patient/_search", &[("_pretty", "true")]).await.ok();
    assert!(pretty.text().contains("\n  \"type\": \"searchset\""));
    assert!(app.get("/Patient/none?_pretty=true").await.status(404).text().contains('\n'));
}

#[tokio::test]
async fn a_page_has_ten_matches_unless_asked() {
    let fk = Firekeep::start().await;
    let app = with_patients(&fk, 10).await;
    assert_eq!(link(&app.get("/Patient").await.ok().json(), "next"), None);
    app.put("/Patient/one-more", &patient("one-more", "X")).await.created();
    let first = app.get("/Patient").await.ok();
    assert_eq!(first.ids().len(), 10);
    let next = link(&first.json(), "next").expect("a next link");
    assert_eq!(app.get(&next).await.ok().ids(), ["one-more"]);
}
