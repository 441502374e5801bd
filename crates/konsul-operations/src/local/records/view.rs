//! What is watched, and what an entry changed of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konsul_filter::Filter;
use konsul_types::{
    Change, ChangeSet, Check, CheckId, CheckStatus, Index, Namespace, NodeName, Service, ServiceName,
};

use super::past::{InstanceKey, Past};
use crate::answer::{Instance, ServiceSummary};
use crate::error::Error;
use crate::filters::{self, EntryView};
use crate::local::nodes::has_meta;
use crate::local::summaries::whole;
use crate::watch::{Record, RecordKind, RecordSelect, ServiceSelect};

/// What is watched, ready to be compared.
pub(super) struct View {
    pub(super) select: RecordSelect,
    pub(super) namespace: Namespace,
    filter: Option<Filter>,
    datacenter: String,
}

/// A difference before it is known whether its reader may see it.
pub(super) struct Difference {
    pub(super) kind: RecordKind,
    pub(super) record: Record,
    pub(super) old: Option<Record>,
}

/// A check's node, folded, its namespace and id.
type CheckKey = (NodeName, Namespace, CheckId);

/// A check as it was and as it is.
type OldNew = (Option<Arc<Check>>, Option<Arc<Check>>);

impl View {
    pub(super) fn new(select: RecordSelect, namespace: Namespace, datacenter: String) -> Result<View, Error> {
        let filter = match &select {
            RecordSelect::Service(of) => filters::compile(&of.filter, &filters::ENTRY)?,
            _ => None,
        };
        Ok(View { select, namespace, filter, datacenter })
    }

    /// Whether a change by itself does not say what became different.
    pub(super) fn needs_past(&self) -> bool {
        !matches!(self.select, RecordSelect::Checks(_) | RecordSelect::Events(_))
    }

    /// What an entry changed of what it is about, in an order that depends on nothing but the entry.
    pub(super) fn differences(&self, past: Option<&Past>, set: &ChangeSet) -> Vec<Difference> {
        match (&self.select, past) {
            (RecordSelect::Checks(status), _) => self.of_checks(set, *status),
            (RecordSelect::Events(_), _) => set.changes.iter().filter_map(fired).collect(),
            (RecordSelect::Service(of), Some(past)) => self.of_instances(past, set, of),
            (RecordSelect::Services, Some(past)) => self.of_services(past, set),
            (RecordSelect::Node(name), Some(past)) => self.of_node(past, set, name),
            (_, None) => Vec::new(),
        }
    }

    fn of_instances(&self, past: &Past, set: &ChangeSet, of: &ServiceSelect) -> Vec<Difference> {
        let (before, after) = around(set);
        let name = of.name.folded();
        let named = |service: &Service| service.namespace == self.namespace && service.name.folded() == name;
        let mut concerned = BTreeSet::new();
        for change in &set.changes {
            self.concerned(past, change, &named, &mut concerned);
        }
        let at = |key: &InstanceKey, index| {
            past.instance(&self.namespace, key, index).filter(|one| named(&one.service))
        };
        let differences = concerned.iter().filter_map(|key| {
            let (old, new) = (at(key, before), at(key, after));
            difference(old, new, |one| self.holds(of, one), |one| Record::Instance(Box::new(one)))
        });
        differences.collect()
    }

    /// The instances of which an entry's change may tell something else.
    fn concerned(
        &self,
        past: &Past,
        change: &Change,
        named: &dyn Fn(&Service) -> bool,
        into: &mut BTreeSet<InstanceKey>,
    ) {
        match change {
            Change::Service { old, new } => {
                let of = old.iter().chain(new).find(|one| named(one));
                into.extend(of.map(|one| (one.node.folded(), one.id.clone())));
            }
            Change::Check { node, old, new, .. } => {
                for check in old.iter().chain(new) {
                    match &check.service {
                        Some(of) if check.namespace == self.namespace => {
                            into.insert((node.folded(), of.id.clone()));
                        }
                        Some(_) => {}
                        None => into.extend(past.ever_on(&self.namespace, node)),
                    }
                }
            }
            Change::Node { name, .. } => into.extend(past.ever_on(&self.namespace, name)),
            _ => {}
        }
    }

    /// Whether an instance is one of those that are asked for.
    pub(super) fn holds(&self, of: &ServiceSelect, one: &Instance) -> bool {
        of.tags.iter().all(|tag| one.service.tags.has(tag))
            && has_meta(&one.node, &of.node_meta)
            && !(of.passing && one.status() != CheckStatus::Passing)
            && self.filter.as_ref().is_none_or(|f| f.matches(&EntryView::of(one, &self.datacenter)))
    }

    pub(super) fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    pub(super) fn datacenter(&self) -> &str {
        &self.datacenter
    }

