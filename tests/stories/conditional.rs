//! Writes on conditions: If-None-Exist, PUT, PATCH and DELETE by criteria, references that are
//! criteria; alone, in batches and in transactions.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply};

fn patient(number: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "identifier": [{"system": "http://mrn", "value": number}],
           "name": [{"family": family}]})
}

async fn create_if(app: &Actor, criteria: &str, body: &Value) -> Reply {
    let request = app.request(Method::POST, "/Patient").header("If-None-Exist", criteria);
    Reply::of(request.json(body)).await
}

#[tokio::test]
async fn a_create_with_criteria_makes_one_resource() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let one = "identifier=http://mrn|1";
    let made = create_if(&app, one, &patient("1", "One")).await.created().json();
    let found = create_if(&app, one, &patient("1", "Other")).await.ok();
    assert_eq!(found.json()["id"], made["id"]);
    assert_eq!(found.json()["name"][0]["family"], "One");
    assert!(found.header("location").contains("/Patient/"), "{}", found.header("location"));
    app.post("/Patient", &patient("1", "Twin")).await.created();
    create_if(&app, one, &patient("1", "Third")).await.refused(412, "match");
    create_if(&app, "identifier=", &patient("2", "Two")).await.refused(400, "do not select");
    let nonsense = create_if(&app, "nonsense=1", &patient("2", "Two")).await;
    assert!(!nonsense.refused(400, "nonsense").text().contains("left out"));
    create_if(&app, "birthdate=yesterday", &patient("2", "Two")).await.refused(400, "yesterday");
    for page in ["_sort=birthdate", "_include=*", "_summary=true", "_elements=id", "_total=none"] {
        let criteria = format!("{one}&{page}");
        create_if(&app, &criteria, &patient("1", "One")).await.refused(400, "only select");
        app.delete(&format!("/Patient?{criteria}")).await.refused(400, "only select");
    }
    let reader = fk.as_reader().await;
    create_if(&reader, one, &patient("1", "One")).await.status(403);
}

/// Clients that write at one time, and conditional creates of all of them together.
const CLIENTS: usize = 64;
const CREATES: usize = 10_000;
/// Updates that each of them gets through.
const UPDATES: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_with_the_same_criteria_make_one_resource() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let client = |_| {
        let app = app.clone();
        tokio::spawn(async move {
            let mut created = 0;
            for _ in 0..CREATES.div_ceil(CLIENTS) {
                let reply =
                    create_if(&app, "identifier=http://mrn|7", &patient("7", "Seven")).await;
                assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
                created += usize::from(reply.status == 201);
            }
            created
        })
    };
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    let mut created = 0;
    for client in clients {
        created += client.await.expect("a client");
    }
    assert_eq!(created, 1);
    assert_eq!(app.get("/Patient?identifier=7&_summary=count").await.ok().json()["total"], 1);
    assert_eq!(app.get("/Patient/_history?_summary=count").await.ok().json()["total"], 1);
}

