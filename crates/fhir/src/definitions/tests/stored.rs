//! Definitions that were stored one by one over REST.

use std::sync::Arc;

use json::{Document, Limits};

use crate::definitions::{Definitions, Registry, Stored, Unusable};

fn insert(stored: &mut Stored, number: u64, text: &str) -> Result<(), Unusable> {
    let document = Document::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap();
    stored.insert(number, Definitions::r4(), &document)
}

fn set(url: &str, version: &str, title: &str) -> String {
    format!(
        r#"{{"resourceType":"ValueSet","url":"{url}","version":"{version}","title":"{title}"}}"#
    )
}

fn title(stored: &Stored, canonical: &str) -> Option<String> {
    let registry = Registry::new(Definitions::r4()).with_stored(Arc::new(stored.clone()));
    registry.value_set(canonical).and_then(|set| set.title().map(str::to_owned))
}

#[test]
fn the_highest_version_is_found_and_of_one_version_what_was_stored_last() {
    let mut stored = Stored::default();
    for (number, version, shown) in [(1, "2", "a"), (2, "1", "b"), (3, "2", "c")] {
        insert(&mut stored, number, &set("http://e/v", version, shown)).unwrap();
    }
    let found = |stored: &Stored| {
        let canonicals = ["http://e/v", "http://e/v|1", "http://e/v|2", "http://e/v|3"];
        canonicals.map(|canonical| title(stored, canonical).unwrap_or_default())
    };
    assert_eq!(found(&stored), ["c", "b", "c", ""]);
    stored.remove(3);
    assert_eq!(found(&stored), ["a", "b", "a", ""]);
    stored.remove(1);
    assert_eq!(found(&stored), ["b", "b", "", ""]);
    stored.remove(2);
    assert_eq!((found(&stored), stored.len()), (["", "", "", ""].map(str::to_owned), 0));
}

#[test]
fn what_is_stored_hides_what_the_standard_has_and_gives_it_back() {
    let mut stored = Stored::default();
    let url = "http://hl7.org/fhir/ValueSet/administrative-gender";
    assert_eq!(title(&stored, url).as_deref(), Some("AdministrativeGender"));
    insert(&mut stored, 7, &set(url, "9", "ours")).unwrap();
    assert_eq!(title(&stored, url).as_deref(), Some("ours"));
    assert_eq!(title(&stored, &format!("{url}|4.0.1")).as_deref(), Some("AdministrativeGender"));
    // A new version of the resource takes its place.
    insert(&mut stored, 7, &set(url, "9", "ours again")).unwrap();
    assert_eq!((title(&stored, url).as_deref(), stored.len()), (Some("ours again"), 1));
}

#[test]
fn a_search_parameter_counts_when_it_can_be_used() {
    let of = |code: &str, expression: &str| {
        format!(
            r#"{{"resourceType":"SearchParameter","url":"http://e/s","code":"{code}",
                "base":["Patient"],"type":"string","expression":"{expression}"}}"#
        )
    };
    let mut stored = Stored::default();
    insert(&mut stored, 1, &of("name", "Patient.name.family")).unwrap();
    let registry = Registry::new(Definitions::r4()).with_stored(Arc::new(stored.clone()));
    let patient = Definitions::r4().type_named("Patient").unwrap();
    let found = |code| registry.search_parameter(patient, code).map(|found| found.url().to_owned());
    assert_eq!(found("name").as_deref(), Some("http://e/s"));
    let standard = "http://hl7.org/fhir/SearchParameter/individual-birthdate";
    assert_eq!(found("birthdate").as_deref(), Some(standard));

    let bad = insert(&mut stored, 2, &of("x", "Patient.name.where(")).unwrap_err();
    assert!(matches!(bad, Unusable::Expression(_)), "{bad}");
    assert_eq!(insert(&mut stored, 2, &of("", "Patient.name")), Err(Unusable::NoCode));
    assert_eq!(insert(&mut stored, 2, r#"{"resourceType":"ValueSet"}"#), Err(Unusable::NoUrl));
    let other = r#"{"resourceType":"Patient","url":"http://e/p"}"#;
    assert_eq!(insert(&mut stored, 2, other), Err(Unusable::NotADefinition));
    assert_eq!(stored.len(), 1);
}
