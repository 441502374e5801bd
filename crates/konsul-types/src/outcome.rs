//! What every replica answers to a command.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::kv::KvRecord;
use crate::txn::{TxnError, TxnResult};
use crate::{BatchItem, Event, Index, Lock, LockWaiter, Millis, Session};

/// The answer to an applied command. All replicas give the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is done; there is nothing more to say.
    Done,
    /// It is done, for so many records.
    Counted(u64),
    /// A key was written (or was equal already).
    Kv(Arc<KvRecord>),
    /// The transaction was committed.
    Txn(Vec<TxnResult>),
    /// The transaction was rolled back: every member that failed.
    TxnRolledBack(Vec<TxnError>),
    /// A session was made or renewed.
    Session(Arc<Session>),
    /// An event was fired.
    Event(Arc<Event>),
    /// Nothing happened, and every replica agrees why.
    Refused(Refusal),
    /// This request was applied before, at that index, and its answer was too large to be remembered.
    AppliedBefore(Index),
    // Feature level 2.
    /// A lock as it stands now: granted, or given back.
    Lock(Arc<Lock>),
    /// The session waits for the lock, behind so many others.
    Queued {
        /// How many stand before it.
        ahead: u64,
        /// Its place.
        waiter: Arc<LockWaiter>,
    },
    /// A batch, with what became of each member.
    Batch(Vec<BatchItem>),
    // Feature level 3.
    /// Several changes, each for itself: what was refused of them, in their order.
    Each(Vec<Option<Refusal>>),
}

/// Why nothing happened. A refusal is a normal answer, not a failure of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// A conditional write met another modify index.
    #[error("the index is stale: the key's modify index is {found}")]
    StaleIndex {
        /// The key's modify index; zero if it is absent.
        found: Index,
    },
    /// Another session holds the lock.
    #[error("the lock is already held")]
    LockHeld,
    /// The lock was lost by invalidation a moment ago.
    #[error("the lock delay runs until {until}")]
    LockDelay {
        /// Log time at which it ends.
        until: Millis,
    },
    /// The lock is not held by this session.
    #[error("the lock isn't held, or is held by another session")]
    NotHolder,
    /// No such session.
    #[error("invalid session {id:?}")]
    UnknownSession {
        /// Its id as text.
        id: String,
    },
    /// A session of that id exists already.
    #[error("a session with the id {id:?} exists already")]
    SessionExists {
        /// Its id as text.
        id: String,
    },
    /// The session's node is not registered.
    #[error("Missing node registration")]
    MissingNode,
    /// A check that the session leans on is not registered.
    #[error("Missing check '{id}' registration")]
    MissingCheck {
        /// Which.
        id: String,
    },
    /// A check that the session leans on is critical.
    #[error("Check '{id}' is in critical state")]
    CriticalCheck {
        /// Which.
        id: String,
    },
    /// The namespace holds as many keys as it may.
    #[error("namespace {namespace:?} holds {limit} keys, as many as it may; remove some, or raise its limit")]
    TooManyKeys {
        /// Which.
        namespace: String,
        /// The bound.
        limit: u64,
    },
    /// The namespace holds as many bytes as it may.
    #[error(
        "namespace {namespace:?} would hold {wanted} bytes of keys and values; {limit} are allowed. \
         Remove some, or raise its limit"
    )]
    TooManyBytes {
        /// Which.
        namespace: String,
        /// What it would hold.
        wanted: u64,
        /// The bound.
        limit: u64,
    },
    /// The value is larger than a value may be.
    #[error("the value has {bytes} bytes; at most {limit} are allowed")]
    ValueTooLarge {
        /// Its size.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// The namespace has as many sessions as it may.
    #[error(
        "namespace {namespace:?} has {limit} sessions, as many as it may; destroy some, or raise its limit"
    )]
    TooManySessions {
        /// Which.
        namespace: String,
        /// The bound.
        limit: u64,
    },
    /// The transaction has more members than it may.
    #[error("the transaction has {count} operations; at most {max} are allowed")]
    TooManyOperations {
        /// How many it has.
        count: u64,
        /// The bound.
        max: u64,
    },
    /// The request id is older than request ids are remembered, or cannot be told to be new.
    #[error("the request is too old to tell whether it was applied before; it was not applied now")]
    RequestExpired,
    /// The command was proposed in another term, or time or renewals moved on since.
    #[error("the command came too late: what it was decided on has changed")]
    Superseded,
    /// A feature level below the present one, or above what this build knows.
    #[error("the feature level is {present}; {wanted} is not a step up that this build can take")]
    FeatureLevel {
        /// The level now.
        present: u32,
        /// The level asked for.
        wanted: u32,
    },
    /// No such restore is being staged, or its chunks are out of order.
    #[error("the restore cannot go on: {why}")]
    RestoreOrder {
        /// What is wrong.
        why: String,
    },
    /// The staged bytes are not a whole snapshot. The state is untouched.
    #[error("the snapshot cannot be restored: {why}")]
    RestoreRefused {
        /// What is wrong.
        why: String,
    },
    /// No such node or check.
    #[error("{what} is not registered")]
    NotRegistered {
        /// What.
        what: String,
    },
    // Feature level 2.
    /// The key is absent.
    #[error("there is no key {key:?}")]
    NoSuchKey {
        /// Which.
        key: String,
    },
    /// As many sessions wait for the lock as may.
    #[error("{limit} sessions wait for the lock already, as many as may")]
    LockQueueFull {
        /// The bound.
        limit: u64,
    },
    /// The namespace has as many locks as it may.
    #[error(
        "namespace {namespace:?} has {limit} locks in use, as many as it may; release some, or raise its limit"
    )]
    TooManyLocks {
        /// Which.
        namespace: String,
        /// The bound.
        limit: u64,
    },
    /// The holder's grant is another one than was meant to be given back.
    #[error("the lock was granted anew: its fencing number is {found}")]
    StaleFencing {
        /// The present fencing number.
        found: Index,
    },
    /// The request id was used before, for something else.
    #[error("this idempotency key was used at index {index} for another request; nothing was done now")]
    RequestReused {
        /// The entry of the first request.
        index: Index,
    },
    /// As many requests under ids that tell no time are remembered as may be.
    #[error(
        "{limit} idempotency keys are remembered already, as many as may be; try again later, or use UUIDs of version 7"
    )]
    TooManyRequests {
        /// The bound.
        limit: u64,
    },
    // Feature level 3.
    /// The node's name belongs to a healthy node of another id.
    #[error("Node name {name} is reserved by node {id} with name {name} ({address})")]
    NodeNameTaken {
        /// The name.
        name: String,
        /// The id of its owner.
        id: String,
        /// The address of its owner.
        address: String,
    },
    /// A check names an instance that is not there.
    #[error("Missing service registration")]
    MissingService,
    /// No such check.
    #[error("Unknown check ID {id:?}")]
    UnknownCheck {
        /// Which.
        id: String,
    },
    /// There are as many of something in the catalogue as may be.
    #[error("there are {limit} {what}, as many as may be; remove some first")]
    CatalogFull {
        /// Of what.
        what: String,
        /// The bound.
        limit: u64,
    },
    /// Another query has the name.
    #[error("{why}")]
    QueryAlias {
        /// Which, in Consul's words.
        why: String,
    },
    /// No such query.
    #[error("Cannot modify non-existent prepared query: '{id}'")]
    UnknownQuery {
        /// Which.
        id: String,
    },
    /// The query's session is not there.
    #[error("invalid session")]
    QuerySession,
}

impl Outcome {
    /// The refusal, if this is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Outcome::Refused(why) => Some(why),
            _ => None,
        }
    }
}
