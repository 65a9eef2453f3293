//! Operations on codes: with what R4 has, with what is stored, and with what a package brings.

use reqwest::Method;
use serde_json::{Value, json};
use stories::{Actor, Firekeep, Reply, shared};

const ANIMALS: &str = "http://example.org/animals";

/// A code system with a hierarchy, a property, an inactive code and German designations.
fn animals() -> Value {
    let german = |text: &str| json!([{"language": "de", "value": text}]);
    json!({
        "resourceType": "CodeSystem", "id": "animals", "url": ANIMALS, "version": "1",
        "name": "Animals", "status": "active", "content": "complete", "caseSensitive": true,
        "hierarchyMeaning": "is-a", "valueSet": "http://example.org/all-animals",
        "property": [
            {"code": "legs", "type": "integer"},
            {"code": "status", "uri": "http://hl7.org/fhir/concept-properties#status",
             "type": "code"},
        ],
        "concept": [
            {"code": "bird", "display": "Bird", "designation": german("Vogel"),
             "property": [{"code": "legs", "valueInteger": 2}]},
            {"code": "mammal", "display": "Mammal", "designation": german("Säugetier"), "concept": [
                {"code": "cat", "display": "Cat", "designation": german("Katze"),
                 "property": [{"code": "legs", "valueInteger": 4}]},
                {"code": "dodo", "display": "No mammal at all",
                 "property": [{"code": "status", "valueCode": "retired"}]},
            ]},
        ],
    })
}

fn set(id: &str, compose: &Value) -> Value {
    json!({"resourceType": "ValueSet", "id": id, "url": format!("http://example.org/{id}"),
        "status": "active", "compose": compose})
}

fn map() -> Value {
    json!({
        "resourceType": "ConceptMap", "id": "food", "url": "http://example.org/food",
        "status": "active", "sourceUri": "http://example.org/mammals",
        "group": [{"source": ANIMALS, "target": "http://example.org/food", "element": [
            {"code": "cat", "target": [{"code": "mouse", "equivalence": "relatedto"}]},
        ]}],
    })
}

async fn zoo() -> (Firekeep, Actor) {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/CodeSystem/animals", &animals()).await.created();
    let filter = json!([{"property": "concept", "op": "is-a", "value": "mammal"}]);
    let below = json!({"include": [{"system": ANIMALS, "filter": filter}]});
    app.put("/ValueSet/mammals", &set("mammals", &below)).await.created();
    let rest = json!({"include": [{"system": ANIMALS}],
        "exclude": [{"valueSet": ["http://example.org/mammals"]}]});
    app.put("/ValueSet/rest", &set("rest", &rest)).await.created();
    let all = json!({"include": [{"system": ANIMALS}]});
    app.put("/ValueSet/all-animals", &set("all-animals", &all)).await.created();
    app.put("/ConceptMap/food", &map()).await.created();
    (fk, app)
}

