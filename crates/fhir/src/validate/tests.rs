//! Structure, as tables: a resource, and where it is wrong.

use base::limits::{ISSUES, STRING_BYTES};

use super::narrative::check as narrative;
use super::*;

/// Everything that is wrong with a text.
fn issues(text: &str) -> Vec<Issue> {
    let document = json::Document::parse(text.to_owned(), &json::Limits::default());
    let Ok(document) = document else { unreachable!("{text} is JSON") };
    let root = document.root();
    let name = root.get("resourceType").and_then(json::Value::as_str).unwrap_or_default();
    let mut issues = Issues::new();
    structure(&Place { root, path: &name }, Rules::r4(), &mut issues);
    issues.into_list(document.bytes())
}

/// `location code` of each issue, parted by commas.
fn found(text: &str) -> String {
    let issues = issues(text);
    let short = issues.iter().map(|issue| format!("{} {}", issue.location, issue.code.code()));
    short.collect::<Vec<_>>().join(", ")
}

/// A Patient with these members.
fn patient(members: &str, expected: &str) {
    let text = format!(r#"{{"resourceType":"Patient",{members}}}"#);
    assert_eq!(found(&text), expected, "{members}");
}

/// A final Observation with these members.
fn observation(members: &str, expected: &str) {
    let text = format!(
        r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},{members}}}"#
    );
    assert_eq!(found(&text), expected, "{members}");
}

