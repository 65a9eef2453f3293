//! /{type}?…: what each type of parameter finds, with its modifiers and prefixes, through chains
//! and `_has`, sorted, with what is included.

use serde_json::{Value, json};
use stories::{Actor, Firekeep};

/// A service with the resources of the tables below.
pub(crate) async fn world() -> (Firekeep, Actor) {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let entry = |resource: Value| {
        let url = format!("{}/{}", resource["resourceType"], resource["id"]).replace('"', "");
        json!({"fullUrl": format!("http://example.org/fhir/{url}"), "resource": resource,
               "request": {"method": "PUT", "url": url}})
    };
    let entries: Vec<Value> = resources().into_iter().map(entry).collect();
    app.post("", &json!({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
        .await
        .ok();
    (fk, app)
}

fn patient(id: &str, family: &str, gender: &str, birth: &str, more: Value) -> Value {
    let mut patient = json!({
        "resourceType": "Patient", "id": id, "gender": gender, "birthDate": birth,
        "name": [{"family": family, "given": ["Eve"]}]
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        patient[key] = value.clone();
    }
    patient
}

pub(crate) fn observation(id: &str, subject: &str, code: &str, value: &Value, when: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": "Body weight"}],
                 "text": "Gewicht"},
        "subject": {"reference": format!("Patient/{subject}")},
        "effectiveDateTime": when, "valueQuantity": value
    })
}

pub(crate) fn quantity(value: &Value, unit: &str) -> Value {
    json!({"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit})
}

fn resources() -> Vec<Value> {
    let mr = json!({"coding": [{"system": "http://t", "code": "MR"}]});
    let identifier = json!([{"type": mr, "system": "http://mrn", "value": "123"}]);
    vec![
        json!({"resourceType": "Organization", "id": "o1", "name": "Good Health",
               "partOf": {"reference": "Organization/o2"}}),
        json!({"resourceType": "Organization", "id": "o2", "name": "Umbrella"}),
        patient(
            "p1",
            "Müller",
            "female",
            "1970-05-01",
            json!({
                "identifier": identifier,
                "managingOrganization": {"reference": "Organization/o1"},
                "text": {"status": "generated",
                         "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">A <b>liver</b> case</div>"},
                "meta": {"tag": [{"system": "http://tags", "code": "a"}]}
            }),
        ),
        patient(
            "p2",
            "Muller",
            "male",
            "1970",
            json!({
                "generalPractitioner": [{"identifier": {"system": "http://npi", "value": "9"}}]
            }),
        ),
        json!({"resourceType": "Patient", "id": "p3", "name": [{"family": "van der Berg"}]}),
        observation("b1", "p1", "29463-7", &quantity(&json!(5.4), "kg"), "2020-01-10T10:00:00Z"),
        observation("b2", "p1", "29463-7", &quantity(&json!(5400), "g"), "2020-02"),
        observation("b3", "p2", "8302-2", &quantity(&json!(1.5), "m"), "2021-03-01T10:00:00+02:00"),
        json!({"resourceType": "RiskAssessment", "id": "r1", "status": "final",
               "subject": {"reference": "Patient/p1"},
               "prediction": [{"probabilityDecimal": 0.8}]}),
        json!({"resourceType": "RiskAssessment", "id": "r2", "status": "final",
               "subject": {"reference": "Patient/p2"},
               "prediction": [{"probabilityDecimal": 0.85}]}),
        json!({"resourceType": "ValueSet", "id": "v1", "status": "active",
               "url": "http://acme.org/fhir/ValueSet/123", "version": "4",
               "compose": {"include": [{"system": "http://loinc.org",
                                        "concept": [{"code": "29463-7"}]}]}}),
        json!({"resourceType": "Location", "id": "l1", "name": "Here",
               "position": {"longitude": 16.37, "latitude": 48.2}}),
        json!({"resourceType": "Encounter", "id": "e1", "status": "finished",
               "class": {"code": "AMB"}, "period": {"start": "2020-01-05", "end": "2020-01-25"}}),
        json!({"resourceType": "DocumentReference", "id": "d1", "status": "current",
               "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/d0"}}],
               "content": [{"attachment": {"contentType": "text/xml; charset=UTF-8"}}]}),
        json!({"resourceType": "QuestionnaireResponse", "id": "q1", "status": "completed",
               "questionnaire": "http://acme.org/q|1.2"}),
        json!({"resourceType": "QuestionnaireResponse", "id": "q2", "status": "completed",
               "questionnaire": "http://acme.org/q|2.0"}),
        json!({"resourceType": "QuestionnaireResponse", "id": "q3", "status": "completed",
               "questionnaire": "Questionnaire/here"}),
        json!({"resourceType": "RequestGroup", "id": "r1", "status": "active", "intent": "order",
               "instantiatesCanonical": ["PlanDefinition/here"]}),
        json!({"resourceType": "List", "id": "li", "status": "current", "mode": "working",
               "entry": [{"item": {"reference": "Patient/p2"}}]}),
        json!({"resourceType": "Group", "id": "g1", "type": "person", "actual": true,
               "member": [{"entity": {"reference": "Patient/p3"}}]}),
    ]
}

/// Each query finds these ids, in this order.
async fn check(app: &Actor, rows: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (query, expected) in rows {
        let reply = app.get(&format!("/{query}")).await;
        let found = reply.ok().ids().join(" ");
        if found != *expected {
            wrong.push(format!("{query}: found [{found}], not [{expected}]"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_type_of_parameter_finds_what_r4_says() {
    let (_fk, app) = world().await;
    check(&app, STRINGS).await;
    check(&app, TOKENS).await;
    check(&app, REFERENCES).await;
    check(&app, DATES).await;
    check(&app, NUMBERS).await;
    check(&app, OTHERS).await;
}

const STRINGS: &[(&str, &str)] = &[
    ("Patient?family=mul", "p1 p2"),
    ("Patient?family=M%C3%9CLLER", "p1 p2"),
    ("Patient?family:exact=M%C3%BCller", "p1"),
    ("Patient?family:exact=muller", ""),
    ("Patient?family:contains=LLE", "p1 p2"),
    ("Patient?name=van%20der", "p3"),
    ("Patient?given:missing=true", "p3"),
    ("Patient?given:missing=false", "p1 p2"),
    ("Patient?family=mul,van", "p1 p2 p3"),
    ("Patient?name=eve&family=mul", "p1 p2"),
];

const TOKENS: &[(&str, &str)] = &[
    ("Patient?gender=male", "p2"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|male", "p2"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|", "p1 p2"),
    ("Group?actual=http://terminology.hl7.org/CodeSystem/special-values|true", "g1"),
    ("Group?actual=http://terminology.hl7.org/CodeSystem/special-values|false", ""),
    ("Patient?gender=http://terminology.hl7.org/CodeSystem/special-values|male", ""),
    ("Patient?gender=MALE", ""),
    ("Patient?gender:not=male", "p1 p3"),
    ("Patient?gender:missing=true", "p3"),
    ("Patient?identifier=123", "p1"),
    ("Patient?identifier=http://mrn|123", "p1"),
    ("Patient?identifier=http://mrn|", "p1"),
    ("Patient?identifier=|123", ""),
    ("Patient?identifier:of-type=http://t|MR|123", "p1"),
    ("Patient?identifier:of-type=http://t|XX|123", ""),
    ("Patient?_tag=http://tags|a", "p1"),
    ("Observation?code=29463-7", "b1 b2"),
    ("Observation?code=http://loinc.org|29463-7,8302-2", "b1 b2 b3"),
    ("Observation?code:text=gewicht", "b1 b2 b3"),
    ("Observation?code:in=http://acme.org/fhir/ValueSet/123", "b1 b2"),
    ("Observation?code:in=ValueSet/v1", "b1 b2"),
    ("Observation?code:not-in=ValueSet/v1", "b3"),
    ("Observation?status=final&code:not=29463-7", "b3"),
];

const REFERENCES: &[(&str, &str)] = &[
    ("Observation?subject=Patient/p1", "b1 b2"),
    ("Observation?subject=p1", "b1 b2"),
    ("Observation?patient=p1", "b1 b2"),
    ("Observation?subject:Patient=p1", "b1 b2"),
    ("Observation?subject:Group=p1", ""),
    ("Patient?general-practitioner:identifier=http://npi|9", "p2"),
    ("Observation?patient.family=mul&code=8302-2", "b3"),
    ("Observation?subject:Patient.gender=female", "b1 b2"),
    ("Observation?subject.organization.name=good", "b1 b2"),
    ("Observation?patient.organization.partof.name=umb", "b1 b2"),
    ("Observation?patient.gender:not=female", "b3"),
    ("Patient?_has:Observation:patient:code=8302-2", "p2"),
    ("Patient?_has:Observation:patient:code:not=8302-2", "p1"),
    ("Organization?_has:Patient:organization:_has:Observation:patient:code=29463-7", "o1"),
    ("Observation?patient._has:Group:member:_id=g1", ""),
    ("Patient?_has:Group:member:_id=g1", "p3"),
    ("Patient?_list=li", "p2"),
    ("Patient/p1/Observation", "b1 b2"),
    ("Patient/p1/Observation?code=8302-2", ""),
    ("Patient/p1/*?_type=Observation,RiskAssessment", "b1 b2 r1"),
    ("Patient?_not-referenced=Observation:subject", "p3"),
    ("Patient?organization:below=Organization/o2", "p1"),
    ("Patient?organization:below=o1", "p1"),
    ("Patient?organization:above=Organization/o2", ""),
    ("Organization?partof:below=o2", "o1"),
];

const DATES: &[(&str, &str)] = &[
    ("Patient?birthdate=1970", "p1 p2"),
    ("Patient?birthdate=1970-05-01", "p1"),
    ("Patient?birthdate=1970-05", "p1"),
    ("Patient?birthdate=ne1970-05-01", "p2"),
    ("Patient?birthdate=lt1970-05-01", "p2"),
    ("Patient?birthdate=gt1970-05-01", "p2"),
    ("Patient?birthdate=ge1970-05-01", "p1 p2"),
    ("Patient?birthdate=le1970-05-01", "p1 p2"),
    ("Patient?birthdate=sa1969", "p1 p2"),
    ("Patient?birthdate=eb1971", "p1 p2"),
    ("Patient?birthdate=sa1970-04", "p1"),
    ("Patient?birthdate=ap1970-05-02", "p1 p2"),
    ("Observation?date=2020", "b1 b2"),
    ("Observation?date=ge2020-02&date=lt2021-02", "b2"),
    ("Encounter?date=ge2020-01-25", "e1"),
    ("Encounter?date=gt2020-01-25", ""),
    ("Encounter?date=le2020-01-05", "e1"),
    ("Encounter?date=lt2020-01-05", ""),
    ("Encounter?date=2020-01-10", ""),
    ("Observation?date=2021-03-01T08:00Z", "b3"),
    ("Observation?date=2020-01-10T10:00:00Z,2021-03", "b1 b3"),
];

const NUMBERS: &[(&str, &str)] = &[
    ("RiskAssessment?probability=0.8", "r1"),
    ("RiskAssessment?probability=gt0.8", "r2"),
    ("RiskAssessment?probability=ge0.8", "r1 r2"),
    ("RiskAssessment?probability=lt0.85", "r1"),
    ("RiskAssessment?probability=ne0.85", "r1"),
    ("RiskAssessment?probability=ap0.8", "r1 r2"),
    ("Observation?value-quantity=5.4|http://unitsofmeasure.org|kg", "b1 b2"),
    ("Observation?value-quantity=5400|http://unitsofmeasure.org|g", "b1 b2"),
    ("Observation?value-quantity=5400||g", "b2"),
    ("Observation?value-quantity=gt5|http://unitsofmeasure.org|kg", "b1 b2"),
    ("Observation?value-quantity=1.5", "b3"),
    ("Observation?code-value-quantity=29463-7$gt5|http://unitsofmeasure.org|kg", "b1 b2"),
    ("Observation?code-value-quantity=http://loinc.org|8302-2$gt5", ""),
];

const OTHERS: &[(&str, &str)] = &[
    ("ValueSet?url=http://acme.org/fhir/ValueSet/123", "v1"),
    ("ValueSet?url=http://acme.org/fhir/ValueSet", ""),
    ("ValueSet?url:below=http://acme.org/fhir", "v1"),
    ("ValueSet?url:above=http://acme.org/fhir/ValueSet/123/history/5", "v1"),
    ("Location?near=48.21|16.37|5|km", "l1"),
    ("Location?near=48.21|16.37|100|m", ""),
    ("Patient?_text=liver", "p1"),
    ("Patient?_content=muller%20AND%20NOT%20liver", "p2"),
    ("Patient?_filter=family%20sw%20%22mul%22%20and%20not(gender%20eq%20male)", "p1"),
    ("Patient?_filter=birthdate%20ge%201970-05-01%20or%20gender%20pr%20false", "p1 p2 p3"),
    ("Patient?_filter=family%20ew%20%22LLER%22%20and%20gender%20ne%20male", "p1"),
    ("Observation?_filter=patient[gender%20eq%20male].family%20sw%20mul", "b3"),
    ("Observation?_filter=patient[gender%20eq%20female].family%20eq%20muller", "b1 b2"),
    ("Observation?_filter=code%20eq%20loinc|8302-2", "b3"),
    ("DocumentReference?contenttype:below=text/xml", "d1"),
    ("DocumentReference?relationship=DocumentReference/d0$replaces", "d1"),
    ("DocumentReference?relationship=DocumentReference/d0$appends", ""),
    ("QuestionnaireResponse?questionnaire:below=http://acme.org/q", "q1 q2"),
    ("QuestionnaireResponse?questionnaire:below=http://acme.org/q|1", "q1"),
    ("QuestionnaireResponse?questionnaire=Questionnaire/here", "q3"),
    ("QuestionnaireResponse?questionnaire=here", "q3"),
    ("QuestionnaireResponse?questionnaire:Questionnaire=here", "q3"),
    ("RequestGroup?instantiates-canonical=PlanDefinition/here", "r1"),
    ("RequestGroup?instantiates-canonical=here", "r1"),
    ("ValueSet?url=http://acme.org/fhir/ValueSet/123|4", "v1"),
    ("ValueSet?url=http://acme.org/fhir/ValueSet/123|5", ""),
    ("?_type=Patient,Organization&_id=p1,o1", "o1 p1"),
    ("Patient?_sort=family", "p1 p2 p3"),
    ("Patient?_sort=-family,_id", "p3 p1 p2"),
    ("Patient?_sort=birthdate", "p3 p2 p1"),
    ("Patient?_sort=-birthdate", "p2 p1 p3"),
    ("Patient?_sort=gender,-_id", "p3 p1 p2"),
    ("Observation?_sort=-date", "b3 b2 b1"),
    ("Observation?_sort=-patient.birthdate,date", "b3 b1 b2"),
    ("Observation?_sort=value-quantity", "b3 b1 b2"),
];

#[tokio::test]
async fn a_wrong_value_is_refused_and_an_unknown_parameter_is_told() {
    let (_fk, app) = world().await;
    for query in [
        "Patient?birthdate=yesterday",
        "Observation?value-quantity=heavy",
        "RiskAssessment?probability=ten",
        "Patient?gender:missing=perhaps",
        "Location?near=here",
        "Patient?_filter=family%20sw",
        "Patient?_filter=family%20zz%20x",
        "Patient?_filter=nmae%20eq%20x",
        "Patient?name:nonsense=x",
        "Patient?gender:exact=male",
        "Patient?family:not=x",
        "Observation?subject:Nonsense=x",
        "Patient?organization.name:nonsense=x",
        "Medication?_contained=perhaps",
        "Observation?code-value-quantity=x",
    ] {
        app.get(&format!("/{query}")).await.status(400);
    }
    let bundle = app.get("/Patient?nmae=x&gender=male").await.ok().json();
    let entries = bundle["entry"].as_array().expect("entries");
    assert_eq!(entries[0]["resource"]["id"], "p2");
    assert_eq!(entries[1]["search"]["mode"], "outcome");
    let said = entries[1]["resource"]["issue"][0]["diagnostics"].as_str().expect("a text");
    assert!(said.contains("Did you mean 'name'"), "{said}");
}

/// `p1 (o1)`: a match and an include.
pub(crate) async fn shown(app: &Actor, query: &str) -> String {
    let bundle = app.get(&format!("/{query}")).await.ok().json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let one = |entry: &Value| {
        let id = entry["resource"]["id"].as_str().unwrap_or_default().to_owned();
        match entry["search"]["mode"].as_str() {
            Some("match") => id,
            Some("include") => format!("({id})"),
            other => format!("{other:?}"),
        }
    };
    entries.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_page_brings_what_it_is_asked_to_include() {
    let (_fk, app) = world().await;
    for (query, expected) in [
        ("Observation?_id=b1,b2&_include=Observation:subject", "b1 b2 (p1)"),
        ("Observation?_id=b1&_include=Observation:subject:Group", "b1"),
        ("Observation?_id=b1&_include=*", "b1 (p1)"),
        ("Observation?_id=b1&_include=Observation:*", "b1 (p1)"),
        (
            "Observation?_id=b1&_include=Observation:patient&_include:iterate=Patient:organization",
            "b1 (p1) (o1)",
        ),
        ("Patient?_id=p1&_revinclude=Observation:subject", "p1 (b1) (b2)"),
        (
            "Patient?_id=p1&_revinclude=Observation:subject&_revinclude=RiskAssessment:subject",
            "p1 (b1) (b2) (r1)",
        ),
        (
            "Patient?_id=p1&_include=Patient:organization&_include:iterate=Organization:partof",
            "p1 (o1) (o2)",
        ),
    ] {
        assert_eq!(shown(&app, query).await, expected, "{query}");
    }
    let bundle = app.get("/Patient?_include=Patient:organization&_total=accurate").await.ok();
    assert_eq!(bundle.json()["total"], 3, "what is included is not counted");
}

#[tokio::test]
async fn includes_that_do_not_fit_are_paged() {
    let (_fk, app) = world().await;
    let entry = |number: usize| {
        let status = "final";
        let resource = json!({"resourceType": "Basic", "id": format!("x{number}"),
                              "code": {"text": status}, "subject": {"reference": "Patient/p1"}});
        json!({"resource": resource,
               "request": {"method": "PUT", "url": format!("Basic/x{number}")}})
    };
    let load = |range: std::ops::Range<usize>| {
        let entries: Vec<Value> = range.map(entry).collect();
        json!({"resourceType": "Bundle", "type": "batch", "entry": entries})
    };
    let query = "/Patient?_id=p1&_revinclude=Basic:subject";
    let related = |bundle: &Value| {
        let links = bundle["link"].as_array().expect("links").clone();
        let is_rest = |link: &&Value| link["relation"] == "related" || link["relation"] == "next";
        let found = links.iter().find(is_rest);
        found.map(|link| link["url"].as_str().unwrap_or_default().to_owned())
    };
    app.post("", &load(0..1_000)).await.ok();
    let bundle = app.get(query).await.ok().json();
    assert_eq!(bundle["entry"].as_array().map(Vec::len), Some(1_001));
    assert_eq!(related(&bundle), None);
    app.post("", &load(1_000..1_001)).await.ok();
    let bundle = app.get(query).await.ok().json();
    assert_eq!(bundle["entry"].as_array().map(Vec::len), Some(1_001));
    let link = related(&bundle).expect("a related link");
    assert!(link.contains("/Patient/$includes?"), "{link}");
    assert_eq!(shown(&app, link.split_once("/main-demo/").expect("a path").1).await, "(x1000)");

    let mut bundle = app.get(&format!("{query}&_includesCount=400")).await.ok().json();
    let mut sizes = Vec::new();
    loop {
        sizes.push(bundle["entry"].as_array().map(Vec::len).unwrap_or_default());
        let Some(link) = related(&bundle) else { break };
        let path = link.split_once("/main-demo/").expect("a path").1;
        bundle = app.get(&format!("/{path}")).await.ok().json();
    }
    assert_eq!(sizes, [401, 400, 201]);
    app.get(&format!("{query}&_includesCount=0")).await.refused(400, "_includesCount");
}

#[tokio::test]
async fn a_search_is_explained_to_those_who_may_know() {
    let (fk, app) = world().await;
    let told = app.get("/Observation?code=29463-7&patient.family=mul&_explain=true").await.ok();
    assert_eq!(told.ids(), ["b1", "b2"]);
    for words in ["code: 2 rows, 2 left", "beginning of a string: 2 rows", "chain: "] {
        assert!(told.text().contains(words), "{words}: {}", told.text());
    }
    app.get("/Observation?_explain=perhaps").await.refused(400, "true or false");
    let reader = fk.as_reader().await;
    reader.get("/Observation?_explain=true").await.status(403);
}

#[tokio::test]
async fn a_sorted_search_pages_without_loss() {
    let (_fk, app) = world().await;
    for query in ["Patient?_sort=-birthdate", "Observation?_sort=date", "Patient?_sort=gender"] {
        let whole = app.get(&format!("/{query}")).await.ok().ids();
        let first = app.get(&format!("/{query}&_count=1")).await.ok();
        let paged: Vec<String> = app
            .follow(first)
            .await
            .iter()
            .map(|entry| entry["resource"]["id"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(paged, whole, "{query}");
    }
}

#[tokio::test]
async fn what_changes_is_found_by_its_new_values_only() {
    let (_fk, app) = world().await;
    let changed = patient("p2", "Neumann", "male", "1970", json!({}));
    app.put("/Patient/p2", &changed).await.ok();
    app.delete("/Patient/p3").await.no_content();
    check(
        &app,
        &[
            ("Patient?family=mul", "p1"),
            ("Patient?family=neu", "p2"),
            ("Patient?name=van", ""),
            ("Patient?gender:not=female", "p2"),
            ("Observation?patient.family=neu", "b3"),
            ("Patient?_sort=family", "p1 p2"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_rule_by_which_nothing_is_included_is_told() {
    let (_fk, app) = world().await;
    for (query, word) in [
        ("Observation?_include=Patient:organization", "Patient is not searched"),
        ("Observation?_include=Observation:subject:Organization", "not refer to Organization"),
        ("Observation?_include=Observation:subject:Nobody", "'Nobody'"),
        ("Patient?_revinclude=Observation:specimen", "not refer to what is searched"),
        ("Patient?_not-referenced=*:nothing", "no type has a reference 'nothing'"),
        ("Patient?_not-referenced=Observation:code", "'code' of Observation is no reference"),
        ("Patient?_has=x", "_has:Observation:patient:code"),
    ] {
        let reply = app.get(&format!("/{query}")).await.ok();
        assert!(reply.text().contains(word), "{query}: {}", reply.text());
        assert!(!reply.ids().is_empty());
        let strict = app.request(reqwest::Method::GET, &format!("/{query}"));
        let strict = strict.header("Prefer", "handling=strict");
        stories::Reply::of(strict).await.refused(400, word);
    }
    for query in ["_list:not=x", "_filter:exact=x", "_text:below=x", "_not-referenced:not=*:*"] {
        app.get(&format!("/Patient?{query}")).await.refused(400, "no modifiers");
    }
    for query in [
        "Observation?_include=Observation:subject&_include:iterate=Patient:organization",
        "Patient?_revinclude=Observation:subject&_revinclude:iterate=Provenance:target",
        "Organization?_revinclude=Patient:organization&_revinclude:iterate=Observation:subject",
    ] {
        let reply = app.get(&format!("/{query}")).await.ok();
        assert!(!reply.text().contains("OperationOutcome"), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_parameter_whose_index_is_not_whole_says_so_until_a_job_made_it_whole() {
    let (_fk, app) = world().await;
    let definition = json!({
        "resourceType": "SearchParameter", "id": "nick", "url": "http://acme.org/sp/nick",
        "name": "nick", "status": "active", "description": "Nickname", "code": "nick",
        "base": ["Patient"], "type": "string", "expression": "Patient.name.given"
    });
    app.put("/SearchParameter/nick", &definition).await.created();
    let bundle = app.get("/Patient?nick=eve&gender=male").await.ok();
    assert!(bundle.text().contains("would find too little"), "{}", bundle.text());
    let strict = || {
        let strict = app.request(reqwest::Method::GET, "/Patient?nick=eve");
        strict.header("Prefer", "handling=strict")
    };
    stories::Reply::of(strict()).await.refused(400, "would find too little");
    let status = "/SearchParameter/$status?url=http://acme.org/sp/nick";
    assert!(app.get(status).await.ok().text().contains("Supported"));

    let begun = app.post("/$reindex", &json!({"resourceType": "Parameters"})).await.created();
    let job = begun.json()["id"].as_str().expect("an id").to_owned();
    let job = format!("/_operations/reindex/{job}");
    for _ in 0..2_000 {
        if app.get(&job).await.ok().text().contains("Completed") {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(app.get(&job).await.ok().text().contains("Completed"));
    let found = stories::Reply::of(strict()).await.ok();
    assert!(found.json()["total"].as_u64() > Some(1), "{}", found.text());
    assert!(app.get(status).await.ok().text().contains("Enabled"));
    app.get("/$reindex").await.refused(405, "POST");
    app.get("/_operations/reindex/00000000-0000-0000-0000-000000000000").await.refused(404, "");
}
