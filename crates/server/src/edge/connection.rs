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
                        last_token: Arc::default(),
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
    let http = http2_limits().serve_connection(TokioIo::new(stream), service);
    drive(http, &progress, false, closing).await;
}

fn http2_limits() -> http2::Builder<TokioExecutor> {
    let header_bytes = u32::try_from(limits::HEADER_BYTES).unwrap_or(u32::MAX);
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.max_header_list_size(header_bytes)
        .max_concurrent_streams(limits::STREAMS)
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .max_send_buf_size(64 << 10);
    http
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

#[cfg(test)]
mod tests {
    use std::io;

    use http_body_util::Empty;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const REFUSED_STREAM: u32 = 7;

    /// <https://www.rfc-editor.org/rfc/rfc9113#section-4.1>
    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// The next frame of a kind: its stream and its payload.
    async fn next(of: u8, client: &mut (impl AsyncRead + Unpin)) -> io::Result<(u32, Vec<u8>)> {
        loop {
            let mut head = [0; 9];
            client.read_exact(&mut head).await?;
            let [a, b, c, kind, _, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            client.read_exact(&mut payload).await?;
            if kind == of {
                return Ok((u32::from_be_bytes(stream), payload));
            }
        }
    }

    #[tokio::test]
    async fn a_request_past_the_limit_of_one_connection_is_refused_by_its_stream() -> io::Result<()>
    {
        let (mut client, server) = tokio::io::duplex(64 << 10);
        let never = service_fn(|_: hyper::Request<Incoming>| {
            std::future::pending::<Result<hyper::Response<Empty<&[u8]>>, Infallible>>()
        });
        tokio::spawn(http2_limits().serve_connection(TokioIo::new(server), never));
        client.write_all(PREFACE).await?;
        client.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
        let (_, settings) = next(SETTINGS, &mut client).await?;
        let streams = settings.chunks(6).find(|setting| setting.starts_with(&[0, 3]));
        assert_eq!(streams.map(|it| &it[2..]), Some(&limits::STREAMS.to_be_bytes()[..]));
        // GET https://a/, of which all is in the static table but the authority.
        let request = [0x82, 0x87, 0x84, 0x41, 1, b'a'];
        for number in 0..=limits::STREAMS {
            client.write_all(&frame(HEADERS, 5, 2 * number + 1, &request)).await?;
        }
        let refused = next(RST_STREAM, &mut client).await?;
        assert_eq!(refused, (2 * limits::STREAMS + 1, REFUSED_STREAM.to_be_bytes().to_vec()));
        Ok(())
    }
}
