//! What enters the log.

use serde::{Deserialize, Serialize};

use crate::catalog::CatalogCommand;
use crate::encoding::{self, DecodeError};
use crate::event::Event;
use crate::kv::KvCommand;
use crate::limits::{Limits, LimitsV1};
use crate::lock::LockCommand;
use crate::query::QueryCommand;
use crate::restore::RestoreCommand;
use crate::session::SessionSpec;
use crate::txn::TxnOp;
use crate::{Index, Key, LockName, Millis, Namespace, Request, RequestId, SessionId};

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
    /// Replaces the bounds that feature level 1 knows.
    SetLimits(LimitsV1),
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
    // Feature level 2.
    /// On one namespace's locks.
    Lock {
        /// Where.
        namespace: Namespace,
        /// What.
        op: LockCommand,
    },
    /// Grants locks whose lock delay is over, as the leader saw it, to whoever waits first.
    LockDue {
        /// The term of the leader that saw it; refused in another term.
        term: u64,
        /// Namespace, lock, and the end of the delay seen; passed over if it moved on.
        locks: Vec<(Namespace, LockName, Millis)>,
    },
    /// Several operations in one entry, bounded by the entry's size alone.
    Batch {
        /// Whether all happen or none; otherwise each for itself.
        atomic: bool,
        /// The members, in order.
        ops: Vec<TxnOp>,
    },
    /// Replaces all bounds.
    SetBounds(Limits),
    // Feature level 3.
    /// On prepared queries.
    Query(QueryCommand),
}

impl Command {
    /// The feature level that it belongs to: the state refuses it below.
    pub fn level(&self) -> u32 {
        match self {
            Command::Kv { op, .. } => op.level(),
            Command::Txn { ops } => ops.iter().map(TxnOp::level).max().unwrap_or(1),
            Command::Batch { ops, .. } => ops.iter().map(TxnOp::level).max().unwrap_or(2).max(2),
            Command::Catalog(command) => command.level(),
            Command::Query(_) => 3,
            Command::Lock { .. } | Command::LockDue { .. } | Command::SetBounds(_) => 2,
            _ => 1,
        }
    }

    /// What it is called in messages about feature levels.
    pub fn feature(&self) -> &'static str {
        match self {
            Command::Kv { .. } | Command::Txn { .. } => "changing what stands beside a value",
            Command::Lock { .. } | Command::LockDue { .. } => "locks as resources",
            Command::Batch { .. } => "batches",
            Command::SetBounds(_) => "the bounds of history and locks",
            Command::Catalog(_) => "services in the catalogue",
            Command::Query(_) => "prepared queries",
            _ => "this command",
        }
    }
}

/// A command with what its proposer knew when it proposed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The leader's time. The state never lets it decrease.
    pub at: Millis,
    /// Set when the command may arrive more than once.
    pub request: Option<Request>,
    /// Who asked, for the audit trail; empty while there are no identities.
    pub actor: String,
    /// What is asked.
    pub command: Command,
}

/// The byte form of version 1, which every build reads. Written whenever it can say everything.
#[derive(Serialize, Deserialize)]
struct ProposalV1<A, C> {
    at: Millis,
    request: Option<RequestId>,
    actor: A,
    command: C,
}

/// The byte form of version 2.
#[derive(Serialize, Deserialize)]
struct ProposalV2<A, C> {
    at: Millis,
    request: Option<RequestId>,
    fingerprint: Option<u64>,
    actor: A,
    command: C,
}

impl Proposal {
    /// The feature level of its byte form: the state refuses it below. Below level 2 a request id that tells no time is
    /// refused too, but as level 1 always did: nobody can tell whether it was applied before.
    pub fn level(&self) -> u32 {
        let fingerprinted = self.request.is_some_and(|request| request.fingerprint.is_some());
        if fingerprinted { 2 } else { self.command.level() }
    }

    /// The bytes of a log entry's payload.
    pub fn encode(&self) -> Vec<u8> {
        let Proposal { at, request, actor, command } = self;
        let at = *at;
        let (request, fingerprint) = (request.map(|r| r.id), request.and_then(|r| r.fingerprint));
        match fingerprint {
            None => encoding::encode_as(1, &ProposalV1 { at, request, actor, command }),
            Some(_) => encoding::encode_as(2, &ProposalV2 { at, request, fingerprint, actor, command }),
        }
    }

    /// Reads the payload of a log entry.
    ///
    /// # Errors
    /// Why it cannot be read; a version above 2 is one of a newer build.
    pub fn decode(bytes: &[u8]) -> Result<Proposal, DecodeError> {
        if bytes.first() == Some(&2) {
            let ProposalV2 { at, request, fingerprint, actor, command } = encoding::decode_as(2, bytes)?;
            let request = request.map(|id| Request { id, fingerprint });
            return Ok(Proposal { at, request, actor, command });
        }
        let ProposalV1 { at, request, actor, command } = encoding::decode_as(1, bytes)?;
        Ok(Proposal { at, request: request.map(Request::from), actor, command })
    }
}