/// Adds a line to the resource, again and again until nobody was quicker; the version it made.
async fn add_line(app: &Actor, line: &str) -> u64 {
    loop {
        let read = app.get("/Patient/shared").await.ok();
        let mut body = read.json();
        let lines = body["address"][0]["line"].as_array_mut().expect("lines");
        lines.push(json!(line));
        let request = app.request(Method::PUT, "/Patient/shared");
        let reply = Reply::of(request.header("If-Match", read.header("etag")).json(&body)).await;
        match reply.status {
            200 => {
                let version =
                    reply.json()["meta"]["versionId"].as_str().expect("a version").parse();
                return version.expect("a number");
            }
            412 => {}
            other => panic!("{other}: {}", reply.text()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_that_update_one_resource_lose_nothing() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let mut body = patient("1", "One");
    body["id"] = json!("shared");
    body["address"] = json!([{"line": ["first"]}]);
    app.put("/Patient/shared", &body).await.created();
    let client = |number: usize| {
        let app = app.clone();
        tokio::spawn(async move {
            let mut made = Vec::new();
            for turn in 0..UPDATES {
                made.push(add_line(&app, &format!("{number}.{turn}")).await);
            }
            made
        })
    };
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    let mut versions = Vec::new();
    for client in clients {
        let made = client.await.expect("a client");
        assert!(made.is_sorted(), "{made:?}");
        versions.extend(made);
    }
    versions.sort_unstable();
    let last = (CLIENTS * UPDATES + 1) as u64;
    assert_eq!(versions, (2..=last).collect::<Vec<_>>(), "each version once");
    let read = app.get("/Patient/shared").await.ok().json();
    assert_eq!(read["meta"]["versionId"], last.to_string());
    let lines = read["address"][0]["line"].as_array().expect("lines");
    let mut lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
    assert_eq!(lines.len(), CLIENTS * UPDATES + 1, "no line is lost");
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), CLIENTS * UPDATES + 1, "none is there twice");
    let history = app.follow(app.get("/Patient/shared/_history?_count=1000").await.ok()).await;
    assert_eq!(history.len() as u64, last);
}

#[tokio::test]
async fn an_update_by_criteria_updates_the_one_or_makes_it() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let path = "/Patient?identifier=http://mrn|1";
    let made = app.put(path, &patient("1", "One")).await.created().json();
    let again = app.put(path, &patient("1", "Two")).await.ok().json();
    assert_eq!((&again["id"], &again["meta"]["versionId"]), (&made["id"], &json!("2")));
    let mut other = patient("1", "Three");
    other["id"] = json!("other");
    app.put(path, &other).await.refused(400, "other");
    let mut own = patient("9", "Nine");
    own["id"] = json!("nine");
    app.put("/Patient?identifier=http://mrn|9", &own).await.created();
    app.put("/Patient?identifier=http://mrn|10", &own).await.refused(409, "exists");
    let none = "/Patient?identifier=http://mrn|11";
    let when = |tag: &'static str| {
        let request = app.request(Method::PUT, none).header("If-Match", tag);
        Reply::of(request.json(&patient("11", "Eleven")))
    };
    when("\"1\"").await.refused(400, "weak ETag");
    when("W/\"1\"").await.refused(404, "Nothing matches");
    app.put(&format!("{none}&hardDelete=true"), &patient("11", "No"))
        .await
        .refused(400, "hardDelete");
    let made = app.put(&format!("{none}&_meta-history=false"), &patient("11", "Eleven")).await;
    made.created();
    app.post("/Patient", &patient("1", "Twin")).await.created();
    app.put(path, &patient("1", "Four")).await.refused(412, "match");
    app.put("/Patient?_tag=", &patient("1", "Four")).await.refused(400, "do not select");
}

#[tokio::test]
async fn a_patch_by_criteria_patches_the_one() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.post("/Patient", &patient("1", "One")).await.created();
    let patch = json!([{"op": "replace", "path": "/name/0/family", "value": "Two"}]);
    let send = |path: &'static str| {
        let request = app.request(Method::PATCH, path);
        let request = request.header("Content-Type", "application/json-patch+json");
        Reply::of(request.json(&patch))
    };
    let done = send("/Patient?identifier=http://mrn|1").await.ok().json();
    assert_eq!(done["name"][0]["family"], "Two");
    send("/Patient?identifier=none").await.refused(404, "Nothing matches");
    app.post("/Patient", &patient("1", "Twin")).await.created();
    send("/Patient?identifier=http://mrn|1").await.refused(412, "match");
    send("/Patient?_tag=").await.refused(412, "do not select");
}

#[tokio::test]
async fn a_delete_by_criteria_deletes_one_or_as_many_as_it_says() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    for _ in 0..3 {
        app.post("/Patient", &patient("1", "One")).await.created();
    }
    let path = "/Patient?identifier=http://mrn|1";
    app.delete(path).await.refused(412, "match");
    app.delete("/Patient?_tag=").await.refused(412, "do not select");
    let two = app.delete(&format!("{path}&_count=2")).await.no_content();
    assert_eq!(two.header("items-deleted"), "2");
    let last = app.delete(&format!("{path}&hardDelete=true")).await.no_content();
    assert_eq!(last.header("items-deleted"), "1");
    assert_eq!(app.delete(path).await.no_content().header("items-deleted"), "0");
    assert!(app.get("/Patient").await.ok().ids().is_empty());
}

