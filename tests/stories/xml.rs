//! FHIR XML in and out: Accept, Content-Type and _format on all interactions.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::json;
use stories::{Actor, Firekeep, Reply, TarFiles, patient, shared};

const XML: &str = "application/fhir+xml";
const ANN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <Patient xmlns=\"http://hl7.org/fhir\"><id value=\"ann\"/><active value=\"true\"/>\
    <name><given value=\"Ann &amp; B&#10;\"/></name></Patient>";

async fn get(actor: &Actor, path: &str) -> Reply {
    Reply::of(actor.request(Method::GET, path).header(ACCEPT, XML)).await
}

async fn send(actor: &Actor, method: Method, path: &str, body: impl Into<String>) -> Reply {
    let request = actor.request(method, path).header(ACCEPT, XML).header(CONTENT_TYPE, XML);
    Reply::of(request.body(body.into())).await
}

/// The answer is XML and says this.
#[track_caller]
fn says(reply: &Reply, words: &str) {
    assert_eq!(reply.header("content-type"), "application/fhir+xml; charset=utf-8");
    let text = reply.text();
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{text}");
    assert!(text.contains(words), "no '{words}' in: {text}");
}

#[tokio::test]
async fn a_patient_comes_and_goes_in_xml_and_in_json() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let made = send(&app, Method::PUT, "/Patient/ann", ANN).await.created();
    says(&made, "<given value=\"Ann &amp; B&#10;\"/>");
    says(&made, "<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"ann\"/><meta><versionId");
    assert_eq!(made.header("etag"), "W/\"1\"");
    let json = app.get("/Patient/ann").await.ok();
    assert_eq!(json.json()["name"][0]["given"][0], "Ann & B\n");
    let read = get(&app, "/Patient/ann").await.ok();
    assert_eq!(read.text(), made.text());
    assert_eq!(app.get("/Patient/ann?_format=xml").await.ok().text(), made.text());
    assert_eq!(app.get("/Patient/ann?_format=text/xml").await.ok().text(), made.text());
    assert_eq!(get(&app, "/Patient/ann?_format=json").await.ok().text(), json.text());
    let pretty = get(&app, "/Patient/ann?_pretty=true").await.ok();
    says(&pretty, "\n  <id value=\"ann\"/>\n  <meta>\n    <versionId value=\"1\"/>\n");
    let new = send(&app, Method::POST, "/Patient", ANN).await.created();
    assert!(new.header("location").contains("/Patient/"), "{new:?}");
    let head = app.request(Method::HEAD, "/Patient/ann").header(ACCEPT, XML);
    let head = Reply::of(head).await.ok();
    assert_eq!(head.header("content-type"), "application/fhir+xml; charset=utf-8");
    assert_eq!(head.header("content-length"), read.body.len().to_string());
    says(&get(&app, "/Patient/ann/_history/1").await.ok(), "<Patient");
}

#[tokio::test]
async fn bundles_outcomes_and_the_statement_are_xml_too() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/Patient/p", &patient("p", "One")).await.created();
    let found = get(&app, "/Patient?_id=p").await.ok();
    says(&found, "<resource><Patient><id value=\"p\"/>");
    says(&found, "<search><mode value=\"match\"/></search></entry></Bundle>");
    says(&get(&app, "/Patient/p/_history").await.ok(), "<type value=\"history\"/>");
    says(&get(&app, "/metadata").await.ok(), "<format value=\"application/fhir+xml\"/>");
    let missing = get(&app, "/Patient/none").await.status(404);
    says(&missing, "<OperationOutcome xmlns=\"http://hl7.org/fhir\"><id value=");
    says(&missing, "<severity value=\"error\"/><code value=\"not-found\"/>");
    says(&get(&fk.as_anonymous(), "/Patient/p").await.status(401), "<code value=\"login\"/>");
    let form = app.form("/Patient/_search", &[("_format", "xml"), ("_id", "p")]).await.ok();
    says(&form, "<id value=\"p\"/>");
    let packed =
        app.request(Method::GET, "/metadata?_format=xml").header("Accept-Encoding", "gzip");
    assert_eq!(Reply::of(packed).await.ok().header("content-encoding"), "gzip");
}

