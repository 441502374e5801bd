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
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            kv: KvQuota { keys: 10_000_000, bytes: 8 << 30 },
            value_bytes: 512 * 1024,
            sessions: 1_000_000,
            request_window_ms: 5 * 60 * 1000,
            requests: 200_000,
        }
    }
}