#[tokio::test]
async fn a_transaction_deletes_as_many_as_its_criteria_say_or_nothing() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    for number in ["1", "1", "1", "1", "2"] {
        app.post("/Patient", &patient(number, "One")).await.created();
    }
    let (plain, nobody) = (json!({}), Value::Null);
    let left = async || app.get("/Patient?_summary=count").await.ok().json()["total"].clone();
    let is = "Patient?identifier=http://mrn|1";
    let some = |count: usize| entry("DELETE", &format!("{is}&_count={count}"), &plain, &nobody);
    let missing = entry("GET", "Patient/never", &plain, &nobody);
    app.post("", &transaction(&json!([some(3), missing]))).await.refused(404, "entry[1]");
    assert_eq!(left().await, 5);

    // Each entry sees what those before it took away.
    let create = json!({"ifNoneExist": "identifier=http://mrn|1"});
    let create = entry("POST", "Patient", &create, &patient("1", "New"));
    let done = app.post("", &transaction(&json!([some(3), create, some(3)]))).await.ok().json();
    let told = |place: usize| done["entry"][place]["response"].clone();
    assert_eq!(told(0)["status"], "204 No Content");
    assert!(told(0).to_string().contains("3 resources were deleted"), "{done}");
    assert!(told(2).to_string().contains("1 resource was deleted"), "{done}");
    assert_eq!(told(1)["status"], "201 Created");
    assert_eq!(left().await, 2);
    let id = done["entry"][1]["resource"]["id"].as_str().expect("an id").to_owned();

    let hard = entry("DELETE", &format!("{is}&_count=5&hardDelete=true"), &plain, &nobody);
    app.post("", &transaction(&json!([hard]))).await.ok();
    app.get(&format!("/Patient/{id}/_history")).await.status(404);
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [some(2),
        entry("DELETE", "Patient?identifier=http://mrn|2&_count=2", &plain, &nobody)]});
    let done = app.post("", &batch).await.ok().json();
    assert!(done["entry"][0].to_string().contains("0 resources were deleted"), "{done}");
    assert!(done["entry"][1].to_string().contains("1 resource was deleted"), "{done}");
    assert_eq!(left().await, 0);
    let reader = fk.as_reader().await;
    reader.post("", &transaction(&json!([some(1)]))).await.status(403);
}

#[tokio::test]
async fn a_delete_by_criteria_answers_alike_in_a_batch_and_in_a_transaction() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    for kind in ["batch", "transaction"] {
        for number in ["1", "2", "2"] {
            app.post("/Patient", &patient(number, "One")).await.created();
        }
        let (plain, nobody) = (json!({}), Value::Null);
        let delete =
            |query: &str| entry("DELETE", &format!("Patient?identifier={query}"), &plain, &nobody);
        let entries =
            [delete("http://mrn|1"), delete("http://mrn|3"), delete("http://mrn|2&_count=5")];
        let sent = json!({"resourceType": "Bundle", "type": kind, "entry": entries});
        let done = app.post("", &sent).await.ok().json();
        let told = |place: usize| done["entry"][place]["response"].clone();
        for place in 0..3 {
            assert_eq!(told(place)["status"], "204 No Content", "{kind}: {done}");
        }
        assert_eq!(told(0)["etag"], "W/\"2\"", "{kind}: {done}");
        assert!(told(0)["lastModified"].is_string(), "{kind}: {done}");
        assert!(told(0).get("outcome").is_none(), "{kind}: {done}");
        assert_eq!(told(1), json!({"status": "204 No Content"}), "{kind}");
        assert!(told(2).to_string().contains("2 resources were deleted"), "{kind}: {done}");
        assert!(told(2).get("etag").is_none(), "{kind}: {done}");
    }
}