#[tokio::test]
async fn a_transaction_in_xml_is_answered_in_xml() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let bundle = "<Bundle xmlns=\"http://hl7.org/fhir\"><type value=\"transaction\"/>\
        <entry><fullUrl value=\"urn:uuid:0a7a2b1c-6d1f-4b59-9d5f-0d0e6f2f1a01\"/>\
        <resource><Patient><active value=\"true\"/></Patient></resource>\
        <request><method value=\"POST\"/><url value=\"Patient\"/></request></entry>\
        <entry><resource><Observation><status value=\"final\"/><code><text value=\"x\"/></code>\
        <subject><reference value=\"urn:uuid:0a7a2b1c-6d1f-4b59-9d5f-0d0e6f2f1a01\"/></subject>\
        <valueQuantity><value value=\"1.50\"/></valueQuantity></Observation></resource>\
        <request><method value=\"PUT\"/><url value=\"Observation/o\"/></request></entry></Bundle>";
    let refused = send(&app, Method::POST, "", bundle).await.status(400);
    says(&refused, "<code value=\"required\"/>");
    let bundle = bundle.replace("<Observation>", "<Observation><id value=\"o\"/>");
    let done = send(&app, Method::POST, "", bundle).await.ok();
    says(&done, "<type value=\"transaction-response\"/>");
    let observation = app.get("/Observation/o").await.ok();
    assert!(observation.text().contains("\"value\":1.50"), "{}", observation.text());
    let subject = observation.json()["subject"]["reference"].clone();
    assert!(subject.as_str().is_some_and(|text| text.starts_with("Patient/")), "{subject}");
}

#[tokio::test]
async fn a_fault_in_xml_is_shown_where_it_stands() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let refused = async |body: &str, words: &[&str]| {
        let reply = send(&app, Method::POST, "/Patient", body).await.status(400);
        words.iter().for_each(|words| says(&reply, words));
    };
    let activ = ANN.replace("<active", "\n<activ");
    let place = "issue-line\"><valueInteger value=\"3\"/>";
    refused(&activ, &[place, "Patient has no element 'activ'"]).await;
    // Found in the JSON, shown in the XML.
    let id = ANN.replace("<id value=\"ann\"/>", "\n <id value=\"a_b\"/>");
    refused(&id, &["At line 3, column 2:", place]).await;
    refused(
        &ANN.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!DOCTYPE Patient>"),
        &["DOCTYPE"],
    )
    .await;
    refused("", &["<OperationOutcome"]).await;
    refused("{}", &["text is not allowed"]).await;
    refused("<Patient xmlns=\"urn:hl7-org:v3\"/>", &["urn:hl7-org:v3"]).await;
}

#[tokio::test]
async fn malformed_bodies_of_all_kinds_are_refused_with_an_outcome() {
    let Some(archive) = shared("data/bad-input/handmade.tar.zst") else { return };
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let mut bodies = Vec::new();
    TarFiles::open(&archive).each(|name, body| bodies.push((name.to_owned(), body)));
    for (name, body) in bodies {
        let Some(name) = name.strip_suffix(".xml") else { continue };
        let request = app.request(Method::POST, "/Patient").header(CONTENT_TYPE, XML);
        let reply = Reply::of(request.header(ACCEPT, XML).body(body)).await;
        let expected: &[u16] = match name {
            "handmade/xml-stylesheet-pi" => &[201],
            // A rule of narratives, not of XML.
            "handmade/xml-script-narrative" => &[201, 400],
            _ => &[400],
        };
        assert!(expected.contains(&reply.status), "{name}: {}", reply.text());
    }
}

#[tokio::test]
async fn what_is_not_spoken_is_406_or_415() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.get("/Patient?_format=ttl").await.refused(406, "application/fhir+xml");
    let turtle = app.request(Method::GET, "/Patient").header(ACCEPT, "text/turtle");
    Reply::of(turtle).await.refused(406, "text/turtle");
    let csv = app.request(Method::POST, "/Patient").header(CONTENT_TYPE, "text/csv");
    Reply::of(csv.body("a")).await.refused(415, "application/fhir+xml");
    let latin = "application/fhir+xml; charset=iso-8859-1";
    let latin = app.request(Method::POST, "/Patient").header(CONTENT_TYPE, latin);
    Reply::of(latin.body(ANN)).await.status(415);
}

#[tokio::test]
async fn the_versions_are_a_resource_for_who_asks_for_fhir() {
    let fk = Firekeep::start().await;
    let app = fk.as_anonymous();
    let plain = app.get("/$versions").await.ok();
    assert_eq!(plain.json(), json!({"versions": ["4.0"], "defaultVersion": "4.0"}));
    let json = app.request(Method::GET, "/$versions").header(ACCEPT, "application/fhir+json");
    let json = Reply::of(json).await.ok();
    assert_eq!(json.header("content-type"), "application/fhir+json; charset=utf-8");
    assert_eq!(json.json()["parameter"][0]["valueString"], "4.0");
    says(&get(&app, "/$versions").await.ok(), "<name value=\"default\"/><valueString");
}

#[tokio::test]
async fn a_long_page_is_translated_while_it_is_sent() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let filler = "x".repeat(40_000);
    for id in 0..40 {
        let mut patient = patient(&format!("p{id}"), "Long");
        patient["name"][0]["text"] = json!(filler);
        app.put(&format!("/Patient/p{id}"), &patient).await.created();
    }
    let page = get(&app, "/Patient?_count=40").await.ok();
    assert_eq!(page.text().matches("<entry>").count(), 40);
    assert!(page.text().ends_with("</entry></Bundle>"));
    assert_eq!(page.text().matches("<?xml").count(), 1);
}
