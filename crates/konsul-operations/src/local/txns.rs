//! Transactions. One that only reads takes the way of reads.

use konsul_types::kv::KvCommand;
use konsul_types::txn::{KvTxnOp, TXN_OPS_MAX, TxnOp};
use konsul_types::{Command, Outcome};

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
        for TxnOp::Kv { op, .. } in &args.ops {
            self.permit(ctx, &needed(op))?;
        }
        if args.ops.iter().any(|TxnOp::Kv { op, .. }| op.is_write()) {
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

/// What one member needs: the same as it would alone.
pub(super) fn needed(op: &KvTxnOp) -> Permission<'_> {
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
