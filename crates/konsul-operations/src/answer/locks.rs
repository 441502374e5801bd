//! Answers about locks.

use std::sync::Arc;

use konsul_types::{Lock, LockHolder, LockName, LockWaiter, Namespace};

/// A lock that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockGrant {
    /// Where.
    pub namespace: Namespace,
    /// Which.
    pub name: LockName,
    /// Who holds it, with the fencing number.
    pub holder: LockHolder,
}

/// A lock as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockEntry {
    /// Where.
    pub namespace: Namespace,
    /// Which.
    pub name: LockName,
    /// Its holder or delay.
    pub lock: Arc<Lock>,
    /// How many wait for it.
    pub waiting: u64,
    /// Who waits, first come first; only where one lock is read, and at most [`QUEUE_SHOWN`] of them.
    pub queue: Vec<Arc<LockWaiter>>,
}

/// Most waiters that are told of one lock.
pub const QUEUE_SHOWN: usize = 100;
