//! The newest entries, in memory: replication and apply read what was just appended.

use std::collections::VecDeque;

use crate::contract::Entry;

/// A tail of the log, bounded in bytes.
#[derive(Debug)]
pub(crate) struct TailCache {
    entries: VecDeque<Entry>,
    bytes: usize,
    bound: usize,
}

/// What an entry costs beside its payload.
const OVERHEAD: usize = size_of::<Entry>();

impl TailCache {
    pub(crate) fn new(bound: usize) -> Self {
        TailCache { entries: VecDeque::new(), bytes: 0, bound }
    }

    /// The first index that is here; `None` if nothing is.
    pub(crate) fn first(&self) -> Option<u64> {
        self.entries.front().map(|e| e.id.index)
    }

    /// Entries with `from <= index < to`, of which the first is here.
    pub(crate) fn range(&self, from: u64, to: u64) -> impl Iterator<Item = &Entry> {
        let first = self.first().unwrap_or(from);
        let skip = from.saturating_sub(first) as usize;
        self.entries.iter().skip(skip).take_while(move |e| e.id.index < to)
    }

    /// Adds the entry after the newest one, and forgets the oldest ones over the bound.
    pub(crate) fn push(&mut self, entry: &Entry) {
        if self.entries.back().is_some_and(|last| last.id.index + 1 != entry.id.index) {
            self.clear();
        }
        self.bytes += entry.payload.len() + OVERHEAD;
        self.entries.push_back(entry.clone());
        while self.bytes > self.bound {
            let Some(gone) = self.entries.pop_front() else { break };
            self.bytes -= gone.payload.len() + OVERHEAD;
        }
    }

    pub(crate) fn truncate(&mut self, from: u64) {
        while let Some(gone) = self.entries.pop_back_if(|e| e.id.index >= from) {
            self.bytes -= gone.payload.len() + OVERHEAD;
        }
    }

    pub(crate) fn forget(&mut self, upto: u64) {
        while let Some(gone) = self.entries.pop_front_if(|e| e.id.index <= upto) {
            self.bytes -= gone.payload.len() + OVERHEAD;
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{EntryKind, LogId};
    use bytes::Bytes;

    fn entry(index: u64) -> Entry {
        Entry { id: LogId { term: 1, index }, kind: EntryKind::Command, payload: Bytes::from(vec![0; 100]) }
    }

    #[test]
    fn the_newest_stay_within_the_bound() {
        let mut cache = TailCache::new(3 * (100 + OVERHEAD));
        (1..=10).for_each(|i| cache.push(&entry(i)));
        assert_eq!(cache.first(), Some(8));
        cache.truncate(10);
        assert_eq!(cache.range(9, 99).map(|e| e.id.index).collect::<Vec<_>>(), [9]);
        cache.forget(9);
        assert_eq!((cache.first(), cache.bytes), (None, 0));
    }
}
