//! Records of the catalogue go in and out, with everything that is derived from them.

use std::sync::Arc;

use konsul_types::node::{TRANSITION_OUTPUT_MAX, TRANSITIONS_KEPT};
use konsul_types::{
    Change, Check, CheckId, Index, Node, NodeCoordinate, NodeName, Outcome, Service, Tags, Transition,
};
use smol_str::SmolStr;

use super::{
    Catalog, CheckKey, OwnerKey, check_hash, check_key, coordinate_hash, named_key, node_hash, owner_key,
    service_hash, service_key,
};
use crate::hash::{RecordHash, Table};
use crate::mutants;
use crate::state::State;

impl Catalog {
    /// Puts a node in or takes it out, without marks or hashes.
    pub(crate) fn swap_node(&mut self, name: &NodeName, new: Option<&Arc<Node>>) -> Option<Arc<Node>> {
        let key = name.folded();
        let old = match new {
            Some(node) => self.nodes.insert(key.clone(), Arc::clone(node)),
            None => self.nodes.remove(&key),
        };
        if let Some(id) = old.as_ref().and_then(|node| node.id) {
            self.node_ids.remove(&(id, key.clone()));
        }
        if let Some(id) = new.and_then(|node| node.id) {
            self.node_ids.insert((id, key));
        }
        old
    }

    /// Puts an instance in or takes it out, without marks or hashes.
    pub(crate) fn swap_service(
        &mut self,
        wanted: &Service,
        new: Option<&Arc<Service>>,
    ) -> Option<Arc<Service>> {
        let key = service_key(&wanted.node, &wanted.namespace, &wanted.id);
        let old = match new {
            Some(service) => self.services.insert(key, Arc::clone(service)),
            None => self.services.remove(&key),
        };
        if let Some(old) = &old {
            self.by_name.remove(&named_key(old));
            let gone = u64::from(!mutants::active(mutants::INSTANCES_COUNT_UP));
            self.group_mut(old).instances -= gone;
        }
        if let Some(new) = new {
            self.by_name.insert(named_key(new), Arc::clone(new));
            self.group_mut(new).instances += 1;
        }
        old
    }

    /// An instance's tags, as a sibling keeps them if it has the same: those of one service mostly have.
    pub(crate) fn shared_tags(&self, service: &Service) -> Tags {
        let sibling = self.instances(&service.namespace, &service.name).next();
        let shared = sibling.map(|sibling| &sibling.tags).filter(|tags| **tags == service.tags);
        shared.unwrap_or(&service.tags).clone()
    }

    fn group_mut(&mut self, service: &Service) -> &mut super::Group {
        self.groups.entry((service.namespace.clone(), service.name.folded())).or_default()
    }

    /// Puts a check in or takes it out, without marks or hashes.
    pub(crate) fn swap_check(&mut self, wanted: &Check, new: Option<&Arc<Check>>) -> Option<Arc<Check>> {
        let key = check_key(&wanted.node, &wanted.namespace, &wanted.id);
        let old = match new {
            Some(check) => self.checks.insert(key, Arc::clone(check)),
            None => self.checks.remove(&key),
        };
        let before = old.as_deref().map(owner_key);
        let after = new.map(|check| owner_key(check));
        if let Some(before) = before.filter(|before| Some(before) != after.as_ref()) {
            self.list_check(before, &wanted.id, None);
        }
        if let Some(after) = after {
            self.list_check(after, &wanted.id, new);
        }
        old
    }

    /// Puts a check into its owner's list or takes it out. Lists are short, see [`super::CHECKS_OF_ONE_MAX`].
    fn list_check(&mut self, owner: OwnerKey, id: &CheckId, new: Option<&Arc<Check>>) {
        let mut listed = self.check_owners.get(&owner).map(|listed| listed.to_vec()).unwrap_or_default();
        match (listed.binary_search_by(|check| check.id.cmp(id)), new) {
            (Ok(at), Some(new)) => listed[at] = Arc::clone(new),
            (Ok(at), None) => drop(listed.remove(at)),
            (Err(at), Some(new)) => listed.insert(at, Arc::clone(new)),
            (Err(_), None) => {}
        }
        if listed.is_empty() {
            self.check_owners.remove(&owner);
        } else {
            self.check_owners.insert(owner, listed.into());
        }
    }
}

pub(crate) fn transitions_hash(key: &CheckKey, transitions: &[Transition]) -> u64 {
    RecordHash::new(11).value(key).value(&transitions).finish()
}

impl State {
    pub(super) fn put_node(&mut self, name: &NodeName, new: Option<Node>, changes: &mut Vec<Change>) {
        let new = new.map(Arc::new);
        let old = self.catalog.swap_node(name, new.as_ref());
        self.catalog.nodes_changed = self.index;
        if new.is_none() && self.feature_level >= 3 {
            self.catalog.node_marks.remove(&name.folded());
            self.catalog.nodes_extinct = self.index;
        }
        self.hashes.replace(Table::Catalog, old.as_deref().map(node_hash), new.as_deref().map(node_hash));
        changes.push(Change::Node { name: name.clone(), old, new });
    }

