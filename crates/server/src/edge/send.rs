//! The body of an answer on its way to the client.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use base::Fault;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::progress::SendingAnswer;
use crate::exchange::AnswerBody;

/// What hyper sends. It knows that it is being sent until it is dropped.
pub(crate) struct Sending {
    body: AnswerBody,
    _open: SendingAnswer,
}

impl Sending {
    pub(crate) fn new(body: AnswerBody, open: SendingAnswer) -> Self {
        Self { body, _open: open }
    }
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let next = match &mut self.body {
            AnswerBody::Empty => None,
            AnswerBody::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.body = AnswerBody::Empty;
                Some(Ok(bytes))
            }
            AnswerBody::Pieces(pieces) => catch_unwind(AssertUnwindSafe(|| pieces.next()))
                .unwrap_or_else(|_| Some(Err(Fault::because("making an answer panicked")))),
        };
        if let Some(Err(fault)) = &next {
            tracing::error!(%fault, "an answer broke off");
        }
        Poll::Ready(next.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            AnswerBody::Empty => true,
            AnswerBody::Full(bytes) => bytes.is_empty(),
            AnswerBody::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            AnswerBody::Empty => SizeHint::with_exact(0),
            AnswerBody::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            AnswerBody::Pieces(_) => SizeHint::default(),
        }
    }
}
