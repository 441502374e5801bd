//! I-12 NoPhantom: every value that is read was put by somebody, and before the read returned.
//!
//! Source: the validity half of any register's specification; values in a run are unique, so the test is exact.

use std::collections::BTreeMap;

use konsul_types::{Command, KvCommand, KvTxnOp, TxnOp, Value};

use crate::broken::{Held, hold};
use crate::history::{Content, Journals, Read};

/// The invariant's name.
pub const NAME: &str = "I-12 NoPhantom";

/// Every value that was read.
pub fn held(journals: &Journals) -> Held {
    let mut put: BTreeMap<&[u8], u64> = BTreeMap::new();
    for proposed in &journals.proposals {
        for value in values(&proposed.command) {
            put.entry(value.as_bytes()).or_insert(proposed.began);
        }
    }
    journals.reads.iter().try_for_each(|read| was_put(read, &put))
}

fn was_put(read: &Read, put: &BTreeMap<&[u8], u64>) -> Held {
    let seen: Vec<&Value> = match &read.content {
        Content::Record(record) => record.iter().map(|record| &record.value).collect(),
        Content::Records(records) => records.iter().map(|(_, record)| &record.value).collect(),
        Content::Events(events) => events.iter().map(|event| &event.payload).collect(),
        _ => Vec::new(),
    };
    seen.into_iter().try_for_each(|value| {
        let since = put.get(value.as_bytes());
        hold(NAME, since.is_some_and(|began| *began < read.ended), || {
            format!("{value:?} was read and never put: {read:?}")
        })
    })
}

fn values(command: &Command) -> Vec<&Value> {
    fn of(op: &KvCommand) -> Option<&Value> {
        match op {
            KvCommand::Put { value, .. } => Some(value),
            _ => None,
        }
    }
    match command {
        Command::Kv { op, .. } => of(op).into_iter().collect(),
        Command::EventFire { event } => vec![&event.payload],
        Command::Txn { ops } => ops
            .iter()
            .filter_map(|op| match op {
                TxnOp::Kv { op: KvTxnOp::Write(op), .. } => of(op),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::{read, record};
    use super::*;

    #[test]
    fn fires_on_a_value_that_nobody_put_and_on_one_put_later() {
        let seen = read(5, 6, 3, 3, Content::Record(Some(record(3, "a", None))));
        let put = |at| BTreeMap::from([(&b"a"[..], at)]);
        assert!(was_put(&seen, &put(1)).is_ok());
        assert!(was_put(&seen, &put(7)).is_err());
        assert!(was_put(&seen, &BTreeMap::new()).is_err());
    }
}
