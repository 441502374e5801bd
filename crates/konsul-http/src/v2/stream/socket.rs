//! A WebSocket with its subscriptions.
//!
//! # The life of a socket
//!
//! One task drives it. In each round it writes out what waits; if that is less than its bound it reads messages, takes
//! the turns of subscriptions that have something, and appends their events. A client that does not read stops all of
//! that: nothing more is read from it, no subscription has a turn, and what they have not delivered lies in the shared
//! history or is gone, and then they are reset. The sweep counts the time meanwhile and tells the socket that it lags.
//!
//! An end has three steps. First come the last words: for each subscription an error with its cursor. Then a close frame
//! with code and reason; with one subscription the reason has its cursor too. Then the sending half is closed, and what
//! the client still sends is thrown away, so that no reset of the connection overtakes the last words. All of it is
//! bounded by [`Streams::linger`](crate::Streams::linger), after which the socket is cut.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::{Sink as _, Stream as _};
use konsul_api::v2::code::{CLIENT_TOO_SLOW, STOPPING};
use konsul_api::v2::problem::Problem;
use konsul_api::v2::stream::{Heartbeat, ServerMessage};
use konsul_operations::Context as Asking;
use konsul_operations::watch::{WatchEvent, Watching};
use konsul_runtime::time::{Instant, Sleep, now, sleep};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as Fault, Message as Frame, error::CapacityError};

use super::cursor::Question;
use super::message::{self, Message, Refused};
use super::sse::{GOES_AWAY, Pace, TOO_SLOW};
use super::subscriptions::{Standing, Subscriptions};
use super::turn::{Outcome, Turn, What};
use super::{Speaker, frame};
use crate::connection::{Busy, Order, Progress, Waits};
use crate::connections::Ticket;
use crate::service::Edge;
use crate::settings::Streams;
use crate::stream::Stream;
use crate::v2::rejection::Rejection;

/// The close code for a client that does not read: private use, after HTTP's 408.
const CLOSED_TOO_SLOW: u16 = 4408;
/// How many messages are read before others have their turn.
const READS: usize = 32;
/// How many events of one subscription go out before others have their turn.
const EVENTS: usize = 32;
/// How many heartbeats a client may leave unanswered.
const PATIENCE: u32 = 4;
/// How many bytes are gathered before they are handed to the system.
const GATHERED: usize = 16 * 1024;

/// What a socket keeps of its connection.
pub(crate) struct Held {
    pub(crate) edge: Arc<Edge>,
    pub(crate) progress: Arc<Progress>,
    /// The connection's place, so that the socket is counted as one.
    #[expect(dead_code, reason = "held for its drop")]
    pub(crate) ticket: Arc<Ticket>,
    /// What a subscription is asked in, where its message does not say otherwise.
    pub(crate) context: Asking,
    pub(crate) speaker: Speaker,
}

/// A socket under way.
pub(crate) struct Socket {
    io: WebSocketStream<Stream>,
    held: Held,
    _busy: Busy,
    subscriptions: Subscriptions,
    /// What is to be said when there is room.
    words: VecDeque<Word>,
    /// Bytes that were handed over and may not have been written yet.
    queued: usize,
    timer: Sleep,
    said: bool,
    /// When the client was last heard of.
    heard: Instant,
    snapshot: Pace,
    stage: Stage,
}

enum Stage {
    Open,
    /// The last words are on their way.
    Ending(u16, String, Sleep),
    /// The close frame is on its way.
    Closing(Sleep),
    /// Nothing is said any more; the client's last bytes are thrown away.
    Draining(Sleep),
}

/// Something that is said of a subscription as soon as there is room.
enum Word {
    Heartbeat(Standing),
    End(Standing, Problem),
}

/// The connection is of no use any more.
struct Gone;

type Round = Result<Poll<()>, Gone>;

