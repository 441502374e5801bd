//! The catalogue: three maps, of nodes, instances and checks, and the plain meaning of what is asked of them.
//!
//! Names are compared without regard to case, so the maps are keyed by lower case; what a record says stays as it was
//! written. Nothing is derived or kept beside the records but when what was told of what last became different, see
//! [`super::services`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konsul_types::catalog::CheckResult;
use konsul_types::{
    CatalogCommand, Change, Check, CheckId, CheckStatus, CheckedService, Index, Namespace, Node, NodeName,
    Outcome, Refusal, Registration, Service, ServiceId,
};

use super::Model;

/// Node in lower case, namespace, id.
pub(super) type Spot = (String, Namespace, String);

/// Most checks of one node itself or of one instance.
pub const CHECKS_OF_ONE: usize = 256;

/// Nodes, instances, checks.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue {
    pub(super) nodes: BTreeMap<String, Arc<Node>>,
    pub(super) services: BTreeMap<Spot, Arc<Service>>,
    pub(super) checks: BTreeMap<Spot, Arc<Check>>,
}

pub(super) fn lower(node: &NodeName) -> String {
    node.as_str().to_ascii_lowercase()
}

pub(super) fn spot_of_check(check: &Check) -> Spot {
    (lower(&check.node), check.namespace.clone(), check.id.to_string())
}

pub(super) fn spot_of_service(service: &Service) -> Spot {
    (lower(&service.node), service.namespace.clone(), service.id.to_string())
}

impl Catalogue {
    pub(super) fn node(&self, name: &NodeName) -> Option<&Arc<Node>> {
        self.nodes.get(&lower(name))
    }

    pub(super) fn service(&self, node: &NodeName, ns: &Namespace, id: &ServiceId) -> Option<&Arc<Service>> {
        self.services.get(&(lower(node), ns.clone(), id.to_string()))
    }

    pub(super) fn check(&self, node: &NodeName, ns: &Namespace, id: &CheckId) -> Option<&Arc<Check>> {
        self.checks.get(&(lower(node), ns.clone(), id.to_string()))
    }

    /// The checks of an instance, by id.
    pub(super) fn of_service(&self, service: &Service) -> Vec<Arc<Check>> {
        let on = lower(&service.node);
        let own = |check: &&Arc<Check>| {
            let of = check.service.as_ref().is_some_and(|of| of.id == service.id);
            of && lower(&check.node) == on && check.namespace == service.namespace
        };
        self.checks.values().filter(own).cloned().collect()
    }

    /// The checks of a node itself, by id.
    pub(super) fn of_node(&self, node: &NodeName) -> Vec<Arc<Check>> {
        let on = lower(node);
        let own = |check: &&Arc<Check>| check.service.is_none() && lower(&check.node) == on;
        self.checks.values().filter(own).cloned().collect()
    }

    fn name_of_id(&self, wanted: &Node) -> Option<&Arc<Node>> {
        self.nodes.values().find(|node| wanted.id.is_some() && node.id == wanted.id)
    }

    fn spelled(&self, node: &NodeName) -> NodeName {
        self.node(node).map_or_else(|| node.clone(), |node| node.name.clone())
    }
}

impl Model {
    pub(super) fn catalog(&mut self, command: &CatalogCommand, changes: &mut Vec<Change>) -> Outcome {
        let default = Namespace::default_namespace();
        match command {
            CatalogCommand::RegisterNode { node } => said(self.register_node(node, changes)),
            CatalogCommand::RegisterCheck { check } => {
                said(self.register_check(&Check::from(check.clone()), changes))
            }
            CatalogCommand::Register(wanted) => said(self.register(wanted, changes)),
            CatalogCommand::DeregisterNode { name } => self.drop_node(name, changes),
            CatalogCommand::DeregisterService { node, namespace, id } => {
                self.drop_service(node, namespace, id, changes)
            }
            CatalogCommand::DeregisterCheck { node, id } => self.drop_check_of(node, &default, id, changes),
            CatalogCommand::DeregisterCheckOf { node, namespace, id } => {
                self.drop_check_of(node, namespace, id, changes)
            }
            CatalogCommand::Results(results) => {
                let each = results.iter().map(|result| self.result(result, changes).err());
                Outcome::Each(each.collect())
            }
            CatalogCommand::Each(commands) => {
                let each = commands.iter().map(|one| self.catalog(one, changes).refusal().cloned());
                Outcome::Each(each.collect())
            }
            CatalogCommand::Coordinates(_) => unreachable!("no client sends coordinates"),
        }
    }

