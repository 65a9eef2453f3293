//! PUT /SearchParameter/$status.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply, patient};

const GENDER: &str = "http://hl7.org/fhir/SearchParameter/individual-gender";

fn wanted(url: &str, status: &str) -> Value {
    json!({"resourceType": "Parameters", "parameter": [{"name": "searchParameterStatus",
        "part": [{"name": "url", "valueUrl": url}, {"name": "status", "valueString": status}]}]})
}

#[tokio::test]
async fn a_disabled_parameter_is_not_searched_by_until_it_is_enabled() {
    let fk = Firekeep::start().await;
    let (app, reader) = (fk.as_contributor().await, fk.as_reader().await);
    for (id, gender) in [("a", "female"), ("b", "male")] {
        let mut one = patient(id, "One");
        one["gender"] = json!(gender);
        app.put(&format!("/Patient/{id}"), &one).await.created();
    }
    let status = format!("/SearchParameter/$status?url={GENDER}");
    assert!(reader.get(&status).await.ok().text().contains("Enabled"));
    reader.put("/SearchParameter/$status", &wanted(GENDER, "Disabled")).await.status(403);

    let told = app.put("/SearchParameter/$status", &wanted(GENDER, "Disabled")).await.ok().json();
    assert_eq!(told["parameter"][0]["part"][1]["valueString"], "Disabled");
    assert!(reader.get(&status).await.ok().text().contains("Disabled"));
    let listed = async || {
        let statement = reader.get("/metadata").await.ok().json();
        let all = statement["rest"][0]["resource"].as_array().cloned().expect("resources");
        let of = all.into_iter().find(|it| it["type"] == "Patient").expect("Patient");
        of["searchParam"].as_array().expect("parameters").iter().any(|it| it["name"] == "gender")
    };
    assert!(!listed().await);
    let found = reader.get("/Patient?gender=male").await.ok();
    assert_eq!(found.json()["total"], 2);
    assert!(found.text().contains("is disabled"), "{}", found.text());
    let strict = reader.request(Method::GET, "/Patient?gender=male");
    let strict = strict.header("Prefer", "handling=strict");
    Reply::of(strict).await.refused(400, "is disabled");
    app.delete("/Patient?gender=male").await.refused(400, "is disabled");
    let subject = "http://hl7.org/fhir/SearchParameter/clinical-patient";
    app.put("/SearchParameter/$status", &wanted(subject, "Disabled")).await.ok();
    reader.get("/Observation/$lastn?patient=a&code=c").await.refused(400, "is disabled");
    reader.get("/DocumentReference/$docref?patient=a").await.refused(400, "is disabled");

    included_by_what_is_disabled(&app).await;

    app.put("/SearchParameter/$status", &wanted(GENDER, "Supported")).await.ok();
    assert!(reader.get(&status).await.ok().text().contains("Enabled"));
    assert_eq!(reader.get("/Patient?gender=male").await.ok().ids(), ["b"]);
    assert!(listed().await);
}

/// `Observation.patient` is disabled, `Observation.performer` is not.
async fn included_by_what_is_disabled(app: &Actor) {
    let observation = json!({"resourceType": "Observation", "id": "o", "status": "final",
        "code": {"text": "x"}, "subject": {"reference": "Patient/a"},
        "performer": [{"reference": "Patient/b"}]});
    app.put("/Observation/o", &observation).await.created();
    let subject = "http://hl7.org/fhir/SearchParameter/Observation-subject";
    app.put("/SearchParameter/$status", &wanted(subject, "Disabled")).await.ok();
    for (include, found) in [
        ("/Observation?_include=Observation:patient", vec!["o"]),
        ("/Observation?_include=Observation:subject", vec!["o"]),
        ("/Observation?_include=Observation:*", vec!["o", "b"]),
        ("/Observation?_include=*", vec!["o", "b"]),
        ("/Patient?_id=a&_revinclude=Observation:subject", vec!["a"]),
        ("/Patient?_id=a&_revinclude=*", vec!["a"]),
        ("/Patient?_id=b&_revinclude=*", vec!["b", "o"]),
        ("/Observation?_has:Observation:subject:code=x", vec!["o"]),
        ("/Observation?_sort=subject", vec!["o"]),
    ] {
        let told = app.get(include).await.ok();
        assert_eq!(told.ids(), found, "{include}");
        assert!(told.text().contains("is disabled"), "{include}: {}", told.text());
        let strict = app.request(Method::GET, include).header("Prefer", "handling=strict");
        Reply::of(strict).await.refused(400, "is disabled");
    }
    app.put("/SearchParameter/$status", &wanted(subject, "Supported")).await.ok();
    // A hierarchy is followed by what may be searched by.
    let part = "http://hl7.org/fhir/SearchParameter/Location-partof";
    app.put("/SearchParameter/$status", &wanted(part, "Disabled")).await.ok();
    let below = app.get("/Encounter?location:below=Location/l").await.ok();
    assert!(below.text().contains("'partof' of Location is disabled"), "{}", below.text());
}

