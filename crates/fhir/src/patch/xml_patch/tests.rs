//! What an XML Patch puts in: its namespaces, its quotes, its size.

use base::limits::{BODY_BYTES, PATCH_NAMESPACES};

use super::xml_patch;
use crate::patch::ErrorKind;

const PATIENT: &str = r#"<Patient xmlns="http://hl7.org/fhir"/>"#;

/// What a patch makes of an empty Patient, inside its tags; or the kind of its error.
fn check(patch: &str, expected: Result<&str, ErrorKind>) {
    let found = xml_patch(PATIENT, patch).map_err(|error| error.kind);
    let opened = PATIENT.trim_end_matches("/>");
    let expected = expected.map(|inner| format!("{opened}>{inner}</Patient>"));
    assert_eq!(found, expected, "{patch:.200}");
}

fn diff(declarations: &str, inner: &str) -> String {
    format!(r#"<diff {declarations}><add sel="f:Patient">{inner}</add></diff>"#)
}

#[test]
fn what_is_put_in_declares_the_prefixes_of_its_names() {
    let two = r#"xmlns:a="u:a" xmlns:b="u:b""#;
    check(&diff(two, "<a:x/><b:y/>"), Ok(r#"<a:x xmlns:a="u:a"/><b:y xmlns:b="u:b"/>"#));
    check(&diff(two, "<a:x b:c='1'/>"), Ok(r#"<a:x b:c='1' xmlns:b="u:b" xmlns:a="u:a"/>"#));
    check(&diff(two, "<a:x xmlns:a='u'/>"), Ok("<a:x xmlns:a='u'/>"));
    check(&diff(two, "<x><b:y/></x>"), Ok(r#"<x xmlns:b="u:b"><b:y/></x>"#));
    // A text is no name, and a prefix that nobody declares is left as it is.
    check(&diff(two, "<x>a:b</x><c:x/>"), Ok("<x>a:b</x><c:x/>"));
}

#[test]
fn a_namespace_in_single_quotes_is_put_in_double_ones() {
    check(&diff("xmlns:a='u\"v'", "<a:x/>"), Ok(r#"<a:x xmlns:a="u&quot;v"/>"#));
    check(&diff("xmlns:a=\"u'v\"", "<a:x/>"), Ok(r#"<a:x xmlns:a="u'v"/>"#));
}

#[test]
fn a_value_stays_inside_its_quotes() {
    let add = r#"<add sel="f:Patient"><x xmlns="http://hl7.org/fhir" v='1'/></add>"#;
    let replace = r#"<replace sel="f:Patient/f:x/@v">'"</replace>"#;
    let expected = r#"<x xmlns="http://hl7.org/fhir" v='&apos;&quot;'/>"#;
    check(&format!("<diff>{add}{replace}</diff>"), Ok(expected));
}

#[test]
fn so_many_namespaces_hold_in_one_place() {
    let declared = |range: std::ops::Range<usize>| {
        range.map(|number| format!(r#" xmlns:p{number}="u""#)).collect::<String>()
    };
    let all = declared(0..PATCH_NAMESPACES);
    check(&diff(&all, "<x/>"), Ok("<x/>"));
    check(&diff(&all, "<x xmlns='u'/>"), Err(ErrorKind::TooCostly));
    check(&diff(&declared(0..PATCH_NAMESPACES + 1), "<x/>"), Err(ErrorKind::TooCostly));
    // Those of elements that are closed hold no more.
    let apart = format!("<x{}/><x{}/>", declared(0..10), declared(10..20));
    check(&diff("", &apart), Ok(&apart));
}

#[test]
fn what_is_put_in_has_at_most_the_bytes_of_a_body() {
    let long = format!(r#"xmlns:a="{}""#, "u".repeat(1 << 20));
    let children = |count: usize| "<a:x/>".repeat(count);
    assert!(xml_patch(PATIENT, &diff(&long, &children(60))).is_ok());
    check(&diff(&long, &children(BODY_BYTES >> 20)), Err(ErrorKind::TooCostly));
    check(&diff(&long, &children(100_000)), Err(ErrorKind::TooCostly));
}

#[test]
fn a_resource_grows_to_the_bytes_of_a_body() {
    let long = format!(r#"xmlns:a="{}""#, "u".repeat(1 << 20));
    let add = format!(r#"<add sel="f:Patient">{}</add>"#, "<a:x/>".repeat(40));
    let patch = |times: usize| format!("<diff {long}>{}</diff>", add.repeat(times));
    assert!(xml_patch(PATIENT, &patch(1)).is_ok());
    check(&patch(2), Err(ErrorKind::TooCostly));
}

#[test]
fn a_removal_brings_nothing() {
    let long = format!(r#"xmlns:a="{}""#, "u".repeat(1 << 20));
    let children = "<a:x/>".repeat(100_000);
    let add = r#"<add sel="f:Patient"><x xmlns="http://hl7.org/fhir"/></add>"#;
    let remove = format!(r#"<remove sel="f:Patient/f:x">{children}</remove>"#);
    check(&format!("<diff {long}>{add}{remove}</diff>"), Ok(""));
}
