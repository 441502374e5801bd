//! Log time: what the leader stamps into entries.
//!
//! It is anchored once on the wall clock, or on the newest stamp in the log if that is later, and from then on runs with the
//! monotonic clock. So a wall clock that jumps while the server runs moves no deadline, and stamps never go back.

use std::sync::Mutex;

use konsul_runtime::time::{Instant, now, wall_ms};
use konsul_types::Millis;

/// A clock of log time.
#[derive(Debug)]
pub struct LogClock {
    anchor: Mutex<Anchor>,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    at: Millis,
    then: Instant,
}

impl Anchor {
    fn read(self) -> Millis {
        self.at.plus(now().saturating_duration_since(self.then).as_millis() as u64)
    }
}

impl LogClock {
    /// A clock that begins now, by the wall.
    pub fn start() -> LogClock {
        LogClock { anchor: Mutex::new(Anchor { at: Millis(wall_ms()), then: now() }) }
    }

    /// Log time now.
    pub fn now(&self) -> Millis {
        self.lock().read()
    }

    /// A stamp was seen in the log: time goes on from there if it is later.
    pub fn observe(&self, at: Millis) {
        let mut anchor = self.lock();
        if at > anchor.read() {
            *anchor = Anchor { at, then: now() };
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Anchor> {
        // Nothing can panic while it is held.
        self.anchor.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_stamp_moves_it_and_an_earlier_one_does_not() {
        let clock = LogClock::start();
        let begin = clock.now();
        clock.observe(begin.plus(60_000));
        assert!(clock.now() >= begin.plus(60_000));
        clock.observe(begin);
        assert!(clock.now() >= begin.plus(60_000));
    }
}
