//! What is too much, too slow or too deep gets its answer and costs no more than its limit.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Method;
use serde_json::{Value, json};
use stories::{Firekeep, Reply, Setup, patient, patients};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const MIB: u64 = 1 << 20;

/// Anonymous memory of the server, in bytes.
fn memory(fk: &Firekeep) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", fk.pid())).expect("procfs");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("RssAnon");
    let kib: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    kib << 10
}

/// A token of one who may write, once the definitions are read that are shared by all requests:
/// what they take is not what a request costs.
async fn warm(fk: &Firekeep) -> String {
    let app = fk.as_contributor().await;
    app.post("/Patient/$validate", &json!({"resourceType": "Patient"})).await.ok();
    app.token().to_owned()
}

fn plain(fk: &Firekeep) -> String {
    fk.says("/http").replace("http://", "")
}

#[tokio::test]
async fn a_transaction_deletes_ten_thousand_by_criteria_and_not_one_more() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    app.post("", &patients(10_000)).await.ok();
    app.post("/Patient", &patient("more", "Original")).await.created();
    let url = "Patient?family=original&_count=1000";
    let delete = json!({"request": {"method": "DELETE", "url": url}});
    let deletes = |count: usize| {
        let entries = vec![delete.clone(); count];
        json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    };
    let left = async || app.get("/Patient?_summary=count").await.ok().json()["total"].clone();
    app.post("", &deletes(11)).await.refused(413, "10000");
    assert_eq!(left().await, 10_001);
    app.post("", &deletes(10)).await.ok();
    assert_eq!(left().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_are_kept_and_served() {
    let fk = Firekeep::start().await;
    let token = warm(&fk).await;
    let (address, before) = (plain(&fk), memory(&fk));
    let request = format!(
        "GET /fhir/main-demo/Patient HTTP/1.1\r\nHost: {address}\r\n\
        Authorization: Bearer {token}\r\n\r\n"
    );
    let mut connections = Vec::new();
    for _ in 0..1_000 {
        connections.push(tokio::net::TcpStream::connect(&address).await.expect("a connection"));
    }
    for _ in 0..2 {
        for connection in &mut connections {
            connection.write_all(request.as_bytes()).await.expect("the request goes out");
        }
        for connection in &mut connections {
            let mut head = [0; 12];
            connection.read_exact(&mut head).await.expect("an answer");
            assert_eq!(&head, b"HTTP/1.1 200");
            let mut rest = Vec::new();
            while !rest.ends_with(b"}") {
                assert_ne!(connection.read_buf(&mut rest).await.expect("the body"), 0);
            }
        }
    }
    let grown = memory(&fk).saturating_sub(before);
    assert!(grown < 200 * MIB, "{} MiB for 1,000 connections", grown / MIB);
}

#[tokio::test]
async fn a_body_of_a_gibibyte_is_refused_before_it_is_read() {
    let fk = Firekeep::start().await;
    let token = warm(&fk).await;
    let before = memory(&fk);
    for framing in ["Content-Length: 1073741824", "Transfer-Encoding: chunked"] {
        let answer = send_gibibyte(&plain(&fk), &token, framing);
        assert!(answer.starts_with("HTTP/1.1 413"), "{framing}: {answer}");
        assert!(answer.contains("OperationOutcome"), "{answer}");
    }
    let grown = memory(&fk).saturating_sub(before);
    assert!(grown < 200 * MIB, "{} MiB", grown / MIB);
}

/// Spaces, a mebibyte each time.
struct Spaces {
    left: u64,
    /// Whether `Content-Length` is sent.
    declared: bool,
}

impl hyper::body::Body for Spaces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.left = self.left.saturating_sub(MIB);
        let piece = Frame::data(Bytes::from_static(&[b' '; MIB as usize]));
        Poll::Ready((self.left > 0).then_some(Ok(piece)))
    }

    fn size_hint(&self) -> SizeHint {
        if self.declared { SizeHint::with_exact(self.left) } else { SizeHint::default() }
    }
}

#[tokio::test]
async fn a_body_of_a_gibibyte_is_refused_over_http2_and_tls_too() {
    let fk = Firekeep::start().await;
    let token = fk.as_contributor().await.token().to_owned();
    let before = memory(&fk);
    for declared in [true, false] {
        let tls = TokioIo::new(fk.tls("h2").await);
        let (mut send, connection) =
            http2::handshake(TokioExecutor::new(), tls).await.expect("HTTP/2");
        tokio::spawn(connection);
        let request = hyper::Request::post(format!("{}/Patient", fk.says("/service/pathUrl")))
            .header("Content-Type", "application/fhir+json")
            .header("Authorization", format!("Bearer {token}"));
        let request = request.body(Spaces { left: 1_024 * MIB, declared }).expect("a request");
        let answer = send.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 413, "declared: {declared}");
        let text = answer.into_body().collect().await.expect("a body").to_bytes();
        assert!(String::from_utf8_lossy(&text).contains("OperationOutcome"));
    }
    let grown = memory(&fk).saturating_sub(before);
    assert!(grown < 200 * MIB, "{} MiB", grown / MIB);
}

