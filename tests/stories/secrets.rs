//! No secret and no token ever appears in a log, nor on the screen of `serve`.

use stories::{Firekeep, Setup, patient};

#[tokio::test]
async fn the_log_holds_no_secret_and_no_token() {
    let setup = Setup {
        arguments: vec!["--log-format".into(), "json".into()],
        wrapper: vec!["env".into(), "FIREKEEP_LOG=trace".into(), "RUST_LOG=trace".into()],
        ..Setup::default()
    };
    let fk = Firekeep::start_with(setup).await;
    let app = fk.as_contributor().await;
    let (_, _, secret) = fk.new_application("logged").await;
    app.put("/Patient/s", &patient("s", "Family-Name-In-The-Body")).await.created();
    app.get("/Patient?name=Name-In-The-Query").await.ok();
    app.with_token("not.a.token").get("/Patient").await.status(401);
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_secret", "wrong-secret-in-form"),
        ("client_id", "00000000-0000-0000-0000-000000000001"),
        ("scope", "https://x/.default"),
    ];
    authority
        .form(&format!("/{}/oauth2/v2.0/token", fk.says("/tenantId")), &form)
        .await
        .status(400);
    let known = [
        fk.says("/application/clientSecret"),
        fk.says("/administrator/password"),
        app.token().to_owned(),
        app.token().rsplit('.').next().expect("a signature").to_owned(),
        secret,
        "wrong-secret-in-form".to_owned(),
        "not.a.token".to_owned(),
        "Family-Name-In-The-Body".to_owned(),
        "Name-In-The-Query".to_owned(),
    ];
    let (code, _folder, log) = fk.stop();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("/Patient"), "requests are logged: {log}");
    for secret in known {
        assert!(!log.contains(&secret), "the log shows {secret}");
    }
}
