//! Traces: which request caused what, across rooms and threads.
//!
//! # The life of a trace
//!
//! An edge asks its [`Tracer`] whether a request is recorded, *before* anything is built: the caller's own decision counts
//! if it sent one ([`Traceparent`]), else chance. For the many that are not, everything below is an empty [`Scope`]: one
//! word that is tested and passed on. For the few that are, the edge gets a [`Span`], hands its [`Scope`] down with the
//! request, and each room hangs its own spans there. A span that ends goes to the tracer's [`SpanSink`].
//!
//! Work that many requests share, such as one sync of the log, is measured once, and told afterwards by
//! [`Scope::tell`] to each recorded request that it was done for: so every trace is whole by itself.
//!
//! # What this is not
//!
//! No exporter and no wire format but the W3C's header; those are at the rim. Points in time are the monotonic clock's, and
//! become wall time when they leave. No thread-local hands spans on: a scope goes where the request goes. Only the
//! [`RequestTag`] is ambient, for lines of the log.

mod context;
mod tag;

pub use context::{TraceId, Traceparent};
pub use tag::{RequestTag, Tagged};

use std::fmt;
use std::sync::Arc;

use crate::random;
use crate::time::{Instant, now};

/// A value that a span carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Number(u64),
    /// A text from the code.
    Word(&'static str),
    /// Any other text. Never a key, a value or a secret of a client.
    Text(String),
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<&'static str> for Value {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A pair that a span carries.
pub type Attribute = (&'static str, Value);

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What was done, such as `kv_put` or `log sync`.
    pub name: &'static str,
    /// Its trace.
    pub trace: TraceId,
    /// Its own id, never 0.
    pub span: u64,
    /// The span that it hangs on; `None` for the first of a trace.
    pub parent: Option<u64>,
    /// Whether this is a request's first span here.
    pub is_entry: bool,
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// What is worth knowing of it.
    pub attributes: Vec<Attribute>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// Takes spans that ended. Called on the path of a recorded request: it must not block.
pub trait SpanSink: Send + Sync + fmt::Debug {
    /// One span has ended.
    fn take(&self, span: Ended);
}

/// Decides which requests are recorded.
#[derive(Debug, Clone)]
pub struct Tracer {
    sink: Arc<dyn SpanSink>,
    /// A draw below it is recorded.
    below: u64,
    always: bool,
}

impl Tracer {
    /// Records that part of the requests whose callers do not say, from 0 to 1; values beyond are taken as these.
    pub fn new(sink: Arc<dyn SpanSink>, ratio: f64) -> Self {
        // 2^64 is exact; a ratio below it gives a product that fits.
        let below = (ratio.clamp(0.0, 1.0) * 18_446_744_073_709_551_616.0) as u64;
        Self { sink, below, always: ratio >= 1.0 }
    }

    /// Begins a request's first span, if it is recorded: as its caller decided, else by chance.
    pub fn begin(&self, name: &'static str, caller: Option<Traceparent>) -> Span {
        let recorded = match caller {
            Some(caller) => caller.sampled,
            None => self.always || (self.below > 0 && random::u64() < self.below),
        };
        if !recorded {
            return Span::none();
        }
        let trace = caller.map_or_else(TraceId::draw, |caller| caller.trace);
        let parent = caller.map(|caller| caller.span);
        Span::open(&self.sink, name, trace, parent, true)
    }
}

/// Where the spans of a recorded request hang; empty for every other one.
#[derive(Clone, Default)]
pub struct Scope(Option<Arc<Place>>);

struct Place {
    trace: TraceId,
    span: u64,
    sink: Arc<dyn SpanSink>,
}

impl Scope {
    /// Of a request that is not recorded.
    pub const NONE: Scope = Scope(None);

    /// Whether the request is recorded.
    pub fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a span here.
    pub fn span(&self, name: &'static str) -> Span {
        match &self.0 {
            None => Span::none(),
            Some(place) => Span::open(&place.sink, name, place.trace, Some(place.span), false),
        }
    }

    /// Tells of something that was measured elsewhere, such as work that was done for many requests at once.
    pub fn tell(&self, name: &'static str, from: Instant, to: Instant, attributes: Vec<Attribute>) {
        let mut span = self.span(name);
        if let Some(open) = &mut span.0 {
            open.started = from;
            open.ended = Some(to);
            open.attributes = attributes;
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("not recorded"),
            Some(place) => write!(f, "{}/{:016x}", place.trace, place.span),
        }
    }
}

/// Something being done for a recorded request; nothing for every other one. Ends when it is dropped.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    name: &'static str,
    trace: TraceId,
    span: u64,
    parent: Option<u64>,
    is_entry: bool,
    started: Instant,
    ended: Option<Instant>,
    attributes: Vec<Attribute>,
    error: Option<String>,
    sink: Arc<dyn SpanSink>,
}

impl Span {
    /// Of a request that is not recorded.
    pub const fn none() -> Span {
        Span(None)
    }

    fn open(
        sink: &Arc<dyn SpanSink>,
        name: &'static str,
        trace: TraceId,
        parent: Option<u64>,
        is_entry: bool,
    ) -> Span {
        Span(Some(Box::new(Open {
            name,
            trace,
            span: context::draw(),
            parent,
            is_entry,
            started: now(),
            ended: None,
            attributes: Vec::new(),
            error: None,
            sink: Arc::clone(sink),
        })))
    }

    /// Whether anything is recorded.
    pub fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Where the spans of its parts hang.
    pub fn scope(&self) -> Scope {
        Scope(
            self.0.as_ref().map(|open| {
                Arc::new(Place { trace: open.trace, span: open.span, sink: Arc::clone(&open.sink) })
            }),
        )
    }

    /// What names it to others.
    pub fn traceparent(&self) -> Option<Traceparent> {
        self.0.as_ref().map(|open| Traceparent { trace: open.trace, span: open.span, sampled: true })
    }

    /// Notes something worth knowing.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.0 {
            open.attributes.push((key, value.into()));
        }
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: &'static str) {
        if let Some(open) = &mut self.0 {
            open.name = name;
        }
    }

    /// Notes that it failed. `why` is only asked if somebody will read it.
    pub fn fail(&mut self, why: impl FnOnce() -> String) {
        if let Some(open) = &mut self.0 {
            open.error = Some(why());
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.sink.take(Ended {
            name: self.name,
            trace: self.trace,
            span: self.span,
            parent: self.parent,
            is_entry: self.is_entry,
            started: self.started,
            ended: self.ended.unwrap_or_else(now),
            attributes: std::mem::take(&mut self.attributes),
            error: self.error.take(),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<Ended>>);

    impl SpanSink for Kept {
        fn take(&self, span: Ended) {
            self.0.lock().unwrap().push(span);
        }
    }

    fn tracer(ratio: f64) -> (Tracer, Arc<Kept>) {
        let kept = Arc::new(Kept::default());
        (Tracer::new(kept.clone(), ratio), kept)
    }

    #[test]
    fn spans_of_one_request_hang_together() {
        let (tracer, kept) = tracer(1.0);
        let caller = Traceparent { trace: TraceId::from_u128(7).unwrap(), span: 9, sampled: true };
        let mut entry = tracer.begin("entry", Some(caller));
        entry.set("n", 3_u64);
        let scope = entry.scope();
        let mut child = scope.span("child");
        child.fail(|| "broken".to_owned());
        drop(child);
        scope.tell("told", Instant::from_nanos(5), Instant::from_nanos(8), vec![("k", "v".into())]);
        let named = entry.traceparent().unwrap();
        drop(entry);
        let ended = kept.0.lock().unwrap();
        let names: Vec<_> = ended.iter().map(|span| span.name).collect();
        assert_eq!(names, ["child", "told", "entry"]);
        assert!(ended.iter().all(|span| span.trace == caller.trace));
        assert_eq!((ended[2].parent, ended[2].is_entry, named.span), (Some(9), true, ended[2].span));
        assert_eq!((ended[0].parent, ended[1].parent), (Some(named.span), Some(named.span)));
        assert_eq!(ended[0].error.as_deref(), Some("broken"));
        assert_eq!((ended[1].started.as_nanos(), ended[1].ended.as_nanos()), (5, 8));
    }

    #[test]
    fn the_caller_decides_first_and_chance_after_it() {
        let (never, _) = tracer(0.0);
        let (always, _) = tracer(1.0);
        let caller = |sampled| Some(Traceparent { trace: TraceId::draw(), span: 1, sampled });
        assert!(never.begin("a", caller(true)).is_recorded());
        assert!(!always.begin("a", caller(false)).is_recorded());
        assert!(!never.begin("a", None).is_recorded());
        assert!(always.begin("a", None).is_recorded());
        let (half, _) = tracer(0.5);
        let recorded = (0..10_000).filter(|_| half.begin("a", None).is_recorded()).count();
        assert!((4_000..6_000).contains(&recorded), "{recorded}");
    }

    #[test]
    fn nothing_is_recorded_in_an_empty_scope() {
        let mut span = Scope::NONE.span("a");
        span.fail(|| unreachable!("nobody reads it"));
        assert!(!span.scope().is_recorded() && span.traceparent().is_none());
        assert_eq!(size_of::<Scope>(), size_of::<usize>());
    }
}
