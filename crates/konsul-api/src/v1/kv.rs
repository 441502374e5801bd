//! Entries of the key-value store.

use serde::{Deserialize, Serialize};

use super::bytes::{self, Base64};
use super::json::{write_str, write_u64};

/// An entry as clients read it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Entry {
    /// How often it was locked.
    pub lock_index: u64,
    /// Its key.
    pub key: String,
    /// The client's own number.
    pub flags: u64,
    /// Its value.
    pub value: Base64,
    /// The session that holds its lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Index at which it was created.
    pub create_index: u64,
    /// Index at which it last changed.
    pub modify_index: u64,
    /// Its namespace; absent when that is `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// An entry to be written, borrowed from where it lives.
#[derive(Debug, Clone, Copy)]
pub struct EntryRef<'a> {
    /// How often it was locked.
    pub lock_index: u64,
    /// Its key.
    pub key: &'a str,
    /// The client's own number.
    pub flags: u64,
    /// Its value; empty is written as `null`.
    pub value: &'a [u8],
    /// The session that holds its lock.
    pub session: Option<&'a str>,
    /// Index at which it was created.
    pub create_index: u64,
    /// Index at which it last changed.
    pub modify_index: u64,
    /// Its namespace; `None` when that is `default`.
    pub namespace: Option<&'a str>,
}

impl EntryRef<'_> {
    /// How many bytes [`EntryRef::write`] takes at most, unless the key needs many escapes.
    pub fn room(&self) -> usize {
        self.key.len() + self.value.len().div_ceil(3) * 4 + 256
    }

    /// Appends the entry. The same bytes as [`Entry`] gives.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"LockIndex\":");
        write_u64(out, self.lock_index);
        out.extend_from_slice(b",\"Key\":");
        write_str(out, self.key);
        out.extend_from_slice(b",\"Flags\":");
        write_u64(out, self.flags);
        out.extend_from_slice(b",\"Value\":");
        bytes::write(out, self.value);
        if let Some(session) = self.session {
            out.extend_from_slice(b",\"Session\":");
            write_str(out, session);
        }
        out.extend_from_slice(b",\"CreateIndex\":");
        write_u64(out, self.create_index);
        out.extend_from_slice(b",\"ModifyIndex\":");
        write_u64(out, self.modify_index);
        if let Some(namespace) = self.namespace {
            out.extend_from_slice(b",\"Namespace\":");
            write_str(out, namespace);
        }
        out.push(b'}');
    }
}

/// Appends a list of names.
pub fn write_names<'a>(out: &mut Vec<u8>, names: impl Iterator<Item = &'a str>) {
    out.push(b'[');
    for (at, name) in names.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_str(out, name);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::v1::json;

    proptest! {
        #[test]
        fn both_forms_of_an_entry_give_the_same_bytes(
            key in ".{0,40}",
            value in proptest::collection::vec(any::<u8>(), 0..40),
            numbers in any::<[u64; 4]>(),
            session in proptest::option::of("[a-f0-9-]{36}"),
            namespace in proptest::option::of("[a-z]{1,8}"),
        ) {
            let [lock_index, flags, create_index, modify_index] = numbers;
            let short = EntryRef {
                lock_index, key: &key, flags, value: &value, session: session.as_deref(),
                create_index, modify_index, namespace: namespace.as_deref(),
            };
            let mut written = Vec::new();
            short.write(&mut written);
            let long = Entry {
                lock_index, key: key.clone(), flags, value: Base64(value.clone()), session: session.clone(),
                create_index, modify_index, namespace: namespace.clone(),
            };
            prop_assert_eq!(&written, &json::to_vec(&long).unwrap());
            prop_assert_eq!(serde_json::from_slice::<Entry>(&written).unwrap(), long);
        }
    }
}
