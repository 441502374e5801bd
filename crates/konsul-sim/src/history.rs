//! What clients and the server's own duties asked, when, and what they heard.
//!
//! Two journals. *Proposals* are noted at the port between waist and consensus: every command that may enter the log, whoever
//! asked for it, with its place and outcome if there was an answer. *Reads* are noted where clients hear the answer, with the
//! index of the state that answered. Order is a running number, so "returned before the other began" is never in doubt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use konsul_types::{
    Check, Command, Event, Index, Key, KvRecord, Namespace, Node, Outcome, PreparedQuery, RequestId, Service,
    ServiceName, Session, SessionId, TxnOp, TxnResult,
};
use konsul_watch::Topic;

/// How a proposal ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Nobody heard: it may be in the log or come into it.
    Maybe,
    /// It was applied at this index, with this outcome.
    At(Index, Outcome),
    /// The server said that it did not and will not happen.
    Not(String),
}

/// One command that was handed to consensus.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// Which client asked; `None` for the leader's own duties.
    pub client: Option<u32>,
    /// The request id, if it may come again.
    pub request: Option<RequestId>,
    /// What was asked.
    pub command: Command,
    /// Running number of its beginning.
    pub began: u64,
    /// Running number of its end; `u64::MAX` while there is none.
    pub ended: u64,
    /// How it ended.
    pub ending: Ending,
}

/// What a read asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Query {
    /// One key.
    Get(Namespace, Key),
    /// Keys under a prefix with their records.
    List(Namespace, String),
    /// Names under a prefix, cut at a separator.
    Keys(Namespace, String, String),
    /// One session.
    Session(Namespace, SessionId),
    /// The sessions of a namespace.
    Sessions(Namespace),
    /// The kept events.
    Events,
    /// The instances of a service with their checks; of which every check passes, if so asked.
    Health(Namespace, ServiceName, bool),
    /// The checks of the instances of a service.
    ServiceChecks(Namespace, ServiceName),
    /// All checks that a namespace sees.
    Checks(Namespace),
    /// All nodes.
    Nodes,
    /// A node, by name, and the instances on it.
    Node(Namespace, String),
    /// All prepared queries.
    Queries,
    /// What a prepared query answers, by its name.
    Execute(Namespace, String),
}

impl Query {
    /// Whether the index of the answer is that of its content. An event list's is a hash; a prepared query's is that of
    /// whichever service it means at the moment.
    pub fn is_indexed(&self) -> bool {
        !matches!(self, Query::Events | Query::Execute(..))
    }
}

/// An instance as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its node.
    pub node: Arc<Node>,
    /// The instance.
    pub service: Arc<Service>,
    /// Its node's checks, then its own.
    pub checks: Vec<Arc<Check>>,
}

/// What a read was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Of [`Query::Get`].
    Record(Option<Arc<KvRecord>>),
    /// Of [`Query::List`].
    Records(Vec<(Key, Arc<KvRecord>)>),
    /// Of [`Query::Keys`].
    Names(Vec<Arc<str>>),
    /// Of [`Query::Session`]: what clients see of it.
    Session(Option<SessionId>),
    /// Of [`Query::Sessions`].
    Sessions(Vec<SessionId>),
    /// Of [`Query::Events`].
    Events(Vec<Arc<Event>>),
    /// Of [`Query::Health`].
    Instances(Vec<Instance>),
    /// Of [`Query::ServiceChecks`] and [`Query::Checks`].
    Checks(Vec<Arc<Check>>),
    /// Of [`Query::Nodes`].
    Nodes(Vec<Arc<Node>>),
    /// Of [`Query::Node`].
    Node(Option<(Arc<Node>, Vec<Arc<Service>>)>),
    /// Of [`Query::Queries`].
    Queries(Vec<Arc<PreparedQuery>>),
    /// Of [`Query::Execute`], by node and id, since the order is one of chance; `None` if nothing has that name.
    Executed(Option<Vec<Instance>>),
}

/// That a read waited.
#[derive(Debug, Clone, Copy)]
pub struct Waited {
    /// The index that the client knew.
    pub index: Index,
    /// Virtual nanoseconds at which its patience ended.
    pub deadline: u64,
}

