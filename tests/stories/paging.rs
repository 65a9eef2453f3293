//! /{type}?…&ct=…: a walk through all pages of a large type while another client writes and
//! deletes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use stories::{Actor, Firekeep};

/// Resources there are.
const ALL: usize = 100_000;
/// Entries of one Bundle.
const AT_ONCE: usize = 10_000;

fn basic(number: usize, code: &str) -> Value {
    let day = 1 + number * 7 % 28;
    json!({"resourceType": "Basic", "id": format!("b{number}"), "code": {"text": code},
           "created": format!("2020-{:02}-{day:02}", 1 + number * 5 % 12)})
}

async fn load(app: &Actor) {
    for from in (0..ALL).step_by(AT_ONCE) {
        let entry = |number| {
            let request = json!({"method": "PUT", "url": format!("Basic/b{number}")});
            json!({"resource": basic(number, "first"), "request": request})
        };
        let entries: Vec<Value> = (from..from + AT_ONCE).map(entry).collect();
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        let request = app.request(reqwest::Method::POST, "").header("Prefer", "return=minimal");
        stories::Reply::of(request.json(&bundle)).await.ok();
    }
}

/// Changes, deletes and makes resources until it is told to stop; how often it did.
async fn disturb(app: Actor, stop: Arc<AtomicBool>) -> usize {
    let mut writes = 0;
    while !stop.load(Ordering::Relaxed) {
        // Far jumps, so that pages that were read and pages that were not are hit.
        let number = writes * 7_919 % ALL;
        let id = format!("/Basic/b{number}");
        let reply = match writes % 3 {
            0 => app.put(&id, &basic(number, "changed")).await,
            1 => app.delete(&id).await,
            _ => app.post("/Basic", &basic(number, "new")).await,
        };
        assert!(matches!(reply.status, 200 | 201 | 204), "{}", reply.text());
        writes += 1;
    }
    writes
}

