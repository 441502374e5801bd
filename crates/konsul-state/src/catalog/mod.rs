//! The catalogue: nodes, instances of services on them, checks of both, coordinates.
//!
//! # What belongs together
//!
//! A node is known by its name, an instance by `(node, namespace, id)`, a check by `(node, namespace, id)`. Instances and
//! checks never outlive their node, nor checks their instance. Names of nodes and services are compared without regard to
//! the case of ASCII letters, as in DNS; the tables are keyed by the folded form, the records keep what their owner wrote.
//!
//! # Who wakes
//!
//! What callers of a service are told depends on its instances, their checks, their nodes and those nodes' checks. The
//! entry that changes any of these moves that service's own index and no other service's; `settle` derives which from
//! the changes themselves, once at the end of each entry. A second index of each service moves only by what matters to who
//! is told of passing instances: what a check says beside its status does not.
//!
//! # What is missing on purpose
//!
//! Nobody here runs a check or decides that one is late: results come in as commands when they differ.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use konsul_types::{
    CatalogCommand, Change, Check, CheckId, Index, Namespace, Node, NodeCoordinate, NodeId, NodeName,
    Outcome, Service, ServiceId, ServiceName, Transition,
};
use smol_str::SmolStr;

use crate::hash::RecordHash;
use crate::state::State;

mod deregister;
mod put;
mod query;
mod register;
mod settle;
mod txn;

pub(crate) use put::transitions_hash;

/// Most nodes.
pub const NODES_MAX: u64 = 1_000_000;
/// Most instances of services.
pub const INSTANCES_MAX: u64 = 5_000_000;
/// Most checks.
pub const CHECKS_MAX: u64 = 10_000_000;
/// Most checks of one instance, and of one node itself.
pub const CHECKS_OF_ONE_MAX: usize = 256;

/// Folded node, namespace, id.
pub(crate) type CheckKey = (NodeName, Namespace, CheckId);
/// Folded node, namespace, id of the instance or nothing for the node itself.
pub(crate) type OwnerKey = (NodeName, Namespace, SmolStr);
/// Folded node, namespace, id.
pub(crate) type ServiceKey = (NodeName, Namespace, ServiceId);
/// Namespace, folded service, folded node, id.
pub(crate) type NamedKey = (Namespace, ServiceName, NodeName, ServiceId);

/// Nodes, instances, checks, coordinates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    pub(crate) nodes: OrdMap<NodeName, Arc<Node>>,
    /// Below feature level 3 several nodes may have one id.
    pub(crate) node_ids: OrdSet<(NodeId, NodeName)>,
    pub(crate) services: OrdMap<ServiceKey, Arc<Service>>,
    pub(crate) by_name: OrdMap<NamedKey, Arc<Service>>,
    pub(crate) groups: OrdMap<(Namespace, ServiceName), Group>,
    pub(crate) checks: OrdMap<CheckKey, Arc<Check>>,
    /// The checks of each instance, by id, and under the empty id those of the node itself. Whoever asks for a service asks
    /// for the checks of each of its instances, so that one look-up finds them all.
    pub(crate) check_owners: OrdMap<OwnerKey, Arc<[Arc<Check>]>>,
    /// The past of each check, oldest first. Most have one or two entries, so that each is one allocation of its size.
    pub(crate) transitions: OrdMap<CheckKey, Arc<[Transition]>>,
    pub(crate) coordinates: OrdMap<(NodeName, SmolStr), Arc<NodeCoordinate>>,
    pub(crate) nodes_changed: Index,
    pub(crate) checks_changed: Index,
    pub(crate) coordinates_changed: Index,
    /// When the instances of a namespace last changed.
    pub(crate) services_changed: OrdMap<Namespace, Index>,
    /// When a service of a namespace last lost its last instance.
    pub(crate) extinct: OrdMap<Namespace, Index>,
    /// When an instance on a node last changed.
    pub(crate) node_marks: OrdMap<NodeName, Index>,
    /// When a node last went.
    pub(crate) nodes_extinct: Index,
}

/// What is kept of a service as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Group {
    /// How many instances there are.
    pub instances: u64,
    /// When anything that callers are told last changed.
    pub changed: Index,
    /// The same for who is told of passing instances only.
    pub passing_changed: Index,
}

pub(crate) fn node_hash(node: &Node) -> u64 {
    RecordHash::new(3).value(node).finish()
}

/// A check that feature level 1 could have written keeps the hash that it has there.
pub(crate) fn check_hash(check: &Check) -> u64 {
    match check.as_v1() {
        Some(old) => RecordHash::new(4).value(&old).finish(),
        None => RecordHash::new(8).value(check).finish(),
    }
}

pub(crate) fn service_hash(service: &Service) -> u64 {
    RecordHash::new(9).value(service).finish()
}

pub(crate) fn coordinate_hash(coordinate: &NodeCoordinate) -> u64 {
    RecordHash::new(10).value(coordinate).finish()
}

pub(crate) fn check_key(node: &NodeName, namespace: &Namespace, id: &CheckId) -> CheckKey {
    (node.folded(), namespace.clone(), id.clone())
}

pub(crate) fn service_key(node: &NodeName, namespace: &Namespace, id: &ServiceId) -> ServiceKey {
    (node.folded(), namespace.clone(), id.clone())
}

pub(crate) fn named_key(service: &Service) -> NamedKey {
    (service.namespace.clone(), service.name.folded(), service.node.folded(), service.id.clone())
}

/// Under which owner a check is listed.
pub(crate) fn owner_key(check: &Check) -> OwnerKey {
    let owner = check.service.as_ref().map(|service| service.id.shared()).unwrap_or_default();
    (check.node.folded(), check.namespace.clone(), owner)
}

impl State {
    pub(crate) fn catalog_command(&mut self, command: &CatalogCommand, changes: &mut Vec<Change>) -> Outcome {
        let default = Namespace::default_namespace();
        match command {
            CatalogCommand::RegisterNode { node } => self.register_node(node, changes),
            CatalogCommand::RegisterCheck { check } => {
                self.register_check(&Check::from(check.clone()), changes)
            }
            CatalogCommand::DeregisterNode { name } => self.deregister_node(name, changes),
            CatalogCommand::DeregisterCheck { node, id } => {
                self.deregister_check(node, &default, id, changes)
            }
            CatalogCommand::Register(registration) => self.register(registration, changes),
            CatalogCommand::DeregisterService { node, namespace, id } => {
                self.deregister_service(node, namespace, id, changes)
            }
            CatalogCommand::DeregisterCheckOf { node, namespace, id } => {
                self.deregister_check(node, namespace, id, changes)
            }
            CatalogCommand::Results(results) => self.check_results(results, changes),
            CatalogCommand::Each(commands) => {
                let run = |command| self.catalog_command(command, changes).refusal().cloned();
                Outcome::Each(commands.iter().map(run).collect())
            }
            CatalogCommand::Coordinates(coordinates) => self.put_coordinates(coordinates, changes),
        }
    }
}
