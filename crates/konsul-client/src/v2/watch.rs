//! A watch: the changes of keys, of a service's instances or of other records, and events, over server-sent events;
//! resumed by cursor wherever it is cut.
//!
//! # The life of a watch
//!
//! [`Watch::next`] dials when it has no stream, with the last cursor as `Last-Event-ID`; each event that it gives moves
//! the cursor. A stream that ends, breaks, or says nothing for longer than [`Watch::patience`] (not even a heartbeat) is
//! dialled again after a pause that grows: the caller is told with [`Step::Lost`] and may stop there. A server that
//! cannot go on from the cursor says so ([`Step::Reset`]) and sends what there is now; nothing is ever skipped silently.
//!
//! Give [`Watch::cursor`] to [`WatchQuery::cursor`] to go on in another process.

use std::time::Duration;

use futures_util::future::{Either, select};
use http::header::{HeaderName, HeaderValue};
use hyper::rt::Timer as _;
use hyper_util::rt::TokioTimer;
use konsul_api::v2::catalog::Status;
use konsul_api::v2::watch::{Change, Event, RecordEvent};

use super::V2;
use super::call::Call;
use super::event::EventSelect;
use super::problem::Problem;
use super::retry::Retry;
use super::sse::{Frame, Frames};
use crate::error::Error;

/// Where a stream goes on (HTML Living Standard, section 9.2.4).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One key.
    Key(String),
    /// Every key that begins with this.
    Prefix(String),
    /// Every key that fits: `*` stands for anything but a slash, `**` for anything.
    Glob(String),
    /// The instances of a service with their checks.
    Service(ServiceTarget),
    /// All services of the namespace: their tags, and how many instances stand how.
    Services,
    /// A node with its instances and its own checks.
    Node(String),
    /// Checks that stand so; `None` for all.
    Checks(Option<Status>),
    /// Events.
    Events(EventSelect),
}

/// Which instances of a service are watched. All that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceTarget {
    /// The service.
    pub name: String,
    /// Tags that the instance must have.
    pub tags: Vec<String>,
    /// Pairs that the node must have, as `key:value`.
    pub node_meta: Vec<String>,
    /// An expression of the filter language.
    pub filter: Option<String>,
    /// Only instances of which every check passes.
    pub passing: bool,
}

impl ServiceTarget {
    fn on(&self, call: Call) -> Call {
        let each = |call: Call, name: &'static str, values: &[String]| {
            values.iter().fold(call, |call, value| call.param(name, value.as_str()))
        };
        let call = each(call.param("service", &*self.name), "tag", &self.tags);
        let call = each(call, "node_meta", &self.node_meta);
        call.maybe("filter", self.filter.as_deref()).flag("passing", self.passing)
    }
}

impl Target {
    fn on(&self, call: Call) -> Call {
        match self {
            Target::Key(key) => call.param("key", &**key),
            Target::Prefix(prefix) => call.param("prefix", &**prefix),
            Target::Glob(glob) => call.param("glob", &**glob),
            Target::Service(of) => of.on(call),
            Target::Services => call.flag("services", true),
            Target::Node(name) => call.param("node", &**name),
            Target::Checks(status) => call.param("checks", status.map_or("any", Status::as_str)),
            Target::Events(of) => {
                let name = of.name.as_deref().unwrap_or_default();
                EventSelect { name: None, ..of.clone() }.on(call.param("event", name))
            }
        }
    }
}

/// A watch to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchQuery {
    /// What is watched.
    pub target: Target,
    /// Whether what there is now comes first.
    pub initial: bool,
    /// Whether each change carries what was there before, or a record as it was.
    pub old_values: bool,
    /// Where an earlier watch of the same question stopped.
    pub cursor: Option<String>,
}

impl WatchQuery {
    /// A watch of changes from now on.
    pub fn new(target: Target) -> WatchQuery {
        WatchQuery { target, initial: false, old_values: false, cursor: None }
    }

    fn call(&self, v2: &V2<'_>) -> Call {
        self.target
            .on(v2.get("/v2/watch"))
            .flag("initial", self.initial)
            .flag("old_values", self.old_values)
            .accept("text/event-stream")
    }
}

/// What a watch gives.
#[derive(Debug)]
pub enum Step {
    /// A change.
    Change(Box<Event>),
    /// Something that is there already, as it was asked for or after a reset.
    Initial(Box<Event>),
    /// A change of a record beside keys, or one that is there already, which its kind tells.
    Record(Box<RecordEvent>),
    /// What is known is no longer good: everything that is there now follows, as after a restore of a backup.
    Reset,
    /// Everything that was there has come; changes follow.
    Ready,
    /// The stream broke. The next call waits this long and dials again from the last cursor.
    Lost {
        /// Why.
        error: Error,
        /// How long the next call waits.
        wait: Duration,
    },
}

