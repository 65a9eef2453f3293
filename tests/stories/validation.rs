//! The setting `validation` of a service, and `x-ms-profile-validation` on one request: what
//! creates, updates, patches and Bundles are held against.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply, Setup, patient};

const VITAL: &str = "http://hl7.org/fhir/StructureDefinition/bodyweight";

async fn held_to(level: &str) -> Firekeep {
    let config = format!("[service.\"main/demo\"]\nvalidation = \"{level}\"\n");
    Firekeep::start_with(Setup { config: Some(config), ..Setup::default() }).await
}

/// Breaks `pat-1`: a contact has a name, an address, a telecom or an organization.
fn lonely(id: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "contact": [{"gender": "male"}]})
}

/// Says that it is a body weight, and is not.
fn weight(id: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "meta": {"profile": [VITAL]},
        "status": "final", "code": {"text": "weight"}})
}

fn entry(method: &str, url: &str, resource: &Value) -> Value {
    json!({"resource": resource, "request": {"method": method, "url": url}})
}

fn bundle(kind: &str, entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": kind, "entry": entries})
}

/// PUT with the header of Azure.
async fn put_held(app: &Actor, path: &str, resource: &Value, header: &str) -> Reply {
    let request = app.request(Method::PUT, path).header("x-ms-profile-validation", header);
    Reply::of(request.json(resource)).await
}

#[tokio::test]
async fn writes_are_held_against_structure_unless_a_service_says_more() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &lonely("p")).await.created();
    app.put("/Observation/o", &weight("o")).await.created();
}

#[tokio::test]
async fn base_adds_invariants_and_required_bindings() {
    let fk = held_to("base").await;
    let app = fk.as_contributor().await;
    app.put("/Patient/fine", &patient("fine", "One")).await.created();
    let refused = app.put("/Patient/p", &lonely("p")).await.refused(422, "pat-1");
    let issue = refused.json()["issue"][0].clone();
    assert_eq!(issue["expression"], json!(["Patient.contact[0]"]), "{issue}");
    assert!(issue["diagnostics"].as_str().is_some_and(|it| it.contains("line 1, column")));
    app.post("/Patient", &lonely("p")).await.refused(422, "pat-1");
    let coded = json!({"resourceType": "Patient", "id": "p", "name": [{"family": "A"}],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "de"}]}}],
        "link": [{"other": {"reference": "Patient/x"}, "type": "seealso"}]});
    app.put("/Patient/p", &coded).await.created();
    let verified = json!({"resourceType": "Condition", "id": "c", "subject": {"text": "x"},
        "verificationStatus": {"coding": [{"system": "http://x", "code": "maybe"}]}});
    let wrong = json!({"resourceType": "Condition", "id": "c",
        "subject": {"reference": "Patient/p"},
        "verificationStatus": verified["verificationStatus"]});
    app.put("/Condition/c", &wrong).await.refused(422, "Condition.verificationStatus");
    // A fault of the content comes first, and is none of a rule.
    app.put("/Condition/c", &verified).await.refused(400, "text");
    // A profile is not looked at.
    app.put("/Observation/o", &weight("o")).await.created();
}

#[tokio::test]
async fn base_holds_for_patches_and_for_bundles() {
    let fk = held_to("base").await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let patch = r#"[{"op":"add","path":"/contact","value":[{"gender":"male"}]}]"#;
    let request = app.request(Method::PATCH, "/Patient/p");
    let request = request.header("Content-Type", "application/json-patch+json").body(patch);
    Reply::of(request).await.refused(422, "pat-1");
    let entries = [
        entry("PUT", "Patient/q", &patient("q", "Two")),
        entry("PUT", "Patient/r", &lonely("r")),
        entry("POST", "Patient", &lonely("s")),
    ];
    let refused = app.post("/", &bundle("transaction", &entries)).await.refused(422, "pat-1");
    let place = json!(["Bundle.entry[1].resource.contact[0]"]);
    assert_eq!(refused.json()["issue"][0]["expression"], place, "{}", refused.text());
    app.get("/Patient/q").await.status(404);
    let answer = app.post("/", &bundle("batch", &entries)).await.ok().json();
    let status = |place: usize| answer["entry"][place]["response"]["status"].clone();
    assert_eq!(status(0), "201 Created");
    assert_eq!((status(1), status(2)), (json!("422 Unprocessable Entity"), status(1)));
    assert_eq!(app.get("/Patient/p").await.ok().header("etag"), "W/\"1\"");
}

#[tokio::test]
async fn profiles_adds_what_meta_profile_names() {
    let fk = held_to("profiles").await;
    let app = fk.as_contributor().await;
    let refused = app.put("/Observation/o", &weight("o")).await.refused(422, "subject is missing");
    assert!(refused.text().contains(VITAL), "{}", refused.text());
    app.put("/Patient/p", &lonely("p")).await.refused(422, "pat-1");
    // A profile that nobody knows refuses nothing: $validate says that it was not checked.
    let mut unknown = patient("u", "One");
    unknown["meta"] = json!({"profile": ["http://example.org/unknown"]});
    app.put("/Patient/u", &unknown).await.created();
    // One that is stored is looked at from the next request on.
    let named = json!({
        "resourceType": "StructureDefinition", "id": "named", "status": "active", "name": "Named",
        "url": "http://example.org/unknown", "kind": "resource", "abstract": false,
        "type": "Patient", "derivation": "constraint", "fhirVersion": "4.0.1",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [
            {"id": "Patient", "path": "Patient"},
            {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1},
        ]},
    });
    app.put("/StructureDefinition/named", &named).await.created();
    unknown["active"] = json!(true);
    app.put("/Patient/u", &unknown).await.refused(422, "birthDate is missing");
    unknown["birthDate"] = json!("2000-01-01");
    app.put("/Patient/u", &unknown).await.ok();
}

#[tokio::test]
async fn a_header_raises_one_request_to_profiles() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let refused = put_held(&app, "/Observation/o", &weight("o"), "true").await;
    refused.refused(422, "subject is missing");
    put_held(&app, "/Observation/o", &weight("o"), "false").await.created();
    let wrong = json!({"resourceType": "Observation", "id": "o"});
    put_held(&app, "/Observation/o", &wrong, "true").await.refused(400, "status");
    let entries = [entry("PUT", "Observation/o", &weight("o"))];
    let request = app.request(Method::POST, "/").header("x-ms-profile-validation", "true");
    let request = request.json(&bundle("transaction", &entries));
    Reply::of(request).await.refused(422, "Bundle.entry[0].resource");
    let xml = "<Patient xmlns=\"http://hl7.org/fhir\">\n <contact>\n  \
               <gender value=\"male\"/></contact></Patient>";
    let request = app.request(Method::POST, "/Patient").header("x-ms-profile-validation", "true");
    let request = request.header("Content-Type", "application/fhir+xml").body(xml);
    Reply::of(request).await.refused(422, "line 2, column 2");
}
