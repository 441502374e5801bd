//! Transactions: several operations, all or none.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{CatalogTxnOp, Check, Index, Key, KvCommand, KvRecord, Node, Service, SessionId};

/// Most operations in one transaction.
pub const TXN_OPS_MAX: usize = 128;

/// One member of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TxnOp {
    /// On the key-value store.
    Kv {
        /// Where.
        namespace: crate::Namespace,
        /// What.
        op: KvTxnOp,
    },
    // Feature level 3.
    /// On the catalogue.
    Catalog(CatalogTxnOp),
}

impl TxnOp {
    /// The feature level that it belongs to.
    pub fn level(&self) -> u32 {
        match self {
            TxnOp::Kv { op, .. } => op.level(),
            TxnOp::Catalog(_) => 3,
        }
    }

    /// Whether the operation can change the state.
    pub fn is_write(&self) -> bool {
        match self {
            TxnOp::Kv { op, .. } => op.is_write(),
            TxnOp::Catalog(op) => op.is_write(),
        }
    }
}

/// What a member of a transaction does with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvTxnOp {
    /// A write, as it could stand alone.
    Write(KvCommand),
    /// Reads a key; fails if it is absent.
    Get {
        /// Which.
        key: Key,
    },
    /// Reads a key; an absent one reads as empty.
    GetOrEmpty {
        /// Which.
        key: Key,
    },
    /// Reads every key under a prefix.
    GetTree {
        /// The prefix.
        prefix: String,
    },
    /// Fails unless the key's modify index is this.
    CheckIndex {
        /// Which.
        key: Key,
        /// The modify index wanted.
        index: Index,
    },
    /// Fails unless this session holds the key's lock.
    CheckSession {
        /// Which.
        key: Key,
        /// The holder wanted; `None` if the client's text was no session id, which no key is held by.
        session: Option<SessionId>,
        /// The client's text, for the answer.
        text: String,
    },
    /// Fails if the key exists.
    CheckNotExists {
        /// Which.
        key: Key,
    },
}

impl KvTxnOp {
    /// The feature level that it belongs to.
    pub fn level(&self) -> u32 {
        match self {
            KvTxnOp::Write(command) => command.level(),
            _ => 1,
        }
    }

    /// Whether the operation can change the state.
    pub fn is_write(&self) -> bool {
        matches!(self, KvTxnOp::Write(_))
    }
}

/// What one member of a committed transaction gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TxnResult {
    /// A key and its record.
    Kv {
        /// Where.
        namespace: crate::Namespace,
        /// Which.
        key: Key,
        /// What it holds now; `None` for an absent key that was read with [`KvTxnOp::GetOrEmpty`].
        record: Option<Arc<KvRecord>>,
        /// Whether the client asked for the value too.
        with_value: bool,
    },
    // Feature level 3.
    /// A node that was read or written.
    Node(Arc<Node>),
    /// An instance that was read or written.
    Service(Arc<Service>),
    /// A check that was read or written.
    Check(Arc<Check>),
}

/// Why one member failed, and with it the whole transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxnError {
    /// Position of the member, from 0.
    pub op: u32,
    /// What went wrong.
    pub why: TxnFailure,
}

/// What can go wrong with a member of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TxnFailure {
    /// A write was refused.
    #[error("{refusal}")]
    Refused {
        /// The key concerned.
        key: String,
        /// Whether it was a removal.
        delete: bool,
        /// Why.
        refusal: crate::Refusal,
    },
    /// A key that was to be read is absent.
    #[error("key {key:?} doesn't exist")]
    Missing {
        /// Which.
        key: String,
    },
    /// A key whose index was to be checked is absent.
    #[error("failed to check index, key {key:?} doesn't exist")]
    IndexOfMissing {
        /// Which.
        key: String,
    },
    /// A key's modify index is another one.
    #[error("failed index check for key {key:?}, current modify index {found} != {wanted}")]
    IndexDiffers {
        /// Which.
        key: String,
        /// What it is.
        found: Index,
        /// What it should be.
        wanted: Index,
    },
    /// A key whose holder was to be checked is absent.
    #[error("failed to check session, key {key:?} doesn't exist")]
    SessionOfMissing {
        /// Which.
        key: String,
    },
    /// A key is held by another session, or by none.
    #[error("failed session check for key {key:?}, current session {found:?} != {wanted:?}")]
    SessionDiffers {
        /// Which.
        key: String,
        /// Who holds it; empty for nobody.
        found: String,
        /// Who should.
        wanted: String,
    },
    /// A key that should be absent exists.
    #[error("key {key:?} exists")]
    Exists {
        /// Which.
        key: String,
    },
    // Feature level 2.
    /// The identity may not do it. Never said by the state, which knows no identities.
    #[error("Permission denied: {why}")]
    Denied {
        /// What is missing.
        why: String,
    },
    // Feature level 3.
    /// A record of the catalogue is absent, or at another modify index.
    #[error("{why}")]
    Catalog {
        /// What is wrong, in Consul's words.
        why: String,
    },
}
