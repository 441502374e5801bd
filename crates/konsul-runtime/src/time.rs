//! Time: a monotonic clock, sleeping, time-outs, and the wall clock.

use std::fmt;
use std::future::Future;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

pub use std::time::Duration;

use pin_project_lite::pin_project;

#[cfg(feature = "sim")]
use crate::virtual_time;

/// A point of the monotonic clock: nanoseconds since the process (or the simulation) began to look at it.
///
/// Plain data, so it can be kept in an atomic and compared across threads. Arithmetic saturates at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The point `nanos` nanoseconds after the clock's origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time passed since this point; zero if it lies ahead.
    pub fn elapsed(self) -> Duration {
        now() - self
    }

    /// Time from `earlier` to this point; zero if `earlier` is later.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    fn to_tokio(self) -> tokio::time::Instant {
        tokio::time::Instant::from_std(*origin() + Duration::from_nanos(self.0.min(FAR)))
    }
}

/// About 30 years: what lies beyond is never, and the platform's clock must not overflow over it.
const FAR: u64 = 1_000_000_000_000_000_000;

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(nanos(rhs)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(rhs)))
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, rhs: Self) -> Duration {
        self.saturating_duration_since(rhs)
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, rhs: Duration) {
        *self = *self - rhs;
    }
}

fn origin() -> &'static std::time::Instant {
    static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();
    ORIGIN.get_or_init(std::time::Instant::now)
}

/// The monotonic clock.
pub fn now() -> Instant {
    #[cfg(feature = "sim")]
    if let Some(core) = virtual_time::current() {
        return core.now();
    }
    Instant(nanos(origin().elapsed()))
}

/// Milliseconds since the Unix epoch. May jump in both directions; before 1970 it is 0.
pub fn wall_ms() -> u64 {
    #[cfg(feature = "sim")]
    if let Some(core) = virtual_time::current() {
        return core.wall_ms();
    }
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Waits for `duration`.
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(now() + duration)
}

/// Waits until `deadline`; at once if it has passed.
pub fn sleep_until(deadline: Instant) -> Sleep {
    #[cfg(feature = "sim")]
    if let Some(core) = virtual_time::current() {
        return Sleep(SleepInner::Virtual(core.timer(deadline)));
    }
    Sleep(SleepInner::Tokio(Box::pin(tokio::time::sleep_until(deadline.to_tokio()))))
}

/// See [`sleep`].
#[derive(Debug)]
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct Sleep(SleepInner);

#[derive(Debug)]
enum SleepInner {
    Tokio(Pin<Box<tokio::time::Sleep>>),
    #[cfg(feature = "sim")]
    Virtual(virtual_time::Timer),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.get_mut().0 {
            SleepInner::Tokio(sleep) => sleep.as_mut().poll(cx),
            #[cfg(feature = "sim")]
            SleepInner::Virtual(timer) => Pin::new(timer).poll(cx),
        }
    }
}

/// Gives `future` at most `duration`. A result that is ready in the same moment as the time-out wins.
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    timeout_at(now() + duration, future)
}

/// Gives `future` until `deadline`. A result that is ready in the same moment as the time-out wins.
pub fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    Timeout { future, sleep: sleep_until(deadline) }
}

pin_project! {
    /// See [`timeout`].
    #[derive(Debug)]
    #[must_use = "a time-out does nothing unless it is awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(value) = this.future.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        Pin::new(this.sleep).poll(cx).map(|()| Err(Elapsed))
    }
}

/// The time was over before the future was ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deadline has passed")
    }
}

impl std::error::Error for Elapsed {}