#[test]
fn names_are_those_of_the_type() {
    patient(r#""active":true"#, "");
    patient(r#""nmae":[{"family":"A"}]"#, "Patient.nmae structure");
    patient(r#""name":[{"family":"A"},{"famly":"A"}]"#, "Patient.name[1].famly structure");
    patient(r#""contact":[{"name":{"text":"x"},"nme":1}]"#, "Patient.contact[0].nme structure");
    patient(r#""n\u0061me":[{"f\u0061mily":"A"}]"#, "");
    patient(r#""deceased":true"#, "Patient.deceased structure");
    patient(r#""_name":[{"id":"a"}]"#, "Patient.name structure");
    patient(r#""fhir_comments":["x"]"#, "Patient.fhir_comments structure");
    patient(r#""resourcetype":"Patient""#, "Patient.resourcetype structure");
    let text = |text: &str| issues(text).first().map(|issue| issue.text.clone());
    let said = text(r#"{"resourceType":"Patient","nmae":[]}"#).unwrap_or_default();
    assert_eq!(said, "Patient has no element 'nmae'. Did you mean 'name'?");
    let said = text(r#"{"resourceType":"Patient","deceased":true}"#).unwrap_or_default();
    assert!(said.ends_with("write one of deceasedBoolean, deceasedDateTime."), "{said}");
}

#[test]
fn what_is_required_is_there_and_what_repeats_is_an_array() {
    assert_eq!(
        found(r#"{"resourceType":"Observation"}"#),
        "Observation required, Observation required"
    );
    patient(r#""communication":[{"preferred":true}]"#, "Patient.communication[0] required");
    patient(r#""name":{"family":"A"}"#, "Patient.name structure");
    patient(r#""birthDate":["1970"]"#, "Patient.birthDate structure");
    patient(r#""name":[[{"family":"A"}]]"#, "Patient.name[0] structure");
    patient(r#""name":["A"]"#, "Patient.name[0] structure");
    patient(r#""maritalStatus":"M""#, "Patient.maritalStatus structure");
    patient(r#""name":[]"#, "Patient.name structure");
    patient(r#""name":[{}]"#, "Patient.name[0] structure");
    patient(r#""maritalStatus":{}"#, "Patient.maritalStatus structure");
    // An element that has only extensions is there.
    let text = r#"{"resourceType":"Observation","code":{"text":"x"},
        "_status":{"extension":[{"url":"http://a","valueCode":"unknown"}]}}"#;
    assert_eq!(found(text), "");
}

#[test]
fn a_choice_is_made_once() {
    patient(
        r#""deceasedBoolean":true,"deceasedDateTime":"2020""#,
        "Patient.deceasedDateTime structure",
    );
    patient(r#""deceasedString":"x""#, "Patient.deceasedString structure");
    patient(r#""deceasedBoolean":true,"_deceasedBoolean":{"id":"a"}"#, "");
    patient(r#""_deceasedBoolean":{"id":"a"},"deceasedBoolean":true"#, "");
    patient(
        r#""_deceasedBoolean":{"id":"a"},"deceasedDateTime":"2020""#,
        "Patient.deceasedDateTime structure",
    );
    observation(
        r#""valueString":"a","valueInteger":1,"_valueTime":{"id":"x"}"#,
        "Observation.valueInteger structure, Observation.valueTime structure",
    );
}

#[test]
fn a_sibling_stands_beside_its_primitive() {
    let null = "Patient.name[0].given[1] structure";
    let name =
        |members: &str, expected: &str| patient(&format!(r#""name":[{{{members}}}]"#), expected);
    name(r#""given":["A",null],"_given":[null,{"id":"x"}]"#, "");
    name(r#""given":["A","B"],"_given":[null,{"id":"x"}]"#, "");
    name(r#""given":["A",null]"#, null);
    name(r#""given":["A",null],"_given":[{"id":"x"},null]"#, null);
    name(r#""given":["A"],"_given":[null]"#, "Patient.name[0].given structure");
    name(r#""given":["A"],"_given":[{"id":"x"},{"id":"y"}]"#, "Patient.name[0].given structure");
    name(r#""_given":[{"id":"x"}]"#, "");
    name(r#""_given":[null,{"id":"x"}]"#, "Patient.name[0].given[0] structure");
    name(r#""_given":{"id":"x"}"#, "Patient.name[0].given structure");
    name(r#""_family":{"id":"x","value":"A"}"#, "Patient.name[0].family.value structure");
    name(r#""_family":[{"id":"x"}]"#, "Patient.name[0].family structure");
    name(r#""_family":{}"#, "Patient.name[0].family structure");
    name(r#""_family":null"#, "Patient.name[0].family structure");
    name(r#""family":null"#, "Patient.name[0].family structure");
    patient(r#""name":[null]"#, "Patient.name[0] structure");
    patient(r#""name":null"#, "Patient.name structure");
    patient(
        r#""_birthDate":{"extension":[{"valueCode":"x"}]}"#,
        "Patient.birthDate.extension[0] required",
    );
}

/// The values of a primitive that are right, and those that are not.
fn primitive(code: &str, right: &[&str], wrong: &[&str]) {
    let capital = code.get(..1).map(str::to_ascii_uppercase).unwrap_or_default();
    let name = format!("value{capital}{}", code.get(1..).unwrap_or_default());
    for (texts, count) in [(right, 0), (wrong, 1)] {
        for text in texts {
            let text = format!(
                r#"{{"resourceType":"Basic","code":{{"text":"x"}},
                   "extension":[{{"url":"http://a","{name}":{text}}}]}}"#
            );
            assert_eq!(issues(&text).len(), count, "{text}");
        }
    }
}

#[test]
fn numbers_and_booleans_are_no_strings() {
    primitive("boolean", &["true", "false"], &[r#""true""#, "1", "[true]"]);
    primitive(
        "integer",
        &["0", "-1", "2147483647", "-2147483648"],
        &["1.0", "1e3", "2147483648", "-2147483649", r#""1""#, "true"],
    );
    primitive("unsignedInt", &["0", "2147483647"], &["-1", "0.5"]);
    primitive("positiveInt", &["1"], &["0", "-1"]);
    primitive("decimal", &["1", "-0.0", "1.50", "1e400", "1E-30"], &[r#""1.0""#, "true"]);
}

#[test]
fn texts_look_as_their_type_says() {
    primitive(
        "string",
        &[r#""a""#, r#"" a\t\n""#, r#""é""#],
        &[r#""""#, r#"" \n""#, r#""a\u0000""#, "1"],
    );
    primitive("markdown", &[r##""# a""##], &[r#""  ""#, r#""""#]);
    primitive("code", &[r#""a""#, r#""a b""#], &[r#"" a""#, r#""a ""#, r#""a  b""#, r#""a\tb""#]);
    primitive("uri", &[r#""urn:a""#, r#""é""#, r#""http://x|1|2""#], &[r#""a b""#, r#""""#]);
    primitive("canonical", &[r#""http://x|1|2""#], &[r#"" ""#]);
    primitive("url", &[r#""http://x""#], &[r#""http://x y""#]);
    primitive("id", &[r#""a-B.9""#], &[r#""a_b""#, r#""a b""#, r#""../a""#]);
    primitive(
        "oid",
        &[r#""urn:oid:1.2.0""#],
        &[r#""urn:oid:1.02.3""#, r#""urn:oid:9.1""#, r#""1.2""#],
    );
    primitive(
        "uuid",
        &[r#""urn:uuid:c757873d-ec9a-4326-a141-556f43239520""#],
        &[r#""urn:uuid:ABCDEF01-0000-0000-0000-000000000000""#, r#""urn:uuid:1""#],
    );
    primitive(
        "base64Binary",
        &[r#""QUJD""#, r#""QU JD\nQQ==""#],
        &[r#""a b=""#, r#""=AAA""#, r#""QUJ""#],
    );
}

#[test]
fn dates_and_times_are_possible_and_have_zones() {
    primitive(
        "date",
        &[r#""2000-02-29""#, r#""1970""#, r#""1970-06""#],
        &[
            r#""1900-02-29""#,
            r#""1970-1-1""#,
            r#""0000""#,
            r#""1970-01-01T00:00:00Z""#,
            r#"" 1970""#,
        ],
    );
    primitive(
        "dateTime",
        &[r#""2020""#, r#""2020-01-01T10:00:00.5-00:00""#],
        &[
            r#""2020-01-01T10:00:00""#,
            r#""2020-01-01T10:00Z""#,
            r#""2020-01-01T24:00:00Z""#,
            r#""2020T""#,
            r#""2020-01-01T""#,
            r#""2020-01-01T10:00:00+14:01""#,
        ],
    );
    primitive("instant", &[r#""2020-01-01T10:00:00Z""#], &[r#""2020-01-01""#]);
    primitive(
        "time",
        &[r#""10:00:00""#, r#""10:00:00.5""#],
        &[r#""10:00""#, r#""10:00:00Z""#, r#""24:00:00""#],
    );
}

#[test]
fn codes_are_those_of_a_required_binding() {
    patient(r#""gender":"male""#, "");
    patient(r#""gender":"Male""#, "Patient.gender code-invalid");
    patient(r#""name":[{"use":"usuel"}]"#, "Patient.name[0].use code-invalid");
    patient(r#""language":"anything""#, "");
    patient(r#""photo":[{"contentType":"text/plain; charset=utf-8"}]"#, "");
    let said = issues(r#"{"resourceType":"Patient","gender":"mail"}"#);
    let said = said.first().map(|issue| issue.text.clone()).unwrap_or_default();
    assert!(
        said.contains("Did you mean 'male'?") && said.contains("female, male, other"),
        "{said}"
    );
}

#[test]
fn an_extension_has_a_url_and_one_of_two_things() {
    let extension = |members: &str, expected: &str| {
        patient(&format!(r#""extension":[{{{members}}}]"#), expected);
    };
    extension(r#""url":"http://a","valueString":"x""#, "");
    extension(r#""url":"http://a","extension":[{"url":"b","valueInteger":1}]"#, "");
    extension(r#""valueString":"x""#, "Patient.extension[0] required");
    extension(r#""url":"http://a""#, "Patient.extension[0] structure");
    extension(
        r#""url":"http://a","valueString":"x","extension":[{"url":"b","valueInteger":1}]"#,
        "Patient.extension[0] structure",
    );
}

#[test]
fn a_reference_points_at_a_type_that_is_allowed() {
    let performer = |reference: &str, expected: &str| {
        observation(&format!(r#""performer":[{{{reference}}}]"#), expected);
    };
    let wrong = "Observation.performer[0].reference value";
    performer(r#""reference":"Practitioner/1""#, "");
    performer(r#""reference":"https://a.example/fhir/Practitioner/1/_history/2""#, "");
    performer(r#""reference":"Practitioner?identifier=1""#, "");
    performer(r#""reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520""#, "");
    performer(r##""reference":"#a""##, "");
    performer(r#""reference":"https://a.example/Anything/1""#, "");
    performer(r#""reference":"Encounter/1""#, wrong);
    performer(r#""reference":"https://a.example/fhir/Encounter/1""#, wrong);
    performer(r#""reference":"Encounter?identifier=1""#, wrong);
    performer(r#""reference":"Nothing/1""#, wrong);
    performer(r#""type":"Encounter""#, "Observation.performer[0].type value");
    performer(
        r#""type":"Patient","reference":"Practitioner/1""#,
        "Observation.performer[0].type value",
    );
    performer(
        r#""type":"http://hl7.org/fhir/StructureDefinition/Patient","reference":"Patient/1""#,
        "",
    );
    observation(r#""focus":[{"reference":"Encounter/1"}]"#, "");
}

#[test]
fn resources_inside_resources_are_checked_too() {
    patient(
        r#""contained":[{"resourceType":"Organization","nme":"x"}]"#,
        "Patient.contained[0].nme structure",
    );
    patient(r#""contained":[{"id":"a"}]"#, "Patient.contained[0] required");
    patient(
        r#""contained":[{"resourceType":"Patiant"}]"#,
        "Patient.contained[0].resourceType not-supported",
    );
    patient(
        r#""contained":[{"resourceType":"DomainResource"}]"#,
        "Patient.contained[0].resourceType not-supported",
    );
    patient(
        r#""contained":[{"resourceType":"HumanName"}]"#,
        "Patient.contained[0].resourceType not-supported",
    );
    patient(r#""contained":["x"]"#, "Patient.contained[0] structure");
    let bundle = r#"{"resourceType":"Bundle","type":"collection",
        "entry":[{"resource":{"resourceType":"Patient","id":"a_b","birthDate":"x"}}]}"#;
    assert_eq!(
        found(bundle),
        "Bundle.entry[0].resource.id value, Bundle.entry[0].resource.birthDate value"
    );
    assert_eq!(found("[]"), " structure");
    assert_eq!(found("{}"), " required");
}

#[test]
fn the_shell_of_a_bundle_leaves_its_resources_out() {
    let text = r#"{"resourceType":"Bundle","type":"batch","x":1,
        "entry":[{"resource":{"nothing":1},"request":{"method":"GOT"}}]}"#;
    let document = json::Document::parse(text, &json::Limits::default());
    let Ok(document) = document else { unreachable!("it is JSON") };
    let mut issues = Issues::new();
    let place = Place { root: document.root(), path: "Bundle" };
    shell(&place, Rules::r4(), &mut issues);
    let places = issues.into_list(document.bytes()).into_iter().map(|issue| issue.location);
    let request = "Bundle.entry[0].request";
    let method = format!("{request}.method");
    assert_eq!(places.collect::<Vec<_>>(), ["Bundle.x", request, method.as_str()]);
}

#[test]
fn all_faults_are_told_in_order_with_line_and_column() {
    let text = concat!(
        "{\"resourceType\":\"Patient\",\n \"a\":1,\n",
        " \"name\":[{\"é\":\"ä\",  \"b\":2}],\n  \"gender\":7}"
    );
    let issues = issues(text);
    let places: Vec<String> = issues.iter().map(ToString::to_string).collect();
    let starts = [
        "Patient.a (line 2, column 6)",
        "Patient.name[0].é (line 3, column 15)",
        "Patient.name[0].b (line 3, column 25)",
        "Patient.gender (line 4, column 12)",
    ];
    assert_eq!(places.len(), starts.len(), "{places:?}");
    for (place, start) in places.iter().zip(starts) {
        assert!(place.starts_with(start), "{place}");
    }
}

#[test]
fn so_many_issues_are_told_and_the_rest_is_counted() {
    let faults = |count: usize| {
        let names = vec!["1"; count].join(",");
        issues(&format!(r#"{{"resourceType":"Patient","name":[{names}]}}"#))
    };
    assert_eq!(faults(ISSUES).len(), ISSUES);
    let more = faults(ISSUES + 7);
    let last = more.last().map(|issue| (issue.severity, issue.text.clone()));
    assert_eq!(more.len(), ISSUES + 1);
    assert!(matches!(last, Some((Severity::Information, text)) if text.contains("7 more")));
}

#[test]
fn a_string_has_at_most_a_mebibyte() {
    let family = |length: usize| {
        let text = "x".repeat(length);
        found(&format!(r#"{{"resourceType":"Patient","name":[{{"family":"{text}"}}]}}"#))
    };
    assert_eq!(family(STRING_BYTES), "");
    assert_eq!(family(STRING_BYTES + 1), "Patient.name[0].family too-long");
}

/// A div with this inside is shown as it is, or has these faults.
fn div(inside: &str, faults: &[&str]) {
    let found = narrative(&format!(r#"<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>"#));
    let fits = found.len() == faults.len()
        && found.iter().zip(faults).all(|(fault, word)| fault.text.contains(word));
    assert!(fits, "{inside}: {found:?}");
}

#[test]
fn a_narrative_is_well_formed() {
    div("<p>a <b>b</b> &amp; &#160; &#xA0; &lt;</p><br/>", &[]);
    div("<!-- c --> x", &[]);
    div("<p>a", &["<p> is closed by </div>"]);
    div("<p>a</b></p>", &["closed by </b>"]);
    div("a < b", &["begins no tag"]);
    div("&nbsp;", &["&nbsp"]);
    div("&lol9;", &["&lol9"]);
    div("a & b", &["write"]);
    div("a ]]> b", &["]]&gt;"]);
    div("<p id='a' id='b'>x</p>", &["twice"]);
    div("<p id=a>x</p>", &["malformed"]);
    div("<p id='a'class='b'>x</p>", &["malformed"]);
    div("<p title='<'>x</p>", &["holds a '<'"]);
    div("<![CDATA[x]]>", &["CDATA"]);
    div("<?php x?>", &["processing instructions"]);
    div("<!--><b>x</b>-->x", &["comment"]);
    div("<!-- a -- b -->x", &["comment"]);
    div("x\u{0}", &["U+0000"]);
    div("", &["says nothing"]);
    div(" <p> </p>", &["says nothing"]);
    div("<img src=\"a.png\" alt=\"x\"/>", &[]);
    assert_eq!(narrative("<div>no namespace is stored</div>").len(), 0);
    assert_eq!(narrative("<p>x</p>").len(), 1);
    assert_eq!(narrative("<div>x").len(), 1);
    assert_eq!(narrative("<div>x</div><p/>").len(), 1);
    assert_eq!(narrative("<div xmlns='http://a'>x</div>").len(), 1);
    assert_eq!(narrative("<!DOCTYPE div><div>x</div>").len(), 1);
}

#[test]
fn a_narrative_has_nothing_that_runs() {
    div("<script>x</script>", &["<script>"]);
    div("<p onclick='x()'>x</p><P>x</P>", &["onclick", "<P>"]);
    div("<form><input name='a'/></form>x", &["<form>", "<input>"]);
    div("<a href='https://a.example/x'>x</a><a name='a'>b</a>", &[]);
    div("<a href='javascript:x()'>x</a>", &["would run"]);
    div("<a href=' Java&#x73;cript&#58;x()'>x</a>", &["would run"]);
    div("<a href='java&#10;script:x()'>x</a>", &["would run"]);
    div("<a href='data:text/html,x'>x</a>", &["would run"]);
    div("<img src='data:image/png;base64,AA'/>", &[]);
    div("<p style='color: red; width: expression(x())'>x</p>", &["would run"]);
    div("<p style='color: red'>x</p>", &[]);
    let fault = narrative("<div><iframe src='x'/>x</div>").pop();
    assert_eq!(fault.and_then(|fault| fault.key), Some("txt-1"));
}