/// The value of an output parameter.
fn said(reply: &Reply, name: &str) -> Value {
    let parameters = reply.json()["parameter"].as_array().cloned().unwrap_or_default();
    let found = parameters.into_iter().find(|parameter| parameter["name"] == name);
    let members = found.as_ref().and_then(Value::as_object).into_iter().flatten();
    let value = members.into_iter().find(|(key, _)| key.starts_with("value"));
    value.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// The codes of an expansion, those of one level after a `<`.
fn codes(contains: &Value) -> String {
    let lines = contains.as_array().into_iter().flatten().map(|line| {
        let below = codes(&line["contains"]);
        let below = if below.is_empty() { below } else { format!("<{below}>") };
        format!("{}{below}", line["code"].as_str().unwrap_or_default())
    });
    lines.collect::<Vec<_>>().join(" ")
}

async fn expanded(app: &Actor, query: &str) -> Value {
    app.get(&format!("/ValueSet/{query}")).await.ok().json()["expansion"].clone()
}

#[tokio::test]
async fn a_code_is_looked_up_validated_and_compared() {
    let (fk, app) = zoo().await;
    let looked = app.get(&format!("/CodeSystem/$lookup?system={ANIMALS}&code=cat")).await.ok();
    assert_eq!(said(&looked, "display"), "Cat");
    assert!(looked.text().contains("Katze") && looked.text().contains("mammal"));
    let gender = "http://hl7.org/fhir/administrative-gender";
    let looked = app.get(&format!("/CodeSystem/$lookup?system={gender}&code=male")).await.ok();
    assert_eq!(said(&looked, "display"), "Male");
    let none = app.get(&format!("/CodeSystem/$lookup?system={ANIMALS}&code=cow")).await;
    none.refused(404, "cow");
    let none = app.get("/CodeSystem/$lookup?system=http://example.org/none&code=a").await;
    none.refused(404, "http://example.org/none");
    app.get("/CodeSystem/$lookup?code=a").await.refused(400, "system");

    let validate = |query: &str| {
        let (app, path) = (app.clone(), format!("/CodeSystem/{query}"));
        async move { app.get(&path).await.ok() }
    };
    let valid = validate(&format!("$validate-code?url={ANIMALS}&code=cat&display=Cat")).await;
    assert_eq!(said(&valid, "result"), true);
    let wrong = validate("animals/$validate-code?code=cat&display=Dog").await;
    assert_eq!(said(&wrong, "result"), false);
    assert_eq!(said(&wrong, "display"), "Cat");
    let unknown = validate("$validate-code?url=http://example.org/none&code=a").await;
    assert_eq!(said(&unknown, "result"), false);
    assert!(said(&unknown, "message").as_str().is_some_and(|it| it.contains("/none")));

    let subsumes = |one: &str, other: &str| {
        let path = format!("/CodeSystem/$subsumes?system={ANIMALS}&codeA={one}&codeB={other}");
        let app = app.clone();
        async move { said(&app.get(&path).await.ok(), "outcome") }
    };
    assert_eq!(subsumes("mammal", "cat").await, "subsumes");
    assert_eq!(subsumes("cat", "mammal").await, "subsumed-by");
    assert_eq!(subsumes("cat", "cat").await, "equivalent");
    assert_eq!(subsumes("cat", "bird").await, "not-subsumed");
    to_look_up_is_to_read(&fk).await;
}

/// To look up codes is to read.
async fn to_look_up_is_to_read(fk: &Firekeep) {
    let reader = fk.as_reader().await;
    reader.get(&format!("/CodeSystem/$lookup?system={ANIMALS}&code=cat")).await.ok();
    fk.as_anonymous().get("/CodeSystem/$lookup?code=cat").await.status(401);
}

#[tokio::test]
async fn a_value_set_is_expanded_as_it_is_asked() {
    let (_fk, app) = zoo().await;
    let all = expanded(&app, "$expand?url=http://example.org/all-animals").await;
    assert_eq!(
        (codes(&all["contains"]), &all["total"]),
        ("bird mammal cat dodo".into(), &json!(4))
    );
    let nested = "$expand?url=http://example.org/all-animals&excludeNested=false";
    let nested = expanded(&app, nested).await;
    assert_eq!(codes(&nested["contains"]), "bird mammal<cat dodo>");
    let rows = [
        ("mammals/$expand", "mammal cat dodo"),
        ("mammals/$expand?activeOnly=true", "mammal cat"),
        ("mammals/$expand?filter=kat", "cat"),
        ("mammals/$expand?count=1&offset=1", "cat"),
        ("mammals/$expand?count=0", ""),
        ("mammals/$expand?excludeNested=false&count=2", "mammal cat"),
        ("rest/$expand", "bird"),
        ("$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender&filter=fem", "female"),
    ];
    for (query, expected) in rows {
        assert_eq!(codes(&expanded(&app, query).await["contains"]), expected, "{query}");
    }
    let page = expanded(&app, "mammals/$expand?count=1&offset=1").await;
    assert_eq!((&page["total"], &page["offset"]), (&json!(3), &json!(1)));
    let plain = expanded(&app, "rest/$expand").await;
    assert_eq!(plain["contains"][0].get("designation"), None);
    let said = expanded(&app, "rest/$expand?includeDesignations=true").await;
    assert_eq!(said["contains"][0]["designation"][0]["value"], "Vogel");
    let sent =
        set("sent", &json!({"include": [{"system": ANIMALS, "concept": [{"code": "cat"}]}]}));
    let reply = app.post("/ValueSet/$expand", &sent).await.ok();
    assert_eq!(codes(&reply.json()["expansion"]["contains"]), "cat");

    app.get("/ValueSet/$expand?url=http://example.org/none").await.refused(404, "none");
    app.get("/ValueSet/none/$expand").await.refused(404, "There is no");
    app.get("/ValueSet/mammals/$expand?count=-1").await.refused(400, "whole number");
    app.get("/ValueSet/mammals/$expand?colour=red").await.refused(400, "'colour'");
    let foreign = set("foreign", &json!({"include": [{"system": "http://example.org/none"}]}));
    let refused = app.post("/ValueSet/$expand", &foreign).await;
    refused.refused(404, "http://example.org/none");
}

/// What an expansion says that it was asked for.
fn echoed(expansion: &Value, name: &str) -> Value {
    let all = expansion["parameter"].as_array().into_iter().flatten();
    let mut found = all.filter(|parameter| parameter["name"] == name);
    found.next().cloned().unwrap_or_default()
}

#[tokio::test]
async fn an_expansion_has_the_parts_that_are_asked_for() {
    let (_fk, app) = zoo().await;
    let rest = "$expand?url=http://example.org/rest";
    let whole = app.get(&format!("/ValueSet/{rest}&includeDefinition=true")).await.ok().json();
    let compose = json!({"include": [{"system": ANIMALS}],
        "exclude": [{"valueSet": ["http://example.org/mammals"]}]});
    assert_eq!(whole["compose"], compose);
    assert_eq!(codes(&whole["expansion"]["contains"]), "bird");
    for (version, total) in [("1", 0), ("2", 1)] {
        let left = format!("{rest}&exclude-system={ANIMALS}|{version}");
        let expansion = expanded(&app, &left).await;
        assert_eq!(expansion["total"], total);
        assert_eq!(
            echoed(&expansion, "exclude-system")["valueUri"],
            format!("{ANIMALS}|{version}")
        );
    }
    let german = json!([{"language": "de", "value": "Vogel"}]);
    for (language, designation) in [("de", german), ("fr", Value::Null)] {
        let said = format!("{rest}&designation=urn:ietf:bcp:47|{language}");
        let expansion = expanded(&app, &said).await;
        assert_eq!(expansion["contains"][0]["designation"], designation);
        let token = format!("urn:ietf:bcp:47|{language}");
        assert_eq!(echoed(&expansion, "designation")["valueString"], token);
    }
    let flag = expanded(&app, &format!("{rest}&excludePostCoordinated=true")).await;
    assert_eq!(echoed(&flag, "excludePostCoordinated")["valueBoolean"], true);
}

#[tokio::test]
async fn a_system_names_the_value_set_of_all_its_codes() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.put("/CodeSystem/animals", &animals()).await.created();
    let all = expanded(&app, "$expand?url=http://example.org/all-animals").await;
    assert_eq!(codes(&all["contains"]), "bird mammal cat dodo");
    let within = "/ValueSet/$validate-code?url=http://example.org/all-animals|1";
    let cat = app.get(&format!("{within}&system={ANIMALS}&code=cat")).await.ok();
    assert_eq!(said(&cat, "result"), true);
    app.get("/ValueSet/$expand?url=http://example.org/all-animals|2")
        .await
        .refused(404, "all-animals|2");
    let code = json!({"coding": [{"system": ANIMALS, "code": "cat"}]});
    let basic = json!({"resourceType": "Basic", "id": "b", "code": code});
    app.put("/Basic/b", &basic).await.created();
    let found = app.get("/Basic?code:in=http://example.org/all-animals").await.ok();
    assert_eq!(found.ids(), ["b"]);
}

