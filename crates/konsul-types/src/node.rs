//! Nodes and their checks: as much of the catalogue as sessions lean on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{CheckId, Index, NodeId, NodeName};

/// A node of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its id, if it has one.
    pub id: Option<NodeId>,
    /// Its name.
    pub name: NodeName,
    /// Its address, as other nodes reach it.
    pub address: String,
    /// Further addresses by kind (`lan`, `wan`, `lan_ipv4`).
    pub tagged_addresses: BTreeMap<String, String>,
    /// Free pairs.
    pub meta: BTreeMap<String, String>,
    /// Index of the entry that made it.
    pub create_index: Index,
    /// Index of the entry that last changed it.
    pub modify_index: Index,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum CheckStatus {
    /// All is well.
    Passing,
    /// Not well, still usable.
    Warning,
    /// Not usable.
    Critical,
}

/// A check of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The node.
    pub node: NodeName,
    /// Its id on the node.
    pub id: CheckId,
    /// A name for people.
    pub name: String,
    /// How it stands.
    pub status: CheckStatus,
    /// What the operator wrote.
    pub notes: String,
    /// What it last said.
    pub output: String,
    /// Index of the entry that made it.
    pub create_index: Index,
    /// Index of the entry that last changed it.
    pub modify_index: Index,
}

/// The check that stands for "this node is reachable". Consul's clients know it by this id.
pub const SERF_HEALTH: &str = "serfHealth";

/// A change asked of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatalogCommand {
    /// Adds a node or replaces what is known of it. Indexes in the record are ignored.
    RegisterNode {
        /// The node.
        node: Node,
    },
    /// Adds a check or replaces what is known of it. Indexes in the record are ignored.
    RegisterCheck {
        /// The check.
        check: Check,
    },
    /// Removes a node with its checks; its sessions end.
    DeregisterNode {
        /// Which.
        name: NodeName,
    },
    /// Removes a check; sessions that lean on it end.
    DeregisterCheck {
        /// Its node.
        node: NodeName,
        /// Which.
        id: CheckId,
    },
}
