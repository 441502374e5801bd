//! Nodes, services, instances and checks, as the catalogue holds them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::registration::{Dependency, Locality, TaggedAddress, Weights};
use super::time::Timestamp;
use super::value::present;

/// How a check, an instance or a service stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All is well.
    Passing,
    /// Not well, still usable.
    Warning,
    /// Not usable.
    Critical,
}

impl Status {
    /// `passing`, `warning` or `critical`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Passing => "passing",
            Status::Warning => "warning",
            Status::Critical => "critical",
        }
    }
}

/// Who registered a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Somebody, directly in the catalogue.
    Catalog,
    /// The agent of its node, which keeps it true.
    Agent,
    /// A synchronisation with another system.
    Sync,
}

/// A service as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceSummary {
    /// Its name.
    pub name: String,
    /// The tags of its instances, in order.
    pub tags: Vec<String>,
    /// The kinds of its instances, without plain ones.
    pub kinds: Vec<String>,
    /// How many instances pass.
    pub passing: u64,
    /// How many warn.
    pub warning: u64,
    /// How many are critical.
    pub critical: u64,
}

/// One instance of a service with its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Instance {
    /// Its id, unique on its node.
    pub id: String,
    /// The service.
    pub service: String,
    /// Its namespace.
    pub namespace: String,
    /// Its node.
    pub node: String,
    /// Where it is reached: its own address, or its node's.
    pub address: String,
    /// Its port; zero for none.
    pub port: u16,
    /// A unix socket instead; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub socket_path: Option<String>,
    /// How it stands: the worst of its checks and its node's. Absent where checks were not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<Status>,
    /// Its weight as it stands; zero if it is critical. Absent where checks were not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub weight: Option<u16>,
    /// Its weights.
    pub weights: Weights,
    /// What kind of thing it is, if it is no plain service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// Its tags, in its owner's order.
    pub tags: Vec<String>,
    /// Its pairs.
    pub meta: BTreeMap<String, String>,
    /// The pairs of its node; empty where the node was not asked for.
    pub node_meta: BTreeMap<String, String>,
    /// Further addresses by kind.
    pub tagged_addresses: BTreeMap<String, TaggedAddress>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locality: Option<Locality>,
    /// The services that it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Dependency>,
    /// How callers should choose among the instances; absent for at random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub strategy: Option<String>,
    /// Who registered it.
    pub owner: Owner,
    /// Its node's checks, then its own; empty where they were not looked at.
    pub checks: Vec<Check>,
    /// The index at which it was made.
    pub create_index: u64,
    /// The index at which it last changed.
    pub modify_index: u64,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uuid")]
    pub id: Option<String>,
    /// Its address.
    pub address: String,
    /// Further addresses by kind.
    pub tagged_addresses: BTreeMap<String, String>,
    /// Its pairs.
    pub meta: BTreeMap<String, String>,
    /// The index at which it was made.
    pub create_index: u64,
    /// The index at which it last changed.
    pub modify_index: u64,
}

/// A node with what is on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeServices {
    /// The node.
    pub node: Node,
    /// How it stands: the worst of its own checks.
    pub status: Status,
    /// Its instances in the namespace, by id.
    pub services: Vec<Instance>,
    /// Its own checks, and those of its instances.
    pub checks: Vec<Check>,
    /// The index of the answer.
    pub index: u64,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Its id on its node.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// Its node.
    pub node: String,
    /// The instance that it is of; absent for a check of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_id: Option<String>,
    /// The service of that instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service: Option<String>,
    /// How it stands.
    pub status: Status,
    /// What it last said.
    pub output: String,
    /// What the operator wrote.
    pub notes: String,
    /// What it runs: `http`, `tcp`, `ttl` and so on; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// How often; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interval: Option<String>,
    /// How long it may take; absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub timeout: Option<String>,
    /// Who registered it.
    pub owner: Owner,
    /// The index at which it was made.
    pub create_index: u64,
    /// The index at which it last changed.
    pub modify_index: u64,
}

/// A moment at which a check's status became another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// The index.
    pub index: u64,
    /// What it was; absent when the check was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<Status>,
    /// What it became.
    pub to: Status,
    /// What the check said, cut to 512 bytes.
    pub output: String,
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckHistory {
    /// As it is.
    pub check: Check,
    /// Its newest changes of status, at most 100, newest first.
    pub transitions: Vec<Transition>,
    /// The index of the answer.
    pub index: u64,
}

/// A moment at which a check that bears on a service changed its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// The index.
    pub index: u64,
    /// The check's node.
    pub node: String,
    /// The instance that it is of; absent for a check of the node, which bears on every instance there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_id: Option<String>,
    /// The check.
    pub check_id: String,
    /// What it was; absent when the check was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<Status>,
    /// What it became.
    pub to: Status,
    /// What the check said, cut to 512 bytes.
    pub output: String,
}

/// What became of the checks that bear on a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceTimeline {
    /// The service.
    pub service: String,
    /// The changes, newest first.
    pub items: Vec<TimelineEntry>,
    /// The index of the answer.
    pub index: u64,
}

/// A node that is registered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeRegistration {
    /// Its name.
    #[schema(schema_with = super::shape::node)]
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its id; absent for the one that is known, or none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::uuid)]
    pub id: Option<String>,
    /// Further addresses by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tagged_addresses: BTreeMap<String, String>,
    /// Its pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
}

/// A check that is registered with its status: nobody runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckRegistration {
    /// Its id on the node.
    #[schema(schema_with = super::shape::label)]
    pub id: String,
    /// A name for people; absent for the id.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// The instance that it is of; absent for the node.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_id: Option<String>,
    /// How it stands.
    pub status: Status,
    /// What it says.
    #[serde(default)]
    pub output: String,
    /// What the operator wrote.
    #[serde(default)]
    pub notes: String,
}

/// A node, an instance on it and checks, all or none. No agent keeps them true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogRegister {
    /// The node.
    #[serde(deserialize_with = "super::value::object")]
    pub node: NodeRegistration,
    /// An instance; it has no `checks` of its own here.
    #[serde(
        default,
        deserialize_with = "super::value::present_object",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(nullable = false)]
    pub service: Option<super::registration::ServiceDefinition>,
    /// Checks of the node or of its instances.
    #[serde(default, deserialize_with = "super::value::objects", skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckRegistration>,
    /// Whether a node that is there already stays as it is.
    #[serde(default)]
    pub skip_node_update: bool,
}

/// What is removed: a check, an instance, or with neither the node and all that is on it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogDeregister {
    /// The node.
    #[schema(schema_with = super::shape::node)]
    pub node: String,
    /// An instance with its checks. At most one of `service_id` and `check_id` is there.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_id: Option<String>,
    /// A check.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub check_id: Option<String>,
}
