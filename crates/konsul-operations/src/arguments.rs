//! What operations take beside the context. An edge fills these; nothing in them is unchecked text that should be a type.

mod catalog;
mod keys;
mod locks;
mod transfers;

pub use catalog::{
    AgentCheckRegister, AgentCheckUpdate, AgentMaintenance, AgentServiceRegister, CatalogDeregister,
    CatalogRegister, CheckHistory, CheckList, CheckSelect, CoordinateDistance, CoordinateList, Narrow, Near,
    NodeList, NodeServices, QueryExecute, QueryList, QueryWrite, ServiceGraph, ServiceInstances, ServiceList,
    ServicePick, ServiceTimeline, ServiceWhy,
};
pub use keys::{KvDiff, KvHistory, KvPage, KvPatch, KvSearch, KvSelect, KvUndo, Needle, Resume};
pub use locks::{LockAcquire, LockGet, LockList, LockRelease};
pub use transfers::{Batch, Export, Import, ImportEntry, ImportMode};

use konsul_types::session::{Behavior, ServiceCheckRef};
use konsul_types::{CheckId, Key, NodeName, PutMode, SessionId, TxnOp, Value};

use crate::context::Blocking;

/// Reads one key.
#[derive(Debug, Clone)]
pub struct KvGet {
    /// Which.
    pub key: Key,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Reads every key that begins with a prefix.
#[derive(Debug, Clone)]
pub struct KvList {
    /// The prefix; empty for all.
    pub prefix: String,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Reads the names of keys that begin with a prefix.
#[derive(Debug, Clone)]
pub struct KvKeys {
    /// The prefix; empty for all.
    pub prefix: String,
    /// Cut each name after the first separator beyond the prefix, and name each cut once; empty for no cut.
    pub separator: String,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Writes one key.
#[derive(Debug, Clone)]
pub struct KvPut {
    /// Which.
    pub key: Key,
    /// The bytes.
    pub value: Value,
    /// The flags.
    pub flags: u64,
    /// The condition.
    pub mode: PutMode,
    /// Time to live in milliseconds.
    pub ttl_ms: Option<u64>,
}

/// Runs operations, all or none.
#[derive(Debug, Clone)]
pub struct Txn {
    /// The members, in order.
    pub ops: Vec<TxnOp>,
}

/// Makes a session.
#[derive(Debug, Clone)]
pub struct SessionCreate {
    /// A name for people.
    pub name: String,
    /// Its node; `None` for the answering agent's.
    pub node: Option<NodeName>,
    /// Lock delay in milliseconds; the operation caps it at one minute.
    pub lock_delay_ms: u64,
    /// What becomes of its keys.
    pub behavior: Behavior,
    /// Time to live in nanoseconds; zero for none. The operation checks its range.
    pub ttl_nanos: i64,
    /// The client's text of the time to live.
    pub ttl_text: String,
    /// Node checks that it leans on.
    pub node_checks: Vec<CheckId>,
    /// Service checks that it leans on.
    pub service_checks: Vec<ServiceCheckRef>,
}

/// Names one session.
#[derive(Debug, Clone, Copy)]
pub struct SessionRead {
    /// Which.
    pub id: SessionId,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Reads all sessions, or those of one node.
#[derive(Debug, Clone)]
pub struct SessionList {
    /// Only of this node.
    pub node: Option<NodeName>,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Fires an event.
#[derive(Debug, Clone)]
pub struct EventFire {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub payload: Value,
    /// Regular expression over node names; empty for all.
    pub node_filter: String,
    /// Regular expression over service names; empty for all.
    pub service_filter: String,
    /// Regular expression over tags; empty for all. Needs a service filter.
    pub tag_filter: String,
}

/// Whom events are for. What is not named stands for the answering agent: its node, and the instances that it keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receiver {
    /// A node of this name.
    pub node: Option<String>,
    /// An instance of a service of this name.
    pub service: Option<String>,
    /// A tag of that instance; stands beside a service only.
    pub tag: Option<String>,
}

/// Lists kept events that are for a receiver.
#[derive(Debug, Clone, Default)]
pub struct EventList {
    /// Only of this name.
    pub name: Option<String>,
    /// Whom they must be for.
    pub receiver: Receiver,
    /// Waits while the newest event's own index equals this one. See [`crate::local::events::event_index`].
    pub blocking: Option<Blocking>,
}