#[tokio::test]
async fn all_codes_of_a_system_are_those_of_the_version_that_is_named() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    for (id, version, code) in [("a", "9", "old"), ("b", "10", "new")] {
        let system = json!({"resourceType": "CodeSystem", "id": id, "url": "http://example.org/s",
            "version": version, "status": "active", "content": "complete",
            "valueSet": "http://example.org/all", "concept": [{"code": code}]});
        app.put(&format!("/CodeSystem/{id}"), &system).await.created();
    }
    for (query, expected) in [
        ("", "new"),
        ("|9", "old"),
        ("|10", "new"),
        ("&valueSetVersion=9", "old"),
        ("|9&valueSetVersion=9", "old"),
        ("&system-version=http://example.org/s|9", "old"),
    ] {
        let query = format!("$expand?url=http://example.org/all{query}");
        assert_eq!(codes(&expanded(&app, &query).await["contains"]), expected, "{query}");
    }
    for (query, expected) in [
        ("|11", "all|11 is not loaded"),
        ("&valueSetVersion=11", "all|11 is not loaded"),
        ("|9&valueSetVersion=10", "is not loaded"),
    ] {
        let query = format!("/ValueSet/$expand?url=http://example.org/all{query}");
        app.get(&query).await.refused(404, expected);
    }
}

