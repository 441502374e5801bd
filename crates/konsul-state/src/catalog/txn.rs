//! Members of a transaction that concern the catalogue, in Consul's words.

use std::sync::Arc;

use konsul_types::txn::TxnFailure;
use konsul_types::{CatalogTxnOp, Change, Check, Index, Node, NodeName, Outcome, Service, TxnResult};

use crate::state::State;

/// What a member gives back; nothing for a removal.
type Member = Result<Option<TxnResult>, TxnFailure>;

impl State {
    pub(crate) fn catalog_member(&mut self, op: &CatalogTxnOp, changes: &mut Vec<Change>) -> Member {
        match op {
            CatalogTxnOp::NodeSet { node, cas } => self.member_node_set(node, *cas, changes),
            CatalogTxnOp::NodeDelete { name, cas } => {
                let found = self.catalog.node(name).map(|node| node.modify_index);
                must_stand("delete", &node_text(name), found, *cas)?;
                self.deregister_node(name, changes);
                Ok(None)
            }
            CatalogTxnOp::ServiceSet { service, cas } => self.member_service_set(service, *cas, changes),
            CatalogTxnOp::ServiceDelete { node, namespace, id, cas } => {
                let found = self.catalog.service(node, namespace, id).map(|service| service.modify_index);
                must_stand("delete", &text_on("service", id, node), found, *cas)?;
                self.deregister_service(node, namespace, id, changes);
                Ok(None)
            }
            CatalogTxnOp::CheckSet { check, cas } => self.member_check_set(check, *cas, changes),
            CatalogTxnOp::CheckDelete { node, namespace, id, cas } => {
                let found = self.catalog.check_of(node, namespace, id).map(|check| check.modify_index);
                must_stand("delete", &text_on("check", id, node), found, *cas)?;
                self.deregister_check(node, namespace, id, changes);
                Ok(None)
            }
            _ => self.catalog_read(op),
        }
    }

    /// A member that only reads.
    pub(crate) fn catalog_read(&self, op: &CatalogTxnOp) -> Member {
        let absent = |what: &str| failed(format!("{what} doesn't exist"));
        match op {
            CatalogTxnOp::NodeGet(name) => match self.catalog.node(name) {
                Some(node) => Ok(Some(TxnResult::Node(Arc::clone(node)))),
                None => Err(absent(&node_text(name))),
            },
            CatalogTxnOp::ServiceGet { node, namespace, id } => {
                match self.catalog.service(node, namespace, id) {
                    Some(service) => Ok(Some(TxnResult::Service(Arc::clone(service)))),
                    None => Err(absent(&text_on("service", id, node))),
                }
            }
            CatalogTxnOp::CheckGet { node, namespace, id } => {
                match self.catalog.check_of(node, namespace, id) {
                    Some(check) => Ok(Some(TxnResult::Check(Arc::clone(check)))),
                    None => Err(absent(&text_on("check", id, node))),
                }
            }
            _ => Ok(None),
        }
    }

    fn member_node_set(&mut self, node: &Node, cas: Option<Index>, changes: &mut Vec<Change>) -> Member {
        let found = self.catalog.node(&node.name).map(|node| node.modify_index);
        must_stand("set", &node_text(&node.name), found, cas)?;
        done(self.register_node(node, changes))?;
        Ok(self.catalog.node(&node.name).cloned().map(TxnResult::Node))
    }

    fn member_service_set(
        &mut self,
        service: &Service,
        cas: Option<Index>,
        changes: &mut Vec<Change>,
    ) -> Member {
        let at =
            |state: &State| state.catalog.service(&service.node, &service.namespace, &service.id).cloned();
        let text = text_on("service", &service.id, &service.node);
        must_stand("set", &text, at(self).map(|found| found.modify_index), cas)?;
        if self.catalog.node(&service.node).is_none() {
            return Err(failed("Missing node registration".into()));
        }
        self.write_service(service, changes);
        Ok(at(self).map(TxnResult::Service))
    }

    fn member_check_set(&mut self, check: &Check, cas: Option<Index>, changes: &mut Vec<Change>) -> Member {
        let at = |state: &State| state.catalog.check_of(&check.node, &check.namespace, &check.id).cloned();
        let text = text_on("check", &check.id, &check.node);
        must_stand("set", &text, at(self).map(|found| found.modify_index), cas)?;
        done(self.register_check(check, changes))?;
        Ok(at(self).map(TxnResult::Check))
    }
}

/// Whether a condition holds; without one anything does.
fn must_stand(verb: &str, what: &str, found: Option<Index>, cas: Option<Index>) -> Result<(), TxnFailure> {
    match cas {
        Some(wanted) if found.unwrap_or(Index::ZERO) != wanted => {
            Err(failed(format!("failed to {verb} {what}, index is stale")))
        }
        _ => Ok(()),
    }
}

fn node_text(name: &NodeName) -> String {
    format!("node {:?}", name.as_str())
}

fn text_on(what: &str, id: &impl std::fmt::Display, node: &NodeName) -> String {
    format!("{what} {:?} on {}", id.to_string(), node_text(node))
}

fn done(outcome: Outcome) -> Result<(), TxnFailure> {
    match outcome {
        Outcome::Refused(refusal) => Err(failed(refusal.to_string())),
        _ => Ok(()),
    }
}

fn failed(why: String) -> TxnFailure {
    TxnFailure::Catalog { why }
}
