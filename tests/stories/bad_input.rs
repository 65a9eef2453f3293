//! Malformed requests: a hundred and fifty-seven of them, each refused or accepted as it should be,
//! with an outcome that says what is wrong.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use stories::{Actor, Firekeep, Reply, TarFiles, shared};

/// Where we do otherwise than the list expects, or where it leaves a choice: the file, the status,
/// and why.
const ARGUED: [(&str, u16, &str); 11] = [
    ("fhir-contained-no-ref.json", 201, "dom-3 is an invariant: validation = \"base\" checks it"),
    ("fhir-contained-nested.json", 201, "dom-2 is an invariant: validation = \"base\" checks it"),
    ("fhir-ref-dangling-contained.json", 201, "ref-1 is an invariant, as dom-3 is"),
    ("fhir-contact-invariant.json", 201, "pat-1 is an invariant, as dom-3 is"),
    ("json-bom.json", 400, "RFC 8259 has senders add no byte order mark; the text says so"),
    ("json-deep-contained-answer.json", 400, "nesting has a limit"),
    ("bundle-transaction-dangling-urn.json", 400, "no entry has the fullUrl"),
    ("bundle-transaction-no-request.json", 400, "an entry of a transaction has a request"),
    ("bundle-traversal-url.json", 200, "the entry is refused, the batch is not"),
    ("xml-stylesheet-pi.xml", 201, "a processing instruction is passed over, nothing is fetched"),
    ("bundle-nested-batch.json", 200, "the entry is refused, the batch is not"),
];

/// The requests of the list: file, expectation, reason.
fn requests(index: &[u8]) -> Vec<(String, String, String)> {
    let index: Vec<Value> = serde_json::from_slice(index).expect("a list");
    assert_eq!(index.len(), 157);
    let text = |request: &Value, key: &str| request[key].as_str().expect("a text").to_owned();
    index.iter().map(|it| (text(it, "file"), text(it, "expect"), text(it, "why"))).collect()
}

/// The status that a request must have.
fn expected(file: &str, expect: &str) -> u16 {
    if let Some((_, status, _)) = ARGUED.iter().find(|(name, ..)| *name == file) {
        return *status;
    }
    match expect {
        "201" | "accept" => 201,
        refused if refused.starts_with("400") => 400,
        reject if reject.starts_with("reject") => 400,
        other => panic!("{file}: {other}"),
    }
}

/// Sends a request to where its resource belongs.
async fn send(app: &Actor, file: &str, body: &[u8]) -> Reply {
    if file.ends_with(".xml") {
        let request = app.request(Method::POST, "/Patient");
        let request = request.header("Content-Type", "application/fhir+xml");
        return Reply::of(request.body(body.to_vec())).await;
    }
    let document: Option<Value> = serde_json::from_slice(body).ok();
    let name = document.as_ref().and_then(|document| document["resourceType"].as_str());
    let path = match name {
        Some("Bundle") => String::new(),
        Some(name) if name.starts_with("Q") || name == "Parameters" => format!("/{name}"),
        _ if file.starts_with("datetime") || file.starts_with("decimal") => {
            "/Observation".to_owned()
        }
        _ => "/Patient".to_owned(),
    };
    app.send(Method::POST, &path, body.to_vec()).await
}

/// Every issue of a refusal says something, and where when it is about an element.
fn check_outcome(file: &str, outcome: &Value) {
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{file}");
    let issues = outcome["issue"].as_array().expect("issues");
    assert!(!issues.is_empty(), "{file}");
    for issue in issues {
        assert!(issue["diagnostics"].as_str().is_some_and(|text| text.len() > 20), "{file}");
        if file.starts_with("fhir-") {
            assert!(issue["expression"][0].is_string(), "{file}: {issue}");
            let url = issue["extension"][0]["url"].as_str().unwrap_or_default();
            assert!(url.ends_with("/operationoutcome-issue-line"), "{file}: {issue}");
        }
    }
}