#[tokio::test]
async fn a_malformed_condition_is_told_before_the_criteria_are_looked_up() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let patch = json!([{"op": "remove", "path": "/name"}]);
    for tag in ["abc def", "3", "\"3\"", "*", "W/\"1\", W/\"2\""] {
        for (method, body) in [
            (Method::PATCH, &patch),
            (Method::PUT, &patient("9", "Nine")),
            (Method::DELETE, &Value::Null),
        ] {
            let request = app.request(method.clone(), "/Patient?identifier=http://mrn|9");
            let request = request.header("If-Match", tag).body(body.to_string());
            let kind = if method == Method::PATCH { "json-patch+json" } else { "fhir+json" };
            let request = request.header("Content-Type", format!("application/{kind}"));
            Reply::of(request).await.refused(400, "weak ETag");
        }
    }
    let request = app.request(Method::PATCH, "/Patient?identifier=http://mrn|9");
    let request = request.header("If-Match", "W/\"1\"").body(patch.to_string());
    let request = request.header("Content-Type", "application/json-patch+json");
    Reply::of(request).await.refused(404, "Nothing matches");
}

fn observation(subject: &str) -> Value {
    json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
           "subject": {"reference": subject}})
}

#[tokio::test]
async fn a_reference_that_is_criteria_leads_to_what_matches() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &{
        let mut body = patient("1", "One");
        body["id"] = json!("p");
        body
    })
    .await
    .created();
    let by = observation("Patient?identifier=http://mrn|1");
    let made = app.post("/Observation", &by).await.created().json();
    assert_eq!(made["subject"]["reference"], "Patient/p");
    let none = observation("Patient?identifier=none");
    app.post("/Observation", &none).await.refused(412, "matches no resource");
    let entry = json!({"resource": by, "request": {"method": "POST", "url": "Observation"}});
    for kind in ["batch", "transaction"] {
        let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": [entry]});
        let done = app.post("", &bundle).await.ok().json();
        assert_eq!(done["entry"][0]["resource"]["subject"]["reference"], "Patient/p", "{done}");
    }
    assert_eq!(app.get("/Observation?patient=p").await.ok().ids().len(), 3);
}

#[tokio::test]
async fn a_transaction_sees_its_own_entries() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let create = |url: &str, number: &str| {
        json!({"fullUrl": url, "resource": patient(number, "Any"), "request": {
            "method": "POST", "url": "Patient",
            "ifNoneExist": format!("identifier=http://mrn|{number}")}})
    };
    let (one, two) = (
        "urn:uuid:00000000-0000-4000-8000-000000000001",
        "urn:uuid:00000000-0000-4000-8000-000000000002",
    );
    let refer = |to: &str| {
        let request = json!({"method": "POST", "url": "Observation"});
        json!({"resource": observation(to), "request": request})
    };
    let entries = json!([
        create(one, "1"),
        create(two, "2"),
        refer(one),
        refer("Patient?identifier=http://mrn|1")
    ]);
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    for status_of_both in ["201", "200"] {
        let done = app.post("", &bundle).await.ok().json();
        let status = |place: usize| {
            let status = done["entry"][place]["response"]["status"].as_str().unwrap_or_default();
            status.split(' ').next().unwrap_or_default().to_owned()
        };
        assert_eq!([status(0), status(1)], [status_of_both, status_of_both], "{done}");
        let subject = |place: usize| done["entry"][place]["resource"]["subject"].clone();
        assert_eq!(subject(2), subject(3));
        let count = app.get("/Patient?_summary=count").await.ok().json();
        assert_eq!(count["total"], 2);
    }
    let by_criteria = |method: &str, number: &str| {
        let url = format!("Patient?identifier=http://mrn|{number}");
        json!({"resource": patient(number, "New"), "request": {"method": method, "url": url}})
    };
    let delete = json!({"request": {"method": "DELETE", "url": "Patient?identifier=none"}});
    let entries = json!([by_criteria("PUT", "1"), by_criteria("PUT", "3"), delete]);
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    let done = app.post("", &bundle).await.ok().json();
    let statuses: Vec<&str> =
        (0..3).filter_map(|place| done["entry"][place]["response"]["status"].as_str()).collect();
    assert_eq!(statuses, ["200 OK", "201 Created", "204 No Content"]);
    let twice = json!({"resourceType": "Bundle", "type": "transaction",
                       "entry": [by_criteria("PUT", "1"), by_criteria("PUT", "1")]});
    app.post("", &twice).await.refused(400, "Bundle.entry[0]");
}

