//! A disk in memory that remembers what was synced, can be crashed, filled, and made to fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use konsul_storage::contract::{
    Entry, FinishedSnapshot, LogId, SnapshotMeta, SnapshotReader, SnapshotWriter, Storage, StorageError,
    StorageUsage, Vote,
};

/// Clones are the same disk.
#[derive(Clone, Default)]
pub struct Disk(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Handles of earlier lives can do nothing.
    life: u64,
    written: Content,
    durable: Content,
    syncs: u64,
    appends: u64,
    appended_bytes: u64,
    full: bool,
    fail_sync: bool,
    poisoned: bool,
    sync_held: bool,
    syncing: bool,
    snapshot_held: bool,
    reads: u64,
    open: u64,
}

#[derive(Clone, Default)]
struct Content {
    vote: Option<Vote>,
    purged: LogId,
    entries: BTreeMap<u64, Entry>,
    snapshots: Vec<(SnapshotMeta, Vec<Vec<u8>>)>,
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    pub fn open(&self) -> Box<dyn Storage> {
        let mut state = self.state();
        state.open += 1;
        state.poisoned = false;
        Box::new(Handle { life: state.life, disk: self.clone() })
    }

    /// The power goes: what was not synced is lost, and earlier handles write nowhere.
    pub fn crash(&self) {
        let mut state = self.state();
        state.life += 1;
        state.written = state.durable.clone();
    }

    pub fn fill(&self, full: bool) {
        self.state().full = full;
    }

    pub fn fail_next_sync(&self) {
        self.state().fail_sync = true;
    }

    /// While held, a sync does not return (for nodes on real threads only).
    pub fn hold_syncs(&self, held: bool) {
        self.state().sync_held = held;
        self.0.changed.notify_all();
    }

    pub fn hold_snapshots(&self, held: bool) {
        self.state().snapshot_held = held;
        self.0.changed.notify_all();
    }

    /// Waits until a sync is being held.
    pub fn wait_for_sync(&self) {
        let state = self.state();
        drop(self.0.changed.wait_while(state, |state| !state.syncing).unwrap());
    }

    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    pub fn open_handles(&self) -> u64 {
        self.state().open
    }

    pub fn purged(&self) -> u64 {
        self.state().written.purged.index
    }

    pub fn snapshots(&self) -> Vec<u64> {
        self.state().written.snapshots.iter().map(|(meta, _)| meta.last.index).collect()
    }

    /// The commands that would survive a crash now.
    pub fn durable_commands(&self) -> Vec<String> {
        let state = self.state();
        let commands =
            state.durable.entries.values().filter(|e| e.kind == konsul_storage::contract::EntryKind::Command);
        commands.map(|entry| String::from_utf8(entry.payload.to_vec()).unwrap()).collect()
    }

    pub fn durable_vote(&self) -> Option<Vote> {
        self.state().durable.vote
    }
}

struct Handle {
    life: u64,
    disk: Disk,
}

fn full() -> StorageError {
    StorageError::Full { path: "disk".to_owned() }
}

impl Handle {
    /// The state, for writing. A handle of an earlier life gets an error, as a dead process gets nothing done.
    fn write(&self) -> Result<MutexGuard<'_, State>, StorageError> {
        let state = self.disk.state();
        if state.poisoned || state.life != self.life {
            return Err(StorageError::Poisoned);
        }
        Ok(state)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.disk.state().open -= 1;
    }
}

impl Storage for Handle {
    fn vote(&self) -> Option<Vote> {
        self.disk.state().written.vote
    }

    fn save_vote(&mut self, vote: Vote) -> Result<(), StorageError> {
        let mut state = self.write()?;
        if state.full {
            return Err(full());
        }
        state.written.vote = Some(vote);
        state.durable.vote = Some(vote);
        Ok(())
    }

