//! When a call that failed is made again, and how long is waited before it.
//!
//! Only calls whose repetition has no second effect are repeated: reads, and writes that carry an idempotency key, which
//! a server answers from memory if it has done them already.

use std::time::Duration;

use crate::error::Error;

/// How often, and how patiently, calls that may be repeated are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often at most a call is made; one means never again.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles with each further one.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry { attempts: 4, first_wait: Duration::from_millis(50), longest_wait: Duration::from_secs(2) }
    }
}

impl Retry {
    /// No call is made twice.
    pub const NEVER: Retry = Retry { attempts: 1, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };

    /// The wait after attempt number `attempt` (from 1) failed; `None` if that was the last one or repeating is useless.
    /// A server's own `Retry-After` counts where it is longer; one beyond the longest wait is for the caller to know.
    pub fn wait(&self, attempt: u32, error: &Error) -> Option<Duration> {
        let asked = error.retry_after().unwrap_or_default();
        // A call that was not answered in time has had all the time that its caller gave it.
        let useless = !error.is_passing() || matches!(error, Error::Timeout { .. });
        if attempt >= self.attempts || asked > self.longest_wait || useless {
            return None;
        }
        Some(self.backoff(attempt).max(asked))
    }

    /// The wait before attempt `attempt + 1`: doubled each time, and spread over its upper half so that clients that
    /// lost the same server do not come back in one moment.
    pub(crate) fn backoff(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1).min(16)).unwrap_or(u32::MAX);
        let full = self.first_wait.saturating_mul(factor).min(self.longest_wait);
        let spread = uuid::Uuid::new_v4().as_u128() % 500;
        full / 2 + full.mul_f64(f64::from(u32::try_from(spread).unwrap_or(0)) / 1000.0)
    }
}

/// A key that no other call has. It tells when it was made, so that a server that has forgotten it refuses it instead of
/// taking it for a new one.
pub(crate) fn idempotency_key() -> String {
    uuid::Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Error {
        Error::Connect { address: "a:1".into(), source: "refused".into() }
    }

    #[test]
    fn waits_grow_to_their_bound_and_end() {
        let retry = Retry { attempts: 12, ..Retry::default() };
        for attempt in 1..12 {
            let full = Duration::from_millis(50 << (attempt - 1)).min(retry.longest_wait);
            let wait = retry.wait(attempt, &refused()).unwrap();
            assert!(wait >= full / 2 && wait <= full, "{attempt}: {wait:?} of {full:?}");
        }
        assert_eq!(retry.wait(12, &refused()), None);
        assert_eq!(Retry::NEVER.wait(1, &refused()), None);
    }

    #[test]
    fn what_would_fail_again_is_not_repeated() {
        let config = Error::Config("no".into());
        assert_eq!(Retry::default().wait(1, &config), None);
    }
}