    /// Writes an instance, or removes the one that `wanted` names.
    pub(super) fn put_service(&mut self, wanted: &Service, new: Option<Service>, changes: &mut Vec<Change>) {
        let new = new.map(Arc::new);
        let old = self.catalog.swap_service(wanted, new.as_ref());
        self.catalog.services_changed.insert(wanted.namespace.clone(), self.index);
        self.catalog.node_marks.insert(wanted.node.folded(), self.index);
        let hash = |service: &Option<Arc<Service>>| service.as_deref().map(service_hash);
        self.hashes.replace(Table::Catalog, hash(&old), hash(&new));
        changes.push(Change::Service { old, new });
    }

    /// Writes a check, or removes the one that `wanted` names.
    pub(super) fn put_check(&mut self, wanted: &Check, new: Option<Check>, changes: &mut Vec<Change>) {
        let new = new.map(Arc::new);
        let old = self.catalog.swap_check(wanted, new.as_ref());
        self.catalog.checks_changed = self.index;
        let hash = |check: &Option<Arc<Check>>| check.as_deref().map(check_hash);
        self.hashes.replace(Table::Catalog, hash(&old), hash(&new));
        self.note_transition(wanted, old.as_deref(), new.as_deref());
        changes.push(Change::Check { node: wanted.node.clone(), id: wanted.id.clone(), old, new });
    }

    /// Keeps the newest moments at which a check's status became another one.
    fn note_transition(&mut self, wanted: &Check, old: Option<&Check>, new: Option<&Check>) {
        if self.feature_level < 3 {
            return;
        }
        let key = check_key(&wanted.node, &wanted.namespace, &wanted.id);
        let Some(new) = new else {
            let gone = self.catalog.transitions.remove(&key);
            self.hashes.replace(Table::Catalog, gone.map(|kept| transitions_hash(&key, &kept)), None);
            return;
        };
        if old.is_some_and(|old| old.status == new.status) {
            return;
        }
        let transition = Transition {
            at: self.at,
            index: self.index,
            from: old.map(|old| old.status),
            to: new.status,
            output: cut(&new.output, TRANSITION_OUTPUT_MAX),
        };
        let before = self.catalog.transitions.get(&key);
        let old_hash = before.map(|kept| transitions_hash(&key, kept));
        let before = before.map(|kept| &kept[..]).unwrap_or_default();
        let newest = &before[before.len().saturating_sub(TRANSITIONS_KEPT - 1)..];
        let kept: Arc<[Transition]> = newest.iter().cloned().chain([transition]).collect();
        self.hashes.replace(Table::Catalog, old_hash, Some(transitions_hash(&key, &kept)));
        self.catalog.transitions.insert(key, kept);
    }

    pub(super) fn put_coordinates(
        &mut self,
        coordinates: &[NodeCoordinate],
        changes: &mut Vec<Change>,
    ) -> Outcome {
        let mut written = 0;
        for wanted in coordinates {
            let key = (wanted.node.folded(), wanted.segment.clone());
            let old = self.catalog.coordinates.get(&key).cloned();
            let same = old.as_ref().is_some_and(|old| old.coordinate == wanted.coordinate);
            if same || self.catalog.node(&wanted.node).is_none() {
                continue;
            }
            let new = Arc::new(NodeCoordinate { modify_index: self.index, ..wanted.clone() });
            self.hashes.replace(
                Table::Catalog,
                old.as_deref().map(coordinate_hash),
                Some(coordinate_hash(&new)),
            );
            self.catalog.coordinates.insert(key, Arc::clone(&new));
            self.catalog.coordinates_changed = self.index;
            changes.push(Change::Coordinate(new));
            written += 1;
        }
        Outcome::Counted(written)
    }

    /// Forgets where a node stands.
    pub(super) fn drop_coordinates(&mut self, node: &NodeName) {
        let folded = node.folded();
        let from = (folded.clone(), SmolStr::default());
        let here = self.catalog.coordinates.range(from..).take_while(|((name, _), _)| *name == folded);
        let gone: Vec<_> = here.map(|(key, coordinate)| (key.clone(), coordinate_hash(coordinate))).collect();
        for (key, hash) in gone {
            self.catalog.coordinates.remove(&key);
            self.catalog.coordinates_changed = self.index;
            self.hashes.replace(Table::Catalog, Some(hash), None);
        }
    }

    /// The index of a record's making: that of the one that it replaces.
    pub(super) fn made_at(&self, old: Option<Index>) -> Index {
        old.unwrap_or(self.index)
    }
}

/// A text cut at a character's border.
fn cut(text: &SmolStr, max: usize) -> SmolStr {
    if text.len() <= max { text.clone() } else { SmolStr::new(&text[..text.floor_char_boundary(max)]) }
}