impl Socket {
    /// Takes over a connection after the opening handshake, with what was read beyond it.
    pub(crate) async fn new(io: Stream, unread: Vec<u8>, held: Held) -> Socket {
        let settings = &held.edge.settings.streams;
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(GATHERED)
            .max_message_size(Some(settings.message_bytes))
            .max_frame_size(Some(settings.message_bytes));
        let (timer, subscriptions) = (sleep(settings.heartbeat), Subscriptions::new(settings.subscriptions));
        let snapshot = Pace::new(settings);
        let busy = held.progress.busy();
        held.progress.set_waits(Waits::Streams);
        let io = WebSocketStream::from_partially_read(io, unread, Role::Server, Some(config)).await;
        Socket {
            io,
            held,
            _busy: busy,
            subscriptions,
            words: VecDeque::new(),
            queued: 0,
            timer,
            said: false,
            heard: now(),
            snapshot,
            stage: Stage::Open,
        }
    }

    fn settings(&self) -> &Streams {
        &self.held.edge.settings.streams
    }

    fn has_room(&self) -> bool {
        self.queued < self.settings().queue_bytes
    }

    fn round(&mut self, cx: &mut Context<'_>) -> Round {
        self.held.progress.register(cx.waker());
        loop {
            self.heed_orders()?;
            let flushed = self.poll_flush(cx)?;
            let moved = match &mut self.stage {
                Stage::Open => self.poll_open(cx)?,
                Stage::Ending(..) => self.poll_ending(cx)?,
                Stage::Closing(linger) => {
                    if Pin::new(linger).poll(cx).is_ready() {
                        return Ok(Poll::Ready(()));
                    }
                    if flushed { self.begin_drain(cx) } else { false }
                }
                Stage::Draining(_) => return self.poll_drain(cx),
            };
            if !moved {
                return Ok(Poll::Pending);
            }
        }
    }

    fn heed_orders(&mut self) -> Result<(), Gone> {
        match self.held.progress.ordered() {
            Order::Cut => return Err(Gone),
            Order::Finish => {
                let problem = self.held.speaker.word(&STOPPING, GOES_AWAY);
                self.end_all(CloseCode::Away.into(), "stopping", &problem);
            }
            Order::Serve => {}
        }
        if self.held.progress.lags() {
            let problem = self.held.speaker.word(&CLIENT_TOO_SLOW, TOO_SLOW);
            self.end_all(CLOSED_TOO_SLOW, "client_too_slow", &problem);
        }
        Ok(())
    }