/// A watch. See the module.
pub struct Watch<'a> {
    v2: V2<'a>,
    call: Call,
    cursor: Option<String>,
    frames: Option<Frames>,
    failures: u32,
    wait: Duration,
    /// How often in a row, and with which pauses, a lost stream is dialled again.
    pub retry: Retry,
    /// How long a stream may say nothing.
    pub patience: Duration,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(v2: V2<'a>, query: &WatchQuery) -> Watch<'a> {
        Watch {
            call: query.call(&v2),
            v2,
            cursor: query.cursor.clone(),
            frames: None,
            failures: 0,
            wait: Duration::ZERO,
            retry: Retry { attempts: 8, ..Retry::default() },
            patience: Duration::from_secs(60),
        }
    }

    /// Where to go on; `None` before the first event.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// What comes next. Dropping the future loses nothing but a pause.
    ///
    /// # Errors
    /// [`Error`] once the server refuses the watch, or could not be reached [`Watch::retry`] times in a row.
    pub async fn next(&mut self) -> Result<Step, Error> {
        loop {
            match self.advance().await {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => {}
                Err(error) => return self.lost(error),
            }
        }
    }

    async fn advance(&mut self) -> Result<Option<Step>, Error> {
        if self.frames.is_none() {
            TokioTimer::new().sleep(self.wait).await;
            self.wait = Duration::ZERO;
            self.frames = Some(self.dial().await?);
        }
        let frame = self.frame().await?;
        self.failures = 0;
        self.take(&frame)
    }

    async fn dial(&self) -> Result<Frames, Error> {
        let mut call = self.call.clone();
        if let Some(cursor) = &self.cursor {
            let value = HeaderValue::from_str(cursor)
                .map_err(|_| Error::Config("the cursor holds characters that none has".to_owned()))?;
            call = call.header(LAST_EVENT_ID, value);
        }
        Ok(Frames::new(call.send(self.v2.transport, &Retry::NEVER).await?))
    }

    async fn frame(&mut self) -> Result<Frame, Error> {
        let patience = self.patience;
        let gone = |what: String| Error::Stream { address: self.v2.transport.authority().to_owned(), what };
        let Some(frames) = &mut self.frames else {
            return Err(gone("the watch has no stream".to_owned()));
        };
        let next = Box::pin(frames.next());
        match select(next, TokioTimer::new().sleep(patience)).await {
            Either::Left((frame, _)) => frame?.ok_or_else(|| gone("the server ended the watch".to_owned())),
            Either::Right(_) => Err(gone(format!("the watch was silent for {}s", patience.as_secs()))),
        }
    }

    /// What a frame means; the cursor moves with what the caller is given.
    fn take(&mut self, frame: &Frame) -> Result<Option<Step>, Error> {
        let step = match frame.event.as_str() {
            "heartbeat" => None,
            "reset" => Some(Step::Reset),
            "ready" => Some(Step::Ready),
            "error" => {
                // It says where another stream goes on.
                self.cursor = frame.id.clone().or(self.cursor.take());
                return Err(self.ended(&frame.data));
            }
            "change" => Some(match self.parse(frame)? {
                Change::Key(event) => Step::Change(event),
                Change::Record(event) => Step::Record(event),
            }),
            "initial" => Some(match self.parse(frame)? {
                Change::Key(event) => Step::Initial(event),
                Change::Record(event) => Step::Record(event),
            }),
            // A later server may say more than this client understands.
            _ => None,
        };
        if frame.id.is_some() {
            self.cursor.clone_from(&frame.id);
        }
        Ok(step)
    }

    /// The server ended the stream and says why, and with which status it would have answered.
    fn ended(&self, data: &str) -> Error {
        match serde_json::from_str::<Problem>(data) {
            Ok(problem) => Error::Problem(Box::new(problem)),
            Err(_) => Error::Stream {
                address: self.v2.transport.authority().to_owned(),
                what: format!("the server ended the watch: {data}"),
            },
        }
    }

    fn parse(&self, frame: &Frame) -> Result<Change, Error> {
        serde_json::from_str(&frame.data).map_err(|e| Error::Decode {
            address: self.v2.transport.authority().to_owned(),
            path: "/v2/watch".to_owned(),
            what: format!("an event that cannot be read: {e}"),
        })
    }

    fn lost(&mut self, error: Error) -> Result<Step, Error> {
        self.frames = None;
        self.failures += 1;
        if !error.is_passing() || self.failures >= self.retry.attempts {
            return Err(error);
        }
        self.wait = self.retry.backoff(self.failures).max(error.retry_after().unwrap_or_default());
        Ok(Step::Lost { error, wait: self.wait })
    }
}
