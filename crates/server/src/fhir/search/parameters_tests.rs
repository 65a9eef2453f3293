//! What parameters mean, which are left out, and which are wrong.

use base::limits::{SEARCH_VALUES, SORT_KEYS};

use super::*;

use crate::fhir::search::interpreting::interpreting;

fn rules(listed: Listed) -> Rules {
    Rules { listed, page_default: 10, page_most: 1_000, zone: Zone::UTC }
}

/// Reads parameters of a search of one type, and shows parameters by their names.
fn shown<T>(name: &str, query: &str, show: impl FnOnce(Result<Meaning, Vec<Issue>>) -> T) -> T {
    let bases = ["https://demo.localhost".to_owned()];
    interpreting(&bases, |interpreter| shown_by(interpreter, name, query, show))
}

fn shown_by<T>(
    interpreter: Interpreter<'_>,
    name: &str,
    query: &str,
    show: impl FnOnce(Result<Meaning, Vec<Issue>>) -> T,
) -> T {
    let types = vec![types::number(name).expect("a type")];
    let searching = Searching { interpreter, types, many: false };
    show(read(&[query], rules(Listed::Matches), Some(&searching)).map_err(|unread| match unread {
        Unread::Wrong(issues) => issues,
        Unread::Fault(fault) => vec![Issue::error("exception", fault.to_string())],
    }))
}

fn search<T>(query: &str, show: impl FnOnce(Result<Meaning, Vec<Issue>>) -> T) -> T {
    shown("Patient", query, show)
}

/// Criteria, page, total and what was left out, in one line.
fn line(query: &str) -> String {
    search(query, |meaning| match meaning {
        Ok(meaning) => {
            let all = meaning.types.iter().flat_map(|it| match &it.criterion {
                Criterion::All(all) => all.iter().map(|it| format!("{it:?}")).collect(),
                other => vec![format!("{other:?}")],
            });
            let criteria: Vec<String> = all.collect();
            let mut parts = vec![criteria.join(" "), format!("{}", meaning.count)];
            if meaning.total != Total::Unsaid {
                parts.push(format!("{:?}", meaning.total));
            }
            if meaning.only_total {
                parts.push("only".to_owned());
            }
            let warned = [("ignored", meaning.ignored.len()), ("noted", meaning.notes.len())];
            for (what, how_many) in warned.into_iter().filter(|(_, how_many)| *how_many > 0) {
                parts.push(format!("{how_many} {what}"));
            }
            parts.retain(|part| !part.is_empty());
            parts.join("; ")
        }
        Err(issues) => format!("{} wrong", issues.len()),
    })
}

fn check(query: &str, expected: &str) {
    assert_eq!(line(query), expected, "{query}");
}

#[test]
fn parameters_mean_what_r4_says() {
    check("", "10");
    check("_id=a", "Ids([a]); 10");
    check("_id=a,b", "Ids([a, b]); 10");
    check("_id=a&_id=b", "Ids([a]) Ids([b]); 10");
    check("_id=a%5C,b", "Ids([]); 10");
    check("_id=a_b", "Ids([]); 10");
    check("_count=20", "20");
    check("_count=1000", "1000");
    check("_count=1001", "1000; 1 noted");
    check("_count=99999999999999999999999", "1000; 1 noted");
    check("_count=0", "0; only");
    check("_summary=count", "10; only");
    check("_summary=false", "10");
    check("_total=none", "10; None");
    check("_total=accurate&_count=5", "5; Accurate");
    check("_total=estimate", "10; Accurate");
    check("_format=json&_pretty=true", "10");
}

#[test]
fn what_is_not_supported_is_left_out_with_a_warning() {
    check("_sort=_lastUpdated", "10");
    check("nonsense=x&_include=&nonsense:exact=x", "10; 2 ignored; 1 noted");
    check("_summary=text", "10");
    check("_id=", "10; 1 noted");
    check("_since=2020", "10; 1 ignored");
}

