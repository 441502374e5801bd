//! The port through which the edge tells what it serves, and learns what is to be recorded.

use konsul_runtime::time::Duration;
use konsul_runtime::trace::{RequestTag, Scope, Tracer};

/// Where an observer counts an operation; only it knows what the number means.
pub type Slot = u16;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The operation, where it turned out to be another one than the route's.
    pub operation: Option<&'static str>,
    /// The answer's status.
    pub status: u16,
    /// From the request's head to the answer's, waiting included.
    pub took: Duration,
    /// The body's size, zero if it is streamed.
    pub bytes: usize,
}

/// Hears of every request. Called on the path of each: it must not block.
pub trait Observer: Send + Sync + 'static {
    /// A request is under way. `operation` is the id of the operation, or `other` where none was reached. Exactly one of the
    /// other two calls follows.
    fn began(&self, operation: &'static str) -> Slot;
    /// Its answer's head is ready.
    fn ended(&self, slot: Slot, answered: &Answered);
    /// Its client went away before it was answered.
    fn abandoned(&self, slot: Slot);
    /// Who decides which requests are recorded; `None` if none are.
    fn tracer(&self) -> Option<&Tracer> {
        None
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn began(&self, _: &'static str) -> Slot {
        0
    }
    fn ended(&self, _: Slot, _: &Answered) {}
    fn abandoned(&self, _: Slot) {}
}

/// What names a request in the log and in traces.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Its name in the log.
    pub(crate) tag: RequestTag,
    /// Where its spans hang.
    pub(crate) trace: Scope,
}
