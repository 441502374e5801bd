//! The trait that edges see: every operation, one method each, with its id as its name.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use konsul_types::{Event, Index, Key, Session};

use crate::answer::{
    Answer, BatchRun, Exported, ImportRun, KvDifference, KvEntry, KvListed, KvVersions, LockEntry, LockGrant,
    Page, TxnAnswer,
};
use crate::arguments::{
    Batch, EventFire, EventList, Export, Import, KvDiff, KvGet, KvHistory, KvKeys, KvList, KvPage, KvPatch,
    KvPut, KvSearch, KvUndo, LockAcquire, LockGet, LockList, LockRelease, SessionCreate, SessionList,
    SessionRead, Txn,
};
use crate::backups::{BackupReport, KeptBackup};
use crate::context::Context;
use crate::error::Error;
use crate::ports::{
    AgentInfo, Bound, HostInfo, LogFilter, LogLevels, LogLines, MetricsHistory, RaftServer, ReloadReport,
    UsageReport,
};
use crate::watch::{KvWatch, Watching};

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

    /// Changes flags and time to live of a key, and leaves its value; an absent key is refused.
    fn kv_patch<'a>(&'a self, ctx: &'a Context, args: KvPatch) -> Reply<'a, KvEntry> {
        not_offered(ctx, args, "kv_patch")
    }
    /// Reads one page of the keys and folders under a prefix. Its cost is that of the page. The answer's index is that of
    /// the state that was read.
    fn kv_page<'a>(&'a self, ctx: &'a Context, args: KvPage) -> Reply<'a, Answer<Page<KvListed>>> {
        not_offered(ctx, args, "kv_page")
    }
    /// Searches keys or values over all folders, a page at a time, with bounded work for each.
    fn kv_search<'a>(&'a self, ctx: &'a Context, args: KvSearch) -> Reply<'a, Answer<Page<KvEntry>>> {
        not_offered(ctx, args, "kv_search")
    }
    /// What is remembered of a key, newest first, the present included.
    fn kv_history<'a>(&'a self, ctx: &'a Context, args: KvHistory) -> Reply<'a, Answer<KvVersions>> {
        not_offered(ctx, args, "kv_history")
    }
    /// Two versions of a key.
    fn kv_diff<'a>(&'a self, ctx: &'a Context, args: KvDiff) -> Reply<'a, Answer<KvDifference>> {
        not_offered(ctx, args, "kv_diff")
    }
    /// Puts an earlier value back, if the key has not changed since it was looked at.
    fn kv_undo<'a>(&'a self, ctx: &'a Context, args: KvUndo) -> Reply<'a, KvEntry> {
        not_offered(ctx, args, "kv_undo")
    }

    /// Runs operations, all or none in one entry, or each for itself in a few.
    fn batch<'a>(&'a self, ctx: &'a Context, args: Batch) -> Reply<'a, Box<dyn BatchRun>> {
        not_offered(ctx, args, "batch")
    }
    /// Reads keys of one consistent state as a stream.
    fn export<'a>(&'a self, ctx: &'a Context, args: Export) -> Reply<'a, Answer<Exported>> {
        not_offered(ctx, args, "export")
    }
    /// Begins to bring keys in.
    fn import<'a>(&'a self, ctx: &'a Context, args: Import) -> Reply<'a, Box<dyn ImportRun>> {
        not_offered(ctx, args, "import")
    }
    /// Begins to follow keys. See [`crate::watch`].
    fn watch<'a>(&'a self, ctx: &'a Context, args: KvWatch) -> Reply<'a, Box<dyn Watching>> {
        not_offered(ctx, args, "watch")
    }

    /// Takes a lock, or waits for it in its queue. [`Error::LockHeld`] when the wait ends without a grant; dropping the
    /// reply leaves the queue.
    fn lock_acquire<'a>(&'a self, ctx: &'a Context, args: LockAcquire) -> Reply<'a, LockGrant> {
        not_offered(ctx, args, "lock_acquire")
    }
    /// Gives a lock back; whoever waits first gets it in the same log entry.
    fn lock_release<'a>(&'a self, ctx: &'a Context, args: LockRelease) -> Reply<'a, ()> {
        not_offered(ctx, args, "lock_release")
    }
    /// Reads a lock and its queue. `None` if it is free.
    fn lock_get<'a>(&'a self, ctx: &'a Context, args: LockGet) -> Reply<'a, Answer<Option<LockEntry>>> {
        not_offered(ctx, args, "lock_get")
    }
    /// Reads one page of the locks in use, by name.
    fn lock_list<'a>(&'a self, ctx: &'a Context, args: LockList) -> Reply<'a, Answer<Vec<LockEntry>>> {
        not_offered(ctx, args, "lock_list")
    }

    /// Every bound in force, with what happens at it.
    fn limits<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Answer<Vec<Bound>>> {
        not_offered(ctx, (), "limits")
    }

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

    /// How the backups stand that this agent makes of its own accord.
    fn backup_list<'a>(&'a self, ctx: &'a Context) -> Reply<'a, BackupReport> {
        not_offered(ctx, (), "backup_list")
    }
    /// Makes one of them now.
    fn backup_run<'a>(&'a self, ctx: &'a Context) -> Reply<'a, KeptBackup> {
        not_offered(ctx, (), "backup_run")
    }

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
    /// The agent's main figures over the last hour.
    fn metrics_history<'a>(&'a self, ctx: &'a Context) -> Reply<'a, MetricsHistory> {
        not_offered(ctx, (), "metrics_history")
    }
    /// What the agent logs.
    fn log_level_get<'a>(&'a self, ctx: &'a Context) -> Reply<'a, LogLevels> {
        not_offered(ctx, (), "log_level_get")
    }
    /// Changes what the agent logs, and answers what it logs now. A word that is no level is [`Error::Invalid`].
    fn log_level_set<'a>(&'a self, ctx: &'a Context, levels: LogLevels) -> Reply<'a, LogLevels> {
        not_offered(ctx, levels, "log_level_set")
    }
    /// The index of the state as this server has it now: what an edge says where an answer has no index of its own.
    fn index(&self) -> Index {
        Index(1)
    }
    /// Whether this agent serves: live, ready, and why not.
    fn health(&self) -> crate::ports::Health;
}

/// What an implementation says that does not have the operation, as an older server would.
fn not_offered<'a, A: Send + 'a, T: Send + 'a>(
    _: &'a Context,
    _: A,
    operation: &'static str,
) -> Reply<'a, T> {
    Box::pin(std::future::ready(Err(Error::NotOffered { operation })))
}

/// Takes the bytes of a backup.
pub trait RestoreSink: Send {
    /// Adds bytes, cut anywhere.
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Reply<'a, ()>;
    /// Completes it: the whole state is replaced by one entry, or nothing is.
    fn finish(self: Box<Self>) -> Reply<'static, Index>;
}
