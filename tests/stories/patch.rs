//! PATCH /{type}/{id}, alone and in Bundles.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply, patient};

const JSON_PATCH: &str = "application/json-patch+json";
const XML_PATCH: &str = "application/xml-patch+xml";
const XML: &str = "application/fhir+xml";

async fn json_patch(actor: &Actor, path: &str, patch: &Value) -> Reply {
    let request = actor.request(Method::PATCH, path).header("Content-Type", JSON_PATCH);
    Reply::of(request.body(patch.to_string())).await
}

/// A FHIRPath Patch of one operation.
fn parameters(kind: &str, path: &str, more: &[Value]) -> Value {
    let mut parts = vec![
        json!({"name": "type", "valueCode": kind}),
        json!({"name": "path", "valueString": path}),
    ];
    parts.extend_from_slice(more);
    json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]})
}

async fn fhirpath_patch(actor: &Actor, path: &str, patch: &Value) -> Reply {
    actor.send(Method::PATCH, path, patch.to_string()).await
}

#[tokio::test]
async fn a_json_patch_changes_what_it_names_and_nothing_else() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let sent = r#"{"resourceType":"Patient","id":"p","extension":[{"url":"http://example.org/x",
        "valueDecimal":1.50}],"name":[{"family":"\u00c5berg"}]}"#;
    app.send(Method::PUT, "/Patient/p", sent).await.created();
    let patch = json!([
        {"op": "test", "path": "/name/0/family", "value": "Åberg"},
        {"op": "add", "path": "/active", "value": true},
        {"op": "add", "path": "/name/0/given", "value": ["Zoë"]},
    ]);
    let made = json_patch(&app, "/Patient/p", &patch).await.ok();
    assert_eq!(made.header("etag"), "W/\"2\"");
    assert_eq!(made.header("location"), format!("{}/Patient/p/_history/2", app.base()));
    assert_eq!(made.json()["name"], json!([{"family": "Åberg", "given": ["Zoë"]}]));
    let read = app.get("/Patient/p").await.ok();
    assert!(read.text().contains("1.50"), "{}", read.text());
    assert!(read.text().contains(r#""family":"\u00c5berg""#), "{}", read.text());
    assert_eq!(read.body, made.body);

    let same = json_patch(&app, "/Patient/p", &patch).await.ok();
    assert_eq!(same.header("etag"), "W/\"2\"", "what changes nothing makes no version");
    let minimal = app.request(Method::PATCH, "/Patient/p").header("Prefer", "return=minimal");
    let minimal = minimal.header("Content-Type", JSON_PATCH);
    let remove = r#"[{"op":"remove","path":"/active"}]"#;
    let minimal = Reply::of(minimal.body(remove)).await.ok();
    assert_eq!((minimal.header("etag").as_str(), minimal.body.len()), ("W/\"3\"", 0));
}

#[tokio::test]
async fn what_a_json_patch_empties_is_gone_and_what_it_gives_as_empty_is_refused() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "P")).await.created();
    let empty = json!([{"op": "add", "path": "/contact", "value": []}]);
    json_patch(&app, "/Patient/p", &empty).await.refused(400, "contact");
    let remove = json!([
        {"op": "remove", "path": "/name/0/given/0"}, {"op": "remove", "path": "/name/0/family"}
    ]);
    let patched = json_patch(&app, "/Patient/p", &remove).await.ok().json();
    assert_eq!(patched.get("name"), None, "{patched}");
}

