//! POST [base]: batch and transaction.

use serde_json::{Value, json};
use stories::{Firekeep, patient};

fn bundle(kind: &str, entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": kind, "entry": entries})
}

fn post(full_url: &str, resource: &Value) -> Value {
    let url = resource["resourceType"].clone();
    json!({"fullUrl": full_url, "resource": resource, "request": {"method": "POST", "url": url}})
}

#[tokio::test]
async fn a_transaction_rewrites_references_between_its_entries() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let uuid = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a";
    let observation = json!({"resourceType": "Observation", "status": "final",
        "code": {"text": "x"}, "subject": {"reference": uuid},
        "text": {"status": "generated", "div":
            format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"{uuid}\">p</a></div>")}});
    let entries = [
        post("urn:uuid:79378cb8-8f58-48e8-a5e8-60ac2755b674", &observation),
        post(uuid, &json!({"resourceType": "Patient"})),
    ];
    let answer = app.post("", &bundle("transaction", &entries)).await.ok().json();
    assert_eq!(answer["type"], "transaction-response");
    let made = answer["entry"].as_array().expect("entries");
    let patient = made[1]["resource"]["id"].as_str().expect("an id");
    let (stored, target) = (&made[0]["resource"], format!("Patient/{patient}"));
    assert_eq!(stored["subject"]["reference"], target.as_str());
    let div = stored["text"]["div"].as_str().expect("a div");
    assert!(div.contains(&format!("href=\"{target}\"")), "{div}");
    assert_eq!(made[1]["response"]["status"].as_str().map(|s| &s[..3]), Some("201"));
    assert!(made[1]["response"]["location"].as_str().expect("a location").contains(&target));
    app.get(&format!("/{target}")).await.ok();
}

#[tokio::test]
async fn links_to_entries_are_rewritten_and_canonical_urls_are_not() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let base = "http://example.org/fhir";
    let binary = json!({"resourceType": "Binary", "contentType": "text/plain", "data": "QQ=="});
    let content = |url: &str| json!({"attachment": {"url": url}});
    let document = json!({"resourceType": "DocumentReference", "status": "current",
        "content": [content("Binary/b"), content(&format!("{base}/Binary/b"))]});
    let questionnaire = json!({"resourceType": "Questionnaire", "status": "draft"});
    let canonical = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0b";
    let response = json!({"resourceType": "QuestionnaireResponse", "status": "completed",
        "questionnaire": canonical});
    let issue = json!({"resourceType": "DetectedIssue", "status": "final",
        "reference": "urn:oid:1.2.840.5"});
    let entries = [
        post(&format!("{base}/Binary/b"), &binary),
        post(&format!("{base}/DocumentReference/d"), &document),
        post(canonical, &questionnaire),
        post(&format!("{base}/QuestionnaireResponse/r"), &response),
        post(&format!("{base}/DetectedIssue/i"), &issue),
    ];
    let answer = app.post("", &bundle("transaction", &entries)).await.ok().json();
    let made = |place: usize| &answer["entry"][place]["resource"];
    let link = format!("Binary/{}", made(0)["id"].as_str().expect("an id"));
    assert_eq!(made(1)["content"], json!([content(&link), content(&link)]));
    assert_eq!(made(3)["questionnaire"], canonical);
    assert_eq!(made(4)["reference"], "urn:oid:1.2.840.5");
}

#[tokio::test]
async fn what_was_changed_within_a_second_was_changed_since() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let first = app.put("/Patient/p", &patient("p", "P")).await.created().json();
    let second = app.put("/Patient/p", &patient("p", "Q")).await.ok().json();
    let look = |since: &Value| {
        let request = json!({"method": "GET", "url": "Patient/p", "ifModifiedSince": since});
        json!({ "request": request })
    };
    let since = [&first["meta"]["lastUpdated"], &second["meta"]["lastUpdated"]];
    let answer = app.post("", &bundle("batch", &since.map(look))).await.ok().json();
    let status = |place: usize| answer["entry"][place]["response"]["status"].clone();
    assert_eq!(status(0), "200 OK");
    assert_eq!(status(1), "304 Not Modified");
}

