//! Registration: a node, an instance, checks; all or none, and nothing if nothing is different.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konsul_types::node::SERF_HEALTH;
use konsul_types::{
    Change, Check, CheckId, CheckResult, CheckStatus, CheckedService, Namespace, Node, NodeName, Outcome,
    Refusal, Registration, Service,
};
use smol_str::SmolStr;

use super::{CHECKS_MAX, CHECKS_OF_ONE_MAX, INSTANCES_MAX, NODES_MAX, OwnerKey, check_key, owner_key};
use crate::mutants;
use crate::state::State;

impl State {
    pub(super) fn register(&mut self, wanted: &Registration, changes: &mut Vec<Change>) -> Outcome {
        let wanted = &*on_its_node(wanted);
        if let Err(refusal) = self.may_register(wanted) {
            return Outcome::Refused(refusal);
        }
        let known = self.catalog.node(&wanted.node.name).is_some();
        if !(wanted.skip_node_update && known) {
            self.register_node(&wanted.node, changes);
        }
        if let Some(service) = &wanted.service {
            self.write_service(service, changes);
            if wanted.replace_checks {
                self.drop_unnamed_checks(service, &wanted.checks, changes);
            }
        }
        for check in &wanted.checks {
            self.write_check(check, changes);
        }
        Outcome::Done
    }

    /// Everything that could be refused, before anything is written.
    fn may_register(&self, wanted: &Registration) -> Result<(), Refusal> {
        let keeps_node = wanted.skip_node_update && self.catalog.node(&wanted.node.name).is_some();
        if !keeps_node {
            self.may_take_name(&wanted.node)?;
        }
        if let Some(service) = &wanted.service {
            self.may_add_service(service)?;
        }
        wanted.checks.iter().try_for_each(|check| self.may_add_check(check, wanted.service.as_ref()))?;
        self.may_hold_checks(wanted)
    }

    /// Each owner may have as many checks as it will have after a registration. Counted over all that come together: each
    /// alone would find room.
    fn may_hold_checks(&self, wanted: &Registration) -> Result<(), Refusal> {
        if mutants::active(mutants::CHECKS_COUNTED_APART) {
            return wanted.checks.iter().try_for_each(|check| self.may_hold_check(check));
        }
        let mut owners: BTreeMap<OwnerKey, BTreeSet<&CheckId>> = BTreeMap::new();
        for check in &wanted.checks {
            owners.entry(owner_key(check)).or_default().insert(&check.id);
        }
        let replaced = wanted.service.as_ref().filter(|_| wanted.replace_checks).map(owner_key_of);
        for (owner, named) in owners {
            let (node, namespace, id) = &owner;
            let had = self.catalog.checks_under(node, namespace, id.clone());
            let (had, kept) = had
                .fold((0, 0), |(had, kept), check| (had + 1, kept + usize::from(!named.contains(&check.id))));
            let kept = if replaced.as_ref() == Some(&owner) { 0 } else { kept };
            let will = named.len() + kept;
            if will > had {
                room("checks of one node or instance", will - 1, CHECKS_OF_ONE_MAX as u64)?;
            }
        }
        Ok(())
    }

    /// A name that belongs to another node which is well is not taken from it; see [`Refusal::NodeNameTaken`].
    fn may_take_name(&self, wanted: &Node) -> Result<(), Refusal> {
        if self.feature_level < 3 {
            return Ok(());
        }
        let Some(found) = self.catalog.node(&wanted.name) else {
            let renamed = wanted.id.is_some_and(|id| self.catalog.name_of_id(&id).is_some());
            return if renamed { Ok(()) } else { room("nodes", self.catalog.nodes.len(), NODES_MAX) };
        };
        let Some(wanted_id) = wanted.id.filter(|id| found.id != Some(*id)) else {
            return Ok(());
        };
        // A node without an id may be given one, unless that is the id of another node which would take this name over.
        let moves = self.catalog.name_of_id(&wanted_id).is_some();
        if (found.id.is_none() && !moves) || !self.is_well(found) {
            return Ok(());
        }
        Err(Refusal::NodeNameTaken {
            name: wanted.name.to_string(),
            id: found.id.map(|id| id.to_string()).unwrap_or_default(),
            address: found.address.clone(),
        })
    }

