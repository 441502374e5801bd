//! What is held, by id, and what of it is to be compared with the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konsul_types::{
    Check, CheckDefinition, CheckId, CheckStatus, Namespace, NodeName, Service, ServiceDefinition, ServiceId,
};
use smol_str::SmolStr;

use super::records;

/// Namespace and id.
pub(super) type ServiceKey = (Namespace, ServiceId);
/// Namespace and id.
pub(super) type CheckKey = (Namespace, CheckId);

/// Where a registration came from. One from a file stands above one of the same id that came over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The agent itself.
    Own,
    /// A configuration file; gone when the file no longer has it.
    File,
    /// HTTP; kept over restarts.
    Http,
}

/// An instance. Its checks are held apart.
#[derive(Debug, Clone)]
pub(super) struct HeldService {
    pub(super) definition: Arc<ServiceDefinition>,
    pub(super) record: Arc<Service>,
    pub(super) source: Source,
}

/// A check, as it was last told.
#[derive(Debug, Clone)]
pub(super) struct HeldCheck {
    /// `None` for one that puts into maintenance, which nothing runs.
    pub(super) definition: Option<Arc<CheckDefinition>>,
    pub(super) service: Option<ServiceId>,
    pub(super) name: SmolStr,
    pub(super) notes: SmolStr,
    pub(super) status: CheckStatus,
    pub(super) output: SmolStr,
    pub(super) source: Source,
}

/// What is marked since the last plan.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) services: BTreeSet<ServiceKey>,
    pub(super) checks: BTreeSet<CheckKey>,
    /// Of the services, those that were defined otherwise than before while the agent ran.
    pub(super) newly_defined: BTreeSet<ServiceKey>,
}

impl Marked {
    pub(super) fn is_empty(&self) -> bool {
        self.services.is_empty() && self.checks.is_empty()
    }
}

/// Everything that is held.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) services: BTreeMap<ServiceKey, HeldService>,
    pub(super) checks: BTreeMap<CheckKey, HeldCheck>,
    pub(super) marked: Marked,
    /// Counts changes: whoever made one waits until the synchroniser has seen it.
    pub(super) version: u64,
}

impl Held {
    pub(super) fn put_service(&mut self, key: ServiceKey, service: HeldService) {
        // Checks tell the name and tags of their instance.
        let of: Vec<CheckKey> = self.checks_of(&key).cloned().collect();
        self.marked.checks.extend(of);
        self.marked.services.insert(key.clone());
        if self.services.get(&key).is_none_or(|known| known.definition != service.definition) {
            self.marked.newly_defined.insert(key.clone());
        }
        self.services.insert(key, service);
        self.version += 1;
    }

    /// What was put so far was defined before the agent began, and may have been changed in the catalogue since.
    pub(super) fn begun(&mut self) {
        self.marked.newly_defined.clear();
    }

    pub(super) fn put_check(&mut self, key: CheckKey, check: HeldCheck) {
        self.marked.checks.insert(key.clone());
        self.checks.insert(key, check);
        self.version += 1;
    }

    /// A check that is defined again stands as it stood.
    pub(super) fn put_check_again(&mut self, key: CheckKey, mut check: HeldCheck) {
        if let Some(known) = self.checks.get(&key) {
            (check.status, check.output) = (known.status, known.output.clone());
        }
        self.put_check(key, check);
    }

    pub(super) fn remove_check(&mut self, key: &CheckKey) -> Option<HeldCheck> {
        let gone = self.checks.remove(key)?;
        self.marked.checks.insert(key.clone());
        self.version += 1;
        Some(gone)
    }

    /// Removes an instance with its checks, and answers these.
    pub(super) fn remove_service(&mut self, key: &ServiceKey) -> Option<Vec<CheckKey>> {
        self.services.remove(key)?;
        let checks: Vec<CheckKey> = self.checks_of(key).cloned().collect();
        for check in &checks {
            self.remove_check(check);
        }
        self.marked.services.insert(key.clone());
        self.version += 1;
        Some(checks)
    }

    /// The checks of an instance.
    pub(super) fn checks_of<'a>(&'a self, service: &'a ServiceKey) -> impl Iterator<Item = &'a CheckKey> {
        let of = |check: &HeldCheck| check.service.as_ref() == Some(&service.1);
        self.checks.iter().filter(move |(key, check)| key.0 == service.0 && of(check)).map(|(key, _)| key)
    }

    /// Takes a result. Answers whether it is news.
    pub(super) fn result(&mut self, key: &CheckKey, status: CheckStatus, output: &str) -> bool {
        let Some(check) = self.checks.get_mut(key) else { return false };
        if check.status == status && check.output == output {
            return false;
        }
        (check.status, check.output) = (status, SmolStr::new(output));
        self.marked.checks.insert(key.clone());
        self.version += 1;
        true
    }

    /// Takes what is marked, to be compared.
    pub(super) fn take_marked(&mut self) -> Marked {
        std::mem::take(&mut self.marked)
    }

    /// Marks again what could not be synchronised.
    pub(super) fn mark_again(&mut self, marked: Marked) {
        self.marked.services.extend(marked.services);
        self.marked.checks.extend(marked.checks);
        self.marked.newly_defined.extend(marked.newly_defined);
    }

    /// A check as the catalogue should have it; `None` if its instance is gone.
    pub(super) fn check_record(&self, node: &NodeName, key: &CheckKey) -> Option<Check> {
        let check = self.checks.get(key)?;
        let service = match &check.service {
            None => None,
            Some(id) => Some(&self.services.get(&(key.0.clone(), id.clone()))?.record),
        };
        Some(records::check(node, key, check, service))
    }
}