#[tokio::test]
async fn a_fhirpath_patch_adds_inserts_replaces_moves_and_deletes() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let name = |family: &str| json!({"name": "value", "valueHumanName": {"family": family}});
    let add = parameters(
        "add",
        "Patient",
        &[json!({"name": "name", "valueString": "name"}), name("Two")],
    );
    fhirpath_patch(&app, "/Patient/p", &add).await.ok();
    let number = |name: &str, value: i32| json!({"name": name, "valueInteger": value});
    let insert = parameters("insert", "Patient.name", &[number("index", 0), name("Zero")]);
    fhirpath_patch(&app, "/Patient/p", &insert).await.ok();
    let shift = [number("source", 2), number("destination", 0)];
    fhirpath_patch(&app, "/Patient/p", &parameters("move", "Patient.name", &shift)).await.ok();
    let value = json!({"name": "value", "valueString": "Uno"});
    let replace = parameters("replace", "Patient.name.where(family = 'One').family", &[value]);
    fhirpath_patch(&app, "/Patient/p", &replace).await.ok();
    let delete = parameters("delete", "Patient.name[1]", &[]);
    let made = fhirpath_patch(&app, "/Patient/p", &delete).await.ok();
    let families: Vec<Value> = made.json()["name"]
        .as_array()
        .map(|names| names.iter().map(|name| name["family"].clone()).collect())
        .unwrap_or_default();
    assert_eq!(families, ["Two", "Uno"]);
    assert_eq!(made.header("etag"), "W/\"6\"");
    let gone = parameters("delete", "Patient.birthDate.extension", &[]);
    let gone = fhirpath_patch(&app, "/Patient/p", &gone).await.ok();
    assert_eq!(gone.header("etag"), "W/\"6\"", "to delete what is not there changes nothing");
}

#[tokio::test]
async fn a_patch_that_cannot_be_made_says_why() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    app.put("/Patient/d", &patient("d", "One")).await.created();
    app.delete("/Patient/d").await.no_content();
    let path = "/Patient/p";
    let rows = [
        (json!([{"op": "remove", "path": "/contact"}]), 400, "there is nothing at /contact"),
        (json!([{"op": "test", "path": "/id", "value": "x"}]), 400, "Operation 1"),
        (json!([{"op": "drop", "path": "/id"}]), 400, "'drop' is not an operation"),
        (json!({"op": "remove"}), 400, "array of operations"),
        (json!([{"op": "replace", "path": "/id", "value": "x"}]), 400, "cannot change id"),
        (
            json!([{"op": "replace", "path": "/resourceType", "value": "Group"}]),
            400,
            "cannot change resourceType",
        ),
        (
            json!([{"op": "replace", "path": "/meta/versionId", "value": "9"}]),
            400,
            "cannot change meta.versionId",
        ),
        (json!([{"op": "remove", "path": "/id"}]), 400, "id"),
        (json!([{"op": "add", "path": "/meta/profile", "value": "p"}]), 400, "array"),
    ];
    for (patch, status, words) in &rows {
        json_patch(&app, path, patch).await.refused(*status, words);
    }
    let wrong = parameters("delete", "Patient.nam", &[]);
    fhirpath_patch(&app, path, &wrong).await.refused(400, "column");
    let many = parameters("replace", "Patient.contact", &[json!({"name": "value", "part": []})]);
    fhirpath_patch(&app, path, &many).await.refused(400, "finds nothing");
    fhirpath_patch(&app, path, &patient("p", "Two")).await.refused(400, "Parameters");
    app.send(Method::PATCH, path, "").await.refused(400, "JSON");
    json_patch(&app, "/Patient/never", &json!([])).await.refused(404, "There is no");
    json_patch(&app, "/Patient/d", &json!([])).await.refused(410, "deleted");
    json_patch(&app, "/Patient?name=x", &json!([])).await.refused(404, "Nothing matches");
    let text = app.request(Method::PATCH, path).header("Content-Type", "text/plain").body("x");
    Reply::of(text).await.refused(415, JSON_PATCH);
    let reader = fk.as_reader().await;
    json_patch(&reader, path, &json!([])).await.refused(403, "write");
    assert_eq!(app.get(path).await.ok().header("etag"), "W/\"1\"");
}

