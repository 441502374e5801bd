//! Records of the store as entries of this API.

use konsul_api::v2::kv::{Entry, EntryRef};
use konsul_api::v2::time::Timestamp;
use konsul_api::v2::value::Form;
use konsul_operations::KvEntry;
use konsul_types::{Key, KvRecord};

/// Appends an entry, with its value or without.
pub(crate) fn write(out: &mut Vec<u8>, key: &Key, record: &KvRecord, with_value: bool) {
    let mut session = [0; 36];
    let entry = EntryRef {
        key: key.as_str(),
        value: with_value.then(|| record.value.as_bytes()),
        flags: record.flags,
        create_index: record.create_index.0,
        modify_index: record.modify_index.0,
        lock_index: record.lock_index,
        session: record.session.map(|id| &*id.0.hyphenated().encode_lower(&mut session)),
        expires_at: record.expires_at.at().map(|at| Timestamp(at.0)),
    };
    out.reserve(entry.room());
    entry.write(out);
}

/// An entry alone.
pub(crate) fn written(entry: &KvEntry, with_value: bool) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, &entry.key, &entry.record, with_value);
    out
}

/// An entry as a value of its own.
pub(crate) fn owned(key: &Key, record: &KvRecord) -> Entry {
    let (value, value_base64) = Form::of(record.value.as_bytes()).fields();
    Entry {
        key: key.to_string(),
        value,
        value_base64,
        flags: record.flags,
        create_index: record.create_index.0,
        modify_index: record.modify_index.0,
        lock_index: record.lock_index,
        session: record.session.map(|id| id.to_string()),
        expires_at: record.expires_at.at().map(|at| Timestamp(at.0)),
    }
}
