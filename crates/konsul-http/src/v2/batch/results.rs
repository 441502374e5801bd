//! What became of each member, written by hand: a batch may have ten thousand.

use konsul_api::v2::code;
use konsul_api::v2::problem::Fault;
use konsul_api::v2::text::{write_field, write_number};
use konsul_operations::Error;
use konsul_types::{BatchItem, Index, Key, KvRecord, KvTxnOp, TxnFailure, TxnOp, TxnResult};

use super::super::entry;
use super::super::rejection::Rejection;
use super::work::Part;

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

/// What became of a member.
pub(super) type Item = Result<BatchItem, Error>;

/// Whether it did not happen.
pub(super) fn is_failure(item: &Item) -> bool {
    item.as_ref().map_or(true, |item| item.failure().is_some())
}

/// How many happened, and how many did not.
#[derive(Debug, Default)]
pub(super) struct Sums {
    succeeded: u64,
    failed: u64,
}

impl Sums {
    pub(super) fn count(&mut self, item: &Item) {
        if is_failure(item) {
            self.failed += 1;
        } else {
            self.succeeded += 1;
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
pub(super) fn write(out: &mut Vec<u8>, position: usize, item: &Item, read: Option<&Key>) {
    let item = match item {
        Ok(item) => item,
        Err(why) => {
            let why = Box::<Rejection>::from(why.clone());
            return write_failure(out, position, why.code.id, &why.detail);
        }
    };
    if let Some(why) = item.failure() {
        return write_failure(out, position, failure_code(why), &why.to_string());
    }
    write_number(out, b"{\"position\":", position as u64);
    match item {
        BatchItem::Counted(count) => write_number(out, b",\"deleted\":", *count),
        BatchItem::Record(Some(record)) => write_record(out, record, read),
        BatchItem::Catalog(record) => {
            if let Some(index) = index_of(record) {
                write_number(out, b",\"modify_index\":", index.0);
            }
        }
        BatchItem::Done | BatchItem::Record(None) | BatchItem::Tree(_) | BatchItem::Failed(_) => {}
    }
    out.push(b'}');
}

fn index_of(record: &TxnResult) -> Option<Index> {
    match record {
        TxnResult::Node(node) => Some(node.modify_index),
        TxnResult::Service(service) => Some(service.modify_index),
        TxnResult::Check(check) => Some(check.modify_index),
        TxnResult::Kv { .. } => None,
    }
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
        TxnFailure::Catalog { why } => of_catalogue(why),
        TxnFailure::SessionOfMissing { .. } | TxnFailure::SessionDiffers { .. } => code::NOT_LOCK_HOLDER.id,
    }
}

/// The state says of the catalogue's members only in words what was wrong.
fn of_catalogue(why: &str) -> &'static str {
    match why {
        "Missing node registration" => code::MISSING_NODE.id,
        "Missing service registration" => code::MISSING_SERVICE.id,
        _ if why.ends_with("index is stale") => code::STALE_INDEX.id,
        _ if why.contains("already exists") || why.contains("is reserved") => code::NODE_NAME_TAKEN.id,
        _ => code::INVALID_ARGUMENT.id,
    }
}

/// That nothing happened, and because of which members.
pub(super) fn rolled_back(part: &Part) -> Box<Rejection> {
    let failed = |item: &'_ Item| item.as_ref().ok().and_then(|item| item.failure().cloned());
    let failures =
        (part.first..).zip(&part.items).filter_map(|(position, item)| Some((position, failed(item)?)));
    let errors: Vec<Fault> = failures
        .map(|(position, why)| {
            Fault::at(format!("/operations/{position}"), format!("{}: {why}", failure_code(&why)))
        })
        .collect();
    let detail = format!("{} of its members failed, and none of it happened; see errors", errors.len());
    Box::new(Rejection { errors, index: Some(part.index), ..*Rejection::new(&code::BATCH_FAILED, detail) })
}
