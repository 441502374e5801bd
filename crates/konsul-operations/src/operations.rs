//! The trait that edges see: every operation, one method each, with its id as its name.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use konsul_types::{
    Check, CheckId, Event, Index, Key, Node, NodeCoordinate, PreparedQuery, QueryId, Service, ServiceId,
    Session,
};

use crate::answer::{
    Answer, BatchRun, CheckChange, CheckPast, Distance, Exported, ImportRun, Instance, KvDifference, KvEntry,
    KvListed, KvVersions, LockEntry, LockGrant, NodeWithServices, Page, Picked, QueryAnswer, QueryExplained,
    ServiceSummary, TxnAnswer, WhyInstance,
};
use crate::arguments::{
    AgentCheckRegister, AgentCheckUpdate, AgentMaintenance, AgentServiceRegister, Batch, CatalogDeregister,
    CatalogRegister, CheckHistory, CheckList, CoordinateDistance, CoordinateList, EventFire, EventList,
    Export, Import, KvDiff, KvGet, KvHistory, KvKeys, KvList, KvPage, KvPatch, KvPut, KvSearch, KvUndo,
    LockAcquire, LockGet, LockList, LockRelease, NodeList, NodeServices, QueryExecute, QueryList, QueryWrite,
    ServiceGraph, ServiceInstances, ServiceList, ServicePick, ServiceTimeline, ServiceWhy, SessionCreate,
    SessionList, SessionRead, Txn,
};
use crate::backups::{BackupReport, KeptBackup};
use crate::context::Context;
use crate::error::Error;
use crate::ports::{
    AgentInfo, Bound, HostInfo, LogFilter, LogLevels, LogLines, MetricsHistory, RaftServer, ReloadReport,
    UsageReport,
};
use crate::watch::{KvWatch, RecordWatch, Watching};

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
    /// Begins to follow records beside keys. See [`crate::watch`].
    fn watch_records<'a>(&'a self, ctx: &'a Context, args: RecordWatch) -> Reply<'a, Box<dyn Watching>> {
        not_offered(ctx, args, "watch_records")
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

    /// The datacentres that are known, this one first.
    fn datacenter_list<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Vec<String>> {
        not_offered(ctx, (), "datacenter_list")
    }
    /// Lists nodes, by name or by distance.
    fn node_list<'a>(&'a self, ctx: &'a Context, args: NodeList) -> Reply<'a, Answer<Vec<Arc<Node>>>> {
        not_offered(ctx, args, "node_list")
    }
    /// Reads a node and the instances on it. `None` if there is no such node.
    fn node_services<'a>(
        &'a self,
        ctx: &'a Context,
        args: NodeServices,
    ) -> Reply<'a, Answer<Option<NodeWithServices>>> {
        not_offered(ctx, args, "node_services")
    }
    /// Lists services, by name.
    fn service_list<'a>(
        &'a self,
        ctx: &'a Context,
        args: ServiceList,
    ) -> Reply<'a, Answer<Vec<ServiceSummary>>> {
        not_offered(ctx, args, "service_list")
    }
    /// Reads the instances of a service, by node and id or by distance. An unknown service has none.
    fn service_instances<'a>(
        &'a self,
        ctx: &'a Context,
        args: ServiceInstances,
    ) -> Reply<'a, Answer<Vec<Instance>>> {
        not_offered(ctx, args, "service_instances")
    }
    /// How fresh the answer of [`Operations::service_instances`] to the same arguments would be, without the answer; waits
    /// as it would. Equal indexes mean equal answers, so that an edge may keep what it made of one. Counted as
    /// `service_instances`.
    fn service_version<'a>(&'a self, ctx: &'a Context, args: ServiceInstances) -> Reply<'a, Answer<()>> {
        not_offered(ctx, args, "service_version")
    }
    /// Lists checks.
    fn check_list<'a>(&'a self, ctx: &'a Context, args: CheckList) -> Reply<'a, Answer<Vec<Arc<Check>>>> {
        not_offered(ctx, args, "check_list")
    }
    /// Reads what became of a check. `None` if there is no such check.
    fn check_history<'a>(
        &'a self,
        ctx: &'a Context,
        args: CheckHistory,
    ) -> Reply<'a, Answer<Option<CheckPast>>> {
        not_offered(ctx, args, "check_history")
    }
    /// Reads what became of the checks that bear on a service, newest first. `None` if it has no instance.
    fn service_timeline<'a>(
        &'a self,
        ctx: &'a Context,
        args: ServiceTimeline,
    ) -> Reply<'a, Answer<Option<Vec<CheckChange>>>> {
        not_offered(ctx, args, "service_timeline")
    }
    /// Registers a node, an instance and checks directly in the catalogue, all or none.
    fn catalog_register<'a>(&'a self, ctx: &'a Context, args: CatalogRegister) -> Reply<'a, ()> {
        not_offered(ctx, args, "catalog_register")
    }
    /// Removes a check, an instance or a node directly from the catalogue; what is not there is success.
    fn catalog_deregister<'a>(&'a self, ctx: &'a Context, args: CatalogDeregister) -> Reply<'a, ()> {
        not_offered(ctx, args, "catalog_deregister")
    }
    /// Estimates the round-trip time between two nodes from where they stand.
    fn coordinate_distance<'a>(
        &'a self,
        ctx: &'a Context,
        args: CoordinateDistance,
    ) -> Reply<'a, Answer<Distance>> {
        not_offered(ctx, args, "coordinate_distance")
    }
    /// Reads coordinates of nodes.
    fn coordinate_list<'a>(
        &'a self,
        ctx: &'a Context,
        args: CoordinateList,
    ) -> Reply<'a, Answer<Vec<Arc<NodeCoordinate>>>> {
        not_offered(ctx, args, "coordinate_list")
    }
    /// Stores the coordinate of a node.
    fn coordinate_update<'a>(&'a self, ctx: &'a Context, args: NodeCoordinate) -> Reply<'a, ()> {
        not_offered(ctx, args, "coordinate_update")
    }
    /// Chooses among the instances of a service; critical ones never, warned ones as their weight says.
    fn service_pick<'a>(&'a self, ctx: &'a Context, args: ServicePick) -> Reply<'a, Answer<Picked>> {
        not_offered(ctx, args, "service_pick")
    }
    /// Says why instances are, or are not, in answers.
    fn service_why<'a>(&'a self, ctx: &'a Context, args: ServiceWhy) -> Reply<'a, Answer<Vec<WhyInstance>>> {
        not_offered(ctx, args, "service_why")
    }
    /// What services need of each other, as their instances declare it.
    fn service_graph<'a>(
        &'a self,
        ctx: &'a Context,
        args: ServiceGraph,
    ) -> Reply<'a, Answer<crate::dependencies::Graph>> {
        not_offered(ctx, args, "service_graph")
    }

    /// Makes a prepared query and answers its id.
    fn query_create<'a>(&'a self, ctx: &'a Context, args: QueryWrite) -> Reply<'a, QueryId> {
        not_offered(ctx, args, "query_create")
    }
    /// Replaces a prepared query.
    fn query_update<'a>(&'a self, ctx: &'a Context, args: QueryWrite) -> Reply<'a, ()> {
        not_offered(ctx, args, "query_update")
    }
    /// Removes a prepared query.
    fn query_delete<'a>(&'a self, ctx: &'a Context, id: QueryId) -> Reply<'a, ()> {
        not_offered(ctx, id, "query_delete")
    }
    /// Reads prepared queries. [`Error::QueryNotFound`] if one was asked for that is not there.
    fn query_list<'a>(
        &'a self,
        ctx: &'a Context,
        args: QueryList,
    ) -> Reply<'a, Answer<Vec<Arc<PreparedQuery>>>> {
        not_offered(ctx, args, "query_list")
    }
    /// Executes a prepared query.
    fn query_execute<'a>(&'a self, ctx: &'a Context, args: QueryExecute) -> Reply<'a, Answer<QueryAnswer>> {
        not_offered(ctx, args, "query_execute")
    }
    /// Says what executing a prepared query would ask.
    fn query_explain<'a>(
        &'a self,
        ctx: &'a Context,
        args: QueryExecute,
    ) -> Reply<'a, Answer<QueryExplained>> {
        not_offered(ctx, args, "query_explain")
    }

    /// The instances that the agent keeps, by id, of which a filter expression holds.
    fn agent_services<'a>(&'a self, ctx: &'a Context, filter: String) -> Reply<'a, Vec<Arc<Service>>> {
        not_offered(ctx, filter, "agent_services")
    }
    /// The checks that the agent keeps, by id, of which a filter expression holds.
    fn agent_checks<'a>(&'a self, ctx: &'a Context, filter: String) -> Reply<'a, Vec<Arc<Check>>> {
        not_offered(ctx, filter, "agent_checks")
    }
    /// Registers an instance with the agent.
    fn agent_service_register<'a>(&'a self, ctx: &'a Context, args: AgentServiceRegister) -> Reply<'a, ()> {
        not_offered(ctx, args, "agent_service_register")
    }
    /// Removes an instance of the agent's.
    fn agent_service_deregister<'a>(&'a self, ctx: &'a Context, id: ServiceId) -> Reply<'a, ()> {
        not_offered(ctx, id, "agent_service_deregister")
    }
    /// Registers a check with the agent.
    fn agent_check_register<'a>(&'a self, ctx: &'a Context, args: AgentCheckRegister) -> Reply<'a, ()> {
        not_offered(ctx, args, "agent_check_register")
    }
    /// Removes a check of the agent's.
    fn agent_check_deregister<'a>(&'a self, ctx: &'a Context, id: CheckId) -> Reply<'a, ()> {
        not_offered(ctx, id, "agent_check_deregister")
    }
    /// Reports a result of a TTL check.
    fn agent_check_update<'a>(&'a self, ctx: &'a Context, args: AgentCheckUpdate) -> Reply<'a, ()> {
        not_offered(ctx, args, "agent_check_update")
    }
    /// Puts the agent's node, or an instance of it, into maintenance or takes it out.
    fn agent_maintenance<'a>(&'a self, ctx: &'a Context, args: AgentMaintenance) -> Reply<'a, ()> {
        not_offered(ctx, args, "agent_maintenance")
    }

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
