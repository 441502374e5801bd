//! I-39 Liveness: after healing a write is served within ten election time-outs, every client is answered, nobody stays parked,
//! and a server neither stops nor refuses to start for a reason that no fault gave it.
//!
//! Source: the availability that Raft promises once a quorum can talk (Ongaro, *Consensus: Bridging Theory and Practice*,
//! chapter 9). On one server that is: it leads again. That a core of several is enough needs several, and comes with them.

use konsul_runtime::time::Duration;
use konsul_watch::FeedStats;

use crate::broken::{Broken, Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-39 Liveness";

/// How many of the longest election time-outs may pass after healing until a write is served.
pub const ELECTIONS: u64 = 10;

/// A run that takes more steps goes in circles.
pub const STEPS_MOST: u64 = 30_000_000;

/// How long healing may take until a write is served.
pub fn patience(election_max_ms: u64) -> Duration {
    Duration::from_millis(ELECTIONS * election_max_ms)
}

/// A write was served before patience was at an end.
///
/// # Errors
/// If it was not; `status` is what the server says of itself.
pub fn served(served: bool, patience: Duration, status: &dyn std::fmt::Debug) -> Held {
    hold(NAME, served, || {
        format!("no write was served within {patience:?} after healing; the server says {status:?}")
    })
}

/// Every client ended after it was told to.
///
/// # Errors
/// If some are left.
pub fn all_ended(left: u64) -> Held {
    hold(NAME, left == 0, || format!("{left} clients wait for ever"))
}

/// Once every client has ended nobody is parked and nobody subscribes.
///
/// # Errors
/// If somebody does.
pub fn nobody_parked(stats: &FeedStats) -> Held {
    hold(NAME, stats.parked + stats.subscribers == 0, || {
        format!("all clients have ended, and still somebody waits: {stats:?}")
    })
}

/// A run comes to an end.
///
/// # Errors
/// If it goes in circles.
pub fn goes_on(steps: u64) -> Held {
    hold(NAME, steps <= STEPS_MOST, || "the run takes more steps than any run needs".into())
}

/// Only what the disk did may stop a server.
///
/// # Errors
/// If it says another reason.
pub fn may_stop(why: &str) -> Held {
    hold(NAME, why.contains("storage failed"), || format!("the server stopped by itself: {why}"))
}

/// A server that does not start although nothing was damaged.
pub fn not_started(why: &str) -> Broken {
    Broken::new(NAME, why)
}

#[cfg(test)]
mod tests {
    use konsul_types::Index;

    use super::*;

    fn stats(parked: usize, subscribers: usize) -> FeedStats {
        let head = Index(9);
        FeedStats {
            head,
            oldest: head,
            history_entries: 0,
            history_bytes: 0,
            parked,
            subscribers,
            waiting: 0,
            published: 0,
            wakeups: 0,
            visited: 0,
            refused: 0,
            fell_out: 0,
            replaced: 0,
        }
    }

    #[test]
    fn fires_on_each_way_to_stand_still() {
        assert_eq!(patience(300), Duration::from_secs(3));
        assert!(served(true, patience(300), &"leads").is_ok() && all_ended(0).is_ok());
        assert!(nobody_parked(&stats(0, 0)).is_ok());
        assert!(goes_on(STEPS_MOST).is_ok() && may_stop("storage failed: no space").is_ok());
        assert!(served(false, patience(300), &"follows").is_err() && all_ended(1).is_err());
        assert!(nobody_parked(&stats(1, 0)).is_err() && nobody_parked(&stats(0, 1)).is_err());
        assert!(goes_on(STEPS_MOST + 1).is_err() && may_stop("a panic").is_err());
        assert!(not_started("the lock file").to_string().contains(NAME));
    }
}
