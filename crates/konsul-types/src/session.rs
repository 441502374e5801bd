//! Sessions: leases that hold locks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{CheckId, Index, Millis, NodeName, SessionId};

/// What happens to the keys that a session holds when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Behavior {
    /// They lose their holder and stay.
    Release,
    /// They are removed.
    Delete,
}

/// A service check that a session leans on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCheckRef {
    /// The check.
    pub id: CheckId,
    /// The namespace that the client named, echoed back.
    pub namespace: String,
}

/// What is asked for when a session is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSpec {
    /// The new session's id, drawn by whoever proposes.
    pub id: SessionId,
    /// A name for people.
    pub name: String,
    /// The node that it lives with.
    pub node: NodeName,
    /// How long a lock lost by invalidation stays free, in milliseconds.
    pub lock_delay_ms: u64,
    /// What becomes of its keys.
    pub behavior: Behavior,
    /// Its time to live in milliseconds; `None` for none.
    pub ttl_ms: Option<u64>,
    /// The text of the time to live as the client wrote it, echoed back.
    pub ttl_text: String,
    /// Checks of the node that must not be critical.
    pub node_checks: Vec<CheckId>,
    /// Checks of services that must not be critical.
    pub service_checks: Vec<ServiceCheckRef>,
}

/// A live session.
///
/// Time to live is kept in log time and checkpointed coarsely. A renewal enters the log only when the last one that did is
/// at least one time to live old, and the deadline lies two times to live after that one; so an acknowledged renewal always
/// has at least one whole time to live before it, whoever leads, and a silent session ends within two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What was asked for.
    pub spec: Arc<SessionSpec>,
    /// Index of the entry that made it.
    pub create_index: Index,
    /// Index of the entry that last changed it in a way that clients see.
    pub modify_index: Index,
    /// Counts the renewals that entered the log: an expiry that saw another number is refused.
    pub renewal: u64,
    /// Log time of the last renewal that entered the log.
    pub renewed_at: Millis,
    /// Log time before which it does not expire; `None` without a time to live.
    pub deadline: Option<Millis>,
    /// Whether a change of leader has already extended it since its last renewal.
    pub grace_used: bool,
}

impl Session {
    /// Whether a renewal at `now` must enter the log to keep the promise of one whole time to live.
    pub fn renewal_is_due(&self, now: Millis) -> bool {
        match self.spec.ttl_ms {
            Some(ttl) => now.since(self.renewed_at) >= ttl,
            None => false,
        }
    }
}