#[tokio::test]
async fn a_body_of_the_limit_is_read_and_one_byte_more_is_not() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let padded = |bytes: usize| {
        let mut body = json!({"resourceType": "Patient"}).to_string().into_bytes();
        body.resize(bytes, b' ');
        body
    };
    app.send(Method::POST, "/Patient", padded(64 << 20)).await.created();
    app.send(Method::POST, "/Patient", padded((64 << 20) + 1)).await.refused(413, "67108864");
}

/// Sends the head of a request and returns that of its answer.
fn head_of_answer(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("a connection");
    socket.write_all(request.as_bytes()).expect("the head goes out");
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") && matches!(socket.read(&mut byte), Ok(1)) {
        answer.push(byte[0]);
    }
    String::from_utf8_lossy(&answer).to_lowercase()
}

#[tokio::test]
async fn a_connection_outlives_a_short_body_that_nobody_reads_and_no_long_one() {
    let fk = Firekeep::start().await;
    let address = plain(&fk);
    let refused = |bytes: usize| {
        let head = format!(
            "POST /fhir/main-demo/Patient HTTP/1.1\r\nHost: {address}\r\n\
            Content-Type: application/json\r\nContent-Length: {bytes}\r\n\r\n"
        );
        let answer = head_of_answer(&address, &head);
        assert!(answer.starts_with("http/1.1 401"), "{answer}");
        answer
    };
    assert!(!refused(256 << 10).contains("connection: close"));
    assert!(refused((256 << 10) + 1).contains("connection: close"));
}

