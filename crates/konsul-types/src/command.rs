//! What enters the log.

use serde::{Deserialize, Serialize};

use crate::encoding::{self, DecodeError};
use crate::event::Event;
use crate::kv::KvCommand;
use crate::limits::Limits;
use crate::node::CatalogCommand;
use crate::restore::RestoreCommand;
use crate::session::SessionSpec;
use crate::txn::TxnOp;
use crate::{Index, Key, Millis, Namespace, RequestId, SessionId};

/// A change asked of the replicated state. Variants are only ever appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// On one namespace's keys.
    Kv {
        /// Where.
        namespace: Namespace,
        /// What.
        op: KvCommand,
    },
    /// Several operations, all or none.
    Txn {
        /// The members, in order.
        ops: Vec<TxnOp>,
    },
    /// Makes a session.
    SessionCreate {
        /// Where.
        namespace: Namespace,
        /// What is wanted.
        spec: SessionSpec,
    },
    /// Ends a session of the client's own will.
    SessionDestroy {
        /// Where.
        namespace: Namespace,
        /// Which.
        id: SessionId,
    },
    /// Checkpoints a renewal; see [`crate::Session`].
    SessionRenew {
        /// Where.
        namespace: Namespace,
        /// Which.
        id: SessionId,
    },
    /// Ends sessions whose time ran out, as the leader saw it.
    SessionExpire {
        /// The term of the leader that saw it; refused in another term.
        term: u64,
        /// Namespace, session, and the renewal number seen; refused if it moved on.
        sessions: Vec<(Namespace, SessionId, u64)>,
    },
    /// Removes keys whose time ran out, as the leader saw it.
    KvExpire {
        /// The term of the leader that saw it; refused in another term.
        term: u64,
        /// Namespace, key, and the modify index seen; refused if it moved on.
        keys: Vec<(Namespace, Key, Index)>,
    },
    /// Fires an event.
    EventFire {
        /// The event; its logical time and index are ignored.
        event: Event,
    },
    /// On nodes and checks.
    Catalog(CatalogCommand),
    /// The first command of a leader: sessions that ran out while nobody led get one more time to live.
    LeaderStart {
        /// Its term.
        term: u64,
    },
    /// Replaces the bounds.
    SetLimits(Limits),
    /// Raises the feature level; a lower one than the present is refused.
    RaiseFeatureLevel {
        /// The new level.
        level: u32,
    },
    /// Carries the leader's state hash at an index; a replica that differs stops.
    CompareHash {
        /// The position at which the hash was taken.
        index: Index,
        /// Hash by table, in the order of the state's tables.
        hashes: Vec<u64>,
    },
    /// Forgets graves of keys that were removed at or before an index.
    Reap {
        /// Up to where.
        upto: Index,
    },
    /// A step of a restore.
    Restore(RestoreCommand),
}

/// A command with what its proposer knew when it proposed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The leader's time. The state never lets it decrease.
    pub at: Millis,
    /// Set when the command may arrive more than once.
    pub request: Option<RequestId>,
    /// Who asked, for the audit trail; empty while there are no identities.
    pub actor: String,
    /// What is asked.
    pub command: Command,
}

impl Proposal {
    /// The bytes of a log entry's payload.
    pub fn encode(&self) -> Vec<u8> {
        encoding::encode(self)
    }

    /// Reads the payload of a log entry.
    pub fn decode(bytes: &[u8]) -> Result<Proposal, DecodeError> {
        encoding::decode(bytes)
    }
}
