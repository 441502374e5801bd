//! The server under test: wired as in production, but for its sockets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use konsul_operations::ports::{
    AgentInfo, Health, HostInfo, LocalAgent, LogFilter, LogLines, MetricsFormat, ReloadReport,
};
use konsul_operations::reconcile::{self, Wanted};
use konsul_raft::contract::StartError;
use konsul_replica::{ReplicaOptions, ServerReplica};
use konsul_storage::contract::Storage;
use konsul_types::{Index, Node, NodeName};

use crate::desk::Desk;
use crate::history::History;
use crate::plan::Plan;
use crate::port::Port;

/// The server's node name.
pub const NODE: &str = "server";

/// A server that is starting: what came of it, once that is known.
#[derive(Clone, Default)]
pub struct Starting(Arc<Mutex<Option<Started>>>);

/// What came of a start.
pub type Started = Result<(Arc<ServerReplica>, Desk), StartError>;

impl Starting {
    /// What came of it, once.
    pub fn take(&self) -> Option<Started> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether it is known.
    pub fn is_ready(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn put(&self, started: Started) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
    }
}

/// Starts a server as a task of the current node.
pub fn start(plan: &Plan, storage: Box<dyn Storage>, history: History) -> Starting {
    let starting = Starting::default();
    let slot = starting.clone();
    let options = ReplicaOptions {
        raft: plan.raft.clone(),
        feed: plan.feed,
        node: NODE.into(),
        address: "127.0.0.1:8300".into(),
    };
    let wanted = Wanted { node: record(), limits: plan.limits, graves_ms: plan.graves_ms };
    konsul_runtime::spawn(async move { slot.put(boot(options, wanted, storage, history).await) });
    starting
}

async fn boot(
    options: ReplicaOptions,
    wanted: Wanted,
    storage: Box<dyn Storage>,
    history: History,
) -> Started {
    let replica = ServerReplica::start(options, storage).await?;
    let duties = Arc::new(Port::new(replica.clone(), history.clone(), None));
    konsul_runtime::spawn(reconcile::run(duties, wanted));
    let desk = Desk::open(replica.clone(), Arc::new(Nameplate), history);
    Ok((replica, desk))
}

/// The server's record in the catalogue.
pub fn record() -> Node {
    Node {
        id: None,
        name: name(),
        address: "127.0.0.1".into(),
        tagged_addresses: BTreeMap::new(),
        meta: BTreeMap::new(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    }
}

/// The server's node name, as a word.
pub fn name() -> NodeName {
    NodeName::new(NODE).expect("a fixed, good name")
}

/// An agent that has a name and nothing else.
struct Nameplate;

impl LocalAgent for Nameplate {
    fn node_name(&self) -> NodeName {
        name()
    }

    fn datacenter(&self) -> String {
        "dc1".into()
    }

    fn info(&self) -> AgentInfo {
        AgentInfo::default()
    }

    fn host(&self) -> HostInfo {
        HostInfo::default()
    }

    fn reload(&self) -> Result<ReloadReport, String> {
        Err("a simulated server has no configuration to read again".into())
    }

    fn leave(&self) {}

    fn monitor(&self, _: LogFilter) -> Result<LogLines, String> {
        Err("a simulated server keeps no log".into())
    }

    fn metrics(&self, _: MetricsFormat) -> String {
        String::new()
    }

    fn health(&self) -> Health {
        Health { live: true, ready: true, ..Health::default() }
    }
}
