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
        self.enter(Phase::Busy);
        Busy(Arc::clone(self))
    }

    /// Whether it takes longer than it may.
    pub(crate) fn is_overdue(&self, now: Instant, timeouts: &Timeouts) -> bool {
        let over =
            |since: u64, limit: Duration| now.saturating_duration_since(Instant::from_nanos(since)) > limit;
        let stalled = self.stalled.load(Relaxed);
        if stalled != 0 && over(stalled, timeouts.write) {
            return true;
        }
        let since = self.since.load(Relaxed);
        match self.phase.load(Relaxed) {
            phase if phase == Phase::Idle as u8 => over(since, timeouts.idle),
            phase if phase == Phase::Head as u8 => over(since, timeouts.head),
            _ => false,
        }
    }

    /// Gives an order. A lower one than before changes nothing.
    pub(crate) fn order(&self, order: Order) {
        if self.order.fetch_max(order as u8, SeqCst) < order as u8 {
            let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
            waker.inspect(Waker::wake_by_ref);
        }
    }

    fn ordered(&self) -> Order {
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
        self.0.enter(Phase::Idle);
    }
}

type Http = http1::Connection<TokioIo<Stream>, Service>;

pin_project! {
    /// The future of one connection. Dropping it closes the socket and drops the request under way.
    pub(crate) struct Connection {
        #[pin]
        http: Http,
        progress: Arc<Progress>,
        waker: Option<Waker>,
        finishing: bool,
        // Gives the connection's place back when it is over.
        ticket: Ticket,
    }
}

impl Connection {
    pub(crate) fn new(http: Http, progress: Arc<Progress>, ticket: Ticket) -> Connection {
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
            *this.progress.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
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
