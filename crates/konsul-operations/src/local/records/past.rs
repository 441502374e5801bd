//! What the catalogue was a little before.
//!
//! A state is one moment; the feed says what was changed up to it, old values included. Whoever has both can tell what a
//! record was at each entry between. So a stream keeps no copy of what its client knows: a quiet one costs nothing, and one
//! that goes on from a cursor is worked out in the same way as one that was never cut.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konsul_state::State;
use konsul_state::catalog::Catalog;
use konsul_types::{
    Change, ChangeSet, Check, CheckId, Index, Namespace, Node, NodeName, Service, ServiceId, ServiceName,
};
use konsul_watch::Feed;

use crate::answer::Instance;

/// How many sets are taken from the feed at a time.
const PAGE: usize = 256;

/// An instance: its node's folded name, and its id. It is of one namespace.
pub(super) type InstanceKey = (NodeName, ServiceId);

/// What a record was: each value with the entry that ended it, oldest first.
type Olds<T> = Vec<(Index, Option<Arc<T>>)>;

/// A state, and what came to be different on the way to it.
pub(super) struct Past {
    state: Arc<State>,
    /// Every set up to here was taken in; at first the entry after which it begins.
    known: Index,
    nodes: BTreeMap<NodeName, Olds<Node>>,
    services: OnNodes<ServiceId, Service>,
    checks: OnNodes<CheckId, Check>,
}

/// What became different of the records on each node, by namespace and id.
type OnNodes<Id, T> = BTreeMap<NodeName, BTreeMap<(Namespace, Id), Olds<T>>>;

/// How far the past is known.
pub(super) enum Known {
    /// All of it.
    All,
    /// So many sets more; there are others.
    More(usize),
    /// History does not reach back to where it was to begin.
    Lost,
}

/// A state of which the feed knows all that changed in the catalogue: a state is published before its changes are. `None`
/// for a moment.
pub(super) fn told<R: crate::ports::Replica>(replica: &R, namespace: &Namespace) -> Option<Arc<State>> {
    let state = replica.state();
    let catalog = state.catalog();
    let changed = catalog.nodes_changed().max(catalog.checks_changed());
    (changed.max(catalog.services_changed(namespace)) <= replica.feed().head()).then_some(state)
}

impl Past {
    /// The past of a state, down to the entry `after`.
    pub(super) fn new(state: Arc<State>, after: Index) -> Past {
        let (nodes, services, checks) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Past { state, known: after, nodes, services, checks }
    }

    /// Whether it reaches up to an entry.
    pub(super) fn reaches(&self, index: Index) -> bool {
        index <= self.state.index()
    }

    /// Takes a piece of history in.
    pub(super) fn gather(&mut self, feed: &Feed) -> Known {
        let Some(sets) = feed.since(self.known, PAGE) else { return Known::Lost };
        let up_to = self.state.index();
        let mine = sets.iter().take_while(|set| set.index <= up_to);
        let count = mine.map(|set| self.take(set)).count();
        if count < PAGE { Known::All } else { Known::More(count) }
    }

    fn take(&mut self, set: &ChangeSet) {
        self.known = set.index;
        for change in &set.changes {
            match change {
                Change::Node { name, old, .. } => note(self.nodes.entry(name.folded()), set.index, old),
                Change::Service { old, new } => {
                    if let Some(one) = old.as_ref().or(new.as_ref()) {
                        let on = self.services.entry(one.node.folded()).or_default();
                        note(on.entry((one.namespace.clone(), one.id.clone())), set.index, old);
                    }
                }
                Change::Check { node, id, old, new } => {
                    if let Some(one) = old.as_ref().or(new.as_ref()) {
                        let on = self.checks.entry(node.folded()).or_default();
                        note(on.entry((one.namespace.clone(), id.clone())), set.index, old);
                    }
                }
                _ => {}
            }
        }
    }

    fn catalog(&self) -> &Catalog {
        self.state.catalog()
    }

    /// A node as it was after an entry.
    pub(super) fn node(&self, name: &NodeName, at: Index) -> Option<Arc<Node>> {
        value(self.nodes.get(&name.folded()), at, || self.catalog().node(name).cloned())
    }

