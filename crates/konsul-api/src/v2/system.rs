//! The server itself: what it is, what it holds, what it allows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::Timestamp;

/// What a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct System {
    /// Its datacentre.
    pub datacenter: String,
    /// Its node's name.
    pub node_name: String,
    /// Its node's id.
    pub node_id: String,
    /// Version of the build.
    pub version: String,
    /// Commit of the build; empty if it is not known.
    pub revision: String,
    /// Day of the build.
    pub build_date: String,
    /// The leader's server address; absent if nobody leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub leader: Option<String>,
    /// The members of the Raft cluster.
    pub servers: Vec<Server>,
    /// Whether it serves.
    pub health: Health,
    /// What machine it runs on.
    pub host: Host,
    /// The index of the answer.
    pub index: u64,
}

/// A member of the Raft cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Server {
    /// Its id.
    pub id: String,
    /// Its node's name.
    pub node_name: String,
    /// Its server address.
    pub address: String,
    /// Whether it leads.
    pub leader: bool,
    /// Whether it votes.
    pub voter: bool,
    /// The last index that is known to be on it.
    pub last_index: u64,
}

/// Whether a server serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// The process works.
    pub live: bool,
    /// It answers requests.
    pub ready: bool,
    /// Why it does not.
    pub reasons: Vec<String>,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Host {
    /// Its name.
    pub hostname: String,
    /// Its operating system.
    pub os: String,
    /// Its kernel's release.
    pub kernel_version: String,
    /// Its processor's architecture.
    pub arch: String,
    /// How many processors it has.
    pub cpus: u64,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Bytes of memory that can be had.
    pub memory_available_bytes: u64,
    /// Bytes of the disk of the data directory; zero without one.
    pub disk_bytes: u64,
    /// Bytes free on it.
    pub disk_free_bytes: u64,
}

/// How much there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Nodes in the catalogue.
    pub nodes: u64,
    /// Checks in the catalogue.
    pub checks: u64,
    /// By namespace.
    pub namespaces: Vec<NamespaceUsage>,
    /// The index of the answer.
    pub index: u64,
}

/// How much a namespace holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamespaceUsage {
    /// Its name.
    pub name: String,
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Live sessions.
    pub sessions: u64,
}

/// A bound that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limit {
    /// Its name.
    pub name: String,
    /// The bound; zero for none.
    pub value: u64,
    /// What it counts, such as `bytes` or `milliseconds`.
    pub unit: String,
    /// What it is held for each of, such as `namespace` or `request`.
    pub per: String,
    /// The code of the problem that is heard over it; absent where something else happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<String>,
    /// What happens over it: the code, or words.
    pub at_bound: String,
}

/// Every bound that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// The bounds, by name.
    pub items: Vec<Limit>,
    /// The index of the answer.
    pub index: u64,
}

/// The main figures of the last hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsHistory {
    /// Time between two points.
    pub interval: String,
    /// The points in time, oldest first.
    pub times: Vec<Timestamp>,
    /// By figure: its value at each point; `null` where it was not known.
    pub series: BTreeMap<String, Vec<Option<f64>>>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What an operator should see.
    Info,
    /// What is odd.
    Warn,
    /// What went wrong.
    Error,
}

/// How much is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLevel {
    /// From this level on.
    pub level: Level,
    /// Rooms with a level of their own, by the name that their lines carry, such as `raft`.
    #[serde(default)]
    pub targets: BTreeMap<String, String>,
}

/// A backup was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotRestored {
    /// The index at which the restored state took effect.
    pub index: u64,
}
