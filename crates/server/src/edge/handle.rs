//! The way of every request: ids, route, CORS, limits, the area that answers, then the dress of the
//! answer.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use authority::LastToken;
use base::{Fault, limits};
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use serde_json::json;

use super::body::{Arriving, Body};
use super::compress::{self, Coding};
use super::progress::{OpenRequest, Progress};
use super::route::{Area, Route, Unrouted};
use super::send::Sending;
use super::trace::{CORRELATION_ID, Ids, REQUEST_ID};
use super::{blocking, cors, decompress, portal};
use crate::app::App;
use crate::exchange::{Answer, AnswerBody, Request};
use crate::fhir::outcome::{self, Issue};
use crate::{admin, arm, fhir, graph, oauth};

/// What a request inherits from its connection.
pub(crate) struct Connection {
    pub(crate) app: Arc<App>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) peer: SocketAddr,
    pub(crate) secure: bool,
    pub(crate) last_token: Arc<LastToken>,
}

/// What of a request the dress of its answer needs, after the handler took the rest.
struct Wishes {
    head: bool,
    coding: Option<Coding>,
    version: Version,
}

/// Answers one request. Whatever goes wrong is an answer too.
pub(crate) async fn answer(
    connection: Arc<Connection>,
    request: hyper::Request<Incoming>,
) -> Response<Sending> {
    #[expect(clippy::disallowed_methods, reason = "measures how long the request takes")]
    let started = Instant::now();
    let open = OpenRequest::begin(&connection.progress);
    let app = &connection.app;
    let (parts, incoming) = request.into_parts();
    let ids = Ids::of(&parts.headers, &*app.random);
    let mut wishes = Wishes {
        head: parts.method == Method::HEAD,
        coding: compress::chosen(&parts.headers),
        version: parts.version,
    };
    let logs = tracing::enabled!(target: "access", tracing::Level::INFO);
    let line = logs.then(|| (parts.method.clone(), parts.uri.path().to_owned()));
    let routed = app.hosts.load().route(connection.secure, &parts);
    let (area, mut answer) = match routed {
        Err(unrouted) => ("edge", unrouted_answer(&unrouted)),
        Ok(route) => {
            let name = route.area.name();
            if matches!(route.area, Area::Oauth) {
                // Its pages hold secrets beside text that others may choose (BREACH).
                wishes.coding = None;
            }
            (name, routed_answer(&connection, route, parts, incoming, &ids).await)
        }
    };
    let note = answer.note;
    compress::compress(&mut answer, wishes.coding);
    if wishes.head {
        drop_body(&mut answer).await;
    }
    let took = started.elapsed();
    app.metrics.request(area, note.interaction.unwrap_or("other"), answer.status, took);
    if let Some((method, path)) = line {
        let status = answer.status.as_str();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let caller = note.caller.map(tracing::field::display);
        let (request_id, correlation_id) = (&*ids.request, &*ids.correlation);
        tracing::info!(
            target: "access",
            request_id, correlation_id, caller, micros, "{method} {path} {status}"
        );
    }
    finish(&mut answer, &wishes, ids, &connection.progress);
    let mut response = Response::new(Sending::new(answer.body, open.sending()));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

async fn routed_answer(
    connection: &Arc<Connection>,
    route: Route,
    parts: Parts,
    incoming: Incoming,
    ids: &Ids,
) -> Answer {
    let app = &connection.app;
    let Route { area, origin, path_start } = route;
    let strict_transport = connection.secure && !is_local(&origin);
    let cors = match &area {
        Area::Fhir(service, _) => service.settings.cors.as_ref(),
        _ => app.config.authority_cors.as_ref(),
    };
    let leave = cors.and_then(|cors| cors::leave(cors, &parts.headers));
    let preflight = cors.and_then(|cors| cors::preflight(cors, &parts.method, &parts.headers));
    let mut answer = match preflight {
        Some(answer) => answer,
        None => {
            let place = (origin, path_start);
            let request = request(connection, place, parts, incoming, ids);
            guarded(app, &area, request, &ids.correlation).await
        }
    };
    if let Some(cors) = cors {
        cors::dress(cors, leave, &mut answer.headers);
    }
    if strict_transport {
        let year = HeaderValue::from_static("max-age=31536000");
        answer.headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    answer
}

/// Browsers keep what they are told about `localhost` for every program on that machine: nothing is
/// told.
fn is_local(origin: &str) -> bool {
    // So short a text is read before `contains` has prepared its search.
    let named = |name: &[u8]| origin.as_bytes().windows(name.len()).any(|part| part == name);
    [&b"localhost"[..], b"127.0.0.1", b"[::1]"].into_iter().any(named)
}

fn request(
    connection: &Connection,
    (origin, path_start): (String, usize),
    mut parts: Parts,
    incoming: Incoming,
    ids: &Ids,
) -> Request {
    let body = if incoming.is_end_stream() {
        Body::of(Bytes::new())
    } else {
        Body::arriving(Arriving {
            incoming: Some(incoming),
            progress: Arc::clone(&connection.progress),
            memory: Arc::clone(&connection.app.body_memory),
            unpacking: connection.app.unpacking.clone(),
            encoding: decompress::encoding(&parts.headers),
            drains: !parts.headers.contains_key(EXPECT),
        })
    };
    let head = parts.method == Method::HEAD;
    Request {
        method: if head { Method::GET } else { parts.method },
        head,
        peer: connection.peer.ip(),
        path: parts.uri.path().get(path_start..).unwrap_or_default().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: std::mem::take(&mut parts.headers),
        last_token: Arc::clone(&connection.last_token),
        origin,
        correlation_id: ids.correlation.clone(),
        now: connection.app.clock.now(),
        body,
    }
}

/// The area's answer, within the time limit. A panic ends the request, not the server.
async fn guarded(app: &Arc<App>, area: &Area, request: Request, correlation_id: &str) -> Answer {
    let is_fhir = matches!(area, Area::Fhir(..));
    // Pinned where it is made: it is long to move.
    let work = pin!(dispatch(app, area, request));
    match outcome_of(work, limits::REQUEST_TIME).await {
        Ok(answer) => answer,
        Err(Broke::Panicked) => {
            tracing::error!(correlation_id, "a handler panicked");
            let text = format!(
                "The server made a mistake. Its log has the reason under {correlation_id}."
            );
            refusal(is_fhir, StatusCode::INTERNAL_SERVER_ERROR, "exception", text)
        }
        Err(Broke::TookTooLong) => {
            let text = format!(
                "The request took longer than {} seconds. Ask for less at once.",
                limits::REQUEST_TIME.as_secs()
            );
            refusal(is_fhir, StatusCode::REQUEST_TIMEOUT, "timeout", text)
        }
    }
}

/// How a handler can fail to answer.
#[derive(Debug, PartialEq, Eq)]
enum Broke {
    Panicked,
    TookTooLong,
}

/// What `work` comes to, within `time`. A panic is caught here, without a task of its own.
async fn outcome_of<T>(
    mut work: Pin<&mut impl Future<Output = T>>,
    time: Duration,
) -> Result<T, Broke> {
    let end = tokio::time::Instant::now() + time;
    let mut caught =
        poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Broke::Panicked)),
        });
    // What ends without waiting needs no timer.
    if let Poll::Ready(outcome) = poll_fn(|cx| Poll::Ready(Pin::new(&mut caught).poll(cx))).await {
        return outcome;
    }
    tokio::time::timeout_at(end, caught).await.unwrap_or(Err(Broke::TookTooLong))
}