#[tokio::test]
async fn what_a_transaction_wrote_at_one_time_is_sorted_by_the_next_key() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let put = |id: &str, family: &str| {
        let request = json!({"method": "PUT", "url": format!("Patient/{id}")});
        json!({"resource": patient(id, family), "request": request})
    };
    let entries = [put("a", "Mann"), put("b", "Abel"), put("c", "Zorn")];
    app.post("", &bundle("transaction", &entries)).await.ok();
    app.put("/Patient/d", &patient("d", "Kern")).await.created();
    for (sort, expected) in [
        ("_lastUpdated,family", ["b", "a", "c", "d"]),
        ("_lastUpdated,-family", ["c", "a", "b", "d"]),
        ("-_lastUpdated,family", ["d", "b", "a", "c"]),
        ("-_lastUpdated,-_id", ["d", "c", "b", "a"]),
    ] {
        let found = app.get(&format!("/Patient?_sort={sort}")).await.ok().json();
        let ids = found["entry"].as_array().expect("entries").iter();
        let ids = ids.map(|entry| entry["resource"]["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids, expected, "{sort}");
    }
}

#[tokio::test]
async fn one_bad_entry_undoes_a_transaction_but_not_a_batch() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let good = json!({"resource": patient("g", "Good"),
        "request": {"method": "PUT", "url": "Patient/g"}});
    let bad = json!({"resource": patient("h", "Bad"),
        "request": {"method": "PUT", "url": "Patient/h", "ifMatch": "W/\"7\""}});
    let refused = app.post("", &bundle("transaction", &[good.clone(), bad.clone()])).await;
    refused.refused(404, "entry[1]");
    app.get("/Patient/g").await.status(404);
    let answer = app.post("", &bundle("batch", &[good, bad])).await.ok().json();
    let status =
        |n: usize| answer["entry"][n]["response"]["status"].as_str().map(|s| s[..3].to_owned());
    assert_eq!((status(0), status(1)), (Some("201".into()), Some("404".into())));
    app.get("/Patient/g").await.ok();
}

#[tokio::test]
async fn a_transaction_runs_in_the_order_of_the_standard() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/old", &patient("old", "Old")).await.created();
    let entries = [
        json!({"request": {"method": "GET", "url": "Patient/new"}}),
        json!({"resource": patient("new", "New"),
            "request": {"method": "PUT", "url": "Patient/new"}}),
        json!({"request": {"method": "DELETE", "url": "Patient/old"}}),
        json!({"request": {"method": "GET", "url": "Patient?_summary=count"}}),
    ];
    let answer = app.post("", &bundle("transaction", &entries)).await.ok().json();
    assert_eq!(answer["entry"][0]["resource"]["name"][0]["family"], "New");
    assert_eq!(answer["entry"][3]["resource"]["total"], 1);
    assert_eq!(answer["entry"][2]["response"]["status"].as_str().map(|s| &s[..3]), Some("204"));
}

#[tokio::test]
async fn what_a_transaction_cannot_mean_is_refused_whole() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let dangling = json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"}});
    let lost =
        bundle("transaction", &[post("urn:uuid:00000000-0000-4000-8000-000000000002", &dangling)]);
    app.post("", &lost).await.refused(400, "urn:uuid:00000000-0000-4000-8000-000000000001");
    let put =
        json!({"resource": patient("t", "T"), "request": {"method": "PUT", "url": "Patient/t"}});
    app.post("", &bundle("transaction", &[put.clone(), put.clone()])).await.status(400);
    app.post("", &bundle("collection", std::slice::from_ref(&put)))
        .await
        .refused(400, "transaction");
    let criteria = json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": "Patient?identifier=1"}});
    app.post(
        "",
        &bundle("transaction", &[post("urn:uuid:00000000-0000-4000-8000-000000000004", &criteria)]),
    )
    .await
    .refused(412, "matches no resource");
    let reader = fk.as_reader().await;
    reader.post("", &bundle("transaction", &[put])).await.refused(403, "FHIR Data Writer");
    assert_eq!(app.get("/_history").await.ok().json()["total"], 0);
}