    fn register(&mut self, wanted: &Registration, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        let keeps = wanted.skip_node_update && self.catalogue.node(&wanted.node.name).is_some();
        if !keeps {
            self.may_take_name(&wanted.node)?;
        }
        let with = wanted.service.as_ref();
        wanted.checks.iter().try_for_each(|check| self.instance_is_there(check, with))?;
        self.are_few_enough(wanted)?;
        if !keeps {
            self.register_node(&wanted.node, changes)?;
        }
        if let Some(service) = with {
            self.write_service(service, changes);
            let named = |check: &Check| {
                wanted.checks.iter().any(|one| one.id == check.id && one.namespace == check.namespace)
            };
            let own = self.catalogue.of_service(service);
            let gone = own.iter().filter(|check| wanted.replace_checks && !named(check));
            gone.for_each(|check| self.drop_check(check, changes));
        }
        wanted.checks.iter().for_each(|check| self.write_check(check, changes));
        Ok(())
    }

    fn instance_is_there(&self, check: &Check, with: Option<&Service>) -> Result<(), Refusal> {
        let Some(of) = &check.service else { return Ok(()) };
        let comes = with.is_some_and(|one| one.id == of.id && one.namespace == check.namespace);
        let there = self.catalogue.service(&check.node, &check.namespace, &of.id).is_some();
        if comes || there { Ok(()) } else { Err(Refusal::MissingService) }
    }

    /// As many checks as each owner will have must be allowed, unless they do not become more.
    fn are_few_enough(&self, wanted: &Registration) -> Result<(), Refusal> {
        for check in &wanted.checks {
            let owner = check.service.as_ref().map(|of| &of.id);
            let on = lower(&check.node);
            let alike = |one: &Check| {
                let same = one.service.as_ref().map(|of| &of.id) == owner;
                same && lower(&one.node) == on && one.namespace == check.namespace
            };
            let had: BTreeSet<String> = self
                .catalogue
                .checks
                .values()
                .filter(|one| alike(one))
                .map(|one| one.id.to_string())
                .collect();
            let asked = wanted.checks.iter().filter(|one| alike(one)).map(|one| one.id.to_string());
            let mut will: BTreeSet<String> = asked.collect();
            let replaced = wanted.replace_checks && owner == wanted.service.as_ref().map(|one| &one.id);
            if !(replaced && owner.is_some()) {
                will.extend(had.iter().cloned());
            }
            if will.len() > CHECKS_OF_ONE && will.len() > had.len() {
                return Err(too_many_checks());
            }
        }
        Ok(())
    }

    fn may_take_name(&self, wanted: &Node) -> Result<(), Refusal> {
        let Some(found) = self.catalogue.node(&wanted.name) else { return Ok(()) };
        if wanted.id.is_none() || wanted.id == found.id {
            return Ok(());
        }
        let is_new = self.catalogue.name_of_id(wanted).is_none();
        let serf = CheckId::new("serfHealth").expect("a good name");
        let check = self.catalogue.check(&found.name, &Namespace::default_namespace(), &serf);
        let is_well = check.is_some_and(|check| check.status != CheckStatus::Critical);
        if (found.id.is_none() && is_new) || !is_well {
            return Ok(());
        }
        Err(Refusal::NodeNameTaken {
            name: wanted.name.to_string(),
            id: found.id.map(|id| id.to_string()).unwrap_or_default(),
            address: found.address.clone(),
        })
    }

