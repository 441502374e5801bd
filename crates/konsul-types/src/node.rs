//! Nodes and their checks.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{CheckId, Index, Millis, Namespace, NodeId, NodeName, Owner, ServiceId, ServiceName, Tags};

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

impl Node {
    /// Whether it says the same as `other`, whenever either was written.
    pub fn same_as(&self, other: &Node) -> bool {
        let Node { id, name, address, tagged_addresses, meta, create_index: _, modify_index: _ } = self;
        (id, name, address, tagged_addresses, meta)
            == (&other.id, &other.name, &other.address, &other.tagged_addresses, &other.meta)
    }
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

impl CheckStatus {
    /// `passing`, `warning` or `critical`.
    pub fn name(self) -> &'static str {
        match self {
            CheckStatus::Passing => "passing",
            CheckStatus::Warning => "warning",
            CheckStatus::Critical => "critical",
        }
    }

    /// The status of a word.
    pub fn of_name(name: &str) -> Option<CheckStatus> {
        [CheckStatus::Passing, CheckStatus::Warning, CheckStatus::Critical]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A check of a node or of an instance on it. `(node, namespace, id)` is its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The node.
    pub node: NodeName,
    /// The namespace: that of its instance, the default one for a check of the node itself.
    pub namespace: Namespace,
    /// Its id on the node.
    pub id: CheckId,
    /// A name for people.
    pub name: SmolStr,
    /// How it stands.
    pub status: CheckStatus,
    /// What the operator wrote.
    pub notes: SmolStr,
    /// What it last said.
    pub output: SmolStr,
    /// The instance that it is of; `None` for a check of the node itself.
    pub service: Option<CheckedService>,
    /// What it runs, and how often, as data: whoever runs it has its own definition.
    pub about: Option<Box<CheckAbout>>,
    /// Who registered it.
    pub owner: Owner,
    /// Index of the entry that made it.
    pub create_index: Index,
    /// Index of the entry that last changed it.
    pub modify_index: Index,
}

/// The instance that a check is of. Name and tags are those of the stored instance, whatever a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedService {
    /// Its id.
    pub id: ServiceId,
    /// The service.
    pub name: ServiceName,
    /// Its tags.
    pub tags: Tags,
}

/// What a check runs, as its registration told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CheckAbout {
    /// `http`, `tcp`, `ttl` and so on; empty if unknown.
    pub kind: SmolStr,
    /// How often, as a duration's text; empty if unknown.
    pub interval: SmolStr,
    /// How long it may take, as a duration's text; empty if unknown.
    pub timeout: SmolStr,
    /// The port under which a proxy shows the checked path; zero for none.
    pub exposed_port: u16,
    /// The rest of the definition, as a JSON object with Consul's names; empty for nothing.
    pub definition: String,
}

impl Check {
    /// A check of a node with nothing but its identity and status, owned by the catalogue.
    pub fn new(node: NodeName, id: CheckId, status: CheckStatus) -> Check {
        Check {
            node,
            namespace: Namespace::default_namespace(),
            name: id.shared(),
            id,
            status,
            notes: SmolStr::default(),
            output: SmolStr::default(),
            service: None,
            about: None,
            owner: Owner::Catalog,
            create_index: Index::ZERO,
            modify_index: Index::ZERO,
        }
    }

    /// Whether it says the same as `other`, whenever either was written.
    pub fn same_as(&self, other: &Check) -> bool {
        let unindexed =
            |check: &Check| Check { create_index: Index::ZERO, modify_index: Index::ZERO, ..check.clone() };
        unindexed(self) == unindexed(other)
    }

    /// The form of feature level 1, if that can say everything.
    pub fn as_v1(&self) -> Option<CheckV1> {
        let plain = self.namespace.is_default()
            && self.service.is_none()
            && self.about.is_none()
            && self.owner == Owner::Catalog;
        plain.then(|| CheckV1 {
            node: self.node.clone(),
            id: self.id.clone(),
            name: self.name.to_string(),
            status: self.status,
            notes: self.notes.to_string(),
            output: self.output.to_string(),
            create_index: self.create_index,
            modify_index: self.modify_index,
        })
    }
}

/// A check of a node in the byte form of feature level 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckV1 {
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

impl From<CheckV1> for Check {
    fn from(old: CheckV1) -> Check {
        Check {
            name: old.name.into(),
            notes: old.notes.into(),
            output: old.output.into(),
            create_index: old.create_index,
            modify_index: old.modify_index,
            ..Check::new(old.node, old.id, old.status)
        }
    }
}

/// A moment at which a check's status became another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Log time.
    pub at: Millis,
    /// The entry.
    pub index: Index,
    /// What it was; `None` when the check was registered.
    pub from: Option<CheckStatus>,
    /// What it became.
    pub to: CheckStatus,
    /// What the check said, cut to [`TRANSITION_OUTPUT_MAX`] bytes.
    pub output: SmolStr,
}

/// How many of the newest transitions of each check are kept.
pub const TRANSITIONS_KEPT: usize = 100;

/// Bytes of a check's output that a transition keeps.
pub const TRANSITION_OUTPUT_MAX: usize = 512;

/// The check that stands for "this node is reachable". Consul's clients know it by this id.
pub const SERF_HEALTH: &str = "serfHealth";

/// The check that puts a node into maintenance.
pub const NODE_MAINTENANCE: &str = "_node_maintenance";

/// What the id of a check begins with that puts an instance into maintenance; the instance's id follows.
pub const SERVICE_MAINTENANCE: &str = "_service_maintenance:";