#[tokio::test]
async fn a_patch_is_made_on_the_version_that_if_match_names() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let with = |tag: &'static str, active: bool| {
        let patch = json!([{"op": "add", "path": "/active", "value": active}]);
        let request = app.request(Method::PATCH, "/Patient/p").header("Content-Type", JSON_PATCH);
        Reply::of(request.header("If-Match", tag).body(patch.to_string()))
    };
    with("W/\"1\"", true).await.ok();
    with("W/\"1\"", false).await.refused(412, "current version is 2");
    with("\"2\"", false).await.refused(400, "weak ETag");
    assert_eq!(with("W/\"2\"", false).await.ok().header("etag"), "W/\"3\"");
}

#[tokio::test]
async fn patches_at_one_time_all_count() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let patches = (0..20).map(|number| {
        let app = app.clone();
        tokio::spawn(async move {
            let value = json!({"system": "http://example.org", "value": number.to_string()});
            let value = json!({"name": "value", "valueIdentifier": value});
            let name = json!({"name": "name", "valueString": "identifier"});
            let patch = parameters("add", "Patient", &[name, value]);
            fhirpath_patch(&app, "/Patient/p", &patch).await.ok();
        })
    });
    for patch in patches.collect::<Vec<_>>() {
        patch.await.expect("it is made");
    }
    let read = app.get("/Patient/p").await.ok();
    assert_eq!(read.json()["identifier"].as_array().map(Vec::len), Some(20));
    assert_eq!(read.header("etag"), "W/\"21\"");
}

/// A patch in XML around these operations.
fn diff(operations: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<diff xmlns=\"http://hl7.org/fhir\">{operations}</diff>")
}

async fn xml_patch(actor: &Actor, path: &str, operations: &str) -> Reply {
    let request = actor.request(Method::PATCH, path).header("Content-Type", XML_PATCH);
    Reply::of(request.body(diff(operations))).await
}

#[tokio::test]
async fn an_xml_patch_adds_replaces_and_removes() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let sent = r#"{"resourceType":"Patient","id":"p","name":[{"family":"One","given":["A","B"]}],
        "extension":[{"url":"http://example.org/x","valueDecimal":1.50}],"active":true}"#;
    app.send(Method::PUT, "/Patient/p", sent).await.created();
    let patch = |operations: &'static str| xml_patch(&app, "/Patient/p", operations);

    let made = patch(
        "<replace sel=\"Patient/active/@value\">false</replace>\
         <add sel=\"f:Patient/f:active\" pos=\"after\"><name><family value=\"Nul\"/></name></add>\
         <add sel=\"Patient/name[2]\"><suffix value=\"Jr &amp; Sr\"/></add>\
         <remove sel=\"Patient/name[2]/given[1]\"/>",
    );
    let made = made.await.ok();
    assert_eq!(made.header("etag"), "W/\"2\"");
    let two = json!({"family": "One", "given": ["B"], "suffix": ["Jr & Sr"]});
    assert_eq!(made.json()["name"], json!([{"family": "Nul"}, two]));
    assert_eq!(made.json()["active"], false);
    assert!(made.text().contains("1.50"), "{}", made.text());
    assert_eq!(app.get("/Patient/p").await.ok().body, made.body);

    let chosen = "<remove sel=\"Patient/name[family/@value='Nul']\"/>";
    let made = patch(chosen).await.ok();
    assert_eq!(made.json()["name"].as_array().map(Vec::len), Some(1));
    let same = "<replace sel=\"Patient/active\"> <active  value='false'/> </replace>";
    assert_eq!(patch(same).await.ok().header("etag"), "W/\"3\"", "nothing is changed");
    let request = app.request(Method::PATCH, "/Patient/p").header("Content-Type", XML_PATCH);
    let request = request.header("Accept", XML).header("If-Match", "W/\"3\"");
    let request = request.body(diff("<remove sel=\"Patient/extension\"/>"));
    let made = Reply::of(request).await.ok();
    assert_eq!(made.header("content-type"), "application/fhir+xml; charset=utf-8");
    assert!(!made.text().contains("extension"), "{}", made.text());
}

