//! Which services an entry concerned: their indexes move, and the feed hears of each once.

use std::collections::BTreeMap;

use konsul_types::{Change, Check, Namespace, NodeName, Service, ServiceName};

use crate::mutants;
use crate::state::State;

/// Services concerned, and whether it matters to who is told of passing instances only.
type Touched = BTreeMap<(Namespace, ServiceName), bool>;

impl State {
    /// Derives from what an entry changed which services callers are told something else of.
    pub(crate) fn settle_services(&mut self, changes: &mut Vec<Change>) {
        let mut touched = Touched::new();
        for change in changes.iter() {
            match change {
                Change::Service { old, new } => {
                    [old, new].into_iter().flatten().for_each(|service| touch(&mut touched, service, true));
                }
                Change::Check { node, old, new, .. } => {
                    self.touch_of_check(&mut touched, node, old.as_deref(), new.as_deref());
                }
                // A node that goes takes its instances along, and they are changes of their own.
                Change::Node { name, new: Some(_), .. } => self.touch_all_on(&mut touched, name, true),
                _ => {}
            }
        }
        for ((namespace, name), passing) in touched {
            self.move_group(&namespace, &name, passing);
            changes.push(Change::Instances { namespace, name, passing });
        }
    }

    fn touch_of_check(
        &self,
        touched: &mut Touched,
        node: &NodeName,
        old: Option<&Check>,
        new: Option<&Check>,
    ) {
        let owner = |check: &Check| check.service.as_ref().map(|service| service.id.clone());
        // A check that becomes another owner's concerns both.
        let passing =
            old.map(|check| (check.status, owner(check))) != new.map(|check| (check.status, owner(check)));
        let passing = passing || mutants::active(mutants::OUTPUT_IS_NEWS);
        for check in [old, new].into_iter().flatten() {
            match &check.service {
                Some(service) => {
                    let key = (check.namespace.clone(), service.name.folded());
                    *touched.entry(key).or_default() |= passing;
                }
                None if mutants::active(mutants::NODE_CHECK_IS_NO_NEWS) => {}
                None => self.touch_all_on(touched, node, passing),
            }
        }
    }

    fn touch_all_on(&self, touched: &mut Touched, node: &NodeName, passing: bool) {
        self.catalog.services_on(node).for_each(|service| touch(touched, service, passing));
    }

    fn move_group(&mut self, namespace: &Namespace, name: &ServiceName, passing: bool) {
        let key = (namespace.clone(), name.clone());
        let Some(group) = self.catalog.groups.get_mut(&key) else { return };
        group.changed = self.index;
        if passing {
            group.passing_changed = self.index;
        }
        if group.instances == 0 {
            self.catalog.groups.remove(&key);
            self.catalog.extinct.insert(namespace.clone(), self.index);
        }
    }
}

fn touch(touched: &mut Touched, service: &Service, passing: bool) {
    *touched.entry((service.namespace.clone(), service.name.folded())).or_default() |= passing;
}
