//! What became of each member, written by hand: a batch may have ten thousand.

use konsul_api::v2::code;
use konsul_api::v2::problem::Fault;
use konsul_api::v2::text::{write_field, write_number};
use konsul_operations::Error;
use konsul_operations::answer::BatchPart;
use konsul_types::{BatchItem, Index, Key, KvRecord, KvTxnOp, TxnFailure, TxnOp};

use super::super::entry;
use super::super::rejection::Rejection;

/// In which form results are written.
#[derive(Clone, Copy)]
pub(super) enum Written {
    /// As members of a list.
    List,
    /// As lines.
    Lines,
}

impl Written {
    pub(super) fn begin(self, out: &mut Vec<u8>, told: usize) {
        if matches!(self, Written::List) && told > 0 {
            out.push(b',');
        }
    }

    pub(super) fn end(self, out: &mut Vec<u8>) {
        if matches!(self, Written::Lines) {
            out.push(b'\n');
        }
    }
}

/// How many happened, and how many did not.
#[derive(Debug, Default)]
pub(super) struct Sums {
    succeeded: u64,
    failed: u64,
}

impl Sums {
    pub(super) fn count(&mut self, item: &BatchItem) {
        match item.failure() {
            None => self.succeeded += 1,
            Some(_) => self.failed += 1,
        }
    }

    pub(super) fn fail(&mut self) {
        self.failed += 1;
    }

    /// How many results were written.
    pub(super) fn told(&self) -> usize {
        usize::try_from(self.succeeded + self.failed).unwrap_or(usize::MAX)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, index: Index) {
        write_number(out, b"{\"succeeded\":", self.succeeded);
        write_number(out, b",\"failed\":", self.failed);
        write_number(out, b",\"index\":", index.0);
        out.push(b'}');
    }
}

/// Appends a result; `read` is the key of a member that reads one.
pub(super) fn write(out: &mut Vec<u8>, position: usize, item: &BatchItem, read: Option<&Key>) {
    if let Some(why) = item.failure() {
        return write_failure(out, position, failure_code(why), &why.to_string());
    }
    write_number(out, b"{\"position\":", position as u64);
    match item {
        BatchItem::Counted(count) => write_number(out, b",\"deleted\":", *count),
        BatchItem::Record(Some(record)) => write_record(out, record, read),
        BatchItem::Done
        | BatchItem::Record(None)
        | BatchItem::Tree(_)
        | BatchItem::Failed(_)
        | BatchItem::Catalog(_) => {}
    }
    out.push(b'}');
}

/// A write says its index, a read the entry.
fn write_record(out: &mut Vec<u8>, record: &KvRecord, read: Option<&Key>) {
    match read {
        None => write_number(out, b",\"modify_index\":", record.modify_index.0),
        Some(key) => {
            out.extend_from_slice(b",\"entry\":");
            entry::write(out, key, record, true);
        }
    }
}

/// The key that a member reads, if it reads one.
pub(super) fn read_key(op: &TxnOp) -> Option<&Key> {
    match op {
        TxnOp::Kv { op: KvTxnOp::Get { key } | KvTxnOp::GetOrEmpty { key }, .. } => Some(key),
        _ => None,
    }
}

/// Appends the result of a member that did not happen.
pub(super) fn write_failure(out: &mut Vec<u8>, position: usize, code: &str, detail: &str) {
    write_number(out, b"{\"position\":", position as u64);
    write_field(out, b",\"failure\":{\"code\":", code);
    write_field(out, b",\"detail\":", detail);
    out.extend_from_slice(b"}}");
}

fn failure_code(why: &TxnFailure) -> &'static str {
    match why {
        TxnFailure::Refused { refusal, .. } => Error::Refused(refusal.clone()).code(),
        TxnFailure::Missing { .. } => code::KEY_NOT_FOUND.id,
        TxnFailure::IndexOfMissing { .. } | TxnFailure::IndexDiffers { .. } | TxnFailure::Exists { .. } => {
            code::STALE_INDEX.id
        }
        TxnFailure::Denied { .. } => code::PERMISSION_DENIED.id,
        TxnFailure::Catalog { .. } => code::STALE_INDEX.id,
        TxnFailure::SessionOfMissing { .. } | TxnFailure::SessionDiffers { .. } => code::NOT_LOCK_HOLDER.id,
    }
}

/// That nothing happened, and because of which members.
pub(super) fn rolled_back(part: &BatchPart) -> Box<Rejection> {
    let failures =
        (part.first..).zip(&part.items).filter_map(|(position, item)| Some((position, item.failure()?)));
    let errors: Vec<Fault> = failures
        .map(|(position, why)| {
            Fault::at(format!("/operations/{position}"), format!("{}: {why}", failure_code(why)))
        })
        .collect();
    let detail = format!("{} of its members failed, and none of it happened; see errors", errors.len());
    Box::new(Rejection { errors, index: Some(part.index), ..*Rejection::new(&code::BATCH_FAILED, detail) })
}
