//! The words of Konsul: identifiers, names, keys, indexes, records, and the three things that travel between the floors:
//! [`Command`] (what is asked of the replicated state), [`Outcome`] (what every replica answers) and [`Change`] (what
//! became different).
//!
//! What it is not: there is no behaviour here beyond checking and encoding. Nothing in this crate knows a clock, a socket,
//! a disk or a wire format of a public API; edges translate their own bodies into these types and back.
//!
//! # The life of a word
//!
//! A name or key enters through a checking constructor ([`Key::new`], [`Namespace::new`]), so that whoever holds one need
//! not check again. A [`Command`] is wrapped in a [`Proposal`], which adds what the leader knows at that moment (the time
//! `at`, the request id), is encoded by [`Proposal::encode`], and becomes the payload of one log entry. When the entry is
//! committed, `konsul-state` decodes it and answers an [`Outcome`] and [`Change`]s.
//!
//! # Byte form
//!
//! [`encoding`] says how values become bytes: postcard, behind a version byte. Field order is the format, enum variants are
//! only ever appended, and no serde attribute that changes the shape (`skip_serializing_if`, `untagged`, `flatten`) may be
//! used on a stored type.

pub mod batch;
pub mod catalog;
pub mod change;
pub mod command;
pub mod coordinate;
pub mod definition;
pub mod duration;
pub mod encoding;
pub mod event;
pub mod ids;
pub mod kv;
pub mod limits;
pub mod lock;
pub mod names;
pub mod node;
pub mod outcome;
pub mod pairs;
pub mod query;
pub mod restore;
pub mod service;
pub mod session;
pub mod time;
pub mod txn;

pub use batch::BatchItem;
pub use catalog::{CatalogCommand, CatalogTxnOp, CheckResult, Registration};
pub use change::{Change, ChangeSet};
pub use command::{Command, Proposal};
pub use coordinate::{Coordinate, NodeCoordinate, Real};
pub use definition::{CheckDefinition, CheckKind, ServiceDefinition};
pub use duration::GoDuration;
pub use encoding::DecodeError;
pub use event::Event;
pub use ids::{EventId, Index, NodeId, QueryId, Request, RequestId, RestoreId, SessionId};
pub use kv::{KvCommand, KvRecord, PutMode, TtlPatch, Value};
pub use limits::{KvQuota, Limits, LimitsV1};
pub use lock::{Lock, LockCommand, LockHolder, LockWaiter};
pub use names::{CheckId, Key, LockName, NameError, Namespace, NodeName, ServiceId, ServiceName};
pub use node::{Check, CheckAbout, CheckStatus, CheckedService, Node, Transition};
pub use outcome::{Outcome, Refusal};
pub use pairs::{Pairs, Tags};
pub use query::{PreparedQuery, QueryCommand, QueryService, QueryTemplate};
pub use service::{
    Advice, Dependency, Locality, Owner, Proxy, Service, ServiceAddress, ServiceKind, Weights,
};
pub use session::{Behavior, Session, SessionSpec};
pub use time::{Expiry, Millis};
pub use txn::{KvTxnOp, TxnError, TxnFailure, TxnOp, TxnResult};

/// The highest feature level that this build understands. A state is born at [`FIRST_FEATURE_LEVEL`] and is raised by a
/// command of the leader once every server can read what the level brings; commands above the present level are refused.
/// Raised only together with a new command or record version.
pub const FEATURE_LEVEL: u32 = 3;

/// The feature level of a state before its first entry, for ever: a log means the same to every build that replays it.
pub const FIRST_FEATURE_LEVEL: u32 = 1;
