//! /{type}/{id}/$graph.

use serde_json::{Value, json};
use stories::{Actor, Firekeep, patient};

fn reached(bundle: &Value) -> String {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let name = |entry: &Value| {
        let resource = &entry["resource"];
        let text = |key: &str| resource[key].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", text("resourceType"), text("id"))
    };
    entries.iter().map(name).collect::<Vec<_>>().join(" ")
}

fn definition(id: &str, start: &str, link: &Value) -> Value {
    json!({"resourceType": "GraphDefinition", "id": id, "url": format!("urn:graph:{id}"),
        "version": "1", "name": "G", "status": "active", "start": start, "link": link})
}

async fn stored(app: &Actor) {
    let mut one = patient("p", "One");
    one["generalPractitioner"] = json!([{"reference": "Practitioner/d"},
        {"reference": "Organization/o"}, {"reference": "http://elsewhere.example/Practitioner/1"}]);
    one["link"] = json!([{"other": {"reference": "Patient/q"}, "type": "seealso"}]);
    let mut two = patient("q", "Two");
    two["link"] = json!([{"other": {"reference": "Patient/p"}, "type": "seealso"}]);
    let encounter = |id: &str| {
        json!({"resourceType": "Encounter", "id": id, "status": "finished",
            "class": {"code": "AMB"}, "subject": {"reference": "Patient/p"}})
    };
    let observation = json!({"resourceType": "Observation", "id": "ob", "status": "final",
        "code": {"text": "c"}, "encounter": {"reference": "Encounter/e2"}});
    for resource in [
        json!({"resourceType": "Practitioner", "id": "d"}),
        json!({"resourceType": "Organization", "id": "o", "name": "O"}),
        one,
        two,
        encounter("e1"),
        encounter("e2"),
        observation,
    ] {
        let (name, id) = (resource["resourceType"].as_str(), resource["id"].as_str());
        let path = format!("/{}/{}", name.expect("a type"), id.expect("an id"));
        app.put(&path, &resource).await.created();
    }
}

#[tokio::test]
async fn a_graph_is_what_a_definition_leads_to() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    stored(&app).await;
    let observations = json!([{"target": [
        {"type": "Observation", "params": "encounter={ref}"}]}]);
    let links = json!([
        {"path": "Patient.generalPractitioner", "target": [{"type": "Practitioner"}]},
        {"target": [{"type": "Encounter", "params": "subject={ref}", "link": observations}]}]);
    app.put("/GraphDefinition/g", &definition("g", "Patient", &links)).await.created();
    let around = json!([{"path": "*", "target": [{"type": "Patient",
        "link": [{"path": "link.other", "target": [{"type": "Resource"}]}]}]}]);
    app.put("/GraphDefinition/around", &definition("around", "Patient", &around)).await.created();

    let all = reader.get("/Patient/p/$graph?graph=urn:graph:g").await.ok().json();
    assert_eq!(all["type"], "collection");
    assert_eq!(all["entry"][0]["fullUrl"], format!("{}/Patient/p", reader.base()));
    let expected = "Patient/p Practitioner/d Encounter/e1 Encounter/e2 Observation/ob";
    assert_eq!(reached(&all), expected);
    for graph in ["urn:graph:g%7C1", "GraphDefinition/g"] {
        let path = format!("/Patient/p/$graph?graph={graph}");
        assert_eq!(reached(&reader.get(&path).await.ok().json()), expected, "{graph}");
    }
    let last = json!([{"target": [
        {"type": "Encounter", "params": "subject={ref}&_sort=-_id&_count=1"}]}]);
    app.put("/GraphDefinition/last", &definition("last", "Patient", &last)).await.created();
    let request = json!({"method": "GET", "url": "Patient/p/$graph?graph=urn:graph:last"});
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [{"request": request}]});
    let answers = reader.post("/", &batch).await.ok().json();
    assert_eq!(reached(&answers["entry"][0]["resource"]), "Patient/p Encounter/e2");
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "graph", "valueUri": "urn:graph:around"}]});
    let circle = reader.post("/Patient/p/$graph", &body).await.ok().json();
    assert_eq!(reached(&circle), "Patient/p Patient/q");
}

#[tokio::test]
async fn a_graph_that_cannot_be_followed_is_refused() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    stored(&app).await;
    for (id, link) in [
        ("path", json!([{"path": "Patient.name.", "target": [{"type": "Patient"}]}])),
        ("params", json!([{"target": [{"type": "Encounter", "params": "nothing={ref}"}]}])),
        (
            "includes",
            json!([{"target": [
            {"type": "Encounter", "params": "subject={ref}&_include=*"}]}]),
        ),
        ("none", json!([{"target": [{"type": "Encounter"}]}])),
    ] {
        let path = format!("/GraphDefinition/{id}");
        app.put(&path, &definition(id, "Patient", &link)).await.created();
    }
    let asked = async |graph: &str| reader.get(&format!("/Patient/p/$graph?graph={graph}")).await;
    asked("urn:graph:path").await.refused(400, "The path 'Patient.name.'");
    asked("urn:graph:params").await.refused(400, "nothing");
    asked("urn:graph:includes").await.refused(400, "_include");
    asked("urn:graph:none").await.refused(400, "neither a path nor params");
    asked("urn:graph:never").await.refused(404, "No GraphDefinition");
    asked("urn:graph:path%7C2").await.refused(404, "No GraphDefinition");
    asked("GraphDefinition/never").await.refused(404, "GraphDefinition/never");
    reader.get("/Practitioner/d/$graph?graph=urn:graph:path").await.refused(400, "starts at");
    reader.get("/Patient/never/$graph?graph=urn:graph:path").await.refused(404, "Patient/never");
    reader.get("/Patient/p/$graph").await.refused(400, "'graph' is missing");
    fk.as_anonymous().get("/Patient/p/$graph?graph=urn:graph:path").await.status(401);
}

#[tokio::test]
async fn a_graph_has_at_most_so_many_resources() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    app.put("/Patient/p", &patient("p", "One")).await.created();
    // Where all lead back to, many times over, counts once.
    let back: Vec<Value> =
        ["Basic.subject", "*", "subject", "Basic.subject.first()", "$this.subject"]
            .map(
                |path| json!({"path": path, "target": [{"type": "Patient"}, {"type": "Resource"}]}),
            )
            .to_vec();
    let basics = json!({"type": "Basic", "params": "subject={ref}", "link": back});
    let links = json!([{"target": [basics]}]);
    app.put("/GraphDefinition/g", &definition("g", "Patient", &links)).await.created();
    let basics = |count: usize| {
        let basic = json!({"resourceType": "Basic", "code": {"text": "c"},
            "subject": {"reference": "Patient/p"}});
        let entry = json!({"resource": basic, "request": {"method": "POST", "url": "Basic"}});
        json!({"resourceType": "Bundle", "type": "transaction", "entry": vec![entry; count]})
    };
    app.post("/", &basics(999)).await.ok();
    let whole = reader.get("/Patient/p/$graph?graph=urn:graph:g").await.ok().json();
    assert_eq!(whole["entry"].as_array().expect("entries").len(), 1_000);
    app.post("/", &basics(1)).await.ok();
    reader.get("/Patient/p/$graph?graph=urn:graph:g").await.refused(413, "1000 resources");
}
