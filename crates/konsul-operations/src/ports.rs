//! What the waist needs of the rest of the house, named as traits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use konsul_runtime::sync::{mpsc, watch};
use konsul_runtime::trace::Scope;
use konsul_state::State;
use konsul_types::{
    Check, CheckId, CheckStatus, Command, Index, Millis, Namespace, NodeName, Outcome, Request, Service,
    ServiceId,
};
use konsul_watch::Feed;

use crate::error::Error;
use crate::operations::Reply;

/// A port's call under way.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// The replicated state as a server sees it.
pub trait Replica: Send + Sync + 'static {
    /// Puts a command into the log and answers what every replica answers, once it is durable and applied.
    fn propose(&self, request: Option<Request>, command: Command) -> PortFuture<'_, (Index, Outcome)>;

    /// The same for a request that may be recorded; see [`konsul_runtime::trace`].
    fn propose_in<'a>(
        &'a self,
        trace: &'a Scope,
        request: Option<Request>,
        command: Command,
    ) -> PortFuture<'a, (Index, Outcome)> {
        // A replica that tells nothing of what it does is one all the same.
        let _ = trace;
        self.propose(request, command)
    }

    /// The applied state as last published: one consistent index, shared, never changing.
    fn state(&self) -> Arc<State>;

    /// Whether this server may answer with [`Replica::state`] under the leader's lease, now.
    fn lease(&self) -> Result<(), Error>;

    /// Waits until a quorum confirmed that no newer leader exists and everything committed before is applied here.
    fn barrier(&self) -> PortFuture<'_, ()>;

    /// What a stale read may say: whether this server has caught up since its start, and how long ago it heard from the
    /// leader. An error if it has not caught up.
    fn staleness(&self) -> Result<Staleness, Error>;

    /// The change feed.
    fn feed(&self) -> &Feed;

    /// Log time now, as the leader would stamp it.
    fn now(&self) -> Millis;

    /// The members of the cluster.
    fn servers(&self) -> Vec<RaftServer>;

    /// The leader's address; `None` if nobody leads.
    fn leader_address(&self) -> Option<String>;

    /// Follows whether this server leads: the term in which it does and may serve, or `None`.
    fn leadership(&self) -> watch::Receiver<Option<u64>>;
}

/// How far a server may be behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staleness {
    /// Whether a leader is known.
    pub known_leader: bool,
    /// Milliseconds since it was heard from; zero on the leader.
    pub last_contact_ms: u64,
}

/// A member of the Raft cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaftServer {
    /// Its id as text.
    pub id: String,
    /// Its node's name.
    pub node: String,
    /// Its server address.
    pub address: String,
    /// Whether it leads.
    pub leader: bool,
    /// Whether it votes.
    pub voter: bool,
    /// Last index known to be on it.
    pub last_index: Index,
    /// The highest feature level that it is known to read; 1 if nothing is known of it.
    pub feature_level: u32,
}

/// The agent that serves the request.
pub trait LocalAgent: Send + Sync + 'static {
    /// Its node's name.
    fn node_name(&self) -> NodeName;
    /// Its datacentre.
    fn datacenter(&self) -> String;
    /// What it is.
    fn info(&self) -> AgentInfo;
    /// What machine it runs on.
    fn host(&self) -> HostInfo;
    /// Reads the configuration again.
    fn reload(&self) -> Result<ReloadReport, String>;
    /// Begins to leave and stop; returns at once.
    fn leave(&self);
    /// A stream of log lines.
    fn monitor(&self, filter: LogFilter) -> Result<LogLines, String>;
    /// Its figures.
    fn metrics(&self, format: MetricsFormat) -> String;
    /// Whether it serves.
    fn health(&self) -> Health;
    /// Its main figures over the last hour; `None` if it does not keep them.
    fn metrics_history(&self) -> Option<MetricsHistory> {
        None
    }
    /// What it logs; `None` if that is not its own to say.
    fn log_levels(&self) -> Option<LogLevels> {
        None
    }
    /// Changes what it logs, until it is changed again or the agent ends.
    fn set_log_levels(&self, levels: LogLevels) -> Result<LogLevels, String> {
        let _ = levels;
        Err("this agent's log is not its own to change".to_owned())
    }
    /// The backups that it makes of its own accord; `None` if it makes none.
    fn backups(&self) -> Option<Arc<dyn crate::backups::Backups>> {
        None
    }
    /// Whether it keeps registrations of its own node, also while it has not begun to.
    fn keeps_registrations(&self) -> bool {
        false
    }
    /// What it keeps registered of its own node; `None` if it keeps nothing, or has not begun to.
    fn registry(&self) -> Option<Arc<dyn LocalRegistry>> {
        None
    }
    /// The bounds that its edges and engines hold, beside those of the waist and of the state.
    fn bounds(&self) -> Vec<Bound> {
        Vec::new()
    }
}

