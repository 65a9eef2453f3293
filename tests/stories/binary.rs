//! /Binary: content in and out as it is, and as a resource.

use reqwest::Method;
use stories::{Actor, Firekeep, Reply};

const PDF: &[u8] = b"%PDF-1.7\x00\xff\xfe not text";

async fn raw(actor: &Actor, method: Method, path: &str, kind: &str, body: &'static [u8]) -> Reply {
    let request = actor.request(method, path).header("Content-Type", kind);
    Reply::of(request.header("X-Security-Context", "Patient/p").body(body)).await
}

async fn accept(actor: &Actor, path: &str, accept: &str) -> Reply {
    Reply::of(actor.request(Method::GET, path).header("Accept", accept)).await
}

#[tokio::test]
async fn content_comes_back_as_it_was_sent() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let made = raw(&app, Method::POST, "/Binary", "application/pdf", PDF).await.created().json();
    assert_eq!(made["contentType"], "application/pdf");
    assert_eq!(made["securityContext"]["reference"], "Patient/p");
    let path = format!("/Binary/{}", made["id"].as_str().expect("an id"));
    for asked in ["*/*", "application/pdf", "image/png, */*;q=0.1"] {
        let content = accept(&app, &path, asked).await.ok();
        assert_eq!(content.body, PDF);
        assert_eq!(content.header("content-type"), "application/pdf");
        assert_eq!(content.header("x-content-type-options"), "nosniff");
        assert!(content.header("content-security-policy").contains("sandbox"));
        assert_eq!(content.header("x-security-context"), "Patient/p");
        assert_eq!(content.header("etag"), "W/\"1\"");
    }
    let resource = accept(&app, &path, "application/fhir+json").await.ok().json();
    assert_eq!(resource, made);
    assert_eq!(app.get(&format!("{path}?_format=json")).await.ok().json(), made);
    let xml = accept(&app, &path, "application/fhir+xml").await.ok().text();
    assert!(xml.contains("<contentType value=\"application/pdf\"/>"), "{xml}");
    let unchanged = app.request(Method::GET, &path).header("If-None-Match", "W/\"1\"");
    Reply::of(unchanged).await.status(304);
}

#[tokio::test]
async fn content_is_updated_and_a_resource_is_still_a_resource() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    raw(&app, Method::PUT, "/Binary/b", "text/plain; charset=utf-8", b"one").await.created();
    raw(&app, Method::PUT, "/Binary/b", "text/plain; charset=utf-8", b"two").await.ok();
    let first = app.get("/Binary/b/_history/1").await.ok();
    assert_eq!(
        (first.text(), first.header("content-type")),
        ("one".into(), "text/plain; charset=utf-8".into())
    );
    assert_eq!(app.get("/Binary/b").await.ok().text(), "two");
    let resource = r#"{"resourceType":"Binary","id":"c","contentType":"text/html","data":"PGI+"}"#;
    app.send(Method::PUT, "/Binary/c", resource).await.created();
    assert_eq!(app.get("/Binary/c").await.ok().text(), "<b>");
    app.get("/Binary/never").await.refused(404, "Binary/never");
    let reader = fk.as_reader().await;
    raw(&reader, Method::POST, "/Binary", "text/plain", b"x").await.refused(403, "Authorization");
    raw(&app, Method::POST, "/Patient", "application/pdf", PDF).await.refused(415, "Content-Type");
}
