//! Time inside the log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Log time: milliseconds since the Unix epoch as the leader stamped them. Never decreases from one entry to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Millis {
    /// This time plus a span in milliseconds; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, span_ms: u64) -> Millis {
        Millis(self.0.saturating_add(span_ms))
    }

    /// Milliseconds since `earlier`; zero if that lies in the future.
    pub fn since(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}
