//! Every operation on a server: the implementation of [`Operations`] over the ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use konsul_types::{Command, Index, Outcome};

use crate::context::Context;
use crate::error::Error;
use crate::operations::{BackupBytes, Operations, Reply, RestoreSink};
use crate::permission::{Authorizer, Permission};
use crate::ports::{LocalAgent, Replica};

mod agent;
pub mod events;
mod kv;
mod operator;
mod reads;
mod sessions;
mod snapshots;
mod txns;

/// Bounds that operations hold, beside those that are replicated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationLimits {
    /// Shortest time to live of a session, in milliseconds.
    pub session_ttl_min_ms: u64,
    /// How long a request waits for a leader, in milliseconds.
    pub leader_wait_ms: u64,
    /// How long a write waits for its outcome if the caller names no deadline, in milliseconds.
    pub write_wait_ms: u64,
}

impl Default for OperationLimits {
    fn default() -> Self {
        OperationLimits { session_ttl_min_ms: 10_000, leader_wait_ms: 7_000, write_wait_ms: 30_000 }
    }
}

/// Operations on the server that has the state.
pub struct Local<R> {
    inner: Arc<Inner<R>>,
}

pub(crate) struct Inner<R> {
    pub(crate) replica: Arc<R>,
    pub(crate) agent: Arc<dyn LocalAgent>,
    pub(crate) limits: OperationLimits,
    authorizer: Authorizer,
    stopping: AtomicBool,
}

impl<R> Clone for Local<R> {
    fn clone(&self) -> Self {
        Local { inner: Arc::clone(&self.inner) }
    }
}

impl<R: Replica> Local<R> {
    /// Operations over a replica, on behalf of an agent.
    pub fn new(replica: Arc<R>, agent: Arc<dyn LocalAgent>, limits: OperationLimits) -> Local<R> {
        let authorizer = Authorizer::AllowLoopback;
        let inner = Inner { replica, agent, limits, authorizer, stopping: AtomicBool::new(false) };
        Local { inner: Arc::new(inner) }
    }

    /// From now on nobody parks: parked readers are answered with what there is, later ones at once.
    pub fn stop_parking(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        let feed = self.inner.replica.feed();
        feed.reset(feed.head());
    }

    /// The replica under the operations.
    pub fn replica(&self) -> &Arc<R> {
        &self.inner.replica
    }
}

impl<R: Replica> Inner<R> {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn permit(&self, ctx: &Context, needed: &Permission<'_>) -> Result<(), Error> {
        self.authorizer.permit(ctx, needed)
    }

    /// This server answers for its own datacentre only, as long as there is no way to another one.
    pub(crate) fn here(&self, ctx: &Context) -> Result<(), Error> {
        match &ctx.datacenter {
            Some(wanted) if *wanted != self.agent.datacenter() => {
                Err(Error::NoPathToDatacenter(wanted.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Puts a command into the log. Refusals become errors.
    pub(crate) async fn write(&self, ctx: &Context, command: Command) -> Result<(Index, Outcome), Error> {
        self.here(ctx)?;
        let proposed = self.replica.propose(ctx.request, command);
        let (index, outcome) = match ctx.deadline {
            None => proposed.await?,
            Some(deadline) => match konsul_runtime::time::timeout_at(deadline, proposed).await {
                Ok(done) => done?,
                Err(_) => {
                    return Err(Error::UnknownOutcome(
                        "the deadline passed while the write was under way".into(),
                    ));
                }
            },
        };
        match outcome {
            Outcome::Refused(refusal) => Err(Error::Refused(refusal)),
            other => Ok((index, other)),
        }
    }
}

/// An outcome of another kind than the command's own: a defect.
pub(crate) fn unexpected(outcome: &Outcome) -> Error {
    match outcome {
        Outcome::AppliedBefore(index) => Error::UnknownOutcome(format!(
            "the request was applied before, at index {index}, and its answer is no longer kept"
        )),
        other => Error::Internal(format!("an outcome of the wrong kind: {other:?}")),
    }
}

macro_rules! operations {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)*) => {
        impl<R: Replica> Operations for Local<R> {
            $(fn $name<'a>(&'a self, ctx: &'a Context $(, $arg: $ty)*) -> Reply<'a, $answer> {
                Box::pin(self.inner.$name(ctx $(, $arg)*))
            })*

            fn snapshot_restore<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Box<dyn RestoreSink>> {
                Box::pin(snapshots::begin(&self.inner, ctx))
            }

            fn health(&self) -> crate::ports::Health {
                self.inner.agent.health()
            }
        }
    };
}

use crate::answer::{Answer, KvEntry, TxnAnswer};
use crate::arguments::{
    EventFire, EventList, KvGet, KvKeys, KvList, KvPut, SessionCreate, SessionList, SessionRead, Txn,
};
use crate::ports::{
    AgentInfo, HostInfo, LogFilter, LogLines, MetricsFormat, RaftServer, ReloadReport, UsageReport,
};
use konsul_types::{Event, Key, Session, SessionId};

operations! {
    kv_get(args: KvGet) -> Answer<Option<KvEntry>>;
    kv_list(args: KvList) -> Answer<Vec<KvEntry>>;
    kv_keys(args: KvKeys) -> Answer<Vec<Arc<str>>>;
    kv_put(args: KvPut) -> KvEntry;
    kv_delete(key: Key, cas: Option<Index>) -> ();
    kv_delete_tree(prefix: String) -> u64;
    txn(args: Txn) -> TxnAnswer;
    session_create(args: SessionCreate) -> Arc<Session>;
    session_destroy(id: SessionId) -> ();
    session_renew(id: SessionId) -> Arc<Session>;
    session_info(args: SessionRead) -> Answer<Option<Arc<Session>>>;
    session_list(args: SessionList) -> Answer<Vec<Arc<Session>>>;
    event_fire(args: EventFire) -> Arc<Event>;
    event_list(args: EventList) -> Answer<Vec<Arc<Event>>>;
    status_leader() -> Option<String>;
    status_peers() -> Vec<String>;
    raft_configuration() -> Answer<Vec<RaftServer>>;
    usage() -> Answer<UsageReport>;
    snapshot_save() -> Answer<BackupBytes>;
    agent_self() -> AgentInfo;
    agent_host() -> HostInfo;
    agent_reload() -> ReloadReport;
    agent_leave() -> ();
    agent_monitor(filter: LogFilter) -> LogLines;
    agent_metrics(format: MetricsFormat) -> String;
}