#[tokio::test]
async fn a_wrong_status_changes_nothing() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let path = "/SearchParameter/$status";
    app.put(path, &wanted("urn:never", "Disabled")).await.refused(404, "urn:never");
    app.put(path, &wanted(GENDER, "Deleted")).await.refused(400, "Disabled");
    let id = "http://hl7.org/fhir/SearchParameter/Resource-id";
    app.put(path, &wanted(id, "Disabled")).await.refused(400, "cannot be disabled");
    app.put(path, &json!({"resourceType": "Parameters"}))
        .await
        .refused(400, "searchParameterStatus");
    app.delete(path).await.refused(405, "PUT");
    assert!(!app.get(path).await.ok().text().contains("Disabled"));
}

#[tokio::test]
async fn a_parameter_that_finds_nothing_is_refused() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let parameter = |code: &str, kind: &str, expression: &str, status: &str| {
        json!({"resourceType": "SearchParameter", "url": format!("http://acme.org/sp/{code}"),
               "name": code, "status": status, "description": "A parameter", "code": code,
               "base": ["Patient"], "type": kind, "expression": expression})
    };
    let create = async |code, kind, expression, status| {
        app.post("/SearchParameter", &parameter(code, kind, expression, status)).await
    };
    create("x", "token", "Patient.name..x", "active").await.refused(400, "expression is wrong");
    create("x", "token", "Patient.nam", "active").await.refused(400, "names nam");
    create("x", "date", "Patient.name", "active").await.refused(400, "HumanName");
    create("x", "token", "Group.code", "active").await.refused(400, "begin it with 'Patient.'");
    create("x", "token", "Patient.nam", "draft").await.created();
    let entry = json!({"resource": parameter("x", "token", "Patient.nam", "active"),
                       "request": {"method": "POST", "url": "SearchParameter"}});
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]});
    app.post("", &bundle).await.refused(400, "Bundle.entry[0].resource");
    // One that means what R4's own means leaves its index alone.
    let patient = json!({"resourceType": "Patient", "birthDate": "1970-01-01"});
    app.post("/Patient", &patient).await.created();
    create("birthdate", "date", "Patient.birthDate", "active").await.created();
    let found = app.get("/Patient?birthdate=1970").await.ok();
    assert_eq!((found.ids().len(), found.text().contains("complete")), (1, false));
}

#[tokio::test]
async fn what_an_own_parameter_stood_for_is_indexed_all_the_while() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let own = |expression: &str| {
        json!({"resourceType": "SearchParameter", "id": "own", "url": "http://acme.org/sp/own",
               "name": "own", "status": "active", "description": "Another birthdate",
               "code": "birthdate", "base": ["Patient"], "type": "date", "expression": expression})
    };
    let born = json!({"resourceType": "Patient", "birthDate": "1970-01-01"});
    let died = json!({"resourceType": "Patient", "deceasedDateTime": "1970-01-01"});
    app.put("/SearchParameter/own", &own("(Patient.deceased as dateTime)")).await.created();
    let born = app.post("/Patient", &born).await.created().json()["id"].clone();
    app.post("/Patient", &died).await.created();
    let found = async || {
        let found = app.get("/Patient?birthdate=1970").await.ok();
        assert!(!found.text().contains("complete"), "{}", found.text());
        found.ids()
    };
    app.put("/SearchParameter/own", &own("Patient.birthDate")).await.ok();
    assert_eq!(found().await, [born.as_str().expect("an id")]);
    app.delete("/SearchParameter/own").await.no_content();
    assert_eq!(found().await, [born.as_str().expect("an id")]);
    // R4's own definition, stored as it is, changes nothing.
    let mut standard = own("Patient.birthDate | Person.birthDate | RelatedPerson.birthDate");
    standard["url"] = json!("http://hl7.org/fhir/SearchParameter/individual-birthdate");
    standard["id"] = json!("individual-birthdate");
    standard["base"] = json!(["Patient", "Person", "RelatedPerson"]);
    app.put("/SearchParameter/individual-birthdate", &standard).await.created();
    assert_eq!(found().await, [born.as_str().expect("an id")]);
}
