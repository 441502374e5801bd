//! Answers of operations that move many keys.

use std::sync::Arc;

use konsul_types::{BatchItem, Index, Key, KvRecord, Millis, Namespace};

use super::KvEntry;
use crate::operations::Reply;

/// What became of some members of a batch, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPart {
    /// Position of the first of them, from 0.
    pub first: usize,
    /// The entry in which they were run; the state's index if they only read.
    pub index: Index,
    /// What became of each.
    pub items: Vec<BatchItem>,
}

/// A batch under way. Dropping it leaves what was done, and abandons the rest.
pub trait BatchRun: Send {
    /// The next part; `None` when all members were run. After an error the run is over: the members of this part have
    /// that outcome, and later ones were not tried.
    fn next(&mut self) -> Reply<'_, Option<BatchPart>>;
}

/// Keys of one state, in order of namespace and key, read as they are asked for. It keeps that state in memory.
pub type Entries = Box<dyn Iterator<Item = KvEntry> + Send>;

/// What an export gives.
pub struct Exported {
    /// The keys.
    pub entries: Entries,
    /// Log time at which they were read: what is left of a time to live is counted from it.
    pub at: Millis,
}

/// How an entry of an import stands to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The key is absent, and will be or was made.
    Create,
    /// The key holds something else.
    Update,
    /// The key is not in the import.
    Delete,
}

/// What an import changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportDifference {
    /// Where.
    pub namespace: Namespace,
    /// Which.
    pub key: Key,
    /// How.
    pub kind: DifferenceKind,
    /// What is there, or was.
    pub old: Option<Arc<KvRecord>>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Entries that were given.
    pub entries: u64,
    /// Keys made.
    pub created: u64,
    /// Keys changed.
    pub updated: u64,
    /// Keys removed.
    pub deleted: u64,
    /// Keys that were as they should be already.
    pub unchanged: u64,
    /// The newest log entry of the import; of a dry run, the state that was compared with.
    pub index: Index,
}

/// Takes the entries of an import and tells what they change, in step: give some, take the differences until there are
/// none, give more; at the end say so, and take the rest. Dropping it leaves what is in force.
pub trait ImportRun: Send {
    /// Adds entries, after those that were given before.
    fn give(&mut self, entries: Vec<crate::arguments::ImportEntry>);
    /// Says that there are no more.
    fn end(&mut self);
    /// The next differences, which are in force unless only they were asked for; `None` if more entries are needed, or
    /// after the end that all is done. An error names the position of the entry, counted from 1 over the whole import;
    /// all before it are in force, and the import is over.
    fn next(&mut self) -> Reply<'_, Option<Vec<ImportDifference>>>;
    /// What was done so far.
    fn report(&self) -> ImportReport;
}
