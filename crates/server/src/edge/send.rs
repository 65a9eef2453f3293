//! The body of an answer on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base::Fault;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::progress::SendingAnswer;
use crate::exchange::{AnswerBody, AnswerPieces};

/// What hyper sends. It knows that it is being sent until it is dropped.
pub(crate) struct Sending {
    body: AnswerBody,
    /// The next piece, while it is made: reading and compressing take their time, which the threads
    /// that serve the sockets do not have.
    making: Option<JoinHandle<(AnswerPieces, Option<Piece>)>>,
    _open: SendingAnswer,
}

type Piece = Result<Bytes, Fault>;

impl Sending {
    pub(crate) fn new(body: AnswerBody, open: SendingAnswer) -> Self {
        Self { body, making: None, _open: open }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let making = match (&mut self.making, std::mem::replace(&mut self.body, AnswerBody::Empty))
        {
            (Some(making), _) => making,
            (None, AnswerBody::Empty) => return Poll::Ready(None),
            (None, AnswerBody::Full(bytes)) => return Poll::Ready(Some(Ok(bytes))),
            (making @ None, AnswerBody::Pieces(mut pieces)) => {
                making.insert(spawn_blocking(move || {
                    let piece = pieces.next();
                    (pieces, piece)
                }))
            }
        };
        let made = ready!(Pin::new(making).poll(cx));
        self.making = None;
        Poll::Ready(match made {
            Ok((pieces, piece)) => {
                self.body = AnswerBody::Pieces(pieces);
                piece
            }
            Err(error) => Some(Err(Fault::new("making an answer", error))),
        })
    }
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let next = ready!(self.poll_piece(cx));
        if let Some(Err(fault)) = &next {
            tracing::error!(%fault, "an answer broke off");
        }
        Poll::Ready(next.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            AnswerBody::Empty => self.making.is_none(),
            AnswerBody::Full(bytes) => bytes.is_empty(),
            AnswerBody::Pieces(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            AnswerBody::Empty if self.making.is_none() => SizeHint::with_exact(0),
            AnswerBody::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            AnswerBody::Empty | AnswerBody::Pieces(_) => SizeHint::default(),
        }
    }
}
