//! Every operation on a server: the implementation of [`Operations`] over the ports.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use konsul_types::{Command, Index, Outcome, Request};

use crate::balance::Counters;
use crate::context::Context;
use crate::error::Error;
use crate::figures::KvFigures;
use crate::operations::{BackupBytes, Operations, Reply, RestoreSink};
use crate::permission::{Authorizer, Permission};
use crate::ports::{LocalAgent, Replica};
use crate::queries::Templates;

mod agent;
mod batches;
mod catalog;
mod checks;
mod connect;
mod coordinates;
pub mod events;
mod exports;
mod graphs;
mod histories;
mod imports;
mod instances;
mod kv;
mod limits;
mod locks;
mod near;
mod nodes;
mod operator;
pub mod pages;
mod parking;
mod picks;
mod queries;
mod reads;
mod records;
mod registering;
mod registry;
mod sessions;
mod snapshots;
mod steps;
mod summaries;
mod timelines;
mod txns;
mod watches;
mod whys;

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
    pub(crate) figures: Arc<KvFigures>,
    /// Whose turn it is, for strategies that take turns.
    pub(crate) turns: Mutex<Counters>,
    /// Templates of prepared queries, read.
    pub(crate) templates: Mutex<Templates>,
}

impl<R> Clone for Local<R> {
    fn clone(&self) -> Self {
        Local { inner: Arc::clone(&self.inner) }
    }
}

impl<R: Replica> Local<R> {
    /// Operations over a replica, on behalf of an agent.
    pub fn new(replica: Arc<R>, agent: Arc<dyn LocalAgent>, limits: OperationLimits) -> Local<R> {
        Local::with_authorizer(replica, agent, limits, Authorizer::AllowLoopback)
    }

    /// The same with another judge of who may do what.
    pub fn with_authorizer(
        replica: Arc<R>,
        agent: Arc<dyn LocalAgent>,
        limits: OperationLimits,
        authorizer: Authorizer,
    ) -> Local<R> {
        let inner = Inner {
            replica,
            agent,
            limits,
            authorizer,
            stopping: AtomicBool::new(false),
            figures: Arc::default(),
            turns: Mutex::default(),
            templates: Mutex::default(),
        };
        Local { inner: Arc::new(inner) }
    }

    /// From now on nobody parks: parked readers are answered with what there is, later ones at once.
    pub fn stop_parking(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        let feed = self.inner.replica.feed();
        feed.reset(feed.head());
    }

    /// How often keys were asked for. See [`crate::figures`].
    pub fn kv_figures(&self) -> Arc<KvFigures> {
        Arc::clone(&self.inner.figures)
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

    pub(crate) fn allows(&self, ctx: &Context, needed: &Permission<'_>) -> bool {
        self.authorizer.allows(ctx, needed)
    }

    /// Whether nobody is ever refused, so that what would be refused need not be looked up.
    pub(crate) fn allows_all(&self) -> bool {
        self.authorizer.allows_all()
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
        self.at_level(ctx, &command)?;
        let proposed = self.replica.propose_in(&ctx.trace, ctx.request, command);
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
            Outcome::AppliedBefore(index) => Err(Error::DoneBefore { index }),
            other => Ok((index, other)),
        }
    }

    /// Refuses what not every server can read yet, by name and before it enters the log.
    fn at_level(&self, ctx: &Context, command: &Command) -> Result<(), Error> {
        let of_request = ctx.request.map_or(1, Request::level);
        let of_command = command.level();
        if of_request.max(of_command) <= konsul_types::FIRST_FEATURE_LEVEL {
            return Ok(());
        }
        let present = self.replica.state().feature_level();
        let refused = |what, needs| Err(Error::FeatureLevel { what, needs, present });
        if of_command > present {
            return refused(command.feature(), of_command);
        }
        if of_request > present {
            return refused("an idempotency key", of_request);
        }
        Ok(())
    }
}

/// An outcome of another kind than the command's own: a defect.
pub(crate) fn unexpected(outcome: &Outcome) -> Error {
    Error::Internal(format!("an outcome of the wrong kind: {outcome:?}"))
}

macro_rules! operations {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)*) => {
        impl<R: Replica> Operations for Local<R> {
            $(fn $name<'a>(&'a self, ctx: &'a Context $(, $arg: $ty)*) -> Reply<'a, $answer> {
                const PLACE: Option<usize> = crate::figures::place(stringify!($name));
                if let Some(place) = PLACE {
                    self.inner.figures.count(place, &ctx.namespace);
                }
                if !ctx.trace.is_recorded() {
                    return Box::pin(self.inner.$name(ctx $(, $arg)*));
                }
                Box::pin(async move {
                    let mut span = ctx.trace.span(concat!("operation ", stringify!($name)));
                    let ctx = Context { trace: span.scope(), ..ctx.clone() };
                    let result = self.inner.$name(&ctx $(, $arg)*).await;
                    if let Err(why) = &result {
                        // The code is stable and holds nothing of what a client sent.
                        span.fail(|| why.code().to_owned());
                    }
                    result
                })
            })*

            fn snapshot_restore<'a>(&'a self, ctx: &'a Context) -> Reply<'a, Box<dyn RestoreSink>> {
                Box::pin(snapshots::begin(&self.inner, ctx))
            }

            fn watch<'a>(
                &'a self,
                ctx: &'a Context,
                args: crate::watch::KvWatch,
            ) -> Reply<'a, Box<dyn crate::watch::Watching>> {
                Box::pin(watches::open(&self.inner, ctx, args))
            }

            fn watch_records<'a>(
                &'a self,
                ctx: &'a Context,
                args: crate::watch::RecordWatch,
            ) -> Reply<'a, Box<dyn crate::watch::Watching>> {
                Box::pin(records::open(&self.inner, ctx, args))
            }

            fn index(&self) -> Index {
                self.inner.replica.state().index()
            }

            fn health(&self) -> crate::ports::Health {
                self.inner.agent.health()
            }
        }
    };
}

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
use crate::dependencies::Graph;
use crate::ports::{
    AgentInfo, Bound, HostInfo, LogFilter, LogLevels, LogLines, MetricsFormat, MetricsHistory, RaftServer,
    ReloadReport, UsageReport,
};
use konsul_types::{
    Check, CheckId, Event, Key, Node, NodeCoordinate, PreparedQuery, QueryId, Service, ServiceId, Session,
    SessionId,
};

