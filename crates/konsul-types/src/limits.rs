//! Bounds that all replicas share. They are state, changed by a command, so that every replica refuses alike.

use serde::{Deserialize, Serialize};

/// How much one namespace's keys may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvQuota {
    /// Most keys.
    pub keys: u64,
    /// Most bytes of keys and values together.
    pub bytes: u64,
}

/// The bounds in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// For each namespace.
    pub kv: KvQuota,
    /// Largest value, in bytes.
    pub value_bytes: u64,
    /// Most live sessions in one namespace.
    pub sessions: u64,
    /// How long a request id is remembered, in milliseconds of log time.
    pub request_window_ms: u64,
    /// Most request ids remembered at once; over it the oldest are forgotten, and a repeat of one is refused.
    pub requests: u64,
    /// Bytes of old values kept in one namespace, each counted with its key and [`PAST_OVERHEAD`]; over it the oldest go.
    /// Zero keeps none.
    pub history_bytes: u64,
    /// Most locks that are held or waited for in one namespace.
    pub locks: u64,
    /// Most sessions that wait for one lock.
    pub lock_queue: u64,
}

/// What an old value is counted with beside its key and its bytes, so that many small ones are bounded too.
pub const PAST_OVERHEAD: u64 = 64;

impl Default for Limits {
    fn default() -> Self {
        Limits {
            kv: KvQuota { keys: 10_000_000, bytes: 8 << 30 },
            value_bytes: 512 * 1024,
            sessions: 1_000_000,
            request_window_ms: 5 * 60 * 1000,
            requests: 200_000,
            history_bytes: 8 << 20,
            locks: 1_000_000,
            lock_queue: 10_000,
        }
    }
}

/// The bounds that feature level 1 knows, in its byte form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsV1 {
    /// See [`Limits::kv`].
    pub kv: KvQuota,
    /// See [`Limits::value_bytes`].
    pub value_bytes: u64,
    /// See [`Limits::sessions`].
    pub sessions: u64,
    /// See [`Limits::request_window_ms`].
    pub request_window_ms: u64,
    /// See [`Limits::requests`].
    pub requests: u64,
}

impl From<Limits> for LimitsV1 {
    fn from(all: Limits) -> LimitsV1 {
        LimitsV1 {
            kv: all.kv,
            value_bytes: all.value_bytes,
            sessions: all.sessions,
            request_window_ms: all.request_window_ms,
            requests: all.requests,
        }
    }
}

impl LimitsV1 {
    /// These bounds, and those of `others` that feature level 1 does not know.
    pub fn over(self, others: Limits) -> Limits {
        Limits {
            kv: self.kv,
            value_bytes: self.value_bytes,
            sessions: self.sessions,
            request_window_ms: self.request_window_ms,
            requests: self.requests,
            ..others
        }
    }
}
