//! The owner of the storage, on the storage's thread.
//!
//! Jobs append; [`Keeper::finish`] runs once after everything that was queued and syncs for all of it. Only then are
//! the callbacks called that tell openraft that an entry is durable.
//!
//! # A full disk
//!
//! openraft stops a node whose append fails, and an entry that it has ordered cannot be taken back. So an append that
//! finds no space is *held* here, in order, with all that follow it, and tried again until there is space. Meanwhile
//! [`Health::is_full`] makes new proposals answer `Full` before they are ordered. Nothing is lost, nothing is
//! acknowledged too early, and the node recovers by itself.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use konsul_runtime::time::{Instant, now};
use konsul_storage::contract::{Entry, LogId, Storage, StorageError, StorageUsage, Vote};
use openraft::storage::IOFlushed;

use crate::figures::{Batch, Counting};
use crate::health::Health;
use crate::types::Types;

type Flushed = IOFlushed<Types>;

/// The disk's figures as of the last batch, for whoever wants to look without asking the thread.
pub(crate) type SharedUsage = Arc<Mutex<StorageUsage>>;

pub(crate) struct Keeper {
    storage: Box<dyn Storage>,
    health: Arc<Health>,
    usage: SharedUsage,
    counting: Arc<Counting>,
    /// What was written since the last sync.
    group: Option<Group>,
    /// Told after the next sync.
    flushing: Vec<Flushed>,
    /// Something was written that the next sync makes durable.
    dirty: bool,
    held: VecDeque<(Vec<Entry>, Flushed)>,
    /// A vote found no space and is tried again by whoever wants to give it.
    vote_waits: bool,
}

/// Entries that the next sync makes durable.
#[derive(Debug, Clone, Copy)]
struct Group {
    first: u64,
    last: u64,
    entries: u64,
    begun: Instant,
}

impl Group {
    /// Takes in entries that were written, the first of them at `begun`.
    fn grow(group: Option<Group>, entries: &[Entry], begun: Instant) -> Option<Group> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return group;
        };
        let before = group.unwrap_or(Group { first: first.id.index, last: 0, entries: 0, begun });
        Some(Group { last: last.id.index, entries: before.entries + entries.len() as u64, ..before })
    }
}

impl Keeper {
    pub(crate) fn new(storage: Box<dyn Storage>, health: Arc<Health>, counting: Arc<Counting>) -> Self {
        let usage = Arc::new(Mutex::new(storage.usage()));
        Self {
            storage,
            health,
            usage,
            counting,
            group: None,
            flushing: Vec::new(),
            dirty: false,
            held: VecDeque::new(),
            vote_waits: false,
        }
    }

    pub(crate) fn usage(&self) -> SharedUsage {
        self.usage.clone()
    }

    pub(crate) fn storage(&mut self) -> &mut dyn Storage {
        &mut *self.storage
    }

    /// Appends, or holds the entries behind those that wait for space.
    pub(crate) fn append(&mut self, entries: Vec<Entry>, flushed: Flushed) {
        if self.held.is_empty() {
            self.try_append(entries, flushed);
        } else {
            self.held.push_back((entries, flushed));
            self.count_held();
        }
    }

    fn count_held(&self) {
        self.counting.held.store(self.held.len(), Ordering::Relaxed);
    }

    fn try_append(&mut self, entries: Vec<Entry>, flushed: Flushed) {
        // A truncation may have left nothing of what was held; then there is nothing to write either.
        let begun = self.group.map_or_else(now, |group| group.begun);
        let appended = if entries.is_empty() { Ok(()) } else { self.storage.append(&entries) };
        match appended {
            Ok(()) => {
                self.group = Group::grow(self.group, &entries, begun);
                self.appended(flushed);
            }
            Err(StorageError::Full { path }) => {
                self.found_full(&path);
                self.held.push_front((entries, flushed));
                self.count_held();
            }
            Err(error) => flushed.io_completed(Err(self.fail(&error))),
        }
    }

    /// Refuses new proposals from now on. Said once, not at each try.
    fn found_full(&self, path: &str) {
        if !self.health.is_full() {
            tracing::warn!(path, "no space is left: writes are refused until there is some");
        }
        self.health.set_full(true);
    }

    fn appended(&mut self, flushed: Flushed) {
        self.dirty = true;
        #[cfg(feature = "mutants")]
        if crate::mutants::is_active(crate::mutants::ACK_BEFORE_SYNC) {
            return flushed.io_completed(Ok(()));
        }
        self.flushing.push(flushed);
    }

    /// Tries again what found no space.
    pub(crate) fn retry_held(&mut self) {
        let mut left = self.held.len();
        while left > 0
            && let Some((entries, flushed)) = self.held.pop_front()
        {
            self.try_append(entries, flushed);
            left -= 1;
            if self.held.len() > left {
                return;
            }
        }
        self.count_held();
        self.health.set_full(self.vote_waits);
    }

    /// Removes entries from `from` on, those that wait for space included.
    pub(crate) fn truncate(&mut self, from: u64) -> io::Result<()> {
        for (entries, _) in &mut self.held {
            entries.retain(|entry| entry.id.index < from);
        }
        self.dirty = true;
        self.storage.truncate(from).map_err(|error| self.fail(&error))
    }

    /// Lets the engine drop entries. Finding no space for it is no reason to stop: the entries merely stay.
    pub(crate) fn purge(&mut self, upto: LogId) -> io::Result<()> {
        match self.storage.purge(upto) {
            Ok(()) => Ok(()),
            Err(StorageError::Full { path }) => {
                tracing::warn!(path, "no space to note that the log was purged");
                Ok(())
            }
            Err(error) => Err(self.fail(&error)),
        }
    }

    /// Saves the vote; `Ok(false)` if there is no space for it now.
    pub(crate) fn save_vote(&mut self, vote: Vote) -> io::Result<bool> {
        match self.storage.save_vote(vote) {
            Ok(()) => {
                self.vote_waits = false;
                self.health.set_full(!self.held.is_empty());
            }
            Err(StorageError::Full { path }) => {
                self.found_full(&path);
                self.vote_waits = true;
            }
            Err(error) => return Err(self.fail(&error)),
        }
        Ok(!self.vote_waits)
    }

    pub(crate) fn read(&mut self, from: u64, to: u64) -> io::Result<Vec<Entry>> {
        self.storage.read(from, to).map_err(|error| self.fail(&error))
    }

    /// Syncs for the whole batch, then tells those who wait for it.
    pub(crate) fn finish(&mut self) {
        if std::mem::take(&mut self.dirty) {
            let written = now();
            let synced = self.storage.sync();
            if let (Some(group), Ok(())) = (self.group.take(), &synced) {
                let Group { first, last, entries, begun } = group;
                self.counting.synced(Batch { first, last, entries, begun, written, synced: now() });
            }
            self.tell(&synced);
        }
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = self.storage.usage();
    }

    fn tell(&mut self, synced: &Result<(), StorageError>) {
        let failure = synced.as_ref().err().map(|error| self.fail(error).to_string());
        for flushed in self.flushing.drain(..) {
            flushed.io_completed(failure.clone().map_or(Ok(()), |text| Err(io::Error::other(text))));
        }
    }

    /// Notes why the node stops, and says it in the form that openraft takes.
    fn fail(&self, error: &StorageError) -> io::Error {
        self.health.stop(format!("storage failed: {error}"));
        io::Error::other(error.to_string())
    }
}
