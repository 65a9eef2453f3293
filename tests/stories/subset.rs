//! _summary and _elements: parts of resources, tagged so.

use serde_json::{Value, json};
use stories::{Firekeep, patient};

fn names(resource: &Value) -> Vec<&str> {
    resource.as_object().expect("a resource").keys().map(String::as_str).collect()
}

fn is_tagged(resource: &Value) -> bool {
    resource["meta"]["tag"][0]["code"] == "SUBSETTED"
}

#[tokio::test]
async fn a_part_of_a_resource_is_tagged_wherever_it_is_read() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let mut whole = patient("a", "One");
    whole["maritalStatus"] = json!({"text": "x"});
    whole["birthDate"] = json!("1970-01-01");
    app.put("/Patient/a", &whole).await.created();
    for path in ["/Patient/a", "/Patient/a/_history/1"] {
        let part = app.get(&format!("{path}?_elements=birthDate")).await.ok();
        assert_eq!(part.header("etag"), "W/\"1\"");
        let part = part.json();
        assert_eq!(names(&part), ["birthDate", "id", "meta", "resourceType"]);
        assert!(is_tagged(&part), "{part}");
        assert_eq!(part["meta"]["versionId"], "1");
    }
    let family = app.get("/Patient/a?_elements=name.family").await.ok().json();
    assert_eq!(family["name"], json!([{"family": "One"}]));
    let summary = app.get("/Patient/a?_summary=true").await.ok().json();
    assert_eq!(names(&summary), ["birthDate", "id", "meta", "name", "resourceType"]);
    let data = app.get("/Patient/a?_summary=data").await.ok().json();
    assert_eq!(data["maritalStatus"]["text"], "x");
    let text = app.get("/Patient/a?_summary=text").await.ok().json();
    assert_eq!(names(&text), ["id", "meta", "resourceType"]);
    let all = app.get("/Patient/a?_summary=false").await.ok().json();
    assert!(!is_tagged(&all) && all["maritalStatus"]["text"] == "x");
    for list in ["/Patient?_elements=birthDate", "/Patient/a/_history?_elements=birthDate"] {
        let bundle = app.get(list).await.ok().json();
        let part = &bundle["entry"][0]["resource"];
        assert!(is_tagged(part) && part.get("name").is_none(), "{part}");
    }
    app.get("/Patient/a?_summary=some").await.refused(400, "_summary");
    app.get("/Patient/a?_summary=count").await.refused(400, "_summary=count");
    app.get("/Patient/a?_summary=text&_elements=name").await.refused(400, "_elements");
}

#[tokio::test]
async fn what_must_be_there_is_kept_whole_when_a_path_leaves_nothing_of_it() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let code = json!({"coding": [{"system": "http://loinc.org", "code": "1-1"}]});
    let observation = json!({"resourceType": "Observation", "id": "o", "status": "final",
                             "code": code, "subject": {"reference": "Patient/1"}});
    app.put("/Observation/o", &observation).await.created();
    let cut = app.get("/Observation/o?_elements=code.text,subject.display").await.ok().json();
    assert_eq!(cut["code"], code, "{cut}");
    assert_eq!(cut["subject"], serde_json::Value::Null, "{cut}");
    let cut = app.get("/Observation/o?_elements=code.coding.code").await.ok().json();
    assert_eq!(cut["code"], json!({"coding": [{"code": "1-1"}]}), "{cut}");
}