/// A read that was answered.
#[derive(Debug, Clone)]
pub struct Read {
    /// Who.
    pub client: u32,
    /// What was asked.
    pub query: Query,
    /// Whether it had to be linearizable: the lease or a barrier. Otherwise any applied state would do.
    pub linearizable: bool,
    /// Whether it waited for something newer.
    pub waited: Option<Waited>,
    /// Running number of its beginning.
    pub began: u64,
    /// Running number of its end.
    pub ended: u64,
    /// Virtual nanoseconds at its beginning.
    pub began_at: u64,
    /// Virtual nanoseconds at its end.
    pub ended_at: u64,
    /// Index of the state that answered.
    pub state: Index,
    /// The index that the client was told.
    pub reported: Index,
    /// The answer.
    pub content: Content,
}

/// A transaction that only read.
#[derive(Debug, Clone)]
pub struct TxnRead {
    /// Its members.
    pub ops: Vec<TxnOp>,
    /// Index of the state that answered.
    pub state: Index,
    /// The answer, if no member failed.
    pub results: Option<Vec<TxnResult>>,
}

/// A promise that a session lives for one more time to live.
#[derive(Debug, Clone)]
pub struct Renewed {
    /// Where.
    pub namespace: Namespace,
    /// Which, as it was promised.
    pub session: Arc<Session>,
    /// Virtual nanoseconds at which the renewal was asked for.
    pub asked_at: u64,
    /// How often the wall clock had been moved forward by then.
    pub jumps: u64,
}

/// What a subscriber saw, in order. Each stretch begins with a cursor and ends when the subscriber was cut.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// What it followed.
    pub topic: Topic,
    /// From after this index.
    pub after: Index,
    /// What came.
    pub seen: Vec<Seen>,
    /// Where it said that one could resume.
    pub position: Index,
    /// Whether the next stretch of this subscriber goes on from there.
    pub subscriber: u32,
}

/// One thing that a subscriber saw.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Changes of one entry.
    Batch(Index, Vec<konsul_types::Change>),
    /// That it must begin anew, and where it did, with the state read there.
    Reset {
        /// Where the feed goes on.
        resume: Index,
        /// Index of the snapshot that the subscriber then took.
        snapshot: Index,
    },
    /// That nothing concerned it up to here.
    Bookmark(Index),
}

/// A raw parked reader that was woken.
#[derive(Debug, Clone)]
pub struct Woken {
    /// What it waited for.
    pub topic: Topic,
    /// Up to where it knew everything.
    pub knew: Index,
    /// The entry that it was told of.
    pub by: Index,
}

/// A backup that a client took.
#[derive(Debug, Clone)]
pub struct Backup {
    /// The state's index.
    pub index: Index,
    /// Its bytes.
    pub bytes: Arc<Vec<u8>>,
}

/// All journals of a run.
#[derive(Debug, Default)]
pub struct Journals {
    /// What was handed to consensus.
    pub proposals: Vec<Proposed>,
    /// What was read.
    pub reads: Vec<Read>,
    /// What transactions read.
    pub txn_reads: Vec<TxnRead>,
    /// Promises to sessions.
    pub renewals: Vec<Renewed>,
    /// What subscribers saw.
    pub stretches: Vec<Stretch>,
    /// Readers that were woken.
    pub woken: Vec<Woken>,
    /// Backups by their index.
    pub backups: BTreeMap<Index, Backup>,
}

/// The journals, shared by all tasks of a run.
#[derive(Debug, Clone, Default)]
pub struct History(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    running: AtomicU64,
    journals: Mutex<Journals>,
}

impl History {
    /// The next running number.
    pub fn tick(&self) -> u64 {
        self.0.running.fetch_add(1, Ordering::Relaxed)
    }

    /// The journals.
    pub fn journals(&self) -> MutexGuard<'_, Journals> {
        self.0.journals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a command is handed to consensus; answers its number.
    pub(crate) fn proposed(
        &self,
        client: Option<u32>,
        request: Option<RequestId>,
        command: Command,
    ) -> usize {
        let began = self.tick();
        let mut journals = self.journals();
        journals.proposals.push(Proposed {
            client,
            request,
            command,
            began,
            ended: u64::MAX,
            ending: Ending::Maybe,
        });
        journals.proposals.len() - 1
    }

    /// Notes how a proposal ended.
    pub(crate) fn ended(&self, number: usize, ending: Ending) {
        let ended = self.tick();
        let mut journals = self.journals();
        let proposed = &mut journals.proposals[number];
        (proposed.ended, proposed.ending) = (ended, ending);
    }
}
