//! The body of a request, read by the handler that wants it, never beyond a limit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::limits;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::blocking::Turns;
use super::compress::Coding;
use super::decompress::{self, Encoding, Unpacked};
use super::progress::Progress;

/// A body that has not been read yet.
pub(crate) struct Body(Source);

enum Source {
    Known(Bytes),
    Arriving(Arriving),
}

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) enum BodyFault {
    /// 413: more bytes than the limit of the endpoint.
    TooLarge { limit: usize },
    /// 408: the client stopped sending.
    Stalled,
    /// 400: the framing broke or the connection ended.
    Broken,
    /// 415: a `Content-Encoding` that is not read here.
    Encoding(String),
    /// 400: the body is not what its `Content-Encoding` says.
    NotEncoded(&'static str),
    /// 503: the bodies of other requests fill the memory set aside for them.
    Busy,
}

impl Body {
    /// A body that is already there: an entry of a bundle, a test.
    pub(crate) fn of(bytes: impl Into<Bytes>) -> Self {
        Self(Source::Known(bytes.into()))
    }

    pub(crate) fn arriving(arriving: Arriving) -> Self {
        Self(Source::Arriving(arriving))
    }

    /// All bytes, at most `limit`. They count against the memory for bodies until the last clone is
    /// dropped.
    pub(crate) async fn read(self, limit: usize) -> Result<Bytes, BodyFault> {
        match self.0 {
            Source::Known(bytes) if bytes.len() > limit => Err(BodyFault::TooLarge { limit }),
            Source::Known(bytes) => Ok(bytes),
            Source::Arriving(mut arriving) => arriving.read(limit).await,
        }
    }
}

/// A body that is still on its way.
pub(crate) struct Arriving {
    pub(crate) incoming: Option<Incoming>,
    pub(crate) progress: Arc<Progress>,
    /// Memory for the bodies of all requests together, in bytes.
    pub(crate) memory: Arc<Semaphore>,
    /// Bodies are unpacked by turns.
    pub(crate) unpacking: Turns,
    /// How it is encoded, if it is not as it is.
    pub(crate) encoding: Option<Encoding>,
    /// Whether what stays unread is read and dropped for a while. Not where the client waits for
    /// `100 Continue`: it has sent nothing yet, and reading would ask it to.
    pub(crate) drains: bool,
}

/// The bytes of a body with their share of the memory for bodies.
struct Held {
    bytes: Bytes,
    _memory: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Arriving {
    async fn read(&mut self, limit: usize) -> Result<Bytes, BodyFault> {
        let coding = match self.encoding.take() {
            Some(Encoding::Unknown(name)) => return Err(BodyFault::Encoding(name)),
            Some(Encoding::Compressed(coding)) => Some(coding),
            None => None,
        };
        let Some(incoming) = &mut self.incoming else { return Ok(Bytes::new()) };
        let whole = collect(incoming, &self.memory, limit).await?;
        self.incoming = None;
        match coding {
            Some(coding) => {
                decompressed(coding, whole, (&self.memory, &self.unpacking), limit).await
            }
            None => Ok(whole),
        }
    }
}

/// What a body was before it was compressed. Its length is found first, so that only what is read
/// takes memory.
async fn decompressed(
    coding: Coding,
    sent: Bytes,
    (memory, turns): (&Arc<Semaphore>, &Turns),
    limit: usize,
) -> Result<Bytes, BodyFault> {
    let fault = |unpacked| match unpacked {
        Unpacked::TooLarge => BodyFault::TooLarge { limit },
        Unpacked::Broken => BodyFault::NotEncoded(coding.name()),
    };
    let (counted, broken) = (sent.clone(), |_| fault(Unpacked::Broken));
    let length = turns.run(move || decompress::length(coding, &counted, limit)).await;
    let length = length.map_err(broken)?.map_err(fault)?;
    let share = reserve(memory, length).await?;
    let bytes = turns.run(move || decompress::decompress(coding, &sent, length)).await;
    let bytes = bytes.map_err(broken)?.map_err(fault)?;
    Ok(Bytes::from_owner(Held { bytes, _memory: share }))
}

async fn collect(
    incoming: &mut Incoming,
    memory: &Arc<Semaphore>,
    limit: usize,
) -> Result<Bytes, BodyFault> {
    let declared = usize::try_from(incoming.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > limit {
        return Err(BodyFault::TooLarge { limit });
    }
    let Some(first) = next(incoming).await? else { return Ok(Bytes::new()) };
    let mut share = reserve(memory, first.len()).await?;
    if incoming.is_end_stream() && first.len() <= limit {
        return Ok(Bytes::from_owner(Held { bytes: first, _memory: share }));
    }
    let mut whole = begun(declared);
    let mut frame = Some(first);
    while let Some(bytes) = frame {
        if whole.len() + bytes.len() > limit {
            return Err(BodyFault::TooLarge { limit });
        }
        whole.extend_from_slice(&bytes);
        frame = next(incoming).await?;
        share.merge(reserve(memory, frame.as_ref().map_or(0, Bytes::len)).await?);
    }
    Ok(Bytes::from_owner(Held { bytes: whole.freeze(), _memory: share }))
}

/// Memory for a body of this length, of which not much has come: a length costs nothing to say.
fn begun(declared: usize) -> BytesMut {
    BytesMut::with_capacity(declared.min(limits::BODY_BYTES_AT_ONCE))
}

/// The next bytes; `None` at the end. A client that sends less than `STALL_BYTES` per `STALL_TIME`
/// is stalled.
async fn next(incoming: &mut Incoming) -> Result<Option<Bytes>, BodyFault> {
    let mut bytes = BytesMut::new();
    let deadline = Instant::now() + limits::STALL_TIME;
    loop {
        let frame = timeout_at(deadline, incoming.frame()).await;
        match frame.map_err(|_| BodyFault::Stalled)? {
            None if bytes.is_empty() => return Ok(None),
            None => return Ok(Some(bytes.freeze())),
            Some(Err(_)) => return Err(BodyFault::Broken),
            // Trailers mean nothing here.
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                let enough = data.len() as u64 >= limits::STALL_BYTES;
                if bytes.is_empty() && (enough || incoming.is_end_stream()) {
                    return Ok(Some(data));
                }
                bytes.extend_from_slice(&data);
                if bytes.len() as u64 >= limits::STALL_BYTES {
                    return Ok(Some(bytes.freeze()));
                }
            }
        }
    }
}

/// A share of the memory for bodies, within `BODY_MEMORY_WAIT`.
async fn reserve(memory: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, BodyFault> {
    reserve_within(limits::BODY_MEMORY_WAIT, memory, bytes).await
}

async fn reserve_within(
    time: Duration,
    memory: &Arc<Semaphore>,
    bytes: usize,
) -> Result<OwnedSemaphorePermit, BodyFault> {
    let count = u32::try_from(bytes).unwrap_or(u32::MAX);
    let permit = Arc::clone(memory).acquire_many_owned(count);
    match timeout(time, permit).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(BodyFault::Busy),
    }
}

/// What a handler leaves unread is taken off the connection for a while, so that the client, which
/// may be in the middle of sending, gets to read the answer.
impl Drop for Arriving {
    fn drop(&mut self) {
        let Some(incoming) = self.incoming.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        let rest = incoming.size_hint().upper().unwrap_or(u64::MAX);
        if !self.drains || rest > limits::DRAIN_BYTES_KEEPING_ALIVE {
            self.progress.unusable.store(true, Ordering::Relaxed);
        }
        if let (true, Ok(runtime)) = (self.drains, tokio::runtime::Handle::try_current()) {
            runtime.spawn(drain(incoming, limits::DRAIN_BODY_TIME));
        }
    }
}

/// Reads and drops a body, for a while and up to a length; how much that was.
async fn drain(
    mut body: impl hyper::body::Body<Data = Bytes> + Send + Unpin,
    time: Duration,
) -> usize {
    let until = Instant::now() + time;
    let mut dropped = 0;
    while dropped < limits::DRAIN_BYTES
        && let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await
    {
        dropped += frame.data_ref().map_or(0, Bytes::len);
    }
    dropped
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// A body of pieces of a mebibyte, which may end or stand still after the last.
    struct Pieces {
        left: usize,
        ends: bool,
    }

    const MIB: usize = 1 << 20;

    impl hyper::body::Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.left.checked_sub(1) {
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; MIB])))))
                }
                None if self.ends => Poll::Ready(None),
                None => Poll::Pending,
            }
        }
    }

    #[tokio::test]
    async fn a_refused_body_is_drained_up_to_the_limit() {
        let most = limits::DRAIN_BYTES / MIB;
        let drained =
            async |left| drain(Pieces { left, ends: true }, limits::DRAIN_BODY_TIME).await / MIB;
        assert_eq!(drained(most - 1).await, most - 1);
        assert_eq!(drained(most).await, most);
        assert_eq!(drained(most + 1).await, most);
    }

    #[tokio::test]
    async fn a_refused_body_that_stands_still_is_drained_for_a_while_only() {
        let still = Pieces { left: 2, ends: false };
        assert_eq!(drain(still, Duration::from_millis(1)).await, 2 * MIB);
    }

    #[tokio::test]
    async fn bodies_in_flight_have_a_limit_and_who_comes_after_it_waits_or_is_refused() {
        let memory = Arc::new(Semaphore::new(limits::BODY_BYTES_IN_FLIGHT));
        let now = Duration::ZERO;
        let all = reserve_within(now, &memory, limits::BODY_BYTES_IN_FLIGHT).await;
        assert!(all.is_ok());
        assert!(matches!(reserve_within(now, &memory, 1).await, Err(BodyFault::Busy)));
        let waiting = tokio::spawn({
            let memory = Arc::clone(&memory);
            async move { reserve(&memory, 1).await.is_ok() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(all);
        assert!(matches!(waiting.await, Ok(true)));
    }

    #[test]
    fn memory_for_what_has_not_come_has_a_limit() {
        assert_eq!(begun(limits::BODY_BYTES_AT_ONCE).capacity(), limits::BODY_BYTES_AT_ONCE);
        assert_eq!(begun(limits::BODY_BYTES_AT_ONCE + 1).capacity(), limits::BODY_BYTES_AT_ONCE);
    }
}
