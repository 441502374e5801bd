//! Nodes and checks: as much of the catalogue as sessions and clients lean on so far.

use std::sync::Arc;

use imbl::OrdMap;
use konsul_types::node::CatalogCommand;
use konsul_types::{Change, Check, CheckId, CheckStatus, Index, Node, NodeName, Outcome, Refusal};

use crate::hash::{RecordHash, Table};
use crate::state::State;

/// Nodes and their checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    pub(crate) nodes: OrdMap<NodeName, Arc<Node>>,
    pub(crate) checks: OrdMap<(NodeName, CheckId), Arc<Check>>,
    pub(crate) nodes_changed: Index,
    pub(crate) checks_changed: Index,
}

impl Catalog {
    /// One node.
    pub fn node(&self, name: &NodeName) -> Option<&Arc<Node>> {
        self.nodes.get(name)
    }

    /// Every node, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.values()
    }

    /// One check.
    pub fn check(&self, node: &NodeName, id: &CheckId) -> Option<&Arc<Check>> {
        self.checks.get(&(node.clone(), id.clone()))
    }

    /// Every check, by node and id.
    pub fn checks(&self) -> impl Iterator<Item = &Arc<Check>> {
        self.checks.values()
    }

    /// When any node last changed.
    pub fn nodes_changed(&self) -> Index {
        self.nodes_changed
    }

    /// When any check last changed.
    pub fn checks_changed(&self) -> Index {
        self.checks_changed
    }
}

pub(crate) fn node_hash(node: &Node) -> u64 {
    RecordHash::new(3).value(node).finish()
}

pub(crate) fn check_hash(check: &Check) -> u64 {
    RecordHash::new(4).value(check).finish()
}

impl State {
    pub(crate) fn catalog_command(&mut self, command: &CatalogCommand, changes: &mut Vec<Change>) -> Outcome {
        match command {
            CatalogCommand::RegisterNode { node } => self.register_node(node, changes),
            CatalogCommand::RegisterCheck { check } => self.register_check(check, changes),
            CatalogCommand::DeregisterNode { name } => self.deregister_node(name, changes),
            CatalogCommand::DeregisterCheck { node, id } => self.deregister_check(node, id, changes),
        }
    }

    fn register_node(&mut self, wanted: &Node, changes: &mut Vec<Change>) -> Outcome {
        let old = self.catalog.node(&wanted.name).cloned();
        let create_index = old.as_ref().map_or(self.index, |node| node.create_index);
        let same_as = |node: &Arc<Node>| {
            Node { create_index, modify_index: node.modify_index, ..wanted.clone() } == **node
        };
        if old.as_ref().is_some_and(same_as) {
            return Outcome::Done;
        }
        let node = Node { create_index, modify_index: self.index, ..wanted.clone() };
        self.put_node(&wanted.name, Some(node), changes);
        Outcome::Done
    }

    fn register_check(&mut self, wanted: &Check, changes: &mut Vec<Change>) -> Outcome {
        if self.catalog.node(&wanted.node).is_none() {
            return Outcome::Refused(Refusal::MissingNode);
        }
        let old = self.catalog.check(&wanted.node, &wanted.id).cloned();
        let create_index = old.as_ref().map_or(self.index, |check| check.create_index);
        let same_as = |check: &Arc<Check>| {
            Check { create_index, modify_index: check.modify_index, ..wanted.clone() } == **check
        };
        if old.as_ref().is_some_and(same_as) {
            return Outcome::Done;
        }
        let check = Check { create_index, modify_index: self.index, ..wanted.clone() };
        self.put_check(&wanted.node, &wanted.id, Some(check), changes);
        if wanted.status == CheckStatus::Critical {
            self.end_sessions_of_check(wanted, changes);
        }
        Outcome::Done
    }

    fn deregister_node(&mut self, name: &NodeName, changes: &mut Vec<Change>) -> Outcome {
        if self.catalog.node(name).is_none() {
            return Outcome::Done;
        }
        let checks: Vec<_> = self.catalog.checks().filter(|check| check.node == *name).cloned().collect();
        for check in checks {
            self.put_check(&check.node, &check.id, None, changes);
        }
        self.end_sessions_of_node(name, changes);
        self.put_node(name, None, changes);
        Outcome::Done
    }

    fn deregister_check(&mut self, node: &NodeName, id: &CheckId, changes: &mut Vec<Change>) -> Outcome {
        let Some(check) = self.catalog.check(node, id).cloned() else {
            return Outcome::Done;
        };
        self.put_check(node, id, None, changes);
        self.end_sessions_of_check(&check, changes);
        Outcome::Done
    }

    fn put_node(&mut self, name: &NodeName, new: Option<Node>, changes: &mut Vec<Change>) {
        let new = new.map(Arc::new);
        let old = match &new {
            Some(node) => self.catalog.nodes.insert(name.clone(), Arc::clone(node)),
            None => self.catalog.nodes.remove(name),
        };
        self.catalog.nodes_changed = self.index;
        self.hashes.replace(Table::Catalog, old.as_deref().map(node_hash), new.as_deref().map(node_hash));
        changes.push(Change::Node { name: name.clone(), old, new });
    }

    fn put_check(&mut self, node: &NodeName, id: &CheckId, new: Option<Check>, changes: &mut Vec<Change>) {
        let new = new.map(Arc::new);
        let key = (node.clone(), id.clone());
        let old = match &new {
            Some(check) => self.catalog.checks.insert(key, Arc::clone(check)),
            None => self.catalog.checks.remove(&key),
        };
        self.catalog.checks_changed = self.index;
        self.hashes.replace(Table::Catalog, old.as_deref().map(check_hash), new.as_deref().map(check_hash));
        changes.push(Change::Check { node: node.clone(), id: id.clone(), old, new });
    }
}
