//! Changes asked of the catalogue.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{
    Check, CheckId, CheckStatus, Index, Namespace, Node, NodeCoordinate, NodeName, Service, ServiceId,
    node::CheckV1,
};

/// A change asked of the catalogue. Variants are only ever appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatalogCommand {
    /// Adds a node or replaces what is known of it. Indexes in the record are ignored.
    RegisterNode {
        /// The node.
        node: Node,
    },
    /// Adds a check of a node or replaces what is known of it. Indexes in the record are ignored.
    RegisterCheck {
        /// The check.
        check: CheckV1,
    },
    /// Removes a node with its services and checks; its sessions end.
    DeregisterNode {
        /// Which.
        name: NodeName,
    },
    /// Removes a check of the default namespace; sessions that lean on it end.
    DeregisterCheck {
        /// Its node.
        node: NodeName,
        /// Which.
        id: CheckId,
    },
    // Feature level 3.
    /// Adds or replaces a node, an instance and checks, all or none.
    Register(Box<Registration>),
    /// Removes an instance with its checks.
    DeregisterService {
        /// Its node.
        node: NodeName,
        /// Where.
        namespace: Namespace,
        /// Which.
        id: ServiceId,
    },
    /// Removes a check of any namespace.
    DeregisterCheckOf {
        /// Its node.
        node: NodeName,
        /// Where.
        namespace: Namespace,
        /// Which.
        id: CheckId,
    },
    /// New results of checks that are there; each for itself, and one of an unknown check is refused.
    Results(Vec<CheckResult>),
    /// Several of these, each for itself.
    Each(Vec<CatalogCommand>),
    /// New coordinates of nodes; those of unknown nodes are passed over.
    Coordinates(Vec<NodeCoordinate>),
}

impl CatalogCommand {
    /// The feature level that it belongs to.
    pub fn level(&self) -> u32 {
        match self {
            CatalogCommand::RegisterNode { .. }
            | CatalogCommand::RegisterCheck { .. }
            | CatalogCommand::DeregisterNode { .. }
            | CatalogCommand::DeregisterCheck { .. } => 1,
            _ => 3,
        }
    }
}

/// Adds or replaces a node, an instance on it and checks, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The node. Indexes are ignored.
    pub node: Node,
    /// Whether a node that is there already stays as it is.
    pub skip_node_update: bool,
    /// An instance on that node. Indexes are ignored.
    pub service: Option<Service>,
    /// Checks of that node or of instances on it. Indexes are ignored, and so are name and tags of their instances.
    pub checks: Vec<Check>,
    /// Whether checks of the instance that are not named here go.
    pub replace_checks: bool,
}

/// A new result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The node.
    pub node: NodeName,
    /// Where.
    pub namespace: Namespace,
    /// Which.
    pub id: CheckId,
    /// How it stands.
    pub status: CheckStatus,
    /// What it said.
    pub output: SmolStr,
}

/// Most bytes of a check's output that the catalogue takes.
pub const CHECK_OUTPUT_MAX: usize = 4096;

/// What a member of a transaction does with the catalogue. A condition on the modify index of an absent record holds for
/// index zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatalogTxnOp {
    /// Reads a node; fails if it is absent.
    NodeGet(NodeName),
    /// Writes a node, if `cas` is given only at that modify index.
    NodeSet {
        /// The node.
        node: Box<Node>,
        /// The condition.
        cas: Option<Index>,
    },
    /// Removes a node, if `cas` is given only at that modify index.
    NodeDelete {
        /// Which.
        name: NodeName,
        /// The condition.
        cas: Option<Index>,
    },
    /// Reads an instance; fails if it is absent.
    ServiceGet {
        /// Its node.
        node: NodeName,
        /// Where.
        namespace: Namespace,
        /// Which.
        id: ServiceId,
    },
    /// Writes an instance.
    ServiceSet {
        /// The instance.
        service: Box<Service>,
        /// The condition.
        cas: Option<Index>,
    },
    /// Removes an instance with its checks.
    ServiceDelete {
        /// Its node.
        node: NodeName,
        /// Where.
        namespace: Namespace,
        /// Which.
        id: ServiceId,
        /// The condition.
        cas: Option<Index>,
    },
    /// Reads a check; fails if it is absent.
    CheckGet {
        /// Its node.
        node: NodeName,
        /// Where.
        namespace: Namespace,
        /// Which.
        id: CheckId,
    },
    /// Writes a check.
    CheckSet {
        /// The check.
        check: Box<Check>,
        /// The condition.
        cas: Option<Index>,
    },
    /// Removes a check.
    CheckDelete {
        /// Its node.
        node: NodeName,
        /// Where.
        namespace: Namespace,
        /// Which.
        id: CheckId,
        /// The condition.
        cas: Option<Index>,
    },
}

impl CatalogTxnOp {
    /// Whether the operation can change the state.
    pub fn is_write(&self) -> bool {
        !matches!(
            self,
            CatalogTxnOp::NodeGet(_) | CatalogTxnOp::ServiceGet { .. } | CatalogTxnOp::CheckGet { .. }
        )
    }
}
