//! The door: what the layers above see of consensus. No type of the library behind it appears here.

use bytes::Bytes;
use konsul_storage::contract::{LogId, StorageUsage};

/// One committed entry, in log order.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Its position.
    pub id: LogId,
    /// The command; `None` for a leader's blank entry or a membership: these only move the applied position.
    pub command: Option<Bytes>,
}

/// A state machine refused to go on: replicas could differ if it did. The node stops with this text.
#[derive(Debug, Clone, thiserror::Error)]
#[error("state machine stopped at {at}: {what}")]
pub struct Fatal {
    /// The entry concerned.
    pub at: LogId,
    /// What went wrong.
    pub what: String,
}

/// Chunks of a snapshot, produced while later entries are applied.
pub type SnapshotChunks = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// Chunks of a snapshot on their way in; an error stops the restore and leaves the state as it was.
pub type IncomingChunks<'a> = &'a mut dyn Iterator<Item = Result<Vec<u8>, String>>;

/// What consensus replicates. Calls come from one task, in order.
pub trait StateMachine: Send + 'static {
    /// What a proposer gets back for its command.
    type Reply: Send + 'static;

    /// The last applied position; `LogId::default()` on a new state.
    fn applied(&self) -> LogId;

    /// Applies a batch of committed entries and publishes the result. Answers one reply for each entry that has a
    /// command, in order.
    fn apply(&mut self, batch: &[Committed]) -> Result<Vec<Self::Reply>, Fatal>;

    /// A consistent picture at [`StateMachine::applied`]. Must be cheap: the work is done by whoever drains the chunks.
    fn snapshot(&self) -> SnapshotChunks;

    /// Replaces the state by a snapshot that covers entries up to `last`.
    fn restore(&mut self, last: LogId, chunks: IncomingChunks<'_>) -> Result<(), Fatal>;
}

/// How a node behaves. Times are milliseconds.
#[derive(Debug, Clone)]
pub struct Options {
    /// This node's raft id: never an address, never 0.
    pub node_id: u64,
    /// Shown in logs and used to name the thread.
    pub name: String,
    /// Heartbeat interval.
    pub heartbeat_ms: u64,
    /// Election time-out, lower bound.
    pub election_min_ms: u64,
    /// Election time-out, upper bound.
    pub election_max_ms: u64,
    /// Entries after which a snapshot is taken, counted since the last one, once the log also grew by half the bytes that that
    /// one wrote before compression: a large state is not written over and over for a few entries.
    pub snapshot_every: u64,
    /// Bytes of commands that may wait for the log at once; over it `propose` waits its turn.
    pub queue_bytes: usize,
    /// Whether a new data directory makes itself a cluster of one (`-dev`, `bootstrap_expect = 1`).
    pub bootstrap: bool,
}

/// A node's part in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Receives entries, does not vote.
    Learner,
    /// Follows a leader.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Orders the log.
    Leader,
    /// Has stopped.
    Stopped,
}

/// What a node knows of itself; published on every change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// This node.
    pub node_id: u64,
    /// Its role.
    pub role: Role,
    /// Its term.
    pub term: u64,
    /// The leader it follows, or itself.
    pub leader: Option<u64>,
    /// Last position in its log.
    pub last_log: u64,
    /// Known to be committed.
    pub committed: u64,
    /// Last applied position.
    pub applied: LogId,
    /// Last position covered by a snapshot.
    pub snapshot: u64,
    /// Entries up to here are gone from the log.
    pub purged: u64,
    /// Voters, by raft id.
    pub voters: Vec<u64>,
    /// Learners, by raft id.
    pub learners: Vec<u64>,
    /// Why it stopped, if it did.
    pub stopped: Option<String>,
    /// The disk's figures.
    pub storage: StorageUsage,
}

/// Why a proposal has no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// This node does not lead. Nothing happened.
    #[error("this node is not the leader")]
    NotLeader {
        /// The leader as far as is known.
        leader: Option<u64>,
    },
    /// The disk is full. Nothing happened.
    #[error("no space is left for the log; reads go on, writes resume when there is space")]
    Full,
    /// The command is larger than an entry may be. Nothing happened.
    #[error("a command of {bytes} bytes is larger than a log entry may be ({max})")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// The command may or may not be committed, now or later.
    #[error("the outcome of the write is unknown: {0}")]
    Unknown(String),
    /// The node has stopped; what was proposed after that did not happen.
    #[error("this node has stopped: {0}")]
    Stopped(String),
}

/// Why a read cannot be called linearizable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BarrierError {
    /// This node does not lead.
    #[error("this node is not the leader")]
    NotLeader {
        /// The leader as far as is known.
        leader: Option<u64>,
    },
    /// No quorum confirmed within the time-out.
    #[error("leadership could not be confirmed by a quorum")]
    NoQuorum,
    /// The node has stopped.
    #[error("this node has stopped: {0}")]
    Stopped(String),
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The options contradict themselves.
    #[error("raft options: {0}")]
    Options(String),
    /// The storage could not be read.
    #[error("raft cannot read its storage: {0}")]
    Storage(#[from] konsul_storage::contract::StorageError),
    /// What the storage holds makes no sense.
    #[error("raft storage holds something unusable: {0}")]
    Unusable(String),
    /// The state machine did not accept the snapshot.
    #[error(transparent)]
    Machine(#[from] Fatal),
    /// The system gave no thread.
    #[error("raft cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The thread ended before the node was up.
    #[error("raft ended while it started: {0}")]
    Ended(String),
}

/// Why a snapshot was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It could not be written; the log stays longer, and the next try comes later.
    #[error("the snapshot could not be written: {0}")]
    Failed(String),
    /// The node has stopped.
    #[error("this node has stopped: {0}")]
    Stopped(String),
}
