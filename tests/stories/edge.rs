//! What holds for every address: names, ids, compression, CORS, the plain port, the end.

use std::io::Write;

use reqwest::Method;
use serde_json::json;
use stories::{Actor, Firekeep, Reply, Setup, patients};

#[tokio::test]
async fn a_request_has_ids_that_come_back() {
    let fk = Firekeep::start().await;
    let nobody = fk.as_anonymous();
    let request = nobody.request(Method::GET, "/metadata").header("X-Request-Id", "mine-1");
    let reply = Reply::of(request.header("X-Correlation-Id", "ours-2")).await.ok();
    assert_eq!(
        (reply.header("x-request-id"), reply.header("x-correlation-id")),
        ("mine-1".into(), "ours-2".into())
    );
    let made = nobody.get("/metadata").await.header("x-request-id");
    assert_eq!(made.len(), 36, "{made}");
}

#[tokio::test]
async fn answers_are_compressed_when_asked() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.post("", &patients(40)).await.ok();
    let path = "/Patient?_count=40";
    let plain = app.get(path).await.ok();
    for (coding, magic) in [("gzip", &[0x1f, 0x8b][..]), ("zstd", &[0x28, 0xb5, 0x2f, 0xfd][..])] {
        let reply =
            Reply::of(app.request(Method::GET, path).header("Accept-Encoding", coding)).await;
        assert_eq!(reply.header("content-encoding"), coding);
        assert!(reply.header("vary").to_lowercase().contains("accept-encoding"));
        assert!(reply.body.starts_with(magic) && reply.body.len() < plain.body.len() / 2);
    }
    let refused = app.request(Method::GET, path).header("Accept-Encoding", "gzip;q=0, zstd;q=0");
    assert_eq!(Reply::of(refused).await.ok().header("content-encoding"), "");
}

#[tokio::test]
async fn an_unknown_host_is_misdirected() {
    let fk = Firekeep::start().await;
    let request =
        fk.as_anonymous().request(Method::GET, "/metadata").header("Host", "evil.example");
    Reply::of(request).await.status(421);
}

#[tokio::test]
async fn a_custom_host_is_a_name_of_the_service() {
    let config = "[service.\"main/demo\"]\nhosts = [\"account.azurehealthcareapis.com\"]\n";
    let setup = Setup { config: Some(config.into()), ..Setup::default() };
    let fk = Firekeep::start_with(setup).await;
    let (id, secret) = (fk.says("/application/clientId"), fk.says("/application/clientSecret"));
    let host = "https://account.azurehealthcareapis.com";
    let token = fk.application_token(&id, &secret, host).await;
    let port = fk.says("/service/url").rsplit(':').next().expect("a port").to_owned();
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a port")));
    let ca = std::fs::read(fk.says("/caBundle")).expect("the CA");
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).expect("PEM")])
        .no_proxy()
        .resolve("account.azurehealthcareapis.com", loopback)
        .build()
        .expect("a client");
    let actor = Actor::new(client, format!("{host}:{port}"), Some(token));
    let bundle = actor.get("/Patient").await.ok().json();
    assert!(bundle["link"][0]["url"].as_str().expect("a URL").starts_with(host));
}

#[tokio::test]
async fn cors_is_what_the_configuration_says() {
    let config = "[service.\"main/demo\".cors]\norigins = [\"https://app.example\"]\n\
        headers = [\"authorization\", \"content-type\"]\n\
        methods = [\"GET\", \"POST\"]\nmax-age = 600\n";
    let setup = Setup { config: Some(config.into()), ..Setup::default() };
    let fk = Firekeep::start_with(setup).await;
    let preflight = |origin: &'static str| {
        let nobody = fk.as_anonymous();
        let request = nobody.request(Method::OPTIONS, "/Patient").header("Origin", origin);
        Reply::of(request.header("Access-Control-Request-Method", "GET"))
    };
    let allowed = preflight("https://app.example").await;
    assert!(allowed.status < 300);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(allowed.header("access-control-max-age"), "600");
    let other = preflight("https://evil.example").await;
    assert_eq!(other.header("access-control-allow-origin"), "");
    let request = fk.as_anonymous().request(Method::GET, "/metadata");
    let reply = Reply::of(request.header("Origin", "https://app.example")).await.ok();
    assert_eq!(reply.header("access-control-allow-origin"), "https://app.example");
}