    /// A registration as it was after an entry, of whatever service.
    pub(super) fn service(
        &self,
        namespace: &Namespace,
        (node, id): &InstanceKey,
        at: Index,
    ) -> Option<Arc<Service>> {
        let olds = self.services.get(node).and_then(|on| on.get(&(namespace.clone(), id.clone())));
        value(olds, at, || self.catalog().service(node, namespace, id).cloned())
    }

    /// The same with its node and checks.
    pub(super) fn instance(&self, namespace: &Namespace, key: &InstanceKey, at: Index) -> Option<Instance> {
        let service = self.service(namespace, key, at)?;
        let node = self.node(&key.0, at)?;
        let mut checks = self.checks_of_node(&key.0, at);
        let own = self.catalog().checks_of(&service).cloned();
        checks.extend(self.checks(&key.0, namespace, own, Some(&key.1), at));
        Some(Instance { node, service, checks })
    }

    /// A node's own checks as they were after an entry, by id.
    pub(super) fn checks_of_node(&self, node: &NodeName, at: Index) -> Vec<Arc<Check>> {
        let own = self.catalog().checks_of_node(node).cloned();
        self.checks(node, &Namespace::default_namespace(), own, None, at)
    }

    fn checks(
        &self,
        node: &NodeName,
        namespace: &Namespace,
        now: impl Iterator<Item = Arc<Check>>,
        of: Option<&ServiceId>,
        at: Index,
    ) -> Vec<Arc<Check>> {
        let mut checks: BTreeMap<CheckId, Arc<Check>> = now.map(|check| (check.id.clone(), check)).collect();
        let changed = self.checks.get(&node.folded()).into_iter().flatten();
        for ((_, id), olds) in changed.filter(|((ns, _), _)| ns == namespace) {
            let Some((_, was)) = olds.iter().find(|(ended, _)| *ended > at) else { continue };
            checks.remove(id);
            let mine = |check: &&Arc<Check>| check.service.as_ref().map(|service| &service.id) == of;
            if let Some(check) = was.as_ref().filter(mine) {
                checks.insert(id.clone(), Arc::clone(check));
            }
        }
        checks.into_values().collect()
    }

    /// The ids of all instances that were on a node after some entry that it knows, or are.
    pub(super) fn ever_on(&self, namespace: &Namespace, node: &NodeName) -> BTreeSet<InstanceKey> {
        let now = self.catalog().services_on(node).filter(|one| one.namespace == *namespace);
        let now = now.map(|one| one.id.clone());
        let then = self.services.get(&node.folded()).into_iter().flatten();
        let then = then.filter(|((ns, _), _)| ns == namespace).map(|((_, id), _)| id.clone());
        now.chain(then).map(|id| (node.folded(), id)).collect()
    }

    /// The instances of a service as they were after an entry.
    pub(super) fn instances(&self, namespace: &Namespace, name: &ServiceName, at: Index) -> Vec<Instance> {
        let folded = name.folded();
        let now = self.catalog().instances(namespace, name).map(|one| (one.node.folded(), one.id.clone()));
        let was = |olds: &Olds<Service>| {
            olds.iter().any(|(_, was)| was.as_ref().is_some_and(|one| one.name.folded() == folded))
        };
        let then =
            self.services.iter().flat_map(|(node, on)| on.iter().map(move |(key, olds)| (node, key, olds)));
        let then = then.filter(|(_, (ns, _), olds)| ns == namespace && was(olds));
        let then = then.map(|(node, (_, id), _)| (node.clone(), id.clone()));
        let keys: BTreeSet<InstanceKey> = now.chain(then).collect();
        let instances = keys.iter().filter_map(|key| self.instance(namespace, key, at));
        instances.filter(|one| one.service.name.folded() == folded).collect()
    }
}

/// Notes what a record was before an entry. An entry may change it more than once.
fn note<K: Ord, T>(
    olds: std::collections::btree_map::Entry<'_, K, Olds<T>>,
    index: Index,
    old: &Option<Arc<T>>,
) {
    let olds = olds.or_default();
    if olds.last().is_none_or(|(ended, _)| *ended < index) {
        olds.push((index, old.clone()));
    }
}

fn value<T>(olds: Option<&Olds<T>>, at: Index, now: impl FnOnce() -> Option<Arc<T>>) -> Option<Arc<T>> {
    match olds.and_then(|olds| olds.iter().find(|(ended, _)| *ended > at)) {
        Some((_, was)) => was.clone(),
        None => now(),
    }
}