/// What an agent keeps registered of its own node: instances and checks that it runs. It is the truth for what it owns, and
/// brings the catalogue to agree with it.
pub trait LocalRegistry: Send + Sync + 'static {
    /// Adds an instance or replaces it. Durable when it answers, except in `-dev`; the catalogue has been told by then if it
    /// could be, and is told again until it agrees.
    fn register_service(
        &self,
        definition: konsul_types::ServiceDefinition,
        replace_checks: bool,
    ) -> Reply<'_, ()>;
    /// Removes an instance with its checks. [`Error::ServiceNotFound`] if it is not one of the agent's.
    fn deregister_service(&self, namespace: Namespace, id: ServiceId) -> Reply<'_, ()>;
    /// Adds a check or replaces it.
    fn register_check(&self, definition: konsul_types::CheckDefinition) -> Reply<'_, ()>;
    /// Removes a check. [`Error::CheckNotFound`] if it is not one of the agent's.
    fn deregister_check(&self, namespace: Namespace, id: CheckId) -> Reply<'_, ()>;
    /// Takes a result of a TTL check. [`Error::CheckNotFound`] or [`Error::NotTtlCheck`].
    fn update_check(
        &self,
        namespace: Namespace,
        id: CheckId,
        status: CheckStatus,
        output: String,
    ) -> Reply<'_, ()>;
    /// Puts the node or an instance into maintenance or takes it out.
    fn maintenance(
        &self,
        service: Option<(Namespace, ServiceId)>,
        enable: bool,
        reason: String,
    ) -> Reply<'_, ()>;
    /// The agent's instances in a namespace, by id, as the catalogue should have them.
    fn services(&self, namespace: &Namespace) -> Vec<Arc<Service>>;
    /// The agent's checks in a namespace, by id, as they stand now.
    fn checks(&self, namespace: &Namespace) -> Vec<Arc<Check>>;
    /// One of the agent's instances.
    fn service(&self, namespace: &Namespace, id: &ServiceId) -> Option<Arc<Service>> {
        self.services(namespace).into_iter().find(|service| service.id == *id)
    }
    /// One of the agent's checks.
    fn check(&self, namespace: &Namespace, id: &CheckId) -> Option<Arc<Check>> {
        self.checks(namespace).into_iter().find(|check| check.id == *id)
    }
}

/// A bound in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Its name, in dotted `snake_case`, as in the configuration where it can be set there.
    pub name: &'static str,
    /// How much is allowed.
    pub value: u64,
    /// What is counted: `bytes`, `keys`, `milliseconds`, and so on.
    pub unit: &'static str,
    /// What it is held for each of: `namespace`, `request`, `connection`, `server`, and so on.
    pub per: &'static str,
    /// The stable error code that is heard at the bound, or what happens instead, in words.
    pub at_bound: &'static str,
}

/// What an agent is, for `agent/self`.
#[derive(Debug, Clone, Default)]
pub struct AgentInfo {
    /// Its datacentre.
    pub datacenter: String,
    /// Its node's name.
    pub node_name: String,
    /// Its node's id.
    pub node_id: String,
    /// Whether it is a server.
    pub server: bool,
    /// Whether it may found a cluster on its own.
    pub bootstrap: bool,
    /// How many servers found the cluster together; 0 if that was not said.
    pub expect: u64,
    /// Version of the build, such as `0.1.0`.
    pub version: String,
    /// Commit of the build, if known.
    pub revision: String,
    /// Day of the build, RFC 3339.
    pub build_date: String,
    /// Its own address.
    pub address: String,
    /// The port of the servers' protocol.
    pub server_port: u16,
    /// Free pairs of the node.
    pub meta: std::collections::BTreeMap<String, String>,
    /// The running configuration without secrets, as a JSON object: key (Consul's spelling in PascalCase) to JSON text.
    pub debug_config: std::collections::BTreeMap<String, String>,
    /// Maps of figures as text, by group.
    pub stats: std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>>,
}