    fn of_services(&self, past: &Past, set: &ChangeSet) -> Vec<Difference> {
        let (before, after) = around(set);
        let concerned = set.changes.iter().filter_map(|change| match change {
            Change::Instances { namespace, name, passing: true } if *namespace == self.namespace => {
                Some(name)
            }
            _ => None,
        });
        let at = |name: &ServiceName, index| summary(&past.instances(&self.namespace, name, index));
        let differences = concerned.filter_map(|name| {
            let record = |one| Record::Service(Box::new(one));
            difference(at(name, before), at(name, after), |_| true, record)
        });
        differences.collect()
    }

    fn of_node(&self, past: &Past, set: &ChangeSet, name: &NodeName) -> Vec<Difference> {
        let (before, after) = around(set);
        let folded = name.folded();
        let mut differences = Vec::new();
        let record = difference(past.node(name, before), past.node(name, after), |_| true, Record::Node);
        differences.extend(record);
        differences.extend(of_each(self.changed_checks(set).filter_map(|(key, (old, new))| {
            let own = |check: Option<Arc<Check>>| check.filter(|check| check.service.is_none());
            (key.0 == folded).then(|| (own(old), own(new)))
        })));
        let mut concerned = BTreeSet::new();
        for change in &set.changes {
            self.concerned(past, change, &|one| one.namespace == self.namespace, &mut concerned);
        }
        for key in concerned.iter().filter(|(node, _)| *node == folded) {
            let at = |index| past.instance(&self.namespace, key, index);
            let record = |one| Record::Instance(Box::new(one));
            differences.extend(difference(at(before), at(after), |_| true, record));
        }
        differences
    }

    fn of_checks(&self, set: &ChangeSet, status: Option<CheckStatus>) -> Vec<Difference> {
        let stands = |check: &Arc<Check>| status.is_none_or(|status| check.status == status);
        let changed = self.changed_checks(set);
        changed.filter_map(|(_, (old, new))| difference(old, new, stands, Record::Check)).collect()
    }

    /// Each check of the namespace that an entry changed, as it was and as it is.
    fn changed_checks(&self, set: &ChangeSet) -> impl Iterator<Item = (CheckKey, OldNew)> + use<> {
        let mut changed: BTreeMap<CheckKey, OldNew> = BTreeMap::new();
        for change in &set.changes {
            let Change::Check { node, id, old, new } = change else { continue };
            let Some(one) = old.as_ref().or(new.as_ref()) else { continue };
            let key = (node.folded(), one.namespace.clone(), id.clone());
            changed.entry(key).or_insert_with(|| (old.clone(), None)).1.clone_from(new);
        }
        let namespace = self.namespace.clone();
        changed.into_iter().map(move |(key, (old, new))| {
            let seen = |check: &Arc<Check>| check.service.is_none() || check.namespace == namespace;
            (key, (old.filter(&seen), new.filter(&seen)))
        })
    }
}

/// The last entry before a set, and its own.
fn around(set: &ChangeSet) -> (Index, Index) {
    (Index(set.index.0.saturating_sub(1)), set.index)
}

fn of_each(pairs: impl Iterator<Item = OldNew>) -> impl Iterator<Item = Difference> {
    pairs.filter_map(|(old, new)| difference(old, new, |_| true, Record::Check))
}

fn fired(change: &Change) -> Option<Difference> {
    match change {
        Change::Event(event) => {
            let record = Record::Event(Arc::clone(event));
            Some(Difference { kind: RecordKind::Fired, record, old: None })
        }
        _ => None,
    }
}

/// What became different of one record for who watches those of which something holds.
fn difference<T: PartialEq>(
    old: Option<T>,
    new: Option<T>,
    holds: impl Fn(&T) -> bool,
    record: impl Fn(T) -> Record,
) -> Option<Difference> {
    let there = |one: &Option<T>| one.as_ref().is_some_and(&holds);
    let kind = match (there(&old), there(&new)) {
        (false, false) => return None,
        (true, true) if old == new => return None,
        (true, true) => RecordKind::Changed,
        (false, true) if old.is_some() => RecordKind::Entered,
        (false, true) => RecordKind::Added,
        (true, false) if new.is_some() => RecordKind::Left,
        (true, false) => RecordKind::Removed,
    };
    let old = old.map(&record);
    let (record, old) = match new.map(record) {
        Some(new) => (new, old),
        None => (old.clone()?, old),
    };
    Some(Difference { kind, record, old })
}

/// A service as a whole; `None` without instances.
pub(super) fn summary(instances: &[Instance]) -> Option<ServiceSummary> {
    whole(instances.iter().map(|one| (&*one.service, Some(one.status()))))
}
