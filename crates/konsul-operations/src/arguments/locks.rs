//! Arguments of operations on locks.

use konsul_runtime::time::Duration;
use konsul_types::{Index, LockName, SessionId, Value};

use crate::context::Blocking;

/// Takes a lock, or waits for it.
#[derive(Debug, Clone)]
pub struct LockAcquire {
    /// Which.
    pub name: LockName,
    /// For whom.
    pub session: SessionId,
    /// What the holder says of itself; at most [`konsul_types::lock::LOCK_VALUE_MAX`] bytes.
    pub value: Value,
    /// How long to wait in the queue; zero to take it at once or not at all.
    pub wait: Duration,
}

/// Gives a lock back.
#[derive(Debug, Clone)]
pub struct LockRelease {
    /// Which.
    pub name: LockName,
    /// Who holds it.
    pub session: SessionId,
    /// The grant that is given back; `None` for whichever the session has.
    pub fencing: Option<Index>,
}

/// Reads one lock and its queue.
#[derive(Debug, Clone)]
pub struct LockGet {
    /// Which.
    pub name: LockName,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// One page of the locks in use.
#[derive(Debug, Clone)]
pub struct LockList {
    /// Only names that begin with it; empty for all.
    pub prefix: String,
    /// The last name of the page before.
    pub after: Option<LockName>,
    /// Most locks.
    pub limit: usize,
}