    /// Whether a node's agent is there. One without that check is somebody else's registration, which may be replaced.
    fn is_well(&self, node: &Node) -> bool {
        let id = CheckId::new(SERF_HEALTH).expect("a fixed, good name");
        let check = self.catalog.check_of(&node.name, &Namespace::default_namespace(), &id);
        check.is_some_and(|check| check.status != CheckStatus::Critical)
    }

    fn may_add_service(&self, service: &Service) -> Result<(), Refusal> {
        if self.catalog.service(&service.node, &service.namespace, &service.id).is_some() {
            return Ok(());
        }
        room("instances of services", self.catalog.services.len(), INSTANCES_MAX)
    }

    fn may_add_check(&self, check: &Check, with: Option<&Service>) -> Result<(), Refusal> {
        if let Some(of) = &check.service {
            let comes =
                with.is_some_and(|service| service.id == of.id && service.namespace == check.namespace);
            if !comes && self.catalog.service(&check.node, &check.namespace, &of.id).is_none() {
                return Err(Refusal::MissingService);
            }
        }
        match self.catalog.check_of(&check.node, &check.namespace, &check.id) {
            Some(_) => Ok(()),
            None => room("checks", self.catalog.checks.len(), CHECKS_MAX),
        }
    }

    /// Whether one more check may be its owner's.
    fn may_hold_check(&self, check: &Check) -> Result<(), Refusal> {
        let owner = owner_key(check);
        // One that becomes another owner's is new to that one.
        if self
            .catalog
            .check_of(&check.node, &check.namespace, &check.id)
            .is_some_and(|old| owner_key(old) == owner)
        {
            return Ok(());
        }
        let siblings = self.catalog.checks_under(&owner.0, &owner.1, owner.2).count();
        room("checks of one node or instance", siblings, CHECKS_OF_ONE_MAX as u64)
    }

    pub(super) fn register_node(&mut self, wanted: &Node, changes: &mut Vec<Change>) -> Outcome {
        if let Err(refusal) = self.may_take_name(wanted) {
            return Outcome::Refused(refusal);
        }
        self.give_up_name(wanted, changes);
        let old = self.catalog.node(&wanted.name).cloned();
        // Who registers without an id does not take away the one that is known. Older logs did.
        let known = old.as_ref().and_then(|old| old.id).filter(|_| self.feature_level >= 3);
        let id = wanted.id.or(known);
        let wanted = Node { id, ..wanted.clone() };
        if old.as_ref().is_some_and(|old| old.same_as(&wanted)) {
            return Outcome::Done;
        }
        let create_index = self.made_at(old.map(|old| old.create_index));
        let node = Node { create_index, modify_index: self.index, ..wanted };
        self.put_node(&node.name.clone(), Some(node), changes);
        Outcome::Done
    }

    /// An id that comes under a new name renames its node: what was known under the old name goes. Older logs knew nodes by
    /// their names alone.
    fn give_up_name(&mut self, wanted: &Node, changes: &mut Vec<Change>) {
        let known = wanted.id.and_then(|id| self.catalog.name_of_id(&id)).cloned();
        let renamed = known.filter(|name| *name != wanted.name.folded() && self.feature_level >= 3);
        if let Some(name) = renamed {
            self.deregister_node(&name, changes);
        }
    }

    /// A check that stands alone: of a node that must be there.
    pub(super) fn register_check(&mut self, wanted: &Check, changes: &mut Vec<Change>) -> Outcome {
        if self.catalog.node(&wanted.node).is_none() {
            return Outcome::Refused(Refusal::MissingNode);
        }
        if let Err(refusal) = self.may_add_check(wanted, None).and_then(|()| self.may_hold_check(wanted)) {
            return Outcome::Refused(refusal);
        }
        self.write_check(wanted, changes);
        Outcome::Done
    }

    pub(super) fn write_service(&mut self, wanted: &Service, changes: &mut Vec<Change>) {
        let node = self.spelled(&wanted.node);
        let old = self.catalog.service(&node, &wanted.namespace, &wanted.id).cloned();
        let own = old.as_ref().map(|old| &old.tags).filter(|tags| **tags == wanted.tags);
        let tags = own.cloned().unwrap_or_else(|| self.catalog.shared_tags(wanted));
        let wanted = &Service { node, tags, ..wanted.clone() };
        let same = old.as_ref().is_some_and(|old| old.same_as(wanted));
        if same && !mutants::active(mutants::WRITES_EQUAL) {
            return;
        }
        let create_index = self.made_at(old.as_ref().map(|old| old.create_index));
        let service = Service { create_index, modify_index: self.index, ..wanted.clone() };
        let retold = old.is_some_and(|old| old.name != service.name || old.tags != service.tags);
        self.put_service(wanted, Some(service), changes);
        if retold {
            self.retell_checks(wanted, changes);
        }
    }

