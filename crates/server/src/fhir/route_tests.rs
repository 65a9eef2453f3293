//! One row per way to ask, and per way to ask wrongly.

use super::*;

fn key_of(name: &str, id: &str) -> Option<Key> {
    Some(Key { resource_type: types::number(name)?, id: ResourceId::new(id)? })
}

fn check(line: &str, expected: impl FnOnce(Key, TypeId) -> Interaction) {
    let (method, target) = line.split_once(' ').unwrap_or((line, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
    let key = key_of("Patient", "p1");
    let expected = key.map(|key| expected(key, key.resource_type));
    assert_eq!(route(&method, path, query).ok(), expected, "{line}");
}

fn refused(line: &str, expected: u16, word: &str) {
    let (method, target) = line.split_once(' ').unwrap_or((line, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
    let refusal = route(&method, path, query).err();
    let outcome = refusal.map(Outcome::from);
    let found = outcome.map(|outcome| {
        let text = outcome.issues.first().map(|issue| issue.diagnostics.clone());
        (outcome.status.as_u16(), text.unwrap_or_default())
    });
    let fits =
        found.as_ref().is_some_and(|(status, text)| *status == expected && text.contains(word));
    assert!(fits, "{line}: {found:?}");
}

#[test]
fn each_interaction_has_its_place() {
    use Interaction as I;
    check("GET /metadata", |_, _| I::Capabilities);
    check("GET /.well-known/smart-configuration", |_, _| I::SmartConfiguration);
    check("GET /$versions", |_, _| I::Versions);
    check("GET /health/check", |_, _| I::Health);
    check("GET /Patient/p1", |key, _| I::Read(key));
    check("GET /Patient/p%31", |key, _| I::Read(key));
    check("GET Patient/p1", |key, _| I::Read(key));
    check("GET /Patient/p1/_history/12", |key, _| I::Vread(key, 12));
    check("POST /Patient", |_, patient| I::Create(patient));
    check("POST /Patient/", |_, patient| I::Create(patient));
    check("PUT /Patient/p1", |key, _| I::Update(key));
    check("PATCH /Patient/p1", |key, _| I::Patch(key));
    check("DELETE /Patient/p1", |key, _| I::Delete(key));
    check("GET /Patient/p1/_history", |key, _| I::History(HistoryOf::Instance(key)));
    check("GET /Patient/_history", |_, patient| I::History(HistoryOf::Type(patient)));
    check("GET /_history", |_, _| I::History(HistoryOf::System));
    check("GET /Patient", |_, patient| I::Search(Searched::Type(patient)));
    check("GET /?_count=1", |_, _| I::Search(Searched::System));
    check("GET ?_count=1", |_, _| I::Search(Searched::System));
    check("POST /Patient/_search", |_, patient| I::SearchForm(Searched::Type(patient)));
    check("PUT /Patient?identifier=x", |_, patient| I::UpdateMatching(patient));
    check("PATCH /Patient?identifier=x", |_, patient| I::PatchMatching(patient));
    check("DELETE /Patient?identifier=x", |_, patient| I::DeleteMatching(patient));
    check("PUT /Patient", |_, patient| I::UpdateMatching(patient));
    check("DELETE /Patient?", |_, patient| I::DeleteMatching(patient));
    check("GET /Patient/$includes?a", |_, patient| I::Includes(Searched::Type(patient)));
    check("POST /_search", |_, _| I::SearchForm(Searched::System));
    check("GET /Patient/_search", |_, patient| I::Search(Searched::Type(patient)));
    check("GET /_search", |_, _| I::Search(Searched::System));
    check("POST /", |_, _| I::Bundle);
    check("POST ", |_, _| I::Bundle);
}

#[test]
fn a_wrong_request_is_told_what_is_wrong() {
    refused("GET /", 404, "/metadata");
    refused("GET /patient/1", 404, "'Patient'");
    refused("GET /Patients", 404, "'Patient'");
    refused("GET /Dog", 404, "/metadata");
    refused("GET /Patient/a_b", 400, "64");
    refused("GET /Patient/p1/_history/x", 404, "1, 2, 3");
    refused("GET /Patient/p1/_history/01", 404, "1, 2, 3");
    refused("GET /Patient/p1/_history/1/x", 404, "nothing");
    refused("GET /Patient/p1/Dog", 404, "Dog");
    refused("GET /Binary/p1/Observation", 404, "nothing");
    refused("GET /Practitioner/$everything", 404, "$everything");
    refused("POST /$bulk-nothing", 404, "$bulk-nothing");
    refused("POST /Patient/$expand", 404, "$expand");
    refused("POST /Patient/$apply", 501, "$apply");
}

#[test]
fn a_method_without_a_meaning_names_those_that_have_one() {
    refused("DELETE /", 405, "POST");
    refused("POST /Patient/p1", 405, "PUT");
    refused("PUT /Patient/_search", 405, "POST");
    refused("BREW /Patient/p1", 405, "BREW");
    refused("PUT /Patient/p1/_history/1", 405, "GET");
    refused("POST /metadata", 405, "GET");
    refused("DELETE /?identifier=x", 405, "within one type");
}

#[test]
fn the_names_of_operations_stand_in_order() {
    assert!(OPERATIONS.is_sorted());
}
