//! Questions to the catalogue. Each family has its own index; see Consul's blocking queries.

use std::sync::{Arc, LazyLock};

use konsul_types::{
    Check, CheckId, CheckStatus, Index, Namespace, Node, NodeCoordinate, NodeId, NodeName, Service,
    ServiceId, ServiceName, Transition,
};
use smol_str::SmolStr;

use super::{Catalog, Group, check_key, service_key};
use crate::keyspace::Found;
use crate::mutants;
use crate::state::State;

/// The lowest namespace there could be: where a range over several begins.
fn lowest() -> Namespace {
    static LOWEST: LazyLock<Namespace> =
        LazyLock::new(|| Namespace::new("0").expect("a digit is a namespace"));
    LOWEST.clone()
}

impl Catalog {
    /// One node, in whatever case.
    pub fn node(&self, name: &NodeName) -> Option<&Arc<Node>> {
        self.nodes.get(&name.folded())
    }

    /// Every node, by folded name.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Arc<Node>> {
        self.nodes.values()
    }

    /// The node of an id.
    pub fn node_of_id(&self, id: &NodeId) -> Option<&Arc<Node>> {
        self.nodes.get(self.name_of_id(id)?)
    }

    /// The folded name of the first node with an id.
    pub(super) fn name_of_id(&self, id: &NodeId) -> Option<&NodeName> {
        let from = (*id, NodeName::new("\u{20}").expect("a space is a name"));
        self.node_ids.range(from..).next().filter(|(found, _)| found == id).map(|(_, name)| name)
    }

    /// The one node whose id's text begins so; `None` if there is none or more than one.
    pub fn node_of_id_prefix(&self, prefix: &str) -> Option<&Arc<Node>> {
        let prefix = prefix.to_ascii_lowercase();
        let mut found = self.node_ids.iter().filter(|(id, _)| id.to_string().starts_with(&prefix));
        let (_, name) = found.next()?;
        if found.next().is_some() { None } else { self.nodes.get(name) }
    }

    /// One instance.
    pub fn service(&self, node: &NodeName, namespace: &Namespace, id: &ServiceId) -> Option<&Arc<Service>> {
        self.services.get(&service_key(node, namespace, id))
    }

    /// Every instance, by node, namespace and id.
    pub fn services(&self) -> impl ExactSizeIterator<Item = &Arc<Service>> {
        self.services.values()
    }

    /// The instances on a node, of all namespaces.
    pub fn services_on<'a>(&'a self, node: &NodeName) -> impl Iterator<Item = &'a Arc<Service>> + use<'a> {
        let folded = node.folded();
        let from = (folded.clone(), lowest(), ServiceId::new("\u{20}").expect("a space is an id"));
        self.services.range(from..).take_while(move |((name, ..), _)| *name == folded).map(|(_, one)| one)
    }

    /// The instances of a service, by node and id.
    pub fn instances<'a>(
        &'a self,
        namespace: &Namespace,
        name: &ServiceName,
    ) -> impl Iterator<Item = &'a Arc<Service>> + use<'a> {
        let (namespace, name) = (namespace.clone(), name.folded());
        let node = NodeName::new("\u{20}").expect("a space is a name");
        let id = ServiceId::new("\u{20}").expect("a space is an id");
        let from = (namespace.clone(), name.clone(), node, id);
        let range = self.by_name.range(from..);
        range.take_while(move |((ns, of, ..), _)| *ns == namespace && *of == name).map(|(_, one)| one)
    }

    /// The services of a namespace that have instances, by folded name.
    pub fn service_names<'a>(
        &'a self,
        namespace: &Namespace,
    ) -> impl Iterator<Item = (&'a ServiceName, &'a Group)> + use<'a> {
        let namespace = namespace.clone();
        let from = (namespace.clone(), ServiceName::new("\u{20}").expect("a space is a name"));
        let range = self.groups.range(from..).take_while(move |((ns, _), _)| *ns == namespace);
        range.map(|((_, name), group)| (name, group))
    }

    /// What is kept of a service as a whole; `None` without instances.
    pub fn group(&self, namespace: &Namespace, name: &ServiceName) -> Option<&Group> {
        self.groups.get(&(namespace.clone(), name.folded()))
    }

    /// What is kept of every service, by namespace and folded name.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&Namespace, &ServiceName, &Group)> {
        self.groups.iter().map(|((namespace, name), group)| (namespace, name, group))
    }

    /// How many services there are, over all namespaces.
    pub fn services_count(&self) -> usize {
        self.groups.len()
    }

    /// One check of a node itself.
    pub fn check(&self, node: &NodeName, id: &CheckId) -> Option<&Arc<Check>> {
        self.check_of(node, &Namespace::default_namespace(), id)
    }

    /// One check.
    pub fn check_of(&self, node: &NodeName, namespace: &Namespace, id: &CheckId) -> Option<&Arc<Check>> {
        self.checks.get(&check_key(node, namespace, id))
    }

    /// Every check, by node, namespace and id.
    pub fn checks(&self) -> impl ExactSizeIterator<Item = &Arc<Check>> {
        self.checks.values()
    }

    /// Every check on a node: its own and those of its instances.
    pub fn checks_on<'a>(&'a self, node: &NodeName) -> impl Iterator<Item = &'a Arc<Check>> + use<'a> {
        let folded = node.folded();
        let from = (folded.clone(), lowest(), CheckId::new("\u{20}").expect("a space is an id"));
        self.checks.range(from..).take_while(move |((name, ..), _)| *name == folded).map(|(_, one)| one)
    }

    /// The checks of a node itself.
    pub fn checks_of_node<'a>(&'a self, node: &NodeName) -> impl Iterator<Item = &'a Arc<Check>> + use<'a> {
        self.checks_under(node, &Namespace::default_namespace(), SmolStr::default())
    }

    /// The checks of an instance.
    pub fn checks_of<'a>(&'a self, service: &Service) -> impl Iterator<Item = &'a Arc<Check>> + use<'a> {
        self.checks_under(&service.node, &service.namespace, service.id.shared())
    }

    /// The checks of an instance, or with the empty id of the node itself.
    pub(super) fn checks_under<'a>(
        &'a self,
        node: &NodeName,
        namespace: &Namespace,
        owner: SmolStr,
    ) -> impl Iterator<Item = &'a Arc<Check>> + use<'a> {
        let listed = self.check_owners.get(&(node.folded(), namespace.clone(), owner));
        listed.into_iter().flat_map(|checks| checks.iter())
    }

    /// How an instance stands: the worst of its own checks and its node's.
    pub fn status_of(&self, service: &Service) -> CheckStatus {
        let checks = self.checks_of(service).chain(self.checks_of_node(&service.node));
        checks.map(|check| check.status).max().unwrap_or(CheckStatus::Passing)
    }

    /// The newest transitions of a check, oldest first.
    pub fn transitions(
        &self,
        node: &NodeName,
        namespace: &Namespace,
        id: &CheckId,
    ) -> Option<&Arc<[Transition]>> {
        self.transitions.get(&check_key(node, namespace, id))
    }

    /// Every coordinate, by node and segment.
    pub fn coordinates(&self) -> impl ExactSizeIterator<Item = &Arc<NodeCoordinate>> {
        self.coordinates.values()
    }

    /// The coordinates of a node, by segment.
    pub fn coordinates_of<'a>(
        &'a self,
        node: &NodeName,
    ) -> impl Iterator<Item = &'a Arc<NodeCoordinate>> + use<'a> {
        let folded = node.folded();
        let range = self.coordinates.range((folded.clone(), SmolStr::default())..);
        range.take_while(move |((name, _), _)| *name == folded).map(|(_, one)| one)
    }

    /// When any node last changed.
    pub fn nodes_changed(&self) -> Index {
        self.nodes_changed
    }

    /// When any check last changed.
    pub fn checks_changed(&self) -> Index {
        self.checks_changed
    }

    /// When any coordinate last changed.
    pub fn coordinates_changed(&self) -> Index {
        self.coordinates_changed
    }

    /// When the instances of a namespace last changed.
    pub fn services_changed(&self, namespace: &Namespace) -> Index {
        self.services_changed.get(namespace).copied().unwrap_or_default()
    }

    /// When a node or an instance on it last changed; for an unknown one, when a node last went.
    pub fn node_changed(&self, name: &NodeName) -> Index {
        match self.node(name) {
            Some(node) => {
                let marked = self.node_marks.get(&name.folded()).copied().unwrap_or_default();
                node.modify_index.max(marked)
            }
            None if self.nodes_extinct > Index::ZERO => self.nodes_extinct,
            None => self.nodes_changed,
        }
    }

    /// When what callers of a service are told last changed, of all instances or of passing ones.
    pub fn service_changed(&self, namespace: &Namespace, name: &ServiceName, passing: bool) -> Index {
        match (self.group(namespace, name), passing) {
            (Some(group), true) => group.passing_changed,
            (Some(group), false) => group.changed,
            (None, _) if mutants::active(mutants::SERVICE_INDEX_GOES_BACK) => Index(1),
            (None, _) => match self.extinct.get(namespace) {
                Some(extinct) => *extinct,
                None => self.nodes_changed.max(self.services_changed(namespace)),
            },
        }
    }
}

impl State {
    /// Wraps an answer about one service. What is reported is the index of everything told of it, whatever wakes.
    pub fn found_service<T>(
        &self,
        namespace: &Namespace,
        name: &ServiceName,
        passing: bool,
        value: T,
    ) -> Found<T> {
        let changed = self.catalog.service_changed(namespace, name, passing);
        let reported = self.catalog.service_changed(namespace, name, false);
        self.found(value, changed, reported)
    }
}
