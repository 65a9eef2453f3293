//! What one connection has done so far, and the verdict on one that stands still.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use base::limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How often each connection is looked at.
pub(crate) const BEAT: Duration = Duration::from_secs(5);

/// Counters that the socket, the requests and the watchdog of one connection share.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes_read: AtomicU64,
    /// What `bytes_read` was when the last request ended; more of them are the head of the next
    /// one.
    bytes_read_idle: AtomicU64,
    bytes_written: AtomicU64,
    write_waits: AtomicBool,
    /// Requests that ended.
    ended: AtomicU64,
    /// Requests that arrived and whose answer has not been handed to the socket whole.
    open: AtomicU32,
    /// Answers that are being sent; a part of `open`.
    sending: AtomicU32,
    /// A request body was left unread that is too long to wait for: the connection must not be
    /// reused.
    pub(crate) unusable: AtomicBool,
}

impl Progress {
    fn mark_idle(&self) {
        let read = self.bytes_read.load(Ordering::Relaxed);
        self.bytes_read_idle.store(read, Ordering::Relaxed);
    }
}

/// A request from its arrival to the last byte of its answer.
#[derive(Debug)]
pub(crate) struct OpenRequest(Arc<Progress>);

impl OpenRequest {
    pub(crate) fn begin(progress: &Arc<Progress>) -> Self {
        progress.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(progress))
    }

    /// From here on the client's reading is what is waited for.
    pub(crate) fn sending(self) -> SendingAnswer {
        self.0.sending.fetch_add(1, Ordering::Relaxed);
        SendingAnswer(self)
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.mark_idle();
        self.0.ended.fetch_add(1, Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer that the client has not taken whole.
#[derive(Debug)]
pub(crate) struct SendingAnswer(OpenRequest);

impl Drop for SendingAnswer {
    fn drop(&mut self) {
        self.0.0.sending.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the watchdog says of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    /// Nothing was asked for long: close it when it is between two requests.
    Idle,
    /// The client takes or sends nothing in the middle of something: close it now.
    Stalled,
}

/// Looks at a [`Progress`] once per [`BEAT`].
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// In HTTP/1, bytes that arrive between two requests are the beginning of the next one.
    reads_are_heads: bool,
    /// Requests that had ended at the last beat.
    ended: u64,
    idle_beats: u32,
    head_beats: u32,
    stall_written: u64,
    stall_beats: u32,
}

impl Watchdog {
    pub(crate) fn new(progress: &Progress, reads_are_heads: bool) -> Self {
        // What a TLS handshake read is no head of a request.
        progress.mark_idle();
        Self {
            reads_are_heads,
            ended: 0,
            idle_beats: 0,
            head_beats: 0,
            stall_written: 0,
            stall_beats: 0,
        }
    }

    /// One beat: compares with the last one.
    pub(crate) fn look(&mut self, progress: &Progress) -> Verdict {
        if self.writes_stall(progress) {
            return Verdict::Stalled;
        }
        let ended = progress.ended.load(Ordering::Relaxed);
        if progress.open.load(Ordering::Relaxed) > 0 || ended != self.ended {
            self.ended = ended;
            (self.idle_beats, self.head_beats) = (0, 0);
            return Verdict::Fine;
        }
        let idle_since = progress.bytes_read_idle.load(Ordering::Relaxed);
        if self.reads_are_heads && progress.bytes_read.load(Ordering::Relaxed) != idle_since {
            self.head_beats += 1;
            if self.head_beats > beats(limits::HEADER_TIME) {
                return Verdict::Stalled;
            }
        } else {
            self.head_beats = 0;
        }
        self.idle_beats += 1;
        if self.idle_beats > beats(limits::IDLE_TIME) { Verdict::Idle } else { Verdict::Fine }
    }

    /// Whether an answer waits for a client that takes less than it must.
    fn writes_stall(&mut self, progress: &Progress) -> bool {
        let written = progress.bytes_written.load(Ordering::Relaxed);
        let waits = progress.write_waits.load(Ordering::Relaxed)
            || progress.sending.load(Ordering::Relaxed) > 0;
        if !waits || written - self.stall_written >= limits::STALL_BYTES {
            (self.stall_written, self.stall_beats) = (written, 0);
            return false;
        }
        self.stall_beats += 1;
        self.stall_beats > beats(limits::STALL_TIME)
    }
}

fn beats(time: Duration) -> u32 {
    u32::try_from(time.as_secs() / BEAT.as_secs()).unwrap_or(u32::MAX)
}

/// A socket that counts what goes through it.
#[derive(Debug)]
pub(crate) struct Watched {
    stream: TcpStream,
    progress: Arc<Progress>,
}

impl Watched {
    pub(crate) fn new(stream: TcpStream, progress: Arc<Progress>) -> Self {
        Self { stream, progress }
    }

    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = &result {
            self.progress.bytes_written.fetch_add(*count as u64, Ordering::Relaxed);
        }
        self.progress.write_waits.store(result.is_pending(), Ordering::Relaxed);
        result
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let count = buffer.filled().len() - before;
        self.progress.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        result
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A TLS record is one piece, and sending that costs the system less than a list of one.
        let stream = Pin::new(&mut self.stream);
        let result = match slices {
            [only] => stream.poll_write(cx, only),
            _ => stream.poll_write_vectored(cx, slices),
        };
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many beats pass until the watchdog says something, at most 60.
    fn beats_until(verdict: &Verdict, progress: &Progress, mut each: impl FnMut()) -> u32 {
        let mut watchdog = Watchdog::new(progress, true);
        (1..=60)
            .find(|_| {
                each();
                watchdog.look(progress) == *verdict
            })
            .unwrap_or(60)
    }

    #[test]
    fn a_client_that_reads_too_little_is_stalled_and_one_that_reads_enough_is_not() {
        let progress = Arc::new(Progress::default());
        let answer = OpenRequest::begin(&progress).sending();
        assert_eq!(beats_until(&Verdict::Stalled, &progress, || ()), 5);
        let wrote = |count| {
            progress.bytes_written.fetch_add(count, Ordering::Relaxed);
        };
        assert_eq!(beats_until(&Verdict::Stalled, &progress, || wrote(100)), 5);
        let enough = limits::STALL_BYTES;
        assert_eq!(beats_until(&Verdict::Stalled, &progress, || wrote(enough)), 60);
        drop(answer);
        assert_eq!(progress.open.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn headers_that_trickle_in_stall_and_silence_between_requests_is_only_idle() {
        let progress = Progress::default();
        let trickle = || {
            progress.bytes_read.fetch_add(1, Ordering::Relaxed);
        };
        assert_eq!(beats_until(&Verdict::Stalled, &progress, trickle), 4);
        assert_eq!(beats_until(&Verdict::Idle, &progress, || ()), 25);
    }

    #[test]
    fn a_slow_handler_is_neither() {
        let progress = Arc::new(Progress::default());
        let _open = OpenRequest::begin(&progress);
        assert_eq!(beats_until(&Verdict::Stalled, &progress, || ()), 60);
        assert_eq!(beats_until(&Verdict::Idle, &progress, || ()), 60);
    }

    #[test]
    fn requests_between_two_beats_are_no_heads_and_no_idleness() {
        let progress = Arc::new(Progress::default());
        let request = || {
            let open = OpenRequest::begin(&progress);
            progress.bytes_read.fetch_add(100, Ordering::Relaxed);
            drop(open);
        };
        assert_eq!(beats_until(&Verdict::Stalled, &progress, request), 60);
        assert_eq!(beats_until(&Verdict::Idle, &progress, request), 60);
    }
}