    /// A node's name as its record spells it.
    fn spelled(&self, node: &NodeName) -> NodeName {
        self.catalog.node(node).map_or_else(|| node.clone(), |node| node.name.clone())
    }

    /// The checks of an instance say its name and tags as they are now.
    fn retell_checks(&mut self, service: &Service, changes: &mut Vec<Change>) {
        let checks = self.catalog.checks_of(service).cloned().collect::<Vec<_>>();
        for check in checks {
            self.write_check(&check, changes);
        }
    }

    fn drop_unnamed_checks(&mut self, service: &Service, named: &[Check], changes: &mut Vec<Change>) {
        let is_named = |check: &Arc<Check>| {
            named.iter().any(|wanted| wanted.id == check.id && wanted.namespace == check.namespace)
        };
        let gone: Vec<_> =
            self.catalog.checks_of(service).filter(|check| !is_named(check)).cloned().collect();
        gone.iter().for_each(|check| self.remove_check(check, changes));
    }

    /// Writes a check whose node and instance are there.
    pub(super) fn write_check(&mut self, wanted: &Check, changes: &mut Vec<Change>) {
        let old = self.catalog.check_of(&wanted.node, &wanted.namespace, &wanted.id).cloned();
        let (service, node) = (self.checked(wanted), self.spelled(&wanted.node));
        let mut wanted = Check { service, node, ..wanted.clone() };
        if old.as_ref().is_some_and(|old| old.same_as(&wanted)) {
            return;
        }
        wanted.create_index = self.made_at(old.map(|old| old.create_index));
        wanted.modify_index = self.index;
        self.put_check(&wanted.clone(), Some(wanted.clone()), changes);
        if ends_sessions(wanted.status) {
            self.end_sessions_of_check(&wanted, changes);
        }
    }

    /// The instance of a check as it is stored.
    fn checked(&self, check: &Check) -> Option<CheckedService> {
        let of = check.service.as_ref()?;
        let stored = self.catalog.service(&check.node, &check.namespace, &of.id)?;
        let (id, name, tags) = (stored.id.clone(), stored.name.clone(), stored.tags.clone());
        Some(CheckedService { id, name, tags })
    }

    pub(super) fn check_results(&mut self, results: &[CheckResult], changes: &mut Vec<Change>) -> Outcome {
        Outcome::Each(results.iter().map(|result| self.check_result(result, changes).err()).collect())
    }

    fn check_result(&mut self, result: &CheckResult, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        let key = check_key(&result.node, &result.namespace, &result.id);
        let Some(old) = self.catalog.checks.get(&key).cloned() else {
            return Err(Refusal::UnknownCheck { id: result.id.to_string() });
        };
        let output: SmolStr = result.output.clone();
        self.write_check(&Check { status: result.status, output, ..(*old).clone() }, changes);
        Ok(())
    }
}

/// What comes with a node is on that node, whatever it says itself: nothing else in the entry vouches for another one.
fn on_its_node(wanted: &Registration) -> Cow<'_, Registration> {
    let node = &wanted.node.name;
    let is_there = wanted.service.iter().map(|service| &service.node).all(|name| name == node)
        && wanted.checks.iter().all(|check| check.node == *node);
    if is_there {
        return Cow::Borrowed(wanted);
    }
    let mut placed = wanted.clone();
    placed.service.iter_mut().for_each(|service| service.node = node.clone());
    placed.checks.iter_mut().for_each(|check| check.node = node.clone());
    Cow::Owned(placed)
}

fn ends_sessions(status: CheckStatus) -> bool {
    match status {
        CheckStatus::Passing => false,
        CheckStatus::Warning => mutants::active(mutants::WARNING_ENDS_SESSIONS),
        CheckStatus::Critical => !mutants::active(mutants::CRITICAL_KEEPS_SESSIONS),
    }
}

fn owner_key_of(service: &Service) -> OwnerKey {
    (service.node.folded(), service.namespace.clone(), service.id.shared())
}

fn room(what: &str, have: usize, limit: u64) -> Result<(), Refusal> {
    if (have as u64) < limit { Ok(()) } else { Err(Refusal::CatalogFull { what: what.into(), limit }) }
}
