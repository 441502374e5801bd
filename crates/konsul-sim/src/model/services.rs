//! What is told of services, and when it last became different.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_types::{Change, Check, CheckStatus, Index, Namespace, Node, NodeName, Service, ServiceName};

use super::Model;
use super::catalogue::lower;
use crate::history::Instance;

/// A service: its namespace, and its name in lower case.
pub type Named = (Namespace, String);

/// What is told of each service that has instances.
pub type Told = BTreeMap<Named, Vec<Instance>>;

/// When something last became different, removals included: the model forgets none.
#[derive(Debug, Clone, Default)]
pub(super) struct News {
    pub(super) nodes: Index,
    pub(super) checks: Index,
    pub(super) queries: Index,
    pub(super) services: BTreeMap<Namespace, Index>,
    /// A node's record or an instance on it.
    pub(super) on_node: BTreeMap<String, Index>,
    /// What is told of a service, of all instances and of passing ones.
    pub(super) of_service: BTreeMap<Named, (Index, Index)>,
}

impl Model {
    /// Every service with everything that is told of it.
    pub fn told(&self) -> Told {
        let mut told = Told::new();
        for service in self.catalogue.services.values() {
            let Some(node) = self.catalogue.node(&service.node) else { continue };
            let named = (service.namespace.clone(), service.name.as_str().to_ascii_lowercase());
            told.entry(named).or_default().push(self.instance(node, service));
        }
        told
    }

    fn instance(&self, node: &Arc<Node>, service: &Arc<Service>) -> Instance {
        let mut checks: Vec<Arc<Check>> = self.catalogue.of_node(&node.name);
        checks.extend(self.catalogue.of_service(service));
        Instance { node: node.clone(), service: service.clone(), checks }
    }

    /// The instances of a service, by node and id.
    pub(super) fn instances(&self, namespace: &Namespace, name: &ServiceName) -> Vec<Instance> {
        let meant = |service: &&Arc<Service>| {
            service.namespace == *namespace && service.name.as_str().eq_ignore_ascii_case(name.as_str())
        };
        let found = self.catalogue.services.values().filter(meant);
        found
            .filter_map(|service| Some(self.instance(self.catalogue.node(&service.node)?, service)))
            .collect()
    }

    /// Whether a service has any.
    pub fn has_instances(&self, namespace: &Namespace, name: &ServiceName) -> bool {
        !self.instances(namespace, name).is_empty()
    }

    /// Those of which every check passes.
    pub(super) fn passing(&self, namespace: &Namespace, name: &ServiceName) -> Vec<Instance> {
        let mut found = self.instances(namespace, name);
        found.retain(|one| one.checks.iter().all(|check| check.status == CheckStatus::Passing));
        found
    }

    /// When what is told of a service last became different.
    pub fn service_news(&self, namespace: &Namespace, name: &ServiceName, passing: bool) -> Index {
        let named = (namespace.clone(), name.as_str().to_ascii_lowercase());
        let (all, of_passing) = self.news.of_service.get(&named).copied().unwrap_or_default();
        if passing { of_passing } else { all }
    }

    /// When a node's record or an instance on it last became different.
    pub(super) fn node_news(&self, node: &str) -> Index {
        self.news.on_node.get(&node.to_ascii_lowercase()).copied().unwrap_or_default()
    }

    /// At the end of an entry each service of which something else is told is named, once, in order.
    pub(super) fn settle_services(&mut self, changes: &mut Vec<Change>) {
        let mut concerned: BTreeMap<(Namespace, ServiceName), bool> = BTreeMap::new();
        let mut concern = |namespace: &Namespace, name: &ServiceName, passing: bool| {
            *concerned.entry((namespace.clone(), name.folded())).or_default() |= passing;
        };
        for change in changes.iter() {
            self.note(change);
            match change {
                Change::Service { old, new } => {
                    let both = old.iter().chain(new);
                    both.for_each(|service| concern(&service.namespace, &service.name, true));
                }
                Change::Check { node, old, new, .. } => {
                    let passing = stands(old.as_deref()) != stands(new.as_deref());
                    for check in old.iter().chain(new) {
                        match &check.service {
                            Some(of) => concern(&check.namespace, &of.name, passing),
                            None => {
                                let on = self.services_on(node);
                                on.for_each(|one| concern(&one.namespace, &one.name, passing));
                            }
                        }
                    }
                }
                Change::Node { name, new: Some(_), .. } => {
                    self.services_on(name).for_each(|one| concern(&one.namespace, &one.name, true));
                }
                _ => {}
            }
        }
        for ((namespace, name), passing) in concerned {
            let news = self.news.of_service.entry((namespace.clone(), name.to_string())).or_default();
            *news = (self.index, if passing { self.index } else { news.1 });
            changes.push(Change::Instances { namespace, name, passing });
        }
    }

    fn services_on(&self, node: &NodeName) -> impl Iterator<Item = &Arc<Service>> {
        let on = lower(node);
        self.catalogue.services.values().filter(move |service| lower(&service.node) == on)
    }

    fn note(&mut self, change: &Change) {
        let index = self.index;
        match change {
            Change::Node { name, .. } => {
                self.news.nodes = index;
                self.news.on_node.insert(lower(name), index);
            }
            Change::Service { old, new } => {
                for service in old.iter().chain(new) {
                    self.news.services.insert(service.namespace.clone(), index);
                    self.news.on_node.insert(lower(&service.node), index);
                }
            }
            Change::Check { .. } => self.news.checks = index,
            Change::Query { .. } => self.news.queries = index,
            _ => {}
        }
    }
}

/// What of a check matters to who is told of passing instances only: its status, and whose it is.
fn stands(check: Option<&Check>) -> Option<(CheckStatus, Option<String>)> {
    check.map(|check| (check.status, check.service.as_ref().map(|of| of.id.to_string())))
}
