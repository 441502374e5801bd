//! Batches: one log entry for all or none; as few as hold them where each member stands for itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use konsul_types::batch::BATCH_OPS_MAX;
use konsul_types::txn::{KvTxnOp, TxnError, TxnFailure, TxnOp};
use konsul_types::{
    BatchItem, CatalogTxnOp, Command, Index, KvCommand, Namespace, NodeName, Outcome, ServiceId, ServiceName,
};

use super::registering::{check_rules, node_alone_rules, service_rules};
use super::{Inner, unexpected};
use crate::answer::{BatchPart, BatchRun};
use crate::arguments::Batch;
use crate::context::Context;
use crate::error::Error;
use crate::operations::Reply;
use crate::ports::Replica;

/// Most members of one entry of a batch whose members stand for themselves: an entry is applied in one go, and readers of
/// what it changes wait for that.
const GROUP_OPS: usize = 2_000;

/// Most bytes of such an entry, roughly: half of what the log takes.
const GROUP_BYTES: usize = 4 << 20;

impl<R: Replica> Inner<R> {
    pub(crate) async fn batch(
        self: &Arc<Self>,
        ctx: &Context,
        args: Batch,
    ) -> Result<Box<dyn BatchRun>, Error> {
        if args.ops.len() > BATCH_OPS_MAX {
            return Err(Error::TooLarge {
                what: "the batch".into(),
                actual: args.ops.len() as u64,
                limit: BATCH_OPS_MAX as u64,
                unit: "operations",
            });
        }
        let mut args = args;
        self.name_services(&mut args.ops);
        let denied = self.denied(ctx, &args)?;
        let writes = args.ops.iter().any(TxnOp::is_write);
        if !writes {
            // On one state as fresh as the context asks; later parts of the run see the same.
            self.fresh(ctx).await?;
        }
        Ok(Box::new(Run {
            inner: Arc::clone(self),
            ctx: ctx.clone(),
            atomic: args.atomic,
            writes,
            ops: args.ops.into_iter(),
            denied,
            first: 0,
            group: 0,
        }))
    }

    /// The members that the identity may not run. Where all happen or none, one of them is enough to refuse the whole.
    fn denied(&self, ctx: &Context, args: &Batch) -> Result<Vec<(usize, TxnFailure)>, Error> {
        let mut denied = Vec::new();
        for (number, op) in args.ops.iter().enumerate() {
            let there = self.permit_member(ctx, op).and_then(|()| record_rules(op));
            match there {
                Ok(()) => {}
                Err(why) if args.atomic => {
                    return Err(Error::Entry { position: number as u64 + 1, error: Box::new(why) });
                }
                Err(why @ Error::PermissionDenied(_)) => {
                    denied.push((number, TxnFailure::Denied { why: why.to_string() }));
                }
                Err(why) => denied.push((number, TxnFailure::Catalog { why: why.to_string() })),
            }
        }
        Ok(denied)
    }

    /// Puts the service's name into checks, which their writers name by its instance alone: it decides who may write them.
    fn name_services(&self, ops: &mut [TxnOp]) {
        let mut named: BTreeMap<(NodeName, Namespace, ServiceId), ServiceName> = BTreeMap::new();
        let state = self.replica.state();
        for op in ops {
            match op {
                TxnOp::Catalog(CatalogTxnOp::ServiceSet { service, .. }) => {
                    let at = (service.node.folded(), service.namespace.clone(), service.id.clone());
                    named.insert(at, service.name.clone());
                }
                TxnOp::Catalog(CatalogTxnOp::CheckSet { check, .. }) => {
                    let Some(of) = &mut check.service else { continue };
                    let at = (check.node.folded(), check.namespace.clone(), of.id.clone());
                    let known = || state.catalog().service(&check.node, &check.namespace, &of.id);
                    let name = named.get(&at).cloned().or_else(|| known().map(|found| found.name.clone()));
                    of.name = name.unwrap_or_else(|| of.name.clone());
                }
                _ => {}
            }
        }
    }
}

struct Run<R> {
    inner: Arc<Inner<R>>,
    ctx: Context,
    atomic: bool,
    writes: bool,
    ops: std::vec::IntoIter<TxnOp>,
    /// Members that are not run, by position.
    denied: Vec<(usize, TxnFailure)>,
    /// Position of the next member.
    first: usize,
    /// Number of the next entry.
    group: u64,
}

impl<R: Replica> BatchRun for Run<R> {
    fn next(&mut self) -> Reply<'_, Option<BatchPart>> {
        Box::pin(self.part())
    }
}

impl<R: Replica> Run<R> {
    async fn part(&mut self) -> Result<Option<BatchPart>, Error> {
        let first = self.first;
        let mut ops = self.take_group();
        if ops.is_empty() {
            return Ok(None);
        }
        let count = ops.len();
        let denied = self.leave_out(&mut ops, first);
        let (index, items) = if ops.is_empty() {
            (self.inner.replica.state().index(), Vec::new())
        } else if self.writes {
            self.write(ops).await?
        } else {
            self.read(&ops)
        };
        self.first += count;
        self.group += 1;
        Ok(Some(BatchPart { first, index, items: merged(items, denied, first) }))
    }