    fn log_bounds(&self) -> (LogId, LogId) {
        let state = self.disk.state();
        let purged = state.written.purged;
        (purged, state.written.entries.values().next_back().map_or(purged, |entry| entry.id))
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), StorageError> {
        let mut state = self.write()?;
        if state.full {
            return Err(full());
        }
        state.appends += 1;
        for entry in entries {
            let last =
                state.written.entries.keys().next_back().copied().unwrap_or(state.written.purged.index);
            assert_eq!(entry.id.index, last + 1, "entries follow without a hole");
            state.appended_bytes += entry.payload.len() as u64;
            state.written.entries.insert(entry.id.index, entry.clone());
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        let mut state = self.write()?;
        state.syncing = true;
        self.disk.0.changed.notify_all();
        let mut state = self.disk.0.changed.wait_while(state, |state| state.sync_held).unwrap();
        state.syncing = false;
        if std::mem::take(&mut state.fail_sync) {
            state.poisoned = true;
            return Err(StorageError::Poisoned);
        }
        state.syncs += 1;
        let (vote, snapshots) = (state.durable.vote, state.durable.snapshots.clone());
        state.durable = Content { vote, snapshots, ..state.written.clone() };
        Ok(())
    }

    fn read(&self, from: u64, to: u64) -> Result<Vec<Entry>, StorageError> {
        let mut state = self.disk.state();
        state.reads += 1;
        Ok(state.written.entries.range(from..to.max(from)).map(|(_, entry)| entry.clone()).collect())
    }

    fn truncate(&mut self, from: u64) -> Result<(), StorageError> {
        self.write()?.written.entries.split_off(&from);
        Ok(())
    }

    fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        let mut state = self.write()?;
        state.written.entries = state.written.entries.split_off(&(upto.index + 1));
        state.written.purged = upto;
        Ok(())
    }

    fn begin_snapshot(&mut self, meta: SnapshotMeta) -> Result<Box<dyn SnapshotWriter>, StorageError> {
        let disk = self.disk.clone();
        Ok(Box::new(Writer { life: self.life, disk, meta, chunks: Vec::new() }))
    }

    fn latest_snapshot(&self) -> Result<Option<(SnapshotMeta, Box<dyn SnapshotReader>)>, StorageError> {
        let newest = self.disk.state().written.snapshots.last().cloned();
        Ok(newest
            .map(|(meta, chunks)| (meta, Box::new(Reader(chunks.into_iter())) as Box<dyn SnapshotReader>)))
    }

    fn install_snapshot(&mut self, finished: FinishedSnapshot) -> Result<LogId, StorageError> {
        let mut state = self.write()?;
        let snapshots = &mut state.written.snapshots;
        assert_eq!(snapshots.last().unwrap().0, finished.meta);
        let excess = snapshots.len().saturating_sub(2);
        snapshots.drain(..excess);
        let older = if snapshots.len() < 2 { LogId::default() } else { snapshots[0].0.last };
        state.durable.snapshots = state.written.snapshots.clone();
        Ok(older)
    }

    fn usage(&self) -> StorageUsage {
        let state = self.disk.state();
        StorageUsage { syncs: state.syncs, appended_bytes: state.appended_bytes, ..StorageUsage::default() }
    }
}

struct Writer {
    life: u64,
    disk: Disk,
    meta: SnapshotMeta,
    chunks: Vec<Vec<u8>>,
}

impl SnapshotWriter for Writer {
    fn write(&mut self, chunk: &[u8]) -> Result<(), StorageError> {
        let state = self.disk.state();
        let state = self.disk.0.changed.wait_while(state, |state| state.snapshot_held).unwrap();
        if state.full {
            return Err(full());
        }
        self.chunks.push(chunk.to_vec());
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<FinishedSnapshot, StorageError> {
        let mut state = self.disk.state();
        if state.life != self.life {
            return Err(StorageError::Poisoned);
        }
        state.written.snapshots.push((self.meta.clone(), self.chunks));
        state.durable.snapshots = state.written.snapshots.clone();
        Ok(FinishedSnapshot { meta: self.meta, bytes: 0 })
    }
}

struct Reader(std::vec::IntoIter<Vec<u8>>);

impl SnapshotReader for Reader {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.0.next())
    }
}