#[test]
fn a_wrong_value_is_refused_with_all_its_siblings() {
    check("_id:text=a", "1 wrong");
    check("name:nonsense=x", "1 wrong");
    check("family:not=x", "1 wrong");
    check("general-practitioner:Device=x", "1 wrong");
    check("_include:logical=Patient:organization", "1 wrong");
    check("organization.name:nonsense=x", "1 wrong");
    check("_count=-1", "1 wrong");
    check("_count=ten", "1 wrong");
    check("_total=all", "1 wrong");
    check("_summary=some", "1 wrong");
    check("_lastUpdated=yesterday", "1 wrong");
    check("_lastUpdated=2020,yesterday", "1 wrong");
    check("_count=x&_lastUpdated=y&_id=a", "2 wrong");
}

#[test]
fn dates_become_intervals_and_gaps() {
    let year = |from: &str, before: &str| {
        format!("{from}-01-01T00:00:00.000000Z), before: Some({before}-01-01T00:00:00.000000Z)")
    };
    check(
        "_lastUpdated=2020",
        &format!("LastUpdated {{ from: Some({} }}; 10", year("2020", "2021")),
    );
    check(
        "_lastUpdated=2020,2021",
        &format!("LastUpdated {{ from: Some({} }}; 10", year("2020", "2022")),
    );
    check(
        "_lastUpdated=2020,2022",
        &format!(
            "Any([LastUpdated {{ from: Some({} }}, LastUpdated {{ from: Some({} }}]); 10",
            year("2020", "2021"),
            year("2022", "2023")
        ),
    );
    check(
        "_lastUpdated=ne2020",
        &format!(
            "Any([LastUpdated {{ from: None, before: Some({}) }}, LastUpdated {{ from: Some({}), \
         before: None }}]); 10",
            "2020-01-01T00:00:00.000000Z", "2021-01-01T00:00:00.000000Z"
        ),
    );
    check(
        "_lastUpdated=ge2020-01-01T00:00:00+00:00",
        "LastUpdated { from: Some(2020-01-01T00:00:00.000000Z), before: None }; 10",
    );
}

#[test]
fn a_history_has_its_own_bounds() {
    let meaning = read(&["_since=2020&_before=2021-06&_id=a"], rules(Listed::Versions), None);
    let meaning = meaning.unwrap_or_default();
    let text = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    assert_eq!(text(meaning.since).as_deref(), Some("2020-01-01T00:00:00.000000Z"));
    assert_eq!(text(meaning.before).as_deref(), Some("2021-06-01T00:00:00.000000Z"));
    assert_eq!(meaning.ignored.len(), 1);
}

#[test]
fn what_was_heard_is_repeated_as_it_was_written() {
    let query = "_id=a%2Cb&nonsense=1&_count=5&ct=abc";
    let meaning = search(query, |meaning| meaning.expect("parameters"));
    assert_eq!(meaning.heard, ["_id=a%2Cb", "_count=5"]);
    assert_eq!(meaning.token.as_deref(), Some("abc"));
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let parameters = |how_many: usize| vec!["_id=a"; how_many].join("&");
    assert!(search(&parameters(SEARCH_PARAMETERS), |it| it.is_ok()));
    assert!(search(&parameters(SEARCH_PARAMETERS + 1), |it| it.is_err()));
    let sort = |how_many: usize| format!("_sort={}", vec!["name"; how_many].join(","));
    assert!(search(&sort(SORT_KEYS), |it| it.is_ok()));
    assert!(search(&sort(SORT_KEYS + 1), |it| it.is_err()));
    let values = |how_many: usize| format!("_id={}", vec!["a"; how_many].join(","));
    assert!(search(&values(SEARCH_VALUES), |it| it.is_ok()));
    assert!(search(&values(SEARCH_VALUES + 1), |it| it.is_err()));
}

