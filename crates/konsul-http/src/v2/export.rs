//! `GET /v2/export`: keys as lines of JSON, made while they are sent.

use std::sync::Arc;

use bytes::Bytes;
use konsul_api::v2::text::{write_field, write_number};
use konsul_api::v2::value::Form;
use konsul_operations::answer::{Entries, Exported};
use konsul_operations::arguments::{Export, KvSelect};
use konsul_operations::{Answer, KvEntry};
use konsul_types::Millis;
use konsul_types::duration::GoDuration;

use super::inbound::{Begun, Inbound};
use super::rejection::Rejection;
use super::reply::{NDJSON, Reply};
use crate::outgoing::Source;

/// How many bytes of lines become one piece.
const PIECE: usize = 64 * 1024;

/// `GET`.
pub(crate) fn export(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let all_namespaces = all_namespaces(inbound)?;
    let prefix = inbound.query.get("prefix").unwrap_or("").to_owned();
    let args = Export { select: KvSelect::Prefix(prefix), all_namespaces };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: Exported { entries, at }, meta } = edge.operations.export(&context, args).await?;
        let lines = Lines { entries, at };
        Ok(Reply::streamed(NDJSON, Source::Backup(Box::new(lines))).with_index(meta.index))
    })
}

/// Whether all namespaces are meant.
pub(super) fn all_namespaces(inbound: &Inbound<'_>) -> super::rejection::Rejected<bool> {
    let all = inbound.flag("all_namespaces");
    if all && inbound.query.has("namespace") {
        let detail = "contradicts namespace: leave one of them out";
        return Err(Rejection::of_parameter("all_namespaces", detail));
    }
    Ok(all)
}

struct Lines {
    entries: Entries,
    at: Millis,
}

impl Iterator for Lines {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut out = Vec::with_capacity(PIECE + PIECE / 8);
        while out.len() < PIECE {
            let Some(entry) = self.entries.next() else { break };
            write_line(&mut out, &entry, self.at);
        }
        (!out.is_empty()).then(|| out.into())
    }
}

/// Appends a line. A key whose time is over but that is still there gets the shortest time to live there is.
pub(super) fn write_line(out: &mut Vec<u8>, entry: &KvEntry, at: Millis) {
    let record = &*entry.record;
    write_field(out, b"{\"key\":", entry.key.as_str());
    match Form::of(record.value.as_bytes()) {
        Form::Text(text) => write_field(out, b",\"value\":", &text),
        Form::Base64(text) => write_field(out, b",\"value_base64\":", &text),
    }
    write_number(out, b",\"flags\":", record.flags);
    write_field(out, b",\"namespace\":", entry.namespace.as_str());
    if let Some(end) = record.expires_at.at() {
        let left = GoDuration::from_millis(end.since(at).max(1));
        write_field(out, b",\"ttl\":", &left.to_string());
    }
    out.extend_from_slice(b"}\n");
}
