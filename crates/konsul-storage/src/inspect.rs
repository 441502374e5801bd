//! For the person whose disk is broken: what is there, what is damaged, and what a repair would lose.
//!
//! [`inspect`] and [`verify`] only read, take no lock, and go on behind damage, so that all of it is listed
//! at once. [`repair`] cuts the log at the first damage, or begins it anew behind the newest whole snapshot;
//! it keeps a copy of everything it takes out.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::contract::{LogId, StorageError, Vote};
use crate::files::Files;
use crate::vfs::Vfs;

mod repair;
mod survey;

pub use repair::{Repair, repair};

/// How a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Every byte that was looked at is as it was written.
    Whole,
    /// It ends in a write that never finished; what was cut short had not been acknowledged. The next start
    /// deals with it.
    Unfinished {
        /// Where the last whole group of records ends.
        offset: u64,
    },
    /// Bytes are not what was written, or are missing.
    Damaged {
        /// Where.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A newer build wrote it.
    NewerFormat {
        /// The version found.
        found: u32,
    },
}

/// One segment of the log.
#[derive(Debug, Clone)]
pub struct SegmentReport {
    /// The file's name.
    pub file: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes that hold whole records.
    pub used: u64,
    /// The first entry in it, if it has one.
    pub first: Option<LogId>,
    /// The last entry in it, if it has one.
    pub last: Option<LogId>,
    /// Entries in it.
    pub entries: u64,
    /// Votes in it.
    pub votes: u64,
    /// Truncations and purges in it.
    pub marks: u64,
    /// How it is.
    pub condition: Condition,
}

/// One snapshot.
#[derive(Debug, Clone)]
pub struct SnapshotReport {
    /// The file's name.
    pub file: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// The last entry that it covers; zero if its head cannot be read.
    pub last: LogId,
    /// Chunks in it, if they were counted.
    pub chunks: Option<u32>,
    /// How it is.
    pub condition: Condition,
}

/// What a data directory holds.
#[derive(Debug, Clone)]
pub struct Report {
    /// The directory.
    pub dir: String,
    /// The log, oldest segment first.
    pub segments: Vec<SegmentReport>,
    /// Snapshots, by name.
    pub snapshots: Vec<SnapshotReport>,
    /// The vote, as far as the log can be read without a gap.
    pub vote: Option<Vote>,
    /// Entries up to here are purged.
    pub purged: LogId,
    /// The last entry, as far as the log can be read without a gap.
    pub last: LogId,
}

impl Report {
    /// Files that are not whole, with what is wrong; a write that never finished is none.
    pub fn problems(&self) -> impl Iterator<Item = (&str, &Condition)> {
        let segments = self.segments.iter().map(|s| (s.file.as_str(), &s.condition));
        let snapshots = self.snapshots.iter().map(|s| (s.file.as_str(), &s.condition));
        let bad = |c: &Condition| matches!(c, Condition::Damaged { .. } | Condition::NewerFormat { .. });
        segments.chain(snapshots).filter(move |(_, condition)| bad(condition))
    }
}

/// Lists what a directory holds. Reads the log, but of snapshots only their heads.
///
/// # Errors
///
/// Only what keeps it from looking, such as a directory that cannot be listed. Damage is part of the answer.
pub fn inspect(vfs: Arc<dyn Vfs>, dir: &Path) -> Result<Report, StorageError> {
    let files = Files { vfs, dir: dir.to_path_buf() };
    survey::survey(&files, false).map(|found| found.report)
}

/// Reads every byte of every file and checks it.
///
/// # Errors
///
/// As [`inspect`].
pub fn verify(vfs: Arc<dyn Vfs>, dir: &Path) -> Result<Report, StorageError> {
    let files = Files { vfs, dir: dir.to_path_buf() };
    survey::survey(&files, true).map(|found| found.report)
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Whole => f.write_str("whole"),
            Condition::Unfinished { offset } => {
                write!(f, "whole up to byte {offset}, then a write that never finished")
            }
            Condition::Damaged { offset, what } => write!(f, "damaged at byte {offset}: {what}"),
            Condition::NewerFormat { found } => {
                write!(f, "of format version {found}, which this build does not read")
            }
        }
    }
}

impl fmt::Display for SegmentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SegmentReport { file, bytes, used, entries, votes, marks, condition, .. } = self;
        write!(f, "{file}: {used} of {bytes} bytes, {entries} entries")?;
        if let (Some(first), Some(last)) = (self.first, self.last) {
            write!(f, " ({first} to {last})")?;
        }
        write!(f, ", {votes} votes, {marks} truncations and purges; {condition}")
    }
}

impl fmt::Display for SnapshotReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SnapshotReport { file, bytes, last, condition, .. } = self;
        write!(f, "{file}: {bytes} bytes, up to {last}")?;
        if let Some(chunks) = self.chunks {
            write!(f, ", {chunks} chunks")?;
        }
        write!(f, "; {condition}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.dir)?;
        self.segments.iter().try_for_each(|segment| writeln!(f, "  {segment}"))?;
        self.snapshots.iter().try_for_each(|snapshot| writeln!(f, "  {snapshot}"))?;
        match self.vote {
            Some(Vote { term, voted_for: Some(node), .. }) => {
                writeln!(f, "  vote: node {node} in term {term}")?;
            }
            Some(Vote { term, .. }) => writeln!(f, "  vote: nobody in term {term}")?,
            None => writeln!(f, "  vote: none")?,
        }
        write!(f, "  log: entries after {} up to {}", self.purged, self.last)
    }
}