fn transaction(entries: &Value) -> Value {
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

/// An entry whose `request` has members beside its method and URL.
fn entry(method: &str, url: &str, more: &Value, resource: &Value) -> Value {
    let mut request = json!({"method": method, "url": url});
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    match resource {
        Value::Null => json!({"request": request}),
        resource => json!({"request": request, "resource": resource}),
    }
}

#[tokio::test]
async fn what_a_bundle_answers_to_criteria_is_told_as_other_writes_are() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let made = app.post("/Patient", &patient("1", "One")).await.created().json();
    let address = format!("/Patient/{}", made["id"].as_str().expect("an id"));
    let criteria = json!({"ifNoneExist": "identifier=http://mrn|1"});
    let entries = json!([
        entry("POST", "Patient", &criteria, &patient("1", "Other")),
        entry("GET", &address[1..], &json!({}), &Value::Null),
    ]);
    for kind in ["batch", "transaction"] {
        let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": entries});
        let done = app.post("", &bundle).await.ok().json();
        for place in 0..2 {
            let (found, response) = (&done["entry"][place], &done["entry"][place]["response"]);
            assert_eq!(found["resource"], made, "{kind} {done}");
            assert_eq!(response["status"], "200 OK");
            assert_eq!(response["etag"], "W/\"1\"");
            assert_eq!(response["lastModified"], made["meta"]["lastUpdated"], "{kind} {done}");
        }
        let url = done["entry"][0]["fullUrl"].as_str().unwrap_or_default();
        assert!(url.ends_with(&address), "{kind} {done}");
        for (returns, has_outcome) in [("OperationOutcome", true), ("minimal", false)] {
            let request =
                app.request(Method::POST, "").header("Prefer", format!("return={returns}"));
            let done = Reply::of(request.json(&bundle)).await.ok().json();
            assert_eq!(done["entry"][0].get("resource"), None, "{kind} {done}");
            let outcome = &done["entry"][0]["response"]["outcome"]["resourceType"];
            assert_eq!(outcome == "OperationOutcome", has_outcome, "{kind} {done}");
            assert_eq!(done["entry"][1]["resource"], made, "{kind} {done}");
        }
    }
}

