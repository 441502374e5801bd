//! openraft's log, on a [`Storage`](konsul_storage::contract::Storage) that lives on a thread of its own.
//!
//! Appending queues a job and returns; the storage's thread answers through the callback once a sync covers the
//! entries. Recent entries stay in memory, so that applying them reads no disk.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{Stream, stream};
use konsul_runtime::time::{self, Duration};
use konsul_runtime::worker::{Stopped, Worker};
use konsul_storage::contract as storage;
use konsul_storage::contract::LogId;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use openraft::{EntryPayload, OptionalSend};

use crate::alone::Alone;
use crate::convert;
use crate::figures::Counting;
use crate::health::Health;
use crate::keeper::Keeper;
use crate::types::{Entry, RaftLogId, RaftVote, Types};

/// How often something that found no space is tried again.
pub(crate) const FULL_RETRY: Duration = Duration::from_millis(100);

/// Entries read at once while applying.
const READ_CHUNK: u64 = 1024;

#[derive(Clone)]
pub(crate) struct LogStore {
    disk: Worker<Keeper>,
    health: Arc<Health>,
    counting: Arc<Counting>,
    alone: Arc<Alone>,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    vote: Option<storage::Vote>,
    purged: LogId,
    last: LogId,
    recent: Recent,
}

impl LogStore {
    pub(crate) fn new(
        disk: Worker<Keeper>,
        health: Arc<Health>,
        counting: Arc<Counting>,
        alone: Arc<Alone>,
        vote: Option<storage::Vote>,
        bounds: (LogId, LogId),
    ) -> Self {
        let (purged, last) = bounds;
        let shared = Shared { vote, purged, last, recent: Recent::default() };
        Self { disk, health, counting, alone, shared: Arc::new(Mutex::new(shared)) }
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries with `from <= index < to` in openraft's count.
    async fn entries(&self, from: u64, to: u64) -> io::Result<Vec<Entry>> {
        if let Some(entries) = self.shared().recent.read(from, to) {
            return Ok(entries);
        }
        let read = self.disk.call(move |keeper| keeper.read(from + 1, to.saturating_add(1))).await;
        read.map_err(gone)??.into_iter().map(convert::from_disk).collect()
    }
}

fn gone(_: Stopped) -> io::Error {
    io::Error::other("the storage has been closed")
}

/// The bounds of a range in openraft's count, the second one exclusive.
fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(index) => *index,
        Bound::Excluded(index) => index.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(index) => index.saturating_add(1),
        Bound::Excluded(index) => *index,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> Result<Vec<Entry>, io::Error>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = bounds(&range);
        self.entries(from, to).await
    }

    async fn read_vote(&mut self) -> Result<Option<RaftVote>, io::Error> {
        Ok(self.shared().vote.map(convert::vote_from_disk))
    }

    /// Reads ahead chunk by chunk, so that a long replay does not need the whole log in memory.
    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = Result<Entry, io::Error>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = bounds(&range);
        let reading = Reading { store: self.clone(), next: from, to, chunk: Vec::new().into_iter() };
        stream::unfold(reading, Reading::step)
    }
}

struct Reading {
    store: LogStore,
    next: u64,
    to: u64,
    chunk: std::vec::IntoIter<Entry>,
}

impl Reading {
    async fn step(mut self) -> Option<(io::Result<Entry>, Self)> {
        if let Some(entry) = self.chunk.next() {
            return Some((Ok(entry), self));
        }
        if self.next >= self.to {
            return None;
        }
        let upto = self.to.min(self.next + READ_CHUNK);
        match self.store.entries(self.next, upto).await {
            Ok(entries) => self.chunk = entries.into_iter(),
            Err(error) => return self.ended(Err(error)),
        }
        self.next = upto;
        match self.chunk.next() {
            Some(entry) => Some((Ok(entry), self)),
            None => {
                let text = format!("entries up to {upto} are committed and not in the log");
                self.ended(Err(io::Error::new(io::ErrorKind::InvalidData, text)))
            }
        }
    }