    /// A node known by its id under another name is renamed: the old name goes, with everything on it.
    pub(super) fn register_node(&mut self, wanted: &Node, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        self.may_take_name(wanted)?;
        let before = self.catalogue.name_of_id(wanted).map(|node| node.name.clone());
        if let Some(before) = before.filter(|name| lower(name) != lower(&wanted.name)) {
            self.drop_node(&before, changes);
        }
        let old = self.catalogue.node(&wanted.name).cloned();
        let id = wanted.id.or(old.as_ref().and_then(|old| old.id));
        let (create_index, modify_index) = self.stamps(old.as_ref().map(|old| old.create_index));
        let new = Node { id, create_index, modify_index, ..wanted.clone() };
        let same = |old: &Arc<Node>| Node { modify_index: old.modify_index, ..new.clone() } == **old;
        if !old.as_ref().is_some_and(same) {
            self.set_node(&wanted.name, Some(new), changes);
        }
        Ok(())
    }

    pub(super) fn register_check(
        &mut self,
        wanted: &Check,
        changes: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        if self.catalogue.node(&wanted.node).is_none() {
            return Err(Refusal::MissingNode);
        }
        self.instance_is_there(wanted, None)?;
        let owner = wanted.service.as_ref().map(|of| &of.id);
        let siblings = self.catalogue.checks.values().filter(|one| {
            let same = one.service.as_ref().map(|of| &of.id) == owner;
            same && lower(&one.node) == lower(&wanted.node) && one.namespace == wanted.namespace
        });
        let siblings: BTreeSet<&CheckId> = siblings.map(|one| &one.id).collect();
        if siblings.len() >= CHECKS_OF_ONE && !siblings.contains(&wanted.id) {
            return Err(too_many_checks());
        }
        self.write_check(wanted, changes);
        Ok(())
    }

    /// Writes an instance unless it says the same. Its checks say its name and tags as they are now.
    pub(super) fn write_service(&mut self, wanted: &Service, changes: &mut Vec<Change>) {
        let node = self.catalogue.spelled(&wanted.node);
        let old = self.catalogue.service(&node, &wanted.namespace, &wanted.id).cloned();
        let (create_index, modify_index) = self.stamps(old.as_ref().map(|old| old.create_index));
        let new = Service { node, create_index, modify_index, ..wanted.clone() };
        let same = |old: &Arc<Service>| Service { modify_index: old.modify_index, ..new.clone() } == **old;
        if old.as_ref().is_some_and(same) {
            return;
        }
        let new = Arc::new(new);
        self.catalogue.services.insert(spot_of_service(&new), new.clone());
        changes.push(Change::Service { old: old.clone(), new: Some(new.clone()) });
        if old.is_some_and(|old| (&old.name, &old.tags) != (&new.name, &new.tags)) {
            let own = self.catalogue.of_service(&new);
            own.iter().for_each(|check| self.write_check(check, changes));
        }
    }

    /// Writes a check unless it says the same. A critical one ends the sessions that lean on it.
    pub(super) fn write_check(&mut self, wanted: &Check, changes: &mut Vec<Change>) {
        let node = self.catalogue.spelled(&wanted.node);
        let old = self.catalogue.check(&node, &wanted.namespace, &wanted.id).cloned();
        let of = wanted.service.as_ref();
        let stored = of.and_then(|of| self.catalogue.service(&node, &wanted.namespace, &of.id));
        let service = stored.map(|one| CheckedService {
            id: one.id.clone(),
            name: one.name.clone(),
            tags: one.tags.clone(),
        });
        let (create_index, modify_index) = self.stamps(old.as_ref().map(|old| old.create_index));
        let new = Check { node, service, create_index, modify_index, ..wanted.clone() };
        let same = |old: &Arc<Check>| Check { modify_index: old.modify_index, ..new.clone() } == **old;
        if old.as_ref().is_some_and(same) {
            return;
        }
        let new = Arc::new(new);
        self.catalogue.checks.insert(spot_of_check(&new), new.clone());
        let (node, id) = (new.node.clone(), new.id.clone());
        changes.push(Change::Check { node, id, old, new: Some(new.clone()) });
        if new.status == CheckStatus::Critical {
            self.end_leaning_on(&new, changes);
        }
    }

