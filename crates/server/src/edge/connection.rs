//! One connection from its acceptance to its end: TLS, HTTP/1.1 or HTTP/2, and the watchdog.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base::limits;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;

use super::handle::{self, Connection};
use super::progress::{BEAT, Progress, Verdict, Watchdog, Watched};
use crate::app::App;

/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all listeners of a server share.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) app: Arc<App>,
    /// One permit per connection that may be open; all free again when all are closed.
    pub(crate) slots: Arc<Semaphore>,
    /// Becomes true when the server ends.
    pub(crate) closing: watch::Receiver<bool>,
}

impl Gate {
    /// Accepts connections until the server ends; `tls` is `None` on the plain port.
    pub(crate) async fn accept(mut self, listener: TcpListener, tls: Option<TlsAcceptor>) {
        loop {
            let slot = tokio::select! {
                _ = self.closing.changed() => return,
                slot = Arc::clone(&self.slots).acquire_owned() => slot,
            };
            let Ok(slot) = slot else { return };
            let accepted = tokio::select! {
                _ = self.closing.changed() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = Connection {
                        app: Arc::clone(&self.app),
                        progress: Arc::new(Progress::default()),
                        peer,
                        secure: tls.is_some(),
                    };
                    let (tls, closing) = (tls.clone(), self.closing.clone());
                    tokio::spawn(async move {
                        serve(connection, stream, tls, closing).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: others must end before it gets better.
                    tracing::warn!(%error, "a connection could not be accepted");
                    let _ = timeout(ACCEPT_PAUSE, self.closing.wait_for(|closing| *closing)).await;
                }
            }
        }
    }
}

async fn serve(
    connection: Connection,
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    closing: watch::Receiver<bool>,
) {
    let connection = Arc::new(connection);
    let app = Arc::clone(&connection.app);
    let _open = app.metrics.connection();
    // Without it a small answer waits for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let stream = Watched::new(stream, Arc::clone(&connection.progress));
    let Some(tls) = tls else {
        return http1(connection, stream, closing).await;
    };
    match timeout(limits::HEADER_TIME, tls.accept(stream)).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
            Box::pin(http2(connection, stream, closing)).await;
        }
        Ok(Ok(stream)) => http1(connection, stream, closing).await,
        Ok(Err(error)) => {
            tracing::debug!(%error, peer = %connection.peer, "a TLS handshake failed");
        }
        Err(_) => tracing::debug!(peer = %connection.peer, "a TLS handshake took too long"),
    }
}

async fn http1(
    connection: Arc<Connection>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    closing: watch::Receiver<bool>,
) {
    let progress = Arc::clone(&connection.progress);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(handle::answer(connection, request).await) }
    });
    // The watchdog does what the header timeout would, without a timer per request.
    let http = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(limits::HEADER_BYTES)
        .max_header_size(limits::HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    drive(http, &progress, true, closing).await;
}

async fn http2(
    connection: Arc<Connection>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    closing: watch::Receiver<bool>,
) {
    let progress = Arc::clone(&connection.progress);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let connection = Arc::clone(&connection);
        async move { Ok::<_, Infallible>(handle::answer(connection, request).await) }
    });
    let header_bytes = u32::try_from(limits::HEADER_BYTES).unwrap_or(u32::MAX);
    let http = http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(header_bytes)
        .max_concurrent_streams(limits::STREAMS)
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .max_send_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service);
    drive(http, &progress, false, closing).await;
}

/// Runs a connection to its end, which it, the server or the watchdog decides.
async fn drive(
    http: impl GracefulConnection,
    progress: &Progress,
    reads_are_heads: bool,
    mut closing: watch::Receiver<bool>,
) {
    let mut http = pin!(http);
    let mut watchdog = Watchdog::new(progress, reads_are_heads);
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ends = false;
    loop {
        tokio::select! {
            biased;
            // Errors are the client's: it went away, or did not speak HTTP.
            _ = http.as_mut() => return,
            _ = closing.wait_for(|closing| *closing), if !ends => {
                ends = true;
                http.as_mut().graceful_shutdown();
            }
            _ = beat.tick() => match watchdog.look(progress) {
                Verdict::Fine => {}
                Verdict::Idle if ends => return,
                Verdict::Idle => {
                    ends = true;
                    http.as_mut().graceful_shutdown();
                }
                Verdict::Stalled => return,
            },
        }
    }
}
