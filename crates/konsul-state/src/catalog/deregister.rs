//! Removal: a check, an instance with its checks, a node with everything on it. What is not there is no error.

use std::sync::Arc;

use konsul_types::{Change, Check, CheckId, Namespace, NodeName, Outcome, Service, ServiceId};

use crate::mutants;
use crate::state::State;

impl State {
    pub(super) fn deregister_node(&mut self, name: &NodeName, changes: &mut Vec<Change>) -> Outcome {
        let Some(node) = self.catalog.node(name).cloned() else {
            return Outcome::Done;
        };
        let checks: Vec<Arc<Check>> = self.catalog.checks_on(name).cloned().collect();
        for check in checks {
            self.put_check(&check, None, changes);
        }
        let services: Vec<Arc<Service>> = self.catalog.services_on(name).cloned().collect();
        for service in services {
            self.put_service(&service, None, changes);
        }
        self.drop_coordinates(name);
        self.end_sessions_of_node(name, changes);
        self.put_node(&node.name, None, changes);
        Outcome::Done
    }

    pub(super) fn deregister_service(
        &mut self,
        node: &NodeName,
        namespace: &Namespace,
        id: &ServiceId,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        let Some(service) = self.catalog.service(node, namespace, id).cloned() else {
            return Outcome::Done;
        };
        let checks: Vec<Arc<Check>> = self.catalog.checks_of(&service).cloned().collect();
        if !mutants::active(mutants::CHECKS_STAY) {
            checks.iter().for_each(|check| self.remove_check(check, changes));
        }
        self.put_service(&service, None, changes);
        Outcome::Done
    }

    pub(super) fn deregister_check(
        &mut self,
        node: &NodeName,
        namespace: &Namespace,
        id: &CheckId,
        changes: &mut Vec<Change>,
    ) -> Outcome {
        if let Some(check) = self.catalog.check_of(node, namespace, id).cloned() {
            self.remove_check(&check, changes);
        }
        Outcome::Done
    }

    /// Removes a check; sessions that lean on it end.
    pub(super) fn remove_check(&mut self, check: &Check, changes: &mut Vec<Change>) {
        self.put_check(check, None, changes);
        if !mutants::active(mutants::REMOVED_CHECK_KEEPS_SESSIONS) {
            self.end_sessions_of_check(check, changes);
        }
    }
}
