//! What one member of a transaction or batch does. It happens whole or not at all.

use std::sync::Arc;

use konsul_types::txn::{KvTxnOp, TxnFailure};
use konsul_types::{
    BatchItem, Change, Index, Key, KvCommand, KvRecord, Namespace, Outcome, SessionId, TxnOp, TxnResult,
};

use crate::state::State;

impl State {
    pub(crate) fn run_op(&mut self, op: &TxnOp, changes: &mut Vec<Change>) -> BatchItem {
        match op {
            TxnOp::Kv { namespace, op } => self.run_member(namespace, op, changes),
            TxnOp::Catalog(op) => catalog_item(self.catalog_member(op, changes)),
        }
    }

    /// A member that only reads.
    pub(crate) fn read_op(&self, op: &TxnOp) -> BatchItem {
        match op {
            TxnOp::Kv { namespace, op } => self.read_member(namespace, op),
            TxnOp::Catalog(op) => catalog_item(self.catalog_read(op)),
        }
    }

    fn run_member(&mut self, namespace: &Namespace, op: &KvTxnOp, changes: &mut Vec<Change>) -> BatchItem {
        match op {
            KvTxnOp::Write(command) => self.member_write(namespace, command, changes),
            _ => self.read_member(namespace, op),
        }
    }

    /// A member that only reads.
    fn read_member(&self, namespace: &Namespace, op: &KvTxnOp) -> BatchItem {
        match op {
            KvTxnOp::Write(_) => BatchItem::Done,
            KvTxnOp::Get { key } => match self.record(namespace, key) {
                Some(record) => BatchItem::Record(Some(record)),
                None => BatchItem::Failed(TxnFailure::Missing { key: key.to_string() }),
            },
            KvTxnOp::GetOrEmpty { key } => BatchItem::Record(self.record(namespace, key)),
            KvTxnOp::GetTree { prefix } => BatchItem::Tree(self.member_tree(namespace, prefix)),
            KvTxnOp::CheckIndex { key, index } => self.member_index(namespace, key, *index),
            KvTxnOp::CheckSession { key, session, text } => {
                self.member_session(namespace, key, *session, text)
            }
            KvTxnOp::CheckNotExists { key } => match self.record(namespace, key) {
                None => BatchItem::Done,
                Some(_) => BatchItem::Failed(TxnFailure::Exists { key: key.to_string() }),
            },
        }
    }

    fn member_write(
        &mut self,
        namespace: &Namespace,
        command: &KvCommand,
        changes: &mut Vec<Change>,
    ) -> BatchItem {
        match self.kv_command(namespace, command, changes) {
            Outcome::Kv(record) => BatchItem::Record(Some(record)),
            Outcome::Counted(count) => BatchItem::Counted(count),
            Outcome::Refused(refusal) => BatchItem::Failed(TxnFailure::Refused {
                key: command.key().map(ToString::to_string).unwrap_or_default(),
                delete: matches!(command, KvCommand::Delete { .. }),
                refusal,
            }),
            _ => BatchItem::Done,
        }
    }

    fn member_tree(&self, namespace: &Namespace, prefix: &str) -> Vec<(Key, Arc<KvRecord>)> {
        let keys = self.keyspace(namespace).into_iter().flat_map(|keys| keys.under(prefix));
        keys.map(|(key, record)| (key.clone(), Arc::clone(record))).collect()
    }

    fn member_index(&self, namespace: &Namespace, key: &Key, wanted: Index) -> BatchItem {
        match self.record(namespace, key) {
            None => BatchItem::Failed(TxnFailure::IndexOfMissing { key: key.to_string() }),
            Some(record) if record.modify_index == wanted => BatchItem::Record(Some(record)),
            Some(record) => BatchItem::Failed(TxnFailure::IndexDiffers {
                key: key.to_string(),
                found: record.modify_index,
                wanted,
            }),
        }
    }

    fn member_session(
        &self,
        namespace: &Namespace,
        key: &Key,
        wanted: Option<SessionId>,
        text: &str,
    ) -> BatchItem {
        let Some(record) = self.record(namespace, key) else {
            return BatchItem::Failed(TxnFailure::SessionOfMissing { key: key.to_string() });
        };
        let matches = match wanted {
            Some(id) => record.session == Some(id),
            None => text.is_empty() && record.session.is_none(),
        };
        if matches {
            return BatchItem::Record(Some(record));
        }
        BatchItem::Failed(TxnFailure::SessionDiffers {
            key: key.to_string(),
            found: record.session.map(|id| id.to_string()).unwrap_or_default(),
            wanted: text.to_owned(),
        })
    }

    fn record(&self, namespace: &Namespace, key: &Key) -> Option<Arc<KvRecord>> {
        self.keyspace(namespace)?.get(key.as_str()).cloned()
    }
}

fn catalog_item(member: Result<Option<TxnResult>, TxnFailure>) -> BatchItem {
    match member {
        Ok(Some(result)) => BatchItem::Catalog(result),
        Ok(None) => BatchItem::Done,
        Err(why) => BatchItem::Failed(why),
    }
}
