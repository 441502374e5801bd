//! What operations give back.

mod catalog;
mod keys;
mod locks;
mod transfers;

pub use catalog::{
    CheckChange, CheckPast, Distance, Instance, NodeWithServices, Picked, QueryAnswer, QueryExplained,
    ServiceSummary, WhyInstance,
};
pub use keys::{KvDifference, KvListed, KvVersion, KvVersions, Page};
pub use locks::{LockEntry, LockGrant, QUEUE_SHOWN};
pub use transfers::{
    BatchPart, BatchRun, DifferenceKind, Entries, Exported, ImportDifference, ImportReport, ImportRun,
};

use std::sync::Arc;

use konsul_types::{Index, Key, KvRecord, Namespace, TxnError, TxnResult};

/// How fresh an answer is and where it stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// The index of the answer's own content: never zero, never lower than in an earlier answer to the same question.
    pub index: Index,
    /// Whether a leader was known.
    pub known_leader: bool,
    /// Milliseconds since this server last heard from the leader; zero on the leader.
    pub last_contact_ms: u64,
    /// The consistency that the answer has.
    pub consistency: &'static str,
}

/// A read's answer.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// How fresh it is.
    pub meta: Meta,
}

/// A key and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvEntry {
    /// Where.
    pub namespace: Namespace,
    /// Which.
    pub key: Key,
    /// What it holds.
    pub record: Arc<KvRecord>,
}

/// How a transaction ended.
#[derive(Debug, Clone)]
pub enum TxnAnswer {
    /// All of it happened. Reads carry how fresh they are; writes do not.
    Committed(Vec<TxnResult>, Option<Meta>),
    /// None of it happened: every member that failed.
    RolledBack(Vec<TxnError>),
}