operations! {
    kv_get(args: KvGet) -> Answer<Option<KvEntry>>;
    kv_list(args: KvList) -> Answer<Vec<KvEntry>>;
    kv_keys(args: KvKeys) -> Answer<Vec<Arc<str>>>;
    kv_put(args: KvPut) -> KvEntry;
    kv_delete(key: Key, cas: Option<Index>) -> ();
    kv_delete_tree(prefix: String) -> u64;
    kv_patch(args: KvPatch) -> KvEntry;
    kv_page(args: KvPage) -> Answer<Page<KvListed>>;
    kv_search(args: KvSearch) -> Answer<Page<KvEntry>>;
    kv_history(args: KvHistory) -> Answer<KvVersions>;
    kv_diff(args: KvDiff) -> Answer<KvDifference>;
    kv_undo(args: KvUndo) -> KvEntry;
    batch(args: Batch) -> Box<dyn BatchRun>;
    export(args: Export) -> Answer<Exported>;
    import(args: Import) -> Box<dyn ImportRun>;
    lock_acquire(args: LockAcquire) -> LockGrant;
    lock_release(args: LockRelease) -> ();
    lock_get(args: LockGet) -> Answer<Option<LockEntry>>;
    lock_list(args: LockList) -> Answer<Vec<LockEntry>>;
    limits() -> Answer<Vec<Bound>>;
    txn(args: Txn) -> TxnAnswer;
    session_create(args: SessionCreate) -> Arc<Session>;
    session_destroy(id: SessionId) -> ();
    session_renew(id: SessionId) -> Arc<Session>;
    session_info(args: SessionRead) -> Answer<Option<Arc<Session>>>;
    session_list(args: SessionList) -> Answer<Vec<Arc<Session>>>;
    datacenter_list() -> Vec<String>;
    node_list(args: NodeList) -> Answer<Vec<Arc<Node>>>;
    node_services(args: NodeServices) -> Answer<Option<NodeWithServices>>;
    service_list(args: ServiceList) -> Answer<Vec<ServiceSummary>>;
    service_instances(args: ServiceInstances) -> Answer<Vec<Instance>>;
    service_version(args: ServiceInstances) -> Answer<()>;
    check_list(args: CheckList) -> Answer<Vec<Arc<Check>>>;
    check_history(args: CheckHistory) -> Answer<Option<CheckPast>>;
    service_timeline(args: ServiceTimeline) -> Answer<Option<Vec<CheckChange>>>;
    catalog_register(args: CatalogRegister) -> ();
    catalog_deregister(args: CatalogDeregister) -> ();
    coordinate_list(args: CoordinateList) -> Answer<Vec<Arc<NodeCoordinate>>>;
    coordinate_distance(args: CoordinateDistance) -> Answer<Distance>;
    coordinate_update(args: NodeCoordinate) -> ();
    service_pick(args: ServicePick) -> Answer<Picked>;
    service_why(args: ServiceWhy) -> Answer<Vec<WhyInstance>>;
    service_graph(args: ServiceGraph) -> Answer<Graph>;
    query_create(args: QueryWrite) -> QueryId;
    query_update(args: QueryWrite) -> ();
    query_delete(id: QueryId) -> ();
    query_list(args: QueryList) -> Answer<Vec<Arc<PreparedQuery>>>;
    query_execute(args: QueryExecute) -> Answer<QueryAnswer>;
    query_explain(args: QueryExecute) -> Answer<QueryExplained>;
    agent_services(filter: String) -> Vec<Arc<Service>>;
    agent_checks(filter: String) -> Vec<Arc<Check>>;
    agent_service_register(args: AgentServiceRegister) -> ();
    agent_service_deregister(id: ServiceId) -> ();
    agent_check_register(args: AgentCheckRegister) -> ();
    agent_check_deregister(id: CheckId) -> ();
    agent_check_update(args: AgentCheckUpdate) -> ();
    agent_maintenance(args: AgentMaintenance) -> ();
    event_fire(args: EventFire) -> Arc<Event>;
    event_list(args: EventList) -> Answer<Vec<Arc<Event>>>;
    status_leader() -> Option<String>;
    status_peers() -> Vec<String>;
    raft_configuration() -> Answer<Vec<RaftServer>>;
    usage() -> Answer<UsageReport>;
    snapshot_save() -> Answer<BackupBytes>;
    backup_list() -> BackupReport;
    backup_run() -> KeptBackup;
    agent_self() -> AgentInfo;
    agent_host() -> HostInfo;
    agent_reload() -> ReloadReport;
    agent_leave() -> ();
    agent_monitor(filter: LogFilter) -> LogLines;
    agent_metrics(format: MetricsFormat) -> String;
    metrics_history() -> MetricsHistory;
    log_level_get() -> LogLevels;
    log_level_set(levels: LogLevels) -> LogLevels;
}
