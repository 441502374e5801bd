//! An alarm clock that wakes the poll.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::error::Error;

/// A timer of the kernel, as a file that becomes readable.
#[derive(Debug)]
pub(super) struct Alarm(OwnedFd);

impl Alarm {
    pub(super) fn new(registry: &Registry, token: Token) -> Result<Alarm, Error> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)
            .map_err(|why| Error::Broken(why.into()))?;
        registry
            .register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)
            .map_err(Error::Broken)?;
        Ok(Alarm(timer))
    }

    /// Sets it, in place of what it was set to. Setting it also makes it unreadable again, so it need not be read.
    pub(super) fn set(&self, left: Duration) -> Result<(), Error> {
        let value = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)
            .map(|_| ())
            .map_err(|why| Error::Broken(why.into()))
    }
}
