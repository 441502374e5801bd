//! Answers' bodies.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::{Frame, SizeHint};
use konsul_operations::operations::BackupBytes;
use konsul_operations::ports::LogLines;
use konsul_types::KvRecord;

use crate::connection::Busy;
use crate::encoding::Gzip;
use crate::v2::stream::sse::Events;

/// The body of an answer.
pub(crate) enum Outgoing {
    /// None.
    Empty,
    /// All of it is here.
    Whole(Bytes),
    /// It is made while it is sent. The guard says that the connection is busy until it is over.
    Streamed(Box<Source>, #[expect(dead_code, reason = "held for its drop")] Busy),
}

/// Where a streamed body comes from.
pub(crate) enum Source {
    /// Pieces that are made when they are asked for, as fast as they are sent.
    Backup(BackupBytes),
    /// Log lines.
    Lines(LogLines),
    /// A large answer.
    Gzip(Gzip),
    /// What happens.
    Events(Box<Events>),
    /// Pieces that are waited for.
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl Source {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self {
            Source::Backup(bytes) => Poll::Ready(bytes.next()),
            Source::Lines(lines) => lines.poll_recv(cx).map(|line| line.map(Bytes::from)),
            Source::Gzip(gzip) => Poll::Ready(gzip.piece()),
            Source::Events(events) => events.poll_piece(cx),
            Source::Stream(pieces) => pieces.as_mut().poll_next(cx),
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut *self {
            Outgoing::Empty => Poll::Ready(None),
            Outgoing::Whole(_) => match std::mem::replace(&mut *self, Outgoing::Empty) {
                Outgoing::Whole(bytes) => Poll::Ready(Some(bytes)),
                _ => Poll::Ready(None),
            },
            // An empty piece would end a chunked body: the compressor may well have nothing to say in between.
            Outgoing::Streamed(source, _) => loop {
                match source.poll_piece(cx) {
                    Poll::Ready(Some(piece)) if piece.is_empty() => {}
                    other => break other,
                }
            },
        };
        piece.map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Empty => true,
            Outgoing::Whole(bytes) => bytes.is_empty(),
            Outgoing::Streamed(..) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Empty => SizeHint::with_exact(0),
            Outgoing::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Outgoing::Streamed(..) => SizeHint::default(),
        }
    }
}

/// A record's value as bytes to be sent, without a copy.
pub(crate) fn value_bytes(record: Arc<KvRecord>) -> Bytes {
    struct Owner(Arc<KvRecord>);
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            self.0.value.as_bytes()
        }
    }
    Bytes::from_owner(Owner(record))
}