/// The ids of all pages, each resource as it was.
async fn walk(app: &Actor, path: &str) -> Vec<usize> {
    let mut bundle = app.get(path).await.ok().json();
    let mut ids = Vec::with_capacity(ALL);
    loop {
        assert_eq!(bundle["total"], ALL, "{path}");
        for entry in bundle["entry"].as_array().expect("entries") {
            assert_eq!(entry["resource"]["code"]["text"], "first", "{entry}");
            let id = entry["resource"]["id"].as_str().expect("an id");
            ids.push(id.strip_prefix('b').expect("b").parse().expect("a number"));
        }
        let links = bundle["link"].as_array().expect("links");
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else { return ids };
        let next = next["url"].as_str().expect("a URL").to_owned();
        bundle = app.get(&next).await.ok().json();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_pages_show_the_snapshot_once_and_in_order_while_others_write() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    load(&app).await;
    let (by_age, by_date) =
        ("/Basic?_count=1000&_total=accurate", "/Basic?_count=1000&_total=accurate&_sort=-created");
    let mut sorted: Vec<usize> = (0..ALL).collect();
    // Ties stay in the order of writing.
    sorted.sort_by_key(|number| {
        std::cmp::Reverse(basic(*number, "")["created"].as_str().map(str::to_owned))
    });

    // Both snapshots are taken before the first write.
    let (first, other) = (app.get(by_age).await.ok().json(), app.get(by_date).await.ok().json());
    let next = |bundle: &Value| {
        let links = bundle["link"].as_array().cloned().unwrap_or_default();
        let next = links.into_iter().find(|link| link["relation"] == "next").expect("more pages");
        next["url"].as_str().expect("a URL").to_owned()
    };
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(disturb(fk.as_contributor().await, stop.clone()));
    for (begun, expected) in [(first, (0..ALL).collect()), (other, sorted)] {
        let page = begun["entry"].as_array().expect("entries").len();
        let found = walk(&app, &next(&begun)).await;
        assert_eq!(found.len() + page, ALL);
        assert!(found == expected[page..], "not each once, or not in order");
    }
    stop.store(true, Ordering::Relaxed);
    let writes = writer.await.expect("the writer");
    assert!(writes > 10, "{writes} writes beside the walk");
}

#[tokio::test]
async fn pages_show_the_terminology_of_their_moment() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let set = |codes: &[&str]| {
        let concepts: Vec<Value> = codes.iter().map(|code| json!({"code": code})).collect();
        let include = json!([{"system": "http://s", "concept": concepts}]);
        json!({"resourceType": "ValueSet", "id": "v", "url": "http://sets/v", "status": "active",
               "compose": {"include": include}})
    };
    app.put("/ValueSet/v", &set(&["a"])).await.created();
    for (id, code) in [("1", "a"), ("2", "b"), ("3", "a"), ("4", "b"), ("5", "a")] {
        let code = json!({"coding": [{"system": "http://s", "code": code}]});
        let basic = json!({"resourceType": "Basic", "id": id, "code": code});
        app.put(&format!("/Basic/{id}"), &basic).await.created();
    }
    for (query, expected) in [
        ("code:in=http://sets/v", ["1", "3", "5"].as_slice()),
        ("code:in=ValueSet/v", &["1", "3", "5"]),
        ("code:not-in=http://sets/v", &["2", "4"]),
    ] {
        let first = app.get(&format!("/Basic?{query}&_count=1")).await.ok();
        let link = first.json()["link"][1]["url"].as_str().expect("a link").to_owned();
        app.put("/ValueSet/v", &set(&["b"])).await;
        let changed = app.get(&link).await.ok();
        // With something beside it that means nothing, too.
        assert_eq!(app.get(&format!("{link}&_=1")).await.ok().ids(), changed.ids(), "{query}");
        app.delete("/ValueSet/v").await.no_content();
        assert_eq!(app.get(&link).await.ok().ids(), changed.ids(), "{query}");
        let pages = app.follow(first).await;
        let ids: Vec<&str> =
            pages.iter().filter_map(|entry| entry["resource"]["id"].as_str()).collect();
        assert_eq!(ids, expected, "{query}");
        app.get(&format!("/Basic?{query}")).await.status(400);
        app.put("/ValueSet/v", &set(&["a"])).await.created();
    }
    // By its address it needs no URL, and is not another one with the same.
    let mut nameless = set(&["b"]);
    nameless["id"] = json!("w");
    nameless.as_object_mut().expect("an object").remove("url");
    app.put("/ValueSet/w", &nameless).await.created();
    assert_eq!(app.get("/Basic?code:in=ValueSet/w").await.ok().ids(), ["2", "4"]);
    let mut other = set(&["b"]);
    (other["id"], other["version"]) = (json!("x"), json!("2"));
    app.put("/ValueSet/x", &other).await.created();
    assert_eq!(app.get("/Basic?code:in=ValueSet/v").await.ok().ids(), ["1", "3", "5"]);
    assert_eq!(app.get("/Basic?code:in=http://sets/v").await.ok().ids(), ["2", "4"]);
}

/// 10,000 matches on, a page no longer knows what those before it included.
#[tokio::test]
async fn everything_includes_a_resource_once_up_to_so_many_matches() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Practitioner/d", &json!({"resourceType": "Practitioner", "id": "d"})).await.created();
    app.put("/Patient/p", &json!({"resourceType": "Patient", "id": "p"})).await.created();
    let observation = json!({"resourceType": "Observation", "status": "final",
        "code": {"text": "x"}, "subject": {"reference": "Patient/p"},
        "performer": [{"reference": "Practitioner/d"}]});
    let entry = json!({"resource": observation,
                       "request": {"method": "POST", "url": "Observation"}});
    for count in [AT_ONCE, 1_000] {
        let entries = vec![entry.clone(); count];
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        let request = app.request(reqwest::Method::POST, "").header("Prefer", "return=minimal");
        stories::Reply::of(request.json(&bundle)).await.ok();
    }
    let (mut including, mut page) = (Vec::new(), 1);
    let mut bundle = app.get("/Patient/p/$everything?_count=1000").await.ok().json();
    loop {
        let entries = bundle["entry"].as_array().expect("entries");
        let includes = entries.iter().filter(|entry| entry["search"]["mode"] == "include");
        including.extend(includes.map(|entry| (page, entry["resource"]["id"].clone())));
        let links = bundle["link"].as_array().expect("links");
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else { break };
        let next = next["url"].as_str().expect("a URL").to_owned();
        bundle = app.get(&next).await.ok().json();
        page += 1;
    }
    assert_eq!((page, including), (12, vec![(1, "d".into()), (12, "d".into())]));
}
