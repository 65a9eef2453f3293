//! What a browser sees: any read, search or history as a plain page.

use reqwest::Method;
use stories::{Actor, Firekeep, Reply, patient};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn browse(actor: &Actor, path: &str) -> Reply {
    Reply::of(actor.request(Method::GET, path).header("Accept", BROWSER)).await
}

#[tokio::test]
async fn a_browser_gets_a_page_without_script() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let mut evil = patient("a", "<script>alert(1)</script>");
    evil["managingOrganization"] = serde_json::json!({"reference": "Organization/o"});
    app.put("/Patient/a", &evil).await.created();
    for path in ["/Patient/a", "/Patient?_id=a", "/Patient/a/_history", "/Patient/a?_format=html"] {
        let page = browse(&app, path).await.ok();
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        let text = page.text();
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{text}");
        let link = format!("<a href=\"{}/Organization/o\">Organization/o</a>", app.base());
        assert!(text.contains(&link), "{text}");
        assert!(text.ends_with("</html>\n"), "{text}");
    }
    let page = browse(&app, "/Patient/_history?_count=1").await.ok().text();
    assert!(page.contains(&format!("<a href=\"{}/Patient/_history?_count=1\">", app.base())));
    let gone = browse(&app, "/Patient/never").await.status(404);
    assert!(gone.text().contains("OperationOutcome"), "{}", gone.text());
    let target = browse(&app, "/Patient?_id=%22%3E%3Cscript%3E").await.ok().text();
    assert!(!target.contains("<script"), "{target}");
    browse(&fk.as_anonymous(), "/Patient").await.status(401);
    let format = app.get("/Patient/a?_format=html").await.ok();
    assert!(format.header("content-type").starts_with("text/html"));
    assert_eq!(app.get("/Patient/a").await.ok().json()["id"], "a");
}
