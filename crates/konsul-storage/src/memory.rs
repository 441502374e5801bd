//! The memory engine: the same promises, except that nothing outlives the process.
//!
//! For `-dev`, and for tests of layers that want no disk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::contract::{
    Entry, FinishedSnapshot, LogId, NewestSnapshot, SnapshotMeta, SnapshotReader, SnapshotWriter, Storage,
    StorageError, StorageUsage, Vote,
};
use crate::snapshot::check_meta;
use crate::snapshot::writer::Turn;

/// Chunks of one snapshot.
type Chunks = Arc<Vec<Vec<u8>>>;

/// Snapshots that a writer finished and nobody installed yet.
type Finished = Arc<Mutex<BTreeMap<String, Chunks>>>;

/// Log, vote and snapshots in memory.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    vote: Option<Vote>,
    purged: LogId,
    last: LogId,
    entries: VecDeque<Entry>,
    /// Oldest first, at most two.
    snapshots: Vec<(SnapshotMeta, Chunks)>,
    finished: Finished,
    busy: Arc<AtomicBool>,
    appended: u64,
}

impl MemoryStorage {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn first_index(&self) -> u64 {
        self.entries.front().map_or(self.last.index + 1, |e| e.id.index)
    }

    fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries.get(index.checked_sub(self.first_index())? as usize)
    }

    fn covered_twice(&self) -> LogId {
        if self.snapshots.len() == 2 { self.snapshots[0].0.last } else { LogId::default() }
    }
}

impl Storage for MemoryStorage {
    fn vote(&self) -> Option<Vote> {
        self.vote
    }

    fn save_vote(&mut self, vote: Vote) -> Result<(), StorageError> {
        self.vote = Some(vote);
        Ok(())
    }

    fn log_bounds(&self) -> (LogId, LogId) {
        (self.purged, self.last)
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), StorageError> {
        let follows = entries.iter().zip(self.last.index + 1..).all(|(entry, due)| entry.id.index == due);
        if !follows {
            let after = self.last.index;
            return Err(StorageError::Misuse(format!(
                "append that leaves a hole: the entry after {after} is due"
            )));
        }
        self.last = entries.last().map_or(self.last, |e| e.id);
        self.appended += entries.iter().map(|e| e.payload.len() as u64).sum::<u64>();
        self.entries.extend(entries.iter().cloned());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn read(&self, from: u64, to: u64) -> Result<Vec<Entry>, StorageError> {
        let first = self.first_index();
        let skip = from.saturating_sub(first) as usize;
        let take = to.saturating_sub(from.max(first)) as usize;
        Ok(self.entries.iter().skip(skip).take(take).cloned().collect())
    }

    fn truncate(&mut self, from: u64) -> Result<(), StorageError> {
        if from <= self.purged.index && from <= self.last.index {
            let purged = self.purged;
            return Err(StorageError::Misuse(format!(
                "truncate from {from}, but entries up to {purged} are purged"
            )));
        }
        while self.entries.pop_back_if(|e| e.id.index >= from).is_some() {}
        if from <= self.last.index {
            self.last = self.entries.back().map_or(self.purged, |e| e.id);
        }
        Ok(())
    }

    fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        let covered = self.snapshots.last().map_or(0, |(meta, _)| meta.last.index);
        if upto.index > covered {
            return Err(StorageError::Misuse(format!(
                "purge up to {upto}, but snapshots cover {covered} entries only"
            )));
        }
        if upto.index <= self.purged.index {
            return Ok(());
        }
        if self.entry(upto.index).is_none_or(|e| e.id != upto) {
            // A snapshot from elsewhere took the log's place.
            self.entries.clear();
            self.last = upto;
        }
        while self.entries.pop_front_if(|e| e.id.index <= upto.index).is_some() {}
        self.purged = upto;
        Ok(())
    }

    fn begin_snapshot(&mut self, meta: SnapshotMeta) -> Result<Box<dyn SnapshotWriter>, StorageError> {
        check_meta(&meta)?;
        let turn = Turn::take(&self.busy)?;
        Ok(Box::new(MemoryWriter { meta, chunks: Vec::new(), finished: self.finished.clone(), _turn: turn }))
    }

    fn latest_snapshot(&self) -> Result<NewestSnapshot, StorageError> {
        let newest = self.snapshots.last();
        Ok(newest.map(|(meta, chunks)| {
            let reader: Box<dyn SnapshotReader> = Box::new(MemoryReader { chunks: chunks.clone(), next: 0 });
            (meta.clone(), reader)
        }))
    }

    fn install_snapshot(&mut self, finished: FinishedSnapshot) -> Result<LogId, StorageError> {
        let id = &finished.meta.id;
        let chunks = held(&self.finished).remove(id);
        let chunks =
            chunks.ok_or_else(|| StorageError::Misuse(format!("snapshot {id} was not finished here")))?;
        self.snapshots.retain(|(meta, _)| meta.id != *id);
        self.snapshots.push((finished.meta, chunks));
        self.snapshots.sort_by(|(a, _), (b, _)| (a.last.index, &a.id).cmp(&(b.last.index, &b.id)));
        let surplus = self.snapshots.len().saturating_sub(2);
        self.snapshots.drain(..surplus);
        Ok(self.covered_twice())
    }

    fn usage(&self) -> StorageUsage {
        let chunks = self.snapshots.iter().flat_map(|(_, chunks)| chunks.iter());
        StorageUsage {
            segments: 0,
            log_bytes: self.entries.iter().map(|e| e.payload.len() as u64).sum(),
            snapshot_bytes: chunks.map(|chunk| chunk.len() as u64).sum(),
            syncs: 0,
            appended_bytes: self.appended,
        }
    }
}

#[derive(Debug)]
struct MemoryWriter {
    meta: SnapshotMeta,
    chunks: Vec<Vec<u8>>,
    finished: Finished,
    _turn: Turn,
}

impl SnapshotWriter for MemoryWriter {
    fn write(&mut self, chunk: &[u8]) -> Result<(), StorageError> {
        self.chunks.push(chunk.to_vec());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<FinishedSnapshot, StorageError> {
        let bytes = self.chunks.iter().map(|c| c.len() as u64).sum();
        let this = *self;
        held(&this.finished).insert(this.meta.id.clone(), Arc::new(this.chunks));
        Ok(FinishedSnapshot { meta: this.meta, bytes })
    }
}

#[derive(Debug)]
struct MemoryReader {
    chunks: Chunks,
    next: usize,
}

impl SnapshotReader for MemoryReader {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        self.next += 1;
        Ok(self.chunks.get(self.next - 1).cloned())
    }
}

fn held(finished: &Finished) -> MutexGuard<'_, BTreeMap<String, Chunks>> {
    // Nothing is left half done under this lock, so a panic elsewhere does not spoil it.
    finished.lock().unwrap_or_else(PoisonError::into_inner)
}
