//! What became different: the content of the change feed.

use std::sync::Arc;

use crate::{
    Check, CheckId, Event, Index, Key, KvRecord, Lock, LockName, LockWaiter, Millis, Namespace, Node,
    NodeCoordinate, NodeName, PreparedQuery, QueryId, Service, ServiceName, Session, SessionId,
};

/// One record that became different. Old and new are shared with the state, never copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A key was created (no old), changed, or removed (no new).
    Kv {
        /// Where.
        namespace: Namespace,
        /// Which.
        key: Key,
        /// What it held.
        old: Option<Arc<KvRecord>>,
        /// What it holds.
        new: Option<Arc<KvRecord>>,
    },
    /// A session was made or ended.
    Session {
        /// Where.
        namespace: Namespace,
        /// Which.
        id: SessionId,
        /// As it was.
        old: Option<Arc<Session>>,
        /// As it is.
        new: Option<Arc<Session>>,
    },
    /// A node was registered, changed or removed.
    Node {
        /// Which.
        name: NodeName,
        /// As it was.
        old: Option<Arc<Node>>,
        /// As it is.
        new: Option<Arc<Node>>,
    },
    /// A check was registered, changed or removed.
    Check {
        /// Its node.
        node: NodeName,
        /// Which.
        id: CheckId,
        /// As it was.
        old: Option<Arc<Check>>,
        /// As it is.
        new: Option<Arc<Check>>,
    },
    /// An event was fired.
    Event(Arc<Event>),
    /// The whole state was replaced: nothing that a reader knew still holds.
    Reset,
    /// A lock was granted, given back, or lost.
    Lock {
        /// Where.
        namespace: Namespace,
        /// Which.
        name: LockName,
        /// As it was; `None` if it was free.
        old: Option<Arc<Lock>>,
        /// As it is; `None` if it is free.
        new: Option<Arc<Lock>>,
    },
    /// A session began to wait for a lock (no old), or waits no more (no new): it was granted the lock, gave up, or ended.
    LockWaiter {
        /// Where.
        namespace: Namespace,
        /// For which lock.
        name: LockName,
        /// Who.
        session: SessionId,
        /// As it waited.
        old: Option<Arc<LockWaiter>>,
        /// As it waits.
        new: Option<Arc<LockWaiter>>,
    },
    /// An instance was registered, changed or removed. Its identity is in the records.
    Service {
        /// As it was.
        old: Option<Arc<Service>>,
        /// As it is.
        new: Option<Arc<Service>>,
    },
    /// What is told of a service became different: an instance, its checks, its node or that node's checks. Stands once in a
    /// set for each service concerned, after the changes that made it so.
    Instances {
        /// Where.
        namespace: Namespace,
        /// Which, folded.
        name: ServiceName,
        /// Whether it matters to who is told of passing instances only. What a check says beside its status does not.
        passing: bool,
    },
    /// A node's coordinate became different.
    Coordinate(Arc<NodeCoordinate>),
    /// A prepared query was made, changed or removed.
    Query {
        /// Which.
        id: QueryId,
        /// As it was.
        old: Option<Arc<PreparedQuery>>,
        /// As it is.
        new: Option<Arc<PreparedQuery>>,
    },
}

/// Everything that one log entry changed. Never split, never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// The entry.
    pub index: Index,
    /// Its log time.
    pub at: Millis,
    /// What it changed, in the order in which it did.
    pub changes: Vec<Change>,
}

impl ChangeSet {
    /// An estimate of the bytes that it keeps alive, for bounding history.
    pub fn weight(&self) -> usize {
        64 + self.changes.iter().map(Change::weight).sum::<usize>()
    }
}

impl Change {
    fn weight(&self) -> usize {
        let kv = |r: &Option<Arc<KvRecord>>| r.as_ref().map_or(0, |r| 96 + r.value.len());
        128 + match self {
            Change::Kv { key, old, new, .. } => key.as_str().len() + kv(old) + kv(new),
            Change::Session { .. } => 512,
            Change::Node { .. } | Change::Check { .. } | Change::Service { .. } => 1024,
            Change::Instances { .. } => 0,
            Change::Coordinate(_) => 256,
            Change::Query { .. } => 1024,
            Change::Event(event) => 256 + event.payload.len(),
            Change::Reset => 0,
            Change::Lock { name, .. } | Change::LockWaiter { name, .. } => 512 + name.as_str().len(),
        }
    }
}