#[tokio::test]
async fn one_good_coding_of_a_concept_is_enough() {
    let (_fk, app) = zoo().await;
    let ask = |codings: Value| {
        let parameters = json!({"resourceType": "Parameters", "parameter": [
            {"name": "url", "valueUri": "http://example.org/mammals"},
            {"name": "codeableConcept", "valueCodeableConcept": {"coding": codings}}]});
        let app = &app;
        async move { app.post("/ValueSet/$validate-code", &parameters).await.ok() }
    };
    let (cat, other) = (
        json!({"system": ANIMALS, "code": "cat"}),
        json!({"system": "http://example.org/none", "code": "x"}),
    );
    let both = ask(json!([other, cat])).await;
    assert_eq!(said(&both, "result"), true);
    assert!(said(&both, "message").as_str().is_some_and(|text| text.contains("not loaded")));
    assert_eq!(said(&ask(json!([other])).await, "result"), false);
}

#[tokio::test]
async fn concepts_are_said_in_the_language_that_is_wanted() {
    let (_fk, app) = zoo().await;
    let path = "/ValueSet/rest/$expand";
    let first = |reply: &Reply| reply.json()["expansion"]["contains"][0]["display"].clone();
    assert_eq!(first(&app.get(path).await.ok()), "Bird");
    let asked = app.get(&format!("{path}?displayLanguage=de")).await.ok();
    assert_eq!(first(&asked), "Vogel");
    let header = |language: &'static str, path: &str| {
        Reply::of(app.request(Method::GET, path).header("Accept-Language", language))
    };
    assert_eq!(first(&header("de-DE, de;q=0.9, en;q=0.5", path).await.ok()), "Vogel");
    assert_eq!(first(&header("fr, en;q=0.5", path).await.ok()), "Bird");
    let asked = header("de", &format!("{path}?displayLanguage=en")).await.ok();
    assert_eq!(first(&asked), "Bird");
    let looked = format!("/CodeSystem/$lookup?system={ANIMALS}&code=cat");
    assert_eq!(said(&header("de", &looked).await.ok(), "display"), "Katze");
}

#[tokio::test]
async fn a_supplement_that_is_asked_for_has_to_be_there() {
    let (_fk, app) = zoo().await;
    let more = json!({
        "resourceType": "CodeSystem", "id": "french", "url": "http://example.org/french",
        "status": "active", "content": "supplement", "supplements": ANIMALS,
        "concept": [{"code": "bird", "designation": [{"language": "fr", "value": "Oiseau"}]}],
    });
    let path = "/ValueSet/rest/$expand?displayLanguage=fr&useSupplement=http://example.org/french";
    app.get(path).await.refused(404, "http://example.org/french");
    app.put("/CodeSystem/french", &more).await.created();
    let reply = app.get(path).await.ok();
    assert_eq!(reply.json()["expansion"]["contains"][0]["display"], "Oiseau");
    let wrong = "/ValueSet/rest/$validate-code?code=bird&useSupplement=http://example.org/none";
    app.get(wrong).await.refused(404, "http://example.org/none");
}

