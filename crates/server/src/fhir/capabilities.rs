//! <https://hl7.org/fhir/R4/http.html#capabilities>
//!
//! The statement lists what works and nothing else: what an interaction learns is added here with
//! it.

use std::collections::HashMap;

use fhir::definitions::{Compartment, Definitions, Derivation, Registry};
use http::StatusCode;
use http::header::ETAG;
use json::Writer;
use store::TypeId;
use xxhash_rust::xxh3::xxh3_64;

use super::context::Context;
use super::ops;
use super::outcome::{CONTENT_TYPE, Outcome};
use super::refusal::General;
use super::search::catalogue::{Catalogue, Known};
use super::smart_configuration::Endpoints;
use super::subset::Subset;
use super::{conditions, terminology_capabilities, types};
use crate::exchange::Answer;
use crate::versioning::Policy;

/// When this statement last changed.
pub(crate) const DATE: &str = "2026-11-30";
const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
const SECURITY_SERVICE: &str = "http://terminology.hl7.org/CodeSystem/restful-security-service";
const OPERATION_DEFINITION: &str = "http://hl7.org/fhir/OperationDefinition/";

/// What PATCH takes: JSON Patch, XML Patch, FHIRPath Patch.
const PATCH_FORMATS: [&str; 4] = [
    "application/json-patch+json",
    "application/xml-patch+xml",
    "application/fhir+json",
    "application/fhir+xml",
];
/// Interactions of every resource type.
const OF_TYPE: [&str; 9] = [
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
];
/// Interactions of the whole service.
const OF_SYSTEM: [&str; 4] = ["transaction", "batch", "search-system", "history-system"];
/// Search parameters of every resource type that no definition is read for: name, type, what it
/// selects.
const PARAMETERS: [(&str, &str, &str); 6] = [
    ("_text", "string", "Words of the narrative."),
    ("_content", "string", "Words of the resource."),
    ("_list", "special", "Resources that the List has an item for."),
    ("_filter", "special", "Conditions in the language of R4's search_filter."),
    ("_has", "special", "Resources that others refer to: _has:Observation:patient:code."),
    ("_not-referenced", "special", "Resources that nothing refers to: *:*, Encounter:subject."),
];
/// Those of R4 that all types have.
const COMMON: [&str; 7] =
    ["_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_language"];

/// `GET [base]/metadata`. Answered without a token.
pub(crate) fn capabilities(cx: &Context<'_>) -> Result<Answer, Outcome> {
    cx.only_parameters(&["mode", "_summary", "_elements"])?;
    let wanted = Subset::of(form_urlencoded::parse(cx.query.as_bytes()));
    let wanted = wanted.map_err(|why| Outcome::error(StatusCode::BAD_REQUEST, "value", why))?;
    let mode = cx.parameter("mode");
    if mode.as_deref() == Some("terminology") {
        return Ok(answer(cx, terminology_capabilities::capabilities(cx)?));
    }
    if let Some(mode) = mode.filter(|mode| mode != "full" && mode != "normative") {
        let text = format!(
            "mode={mode} is not supported. Ask for mode=terminology, or for the statement in \
             full: leave mode out."
        );
        return Err(Outcome::error(StatusCode::BAD_REQUEST, "not-supported", text));
    }
    let cors = cx.service.settings.cors.is_some();
    let catalogue = cx.service.catalogue().map_err(General::from)?;
    let policy = |number| cx.policy(number);
    let service = (cx.base, &Endpoints::of(cx.app), cors);
    let registry = cx.service.registry().map_err(General::from)?;
    let index = &cx.service.index;
    let known = (&*catalogue, &*profiles(&registry));
    let body = statement(service, known, &|url| !index.is_disabled(url), &policy);
    let mut part = Vec::new();
    wanted.part(body, &mut part).map_err(General::from)?;
    Ok(answer(cx, part))
}

/// 304 when the client has the same already: its ETag is made of what it says.
fn answer(cx: &Context<'_>, body: Vec<u8>) -> Answer {
    let etag = format!("W/\"{:016x}\"", xxh3_64(&body));
    let answer = match conditions::names(cx.conditions.if_none_match.as_deref(), &etag) {
        true => Answer::empty(StatusCode::NOT_MODIFIED),
        false => Answer::of(StatusCode::OK, CONTENT_TYPE, body),
    };
    answer.with_text(ETAG, &etag)
}