/// The control plane's futures stand on the heap: they are long, and whatever is part of this one
/// is moved along with every read.
async fn dispatch(app: &Arc<App>, area: &Area, request: Request) -> Answer {
    match area {
        Area::Fhir(service, base) => fhir::answer(app, service, base, request).await,
        Area::Arm => Box::pin(arm::answer(app, request)).await,
        Area::Graph => Box::pin(graph::answer(app, request)).await,
        Area::Oauth => Box::pin(oauth::answer(app, request)).await,
        Area::Admin => Box::pin(admin::answer(app, request)).await,
        Area::Portal => portal::answer(&request),
    }
}

fn unrouted_answer(unrouted: &Unrouted) -> Answer {
    refusal(true, unrouted.status(), unrouted.code(), unrouted.sentence())
}

/// A refusal by the edge: an OperationOutcome to FHIR clients, control-plane JSON to others.
fn refusal(is_fhir: bool, status: StatusCode, code: &'static str, text: String) -> Answer {
    if is_fhir {
        return outcome::answer(status, &[Issue::error(code, text)]);
    }
    let name = status.canonical_reason().unwrap_or_default().replace(' ', "");
    Answer::json(status, &json!({"error": {"code": name, "message": text}}))
}

/// Ids and the other headers that every answer has.
fn finish(answer: &mut Answer, wishes: &Wishes, ids: Ids, progress: &Progress) {
    for (name, id) in [(REQUEST_ID, ids.request), (CORRELATION_ID, ids.correlation)] {
        if let Ok(value) = HeaderValue::try_from(id) {
            answer.headers.insert(name, value);
        }
    }
    let nosniff = HeaderValue::from_static("nosniff");
    answer.headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(nosniff);
    if wishes.version < Version::HTTP_2 && progress.unusable.load(Ordering::Relaxed) {
        answer.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// The answer to HEAD: the length of what GET would give, if that is known, and no body.
async fn drop_body(answer: &mut Answer) {
    let length = match std::mem::replace(&mut answer.body, AnswerBody::Empty) {
        AnswerBody::Empty => None,
        AnswerBody::Full(bytes) => Some(bytes.len()),
        // Compressing only to count would cost more than the number is worth.
        AnswerBody::Pieces(_) if answer.headers.contains_key(CONTENT_ENCODING) => None,
        AnswerBody::Pieces(pieces) => {
            let length = |piece: Result<Bytes, Fault>| piece.ok().map(|bytes| bytes.len());
            blocking::run(move || pieces.map(length).sum::<Option<usize>>()).await.ok().flatten()
        }
    };
    if let Some(length) = length {
        answer.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_and_a_long_wait_end_the_request_only() {
        let time = Duration::from_millis(1);
        assert_eq!(outcome_of(pin!(async { 1 }), time).await, Ok(1));
        let never = pin!(std::future::pending::<()>());
        assert_eq!(outcome_of(never, time).await, Err(Broke::TookTooLong));
        let panics = async || [(); 0].iter().copied().next().unwrap();
        assert_eq!(outcome_of(pin!(panics()), time).await, Err(Broke::Panicked));
        let waits = tokio::task::yield_now;
        assert_eq!(outcome_of(pin!(waits()), limits::REQUEST_TIME).await, Ok(()));
        let later = pin!(async { (waits().await, panics().await) });
        assert_eq!(outcome_of(later, limits::REQUEST_TIME).await, Err(Broke::Panicked));
    }

    #[tokio::test]
    async fn head_says_the_length_that_get_has() {
        let check = async |body: AnswerBody, expected: Option<&str>| {
            let mut answer = Answer::empty(StatusCode::OK).body(body);
            drop_body(&mut answer).await;
            let length = answer.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
            assert_eq!(length, expected);
            assert!(matches!(answer.body, AnswerBody::Empty));
        };
        check(AnswerBody::Empty, None).await;
        check(AnswerBody::Full(Bytes::from_static(b"abc")), Some("3")).await;
        let pieces =
            || ["ab", "cde"].into_iter().map(|text| Ok(Bytes::from_static(text.as_bytes())));
        check(AnswerBody::Pieces(Box::new(pieces())), Some("5")).await;
        let broken = pieces().chain([Err(Fault::because("the disk is gone"))]);
        check(AnswerBody::Pieces(Box::new(broken)), None).await;
    }
}