    fn ended(mut self, last: io::Result<Entry>) -> Option<(io::Result<Entry>, Self)> {
        self.next = self.to;
        Some((last, self))
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, io::Error> {
        let shared = self.shared();
        let (last_purged_log_id, last_log_id) =
            (convert::inward(shared.purged), convert::inward(shared.last));
        Ok(LogState { last_purged_log_id, last_log_id })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    /// Returns once the vote is durable. Without space it waits for some: a vote that is not durable may not be given.
    async fn save_vote(&mut self, vote: &RaftVote) -> Result<(), io::Error> {
        self.alone.next_turn();
        let vote = convert::vote_to_disk(vote);
        while !self.disk.call(move |keeper| keeper.save_vote(vote)).await.map_err(gone)?? {
            if self.health.stopped().is_some() {
                return Err(io::Error::other(self.health.reason()));
            }
            time::sleep(FULL_RETRY).await;
        }
        self.shared().vote = Some(vote);
        Ok(())
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = {
            let mut shared = self.shared();
            let entries = shared.take_in(entries, &self.alone);
            self.counting.recent_entries.store(shared.recent.entries.len(), Ordering::Relaxed);
            entries
        };
        self.disk.submit(move |keeper| keeper.append(entries, callback)).await.map_err(gone)
    }

    async fn truncate_after(&mut self, last: Option<RaftLogId>) -> Result<(), io::Error> {
        let last = convert::outward_or_start(last.as_ref());
        // What is taken back may have been a membership.
        self.alone.next_turn();
        {
            let mut shared = self.shared();
            shared.last = shared.last.min(last);
            shared.recent.truncate(last.index);
        }
        self.disk.call(move |keeper| keeper.truncate(last.index + 1)).await.map_err(gone)?
    }

    async fn purge(&mut self, upto: RaftLogId) -> Result<(), io::Error> {
        let upto = convert::outward(&upto);
        {
            let mut shared = self.shared();
            shared.purged = shared.purged.max(upto);
            shared.last = shared.last.max(upto);
        }
        self.disk.call(move |keeper| keeper.purge(upto)).await.map_err(gone)?
    }
}

impl Shared {
    /// Keeps new entries for readers, and gives their form for the disk.
    fn take_in(&mut self, entries: impl IntoIterator<Item = Entry>, alone: &Alone) -> Vec<storage::Entry> {
        let mut for_disk = Vec::new();
        for entry in entries {
            if matches!(entry.payload, EntryPayload::Membership(_)) {
                alone.next_turn();
            }
            for_disk.push(convert::to_disk(&entry));
            self.recent.push(entry);
        }
        if let Some(last) = for_disk.last() {
            self.last = last.id;
        }
        for_disk
    }
}

/// The newest entries, without a hole, bounded by bytes.
#[derive(Default)]
struct Recent {
    entries: VecDeque<Entry>,
    bytes: usize,
}

/// Bytes of entries kept in memory, an overhead for each included.
const RECENT_BYTES: usize = 8 << 20;

fn weight(entry: &Entry) -> usize {
    let payload = match &entry.payload {
        EntryPayload::Normal(command) => command.0.len(),
        EntryPayload::Blank | EntryPayload::Membership(_) => 0,
    };
    payload + 128
}

impl Recent {
    fn first(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.log_id.index())
    }

    fn push(&mut self, entry: Entry) {
        let follows =
            self.first().is_none_or(|first| first + self.entries.len() as u64 == entry.log_id.index());
        if !follows {
            self.entries.clear();
            self.bytes = 0;
        }
        self.bytes += weight(&entry);
        self.entries.push_back(entry);
        while self.bytes > RECENT_BYTES && self.entries.len() > 1 {
            self.pop_front();
        }
    }

    fn pop_front(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= weight(&entry);
        }
    }

    /// Drops entries so that `upto` (in our count) is the last one.
    fn truncate(&mut self, upto: u64) {
        while self.entries.back().is_some_and(|entry| entry.log_id.index() >= upto) {
            let dropped = self.entries.pop_back();
            self.bytes -= dropped.as_ref().map_or(0, weight);
        }
    }

    /// The range clipped to the log, or nothing if it begins before what is kept.
    fn read(&self, from: u64, to: u64) -> Option<Vec<Entry>> {
        let first = self.first()?;
        let start = usize::try_from(from.checked_sub(first)?).ok()?;
        let end = usize::try_from(to.saturating_sub(first)).unwrap_or(usize::MAX).min(self.entries.len());
        Some(self.entries.range(start.min(end)..end).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use openraft::entry::RaftEntry;

    use super::*;
    use crate::types::Command;

    fn entry(index: u64, bytes: usize) -> Entry {
        let command = Command(Bytes::from(vec![0; bytes]));
        Entry::new(RaftLogId::new_term_index(1, index), EntryPayload::Normal(command))
    }

    fn indexes(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.log_id.index()).collect()
    }

    fn recent(range: std::ops::Range<u64>) -> Recent {
        let mut recent = Recent::default();
        range.for_each(|index| recent.push(entry(index, 10)));
        recent
    }

    #[test]
    fn reads_are_clipped_to_the_log_and_never_begin_too_early() {
        let recent = recent(5..10);
        assert_eq!(indexes(&recent.read(5, 8).unwrap()), [5, 6, 7]);
        assert_eq!(indexes(&recent.read(8, 100).unwrap()), [8, 9]);
        assert_eq!(indexes(&recent.read(10, 12).unwrap()), [0; 0]);
        assert_eq!(indexes(&recent.read(50, 60).unwrap()), [0; 0]);
        assert!(recent.read(4, 8).is_none());
        assert!(Recent::default().read(0, 1).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let mut recent = Recent::default();
        for index in 0..100 {
            recent.push(entry(index, 1 << 20));
        }
        assert!(recent.bytes <= RECENT_BYTES);
        assert_eq!(recent.entries.back().unwrap().log_id.index(), 99);
        let sum: usize = recent.entries.iter().map(weight).sum();
        assert_eq!(recent.bytes, sum);
    }

    #[test]
    fn an_entry_larger_than_the_bound_is_kept_alone() {
        let mut recent = recent(0..3);
        recent.push(entry(3, RECENT_BYTES + 1));
        assert_eq!(indexes(&recent.read(3, 4).unwrap()), [3]);
    }

    #[test]
    fn a_cut_tail_is_gone_and_a_hole_starts_over() {
        let mut cut = recent(5..10);
        cut.truncate(7);
        assert_eq!(indexes(&cut.read(5, 100).unwrap()), [5, 6]);
        cut.push(entry(50, 1));
        assert_eq!(cut.first(), Some(50));
    }

    #[test]
    fn ranges_mean_what_they_say() {
        assert_eq!(bounds(&(3..7)), (3, 7));
        assert_eq!(bounds(&(3..=7)), (3, 8));
        assert_eq!(bounds(&(..)), (0, u64::MAX));
        assert_eq!(bounds(&(Bound::Excluded(3), Bound::Unbounded)), (4, u64::MAX));
    }
}
