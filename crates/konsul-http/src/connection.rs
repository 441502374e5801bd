//! One connection: what it is doing, since when, and the future that drives it.
//!
//! [`Progress`] is shared between the connection's own task, which writes it, and the sweep in
//! [`connections`](crate::connections), which reads it. Writing is one relaxed store of the sweep's last tick: no clock is
//! read and no timer is set for a request.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use konsul_runtime::time::{Duration, Instant};
use pin_project_lite::pin_project;

use crate::connections::Ticket;
use crate::service::Service;
use crate::settings::Timeouts;
use crate::stream::Stream;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// It waits for the first byte of a request.
    Idle = 0,
    /// It has a part of a head.
    Head = 1,
    /// A request is being answered.
    Busy = 2,
}

/// For what the request that is being answered may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Waits {
    /// For nothing but its own work.
    No = 0,
    /// For something to happen: it is worth nothing once its client is gone.
    Parks = 1,
    /// It streams what happens.
    Streams = 2,
}

/// What the sweep thinks of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may go on.
    Fine,
    /// It streams, and its client does not read: it should say its last words.
    Lags,
    /// It takes longer than it may.
    Overdue,
}

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Order {
    /// Go on.
    Serve = 0,
    /// Finish what is under way, then close; close at once if nothing is.
    Finish = 1,
    /// Close at once.
    Cut = 2,
}

/// What a connection is doing and since when, and what it is told.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The sweep's last tick, in nanoseconds.
    tick: Arc<AtomicU64>,
    phase: AtomicU8,
    since: AtomicU64,
    /// When it first could not write; zero while it can.
    stalled: AtomicU64,
    waits: AtomicU8,
    /// When a stream should have got something out; zero for never.
    due: AtomicU64,
    /// When a stream was told that it lags; zero if it was not.
    lags: AtomicU64,
    order: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl Progress {
    pub(crate) fn new(tick: Arc<AtomicU64>) -> Progress {
        let since = AtomicU64::new(tick.load(Relaxed));
        Progress {
            tick,
            phase: AtomicU8::new(Phase::Idle as u8),
            since,
            stalled: AtomicU64::new(0),
            waits: AtomicU8::new(Waits::No as u8),
            due: AtomicU64::new(0),
            lags: AtomicU64::new(0),
            order: AtomicU8::new(Order::Serve as u8),
            waker: Mutex::new(None),
        }
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.since.store(self.tick.load(Relaxed), Relaxed);
    }

    /// Bytes arrived: if none were expected, a head has begun.
    pub(crate) fn note_read(&self) {
        if self.phase.load(Relaxed) == Phase::Idle as u8 {
            self.enter(Phase::Head);
        }
    }

    /// A write was taken, or not.
    pub(crate) fn note_write(&self, taken: bool) {
        let stalled = self.stalled.load(Relaxed);
        if taken && stalled != 0 {
            self.stalled.store(0, Relaxed);
        } else if !taken && stalled == 0 {
            self.stalled.store(self.tick.load(Relaxed).max(1), Relaxed);
        }
    }

    /// A request is being answered until the guard is dropped.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.set_waits(Waits::No);
        self.set_due(None);
        self.lags.store(0, Relaxed);
        self.enter(Phase::Busy);
        Busy(Arc::clone(self))
    }

    /// Says for what the request under way may wait.
    pub(crate) fn set_waits(&self, waits: Waits) {
        self.waits.store(waits as u8, Relaxed);
    }

    /// Whether the request under way waits for something to happen.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waits.load(Relaxed) != Waits::No as u8
    }

    fn streams(&self) -> bool {
        self.waits.load(Relaxed) == Waits::Streams as u8
    }

    /// Until when a stream must have got out what it has begun; `None` for no bound.
    pub(crate) fn set_due(&self, due: Option<Instant>) {
        self.due.store(due.map_or(0, |due| due.as_nanos().max(1)), Relaxed);
    }

    /// Whether a stream was told that its client does not read.
    pub(crate) fn lags(&self) -> bool {
        self.lags.load(Relaxed) != 0
    }

    /// What to think of it.
    pub(crate) fn verdict(&self, now: Instant, timeouts: &Timeouts, linger: Duration) -> Verdict {
        let over =
            |since: u64, limit: Duration| now.saturating_duration_since(Instant::from_nanos(since)) > limit;
        let (stalled, since) = (self.stalled.load(Relaxed), self.since.load(Relaxed));
        let stalls = stalled != 0 && over(stalled, timeouts.write);
        if self.streams() {
            let due = self.due.load(Relaxed);
            return match self.lags.load(Relaxed) {
                0 if stalls || due != 0 && now.as_nanos() > due => Verdict::Lags,
                lags if lags != 0 && over(lags, linger) => Verdict::Overdue,
                _ => Verdict::Fine,
            };
        }
        let overdue = stalls
            || match self.phase.load(Relaxed) {
                phase if phase == Phase::Idle as u8 => over(since, timeouts.idle),
                phase if phase == Phase::Head as u8 => over(since, timeouts.head),
                _ => false,
            };
        if overdue { Verdict::Overdue } else { Verdict::Fine }
    }

    /// Tells a stream that its client does not read.
    pub(crate) fn tell_lag(&self, now: Instant) {
        self.lags.store(now.as_nanos().max(1), Relaxed);
        self.wake();
    }

    /// Says whom to wake with an order. Before the order is read, so that none is missed.
    pub(crate) fn register(&self, waker: &Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waker.inspect(Waker::wake_by_ref);
    }

    /// Gives an order. A lower one than before changes nothing.
    pub(crate) fn order(&self, order: Order) {
        if self.order.fetch_max(order as u8, SeqCst) < order as u8 {
            self.wake();
        }
    }

    /// What it is told.
    pub(crate) fn ordered(&self) -> Order {
        match self.order.load(SeqCst) {
            0 => Order::Serve,
            1 => Order::Finish,
            _ => Order::Cut,
        }
    }
}

/// While this lives, its connection is answering a request.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Progress>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set_due(None);
        // The last words of a stream that lags may still wait to be written: it has its time for that.
        if !self.0.lags() {
            self.0.set_waits(Waits::No);
        }
        self.0.enter(Phase::Idle);
    }
}

type Http = http1::UpgradeableConnection<TokioIo<Stream>, Service>;

pin_project! {
    /// The future of one connection. Dropping it closes the socket and drops the request under way.
    pub(crate) struct Connection {
        #[pin]
        http: Http,
        progress: Arc<Progress>,
        waker: Option<Waker>,
        finishing: bool,
        // Gives the connection's place back when it is over, unless a WebSocket has taken it over.
        ticket: Arc<Ticket>,
    }
}

impl Connection {
    pub(crate) fn new(http: Http, progress: Arc<Progress>, ticket: Arc<Ticket>) -> Connection {
        Connection { http, progress, waker: None, finishing: false, ticket }
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        // A task's waker stays the same, so this happens once. It happens before the order is read, so none is missed.
        if !this.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *this.waker = Some(cx.waker().clone());
            this.progress.register(cx.waker());
        }
        match this.progress.ordered() {
            Order::Serve => {}
            Order::Cut => return Poll::Ready(()),
            Order::Finish if *this.finishing => {}
            Order::Finish => {
                *this.finishing = true;
                this.http.as_mut().graceful_shutdown();
            }
        }
        this.http.poll(cx).map(|ended| {
            if let Err(why) = ended {
                tracing::debug!(error = %why, "connection ended early");
            }
        })
    }
}