#[test]
fn a_parameter_is_understood_by_its_type() {
    let wrong = |name: &str, query: &str| {
        shown(name, query, |meaning| match meaning {
            Ok(meaning) if meaning.ignored.is_empty() => "fine".to_owned(),
            Ok(meaning) => meaning.ignored.iter().map(|it| it.diagnostics.clone()).collect(),
            Err(issues) => issues.iter().map(|it| format!("400 {}", it.diagnostics)).collect(),
        })
    };
    let rows = [
        ("Patient", "name=eve&name:exact=Eve&name:contains=v&name:missing=false", "fine"),
        ("Patient", "gender=http://hl7.org/fhir/administrative-gender|male", "fine"),
        ("Patient", "gender:not=male,female&gender:missing=true", "fine"),
        ("Patient", "gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", "fine"),
        ("Patient", "identifier:of-type=http://t|MR|123&identifier=a|b&identifier=|b", "fine"),
        ("Patient", "birthdate=ge1970&birthdate=lt2000-05&birthdate=1970,1971", "fine"),
        ("Patient", "organization.name=x&general-practitioner:Practitioner.name=x", "fine"),
        ("Patient", "_has:Observation:patient:code=1234-5", "fine"),
        ("Patient", "_has:Observation:patient:_has:AuditEvent:entity:agent=x", "fine"),
        ("Patient", "_text=liver&_content=bone%20OR%20liver&_list=42", "fine"),
        ("Patient", "_filter=name%20co%20%22eve%22%20and%20birthdate%20ge%202014-10-10", "fine"),
        ("Patient", "_not-referenced=*:*&_not-referenced=Encounter:subject", "fine"),
        ("Patient", "_sort=-birthdate,family,organization.name,_id", "fine"),
        ("Observation", "value-quantity=ge5.4|http://unitsofmeasure.org|mg", "fine"),
        ("Observation", "code-value-quantity=http://loinc.org|15074-8$6.3", "fine"),
        ("Observation", "subject:Patient=23&subject=Patient/23&subject:identifier=a|b", "fine"),
        ("Observation", "subject:Patient.name:exact=x&patient.organization.name=y", "fine"),
        ("Observation", "_include=Observation:subject:Patient&_include:iterate=*", "fine"),
        ("Location", "near=48.2|16.37|5|km", "fine"),
        ("ValueSet", "url:below=http://hl7.org&url=http://a|1&url:above=http://a/b", "fine"),
        ("RiskAssessment", "probability=gt0.8&probability=ap0.5", "fine"),
    ];
    for (name, query, expected) in rows {
        assert_eq!(wrong(name, query), expected, "{name}?{query}");
    }
    for (name, query, word) in [
        ("Patient", "birthdate=yesterday", "400 birthdate: 'yesterday' is not a date."),
        ("Patient", "nmae=x", "Did you mean 'name'"),
        ("Patient", "name:below=x", "below"),
        ("Patient", "organization.nonsense=x", "nonsense"),
        ("Patient", "gender:missing=maybe", "400"),
        ("Patient", "_query=x", "400"),
        ("Patient", "_filter=name%20co", "400"),
        ("Observation", "subject:Patient=Group/1", "400"),
        ("Observation", "code-value-quantity=x", "400"),
        ("Observation", "value-quantity=five", "400"),
        ("Observation", "subject:above=x", "fine"),
        ("Observation", "patient:above=x", "400"),
        ("Observation", "code:below=http://nowhere|1", "fine"),
        ("Observation", "_include=Observation", "400"),
        ("Observation", "_include=Observation:code", "no reference"),
    ] {
        let found = wrong(name, query);
        assert!(found.contains(word), "{name}?{query}: {found}");
    }
}

#[test]
fn what_may_read_much_is_known_before_it_runs() {
    for (query, expected) in [
        ("name=a", false),
        ("name=a&birthdate=2020&_sort=birthdate", false),
        ("_id=1&_lastUpdated=gt2020&active:missing=true&gender:not=male", false),
        ("_revinclude=Observation:subject", false),
        ("organization.name=a", true),
        ("_has:Observation:subject:code=a", true),
        ("_content=a", true),
        ("_sort=organization.name", true),
        ("_revinclude:iterate=Observation:subject", true),
        ("_explain=true", true),
    ] {
        let found = search(query, |meaning| meaning.map(|meaning| meaning.is_costly()));
        assert_eq!(found.ok(), Some(expected), "{query}");
    }
}