    /// The members of the next entry: all of them where all happen or none.
    fn take_group(&mut self) -> Vec<TxnOp> {
        if self.atomic {
            return self.ops.by_ref().collect();
        }
        let rest = self.ops.as_slice();
        let mut bytes = 0;
        let fits = |op: &&TxnOp| {
            bytes += weight(op);
            bytes <= GROUP_BYTES
        };
        // At least one: whether it is too large is for the log to say.
        let count = rest.iter().take(GROUP_OPS).take_while(fits).count().max(1);
        self.ops.by_ref().take(count).collect()
    }

    /// Takes the members out that may not be run.
    fn leave_out(&mut self, ops: &mut Vec<TxnOp>, first: usize) -> Vec<(usize, TxnFailure)> {
        if self.denied.is_empty() {
            return Vec::new();
        }
        let end = first + ops.len();
        let later = self.denied.iter().position(|(number, _)| *number >= end).unwrap_or(self.denied.len());
        let here: Vec<_> = self.denied.drain(..later).collect();
        let mut number = first;
        ops.retain(|_| {
            number += 1;
            here.binary_search_by_key(&(number - 1), |(denied, _)| *denied).is_err()
        });
        here
    }

    async fn write(&self, ops: Vec<TxnOp>) -> Result<(Index, Vec<BatchItem>), Error> {
        let request = self.ctx.request.map(|request| request.step(self.group));
        let ctx = Context { request, ..self.ctx.clone() };
        let count = ops.len();
        match self.inner.write(&ctx, Command::Batch { atomic: self.atomic, ops }).await? {
            (index, Outcome::Batch(items)) => Ok((index, items)),
            (index, Outcome::TxnRolledBack(errors)) => Ok((index, rolled_back(count, errors))),
            (_, other) => Err(unexpected(&other)),
        }
    }

    fn read(&self, ops: &[TxnOp]) -> (Index, Vec<BatchItem>) {
        let state = self.inner.replica.state();
        (state.index(), state.read_members(ops).collect())
    }
}

/// Nothing happened: the members that failed say why, the others only that they did not take effect.
pub(super) fn rolled_back(count: usize, errors: Vec<TxnError>) -> Vec<BatchItem> {
    let mut items = vec![BatchItem::Done; count];
    for TxnError { op, why } in errors {
        if let Some(item) = items.get_mut(op as usize) {
            *item = BatchItem::Failed(why);
        }
    }
    items
}

/// What was run and what was left out, in the order of the members.
fn merged(items: Vec<BatchItem>, denied: Vec<(usize, TxnFailure)>, first: usize) -> Vec<BatchItem> {
    if denied.is_empty() {
        return items;
    }
    let mut all = Vec::with_capacity(items.len() + denied.len());
    let mut items = items.into_iter();
    for (number, why) in denied {
        all.extend(items.by_ref().take(number - first - all.len()));
        all.push(BatchItem::Failed(why));
    }
    all.extend(items);
    all
}

/// What a record must be to be written, as where it is registered alone.
fn record_rules(op: &TxnOp) -> Result<(), Error> {
    let TxnOp::Catalog(op) = op else { return Ok(()) };
    match op {
        CatalogTxnOp::NodeSet { node, .. } => node_alone_rules(node),
        CatalogTxnOp::ServiceSet { service, .. } => service_rules(service),
        CatalogTxnOp::CheckSet { check, .. } => check_rules(check),
        _ => Ok(()),
    }
}

/// About how many bytes a member takes in the log.
fn weight(op: &TxnOp) -> usize {
    const REST: usize = 48;
    let op = match op {
        TxnOp::Kv { op, .. } => op,
        // Records of the catalogue have texts without a bound of their own.
        TxnOp::Catalog(_) => return REST + konsul_types::encoding::encode(op).len(),
    };
    REST + match op {
        KvTxnOp::Write(KvCommand::Put { key, value, .. }) => key.as_str().len() + value.len(),
        KvTxnOp::Write(KvCommand::DeleteTree { prefix }) | KvTxnOp::GetTree { prefix } => prefix.len(),
        KvTxnOp::Write(KvCommand::Delete { key, .. } | KvCommand::Patch { key, .. })
        | KvTxnOp::Get { key }
        | KvTxnOp::GetOrEmpty { key }
        | KvTxnOp::CheckIndex { key, .. }
        | KvTxnOp::CheckNotExists { key } => key.as_str().len(),
        KvTxnOp::CheckSession { key, text, .. } => key.as_str().len() + text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_stands_in_its_place() {
        let no = |number: usize| (number, TxnFailure::Denied { why: number.to_string() });
        let failed = |number: usize| BatchItem::Failed(no(number).1);
        let done = |count: usize| vec![BatchItem::Done; count];
        assert_eq!(merged(done(2), vec![], 5), done(2));
        let all = merged(done(2), vec![no(5), no(7), no(8)], 5);
        assert_eq!(all, [failed(5), BatchItem::Done, failed(7), failed(8), BatchItem::Done]);
        assert_eq!(merged(done(0), vec![no(0)], 0), [failed(0)]);
    }
}