/// What machine an agent runs on, for `agent/host`.
#[derive(Debug, Clone, Default)]
pub struct HostInfo {
    /// Host name.
    pub hostname: String,
    /// Operating system, such as `linux`.
    pub os: String,
    /// Kernel's release.
    pub kernel_version: String,
    /// Processor architecture.
    pub arch: String,
    /// Seconds since boot.
    pub uptime_s: u64,
    /// Boot time, seconds since the Unix epoch.
    pub boot_time_s: u64,
    /// Processes on the machine.
    pub processes: u64,
    /// Number of processors.
    pub cpus: u64,
    /// The processors' model name.
    pub cpu_model: String,
    /// Bytes of memory.
    pub memory_total: u64,
    /// Bytes of memory that can be had.
    pub memory_available: u64,
    /// Path of the data directory; empty if there is none.
    pub disk_path: String,
    /// Bytes of its disk.
    pub disk_total: u64,
    /// Bytes free on it.
    pub disk_free: u64,
}

/// What a reload did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReloadReport {
    /// Options that changed and are in force.
    pub applied: Vec<String>,
    /// Options that changed and need a restart.
    pub needs_restart: Vec<String>,
}

/// Which log lines a monitor wants.
#[derive(Debug, Clone)]
pub struct LogFilter {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

/// Log lines, each with its newline. Lines that the reader is too slow for are dropped and counted in a line of their own.
pub type LogLines = mpsc::Receiver<String>;

/// In which form figures are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// Prometheus' text format, version 0.0.4.
    Prometheus,
    /// OpenMetrics' text format, version 1.0.0.
    OpenMetrics,
    /// Consul's JSON document.
    ConsulJson,
}

/// Whether an agent serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// The process works; otherwise it should be restarted.
    pub live: bool,
    /// It answers requests: a leader is known, the state has caught up, it is not stopping.
    pub ready: bool,
    /// Why it is not.
    pub reasons: Vec<String>,
    /// What was looked at, one by one, also where all is well.
    pub lines: Vec<HealthLine>,
}

/// How one thing stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HealthState {
    /// All is well.
    #[default]
    Ok,
    /// Somebody should look at it; it works meanwhile.
    Warn,
    /// It does not work.
    Fail,
}

impl HealthState {
    /// `ok`, `warn` or `fail`.
    pub fn name(self) -> &'static str {
        match self {
            HealthState::Ok => "ok",
            HealthState::Warn => "warn",
            HealthState::Fail => "fail",
        }
    }
}

/// How one thing stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthLine {
    /// What it is about, such as `disk`.
    pub name: &'static str,
    /// How it stands.
    pub state: HealthState,
    /// Why; empty if all is well.
    pub reason: String,
    /// Since when it stands so, in milliseconds since the Unix epoch.
    pub since_ms: u64,
}

/// Figures over time, at fixed steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricsHistory {
    /// Milliseconds from one value to the next.
    pub step_ms: u64,
    /// When the newest values were taken, in milliseconds since the Unix epoch.
    pub until_ms: u64,
    /// The figures.
    pub series: Vec<HistorySeries>,
}

/// One figure over time.
#[derive(Debug, Clone, PartialEq)]
pub struct HistorySeries {
    /// Its name, in `snake_case`.
    pub name: &'static str,
    /// What its values count, such as `bytes` or `requests per second`.
    pub unit: &'static str,
    /// What it tells.
    pub help: &'static str,
    /// Its values, oldest first, the same number in each series; `None` where there was none.
    pub values: Vec<Option<f64>>,
}

/// What an agent logs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogLevels {
    /// The least important lines that are logged: `trace`, `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// Rooms with a level of their own, by the name that their lines carry, such as `raft`.
    pub targets: std::collections::BTreeMap<String, String>,
}

/// How much there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageReport {
    /// Nodes in the catalogue.
    pub nodes: u64,
    /// Services in the catalogue, over all namespaces.
    pub services: u64,
    /// Instances of services in the catalogue.
    pub instances: u64,
    /// Those of them that Consul's licences count: neither proxies and gateways nor the servers themselves.
    pub billable_instances: u64,
    /// Prepared queries.
    pub queries: u64,
    /// Checks in the catalogue.
    pub checks: u64,
    /// Request ids remembered.
    pub requests: u64,
    /// By namespace.
    pub namespaces: Vec<NamespaceUsage>,
}

/// How much one namespace holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceUsage {
    /// Its name.
    pub name: String,
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Live sessions.
    pub sessions: u64,
    /// Locks held or waited for.
    pub locks: u64,
    /// Sessions that wait for locks.
    pub lock_waiters: u64,
    /// Old values kept.
    pub history_versions: u64,
    /// Bytes that they are counted with.
    pub history_bytes: u64,
}