/// Sends a body without end until the server answers or closes.
fn send_gibibyte(address: &str, token: &str, framing: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let head = format!(
        "POST /fhir/main-demo/Patient HTTP/1.1\r\nHost: {address}\r\n{framing}\r\n\
        Content-Type: application/fhir+json\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).expect("the head goes out");
    let chunk = vec![b' '; 1 << 20];
    let mut writer = socket.try_clone().expect("a clone");
    let chunked = framing.contains("chunked");
    let sender = std::thread::spawn(move || {
        for _ in 0..1_024 {
            let size = if chunked { "100000\r\n" } else { "" };
            let end = if chunked { "\r\n" } else { "" };
            let sent = writer
                .write_all(size.as_bytes())
                .and_then(|()| writer.write_all(&chunk))
                .and_then(|()| writer.write_all(end.as_bytes()));
            if sent.is_err() {
                break;
            }
        }
    });
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length) = socket.read(&mut piece) {
        answer.extend_from_slice(&piece[..length]);
        if length == 0 || answer.windows(16).any(|part| part == b"OperationOutcome") {
            break;
        }
    }
    drop(socket);
    sender.join().expect("the sender ends");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn deep_json_is_refused_where_it_gets_too_deep() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let deep = format!(
        "{{\"resourceType\":\"Patient\",\"x\":{}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    app.send(Method::POST, "/Patient", deep).await.refused(400, "nesting");
    let nested = |depth: usize, inner: &str| {
        format!(
            "{{\"resourceType\":\"Basic\",\"code\":{{\"text\":\"x\"}}{}{inner}{}}}",
            ",\"extension\":[{\"url\":\"urn:x\"".repeat(depth),
            "}]".repeat(depth)
        )
    };
    // 128 levels: the resource, two for each extension, and the Coding.
    let deepest = nested(63, ",\"valueCoding\":{\"code\":\"x\"}");
    app.send(Method::POST, "/Basic", deepest).await.created();
    let deeper = nested(64, ",\"valueString\":\"x\"");
    app.send(Method::POST, "/Basic", deeper).await.refused(400, "nesting");
}

#[tokio::test]
async fn a_header_without_end_is_431_and_a_long_url_414() {
    let fk = Firekeep::start().await;
    let mut socket = TcpStream::connect(plain(&fk)).expect("a connection");
    socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ").expect("the head goes out");
    let mut sent = 0;
    while sent < 4 << 20 && socket.write_all(&[b'a'; 4096]).is_ok() {
        sent += 4096;
    }
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        answer.starts_with("HTTP/1.1 431") || (answer.is_empty() && sent < 1 << 20),
        "{answer}"
    );

    let app = fk.as_contributor().await;
    let path = "/fhir/main-demo/Patient?_id=";
    let url = |bytes: usize| {
        let path = format!("{path}{}", "a".repeat(bytes - path.len()));
        app.at(&fk.says("/authority")).request(Method::GET, &path)
    };
    assert_ne!(Reply::of(url(16 << 10)).await.status, 414);
    Reply::of(url((16 << 10) + 1)).await.refused(414, "long");

    let address = plain(&fk);
    let headers = |bytes: usize| {
        let start = "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ";
        let end = "\r\n\r\n";
        let padding = "a".repeat(bytes - start.len() - end.len());
        head_of_answer(&address, &format!("{start}{padding}{end}"))
    };
    assert!(!headers(64 << 10).starts_with("http/1.1 431"));
    assert!(headers((64 << 10) + 1).starts_with("http/1.1 431"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stands_still_is_let_go() {
    let fk = Firekeep::start().await;
    let token = fk.as_contributor().await.token().to_owned();
    let address = plain(&fk);
    let head = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".to_owned();
    let body = format!(
        "POST /fhir/main-demo/Patient HTTP/1.1\r\nHost: {address}\r\n\
        Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
        Content-Length: 9\r\n\r\n{{"
    );
    let mut waits = tokio::task::JoinSet::new();
    for start in [head, body] {
        let plain = tokio::net::TcpStream::connect(&address).await.expect("a connection");
        waits.spawn(answer_to(plain, start.clone()));
        waits.spawn(answer_to(fk.tls("http/1.1").await, start));
    }
    for answer in waits.join_all().await {
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

/// What comes back, until the server closes, for the start of a request that does not go on.
async fn answer_to(mut socket: impl AsyncRead + AsyncWrite + Unpin, start: String) -> String {
    socket.write_all(start.as_bytes()).await.expect("the start goes out");
    let mut answer = Vec::new();
    let end = socket.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(60), end).await.expect("it is closed").ok();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn ten_thousand_entries_pass_and_one_more_does_not() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let bundle = |count: usize| {
        let entry = json!({"request": {"method": "GET", "url": "Patient?_summary=count"}});
        json!({"resourceType": "Bundle", "type": "batch", "entry": vec![entry; count]})
    };
    let answer = app.post("", &bundle(10_000)).await.ok().json();
    assert_eq!(answer["entry"].as_array().map(Vec::len), Some(10_000));
    let refused = app.post("", &bundle(10_001)).await;
    assert!(refused.status == 400 || refused.status == 413, "{}", refused.status);
    assert!(refused.text().contains("10000") || refused.text().contains("10,000"));
}

#[tokio::test]
async fn a_service_may_have_a_smaller_body_limit() {
    let config = "[service.\"main/demo\".limits]\nbody-bytes = 1000\n";
    let setup = Setup { config: Some(config.into()), ..Setup::default() };
    let fk = Firekeep::start_with(setup).await;
    let app = fk.as_contributor().await;
    let sized = |bytes: usize| {
        let body: Value = json!({"resourceType": "Patient", "id": "x", "language": ""});
        let rest = bytes - body.to_string().len();
        body.to_string()
            .replace("\"language\":\"\"", &format!("\"language\":\"{}\"", "a".repeat(rest)))
    };
    assert_eq!(sized(1_000).len(), 1_000);
    app.send(Method::POST, "/Patient", sized(1_000)).await.created();
    app.send(Method::POST, "/Patient", sized(1_001)).await.refused(413, "1000");
}

#[tokio::test]
async fn garbage_gets_a_4xx_never_a_500() {
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    for path in [
        "/Patient/%00",
        "/Patient/%zz",
        "//Patient",
        "/Patient/1/_history/x",
        "/Patient?_id=%ff",
        "/Patient?%zz",
        "/_history?_count=-1",
        "/Patient/..%2f..%2fetc",
    ] {
        let reply = app.get(path).await;
        assert!((200..500).contains(&reply.status), "{path}: {} {}", reply.status, reply.text());
    }
    for body in ["\u{feff}{}", "null", "\"x\"", "{\"resourceType\":1}", "{\"resourceType\":\"\"}"] {
        let reply = Reply::of(
            app.request(Method::POST, "")
                .body(body)
                .header("Content-Type", "application/fhir+json"),
        )
        .await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text());
    }
}

#[tokio::test]
async fn forms_and_control_bodies_have_their_limits() {
    let fk = Firekeep::start().await;
    let authority = fk.as_anonymous().at(&fk.says("/authority"));
    let token = format!("/{}/oauth2/v2.0/token", fk.says("/tenantId"));
    let form = |bytes: usize| {
        let start = "grant_type=client_credentials&client_id=x&padding=";
        let body = format!("{start}{}", "a".repeat(bytes - start.len()));
        let request = authority.request(Method::POST, &token);
        Reply::of(request.header("Content-Type", "application/x-www-form-urlencoded").body(body))
    };
    assert!(form(256 << 10).await.status(400).text().contains("AADSTS"));
    assert!(form((256 << 10) + 1).await.status(413).text().contains("262144"));

    let graph = fk.as_administrator().await;
    let control = |bytes: usize| {
        let body = json!({"displayName": "padded"}).to_string();
        let padded = format!("{body}{}", " ".repeat(bytes - body.len()));
        let request = graph.request(Method::POST, "/v1.0/applications");
        Reply::of(request.header("Content-Type", "application/json").body(padded))
    };
    control(1 << 20).await.created();
    control((1 << 20) + 1).await.status(413);
}