#[tokio::test]
async fn options_says_what_may_be_asked_and_lets_no_page_in_that_nobody_configured() {
    let fk = Firekeep::start().await;
    let options = |path: &'static str| {
        let nobody = fk.as_anonymous();
        let request = nobody.request(Method::OPTIONS, path).header("Origin", "https://app.example");
        Reply::of(request.header("Access-Control-Request-Method", "GET"))
    };
    let said = options("/Patient/p1").await.status(204);
    assert_eq!(said.header("allow"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    assert_eq!(said.header("access-control-allow-origin"), "");
    options("/Dog").await.refused(401, "Authorization");
    fk.as_contributor().await.send(Method::OPTIONS, "/Dog", "").await.refused(404, "Dog");
}

#[tokio::test]
async fn a_body_may_come_compressed() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let send = async |coding: &'static str, body: Vec<u8>| {
        let request = app.request(Method::POST, "/Patient").header("Content-Encoding", coding);
        Reply::of(request.header("Content-Type", "application/fhir+json").body(body)).await
    };
    let patient = json!({"resourceType": "Patient", "language": "en"}).to_string();
    let gzip = |text: &str| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(text.as_bytes()).and_then(|()| out.finish()).expect("gzip")
    };
    let zstd = zstd::encode_all(patient.as_bytes(), 3).expect("zstd");
    for (coding, body) in [("gzip", gzip(&patient)), ("zstd", zstd)] {
        assert_eq!(send(coding, body).await.created().json()["language"], "en");
    }
    let refused = send("br", patient.clone().into_bytes()).await;
    assert_eq!(refused.refused(415, "br").header("accept-encoding"), "gzip, zstd");
    send("gzip", patient.clone().into_bytes()).await.refused(400, "gzip");
    // The limit is that of what comes out.
    let too_long = gzip(&(patient + &" ".repeat(64 << 20)));
    send("gzip", too_long).await.refused(413, "67108864");
}

#[tokio::test]
async fn the_plain_port_has_the_same_routes() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let base = format!("{}/fhir/main-demo", fk.says("/http"));
    let made = app.at(&base).post("/Patient", &json!({"resourceType": "Patient"})).await.created();
    assert!(made.header("location").starts_with(&base), "{}", made.header("location"));
}

#[tokio::test]
async fn metrics_count_requests() {
    let fk = Firekeep::start().await;
    fk.as_contributor().await.get("/Patient").await.ok();
    let page = fk.as_anonymous().at(&fk.says("/metrics")).get("/metrics").await.ok().text();
    assert!(
        page.contains("# TYPE firekeep_") && page.contains("firekeep_requests_total"),
        "{page}"
    );
}

#[tokio::test]
async fn sigterm_ends_it_in_order() {
    let fk = Firekeep::start().await;
    fk.as_contributor().await.get("/Patient").await.ok();
    assert_eq!(fk.stop().0, 0);
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused_by_name() {
    let fk = Firekeep::start().await;
    let folder = fk.folder().display().to_string();
    let second = fk.run(&["serve", "--data", &folder, "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains(&fk.pid().to_string()), "it names the process: {said}");
    let port = fk.says("/authority").rsplit(':').next().expect("a port").to_owned();
    let other = tempfile::tempdir().expect("a folder");
    let data = other.path().display().to_string();
    let busy = fk.run(&["serve", "--data", &data, "--listen", &format!("127.0.0.1:{port}")]);
    assert_eq!(busy.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&busy.stderr).contains(&port));
    fk.as_anonymous().get("/metadata").await.ok();
}

#[tokio::test]
async fn settings_for_a_service_that_is_not_there_are_warned_of() {
    let config = "[service.\"main/dmeo\"]\nhandling = \"strict\"\n";
    let setup = Setup { config: Some(config.into()), ..Setup::default() };
    let (_, _, log) = Firekeep::start_with(setup).await.stop();
    assert!(log.contains("main/dmeo, which does not exist"), "{log}");
}

/// A server with its own certificate leaves none of ours behind, and neither do commands.
#[tokio::test]
async fn commands_on_a_stopped_folder_make_no_certificates_and_read_the_configuration() {
    let fk = Firekeep::start().await;
    let copied = tempfile::tempdir().expect("a folder");
    for name in ["ca.pem", "server.pem", "server.key"] {
        let from = fk.folder().join(name);
        std::fs::copy(from, copied.path().join(name)).expect("a copy");
    }
    let (_, folder, _) = fk.stop();
    for name in ["ca.pem", "ca.key", "server.pem", "server.key"] {
        std::fs::remove_file(folder.path().join(name)).expect("it is there");
    }
    let at = |name: &str| copied.path().join(name).display().to_string();
    let arguments = ["--tls-cert", &at("server.pem"), "--tls-key", &at("server.key")];
    let arguments = arguments.map(str::to_owned).into();
    let setup = Setup { folder: Some(folder), arguments, ..Setup::default() };
    let fk = Firekeep::start_trusting(setup, &copied.path().join("ca.pem")).await;
    let (code, folder, _) = fk.stop();
    assert_eq!(code, 0);
    let run = |more: &[&str]| {
        let data = folder.path().display().to_string();
        let line = ["app", "list", "--data", &data, "--output", "tsv"];
        let mut command = std::process::Command::new(stories::firekeep());
        command.args(line).args(more).output().expect("firekeep runs")
    };
    let listed = run(&[]);
    assert!(listed.status.success(), "{listed:?}");
    assert!(!folder.path().join("ca.pem").exists() && !folder.path().join("ca.key").exists());
    let wrong = folder.path().join("wrong.toml");
    std::fs::write(&wrong, "public_url = 1").expect("a file");
    let refused = run(&["--config", &wrong.display().to_string()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("public_url"), "{refused:?}");
}
