//! The trait that edges see: every operation, one method each, with its id as its name.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use konsul_types::{Event, Index, Key, Session};

use crate::answer::{Answer, KvEntry, TxnAnswer};
use crate::arguments::{
    EventFire, EventList, KvGet, KvKeys, KvList, KvPut, SessionCreate, SessionList, SessionRead, Txn,
};
use crate::context::Context;
use crate::error::Error;
use crate::ports::{AgentInfo, HostInfo, LogFilter, LogLines, RaftServer, ReloadReport, UsageReport};

/// An operation under way.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Bytes of a backup on their way out, produced while the server goes on serving.
pub type BackupBytes = Box<dyn Iterator<Item = Bytes> + Send>;

/// Every operation. Dropping a reply's future abandons it: a parked reader is freed at once; a write that was proposed
/// goes on, and its outcome is unknown to the caller.
pub trait Operations: Send + Sync + 'static {
    /// Reads one key. `None` if it is absent.
    fn kv_get<'a>(&'a self, ctx: &'a Context, args: KvGet) -> Reply<'a, Answer<Option<KvEntry>>>;
    /// Reads every key under a prefix, in order of key bytes.
    fn kv_list<'a>(&'a self, ctx: &'a Context, args: KvList) -> Reply<'a, Answer<Vec<KvEntry>>>;
    /// Reads names under a prefix, cut at a separator, in order.
    fn kv_keys<'a>(&'a self, ctx: &'a Context, args: KvKeys) -> Reply<'a, Answer<Vec<Arc<str>>>>;
    /// Writes a key. A condition that does not hold is [`Error::Refused`].
    fn kv_put<'a>(&'a self, ctx: &'a Context, args: KvPut) -> Reply<'a, KvEntry>;
    /// Removes a key; an absent one is success.
    fn kv_delete<'a>(&'a self, ctx: &'a Context, key: Key, cas: Option<Index>) -> Reply<'a, ()>;
    /// Removes every key under a prefix and says how many there were.
    fn kv_delete_tree<'a>(&'a self, ctx: &'a Context, prefix: String) -> Reply<'a, u64>;

    /// Runs operations, all or none.
    fn txn<'a>(&'a self, ctx: &'a Context, args: Txn) -> Reply<'a, TxnAnswer>;

    /// Makes a session.
    fn session_create<'a>(&'a self, ctx: &'a Context, args: SessionCreate) -> Reply<'a, Arc<Session>>;
    /// Ends a session; an unknown one is success.
    fn session_destroy<'a>(&'a self, ctx: &'a Context, id: konsul_types::SessionId) -> Reply<'a, ()>;
    /// Renews a session: from now on it lives for at least one more time to live.
    fn session_renew<'a>(&'a self, ctx: &'a Context, id: konsul_types::SessionId) -> Reply<'a, Arc<Session>>;
    /// Reads a session. `None` if it does not exist.
    fn session_info<'a>(
        &'a self,
        ctx: &'a Context,
        args: SessionRead,
    ) -> Reply<'a, Answer<Option<Arc<Session>>>>;
    /// Reads the sessions of the namespace, or of one node.
    fn session_list<'a>(
        &'a self,
        ctx: &'a Context,
        args: SessionList,
    ) -> Reply<'a, Answer<Vec<Arc<Session>>>>;

    /// Fires an event.
    fn event_fire<'a>(&'a self, ctx: &'a Context, args: EventFire) -> Reply<'a, Arc<Event>>;
    /// Lists events, oldest first. The answer's index is the hash of the newest event's id.
    fn event_list<'a>(&'a self, ctx: &'a Context, args: EventList) -> Reply<'a, Answer<Vec<Arc<Event>>>>;

    /// The leader's server address; `None` if nobody leads.
    fn status_leader<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Option<String>>;
    /// The servers' addresses.
    fn status_peers<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Vec<String>>;
    /// The members of the Raft cluster.
    fn raft_configuration<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Answer<Vec<RaftServer>>>;
    /// How much each namespace holds.
    fn usage<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Answer<UsageReport>>;

    /// A backup of the whole state at one index.
    fn snapshot_save<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Answer<BackupBytes>>;
    /// Begins to restore a backup. Feed the sink, then finish it; dropping it leaves the state as it was.
    fn snapshot_restore<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Box<dyn RestoreSink>>;

    /// What this agent is.
    fn agent_self<'a>(&'a self, ctx: &'a Context) -> Reply<'a, AgentInfo>;
    /// What machine it runs on.
    fn agent_host<'a>(&'a self, ctx: &'a Context) -> Reply<'a, HostInfo>;
    /// Reads the configuration again and applies what can be applied.
    fn agent_reload<'a>(&'a self, ctx: &'a Context) -> Reply<'a, ReloadReport>;
    /// Leaves the cluster and stops.
    fn agent_leave<'a>(&'a self, ctx: &'a Context) -> Reply<'a, ()>;
    /// Streams the agent's log.
    fn agent_monitor<'a>(&'a self, ctx: &'a Context, filter: LogFilter) -> Reply<'a, LogLines>;
    /// The agent's figures in Prometheus' text form, or as Consul's JSON document.
    fn agent_metrics<'a>(
        &'a self,
        ctx: &'a Context,
        format: crate::ports::MetricsFormat,
    ) -> Reply<'a, String>;
    /// Whether this agent serves: live, ready, and why not.
    fn health(&self) -> crate::ports::Health;
}

/// Takes the bytes of a backup.
pub trait RestoreSink: Send {
    /// Adds bytes, cut anywhere.
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Reply<'a, ()>;
    /// Completes it: the whole state is replaced by one entry, or nothing is.
    fn finish(self: Box<Self>) -> Reply<'static, Index>;
}