#[tokio::test]
async fn an_xml_patch_may_write_elements_with_a_prefix() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let send = |declared: &str, operation: &str| {
        let body = format!("<diff {declared}>{operation}</diff>");
        let request = app.request(Method::PATCH, "/Patient/p").header("Content-Type", XML_PATCH);
        Reply::of(request.body(body))
    };
    let fhir = "xmlns:f=\"http://hl7.org/fhir\"";
    let gender = "<add sel=\"f:Patient/f:name\" pos=\"after\"><f:gender value=\"male\"/></add>";
    assert_eq!(send(fhir, gender).await.ok().json()["gender"], "male");
    let own = format!(
        "<replace {fhir} sel=\"f:Patient/f:name\"><f:name><f:text value=\"x\"/></f:name></replace>"
    );
    assert_eq!(send("", &own).await.ok().json()["name"], json!([{"text": "x"}]));
    let other = "<replace sel=\"f:Patient/f:gender\"><f:gender value=\"male\"/></replace>";
    send("xmlns:f=\"http://example.org\"", other).await.refused(400, "http://example.org");
}

#[tokio::test]
async fn an_xml_patch_that_cannot_be_made_says_why() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let rows = [
        ("", 400, "no operation"),
        ("<remove/>", 400, "sel is missing"),
        ("<drop sel=\"Patient/id\"/>", 400, "no operation: add, replace, remove"),
        ("<remove sel=\"Patient/id[\"/>", 400, "Operation 1"),
        ("<remove sel=\"Patient/contact\"/>", 400, "finds nothing"),
        ("<remove sel=\"Patient/*\"/>", 400, "places, and one can be meant"),
        ("<remove sel=\"Patient/name", 400, "the patch"),
        ("<add sel=\"Patient\"><nmae/></add>", 400, "nmae"),
        ("<add sel=\"Patient\"><active value=\"ja\"/></add>", 400, "not a resource in XML"),
        ("<add sel=\"Patient\"><gender value=\"ja\"/></add>", 400, "'ja' is not a code"),
        ("<replace sel=\"Patient/id/@value\">q</replace>", 400, "cannot change id"),
        ("<remove sel=\"Patient\"/>", 400, "cannot be removed"),
    ];
    for (operations, status, words) in rows {
        xml_patch(&app, "/Patient/p", operations).await.refused(status, words);
    }
    let request = app.request(Method::PATCH, "/Patient/p").header("Content-Type", XML_PATCH);
    Reply::of(request.body(b"<diff>\xff</diff>".as_slice())).await.refused(400, "UTF-8");
    let evil = "<!DOCTYPE diff [<!ENTITY a \"b\">]><diff><remove sel=\"Patient/name\"/></diff>";
    let request = app.request(Method::PATCH, "/Patient/p").header("Content-Type", XML_PATCH);
    Reply::of(request.body(evil)).await.refused(400, "the patch");
    assert_eq!(app.get("/Patient/p").await.ok().header("etag"), "W/\"1\"");
}

#[tokio::test]
async fn a_fhirpath_patch_may_come_in_xml() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let patch = |value: &str| {
        format!(
            "<Parameters xmlns=\"http://hl7.org/fhir\"><parameter><name value=\"operation\"/>\
             <part><name value=\"type\"/><valueCode value=\"replace\"/></part>\
             <part><name value=\"path\"/><valueString value=\"Patient.name.family\"/></part>\
             <part><name value=\"value\"/>{value}</part></parameter></Parameters>"
        )
    };
    let send = |body: String| {
        let request = app.request(Method::PATCH, "/Patient/p").header("Content-Type", XML);
        Reply::of(request.body(body))
    };
    let made = send(patch("<valueString value=\"Two\"/>")).await.ok();
    assert_eq!(made.json()["name"][0]["family"], "Two");
    send(patch("<valueStrin value=\"Two\"/>")).await.refused(400, "valueStrin");
    send("<Patient xmlns=\"http://hl7.org/fhir\"/>".to_owned()).await.refused(400, "Parameters");
}