#[tokio::test]
async fn malformed_requests_get_the_reaction_that_is_expected() {
    let index = shared("data/bad-input/handmade-index.json");
    let archive = shared("data/bad-input/handmade.tar.zst");
    let (Some(index), Some(archive)) = (index, archive) else { return };
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let mut files = BTreeMap::new();
    TarFiles::open(&archive).each(|name, content| {
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        files.insert(name, content);
    });
    let requests = requests(&std::fs::read(index).expect("the list"));
    let mut wrong = Vec::new();
    for (file, expect, why) in requests {
        let reply = send(&app, &file, &files[&file]).await;
        if reply.status != expected(&file, &expect) {
            wrong.push(format!("{file} ({why}): {} {}", reply.status, reply.text()));
            continue;
        }
        match reply.status {
            400 => check_outcome(&file, &reply.json()),
            200 => {
                let response = &reply.json()["entry"][0]["response"];
                let status = response["status"].as_str().unwrap_or_default().to_owned();
                assert!(status.starts_with("40"), "{file}: {status}");
                check_outcome(&file, &response["outcome"]);
            }
            _ => {}
        }
        // Numbers come back as they were written.
        let number = why.strip_prefix("valueQuantity.value ").and_then(|why| why.split(':').next());
        if let Some(number) = number.filter(|_| reply.status == 201) {
            assert!(reply.text().contains(&format!("\"value\":{number}")), "{}", reply.text());
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn all_faults_of_a_write_are_told_at_once() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let body = "{\"resourceType\":\"Patient\",\n \"gender\":\"mail\",\n \"nmae\":[]}";
    let outcome = app.send(Method::POST, "/Patient", body).await.status(400).json();
    let issues = outcome["issue"].as_array().expect("issues");
    assert_eq!(issues.len(), 2, "{outcome}");
    assert_eq!(issues[0]["code"], "code-invalid");
    assert_eq!(issues[0]["expression"][0], "Patient.gender");
    assert_eq!(issues[0]["extension"][0]["valueInteger"], 2);
    assert_eq!(issues[0]["extension"][1]["valueInteger"], 11);
    assert_eq!(issues[1]["expression"][0], "Patient.nmae");
    assert_eq!(issues[1]["details"]["text"], "Patient has no element 'nmae'. Did you mean 'name'?");
    assert_eq!(
        issues[1]["diagnostics"],
        "At line 3, column 9: Patient has no element 'nmae'. Did you mean 'name'?"
    );
}

#[tokio::test]
async fn an_entry_of_a_batch_is_refused_alone_and_a_transaction_whole() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let bundle = |kind: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[
            {{"resource":{{"resourceType":"Patient","nmae":[]}},
              "request":{{"method":"POST","url":"Patient"}}}},
            {{"resource":{{"resourceType":"Patient"}},
              "request":{{"method":"POST","url":"Patient","metod":1}}}},
            {{"resource":{{"resourceType":"Patient"}},
              "request":{{"method":"POST","url":"Patient"}}}}]}}"#
        )
    };
    let answer = app.send(Method::POST, "", bundle("batch")).await.ok().json();
    let response = |place: usize| answer["entry"][place]["response"].clone();
    let expression = |place: usize| {
        response(place)["outcome"]["issue"][0]["expression"][0].as_str().unwrap_or("").to_owned()
    };
    assert_eq!(response(0)["status"], "400 Bad Request");
    assert_eq!(expression(0), "Bundle.entry[0].resource.nmae");
    assert_eq!(expression(1), "Bundle.entry[1].request.metod");
    assert_eq!(response(2)["status"], "201 Created");
    let refused = app.send(Method::POST, "", bundle("transaction")).await.status(400).json();
    assert_eq!(refused["issue"][0]["expression"][0], "Bundle.entry[1].request.metod");
}

#[tokio::test]
async fn a_reference_that_a_transaction_rewrites_points_at_a_type_that_is_allowed() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let uuid = "urn:uuid:00000000-0000-4000-8000-000000000009";
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[
        {{"fullUrl":"{uuid}","resource":{{"resourceType":"Basic","code":{{"text":"x"}}}},
          "request":{{"method":"POST","url":"Basic"}}}},
        {{"resource":{{"resourceType":"Patient","managingOrganization":{{"reference":"{uuid}"}}}},
          "request":{{"method":"POST","url":"Patient"}}}}]}}"#
    );
    let refused = app.send(Method::POST, "", bundle).await.status(400).json();
    let path = "Bundle.entry[1].resource.managingOrganization.reference";
    assert_eq!(refused["issue"][0]["expression"][0], path, "{refused}");
}
