//! Sends bundles and resources, several at a time, and waits when the server is busy.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::progress::Progress;
use super::read::{Item, Piece};
use super::reply::{self, Reply};
use crate::client::http;
use crate::client::tokens::Tokens;

/// Lines of NDJSON that go out in place of one bundle: they are small, and share the server's
/// commits.
const LINES_PER_BUNDLE: u32 = 8;
/// How often a busy server (429, 503) is asked again.
const TRIES: u32 = 10;
/// The longest wait between two tries.
const WAIT_MOST: Duration = Duration::from_secs(30);

/// Where to.
pub(crate) struct Target {
    pub(crate) http: Client,
    /// The service's base URL without a trailing slash.
    pub(crate) base: String,
    /// The resource that tokens are asked for.
    pub(crate) tokens: Arc<Tokens>,
}

/// Why the whole load ends.
struct Unreachable(anyhow::Error);

/// Sends all pieces, at most `parallel` bundles at a time.
///
/// # Errors
/// The server cannot be reached any more; a refused bundle is told and the rest goes on.
pub(crate) async fn all(
    target: &Arc<Target>,
    mut pieces: mpsc::Receiver<Piece>,
    parallel: u32,
    progress: &Arc<Progress>,
) -> Result<()> {
    let slots = Arc::new(Semaphore::new((parallel * LINES_PER_BUNDLE) as usize));
    let mut running: JoinSet<Result<(), Unreachable>> = JoinSet::new();
    while let Some(piece) = pieces.recv().await {
        let item = match piece {
            Ok(item) => item,
            Err(unreadable) => {
                progress.failed(&unreadable.name, &format!("{:#}", unreadable.why));
                continue;
            }
        };
        let weight = if item.is_line { 1 } else { LINES_PER_BUNDLE };
        let slot = Arc::clone(&slots).acquire_many_owned(weight).await?;
        while let Some(done) = running.try_join_next() {
            done?.map_err(|Unreachable(error)| error)?;
        }
        let (target, progress) = (Arc::clone(target), Arc::clone(progress));
        running.spawn(async move {
            let name = item.name.clone();
            let done = one(&target, item).await.map(|reply| tell(&progress, &name, reply));
            drop(slot);
            done
        });
    }
    while let Some(done) = running.join_next().await {
        done?.map_err(|Unreachable(error)| error)?;
    }
    Ok(())
}

fn tell(progress: &Progress, name: &str, reply: Reply) {
    for failure in reply.failures {
        progress.failed(name, &failure);
    }
    progress.resources(reply.resources);
}

/// How an item is sent.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    method: Method,
    /// What follows the base URL.
    path: String,
    is_bundle: bool,
}

/// A bundle is POSTed to the base; a resource is PUT under its own id, or POSTed when it has none.
fn call(body: &[u8]) -> Result<Call> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Resource<'r> {
        #[serde(borrow)]
        resource_type: Option<std::borrow::Cow<'r, str>>,
        #[serde(borrow)]
        id: Option<std::borrow::Cow<'r, str>>,
    }
    let resource: Resource<'_> =
        serde_json::from_slice(body).map_err(|error| anyhow!("it is not JSON: {error}"))?;
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it))
    };
    let kind = resource.resource_type.ok_or_else(|| anyhow!("it has no resourceType"))?;
    match resource.id {
        _ if kind == "Bundle" => {
            Ok(Call { method: Method::POST, path: String::new(), is_bundle: true })
        }
        _ if !is_name(&kind) => Err(anyhow!("'{kind}' is not a resource type")),
        Some(id) if is_name(&id) => {
            Ok(Call { method: Method::PUT, path: format!("/{kind}/{id}"), is_bundle: false })
        }
        Some(id) => Err(anyhow!("'{id}' is not an id")),
        None => Ok(Call { method: Method::POST, path: format!("/{kind}"), is_bundle: false }),
    }
}

async fn one(target: &Target, item: Item) -> Result<Reply, Unreachable> {
    let call = match call(&item.body) {
        Ok(call) => call,
        Err(error) => return Ok(reply::refused(&error.to_string(), b"")),
    };
    let body = bytes::Bytes::from(item.body);
    for attempt in 0..TRIES {
        let token = target.tokens.get(&target.base).await.map_err(Unreachable)?;
        let url = if call.path.is_empty() {
            target.base.clone() + "/"
        } else {
            target.base.clone() + &call.path
        };
        let request = target
            .http
            .request(call.method.clone(), url)
            .bearer_auth(token)
            .header("Content-Type", "application/fhir+json")
            .header("Prefer", "return=minimal")
            .body(body.clone());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Err(Unreachable(http::unreachable(&error))),
            Err(error) => return Ok(reply::refused(&http::unreachable(&error).to_string(), b"")),
        };
        let status = response.status();
        let busy =
            matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let wait =
            wait(response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok()), attempt);
        let answer = match response.bytes().await {
            Ok(answer) => answer,
            Err(error) => return Ok(reply::refused(&http::unreachable(&error).to_string(), b"")),
        };
        if busy && attempt + 1 < TRIES {
            pause(wait).await;
        } else if !status.is_success() {
            return Ok(reply::refused(&status.to_string(), &answer));
        } else if call.is_bundle {
            return Ok(reply::of_bundle(&answer));
        } else {
            return Ok(reply::of_resource());
        }
    }
    Ok(reply::refused("the server stays busy", b""))
}

#[expect(clippy::disallowed_methods, reason = "the server says when to ask again, not that it can")]
async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}

/// What the server says in seconds, else 1, 2, 4… seconds.
fn wait(retry_after: Option<&str>, attempt: u32) -> Duration {
    let said = retry_after.and_then(|it| it.trim().parse().ok()).map(Duration::from_secs);
    said.unwrap_or_else(|| Duration::from_secs(1 << attempt.min(5))).min(WAIT_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_posted_and_resources_are_put_under_their_own_ids() {
        for (body, expected) in [
            (r#"{"resourceType":"Bundle","id":"b"}"#, "POST "),
            (r#"{"resourceType":"Patient","id":"a-1.B"}"#, "PUT /Patient/a-1.B"),
            (r#"{"id":"\u0061","resourceType":"Patient"}"#, "PUT /Patient/a"),
            (r#"{"resourceType":"Patient"}"#, "POST /Patient"),
        ] {
            let call = call(body.as_bytes()).unwrap();
            assert_eq!(format!("{} {}", call.method, call.path), expected);
        }
        for (body, why) in [
            ("{", "it is not JSON"),
            ("{}", "it has no resourceType"),
            (r#"{"resourceType":"../x"}"#, "'../x' is not a resource type"),
            (r#"{"resourceType":"Patient","id":"a/b"}"#, "'a/b' is not an id"),
        ] {
            let said = call(body.as_bytes()).unwrap_err().to_string();
            assert!(said.starts_with(why), "{said}");
        }
    }

    #[test]
    fn a_busy_server_is_waited_for_as_it_says() {
        assert_eq!(wait(Some("7"), 0), Duration::from_secs(7));
        assert_eq!(wait(Some("3600"), 0), WAIT_MOST);
        assert_eq!(wait(Some("Tue, 24 Nov 2026"), 2), Duration::from_secs(4));
        assert_eq!(wait(None, 0), Duration::from_secs(1));
        assert_eq!(wait(None, 9), WAIT_MOST);
    }
}