    /// Whether nothing waits to be written any more.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Result<bool, Gone> {
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.queued = 0;
                Ok(true)
            }
            Poll::Ready(Err(_)) => Err(Gone),
            Poll::Pending => Ok(false),
        }
    }

    /// Reads, and takes turns. Answers whether there may be more to do at once.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Result<bool, Gone> {
        let mut moved = false;
        for _ in 0..READS {
            if !self.has_room() || !matches!(self.stage, Stage::Open) || !self.poll_message(cx)? {
                break;
            }
            moved = true;
        }
        while self.has_room() && matches!(self.stage, Stage::Open) {
            self.say_words()?;
            let Poll::Ready(outcome) = self.subscriptions.poll_next(cx) else {
                break;
            };
            self.take(outcome)?;
            moved = true;
        }
        self.held.progress.set_due(self.snapshot.due());
        Ok(self.poll_heartbeat(cx)? || moved)
    }

    /// Reads one message. False if there is none.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Result<bool, Gone> {
        let Poll::Ready(read) = Pin::new(&mut self.io).poll_next(cx) else {
            return Ok(false);
        };
        self.heard = now();
        match read {
            Some(Ok(Frame::Text(text))) => self.answer(&text)?,
            Some(Ok(Frame::Binary(_))) => {
                self.close(CloseCode::Unsupported.into(), "messages are JSON in text frames".into())?;
            }
            // The answer to a close frame is queued already.
            Some(Ok(Frame::Close(_))) => {
                self.subscriptions.close_all();
                self.stage = Stage::Closing(sleep(self.settings().linger));
            }
            Some(Ok(_)) => {}
            Some(Err(fault)) => self.fail(&fault)?,
            None => return Err(Gone),
        }
        Ok(true)
    }

    /// Closes with the code of what the client did wrong.
    fn fail(&mut self, fault: &Fault) -> Result<(), Gone> {
        let code = match fault {
            Fault::Protocol(_) => CloseCode::Protocol,
            Fault::Utf8(_) => CloseCode::Invalid,
            Fault::Capacity(CapacityError::MessageTooLong { .. }) => CloseCode::Size,
            _ => return Err(Gone),
        };
        let reason = match code {
            CloseCode::Size => format!("a message has at most {} bytes", self.settings().message_bytes),
            _ => fault.to_string(),
        };
        self.close(code.into(), reason)
    }

    fn answer(&mut self, text: &str) -> Result<(), Gone> {
        match message::read(text, &self.held.context) {
            Ok(Message::Subscribe { id, ask }) => match self.subscriptions.open(&self.held.edge, &id, *ask) {
                Ok(()) => Ok(()),
                Err(why) => self.refuse(Some(id), *why),
            },
            Ok(Message::Unsubscribe { id }) => match self.subscriptions.close(&id) {
                Ok(standing) => {
                    let cursor = standing.map(|at| at.question.cursor(at.place).as_str().to_owned());
                    self.say(&ServerMessage::Unsubscribed { id, cursor: cursor.unwrap_or_default() })
                }
                Err(why) => self.refuse(Some(id), *why),
            },
            Ok(Message::Ping { id }) => self.say(&ServerMessage::Pong { id }),
            Err(Refused { id, why }) => self.refuse(id, *why),
        }
    }

    fn refuse(&mut self, id: Option<String>, why: Rejection) -> Result<(), Gone> {
        let problem = self.held.speaker.problem(why);
        self.say(&ServerMessage::Error { id, problem, cursor: None })
    }

    /// Takes what a turn came to, and goes on with its subscription while it has more and there is room.
    fn take(&mut self, outcome: Outcome) -> Result<(), Gone> {
        let Outcome { id, question, what } = outcome;
        if !self.subscriptions.has(&id) {
            return Ok(());
        }
        match what {
            What::Over => Ok(()),
            What::Refused(why) => {
                self.subscriptions.forget(&id);
                self.refuse(Some(id.as_ref().to_owned()), *Box::<Rejection>::from(why))
            }
            What::Opened(watching) => {
                self.say(&ServerMessage::Subscribed { id: id.as_ref().to_owned() })?;
                self.subscriptions.tell(&id, watching.place());
                self.subscriptions.go_on(Turn::next(id, question, watching));
                Ok(())
            }
            What::Event(watching, event) => self.take_events(&id, question, watching, event),
        }
    }

    fn take_events(
        &mut self,
        id: &Arc<str>,
        question: Question,
        mut watching: Box<dyn Watching>,
        first: WatchEvent,
    ) -> Result<(), Gone> {
        let mut event = first;
        for _ in 0..EVENTS {
            if let WatchEvent::End { place } = event {
                let standing = Standing { id: Arc::clone(id), question, place };
                let problem = self.held.speaker.word(&STOPPING, GOES_AWAY);
                self.words.push_back(Word::End(standing, problem));
                self.subscriptions.forget(id);
                return Ok(());
            }
            self.subscriptions.tell(id, event.place());
            let text = frame::message(id, question, &event);
            self.snapshot.note(self.subscriptions.is_incomplete(), text.len());
            self.send(text)?;
            if !self.has_room() {
                break;
            }
            match watching.poll_next(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(next) => event = next,
                Poll::Pending => break,
            }
        }
        self.subscriptions.go_on(Turn::next(Arc::clone(id), question, watching));
        Ok(())
    }

    /// Says that it lives, and where subscriptions stand that have moved on.
    fn poll_heartbeat(&mut self, cx: &mut Context<'_>) -> Result<bool, Gone> {
        if Pin::new(&mut self.timer).poll(cx).is_pending() {
            return Ok(false);
        }
        let every = self.settings().heartbeat;
        self.timer = sleep(every);
        if self.heard.elapsed() > every * PATIENCE {
            return Err(Gone);
        }
        if self.has_room() {
            self.hand_over(Frame::Ping(bytes::Bytes::new()))?;
            let moved = self.subscriptions.moved();
            if moved.is_empty() && !self.said {
                self.say(&ServerMessage::Heartbeat { id: None, heartbeat: Heartbeat { cursor: None } })?;
            }
            self.words.extend(moved.into_iter().map(Word::Heartbeat));
        }
        self.said = false;
        Ok(true)
    }

    /// Says what was kept for when there is room. Answers whether all of it is said.
    fn say_words(&mut self) -> Result<bool, Gone> {
        while self.has_room() {
            match self.words.pop_front() {
                None => return Ok(true),
                Some(Word::Heartbeat(at)) => {
                    // An event may have overtaken it.
                    if self.subscriptions.tell_newer(&at.id, at.place) {
                        let heartbeat =
                            Heartbeat { cursor: Some(at.question.cursor(at.place).as_str().to_owned()) };
                        let id = Some(at.id.as_ref().to_owned());
                        self.say(&ServerMessage::Heartbeat { id, heartbeat })?;
                    }
                }
                Some(Word::End(at, problem)) => {
                    let cursor = Some(at.question.cursor(at.place).as_str().to_owned());
                    let id = Some(at.id.as_ref().to_owned());
                    self.say(&ServerMessage::Error { id, problem, cursor })?;
                }
            }
        }
        Ok(false)
    }

    fn say(&mut self, message: &ServerMessage) -> Result<(), Gone> {
        self.send(frame::text(message))
    }

    fn send(&mut self, text: String) -> Result<(), Gone> {
        self.said = true;
        // The frame's own head has at most ten bytes.
        self.queued += text.len() + 10;
        self.hand_over(Frame::Text(text.into()))
    }

    fn hand_over(&mut self, frame: Frame) -> Result<(), Gone> {
        Pin::new(&mut self.io).start_send(frame).map_err(|_| Gone)
    }

    /// Ends all subscriptions with a reason, and then the socket.
    fn end_all(&mut self, code: u16, reason: &str, problem: &Problem) {
        if !matches!(self.stage, Stage::Open) {
            return;
        }
        self.words.retain(|word| matches!(word, Word::End(..)));
        let standing = self.subscriptions.close_all();
        let reason = match &standing[..] {
            [one] => format!("{reason}; cursor {}", one.question.cursor(one.place).as_str()),
            _ => reason.to_owned(),
        };
        self.words.extend(standing.into_iter().map(|at| Word::End(at, problem.clone())));
        self.stage = Stage::Ending(code, reason, sleep(self.settings().linger));
    }

    fn poll_ending(&mut self, cx: &mut Context<'_>) -> Result<bool, Gone> {
        if self.say_words()? {
            if let Stage::Ending(code, reason, _) = &mut self.stage {
                let (code, reason) = (*code, std::mem::take(reason));
                self.close(code, reason)?;
            }
            return Ok(true);
        }
        let over = match &mut self.stage {
            Stage::Ending(_, _, linger) => Pin::new(linger).poll(cx).is_ready(),
            _ => false,
        };
        if over { Err(Gone) } else { Ok(false) }
    }

    /// Sends a close frame. Its reason has at most 123 bytes.
    fn close(&mut self, code: u16, mut reason: String) -> Result<(), Gone> {
        reason.truncate(reason.floor_char_boundary(123));
        self.subscriptions.close_all();
        self.stage = Stage::Closing(sleep(self.settings().linger));
        self.hand_over(Frame::Close(Some(CloseFrame { code: code.into(), reason: reason.into() })))
    }

    /// Says no more: closes the sending half.
    fn begin_drain(&mut self, cx: &mut Context<'_>) -> bool {
        // It is a plain system call that never waits; whether it succeeds says nothing that reading does not say.
        let _ = Pin::new(self.io.get_mut()).poll_shutdown(cx);
        self.stage = Stage::Draining(sleep(self.settings().linger));
        true
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Round {
        let Stage::Draining(linger) = &mut self.stage else {
            return Err(Gone);
        };
        if Pin::new(linger).poll(cx).is_ready() {
            return Err(Gone);
        }
        let mut sink = [0; 1024];
        loop {
            let mut sink = ReadBuf::new(&mut sink);
            match Pin::new(self.io.get_mut()).poll_read(cx, &mut sink) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(Ok(())) if !sink.filled().is_empty() => {}
                Poll::Ready(_) => return Ok(Poll::Ready(())),
            }
        }
    }
}

impl Future for Socket {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.round(cx).unwrap_or(Poll::Ready(()))
    }
}
