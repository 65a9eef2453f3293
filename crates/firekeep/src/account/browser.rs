//! <https://www.rfc-editor.org/rfc/rfc8252>: sign in with the system's browser: authorization code,
//! PKCE, and a listener on the loopback interface that the browser is sent back to.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use reqwest::{Client, Url};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::session::{CLIENT_ID, user_scope};
use crate::client::grant::{self, Grant};
use crate::environment;
use crate::output::note;

/// How long a person may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// Bytes of a request to the listener.
const REQUEST_BYTES: usize = 64 << 10;

pub(crate) async fn sign_in(
    http: &Client,
    authority: &str,
    tenant: &str,
    scope: &str,
) -> Result<Grant> {
    let scope = user_scope(scope);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free loopback port")?;
    let port = listener.local_addr().context("the listener has no address")?.port();
    // `localhost` may mean ::1 first; where that cannot be bound the browser falls back to
    // 127.0.0.1.
    let second = TcpListener::bind(("::1", port)).await.ok();
    let redirect = format!("http://localhost:{port}");
    let verifier = grant::random_text(32);
    let state = grant::random_text(16);
    let challenge = grant::encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    let mut url = Url::parse(&grant::endpoint(authority, tenant, "authorize"))?;
    url.query_pairs_mut()
        .append_pair("client_id", CLIENT_ID)
        .append_pair("response_type", "code")
        .append_pair("response_mode", "form_post")
        .append_pair("redirect_uri", &redirect)
        .append_pair("scope", &scope)
        .append_pair("state", &state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("nonce", &grant::random_text(16))
        .append_pair("client_info", "1");
    if !open(url.as_str()) {
        note(
            "No browser could be opened. Open this page, or use: firekeep login --use-device-code",
        );
    }
    note(&format!("Sign in at {url}"));

    let waiting = wait(&listener, second.as_ref(), &state);
    let code = match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(code) => code?,
        Err(_late) => bail!("nobody signed in within ten minutes"),
    };
    let form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("code", code.as_str()),
        ("redirect_uri", redirect.as_str()),
        ("code_verifier", verifier.as_str()),
        ("scope", scope.as_str()),
    ];
    Ok(grant::ask(http, &grant::endpoint(authority, tenant, "token"), &form).await?)
}

/// `$BROWSER` as Python's `webbrowser` reads it, else what the system opens pages with.
fn open(url: &str) -> bool {
    let named = environment::text("BROWSER").unwrap_or_default();
    let programs = named.split(':').filter(|it| !it.is_empty()).map(str::to_owned);
    let system = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    programs.chain([system.to_owned()]).any(|program| {
        let mut words = program.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        let mut placed = false;
        for word in words {
            placed |= word.contains("%s");
            command.arg(word.replace("%s", url));
        }
        if !placed {
            command.arg(url);
        }
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().is_ok()
    })
}

/// Serves the listener until a request carries the state: then the code, or the authority's error.
async fn wait(first: &TcpListener, second: Option<&TcpListener>, state: &str) -> Result<String> {
    loop {
        let accepted = match second {
            None => first.accept().await,
            Some(second) => tokio::select! {
                accepted = first.accept() => accepted,
                accepted = second.accept() => accepted,
            },
        };
        let (mut stream, _peer) = accepted.context("the loopback listener failed")?;
        let reading = tokio::time::timeout(Duration::from_secs(10), request(&mut stream));
        let Ok(Ok(fields)) = reading.await else { continue };
        let sent = fields.get("state").map(String::as_bytes).unwrap_or_default();
        if verify_slices_are_equal(sent, state.as_bytes()).is_err() {
            answer(&mut stream, "404 Not Found", "This page waits for a sign-in.").await;
            continue;
        }
        if let Some(code) = fields.get("code") {
            answer(&mut stream, "200 OK", "You are signed in. You may close this page.").await;
            return Ok(code.clone());
        }
        answer(&mut stream, "200 OK", "The sign-in failed. The terminal says why.").await;
        let said = ["error_description", "error"].iter().find_map(|it| fields.get(*it));
        return Err(anyhow!(said.cloned().unwrap_or_else(|| "the sign-in failed".to_owned())));
    }
}

/// The fields of a request: of its query, and of its form when it has one.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Result<HashMap<String, String>> {
    let mut bytes = Vec::new();
    let (head, mut rest) = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            break (String::from_utf8_lossy(&bytes).into_owned(), rest);
        }
        if bytes.len() > REQUEST_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            bail!("the request has no end");
        }
    };
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let length = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.unwrap_or(0).min(REQUEST_BYTES);
    while rest.len() < length && stream.read_buf(&mut rest).await? > 0 {}
    rest.truncate(length);
    let query = target.split_once('?').map(|(_path, query)| query.as_bytes()).unwrap_or_default();
    let mut fields: HashMap<_, _> = form_urlencoded::parse(query).into_owned().collect();
    fields.extend(form_urlencoded::parse(&rest).into_owned());
    Ok(fields)
}

async fn answer(stream: &mut TcpStream, status: &str, text: &str) {
    let page = format!("<!doctype html><meta charset=utf-8><title>Firekeep</title><p>{text}</p>");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n",
        page.len()
    );
    // The code is what matters; a browser that went away is told nothing.
    let _gone = stream.write_all(format!("{head}{page}").as_bytes()).await;
    let _gone = stream.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_code_is_read_from_a_form_and_from_a_query() {
        let mut form: &[u8] =
            b"POST / HTTP/1.1\r\nHost: x\r\ncontent-length: 16\r\n\r\ncode=a%2Bb&state";
        let fields = request(&mut form).await.unwrap();
        assert_eq!(fields.get("code").map(String::as_str), Some("a+b"));
        let mut query: &[u8] = b"GET /?code=c&state=s HTTP/1.1\r\n\r\n";
        let fields = request(&mut query).await.unwrap();
        assert_eq!(fields.get("state").map(String::as_str), Some("s"));
        let mut cut: &[u8] = b"GET / HTTP/1.1\r\n";
        assert!(request(&mut cut).await.is_err());
    }
}