/// An entry of a Bundle; JSON Patch and XML Patch travel as a Binary, the former as it does on
/// Azure.
fn entry(url: &str, resource: &Value) -> Value {
    json!({"resource": resource, "request": {"method": "PATCH", "url": url}})
}

fn binary(patch: &Value) -> Value {
    packed(JSON_PATCH, &patch.to_string())
}

fn packed(kind: &str, patch: &str) -> Value {
    json!({"resourceType": "Binary", "contentType": kind, "data": STANDARD.encode(patch)})
}

#[tokio::test]
async fn bundles_carry_patches() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/a", &patient("a", "A")).await.created();
    app.put("/Patient/b", &patient("b", "B")).await.created();
    let activate = binary(&json!([{"op": "add", "path": "/active", "value": true}]));
    let reference = json!({"name": "value", "valueReference": {"reference": "urn:uuid:1b2e"}});
    let name = json!({"name": "name", "valueString": "generalPractitioner"});
    let refer = parameters("add", "Patient", &[name, reference]);
    let made = json!({
        "fullUrl": "urn:uuid:1b2e", "resource": {"resourceType": "Practitioner"},
        "request": {"method": "POST", "url": "Practitioner"},
    });
    let bundle = |kind: &str, entries: &[Value]| {
        let (kind, entries) = (kind.to_owned(), entries.to_vec());
        json!({"resourceType": "Bundle", "type": kind, "entry": entries})
    };
    let entries = [entry("Patient/a", &activate), entry("Patient/b", &refer), made];
    let answer = app.post("/", &bundle("transaction", &entries)).await.ok().json();
    assert_eq!(answer["entry"][0]["response"]["status"], "200 OK", "{answer}");
    assert_eq!(answer["entry"][0]["resource"]["active"], true);
    assert_eq!(answer["entry"][0]["response"]["etag"], "W/\"2\"");
    let referred = answer["entry"][1]["resource"]["generalPractitioner"][0]["reference"].clone();
    assert!(referred.as_str().is_some_and(|it| it.starts_with("Practitioner/")), "{referred}");

    // What was there before may name what is in no entry.
    let mut old = patient("old", "Old");
    old["generalPractitioner"] = json!([{"reference": "urn:uuid:7c1a"}]);
    app.put("/Patient/old", &old).await.created();
    let entries = [entry("Patient/old", &activate)];
    let answer = app.post("/", &bundle("transaction", &entries)).await.ok().json();
    let kept = &answer["entry"][0]["resource"]["generalPractitioner"];
    assert_eq!(*kept, old["generalPractitioner"]);

    let missing = binary(&json!([{"op": "remove", "path": "/contact"}]));
    let entries = [entry("Patient/a", &missing), entry("Patient/b", &activate)];
    let refused = app.post("/", &bundle("transaction", &entries)).await;
    refused.refused(400, "Bundle.entry[0]");
    let entries = [
        entry("Patient/a", &missing),
        entry("Patient/b", &activate),
        entry("Patient/c", &activate),
        entry("Patient/a", &patient("a", "A")),
        entry("Patient/b", &parameters("delete", "Patient.active", &[])),
        entry("Patient/b", &packed(XML_PATCH, &diff("<remove sel=\"Patient/name\"/>"))),
        entry("Patient/b", &packed("text/plain", "x")),
    ];
    let answer = app.post("/", &bundle("batch", &entries)).await.ok().json();
    let status = |place: usize| answer["entry"][place]["response"]["status"].clone();
    assert_eq!(status(0), "400 Bad Request");
    assert_eq!((status(1), status(4)), (json!("200 OK"), json!("200 OK")), "{answer}");
    assert_eq!(status(2), "404 Not Found");
    assert_eq!(status(3), "400 Bad Request");
    assert_eq!(status(5), "200 OK", "{answer}");
    assert_eq!(answer["entry"][5]["resource"]["name"], Value::Null);
    assert_eq!(status(6), "400 Bad Request", "the contentType is none of a patch");
}
