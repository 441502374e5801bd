//! What is written directly into the catalogue. Fields that are not declared here are passed over, as in Consul.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::definition::{Connect, Locality, TaggedAddress, Weights};
use super::health::Definition;
use super::proxy::Proxy;

/// What `catalog/register` takes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Register {
    /// Its datacentre; empty for the answering agent's.
    pub datacenter: String,
    /// The node's id.
    #[serde(rename = "ID")]
    pub id: String,
    /// The node's name.
    pub node: String,
    /// The node's address.
    pub address: String,
    /// Further addresses of the node.
    pub tagged_addresses: BTreeMap<String, String>,
    /// Free pairs of the node.
    pub node_meta: BTreeMap<String, String>,
    /// An instance on it.
    pub service: Option<Service>,
    /// A check.
    pub check: Option<Check>,
    /// More checks.
    pub checks: Vec<Check>,
    /// Whether a node that is there already stays as it is.
    pub skip_node_update: bool,
    /// The namespace of the instance and its checks; empty for the request's.
    pub namespace: String,
    /// The partition; only `default` or empty.
    pub partition: String,
    /// Refused unless empty.
    pub peer_name: String,
}

/// An instance.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Service {
    /// Its kind; empty for a plain service.
    pub kind: String,
    /// Its id; empty for the service's name.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its service.
    pub service: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where it listens.
    pub address: String,
    /// Further addresses by kind.
    #[serde(alias = "tagged_addresses")]
    pub tagged_addresses: BTreeMap<String, TaggedAddress>,
    /// Free pairs.
    pub meta: BTreeMap<String, String>,
    /// Its port.
    pub port: i64,
    /// A unix socket instead.
    #[serde(alias = "socket_path")]
    pub socket_path: String,
    /// How much of the traffic it should get.
    pub weights: Option<Weights>,
    /// Whether its tags may be changed against what its agent says.
    #[serde(alias = "enable_tag_override")]
    pub enable_tag_override: bool,
    /// What it stands for, if it is a proxy.
    pub proxy: Option<Proxy>,
    /// Its part in the mesh.
    pub connect: Option<Connect>,
    /// Where it stands.
    pub locality: Option<Locality>,
    /// Its namespace; empty for the registration's.
    pub namespace: String,
    /// Its partition; only `default` or empty.
    pub partition: String,
    /// Compared by conditional members of transactions.
    pub modify_index: u64,
}

/// A check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Check {
    /// Its node; empty for the registration's.
    pub node: String,
    /// Its id; empty for its name.
    #[serde(rename = "CheckID")]
    pub check_id: String,
    /// A name for people.
    pub name: String,
    /// `passing`, `warning` or `critical`; empty for critical.
    pub status: String,
    /// What the operator writes.
    pub notes: String,
    /// What it says.
    pub output: String,
    /// The instance that it is of; empty for the node.
    #[serde(rename = "ServiceID")]
    pub service_id: String,
    /// The service of that instance; the stored instance tells it.
    pub service_name: String,
    /// `http`, `ttl` and so on.
    #[serde(rename = "Type")]
    pub kind: String,
    /// How often it runs, as text.
    pub interval: String,
    /// How long it may take, as text.
    pub timeout: String,
    /// The port under which a proxy shows the checked path.
    pub exposed_port: i64,
    /// What it runs.
    pub definition: Definition,
    /// Its namespace; empty for the registration's.
    pub namespace: String,
    /// Its partition; only `default` or empty.
    pub partition: String,
    /// Compared by conditional members of transactions.
    pub modify_index: u64,
}

/// What `catalog/deregister` takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Deregister {
    /// Its datacentre; empty for the answering agent's.
    pub datacenter: String,
    /// The node.
    pub node: String,
    /// An instance on it.
    #[serde(rename = "ServiceID")]
    pub service_id: String,
    /// A check on it; looked at only if no instance is named.
    #[serde(rename = "CheckID")]
    pub check_id: String,
    /// The namespace; empty for the request's.
    pub namespace: String,
    /// The partition; only `default` or empty.
    pub partition: String,
}

/// A node, as members of transactions name it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Node {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name.
    pub node: String,
    /// Its address.
    pub address: String,
    /// Further addresses by kind.
    pub tagged_addresses: BTreeMap<String, String>,
    /// Free pairs.
    pub meta: BTreeMap<String, String>,
    /// Refused unless empty.
    pub peer_name: String,
    /// Its partition; only `default` or empty.
    pub partition: String,
    /// Compared by conditional members of transactions.
    pub modify_index: u64,
}
