//! The body of a request, read by the handler that wants it, never beyond a limit.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::limits;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

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
    /// `Content-Encoding` other than `identity`.
    pub(crate) encoding: Option<String>,
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
        if let Some(encoding) = self.encoding.take() {
            return Err(BodyFault::Encoding(encoding));
        }
        let Some(incoming) = &mut self.incoming else { return Ok(Bytes::new()) };
        let whole = collect(incoming, &self.memory, limit).await?;
        self.incoming = None;
        Ok(whole)
    }
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
    let mut whole = BytesMut::with_capacity(declared.min(limits::BODY_BYTES_AT_ONCE));
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

async fn reserve(memory: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, BodyFault> {
    let count = u32::try_from(bytes).unwrap_or(u32::MAX);
    let permit = Arc::clone(memory).acquire_many_owned(count);
    match timeout(limits::BODY_MEMORY_WAIT, permit).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(BodyFault::Busy),
    }
}

/// What a handler leaves unread is taken off the connection for a while, so that the client, which
/// may be in the middle of sending, gets to read the answer.
impl Drop for Arriving {
    fn drop(&mut self) {
        let Some(mut incoming) = self.incoming.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        let rest = incoming.size_hint().upper().unwrap_or(u64::MAX);
        if !self.drains || rest > limits::DRAIN_BYTES_KEEPING_ALIVE {
            self.progress.unusable.store(true, Ordering::Relaxed);
        }
        if let (true, Ok(runtime)) = (self.drains, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let until = Instant::now() + limits::DRAIN_BODY_TIME;
                let mut left = limits::DRAIN_BYTES;
                while let Ok(Some(Ok(frame))) = timeout_at(until, incoming.frame()).await {
                    left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                    if left == 0 {
                        break;
                    }
                }
            });
        }
    }
}
