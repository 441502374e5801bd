//! Takes in a request's body: never more than it may have, and never slower than it may come.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use hyper::body::Incoming;
use konsul_runtime::time::{Duration, Instant, Sleep, now, sleep_until, timeout};

use crate::settings::Timeouts;

/// Why a body was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IntakeError {
    /// It has more bytes than it may have; how many, if the client said so.
    #[error("the body is larger than {limit} bytes")]
    TooLarge { declared: Option<u64>, limit: u64 },
    /// It came too slowly.
    #[error("the request body came too slowly: {received} bytes in {seconds} s")]
    Slow { received: u64, seconds: u64 },
    /// The connection or the chunks are broken.
    #[error("the request body is broken: {0}")]
    Broken(String),
}

/// How fast a body must come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    grace: Duration,
    bytes_per_second: u64,
}

impl Pace {
    pub(crate) fn of(timeouts: &Timeouts) -> Pace {
        Pace { grace: timeouts.body, bytes_per_second: timeouts.body_bytes_per_second.max(1) }
    }

    fn allowed(self, received: u64) -> Duration {
        self.grace + Duration::from_millis(received.saturating_mul(1000) / self.bytes_per_second)
    }
}

/// What the client said of a body's length; `None` for a chunked one.
pub(crate) fn declared_length(body: &Incoming) -> Option<u64> {
    body.size_hint().exact()
}

/// A body on its way in.
pub(crate) struct Intake {
    body: Incoming,
    pace: Pace,
    received: u64,
    /// Set when the body first had to be waited for: most are there together with their head.
    waits_since: Option<Instant>,
    timer: Option<Sleep>,
}

impl Intake {
    pub(crate) fn new(body: Incoming, pace: Pace) -> Intake {
        Intake { body, pace, received: 0, waits_since: None, timer: None }
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, IntakeError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, IntakeError>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return self.poll_patience(cx).map(Err),
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Ready(Some(Err(why))) => return Poll::Ready(Err(IntakeError::Broken(why.to_string()))),
                Poll::Ready(Some(Ok(frame))) => {
                    self.timer = None;
                    // Trailers say nothing that is asked for.
                    let Ok(piece) = frame.into_data() else { continue };
                    self.received += piece.len() as u64;
                    return Poll::Ready(Ok(Some(piece)));
                }
            }
        }
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<IntakeError> {
        let since = *self.waits_since.get_or_insert_with(now);
        let allowed = self.pace.allowed(self.received);
        let timer = self.timer.get_or_insert_with(|| sleep_until(since + allowed));
        Pin::new(timer)
            .poll(cx)
            .map(|()| IntakeError::Slow { received: self.received, seconds: since.elapsed().as_secs() })
    }

    /// Whether nothing more will come.
    fn is_over(&self) -> bool {
        self.body.is_end_stream()
    }

    /// Throws away what still comes, within bounds, so that a client that writes before it reads gets to see the answer
    /// instead of a reset.
    async fn drain(&mut self) {
        let drained = async {
            let most = self.received + DRAIN_BYTES;
            while self.received < most && matches!(self.next().await, Ok(Some(_))) {}
        };
        // Over the time or not: the answer goes out now.
        let _ = timeout(DRAIN_TIME, drained).await;
    }
}

const DRAIN_BYTES: u64 = 8 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Reads a whole body.
pub(crate) async fn read(body: Incoming, limit: u64, pace: Pace) -> Result<Bytes, IntakeError> {
    let declared = declared_length(&body);
    let mut intake = Intake::new(body, pace);
    if declared.is_some_and(|length| length > limit) {
        intake.drain().await;
        return Err(IntakeError::TooLarge { declared, limit });
    }
    let Some(first) = intake.next().await? else {
        return Ok(Bytes::new());
    };
    // Most bodies are one piece, and need no copy.
    if intake.is_over() && first.len() as u64 <= limit {
        return Ok(first);
    }
    gather(intake, first, limit).await
}

async fn gather(mut intake: Intake, first: Bytes, limit: u64) -> Result<Bytes, IntakeError> {
    let mut whole = BytesMut::from(first);
    while whole.len() as u64 <= limit {
        match intake.next().await? {
            Some(piece) => whole.extend_from_slice(&piece),
            None => return Ok(whole.freeze()),
        }
    }
    drop(whole);
    intake.drain().await;
    Err(IntakeError::TooLarge { declared: None, limit })
}
