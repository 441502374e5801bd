//! A storage engine with a listener: notes what is asked of it and what it answers, and changes nothing.

use konsul_storage::contract::{
    Entry, FinishedSnapshot, LogId, SnapshotMeta, SnapshotReader, SnapshotWriter, Storage, StorageError,
    StorageUsage, Vote,
};

use crate::invariants::corrupt_never_served;
use crate::ledger::Ledger;

/// See the module's head.
pub struct Tap {
    inner: Box<dyn Storage>,
    ledger: Ledger,
}

impl Tap {
    /// Listens to an engine.
    pub fn new(inner: Box<dyn Storage>, ledger: Ledger) -> Tap {
        Tap { inner, ledger }
    }
}

impl Storage for Tap {
    fn vote(&self) -> Option<Vote> {
        self.inner.vote()
    }

    fn save_vote(&mut self, vote: Vote) -> Result<(), StorageError> {
        let broken = self.ledger.book().votes.tried(vote);
        self.ledger.note(broken);
        let answer = self.inner.save_vote(vote);
        if answer.is_ok() {
            self.ledger.book().votes.answered(vote);
        }
        answer
    }

    fn log_bounds(&self) -> (LogId, LogId) {
        self.inner.log_bounds()
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), StorageError> {
        // Noted before the call: if it dies in its midst, a restart may find them.
        let noted = entries.iter().map(|entry| (entry.id.index, entry.clone()));
        self.ledger.book().entries.extend(noted);
        let answer = self.inner.append(entries);
        if let (Err(StorageError::Full { .. }), Some(first)) = (&answer, entries.first()) {
            self.ledger.book().entries.split_off(&first.id.index);
        }
        answer
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        let answer = self.inner.sync();
        if answer.is_ok() {
            let mut book = self.ledger.book();
            book.synced = book.synced.max(self.inner.log_bounds().1.index);
        }
        answer
    }

    fn read(&self, from: u64, to: u64) -> Result<Vec<Entry>, StorageError> {
        let found = self.inner.read(from, to)?;
        let held = corrupt_never_served::same_entries(&found, &self.ledger.book().entries);
        self.ledger.note(held);
        Ok(found)
    }

    fn truncate(&mut self, from: u64) -> Result<(), StorageError> {
        let answer = self.inner.truncate(from);
        if answer.is_ok() {
            let mut book = self.ledger.book();
            book.entries.split_off(&from);
            book.synced = book.synced.min(from.saturating_sub(1));
        }
        answer
    }

    fn purge(&mut self, upto: LogId) -> Result<(), StorageError> {
        let answer = self.inner.purge(upto);
        if answer.is_ok() {
            self.ledger.book().began_at = None;
        }
        answer
    }

    fn begin_snapshot(&mut self, meta: SnapshotMeta) -> Result<Box<dyn SnapshotWriter>, StorageError> {
        let id = meta.id.clone();
        let inner = self.inner.begin_snapshot(meta)?;
        self.ledger.book().snapshots.insert(id.clone(), Vec::new());
        Ok(Box::new(TapWriter { inner, id, ledger: self.ledger.clone() }))
    }

    fn latest_snapshot(&self) -> Result<Option<(SnapshotMeta, Box<dyn SnapshotReader>)>, StorageError> {
        let Some((meta, inner)) = self.inner.latest_snapshot()? else { return Ok(None) };
        let reader = TapReader { inner, id: meta.id.clone(), at: 0, ledger: self.ledger.clone() };
        Ok(Some((meta, Box::new(reader))))
    }

    fn install_snapshot(&mut self, finished: FinishedSnapshot) -> Result<LogId, StorageError> {
        let last = finished.meta.last;
        let answer = self.inner.install_snapshot(finished);
        if answer.is_ok() {
            self.ledger.book().installed(last);
        }
        answer
    }

    fn usage(&self) -> StorageUsage {
        self.inner.usage()
    }
}

struct TapWriter {
    inner: Box<dyn SnapshotWriter>,
    id: String,
    ledger: Ledger,
}

impl SnapshotWriter for TapWriter {
    fn write(&mut self, chunk: &[u8]) -> Result<(), StorageError> {
        if let Some(sums) = self.ledger.book().snapshots.get_mut(&self.id) {
            sums.push(crc32c::crc32c(chunk));
        }
        self.inner.write(chunk)
    }

    fn finish(self: Box<Self>) -> Result<FinishedSnapshot, StorageError> {
        self.inner.finish()
    }
}

struct TapReader {
    inner: Box<dyn SnapshotReader>,
    id: String,
    at: usize,
    ledger: Ledger,
}

impl SnapshotReader for TapReader {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        let chunk = self.inner.next_chunk()?;
        let sum = chunk.as_deref().map(crc32c::crc32c);
        let held = {
            let book = self.ledger.book();
            corrupt_never_served::same_chunk(&self.id, self.at, sum, book.snapshots.get(&self.id))
        };
        self.ledger.note(held);
        self.at += 1;
        Ok(chunk)
    }
}