#[tokio::test]
async fn entries_that_look_are_answered_as_requests_are() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "P")).await.created();
    let look = |method: &str, url: &str, since: Option<&str>| {
        let mut request = json!({"method": method, "url": url});
        if let Some(since) = since {
            request["ifModifiedSince"] = json!(since);
        }
        json!({"request": request})
    };
    let rows = [
        (look("HEAD", "Patient/p", None), "200", false),
        (look("GET", "Patient/p", Some("2099-01-01T00:00:00Z")), "304", false),
        (look("GET", "Patient/p", Some("2001-01-01T00:00:00Z")), "200", true),
        (look("GET", "Patient/p", Some("yesterday")), "400", false),
        (look("GET", "Patient/p?_format=xml", None), "406", false),
        (look("GET", "metadata", None), "200", true),
        (look("GET", "$versions", None), "400", false),
        (look("GET", "http://elsewhere/Patient?_id=1", None), "400", false),
    ];
    let entries: Vec<Value> = rows.iter().map(|(entry, ..)| entry.clone()).collect();
    let answer = app.post("", &bundle("batch", &entries)).await.ok().json();
    for (place, (entry, status, has_resource)) in rows.iter().enumerate() {
        let found = &answer["entry"][place];
        assert_eq!(found["response"]["status"].as_str().map(|it| &it[..3]), Some(*status));
        assert_eq!(found.get("resource").is_some(), *has_resource, "{entry}");
    }
    let address = format!("{}/Patient/p", app.base());
    assert_eq!(answer["entry"][2]["fullUrl"], address);
    let read = [look("GET", "Patient/p", None)];
    let read = app.post("", &bundle("transaction", &read)).await.ok().json();
    assert_eq!(read["entry"][0]["fullUrl"], address);
    app.post("?foo=bar", &bundle("batch", &entries)).await.refused(400, "foo");
}

#[tokio::test]
async fn what_a_transaction_cannot_look_up_refuses_it_before_anything_is_stored() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let get = |url: &str| json!({"request": {"method": "GET", "url": url}});
    let put = json!({"resource": patient("new", "New"),
        "request": {"method": "PUT", "url": "Patient/new"}});
    let entries = [put.clone(), get("Patient/never/_history")];
    app.post("", &bundle("transaction", &entries)).await.refused(404, "entry[1]");
    app.get("/Patient/new").await.status(404);
    let entries = [put.clone(), get("Patient/never/$everything")];
    app.post("", &bundle("transaction", &entries)).await.refused(404, "entry[1]");
    app.get("/Patient/new").await.status(404);
    let entries = [put.clone(), get("Patient/new/_history/2")];
    app.post("", &bundle("transaction", &entries)).await.refused(404, "entry[1]");
    app.get("/Patient/new").await.status(404);
    let first = get("Patient/new/_history/1");
    let entries = [put, get("Patient/new/_history"), get("Patient/new/$everything"), first];
    let made = app.post("", &bundle("transaction", &entries)).await.ok().json();
    assert_eq!(made["entry"][1]["resource"]["total"], 1);
    assert_eq!(made["entry"][3]["resource"]["meta"]["versionId"], "1");
    assert_eq!(made["entry"][2]["resource"]["entry"][0]["resource"]["id"], "new", "{made}");
    let post = json!({"request": {"method": "POST", "url": "Patient/never/$everything"}});
    app.post("", &bundle("transaction", &[post])).await.refused(404, "Patient/never");
}