/// The resource, for a base URL, its endpoints of OAuth, and whether browsers may call it.
fn statement(
    (base, endpoints, cors): (&str, &Endpoints, bool),
    (catalogue, profiles): (&Catalogue, &[(&str, String)]),
    is_used: &dyn Fn(&str) -> bool,
    policy: &dyn Fn(TypeId) -> Policy,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 20);
    let referring = referring(catalogue);
    let mut writer = Writer::new(&mut out);
    writer.begin_object().key("resourceType").string("CapabilityStatement");
    writer.key("url").string(&format!("{base}/metadata"));
    writer.key("version").string(env!("CARGO_PKG_VERSION"));
    writer.key("name").string("Firekeep").key("title").string("Firekeep FHIR R4 service");
    writer.key("status").string("active").key("date").string(DATE);
    writer.key("kind").string("instance");
    writer.key("software").begin_object().key("name").string("Firekeep");
    writer.key("version").string(env!("CARGO_PKG_VERSION")).end_object();
    writer.key("implementation").begin_object();
    writer.key("description").string("Firekeep FHIR R4 service").key("url").string(base);
    writer.end_object();
    writer.key("fhirVersion").string("4.0.1");
    let formats = ["application/fhir+json", "json", "application/fhir+xml", "xml"];
    strings(&mut writer, "format", &formats);
    strings(&mut writer, "patchFormat", &PATCH_FORMATS);
    writer.key("rest").begin_array().begin_object().key("mode").string("server");
    security(&mut writer, endpoints, cors);
    writer.key("resource").begin_array();
    for name in types::all() {
        let number = types::number(name).unwrap_or(TypeId(0));
        let referring = referring.get(&number).map_or(&[][..], Vec::as_slice);
        let profiles = profiles.iter().filter(|(of, _)| *of == name).map(|(_, url)| &**url);
        let profiles = &*profiles.collect::<Vec<_>>();
        let searched = Searched { catalogue, number, referring, is_used, profiles };
        resource(&mut writer, (name, policy(number)), &searched);
    }
    writer.end_array();
    interactions(&mut writer, &OF_SYSTEM);
    common(&mut writer, catalogue, is_used);
    operations(&mut writer, None);
    let compartments = Definitions::r4().compartments().iter().map(Compartment::url);
    let compartments: Vec<&str> = compartments.collect();
    strings(&mut writer, "compartment", &compartments);
    writer.end_object().end_array().end_object();
    out
}

fn security(writer: &mut Writer<'_>, endpoints: &Endpoints, cors: bool) {
    writer.key("security").begin_object();
    writer.key("extension").begin_array().begin_object().key("url").string(OAUTH_URIS);
    writer.key("extension").begin_array();
    for (name, url) in [("authorize", &endpoints.authorize), ("token", &endpoints.token)] {
        writer.begin_object().key("url").string(name).key("valueUri").string(url).end_object();
    }
    writer.end_array().end_object().end_array();
    writer.key("cors").bool(cors);
    writer.key("service").begin_array();
    // Not SMART-on-FHIR: its scopes and launch contexts are not there.
    writer.begin_object().key("coding").begin_array().begin_object();
    writer.key("system").string(SECURITY_SERVICE).key("code").string("OAuth");
    writer.end_object().end_array().end_object();
    writer.end_array().end_object();
}

/// By type, the references that lead to it: `Observation:subject`.
fn referring(catalogue: &Catalogue) -> HashMap<TypeId, Vec<String>> {
    let mut all: HashMap<TypeId, Vec<String>> = HashMap::new();
    for name in types::all() {
        let Some(number) = types::number(name) else { continue };
        for known in catalogue.references(number) {
            for target in &known.of.targets {
                all.entry(*target).or_default().push(format!("{name}:{}", known.code));
            }
        }
    }
    all
}

/// The profiles of resources that packages and stored StructureDefinitions bring: the type of each
/// and its canonical URL, once.
fn profiles(registry: &Registry) -> Vec<(&str, String)> {
    let all = registry.layers().flat_map(|layer| layer.profiles().iter());
    let of_resources = all.filter(|profile| {
        profile.derivation() == Derivation::Constraint && types::number(profile.ty()).is_some()
    });
    let mut profiles: Vec<_> = of_resources
        .map(|profile| match profile.version() {
            "" => (profile.ty(), profile.url().to_owned()),
            version => (profile.ty(), format!("{}|{version}", profile.url())),
        })
        .collect();
    profiles.sort();
    profiles.dedup();
    profiles
}

/// What resources of a type are searched by.
struct Searched<'s> {
    catalogue: &'s Catalogue,
    number: TypeId,
    referring: &'s [String],
    is_used: &'s dyn Fn(&str) -> bool,
    /// The profiles of the type that the service knows beyond those of R4.
    profiles: &'s [&'s str],
}

