//! <https://hl7.org/fhir/R4/search.html#ptypes>, row by row: an element and what is found in it.

use std::sync::Arc;

use fhir::Definitions;
use fhir::definitions::{Layer, Origin, Registry};
use fhir::path::Schema;
use fhir::search::{Extractors, Quantity, Reference, Value, check};
use fhir::value;

use crate::values_oracle::parse;
use crate::values_suite::setting;

/// Checks the values of one parameter, in the order of the resource.
fn finds(code: &str, resource: &str, expected: &[&str]) {
    let document = parse(resource);
    let extractor = Extractors::r4().of_resource(document.root()).expect("a known type");
    let place = extractor.place(code).expect("a parameter");
    let values = extractor.extract(document.root(), &setting());
    let found = values.found.iter().filter(|found| found.parameter == place);
    let found: Vec<String> = found.map(|found| found.value.to_string()).collect();
    assert_eq!(found, expected, "{code} of {resource}");
}

fn observation(members: &str) -> String {
    format!(r#"{{"resourceType":"Observation",{members}}}"#)
}

fn patient(members: &str) -> String {
    format!(r#"{{"resourceType":"Patient",{members}}}"#)
}

#[test]
fn tokens() {
    let codings = r#""code":{"coding":[{"system":"s","code":"c","display":"d"},{"code":"e"}]"#;
    finds(
        "code",
        &observation(&format!("{codings},\"text\":\"t\"}}")),
        &["s|c \"d\"", "e", " \"t\""],
    );
    finds("code", &observation(r#""code":{"coding":[{"userSelected":true}]}"#), &[]);
    finds("gender", &patient(r#""gender":"male""#), &["male"]);
    finds("gender", &patient(r#""_gender":{"extension":[{"url":"x"}]}"#), &[]);
    finds("active", &patient(r#""active":false"#), &["false"]);
    finds("deceased", &patient(r#""active":false"#), &["false"]);
    finds("deceased", &patient(r#""deceasedDateTime":"2020""#), &["true"]);
    let identifier = r#""identifier":[{"system":"s","value":"1",
        "type":{"coding":[{"system":"t","code":"MR"}],"text":"Record"}}]"#;
    finds("identifier", &patient(identifier), &["s|1 \"Record\" type t|MR"]);
    let telecom = r#""telecom":[{"system":"phone","use":"home","value":"1"},{"value":"2"},
        {"system":"email","value":"a@b"},{"system":"fax"}]"#;
    finds("telecom", &patient(telecom), &["home|1", "phone|1", "2", "email|a@b"]);
    finds("email", &patient(telecom), &["email|a@b"]);
    finds("_language", &patient(r#""language":"de""#), &["de"]);
    finds("_tag", &patient(r#""meta":{"tag":[{"system":"s","code":"c"}]}"#), &["s|c"]);
    // However a key or a text is written.
    finds("gender", &patient(r#""gen\u0064er":"m\u0061le""#), &["male"]);
}

#[test]
fn strings_and_uris() {
    let name = r#""name":[{"use":"usual","text":"A B","family":"B","given":["A","\u00c5"],
        "period":{"start":"2020"}}]"#;
    finds("name", &patient(name), &["\"A B\"", "\"B\"", "\"A\"", "\"Å\""]);
    finds("given", &patient(name), &["\"A\"", "\"Å\""]);
    finds("given", &patient(r#""name":[{"given":[null,"B",""]}]"#), &["\"B\""]);
    let meta = r#""meta":{"profile":["http://a|1","http://b"],"source":"http://c|d"}"#;
    finds("_profile", &patient(meta), &["http://a|1", "http://b"]);
    finds("_source", &patient(meta), &["http://c|d"]);
}

#[test]
fn dates_are_intervals() {
    for (text, interval) in [
        (r#""effectiveDateTime":"2020""#, "2020-01-01 .. 2021-01-01"),
        (r#""effectiveDateTime":"2020-02""#, "2020-02-01 .. 2020-03-01"),
        (
            r#""effectiveInstant":"2020-02-29T01:00:00+02:00""#,
            "2020-02-28T23:00:00 .. 2020-02-28T23:00:01",
        ),
        (
            r#""effectiveDateTime":"2020-01-01T00:00:00.1234567Z""#,
            "2020-01-01T00:00:00.1234567 .. 2020-01-01T00:00:00.1234568",
        ),
        (r#""effectivePeriod":{"start":"2020","end":"2020-02"}"#, "2020-01-01 .. 2020-03-01"),
        (r#""effectivePeriod":{"start":"2020"}"#, "2020-01-01 .. *"),
        (r#""effectivePeriod":{"end":"2020"}"#, "* .. 2021-01-01"),
        (r#""effectiveTiming":{"event":["2020-02-03","2020-01-02"]}"#, "2020-01-02 .. 2020-02-04"),
        (
            r#""effectiveTiming":{"event":["2021"],"repeat":{"boundsPeriod":{"start":"2020"}}}"#,
            "2020-01-01 .. *",
        ),
    ] {
        finds("date", &observation(text), &[interval]);
    }
    finds("date", &observation(r#""effectiveTiming":{"repeat":{"count":3}}"#), &[]);
    finds("date", &observation(r#""effectivePeriod":{"extension":[]}"#), &[]);
}

#[test]
fn quantities_and_numbers() {
    for (text, expected) in [
        (
            r#""valueQuantity":{"value":1.50,"unit":"mg","system":"u","code":"m"}"#,
            "1.50 u|m \"mg\"",
        ),
        (r#""valueQuantity":{"value":5,"comparator":"<"}"#, "< * .. 5"),
        (r#""valueQuantity":{"value":5,"comparator":">="}"#, ">= 5 .. *"),
        (
            r#""valueSampledData":{"origin":{"value":10,"unit":"V"},
                "factor":0.5,"data":"2 E -4 8"}"#,
            "8 .. 14 \"V\"",
        ),
        (r#""valueSampledData":{"origin":{"value":0},"data":"L 3 U"}"#, "* .. *"),
    ] {
        finds("value-quantity", &observation(text), &[expected]);
    }
    let risk = |value| format!(r#"{{"resourceType":"RiskAssessment","prediction":[{{{value}}}]}}"#);
    finds("probability", &risk(r#""probabilityDecimal":1E-245"#), &["1E-245"]);
    let range = r#""probabilityRange":{"low":{"value":0.1},"high":{"value":0.2}}"#;
    finds("probability", &risk(range), &["0.1 .. 0.2"]);
    finds("probability", &risk(r#""probabilityRange":{"high":{"value":0.2}}"#), &["* .. 0.2"]);
    let invoice = r#"{"resourceType":"Invoice","totalNet":{"value":9.90,"currency":"EUR"}}"#;
    finds("totalnet", invoice, &["9.90 urn:iso:std:iso:4217|EUR"]);
}

#[test]
fn quantities_of_one_kind_have_one_unit() {
    let canonical = |value: &str, code: &str| {
        let text = format!(
            r#"{{"resourceType":"Observation","valueQuantity":{{"value":{value},
                "system":"http://unitsofmeasure.org","code":"{code}"}}}}"#
        );
        let document = parse(&text);
        let extractor = Extractors::r4().of_resource(document.root()).expect("a known type");
        let place = extractor.place("value-quantity");
        let values = extractor.extract(document.root(), &setting()).found;
        let found = values.iter().find(|found| Some(found.parameter) == place)?;
        let Value::Quantity(quantity) = &found.value else { return None };
        Quantity::canonical(quantity)
    };
    assert_eq!(canonical("90", "mg/dL"), canonical("0.9", "g/L"));
    assert_eq!(canonical("1.0", "m"), canonical("100", "cm"));
    assert!(
        canonical("1E-245", "g").expect("a unit").low < canonical("1", "ng").expect("a unit").low
    );
    assert_eq!(canonical("7", "[pH]"), None);
    assert_eq!(canonical("7", "none of them"), None);
}

#[test]
fn references_go_where_their_text_says() {
    let subject = |reference: &str| {
        let contained = r#""contained":[{"resourceType":"Group","id":"g"}]"#;
        observation(&format!(r#"{contained},"subject":{{{reference}}}"#))
    };
    for (reference, shown, is_patient) in [
        (r#""reference":"Patient/1""#, "Patient/1", true),
        (r#""reference":"Patient/1/_history/2""#, "Patient/1/_history/2", true),
        (r#""reference":"http://a/fhir/Patient/1""#, "http://a/fhir/Patient/1", true),
        (r#""reference":"Patient?identifier=a""#, "Patient?identifier=a", true),
        (r#""reference":"Group/1","type":"Patient""#, "Group/1 type Patient", false),
        (r##""reference":"#g""##, "#g", false),
        (r#""reference":"urn:uuid:1","type":"Patient""#, "urn:uuid:1 type Patient", true),
        (r#""reference":"urn:uuid:1""#, "urn:uuid:1", false),
        (
            r#""type":"Patient","identifier":{"system":"s","value":"v"}"#,
            "- type Patient identifier s|v",
            true,
        ),
    ] {
        let resource = subject(reference);
        finds("subject", &resource, &[shown]);
        let both = [shown];
        finds("patient", &resource, both.get(usize::from(!is_patient)..).unwrap_or_default());
    }
    finds("subject", &subject(r#""display":"somebody""#), &[]);
    let bundle = r#"{"resourceType":"Bundle","entry":[
        {"resource":{"resourceType":"Composition","id":"c"}},
        {"resource":{"resourceType":"Patient","id":"p"}}]}"#;
    finds("composition", bundle, &["Composition/c"]);
    let canonical = Reference {
        text: Some("http://a/Questionnaire/1|2".into()),
        is_canonical: true,
        ..Reference::default()
    };
    let Some(value::Reference::Url(url)) = canonical.target() else { panic!("a canonical") };
    assert_eq!((url.url, url.version), ("http://a/Questionnaire/1", Some("2")));
}

#[test]
fn a_composite_holds_of_one_element() {
    let components = r#""component":[
        {"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1}},
        {"code":{"coding":[{"code":"b"}]}},
        {"code":{"coding":[{"code":"c"},{"code":"d"}]},"valueQuantity":{"value":2}}]"#;
    let expected = ["{ a & 1 }", "{ c, d & 2 }"];
    finds("component-code-value-quantity", &observation(components), &expected);
    let related = r#"{"resourceType":"DocumentReference","relatesTo":[
        {"code":"replaces","target":{"reference":"DocumentReference/1"}}]}"#;
    finds("relationship", related, &["{ DocumentReference/1 & replaces }"]);
    let location = r#"{"resourceType":"Location","position":{"longitude":-1.50,"latitude":2}}"#;
    finds("near", location, &["2 -1.50"]);
}

/// A SearchParameter of a service's own.
fn parameter(base: &str, kind: &str, expression: &str) -> String {
    format!(
        r#"{{"resourceType":"SearchParameter","url":"http://own","name":"own","code":"own",
            "status":"active","base":["{base}"],"type":"{kind}","expression":"{expression}"}}"#
    )
}

fn registry(parameter: &str) -> Registry {
    let document = parse(parameter);
    let layer = Layer::new(Definitions::r4(), Origin::Rest, [&document]);
    Registry::new(Definitions::r4()).with(Arc::new(layer))
}

#[test]
fn a_parameter_of_ones_own_is_searched_by_like_any_other() {
    let document = parse(&patient(
        r#""name":[{"family":"Abc"}],"extension":[{"url":"u","valueCode":"x"},
            {"url":"v","valueCode":"y"}],"contact":[{"gender":"female"},{"gender":"male"}]"#,
    ));
    for (kind, expression, expected) in [
        ("token", "Patient.extension('u')", vec!["x"]),
        ("token", "Patient.extension.where(url='v').value", vec!["y"]),
        ("token", "extension('v').value.ofType(code)", vec!["y"]),
        ("string", "Patient.name.family.substring(0, 2)", vec!["\"Ab\""]),
        ("number", "Patient.name.family.length()", vec!["3"]),
        ("token", "Patient.contact[1].gender | Group.code", vec!["male"]),
        ("token", "Patient.contact.gender[0]", vec!["female"]),
        ("token", "Resource.language", vec![]),
    ] {
        let extractors =
            Extractors::new(registry(&parameter("Patient", kind, expression)), Schema::r4());
        let extractor = extractors.of_resource(document.root()).expect("Patient");
        assert!(extractor.errors().len() == 1, "{:?}", extractor.errors());
        let place = extractor.place("own").expect("the parameter");
        let values = extractor.extract(document.root(), &setting());
        let found = values.found.iter().filter(|found| found.parameter == place);
        let found: Vec<String> = found.map(|found| found.value.to_string()).collect();
        assert_eq!(found, expected, "{expression}");
    }
}

#[test]
fn what_is_wrong_with_a_parameter_is_told() {
    for (base, kind, expression, expected) in [
        ("Patient", "token", "Patient.name..x", "its expression is wrong: "),
        (
            "Patient",
            "token",
            "Patient.nam",
            "its expression names nam, which Patient does not have",
        ),
        (
            "Patient",
            "token",
            "Group.code",
            "its expression finds nothing there; begin it with 'Patient.'",
        ),
        (
            "Patient",
            "date",
            "Patient.name",
            "a search of type date finds nothing in what it gives (HumanName)",
        ),
        ("Patient", "composite", "Patient.name", "a composite has components"),
        ("Nothing", "token", "Nothing.x", "there is no such resource type"),
        ("Patient", "string", "Patient.name.family.foo()", "its expression is wrong: "),
    ] {
        let registry = registry(&parameter(base, kind, expression));
        let layer = registry.layers().next().expect("a layer");
        let parameter = layer.search_parameters().iter().next().expect("a parameter");
        let errors = check(&registry, &Schema::r4(), parameter).expect_err(expression);
        let told = errors.first().expect("an error").to_string();
        let start = format!("SearchParameter http://own cannot be used for {base}: {expected}");
        assert!(told.starts_with(&start), "{told}");
    }
}

#[test]
fn a_composite_has_each_of_its_expressions_once() {
    let check_pair = |[first, second]: [&str; 2], expected: Option<&str>| {
        let of = |code: &str, expression: &str| {
            format!(
                r#"{{"definition":"http://hl7.org/fhir/SearchParameter/{code}",
                    "expression":"{expression}"}}"#
            )
        };
        let components =
            [of("DocumentReference-relatesto", first), of("DocumentReference-relation", second)];
        let own = parameter("DocumentReference", "composite", "DocumentReference.relatesTo");
        let own = own.trim_end_matches('}').to_owned();
        let own = format!(r#"{own},"component":[{}]}}"#, components.join(","));
        let registry = registry(&own);
        let layer = registry.layers().next().expect("a layer");
        let parameter = layer.search_parameters().iter().next().expect("a parameter");
        let found = check(&registry, &Schema::r4(), parameter).err();
        let found = found.and_then(|all| Some(all.first()?.to_string()));
        let is_expected = match (&found, expected) {
            (Some(found), Some(expected)) => found.contains(expected),
            (None, None) => true,
            _ => false,
        };
        assert!(is_expected, "{first} {second}: {found:?}");
    };
    check_pair(["target", "code"], None);
    check_pair(["code", "target"], None);
    check_pair(["target", "target"], Some("a search of type token finds nothing"));
    check_pair(["code", "code"], Some("a search of type reference finds nothing"));
}

#[test]
fn an_expression_that_fails_leaves_the_other_values() {
    let own = parameter("Patient", "token", "(Patient.name.given = 1).not().single() + (1 | 2)");
    let extractors = Extractors::new(registry(&own), Schema::r4());
    let document = parse(&patient(r#""id":"1","name":[{"given":["A","B"]}]"#));
    let extractor = extractors.of_resource(document.root()).expect("Patient");
    let values = extractor.extract(document.root(), &setting());
    let fault = values.faults.first().expect("a fault");
    assert_eq!(Some(fault.parameter), extractor.place("own"));
    assert!(values.found.iter().any(|found| Some(found.parameter) == extractor.place("_id")));
}

#[test]
fn what_means_the_same_as_that_of_the_standard_is_that_of_the_standard() {
    let url = |code: &str, base: &str, kind: &str, expression: &str| {
        let own = parameter(base, kind, expression);
        let own = own.replace(r#""code":"own""#, &format!(r#""code":"{code}""#));
        let extractors = Extractors::new(registry(&own), Schema::r4());
        let ty = Definitions::r4().type_named(base).expect("a type");
        let extractor = extractors.of(ty).expect("an extractor");
        let place = extractor.place(code).expect("a parameter");
        extractor.parameters()[place].url.to_string()
    };
    let standard = |name: &str| format!("http://hl7.org/fhir/SearchParameter/{name}");
    let own = "http://own".to_owned();
    let birthdate = standard("individual-birthdate");
    assert_eq!(url("birthdate", "Patient", "date", "Patient.birthDate"), birthdate);
    assert_eq!(url("birthdate", "Patient", "date", "birthDate"), birthdate);
    // One that finds nothing does not take the place of one that does.
    assert_eq!(url("birthdate", "Patient", "string", "Patient.birthDate"), birthdate);
    assert_eq!(url("birthdate", "Patient", "date", "Patient.deceased"), own);
    assert_eq!(url("email", "Patient", "token", "Patient.telecom.where(system='phone')"), own);
    let onset = "Condition.onset.as(Period) | Condition.onset.as(dateTime)";
    assert_eq!(url("onset-date", "Condition", "date", onset), standard("Condition-onset-date"));
    assert_eq!(url("nick", "Patient", "string", "Patient.name.given"), own);
}