#[tokio::test]
async fn operations_find_what_their_transaction_writes() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/existing", &patient("existing", "There")).await.created();
    let get = |url: &str| json!({"request": {"method": "GET", "url": url}});
    let put = |resource: Value| {
        let url = format!("{}/{}", resource["resourceType"], resource["id"]).replace('"', "");
        json!({"resource": resource, "request": {"method": "PUT", "url": url}})
    };
    let composition = json!({"resourceType": "Composition", "id": "c", "status": "final",
        "type": {"text": "x"}, "date": "2026-01-01", "title": "x",
        "author": [{"reference": "Patient/existing"}]});
    let set = json!({"resourceType": "ValueSet", "id": "v", "url": "http://example.org/vs",
        "status": "active", "compose": {"include": [{"system": "http://example.org/cs",
            "concept": [{"code": "one"}]}]}});
    let definition = json!({"resourceType": "GraphDefinition", "id": "g", "name": "g",
        "status": "active", "start": "Patient"});
    let rows = [
        (composition, "Composition/$document?id=c", "Bundle"),
        (set, "ValueSet/$expand?url=http://example.org/vs", "ValueSet"),
        (definition, "Patient/existing/$graph?graph=GraphDefinition/g", "Bundle"),
    ];
    for (written, look, made) in rows {
        let other = put(patient("other", "New"));
        let entries = [other.clone(), get(look)];
        app.post("", &bundle("transaction", &entries)).await.refused(404, "entry[1]");
        app.get("/Patient/other").await.status(404);
        let absent = look.replace("existing", "never").replace("/$expand", "/never/$expand");
        let entries = [put(written.clone()), get(&absent)];
        if absent != look {
            app.post("", &bundle("transaction", &entries)).await.refused(404, "entry[1]");
        }
        let entries = [get(look), put(written)];
        let done = app.post("", &bundle("transaction", &entries)).await.ok().json();
        assert_eq!(done["entry"][0]["response"]["status"], "200 OK", "{look}: {done}");
        assert_eq!(done["entry"][0]["resource"]["resourceType"], made, "{look}: {done}");
    }
}

#[tokio::test]
async fn operations_that_only_look_are_part_of_a_transaction() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let post = |url: &str, resource: Value| {
        let request = json!({"method": "POST", "url": url});
        json!({"resource": resource, "request": request})
    };
    let put = json!({"resource": patient("t", "New"),
        "request": {"method": "PUT", "url": "Patient/t"}});
    let expression = json!({"resourceType": "Parameters", "parameter": [
        {"name": "expression", "valueString": "Patient.name.family"}]});
    let entries = [
        post("Patient/$validate", json!({"resourceType": "Patient", "gender": "nobody"})),
        post("Patient/t/$fhirpath", expression.clone()),
        post("Patient/t/$everything", json!({"resourceType": "Parameters"})),
        put,
    ];
    let made = app.post("", &bundle("transaction", &entries)).await.ok().json();
    let resource = |place: usize| made["entry"][place]["resource"].clone();
    let issues = resource(0)["issue"].as_array().cloned().expect("issues");
    assert!(issues.iter().any(|issue| issue["severity"] == "error"), "{issues:?}");
    assert!(resource(1).to_string().contains("New"), "{made}");
    assert_eq!(resource(2)["entry"][0]["resource"]["id"], "t");
    assert_eq!(made["entry"][3]["response"]["status"], "201 Created");

    let nothing = json!({"resourceType": "Parameters"});
    for (url, name) in [
        ("Patient/t/$meta-add", "$meta-add"),
        ("Patient/t/$purge-history", "$purge-history"),
        ("Composition/c/$document?persist=true", "$document"),
        ("$reindex", "$reindex"),
    ] {
        for kind in ["batch", "transaction"] {
            let answer = app.post("", &bundle(kind, &[post(url, nothing.clone())])).await;
            let expected = format!("{name} by POST may change something");
            assert!(answer.text().contains(&expected), "{url}: {}", answer.text());
        }
    }
    let search = post("Patient/_search?family=new", nothing.clone());
    app.post("", &bundle("transaction", &[search])).await.refused(400, "An entry has no form");
    // What cannot be answered refuses all of it.
    let wrong = post("Patient/t/$fhirpath", nothing);
    let delete = json!({"request": {"method": "DELETE", "url": "Patient/t"}});
    app.post("", &bundle("transaction", &[wrong, delete])).await.status(400);
    app.get("/Patient/t").await.ok();
}

