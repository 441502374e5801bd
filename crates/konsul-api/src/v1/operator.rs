//! The cluster as an operator sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How fresh an answer is, as fields of some bodies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryMeta {
    /// The answer's index.
    pub index: u64,
    /// Nanoseconds since the leader was heard from.
    pub last_contact: u64,
    /// Whether a leader is known.
    pub known_leader: bool,
    /// `leader`, `consistent`, `stale`, or empty.
    pub consistency_level: String,
    /// Always false: answers are not compared with earlier ones.
    pub not_modified: bool,
    /// Zero: blocking queries.
    pub backend: u64,
    /// Whether something was left out that the caller may not read.
    #[serde(rename = "ResultsFilteredByACLs")]
    pub results_filtered_by_acls: bool,
}

/// The members of the Raft cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftConfiguration {
    /// Each server.
    pub servers: Vec<RaftServer>,
    /// Index of the configuration.
    pub index: u64,
}

/// A member of the Raft cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftServer {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its node's name, `(unknown)` if that is not known.
    pub node: String,
    /// Its server address.
    pub address: String,
    /// Whether it leads.
    pub leader: bool,
    /// Version of the protocol, as text.
    pub protocol_version: String,
    /// Last index known to be on it.
    pub last_index: u64,
    /// Whether it votes.
    pub voter: bool,
}

/// How much there is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Usage {
    /// By datacentre.
    pub usage: BTreeMap<String, DatacenterUsage>,
    /// Konsul's addition: by namespace.
    pub namespaces: Vec<NamespaceUsage>,
    /// How fresh it is.
    #[serde(flatten)]
    pub meta: QueryMeta,
}

/// How much one datacentre holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DatacenterUsage {
    /// Service names.
    pub services: u64,
    /// Instances.
    pub service_instances: u64,
    /// Instances of the mesh, by kind.
    pub connect_service_instances: BTreeMap<String, u64>,
    /// Instances without those of Consul's own service.
    pub billable_service_instances: u64,
    /// Nodes.
    pub nodes: u64,
}

/// How much one namespace holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
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