#[tokio::test]
async fn a_transaction_refuses_of_criteria_what_a_request_by_itself_does() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let mut one = patient("1", "One");
    one["id"] = json!("one");
    app.put("/Patient/one", &one).await.created();
    let (plain, nobody) = (json!({}), Value::Null);
    let when = |tag: &str| json!({"ifMatch": tag});
    let unless = json!({"ifNoneExist": "identifier=http://mrn|1"});
    let (is, none) = ("Patient?identifier=http://mrn|1", "Patient?identifier=http://mrn|2");
    let exists = entry("POST", "Patient", &unless, &patient("1", "New"));
    let part = json!([{"name": "type", "valueCode": "delete"},
        {"name": "path", "valueString": "Patient.name"}]);
    let parameter = json!([{"name": "operation", "part": part}]);
    let patch = json!({"resourceType": "Parameters", "parameter": parameter});
    let rows = [
        // What two entries are about is known once their criteria are.
        (json!([exists, entry("PUT", is, &plain, &patient("1", "Two"))]), 400, "Patient/one"),
        (json!([exists, entry("PUT", "Patient/one", &plain, &one)]), 400, "Patient/one"),
        (json!([entry("PATCH", "Patient/one", &plain, &patch), exists]), 400, "Patient/one"),
        (json!([entry("PUT", none, &when("W/\"1\""), &patient("2", "T"))]), 404, "Nothing matches"),
        (json!([entry("PUT", none, &when("\"1\""), &patient("2", "T"))]), 400, "weak ETag"),
        (json!([entry("PUT", is, &when("W/\"7\""), &patient("1", "T"))]), 412, "did not match"),
        (json!([entry("PUT", none, &plain, &one)]), 409, "Update it under its id"),
        (json!([entry("DELETE", none, &when("W/\"1\""), &nobody)]), 404, "Nothing matches"),
        (json!([entry("DELETE", &format!("{is}&_count=0"), &plain, &nobody)]), 400, "_count"),
        (
            json!([entry("DELETE", &format!("{is}&_count=2"), &when("W/\"1\""), &nobody)]),
            400,
            "_count",
        ),
        (json!([entry("DELETE", none, &when("abc"), &nobody)]), 400, "weak ETag"),
        (json!([entry("PATCH", none, &when("abc"), &patch)]), 400, "weak ETag"),
        (json!([entry("PATCH", none, &plain, &patch)]), 404, "Nothing matches"),
        // What is deleted by its criteria is not written beside that.
        (
            json!([
                entry("DELETE", &format!("{is}&_count=9"), &plain, &nobody),
                entry("PUT", "Patient/one", &plain, &one),
            ]),
            400,
            "Patient/one is what",
        ),
        (json!([entry("PATCH", &format!("{is}&hardDelete=1"), &plain, &patch)]), 400, "hardDelete"),
    ];
    for (entries, status, text) in &rows {
        app.post("", &transaction(entries)).await.refused(*status, text);
    }
    assert_eq!(app.get("/_history").await.ok().json()["total"], 1);
    let done = app.post("", &transaction(&json!([exists]))).await.ok().json();
    assert_eq!(done["entry"][0]["resource"]["id"], "one");
    // Deletes come first: then there is nothing that a create could match.
    let entries = json!([exists, entry("DELETE", "Patient/one", &plain, &nobody)]);
    let done = app.post("", &transaction(&entries)).await.ok().json();
    assert_eq!(done["entry"][0]["response"]["status"], "201 Created");
}

#[tokio::test]
async fn an_id_that_is_none_is_refused_and_not_replaced() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.post("/Patient", &patient("1", "One")).await.created();
    for id in [json!("a_b"), json!(5)] {
        let mut body = patient("1", "Two");
        body["id"] = id;
        app.put("/Patient?identifier=http://mrn|1", &body).await.refused(400, "id");
        let entry = json!({"resource": body,
                           "request": {"method": "PUT", "url": "Patient?identifier=http://mrn|1"}});
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]});
        app.post("", &bundle).await.refused(400, "id");
    }
    app.delete("/Patient?name=%20&_count=10").await.refused(400, "nothing to look for");
    create_if(&app, "name=%20", &patient("2", "Two")).await.refused(400, "nothing to look for");
    assert_eq!(app.get("/Patient?_summary=count").await.ok().json()["total"], 1);
}

#[tokio::test]
async fn two_creates_of_a_transaction_cannot_be_one_resource() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let entry = |family: &str| {
        json!({"resource": patient("1", family), "request": {"method": "POST", "url": "Patient",
               "ifNoneExist": "identifier=http://mrn|1"}})
    };
    let twice = json!({"resourceType": "Bundle", "type": "transaction",
                       "entry": [entry("One"), entry("Two")]});
    app.post("", &twice).await.refused(400, "may write a resource once");
    assert_eq!(app.get("/Patient?_summary=count").await.ok().json()["total"], 0);
    app.post("/Patient", &patient("1", "One")).await.created();
    app.post("", &twice).await.refused(400, "may write a resource once");
}

#[tokio::test]
async fn criteria_see_the_plain_creates_of_their_transaction_in_any_order() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let entry = |criteria: Option<&str>| {
        let mut request = json!({"method": "POST", "url": "Patient"});
        if let Some(criteria) = criteria {
            request["ifNoneExist"] = json!(criteria);
        }
        json!({"resource": patient("1", "One"), "request": request})
    };
    let (plain, conditional) = (entry(None), entry(Some("identifier=http://mrn|1")));
    let mut entries = [plain, conditional];
    for _ in 0..2 {
        let both = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        app.post("", &both).await.refused(400, "may write a resource once");
        entries.reverse();
    }
    assert_eq!(app.get("/Patient?_summary=count").await.ok().json()["total"], 0);
}
