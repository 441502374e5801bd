//! Records and commands of the key-value store.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Expiry, Index, Key, SessionId};

/// A value: opaque bytes, shared and never changed. Consul's default bound is 512 KiB.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Value(Arc<[u8]>);

impl Value {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<Arc<[u8]>>> From<T> for Value {
    fn from(bytes: T) -> Self {
        Value(bytes.into())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.0) {
            Ok(text) if text.len() <= 64 => write!(f, "{text:?}"),
            _ => write!(f, "<{} bytes>", self.0.len()),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
                Ok(Value(Arc::from(bytes)))
            }
            fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Value, E> {
                Ok(Value(Arc::from(bytes)))
            }
        }
        from.deserialize_bytes(Bytes).map_err(D::Error::custom)
    }
}

/// What the store holds under one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvRecord {
    /// The bytes that were put.
    pub value: Value,
    /// A number that clients use as they like.
    pub flags: u64,
    /// How often the key was locked since it was created, as long as only locks wrote it: a plain put sets it to zero.
    pub lock_index: u64,
    /// Who holds the lock.
    pub session: Option<SessionId>,
    /// Index of the entry that created the key.
    pub create_index: Index,
    /// Index of the entry that last changed it.
    pub modify_index: Index,
    /// Log time at which the key may be removed, if it has a time to live.
    pub expires_at: Expiry,
}

/// On what condition a put happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PutMode {
    /// Always.
    Set,
    /// Only if the key's modify index is this; zero: only if the key is absent.
    Cas(Index),
    /// Takes the lock for a session; refused while another one holds it or its lock delay runs.
    Acquire(SessionId),
    /// Gives the lock back; refused unless this session holds it.
    Release(SessionId),
}

/// A change asked of one namespace's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvCommand {
    /// Writes one key.
    Put {
        /// Which.
        key: Key,
        /// The new bytes.
        value: Value,
        /// The new flags.
        flags: u64,
        /// The condition.
        mode: PutMode,
        /// Time to live in milliseconds, counted from the entry's time. `None` means that the key stays; a put without a
        /// time to live removes an earlier one.
        ttl_ms: Option<u64>,
    },
    /// Removes one key, on condition that its modify index is `cas` if that is given. An absent key is no refusal.
    Delete {
        /// Which.
        key: Key,
        /// The condition.
        cas: Option<Index>,
    },
    /// Removes every key that begins with a prefix; the empty prefix means all.
    DeleteTree {
        /// The prefix: raw bytes of text, not path segments.
        prefix: String,
    },
    /// Changes what stands beside a value, and leaves the value, the holder and the lock index as they are. Refused if the
    /// key is absent. Feature level 2.
    Patch {
        /// Which.
        key: Key,
        /// New flags, if they change.
        flags: Option<u64>,
        /// What becomes of the time to live.
        ttl: TtlPatch,
        /// The modify index that the key must have, if that matters.
        cas: Option<Index>,
    },
}

/// What becomes of a key's time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TtlPatch {
    /// It stays as it is.
    #[default]
    Keep,
    /// The key stays for ever.
    Clear,
    /// The key lives so many milliseconds from the entry's time.
    Set(u64),
}

impl KvCommand {
    /// The one key that it is about; `None` for a tree.
    pub fn key(&self) -> Option<&Key> {
        match self {
            KvCommand::Put { key, .. } | KvCommand::Delete { key, .. } | KvCommand::Patch { key, .. } => {
                Some(key)
            }
            KvCommand::DeleteTree { .. } => None,
        }
    }

    /// The feature level that it belongs to.
    pub fn level(&self) -> u32 {
        if matches!(self, KvCommand::Patch { .. }) { 2 } else { 1 }
    }
}
