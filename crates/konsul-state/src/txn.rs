//! Transactions: on a clone, kept or dropped whole.

use std::sync::Arc;

use konsul_types::txn::{KvTxnOp, TXN_OPS_MAX, TxnError, TxnFailure, TxnOp, TxnResult};
use konsul_types::{Change, Key, KvCommand, KvRecord, Namespace, Outcome, Refusal, SessionId};

use crate::state::State;

/// What one member gives, or why the whole fails.
type Member = Result<Vec<TxnResult>, TxnFailure>;

impl State {
    pub(crate) fn txn(&mut self, ops: &[TxnOp], changes: &mut Vec<Change>) -> Outcome {
        if ops.len() > TXN_OPS_MAX {
            return Outcome::Refused(Refusal::TooManyOperations {
                count: ops.len() as u64,
                max: TXN_OPS_MAX as u64,
            });
        }
        let mut trial = self.clone();
        let mut noted = Vec::new();
        match trial.run_members(ops, &mut noted) {
            Ok(results) => {
                *self = trial;
                changes.append(&mut noted);
                Outcome::Txn(results)
            }
            Err(errors) => Outcome::TxnRolledBack(errors),
        }
    }

    /// Runs a transaction that only reads, outside the log.
    pub fn txn_read(&self, ops: &[TxnOp]) -> Result<Vec<TxnResult>, Vec<TxnError>> {
        debug_assert!(ops.iter().all(|TxnOp::Kv { op, .. }| !op.is_write()), "writes go through the log");
        self.clone().run_members(ops, &mut Vec::new())
    }

    /// Tries every member, so that all failures are told, not only the first.
    fn run_members(
        &mut self,
        ops: &[TxnOp],
        changes: &mut Vec<Change>,
    ) -> Result<Vec<TxnResult>, Vec<TxnError>> {
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for (number, TxnOp::Kv { namespace, op }) in ops.iter().enumerate() {
            match self.run_member(namespace, op, changes) {
                Ok(mut part) => results.append(&mut part),
                Err(why) => errors.push(TxnError { op: number as u32, why }),
            }
        }
        if errors.is_empty() { Ok(results) } else { Err(errors) }
    }

    fn run_member(&mut self, namespace: &Namespace, op: &KvTxnOp, changes: &mut Vec<Change>) -> Member {
        match op {
            KvTxnOp::Write(command) => self.member_write(namespace, command, changes),
            KvTxnOp::Get { key } => match self.record(namespace, key) {
                Some(record) => Ok(vec![result(namespace, key, Some(record), true)]),
                None => Err(TxnFailure::Missing { key: key.to_string() }),
            },
            KvTxnOp::GetOrEmpty { key } => {
                Ok(vec![result(namespace, key, self.record(namespace, key), true)])
            }
            KvTxnOp::GetTree { prefix } => Ok(self.member_tree(namespace, prefix)),
            KvTxnOp::CheckIndex { key, index } => match self.record(namespace, key) {
                None => Err(TxnFailure::IndexOfMissing { key: key.to_string() }),
                Some(record) if record.modify_index == *index => {
                    Ok(vec![result(namespace, key, Some(record), false)])
                }
                Some(record) => Err(TxnFailure::IndexDiffers {
                    key: key.to_string(),
                    found: record.modify_index,
                    wanted: *index,
                }),
            },
            KvTxnOp::CheckSession { key, session, text } => {
                self.member_session(namespace, key, *session, text)
            }
            KvTxnOp::CheckNotExists { key } => match self.record(namespace, key) {
                None => Ok(Vec::new()),
                Some(_) => Err(TxnFailure::Exists { key: key.to_string() }),
            },
        }
    }

    fn member_write(
        &mut self,
        namespace: &Namespace,
        command: &KvCommand,
        changes: &mut Vec<Change>,
    ) -> Member {
        let key = match command {
            KvCommand::Put { key, .. } | KvCommand::Delete { key, .. } => Some(key),
            KvCommand::DeleteTree { .. } => None,
        };
        match self.kv_command(namespace, command, changes) {
            Outcome::Kv(record) => {
                Ok(key.map(|key| result(namespace, key, Some(record), false)).into_iter().collect())
            }
            Outcome::Refused(refusal) => Err(TxnFailure::Refused {
                key: key.map(ToString::to_string).unwrap_or_default(),
                delete: matches!(command, KvCommand::Delete { .. }),
                refusal,
            }),
            _ => Ok(Vec::new()),
        }
    }

    fn member_tree(&self, namespace: &Namespace, prefix: &str) -> Vec<TxnResult> {
        let keys = self.keyspace(namespace).into_iter().flat_map(|keys| keys.under(prefix));
        keys.map(|(key, record)| result(namespace, key, Some(Arc::clone(record)), true)).collect()
    }

    fn member_session(
        &self,
        namespace: &Namespace,
        key: &Key,
        wanted: Option<SessionId>,
        text: &str,
    ) -> Member {
        let Some(record) = self.record(namespace, key) else {
            return Err(TxnFailure::SessionOfMissing { key: key.to_string() });
        };
        let matches = match wanted {
            Some(id) => record.session == Some(id),
            None => text.is_empty() && record.session.is_none(),
        };
        if matches {
            return Ok(vec![result(namespace, key, Some(record), false)]);
        }
        Err(TxnFailure::SessionDiffers {
            key: key.to_string(),
            found: record.session.map(|id| id.to_string()).unwrap_or_default(),
            wanted: text.to_owned(),
        })
    }

    fn record(&self, namespace: &Namespace, key: &Key) -> Option<Arc<KvRecord>> {
        self.keyspace(namespace)?.get(key.as_str()).cloned()
    }
}

fn result(namespace: &Namespace, key: &Key, record: Option<Arc<KvRecord>>, with_value: bool) -> TxnResult {
    TxnResult::Kv { namespace: namespace.clone(), key: key.clone(), record, with_value }
}
