//! Members of a transaction that concern the catalogue. The words of a failure are left out: they are only for people.

use konsul_types::txn::TxnFailure;
use konsul_types::{CatalogTxnOp, Change, Index, TxnResult};

use super::Model;

/// What a member gives back; nothing for a removal.
type Member = Result<Option<TxnResult>, TxnFailure>;

/// A failure without its words.
pub(super) fn failed() -> TxnFailure {
    TxnFailure::Catalog { why: String::new() }
}

/// A condition holds at this modify index, zero for an absent record; without one anything goes.
fn stands(found: Option<Index>, cas: Option<Index>) -> Result<(), TxnFailure> {
    match cas {
        Some(wanted) if wanted != found.unwrap_or(Index::ZERO) => Err(failed()),
        _ => Ok(()),
    }
}

impl Model {
    pub(super) fn catalogue_member(&mut self, op: &CatalogTxnOp, changes: &mut Vec<Change>) -> Member {
        match op {
            CatalogTxnOp::NodeGet(name) => {
                self.catalogue.node(name).cloned().map(TxnResult::Node).map(Some).ok_or_else(failed)
            }
            CatalogTxnOp::ServiceGet { node, namespace, id } => {
                let found = self.catalogue.service(node, namespace, id).cloned();
                found.map(TxnResult::Service).map(Some).ok_or_else(failed)
            }
            CatalogTxnOp::CheckGet { node, namespace, id } => {
                let found = self.catalogue.check(node, namespace, id).cloned();
                found.map(TxnResult::Check).map(Some).ok_or_else(failed)
            }
            CatalogTxnOp::NodeSet { node, cas } => {
                stands(self.catalogue.node(&node.name).map(|found| found.modify_index), *cas)?;
                self.register_node(node, changes).map_err(|_| failed())?;
                Ok(self.catalogue.node(&node.name).cloned().map(TxnResult::Node))
            }
            CatalogTxnOp::ServiceSet { service, cas } => {
                let (node, namespace, id) = (&service.node, &service.namespace, &service.id);
                stands(self.catalogue.service(node, namespace, id).map(|one| one.modify_index), *cas)?;
                self.catalogue.node(node).ok_or_else(failed)?;
                self.write_service(service, changes);
                Ok(self.catalogue.service(node, namespace, id).cloned().map(TxnResult::Service))
            }
            CatalogTxnOp::CheckSet { check, cas } => {
                let (node, namespace, id) = (&check.node, &check.namespace, &check.id);
                stands(self.catalogue.check(node, namespace, id).map(|one| one.modify_index), *cas)?;
                self.register_check(check, changes).map_err(|_| failed())?;
                Ok(self.catalogue.check(node, namespace, id).cloned().map(TxnResult::Check))
            }
            _ => self.catalogue_removal(op, changes),
        }
    }

    fn catalogue_removal(&mut self, op: &CatalogTxnOp, changes: &mut Vec<Change>) -> Member {
        match op {
            CatalogTxnOp::NodeDelete { name, cas } => {
                stands(self.catalogue.node(name).map(|found| found.modify_index), *cas)?;
                self.drop_node(name, changes);
            }
            CatalogTxnOp::ServiceDelete { node, namespace, id, cas } => {
                stands(self.catalogue.service(node, namespace, id).map(|one| one.modify_index), *cas)?;
                self.drop_service(node, namespace, id, changes);
            }
            CatalogTxnOp::CheckDelete { node, namespace, id, cas } => {
                stands(self.catalogue.check(node, namespace, id).map(|one| one.modify_index), *cas)?;
                self.drop_check_of(node, namespace, id, changes);
            }
            other => unreachable!("{other:?} removes nothing"),
        }
        Ok(None)
    }
}