fn resource(writer: &mut Writer<'_>, (name, policy): (&str, Policy), searched: &Searched<'_>) {
    let Searched { catalogue, number, referring, is_used, profiles } = *searched;
    writer.begin_object().key("type").string(name);
    writer.key("profile").string(&format!("http://hl7.org/fhir/StructureDefinition/{name}"));
    if !profiles.is_empty() {
        strings(writer, "supportedProfile", profiles);
    }
    interactions(writer, &OF_TYPE);
    writer.key("versioning").string(policy.code()).key("readHistory").bool(true);
    writer.key("updateCreate").bool(true).key("conditionalCreate").bool(true);
    writer.key("conditionalRead").string("full-support").key("conditionalUpdate").bool(true);
    writer.key("conditionalDelete").string("multiple");
    let own = catalogue.references(number).map(|known| format!("{name}:{}", known.code));
    let includes: Vec<String> = std::iter::once("*".to_owned()).chain(own).collect();
    let text = |all: &[String], writer: &mut Writer<'_>, key: &str| {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        strings(writer, key, &all);
    };
    text(&includes, writer, "searchInclude");
    if !referring.is_empty() {
        text(referring, writer, "searchRevInclude");
    }
    writer.key("searchParam").begin_array();
    for known in catalogue.of_type(number).known().filter(|it| is_used(&it.url)) {
        parameter(writer, known);
    }
    special(writer);
    writer.end_array();
    operations(writer, Some(name));
    writer.end_object();
}

fn interactions(writer: &mut Writer<'_>, codes: &[&str]) {
    writer.key("interaction").begin_array();
    for code in codes {
        writer.begin_object().key("code").string(code).end_object();
    }
    writer.end_array();
}

/// The operations of a type, or those that all types and the service have.
fn operations(writer: &mut Writer<'_>, of: Option<&str>) {
    let mut own = ops::TABLE.iter().filter(|row| row.resource_type == of).peekable();
    if own.peek().is_none() {
        return;
    }
    writer.key("operation").begin_array();
    for row in own {
        let prefix = if row.definition.contains(':') { "" } else { OPERATION_DEFINITION };
        let definition = format!("{prefix}{}", row.definition);
        writer.begin_object().key("name").string(row.name.trim_start_matches('$'));
        writer.key("definition").string(&definition).end_object();
    }
    writer.end_array();
}

/// The search parameters of all types.
fn common(writer: &mut Writer<'_>, catalogue: &Catalogue, is_used: &dyn Fn(&str) -> bool) {
    writer.key("searchParam").begin_array();
    let number = types::number("Patient").unwrap_or(TypeId(0));
    let all = COMMON.iter().filter_map(|code| catalogue.find(number, code));
    for known in all.filter(|known| is_used(&known.url)) {
        parameter(writer, known);
    }
    special(writer);
    writer.end_array();
}

fn parameter(writer: &mut Writer<'_>, known: &Known) {
    writer.begin_object().key("name").string(&known.code);
    if !known.url.is_empty() {
        writer.key("definition").string(&known.url);
    }
    writer.key("type").string(known.of.kind.code()).end_object();
}

fn special(writer: &mut Writer<'_>) {
    for (name, kind, documentation) in PARAMETERS {
        writer.begin_object().key("name").string(name).key("type").string(kind);
        writer.key("documentation").string(documentation).end_object();
    }
}

fn strings(writer: &mut Writer<'_>, key: &str, values: &[&str]) {
    writer.key(key).begin_array();
    for value in values {
        writer.string(value);
    }
    writer.end_array();
}

#[cfg(test)]
mod tests {
    use fhir::Definitions;
    use fhir::definitions::Registry;

    use super::*;

    #[test]
    fn the_statement_is_json_and_lists_every_type() {
        let endpoints = Endpoints::under("https://localhost:8443/tenant");
        let base = "https://localhost:8443/fhir/main-demo";
        let catalogue = Catalogue::of(&Registry::new(Definitions::r4()), None);
        let service = (base, &endpoints, false);
        let own = [("Patient", "http://acme.org/patient".to_owned())];
        let text = statement(service, (&catalogue, &own), &|_| true, &|_| Policy::Versioned);
        let document = json::Document::parse(text, &json::Limits::default()).unwrap();
        let rest = document.root().get("rest").unwrap().elements().next().unwrap();
        let resources = rest.get("resource").unwrap();
        assert_eq!(resources.len(), 146);
        let patient = resources.elements().find(|it| it.get("type").unwrap().is_str("Patient"));
        assert_eq!(patient.unwrap().get("interaction").unwrap().len(), OF_TYPE.len());
        let searches = patient.unwrap().get("searchParam").unwrap();
        for name in ["birthdate", "family", "general-practitioner", "_tag", "_has"] {
            assert!(searches.elements().any(|it| it.get("name").unwrap().is_str(name)), "{name}");
        }
        let reverse = patient.unwrap().get("searchRevInclude").unwrap();
        assert!(reverse.elements().any(|it| it.is_str("Observation:subject")));
        let security = rest.get("security").unwrap().raw_str();
        assert!(security.contains("https://localhost:8443/tenant/oauth2/v2.0/token"), "{security}");
    }
}
