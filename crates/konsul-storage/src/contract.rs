//! The storage contract: what consensus asks of a disk, and what an engine promises.

use std::fmt;

use bytes::Bytes;

/// A position in the Raft log: the term that wrote it and its index (Raft paper, section 5.3). The first
/// entry has index 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogId {
    /// Term of the leader that wrote the entry.
    pub term: u64,
    /// Position in the log, from 1. Index 0 is the position before the first entry.
    pub index: u64,
}

/// What an entry is for. The payload of each kind is opaque to storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// A leader's empty entry at the start of its term.
    Blank = 0,
    /// A command of the state machine.
    Command = 1,
    /// A membership of the cluster.
    Membership = 2,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its position.
    pub id: LogId,
    /// What the payload is.
    pub kind: EntryKind,
    /// Bytes that only the layer above reads.
    pub payload: Bytes,
}

/// The promise a node made to a candidate or leader (Raft paper, figure 2: `currentTerm`, `votedFor`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Vote {
    /// The term voted in.
    pub term: u64,
    /// The node voted for, if any.
    pub voted_for: Option<u64>,
    /// Whether that node is known to have won: then the vote is a leader's, not a candidate's.
    pub committed: bool,
}

/// What a stored snapshot covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotMeta {
    /// The last entry that the snapshot contains.
    pub last: LogId,
    /// The membership in force at `last`, in the consensus layer's own bytes.
    pub membership: Bytes,
    /// A name unique on this node, such as `0000000000000007-0000000000000042`. Safe as a file name:
    /// `[a-z0-9.-]`.
    pub id: String,
}

/// What a snapshot covers, and how to read it.
pub type NewestSnapshot = Option<(SnapshotMeta, Box<dyn SnapshotReader>)>;

/// The durable half of a Raft node: one log, one vote, a few snapshots.
///
/// All calls block and come from one thread at a time. Who calls decides what a sync means for others: see
/// `konsul-raft`.
pub trait Storage: Send {
    /// The vote as last saved; `None` on a new directory.
    fn vote(&self) -> Option<Vote>;

    /// Saves the vote. When this returns, the vote survives a power cut.
    fn save_vote(&mut self, vote: Vote) -> Result<(), StorageError>;

    /// The last purged position (entries up to it are gone; `LogId::default()` if none) and the last position
    /// in the log (equal to the first if the log is empty).
    fn log_bounds(&self) -> (LogId, LogId);

    /// Appends entries that follow the last one without a hole. Readable at once; durable only after
    /// [`Storage::sync`].
    fn append(&mut self, entries: &[Entry]) -> Result<(), StorageError>;

    /// Makes every append and truncation so far survive a power cut.
    ///
    /// After an error the engine is poisoned: every later write answers [`StorageError::Poisoned`]; only a
    /// restart heals it.
    fn sync(&mut self) -> Result<(), StorageError>;

    /// Reads entries with `from <= index < to`, clipped to the log.
    fn read(&self, from: u64, to: u64) -> Result<Vec<Entry>, StorageError>;

    /// Removes entries with `index >= from`. Durable after the next [`Storage::sync`].
    fn truncate(&mut self, from: u64) -> Result<(), StorageError>;

    /// Allows the engine to drop entries up to and including `upto`, which a durable snapshot covers.
    fn purge(&mut self, upto: LogId) -> Result<(), StorageError>;

    /// Starts to write a snapshot. It exists only once [`SnapshotWriter::finish`] returned; at most one is
    /// being written, and writing it does not stop appends.
    fn begin_snapshot(&mut self, meta: SnapshotMeta) -> Result<Box<dyn SnapshotWriter>, StorageError>;

    /// The newest whole snapshot, and how to read it. Verified before it is handed out.
    fn latest_snapshot(&self) -> Result<NewestSnapshot, StorageError>;

    /// Registers a snapshot that a writer finished, and deletes snapshots older than the two newest. Answers
    /// the position up to which the log may be purged: the `last` of the *older* of the two kept snapshots,
    /// or zero.
    fn install_snapshot(&mut self, finished: FinishedSnapshot) -> Result<LogId, StorageError>;

    /// Figures for metrics and `konsul storage inspect`.
    fn usage(&self) -> StorageUsage;
}

/// Writes one snapshot, chunk by chunk, from any thread.
pub trait SnapshotWriter: Send {
    /// Adds one chunk. The reader gives chunks back exactly as they were written.
    fn write(&mut self, chunk: &[u8]) -> Result<(), StorageError>;
    /// Completes the file: sync, rename, directory sync, read back. Until then a crash leaves no snapshot.
    fn finish(self: Box<Self>) -> Result<FinishedSnapshot, StorageError>;
}

/// Proof that a snapshot is whole and durable; to be given to [`Storage::install_snapshot`].
#[derive(Debug)]
pub struct FinishedSnapshot {
    /// What it covers.
    pub meta: SnapshotMeta,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Reads a snapshot's chunks in the order in which they were written.
pub trait SnapshotReader: Send {
    /// The next chunk, or `None` after the last one. A damaged chunk is an error, never handed out.
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, StorageError>;
}

/// How much a storage engine holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StorageUsage {
    /// Log segments, the preallocated spare included.
    pub segments: u64,
    /// Bytes of the log files.
    pub log_bytes: u64,
    /// Bytes of kept snapshots.
    pub snapshot_bytes: u64,
    /// Calls of `fdatasync` or its like since the start.
    pub syncs: u64,
    /// Bytes that appends wrote since the start.
    pub appended_bytes: u64,
}

/// Why storage refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// No space is left. Nothing of the refused call was kept; reads go on; a later try may succeed.
    #[error("no space left on the data directory's disk while writing {path}")]
    Full {
        /// The file concerned.
        path: String,
    },
    /// Bytes are not what was written.
    #[error("{path} is damaged at byte {offset}: {what}")]
    Corrupt {
        /// The file.
        path: String,
        /// Where in the file.
        offset: u64,
        /// What is wrong, and what to do about it.
        what: String,
    },
    /// The files are of a format that this build does not know. Nothing was touched.
    #[error("{path} has format version {found}; this build reads up to {known}. Use a newer build")]
    NewerFormat {
        /// The file.
        path: String,
        /// The version found.
        found: u32,
        /// The highest known one.
        known: u32,
    },
    /// Another process holds the directory.
    #[error(
        "the data directory {path} is in use by another process{}",
        .holder.map(|p| format!(" (pid {p})")).unwrap_or_default()
    )]
    Locked {
        /// The directory.
        path: String,
        /// Its process id, if it could be told.
        holder: Option<u32>,
    },
    /// A sync failed earlier: what the disk holds is unknown until a restart recovers it.
    #[error("a write to disk failed earlier, so the log can no longer be trusted; restart the node")]
    Poisoned,
    /// The caller broke the contract: a bug of the layer above.
    #[error("storage was misused: {0}")]
    Misuse(String),
    /// The operating system refused.
    #[error("{operation} {path}: {source}")]
    Io {
        /// What was tried, such as `fsync`.
        operation: &'static str,
        /// On which path.
        path: String,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.index)
    }
}
