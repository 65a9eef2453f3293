//! The load driver: a closed loop of keep-alive connections that send prepared requests in turns,
//! over and over.
//!
//! It speaks just enough HTTP/1.1 to know where an answer ends, so that the machine's time goes to
//! the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio_rustls::TlsConnector;

/// Where to send what.
#[derive(Clone)]
pub struct Target {
    /// The address of the listener.
    pub address: SocketAddr,
    /// The trust for TLS; plain http without.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Whole requests, head and body.
    pub requests: Requests,
    /// The status every answer must have.
    pub status: u16,
}

/// Whole requests, or bodies, that are sent in turns.
pub type Requests = Arc<[Box<[u8]>]>;

/// Answers and their latencies.
pub struct Measured {
    latencies: Histogram<u64>,
    time: Duration,
}

impl Measured {
    /// From latencies in microseconds over a stretch of time.
    pub fn new(latencies: Histogram<u64>, time: Duration) -> Self {
        Self { latencies, time }
    }

    /// Answers per second.
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }

    /// The latency that this share of answers did not exceed, in microseconds.
    pub fn quantile(&self, share: f64) -> u64 {
        self.latencies.value_at_quantile(share)
    }
}

/// Sends for `time` with `clients` connections, from when all are open.
pub fn run(target: &Target, clients: usize, time: Duration) -> anyhow::Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let ready = Arc::new(Barrier::new(clients));
        let start = |first| tokio::spawn(client(target.clone(), first, Arc::clone(&ready), time));
        let tasks: Vec<_> = (0..clients).map(start).collect();
        let mut all = Histogram::new(3)?;
        for task in tasks {
            all.add(task.await??)?;
        }
        Ok(Measured::new(all, time))
    })
}

/// One connection, which begins with the request of this number.
async fn client(
    target: Target,
    first: usize,
    ready: Arc<Barrier>,
    time: Duration,
) -> anyhow::Result<Histogram<u64>> {
    let socket = TcpStream::connect(target.address).await.context("connecting")?;
    socket.set_nodelay(true)?;
    match &target.tls {
        None => ask(socket, &target, first, (&ready, time)).await,
        Some(config) => {
            let name = ServerName::try_from("localhost")?;
            let socket = TlsConnector::from(config.clone()).connect(name, socket).await?;
            ask(socket, &target, first, (&ready, time)).await
        }
    }
}

async fn ask<S>(
    mut socket: S,
    target: &Target,
    first: usize,
    (ready, time): (&Barrier, Duration),
) -> anyhow::Result<Histogram<u64>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut latencies = Histogram::new(3)?;
    let mut buffer = Vec::with_capacity(64 << 10);
    ready.wait().await;
    let end = Instant::now() + time;
    for request in target.requests.iter().cycle().skip(first) {
        let begin = Instant::now();
        if begin >= end {
            break;
        }
        socket.write_all(request).await?;
        socket.flush().await?;
        read_answer(&mut socket, &mut buffer, target.status).await?;
        latencies.record(u64::try_from(begin.elapsed().as_micros())?.max(1))?;
    }
    Ok(latencies)
}

/// Reads one answer with a Content-Length and leaves the buffer empty.
async fn read_answer<S>(socket: &mut S, buffer: &mut Vec<u8>, status: u16) -> anyhow::Result<()>
where
    S: AsyncRead + Unpin,
{
    buffer.clear();
    loop {
        ensure!(socket.read_buf(buffer).await? > 0, "the server closed the connection");
        let Some(head) = memchr::memmem::find(buffer, b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head])?;
        if text.get(9..12) != Some(status.to_string().as_str()) {
            bail!("{}", String::from_utf8_lossy(buffer));
        }
        let total = head + 4 + content_length(text).context("an answer without its length")?;
        while buffer.len() < total {
            ensure!(socket.read_buf(buffer).await? > 0, "the answer ends too early");
        }
        return Ok(());
    }
}

fn content_length(head: &str) -> Option<usize> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    value.trim().parse().ok()
}