#[tokio::test]
async fn what_a_transaction_looks_up_has_a_limit_that_holds_before_the_commit() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let mebibyte = json!({"url": "http://example.org/x", "valueString": "x".repeat(1 << 20)});
    let long = json!({"resourceType": "Basic", "id": "long", "code": {"text": "x"},
        "extension": vec![mebibyte; 9]});
    app.put("/Basic/long", &long).await.created();
    let get = json!({"request": {"method": "GET", "url": "Basic/long"}});
    let put = |id: &str| {
        json!({"resource": patient(id, "New"),
            "request": {"method": "PUT", "url": format!("Patient/{id}")}})
    };
    let with = |id: &str, count: usize| {
        let mut entries = vec![get.clone(); count];
        entries.push(put(id));
        bundle("transaction", &entries)
    };
    app.post("", &with("seven", 7)).await.ok();
    app.post("", &with("eight", 8)).await.refused(413, "entry[7]");
    app.get("/Patient/seven").await.ok();
    app.get("/Patient/eight").await.status(404);
}

#[tokio::test]
async fn references_under_any_name_of_the_service_are_rewritten() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let (host, path) = (fk.says("/service/url"), fk.says("/service/pathUrl"));
    let about = |id: usize, reference: String| {
        let full_url = format!("{host}/Basic/{id}");
        let basic = json!({"resourceType": "Basic", "code": {"text": "x"},
            "subject": {"reference": reference}});
        post(&full_url, &basic)
    };
    let entries = [
        post(&format!("{host}/Patient/old"), &json!({"resourceType": "Patient"})),
        about(1, format!("{path}/Patient/old")),
        about(2, format!("{host}/Patient/old")),
        about(3, "Patient/old".to_owned()),
        about(4, format!("{path}/Patient/old/_history/3")),
    ];
    let made = app.post("", &bundle("transaction", &entries)).await.ok().json();
    let id = made["entry"][0]["resource"]["id"].as_str().expect("an id").to_owned();
    let subject = |place: usize| made["entry"][place]["resource"]["subject"]["reference"].clone();
    for place in 1..4 {
        assert_eq!(subject(place), format!("Patient/{id}"));
    }
    assert_eq!(subject(4), format!("Patient/{id}/_history/1"));
    app.get(&format!("/Patient/{id}/_history/1")).await.ok();
}

#[tokio::test]
async fn a_batch_calls_operations_and_writes_a_resource_in_the_order_of_its_entries() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let request = |method: &str, url: &str| json!({"method": method, "url": url});
    let entries = [
        json!({"resource": {"resourceType": "Patient", "gender": "nobody"},
               "request": request("POST", "Patient/$validate")}),
        json!({"resource": patient("o", "First"), "request": request("PUT", "Patient/o")}),
        json!({"resource": patient("o", "Second"), "request": request("PUT", "Patient/o")}),
        json!({"request": request("POST", "Patient/_search?family=second")}),
        json!({"resource": {"resourceType": "Parameters"},
               "request": request("POST", "Patient/o/$meta-add")}),
    ];
    let answer = app.post("", &bundle("batch", &entries)).await.ok().json();
    let status = |n: usize| {
        let status = answer["entry"][n]["response"]["status"].as_str().expect("a status");
        status[..3].to_owned()
    };
    let all: Vec<String> = (0..entries.len()).map(status).collect();
    assert_eq!(all, ["200", "201", "200", "200", "400"]);
    let issues = answer["entry"][0]["resource"]["issue"].as_array().expect("issues");
    assert!(issues.iter().any(|issue| issue["severity"] == "error"), "{issues:?}");
    assert_eq!(answer["entry"][3]["resource"]["total"], 1);
}
