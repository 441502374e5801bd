//! Transactions: on a copy, kept if no member fails.

use std::sync::Arc;

use konsul_types::txn::TxnFailure;
use konsul_types::{
    BatchItem, Change, Key, KvCommand, KvRecord, KvTxnOp, Namespace, Outcome, TxnError, TxnOp, TxnResult,
};

use super::Model;

/// The prefix of an operation on a tree.
fn tree(op: &KvTxnOp) -> &str {
    match op {
        KvTxnOp::Write(KvCommand::DeleteTree { prefix }) | KvTxnOp::GetTree { prefix } => prefix,
        _ => "",
    }
}

type Member = Result<Vec<TxnResult>, TxnFailure>;

impl Model {
    pub(super) fn txn(&mut self, ops: &[TxnOp], changes: &mut Vec<Change>) -> Outcome {
        let mut copy = self.clone();
        let mut noted = Vec::new();
        match copy.members(ops, &mut noted) {
            Ok(results) => {
                *self = copy;
                changes.append(&mut noted);
                Outcome::Txn(results)
            }
            Err(errors) => Outcome::TxnRolledBack(errors),
        }
    }

    /// Several operations, all or none, or each for itself.
    pub(super) fn batch(&mut self, atomic: bool, ops: &[TxnOp], changes: &mut Vec<Change>) -> Outcome {
        let (mut copy, mut noted) = (self.clone(), Vec::new());
        let item = |op: &TxnOp| {
            let (namespace, op) = keyed(op);
            copy.item(namespace, op, &mut noted)
        };
        let items: Vec<BatchItem> = ops.iter().map(item).collect();
        let failed = |(item, op): (&BatchItem, u32)| Some(TxnError { op, why: item.failure()?.clone() });
        let errors: Vec<TxnError> = items.iter().zip(0..).filter_map(failed).collect();
        if atomic && !errors.is_empty() {
            return Outcome::TxnRolledBack(errors);
        }
        *self = copy;
        changes.append(&mut noted);
        Outcome::Batch(items)
    }

    fn item(&mut self, namespace: &Namespace, op: &KvTxnOp, changes: &mut Vec<Change>) -> BatchItem {
        if let KvTxnOp::Write(KvCommand::DeleteTree { .. }) = op {
            let count = self.under(namespace, tree(op)).len() as u64;
            return match self.member(namespace, op, changes) {
                Ok(_) => BatchItem::Counted(count),
                Err(why) => BatchItem::Failed(why),
            };
        }
        let told = match self.member(namespace, op, changes) {
            Ok(told) => told.into_iter().map(|result| match result {
                TxnResult::Kv { key, record, .. } => (key, record),
                other => unreachable!("clients ask of keys alone, and heard {other:?}"),
            }),
            Err(why) => return BatchItem::Failed(why),
        };
        match op {
            KvTxnOp::GetTree { .. } => {
                BatchItem::Tree(told.filter_map(|(key, record)| Some((key, record?))).collect())
            }
            _ => told.last().map_or(BatchItem::Done, |(_, record)| BatchItem::Record(record)),
        }
    }

    /// What a transaction that only reads is answered; `None` if a member fails.
    pub fn txn_read(&self, ops: &[TxnOp]) -> Option<Vec<TxnResult>> {
        self.clone().members(ops, &mut Vec::new()).ok()
    }

    fn members(&mut self, ops: &[TxnOp], changes: &mut Vec<Change>) -> Result<Vec<TxnResult>, Vec<TxnError>> {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for (at, op) in ops.iter().enumerate() {
            let done = match op {
                TxnOp::Kv { namespace, op } => self.member(namespace, op, changes),
                TxnOp::Catalog(op) => {
                    self.catalogue_member(op, changes).map(|result| result.into_iter().collect())
                }
            };
            match done {
                Ok(more) => results.extend(more),
                Err(why) => errors.push(TxnError { op: at as u32, why }),
            }
        }
        if errors.is_empty() { Ok(results) } else { Err(errors) }
    }

    fn member(&mut self, namespace: &Namespace, op: &KvTxnOp, changes: &mut Vec<Change>) -> Member {
        let result = |key: &Key, record: Option<Arc<KvRecord>>, with_value| TxnResult::Kv {
            namespace: namespace.clone(),
            key: key.clone(),
            record,
            with_value,
        };
        let find = |key: &Key| self.keys.get(&(namespace.clone(), key.clone())).cloned();
        match op {
            KvTxnOp::Write(command) => self.member_write(namespace, command, changes),
            KvTxnOp::Get { key } => match find(key) {
                Some(record) => Ok(vec![result(key, Some(record), true)]),
                None => Err(TxnFailure::Missing { key: key.to_string() }),
            },
            KvTxnOp::GetOrEmpty { key } => Ok(vec![result(key, find(key), true)]),
            KvTxnOp::GetTree { prefix } => {
                let found = self.under(namespace, prefix);
                Ok(found.into_iter().map(|(key, record)| result(&key, Some(record), true)).collect())
            }
            KvTxnOp::CheckIndex { key, index } => match find(key) {
                None => Err(TxnFailure::IndexOfMissing { key: key.to_string() }),
                Some(record) if record.modify_index == *index => Ok(vec![result(key, Some(record), false)]),
                Some(record) => {
                    let (found, wanted) = (record.modify_index, *index);
                    Err(TxnFailure::IndexDiffers { key: key.to_string(), found, wanted })
                }
            },
            KvTxnOp::CheckNotExists { key } => match find(key) {
                None => Ok(Vec::new()),
                Some(_) => Err(TxnFailure::Exists { key: key.to_string() }),
            },
            KvTxnOp::CheckSession { key, session, text } => match find(key) {
                None => Err(TxnFailure::SessionOfMissing { key: key.to_string() }),
                Some(record) if session.is_some() && record.session == *session => {
                    Ok(vec![result(key, Some(record), false)])
                }
                Some(record) => Err(TxnFailure::SessionDiffers {
                    key: key.to_string(),
                    found: record.session.map(|id| id.to_string()).unwrap_or_default(),
                    wanted: text.clone(),
                }),
            },
        }
    }

    fn member_write(
        &mut self,
        namespace: &Namespace,
        command: &KvCommand,
        changes: &mut Vec<Change>,
    ) -> Member {
        let (key, delete) = match command {
            KvCommand::Put { key, .. } => (Some(key.clone()), false),
            KvCommand::Delete { key, .. } => (Some(key.clone()), true),
            KvCommand::Patch { key, .. } => (Some(key.clone()), false),
            KvCommand::DeleteTree { .. } => (None, false),
        };
        match (self.kv(namespace, command, changes), key) {
            (Outcome::Refused(refusal), key) => {
                let key = key.map(|key| key.to_string()).unwrap_or_default();
                Err(TxnFailure::Refused { key, delete, refusal })
            }
            (Outcome::Kv(record), Some(key)) => {
                let namespace = namespace.clone();
                Ok(vec![TxnResult::Kv { namespace, key, record: Some(record), with_value: false }])
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// A batch has members on keys alone.
fn keyed(op: &TxnOp) -> (&Namespace, &KvTxnOp) {
    match op {
        TxnOp::Kv { namespace, op } => (namespace, op),
        TxnOp::Catalog(op) => unreachable!("no batch holds {op:?}"),
    }
}