#[tokio::test]
async fn codes_are_translated_and_held_against_value_sets() {
    let (_fk, app) = zoo().await;
    let path = format!("/ConceptMap/food/$translate?system={ANIMALS}&code=cat");
    let translated = app.get(&path).await.ok();
    assert_eq!(said(&translated, "result"), true);
    assert!(translated.text().contains("mouse"), "{}", translated.text());
    let path = format!("/ConceptMap/food/$translate?system={ANIMALS}&code=bird");
    assert_eq!(said(&app.get(&path).await.ok(), "result"), false);
    let rows = [("code=cat", true), ("code=bird", false)];
    for (code, expected) in rows {
        let path = format!("/ValueSet/mammals/$validate-code?system={ANIMALS}&{code}");
        assert_eq!(said(&app.get(&path).await.ok(), "result"), expected, "{code}");
    }
    let coded = json!({"resourceType": "Parameters", "parameter": [
        {"name": "url", "valueUri": "http://example.org/mammals"},
        {"name": "codeableConcept", "valueCodeableConcept": {"coding": [
            {"system": "http://example.org/none", "code": "x"},
            {"system": ANIMALS, "code": "cat"},
        ]}},
    ]});
    let reply = app.post("/ValueSet/$validate-code", &coded).await.ok();
    assert_eq!(said(&reply, "code"), "cat");
}

#[tokio::test]
async fn the_service_says_which_code_systems_it_knows() {
    let (fk, _app) = zoo().await;
    let path = "/metadata?mode=terminology";
    let statement = fk.as_anonymous().get(path).await.ok().json();
    assert_eq!(statement["resourceType"], "TerminologyCapabilities");
    let systems = statement["codeSystem"].as_array().expect("code systems");
    assert!(systems.len() > 1_000, "{}", systems.len());
    let ours = systems.iter().find(|system| system["uri"] == ANIMALS).expect("ours");
    assert_eq!(ours["version"], json!([{"code": "1"}]));
    assert_eq!(statement["expansion"]["paging"], true);
    let checked = fk.as_contributor().await;
    let checked = checked.post("/TerminologyCapabilities/$validate", &statement).await.ok();
    let issues = checked.json()["issue"].as_array().cloned().unwrap_or_default();
    assert!(issues.iter().all(|issue| issue["severity"] != "error"), "{}", checked.text());
}

#[tokio::test]
async fn a_package_is_validated_with_and_expanded() {
    const PATIENT: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let Some(package) = shared("data/igs/hl7.fhir.us.core-6.1.0.tgz") else { return };
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let patient = json!({"resourceType": "Patient", "name": [{"family": "One"}]});
    let path = format!("/Patient/$validate?profile={PATIENT}");
    let before = app.post(&path, &patient).await.ok();
    assert!(before.text().contains("is not known here"), "{}", before.text());
    let done = fk.run(&["package", "add", &package.display().to_string()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let after = app.post(&path, &patient).await.ok().text();
    for missing in ["identifier is missing", "gender is missing"] {
        assert!(after.contains(missing), "{after}");
    }
    let set = "http://hl7.org/fhir/us/core/ValueSet/us-core-problem-or-health-concern";
    let expansion = expanded(&app, &format!("$expand?url={set}")).await;
    assert!(codes(&expansion["contains"]).contains("health-concern"), "{expansion}");
    let request = app.request(Method::POST, "/Patient").header("x-ms-profile-validation", "true");
    let declared = json!({"resourceType": "Patient", "meta": {"profile": [PATIENT]}});
    Reply::of(request.json(&declared)).await.refused(422, "identifier is missing");
}