    fn result(&mut self, result: &CheckResult, changes: &mut Vec<Change>) -> Result<(), Refusal> {
        let found = self.catalogue.check(&result.node, &result.namespace, &result.id).cloned();
        let old = found.ok_or_else(|| Refusal::UnknownCheck { id: result.id.to_string() })?;
        let new = Check { status: result.status, output: result.output.clone(), ..(*old).clone() };
        self.write_check(&new, changes);
        Ok(())
    }

    pub(super) fn drop_node(&mut self, name: &NodeName, changes: &mut Vec<Change>) -> Outcome {
        let Some(node) = self.catalogue.node(name).cloned() else { return Outcome::Done };
        let on = lower(name);
        let checks: Vec<_> = self.catalogue.checks.iter().filter(|((at, ..), _)| *at == on).collect();
        let checks: Vec<Arc<Check>> = checks.into_iter().map(|(_, check)| check.clone()).collect();
        checks.iter().for_each(|check| self.unset_check(check, changes));
        let here = self.catalogue.services.iter().filter(|((at, ..), _)| *at == on);
        let services: Vec<Arc<Service>> = here.map(|(_, service)| service.clone()).collect();
        services.iter().for_each(|service| self.unset_service(service, changes));
        for (namespace, id) in self.sessions_on(name) {
            self.end(&namespace, id, changes);
        }
        self.set_node(&node.name, None, changes);
        Outcome::Done
    }

    pub(super) fn drop_service(
        &mut self,
        node: &NodeName,
        namespace: &Namespace,
        id: &ServiceId,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if let Some(service) = self.catalogue.service(node, namespace, id).cloned() {
            let own = self.catalogue.of_service(&service);
            own.iter().for_each(|check| self.drop_check(check, changes));
            self.unset_service(&service, changes);
        }
        Outcome::Done
    }

    pub(super) fn drop_check_of(
        &mut self,
        node: &NodeName,
        namespace: &Namespace,
        id: &CheckId,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if let Some(check) = self.catalogue.check(node, namespace, id).cloned() {
            self.drop_check(&check, changes);
        }
        Outcome::Done
    }

    fn drop_check(&mut self, check: &Check, changes: &mut Vec<Change>) {
        self.unset_check(check, changes);
        self.end_leaning_on(check, changes);
    }

    fn unset_check(&mut self, check: &Check, changes: &mut Vec<Change>) {
        let old = self.catalogue.checks.remove(&spot_of_check(check));
        changes.push(Change::Check { node: check.node.clone(), id: check.id.clone(), old, new: None });
    }

    fn unset_service(&mut self, service: &Service, changes: &mut Vec<Change>) {
        let old = self.catalogue.services.remove(&spot_of_service(service));
        changes.push(Change::Service { old, new: None });
    }

    fn set_node(&mut self, name: &NodeName, new: Option<Node>, changes: &mut Vec<Change>) {
        let new = new.map(Arc::new);
        let old = match &new {
            Some(node) => self.catalogue.nodes.insert(lower(name), node.clone()),
            None => self.catalogue.nodes.remove(&lower(name)),
        };
        changes.push(Change::Node { name: name.clone(), old, new });
    }

    /// When a record was made and last changed, if it is written now.
    fn stamps(&self, made: Option<Index>) -> (Index, Index) {
        (made.unwrap_or(self.index), self.index)
    }
}

fn too_many_checks() -> Refusal {
    Refusal::CatalogFull { what: "checks of one node or instance".into(), limit: CHECKS_OF_ONE as u64 }
}

fn said(done: Result<(), Refusal>) -> Outcome {
    done.map_or_else(Outcome::Refused, |()| Outcome::Done)
}
