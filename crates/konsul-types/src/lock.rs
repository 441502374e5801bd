//! Locks as resources of their own: who holds one, who waits for it, and in what order.

use serde::{Deserialize, Serialize};

use crate::{Index, LockName, Millis, SessionId, Value};

/// Longest description that a holder or waiter may leave, in bytes.
pub const LOCK_VALUE_MAX: usize = 4096;

/// A lock that somebody holds, or that stays free for a while after its holder was lost. A lock that is simply free has no
/// record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Who holds it; `None` while its lock delay runs.
    pub holder: Option<LockHolder>,
    /// Log time until which nobody gets it, because its last holder was lost and may not have noticed yet.
    pub delayed_until: Option<Millis>,
    /// Index of the entry since which it is not simply free.
    pub create_index: Index,
    /// Index of the entry that last changed it in a way that clients see; its queue is not counted.
    pub modify_index: Index,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// The session.
    pub session: SessionId,
    /// The fencing number: index of the entry that granted the lock. Each grant of a lock has a higher one than all before,
    /// so whoever guards a resource with it can turn away a holder of the past.
    pub fencing: Index,
    /// Index of the last acquisition by this session: a cancellation that saw another one is refused.
    pub claim: Index,
    /// What the holder says of itself.
    pub value: Value,
    /// Log time of the grant.
    pub since: Millis,
}

/// Who waits for a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockWaiter {
    /// The session. It waits for a lock once, however often it asks.
    pub session: SessionId,
    /// Its place: index of the entry with which it began to wait. The lowest is served first.
    pub place: Index,
    /// Index of its last acquisition; see [`LockHolder::claim`].
    pub claim: Index,
    /// What it will say of itself as the holder.
    pub value: Value,
    /// Log time at which it began to wait.
    pub since: Millis,
}

/// A change asked of one namespace's locks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockCommand {
    /// Takes a lock if it is free and nobody waits for it. Whoever holds it already is told so again.
    Acquire {
        /// Which.
        name: LockName,
        /// For whom.
        session: SessionId,
        /// What the holder says of itself.
        value: Value,
        /// Whether to wait in the queue if it is not free. A session that waits already keeps its place.
        queue: bool,
    },
    /// Gives a lock back; whoever waits first gets it in the same entry.
    Release {
        /// Which.
        name: LockName,
        /// Who must hold it.
        session: SessionId,
        /// The grant that is given back, if the holder wants to be sure that it is no later one.
        fencing: Option<Index>,
    },
    /// Leaves the queue. If the lock was granted meanwhile, the answer is the grant, or it is given back at once.
    Cancel {
        /// Which.
        name: LockName,
        /// Who waits.
        session: SessionId,
        /// The acquisition that is called off; refused if the session asked again since.
        claim: Index,
        /// Whether a grant that came meanwhile is given back: nobody is there to hear of it.
        give_back: bool,
    },
}

impl LockCommand {
    /// The lock that it is about.
    pub fn name(&self) -> &LockName {
        match self {
            LockCommand::Acquire { name, .. }
            | LockCommand::Release { name, .. }
            | LockCommand::Cancel { name, .. } => name,
        }
    }
}
