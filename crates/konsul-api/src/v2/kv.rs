//! Entries of the key-value store.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::{write_field, write_number};
use super::time::Timestamp;
use super::value::{Form, present};

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = KvEntry)]
pub struct Entry {
    /// Its key.
    #[schema(min_length = 1, max_length = 8192)]
    pub key: String,
    /// Its value, where it is UTF-8. Absent where only keys were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<String>,
    /// Its value in base64, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, content_encoding = "base64")]
    pub value_base64: Option<String>,
    /// The client's own number.
    pub flags: u64,
    /// The index at which it was created.
    pub create_index: u64,
    /// The index at which it last changed: its `ETag`.
    pub modify_index: u64,
    /// How often it was locked since it was created.
    pub lock_index: u64,
    /// The session that holds its lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uuid")]
    pub session: Option<String>,
    /// When it may be removed, if it has a time to live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<Timestamp>,
}

/// An entry to be written, borrowed from where it lives. Gives the bytes that [`Entry`] gives, and takes a third of the time.
#[derive(Debug, Clone, Copy)]
pub struct EntryRef<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its value; `None` to leave it out.
    pub value: Option<&'a [u8]>,
    /// The client's own number.
    pub flags: u64,
    /// The index at which it was created.
    pub create_index: u64,
    /// The index at which it last changed.
    pub modify_index: u64,
    /// How often it was locked.
    pub lock_index: u64,
    /// The session that holds its lock.
    pub session: Option<&'a str>,
    /// When it may be removed.
    pub expires_at: Option<Timestamp>,
}

impl EntryRef<'_> {
    /// How many bytes [`EntryRef::write`] takes, unless much has to be escaped.
    pub fn room(&self) -> usize {
        self.key.len() + self.value.map_or(0, |value| value.len() + value.len() / 3) + 256
    }

    /// Appends the entry.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_field(out, b"{\"key\":", self.key);
        match self.value.map(Form::of) {
            None => {}
            Some(Form::Text(text)) => write_field(out, b",\"value\":", &text),
            Some(Form::Base64(text)) => write_field(out, b",\"value_base64\":", &text),
        }
        write_number(out, b",\"flags\":", self.flags);
        write_number(out, b",\"create_index\":", self.create_index);
        write_number(out, b",\"modify_index\":", self.modify_index);
        write_number(out, b",\"lock_index\":", self.lock_index);
        if let Some(session) = self.session {
            write_field(out, b",\"session\":", session);
        }
        if let Some(at) = self.expires_at {
            write_field(out, b",\"expires_at\":", &at.to_string());
        }
        out.push(b'}');
    }
}

/// What is put under a key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = KvPut)]
#[serde(deny_unknown_fields)]
pub struct Put {
    /// The value as text. Exactly one of `value` and `value_base64` is there.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<String>,
    /// The value in base64.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, content_encoding = "base64")]
    pub value_base64: Option<String>,
    /// A number that clients use as they like; zero if it is absent.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub flags: Option<u64>,
    /// Time to live, such as `30s`; absent for none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, schema_with = super::shape::duration)]
    pub ttl: Option<String>,
}

/// What changes of an entry's metadata. The value stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = KvPatch)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// The new number.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub flags: Option<u64>,
    /// The new time to live, counted from now; `null` lets the key stay.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = super::shape::duration_or_null)]
    pub ttl: Option<Option<String>>,
}

/// How many keys were removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = KvTreeDeleted)]
pub struct TreeDeleted {
    /// How many there were.
    pub deleted: u64,
    /// The index at which they are gone, or a later one.
    pub index: u64,
}

/// What happened to a key at an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = KvVersionKind)]
#[serde(rename_all = "snake_case")]
pub enum VersionKind {
    /// It was written.
    Put,
    /// It was removed, or ran out.
    Delete,
}

/// A version of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = KvVersion)]
pub struct Version {
    /// The index at which it became the key's version.
    pub index: u64,
    /// What happened.
    pub kind: VersionKind,
    /// When it happened, in log time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub at: Option<Timestamp>,
    /// The value, where it is UTF-8; absent for a removal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<String>,
    /// The value in base64, where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, content_encoding = "base64")]
    pub value_base64: Option<String>,
    /// The number that it had; absent for a removal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub flags: Option<u64>,
}

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = KvDiffLine)]
pub struct DiffLine {
    /// Where the line is from.
    pub kind: DiffKind,
    /// The line, without its end.
    pub text: String,
}

/// Where a line of a difference is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = KvDiffKind)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// Both have it.
    Same,
    /// Only the older one has it.
    Removed,
    /// Only the newer one has it.
    Added,
}

/// The difference between two versions of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = KvDiff)]
pub struct Diff {
    /// The key.
    pub key: String,
    /// The older version.
    pub from: Version,
    /// The newer version.
    pub to: Version,
    /// Whether the values are equal.
    pub equal: bool,
    /// The values line by line, where both are text; absent where one is not, or where they are too large for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lines: Option<Vec<DiffLine>>,
    /// The index of the answer.
    pub index: u64,
}

/// To which version a key goes back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = KvUndo)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The index of the version wanted; absent for the one before the present one.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub to_index: Option<u64>,
}

/// What a key is after an undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = KvUndone)]
pub struct Undone {
    /// The entry; absent if the version wanted was a removal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub entry: Option<Entry>,
    /// The index of the version that is there again.
    pub to_index: u64,
    /// The index of the answer.
    pub index: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_forms_of_an_entry_give_the_same_bytes(
            key in ".{0,40}",
            value in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
            text in proptest::option::of(".{0,40}"),
            numbers in any::<[u64; 4]>(),
            session in proptest::option::of("[a-f0-9-]{36}"),
            expires in proptest::option::of(0..253_402_300_799_999_u64),
        ) {
            let [flags, create_index, modify_index, lock_index] = numbers;
            let value = text.map(String::into_bytes).or(value);
            let expires_at = expires.map(Timestamp);
            let short = EntryRef {
                key: &key, value: value.as_deref(), flags, create_index, modify_index, lock_index,
                session: session.as_deref(), expires_at,
            };
            let mut written = Vec::new();
            short.write(&mut written);
            let (value, value_base64) = value.as_deref().map(|bytes| Form::of(bytes).fields()).unwrap_or_default();
            let long = Entry {
                key: key.clone(), value, value_base64, flags, create_index, modify_index, lock_index,
                session: session.clone(), expires_at,
            };
            prop_assert_eq!(String::from_utf8_lossy(&written), serde_json::to_string(&long).unwrap());
            prop_assert_eq!(serde_json::from_slice::<Entry>(&written).unwrap(), long);
        }
    }
}
