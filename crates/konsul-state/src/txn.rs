//! Transactions and batches of all or none: on a clone, kept or dropped whole. Batches of each for itself.

use konsul_types::txn::{KvTxnOp, TXN_OPS_MAX, TxnError, TxnOp, TxnResult};
use konsul_types::{BatchItem, Change, Namespace, Outcome, Refusal};

use crate::state::State;

impl State {
    pub(crate) fn txn(&mut self, ops: &[TxnOp], changes: &mut Vec<Change>) -> Outcome {
        if ops.len() > TXN_OPS_MAX {
            return Outcome::Refused(Refusal::TooManyOperations {
                count: ops.len() as u64,
                max: TXN_OPS_MAX as u64,
            });
        }
        match self.all_or_none(ops, changes) {
            Ok(items) => Outcome::Txn(results(ops, items)),
            Err(errors) => Outcome::TxnRolledBack(errors),
        }
    }

    pub(crate) fn batch(&mut self, atomic: bool, ops: &[TxnOp], changes: &mut Vec<Change>) -> Outcome {
        if !atomic {
            let run = |op: &TxnOp| self.run_op(op, changes);
            return Outcome::Batch(ops.iter().map(run).collect());
        }
        match self.all_or_none(ops, changes) {
            Ok(items) => Outcome::Batch(items),
            Err(errors) => Outcome::TxnRolledBack(errors),
        }
    }

    /// Runs a transaction that only reads, outside the log.
    pub fn txn_read(&self, ops: &[TxnOp]) -> Result<Vec<TxnResult>, Vec<TxnError>> {
        let (items, errors) = outcome_of(self.read_members(ops));
        if errors.is_empty() { Ok(results(ops, items)) } else { Err(errors) }
    }

    /// Runs members that only read, outside the log.
    pub fn read_members<'a>(&'a self, ops: &'a [TxnOp]) -> impl Iterator<Item = BatchItem> + 'a {
        debug_assert!(ops.iter().all(|op| !op.is_write()), "writes go through the log");
        ops.iter().map(|op| self.read_op(op))
    }

    /// Tries every member, so that all failures are told, not only the first.
    fn all_or_none(
        &mut self,
        ops: &[TxnOp],
        changes: &mut Vec<Change>,
    ) -> Result<Vec<BatchItem>, Vec<TxnError>> {
        let mut trial = self.clone();
        let mut noted = Vec::new();
        let run = |op: &TxnOp| trial.run_op(op, &mut noted);
        let (items, errors) = outcome_of(ops.iter().map(run));
        if !errors.is_empty() {
            return Err(errors);
        }
        *self = trial;
        changes.append(&mut noted);
        Ok(items)
    }
}

/// What the members gave, and those that failed.
fn outcome_of(members: impl Iterator<Item = BatchItem>) -> (Vec<BatchItem>, Vec<TxnError>) {
    let mut items = Vec::with_capacity(members.size_hint().0);
    let mut errors = Vec::new();
    for (item, op) in members.zip(0..) {
        match item {
            BatchItem::Failed(why) => errors.push(TxnError { op, why }),
            item => items.push(item),
        }
    }
    (items, errors)
}

/// What a transaction tells its client: keys with their records, in the order of the members.
fn results(ops: &[TxnOp], items: Vec<BatchItem>) -> Vec<TxnResult> {
    let mut told = Vec::new();
    for (op, item) in ops.iter().zip(items) {
        let (namespace, op) = match (op, &item) {
            (TxnOp::Kv { namespace, op }, _) => (namespace, op),
            (TxnOp::Catalog(_), BatchItem::Catalog(result)) => {
                told.push(result.clone());
                continue;
            }
            (TxnOp::Catalog(_), _) => continue,
        };
        let with_value = matches!(op, KvTxnOp::Get { .. } | KvTxnOp::GetOrEmpty { .. });
        match (item, key_of(op)) {
            (BatchItem::Record(record), Some(key)) => {
                told.push(TxnResult::Kv {
                    namespace: namespace.clone(),
                    key: key.clone(),
                    record,
                    with_value,
                });
            }
            (BatchItem::Tree(rows), _) => told.extend(tree(namespace, rows)),
            _ => {}
        }
    }
    told
}

fn tree(
    namespace: &Namespace,
    rows: Vec<(konsul_types::Key, std::sync::Arc<konsul_types::KvRecord>)>,
) -> impl Iterator<Item = TxnResult> {
    rows.into_iter().map(|(key, record)| TxnResult::Kv {
        namespace: namespace.clone(),
        key,
        record: Some(record),
        with_value: true,
    })
}

fn key_of(op: &KvTxnOp) -> Option<&konsul_types::Key> {
    match op {
        KvTxnOp::Write(command) => command.key(),
        KvTxnOp::GetTree { .. } => None,
        KvTxnOp::Get { key }
        | KvTxnOp::GetOrEmpty { key }
        | KvTxnOp::CheckIndex { key, .. }
        | KvTxnOp::CheckSession { key, .. }
        | KvTxnOp::CheckNotExists { key } => Some(key),
    }
}
