//! This machine's own clock, for what runs out.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time since this machine started, the time that it slept included. A process that was asleep for longer than its lease
/// must not believe in it for another moment, which the usual monotonic clock would let it.
pub(crate) fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}
