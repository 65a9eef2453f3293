//! The body of a request, read by the handler that wants it, never beyond a limit.

use bytes::Bytes;

/// A body that has not been read yet.
pub(crate) struct Body(Source);

enum Source {
    Known(Bytes),
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

    /// All bytes, at most `limit`.
    pub(crate) async fn read(self, limit: usize) -> Result<Bytes, BodyFault> {
        match self.0 {
            Source::Known(bytes) if bytes.len() > limit => Err(BodyFault::TooLarge { limit }),
            Source::Known(bytes) => Ok(bytes),
        }
    }
}
