//! Arguments of operations on nodes, services, checks, coordinates and prepared queries.

use konsul_types::{
    CheckDefinition, CheckId, CheckStatus, Namespace, NodeName, Pairs, PreparedQuery, QueryId, Registration,
    ServiceDefinition, ServiceId, ServiceName,
};

use crate::context::Blocking;

/// By whose place answers are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Near {
    /// The answering agent's.
    Agent,
    /// That of the node with the client's address, if there is one.
    Client(std::net::IpAddr),
    /// A node's, by name.
    Node(NodeName),
}

/// Which records of a list are meant, and in which order. All that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrow {
    /// Pairs that the node must have.
    pub node_meta: Pairs,
    /// An expression of the filter language over the records of the answer; empty for none. Applied after permissions.
    pub filter: String,
    /// By whose place the answer is sorted; `None` for the order of names.
    pub near: Option<Near>,
}

/// Lists nodes.
#[derive(Debug, Clone, Default)]
pub struct NodeList {
    /// Which.
    pub narrow: Narrow,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Lists the services of the context's namespace.
#[derive(Debug, Clone, Default)]
pub struct ServiceList {
    /// Those with an instance of which this holds.
    pub narrow: Narrow,
    /// Whether names, tags and kinds are enough. Otherwise health is counted too, and a change of any check is news.
    pub names_only: bool,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Reads the instances of one service.
#[derive(Debug, Clone)]
pub struct ServiceInstances {
    /// Its name.
    pub name: ServiceName,
    /// Whether proxies for the service, and instances that speak the mesh's protocol, are meant instead.
    pub connect: bool,
    /// Tags of which all must be there, in whatever case.
    pub tags: Vec<String>,
    /// Which.
    pub narrow: Narrow,
    /// Whether what is filtered are entries of health (`Node`, `Service`, `Checks`), and checks come along; otherwise they
    /// are flat records of the catalogue.
    pub with_checks: bool,
    /// Whether only instances come of which every check passes, the node's included.
    pub passing: bool,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Reads a node and its services.
#[derive(Debug, Clone)]
pub struct NodeServices {
    /// Its name, its id, or the beginning of its id.
    pub node: String,
    /// An expression over its services; empty for none.
    pub filter: String,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Which checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckSelect {
    /// Those on a node: its own, and those of its instances in the context's namespace.
    Node(NodeName),
    /// Those of the instances of a service; not those of their nodes.
    Service(ServiceName),
    /// Those that stand so; `None` for all.
    Status(Option<CheckStatus>),
}

/// Lists checks.
#[derive(Debug, Clone)]
pub struct CheckList {
    /// Which.
    pub select: CheckSelect,
    /// Of these.
    pub narrow: Narrow,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Reads what became of one check.
#[derive(Debug, Clone)]
pub struct CheckHistory {
    /// Its node.
    pub node: NodeName,
    /// Its id.
    pub id: CheckId,
}

/// Reads what became of the checks that bear on a service.
#[derive(Debug, Clone)]
pub struct ServiceTimeline {
    /// The service.
    pub name: ServiceName,
    /// Most changes.
    pub count: usize,
}

/// Estimates a round-trip time.
#[derive(Debug, Clone)]
pub struct CoordinateDistance {
    /// One node.
    pub from: NodeName,
    /// The other.
    pub to: NodeName,
}

/// Registers directly in the catalogue.
#[derive(Debug, Clone)]
pub struct CatalogRegister {
    /// What. Owners are set by the operation.
    pub registration: Registration,
}

/// Removes directly from the catalogue. With neither of the two options the whole node.
#[derive(Debug, Clone)]
pub struct CatalogDeregister {
    /// The node.
    pub node: NodeName,
    /// An instance with its checks.
    pub service: Option<ServiceId>,
    /// A check; looked at only if no instance is named.
    pub check: Option<CheckId>,
}

/// Reads coordinates.
#[derive(Debug, Clone, Default)]
pub struct CoordinateList {
    /// Of this node alone.
    pub node: Option<NodeName>,
    /// In this segment alone.
    pub segment: Option<String>,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Makes or replaces a prepared query. Ids and indexes in the record are ignored where the operation sets them.
#[derive(Debug, Clone)]
pub struct QueryWrite {
    /// The query.
    pub query: PreparedQuery,
}

/// Reads stored queries.
#[derive(Debug, Clone, Default)]
pub struct QueryList {
    /// This one alone; unknown is an error.
    pub id: Option<QueryId>,
    /// Whether to wait for something newer.
    pub blocking: Option<Blocking>,
}

/// Executes a prepared query, or explains what would be asked.
#[derive(Debug, Clone)]
pub struct QueryExecute {
    /// Its id, its name, or a name that a template answers for.
    pub name: String,
    /// By whose place the answer is sorted; stands above the query's own.
    pub near: Option<Near>,
    /// Most instances; `None` for no bound.
    pub limit: Option<usize>,
    /// Whether only instances that speak the mesh's protocol are meant, whatever the query says.
    pub connect: bool,
    /// The client's address, for a query that is near to `_ip`.
    pub client: Option<std::net::IpAddr>,
}

/// Chooses among the instances of a service.
#[derive(Debug, Clone)]
pub struct ServicePick {
    /// Its name.
    pub name: ServiceName,
    /// Tags of which all must be there.
    pub tags: Vec<String>,
    /// Which.
    pub narrow: Narrow,
    /// How; empty for the service's own strategy, and without one at random.
    pub strategy: String,
    /// The caller's key, for consistent hashing.
    pub key: String,
    /// The caller's zone, for what prefers its own; with its region before it (`eu/a`) where zones of several regions share
    /// a name.
    pub zone: String,
    /// Most instances.
    pub count: usize,
}

/// Asks why instances of a service are, or are not, in answers.
#[derive(Debug, Clone)]
pub struct ServiceWhy {
    /// Its name.
    pub name: ServiceName,
    /// One instance alone.
    pub id: Option<ServiceId>,
    /// Tags that were asked for.
    pub tags: Vec<String>,
    /// The expression that was asked with; empty for none.
    pub filter: String,
    /// Whether only passing instances were asked for; DNS leaves out critical ones anyway.
    pub passing: bool,
}

/// Reads the graph of services and what they need.
#[derive(Debug, Clone, Default)]
pub struct ServiceGraph {
    /// The part that this service belongs to; `None` for all.
    pub service: Option<ServiceName>,
}

/// Registers with the agent that is asked.
#[derive(Debug, Clone)]
pub struct AgentServiceRegister {
    /// What.
    pub definition: ServiceDefinition,
    /// Whether checks of the instance that are not named go.
    pub replace_checks: bool,
}

/// Registers a check with the agent that is asked.
#[derive(Debug, Clone)]
pub struct AgentCheckRegister {
    /// What.
    pub definition: CheckDefinition,
}

/// Reports a result of a TTL check of the agent that is asked.
#[derive(Debug, Clone)]
pub struct AgentCheckUpdate {
    /// Which.
    pub id: CheckId,
    /// How it stands.
    pub status: CheckStatus,
    /// What it says.
    pub output: String,
}

/// Puts the agent's node, or an instance of it, into maintenance or takes it out.
#[derive(Debug, Clone)]
pub struct AgentMaintenance {
    /// An instance; `None` for the node.
    pub service: Option<(Namespace, ServiceId)>,
    /// In or out.
    pub enable: bool,
    /// Why; empty for a default text.
    pub reason: String,
}
