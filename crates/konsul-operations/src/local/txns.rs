//! Transactions. One that only reads takes the way of reads.

use konsul_types::kv::KvCommand;
use konsul_types::txn::{KvTxnOp, TXN_OPS_MAX, TxnOp};
use konsul_types::{CatalogTxnOp, Command, Namespace, Outcome};

use super::reads::answer;
use super::{Inner, unexpected};
use crate::answer::TxnAnswer;
use crate::arguments::Txn;
use crate::context::Context;
use crate::error::Error;
use crate::permission::Permission;
use crate::ports::Replica;

impl<R: Replica> Inner<R> {
    pub(crate) async fn txn(&self, ctx: &Context, args: Txn) -> Result<TxnAnswer, Error> {
        if args.ops.len() > TXN_OPS_MAX {
            return Err(Error::TooLarge {
                what: "the transaction".into(),
                actual: args.ops.len() as u64,
                limit: TXN_OPS_MAX as u64,
                unit: "operations",
            });
        }
        args.ops.iter().try_for_each(|op| self.permit_member(ctx, op))?;
        if args.ops.iter().any(TxnOp::is_write) {
            return self.txn_write(ctx, args).await;
        }
        let staleness = self.fresh(ctx).await?;
        let state = self.replica.state();
        match state.txn_read(&args.ops) {
            Ok(results) => {
                let meta = answer((), state.index(), ctx.consistency, staleness).meta;
                Ok(TxnAnswer::Committed(results, Some(meta)))
            }
            Err(errors) => Ok(TxnAnswer::RolledBack(errors)),
        }
    }

    async fn txn_write(&self, ctx: &Context, args: Txn) -> Result<TxnAnswer, Error> {
        match self.write(ctx, Command::Txn { ops: args.ops }).await? {
            (_, Outcome::Txn(results)) => Ok(TxnAnswer::Committed(results, None)),
            (_, Outcome::TxnRolledBack(errors)) => Ok(TxnAnswer::RolledBack(errors)),
            (_, other) => Err(unexpected(&other)),
        }
    }
}

impl<R: Replica> Inner<R> {
    /// Whether the identity may run a member: it needs what it would need alone.
    pub(super) fn permit_member(&self, ctx: &Context, op: &TxnOp) -> Result<(), Error> {
        let (namespace, needed) = match op {
            TxnOp::Kv { namespace, op } => (Some(namespace), needed(op)),
            TxnOp::Catalog(op) => needed_of_catalog(op),
        };
        match namespace.filter(|namespace| **namespace != ctx.namespace) {
            Some(other) => self.permit(&Context { namespace: other.clone(), ..ctx.clone() }, &needed),
            None => self.permit(ctx, &needed),
        }
    }
}

/// Instances, and checks of them, are guarded by the service's name; whoever may write the node may write all on it.
fn needed_of_catalog(op: &CatalogTxnOp) -> (Option<&Namespace>, Permission<'_>) {
    match op {
        CatalogTxnOp::NodeGet(name) => (None, Permission::NodeRead(name.as_str())),
        CatalogTxnOp::NodeSet { node, .. } => (None, Permission::NodeWrite(node.name.as_str())),
        CatalogTxnOp::NodeDelete { name, .. } => (None, Permission::NodeWrite(name.as_str())),
        CatalogTxnOp::ServiceGet { node, namespace, .. } | CatalogTxnOp::CheckGet { node, namespace, .. } => {
            (Some(namespace), Permission::NodeRead(node.as_str()))
        }
        CatalogTxnOp::ServiceSet { service, .. } => {
            (Some(&service.namespace), Permission::ServiceWrite(service.name.as_str()))
        }
        CatalogTxnOp::CheckSet { check, .. } => match &check.service {
            Some(service) => (Some(&check.namespace), Permission::ServiceWrite(service.name.as_str())),
            None => (Some(&check.namespace), Permission::NodeWrite(check.node.as_str())),
        },
        CatalogTxnOp::ServiceDelete { node, namespace, .. }
        | CatalogTxnOp::CheckDelete { node, namespace, .. } => {
            (Some(namespace), Permission::NodeWrite(node.as_str()))
        }
    }
}

/// What a member on keys needs.
fn needed(op: &KvTxnOp) -> Permission<'_> {
    match op {
        KvTxnOp::Write(
            KvCommand::Put { key, .. } | KvCommand::Delete { key, .. } | KvCommand::Patch { key, .. },
        ) => Permission::KeyWrite(key.as_str()),
        KvTxnOp::Write(KvCommand::DeleteTree { prefix }) => Permission::KeyWritePrefix(prefix),
        KvTxnOp::GetTree { prefix } => Permission::KeyList(prefix),
        KvTxnOp::Get { key }
        | KvTxnOp::GetOrEmpty { key }
        | KvTxnOp::CheckIndex { key, .. }
        | KvTxnOp::CheckSession { key, .. }
        | KvTxnOp::CheckNotExists { key } => Permission::KeyRead(key.as_str()),
    }
}
