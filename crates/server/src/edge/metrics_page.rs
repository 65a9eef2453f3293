//! `--metrics`: one page for Prometheus on an address of its own.

use std::convert::Infallible;
use std::sync::Arc;

use base::limits;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use store::Statistics;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::metrics::{StoreFigure, StoreFigures};
use crate::app::App;

/// Serves the page until the server ends.
pub(crate) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    mut closing: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            _ = closing.wait_for(|closing| *closing) => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let app = Arc::clone(&app);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let app = Arc::clone(&app);
            async move { Ok::<_, Infallible>(answer(&app, request.uri().path())) }
        });
        tokio::spawn(async move {
            let http = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits::HEADER_TIME)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // A scraper that goes away is no event.
            let _ = tokio::time::timeout(limits::REQUEST_TIME, http).await;
        });
    }
}

fn answer(app: &App, path: &str) -> Response<Full<Bytes>> {
    if path != "/metrics" {
        let mut response = Response::new(Full::from("The figures are at /metrics.\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let mut services: Vec<_> = app
        .services
        .all()
        .iter()
        .filter_map(|service| {
            let figures = figures(&service.store.statistics().ok()?);
            Some((service.id.label(), figures))
        })
        .collect();
    services.sort_by(|(one, _), (other, _)| one.cmp(other));
    let page = app.metrics.page(&StoreFigures { services });
    let mut response = Response::new(Full::from(page));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

fn figures(of: &Statistics) -> Vec<StoreFigure> {
    vec![
        ("firekeep_store_used_bytes", "Bytes of the store that are in use.", of.bytes_used),
        ("firekeep_store_disk_bytes", "Bytes of the store's file.", of.bytes_on_disk),
        ("firekeep_store_map_bytes", "Address space reserved for it.", of.map_bytes),
        ("firekeep_store_readers", "Open read transactions.", of.readers.into()),
        ("firekeep_store_versions", "Stored versions.", of.versions),
        ("firekeep_store_commits", "Commits since the store was made.", of.commits),
        ("firekeep_store_groups", "Synchronous writes since the start.", of.groups),
    ]
}
