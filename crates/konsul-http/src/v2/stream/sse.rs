//! A stream as the body of an answer: server-sent events.
//!
//! hyper asks for a piece when it has room in its buffer, and only then is the feed asked. So a client that does not read
//! costs that buffer, one piece and what the system buffers; what it has not taken lies in the shared history or is gone,
//! and then it is reset. While nobody takes anything the sweep counts the time: first the stream is told that it lags,
//! and says so with its cursor if there comes to be room for that; when it has lingered, the connection is cut. Every
//! event has its cursor as its id, so a client that is cut without a word goes on from the last one that it has seen.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use konsul_api::v2::code::{CLIENT_TOO_SLOW, STOPPING};
use konsul_api::v2::problem::Problem;
use konsul_operations::watch::{WatchEvent, Watching};
use konsul_runtime::time::{Duration, Instant, Sleep, now, sleep, sleep_until};

use super::Speaker;
use super::cursor::Question;
use super::frame;
use crate::connection::{Order, Progress};
use crate::settings::Streams;

/// How many bytes of small events become one piece.
const PIECE: usize = 16 * 1024;

/// Events on their way to a client.
pub(crate) struct Events {
    watching: Box<dyn Watching>,
    question: Question,
    progress: Arc<Progress>,
    speaker: Speaker,
    every: Duration,
    timer: Sleep,
    /// When something was last said.
    said: Instant,
    snapshot: Pace,
    is_over: bool,
}

impl Events {
    pub(crate) fn new(
        watching: Box<dyn Watching>,
        question: Question,
        progress: Arc<Progress>,
        settings: &Streams,
        speaker: Speaker,
    ) -> Events {
        Events {
            watching,
            question,
            progress,
            speaker,
            every: settings.heartbeat,
            timer: sleep(settings.heartbeat),
            said: now(),
            snapshot: Pace::new(settings),
            is_over: false,
        }
    }

    /// The next piece; `None` at the end.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let mut out = Vec::new();
        if !self.poll_end(&mut out) {
            self.poll_events(cx, &mut out);
        }
        if out.is_empty() && self.poll_heartbeat(cx, &mut out).is_pending() {
            return Poll::Pending;
        }
        self.said = now();
        self.progress.set_due(self.snapshot.due());
        Poll::Ready(Some(out.into()))
    }

    /// Says the last words if somebody else ends the stream.
    fn poll_end(&mut self, out: &mut Vec<u8>) -> bool {
        let reason = if self.progress.lags() {
            self.speaker.word(&CLIENT_TOO_SLOW, TOO_SLOW)
        } else if self.progress.ordered() >= Order::Finish {
            self.speaker.word(&STOPPING, GOES_AWAY)
        } else {
            return false;
        };
        self.end(out, reason);
        true
    }

    fn end(&mut self, out: &mut Vec<u8>, reason: Problem) {
        frame::sse_failure(out, self.question, self.watching.place(), reason);
        self.is_over = true;
    }

    fn poll_events(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) {
        while out.len() < PIECE {
            let Poll::Ready(event) = self.watching.poll_next(cx) else {
                return;
            };
            if matches!(event, WatchEvent::End { .. }) {
                let reason = self.speaker.word(&STOPPING, GOES_AWAY);
                return self.end(out, reason);
            }
            let before = out.len();
            frame::sse(out, self.question, &event);
            self.snapshot.note(event.place().incomplete, out.len() - before);
        }
    }

    fn poll_heartbeat(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<()> {
        loop {
            if Pin::new(&mut self.timer).poll(cx).is_pending() {
                return Poll::Pending;
            }
            let next = self.said + self.every;
            if next <= now() {
                self.timer = sleep(self.every);
                frame::sse_heartbeat(out, self.question, self.watching.place());
                return Poll::Ready(());
            }
            // It has said something since the timer was set.
            self.timer = sleep_until(next);
        }
    }
}

/// Why a stream ends whose client does not read.
pub(crate) const TOO_SLOW: &str = "the client did not take its events in time; go on from the cursor";
/// Why a stream ends when its server does.
pub(crate) const GOES_AWAY: &str =
    "the server is stopping; go on from the cursor, there or at another server";

/// How long what there is may take on its way out: the state that it is of is kept so long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    grace: Duration,
    bytes_per_second: u64,
    /// When it began and how much of it went out.
    under_way: Option<(Instant, u64)>,
}

impl Pace {
    pub(crate) fn new(settings: &Streams) -> Pace {
        Pace {
            grace: settings.snapshot,
            bytes_per_second: settings.snapshot_bytes_per_second.max(1),
            under_way: None,
        }
    }

    /// So many bytes go out, and some of what there is will still follow, or not.
    pub(crate) fn note(&mut self, incomplete: bool, bytes: usize) {
        match &mut self.under_way {
            _ if !incomplete => self.under_way = None,
            Some((_, sent)) => *sent += bytes as u64,
            none => *none = Some((now(), bytes as u64)),
        }
    }

    /// When it must be out; `None` if nothing of it is under way.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (since, sent) = self.under_way?;
        Some(since + self.grace + Duration::from_millis(sent.saturating_mul(1000) / self.bytes_per_second))
    }
}
