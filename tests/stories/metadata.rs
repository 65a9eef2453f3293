//! /metadata and the other addresses that need no token.

use reqwest::Method;
use serde_json::Value;
use stories::{Firekeep, Reply};

#[tokio::test]
async fn a_statement_that_did_not_change_is_not_sent_again() {
    let fk = Firekeep::start().await;
    let anyone = fk.as_anonymous();
    for path in ["/metadata", "/metadata?_summary=true", "/metadata?mode=terminology"] {
        let tag = anyone.get(path).await.ok().header("etag");
        assert!(tag.starts_with("W/\""), "{tag}");
        let again = async |tag: &str| {
            Reply::of(anyone.request(Method::GET, path).header("If-None-Match", tag)).await
        };
        let same = again(&tag).await.status(304);
        assert_eq!((same.text().as_str(), same.header("etag")), ("", tag.clone()));
        again(&format!("W/\"1\", {}", &tag[2..])).await.status(304);
        again("W/\"1\"").await.ok();
    }
    let part = anyone.get("/metadata?_summary=true").await.ok().header("etag");
    assert_ne!(part, anyone.get("/metadata").await.ok().header("etag"));
}

#[tokio::test]
async fn the_capability_statement_lists_what_works_and_where_to_sign_in() {
    let fk = Firekeep::start().await;
    let statement = fk.as_anonymous().get("/metadata").await.ok().json();
    assert_eq!(statement["resourceType"], "CapabilityStatement");
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let rest = &statement["rest"][0];
    assert_eq!(rest["resource"].as_array().map(Vec::len), Some(146));
    let patient = &rest["resource"]
        .as_array()
        .expect("resources")
        .iter()
        .find(|resource| resource["type"] == "Patient")
        .expect("Patient")
        .clone();
    let codes: Vec<&Value> = patient["interaction"]
        .as_array()
        .expect("interactions")
        .iter()
        .map(|interaction| &interaction["code"])
        .collect();
    assert!(codes.iter().any(|code| *code == "history-instance"));
    assert!(codes.iter().any(|code| *code == "patch"));
    assert_eq!(patient["conditionalUpdate"], true);
    let patches = statement["patchFormat"].to_string();
    assert!(patches.contains("application/json-patch+json"), "{patches}");
    let compartments = rest["compartment"].as_array().expect("compartments");
    assert_eq!(compartments.len(), 5);
    assert!(compartments.contains(&"http://hl7.org/fhir/CompartmentDefinition/patient".into()));
    let searches = patient["searchParam"].as_array().expect("parameters");
    assert!(searches.iter().any(|parameter| parameter["name"] == "birthdate"));
    let security = rest["security"].to_string();
    let token = format!("{}/{}/oauth2/v2.0/token", fk.says("/authority"), fk.says("/tenantId"));
    assert!(security.contains("oauth-uris") && security.contains(&token), "{security}");
    assert!(!security.contains("SMART"), "neither scopes nor launch contexts work: {security}");
}

#[tokio::test]
async fn a_part_of_the_statement_is_given_to_who_asks_for_one() {
    let fk = Firekeep::start().await;
    let anyone = fk.as_anonymous();
    let part = anyone.get("/metadata?_elements=fhirVersion").await.ok().json();
    assert_eq!(part["fhirVersion"], "4.0.1");
    assert_eq!((&part["rest"], &part["software"]), (&Value::Null, &Value::Null));
    assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
    let summary = anyone.get("/metadata?_summary=true").await.ok().json();
    assert_eq!(summary["software"]["name"], "Firekeep");
    anyone.get("/metadata?_summary=some").await.refused(400, "_summary");
}

#[tokio::test]
async fn the_anonymous_addresses_answer_without_a_token() {
    let fk = Firekeep::start().await;
    let nobody = fk.as_anonymous();
    let smart = nobody.get("/.well-known/smart-configuration").await.ok().json();
    assert!(
        smart["token_endpoint"].as_str().expect("an address").starts_with("https://localhost:")
    );
    let versions = nobody.get("/$versions").await.ok().text();
    assert!(versions.contains("4.0"), "{versions}");
    assert_eq!(nobody.get("/health/check").await.ok().json()["overallStatus"], "Healthy");
    nobody.get("/Patient").await.refused(401, "Authentication failed.");
}
