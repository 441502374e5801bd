//! The bounded past: the newest change sets, in one copy, by index.

use std::collections::VecDeque;
use std::sync::Arc;

use konsul_types::{ChangeSet, Index, Millis};

use crate::topic::Topic;

/// A published set with what is asked of it most often, so that a search by index stays in one stretch of
/// memory.
pub(crate) struct Entry {
    index: Index,
    weight: usize,
    set: Arc<ChangeSet>,
}

impl Entry {
    /// Takes a set in for long: room for changes that never came is given back. Most sets have one change, and a list
    /// that grew by one step has room for four.
    pub(crate) fn new(mut set: ChangeSet) -> Self {
        set.changes.shrink_to_fit();
        Self { index: set.index, weight: set.weight(), set: Arc::new(set) }
    }

    pub(crate) fn set(&self) -> &ChangeSet {
        &self.set
    }
}

/// What a bounded look at history found.
pub(crate) enum Scan {
    /// The first set after the cursor that concerns the topic.
    Found(Arc<ChangeSet>),
    /// Nothing up to this index, and there is more to look at.
    Nothing(Index),
    /// Nothing up to the head.
    End,
}

/// How many changes one look may compare while it holds the lock: some microseconds.
const CHANGES_PER_SCAN: usize = 256;

/// Covers the indexes in `(oldest, head]`: what lies there and is not here changed nothing.
#[derive(Default)]
pub(crate) struct History {
    entries: VecDeque<Entry>,
    bytes: usize,
    oldest: Index,
    /// Log time of the newest set that is gone, if it was ever here.
    oldest_at: Option<Millis>,
    head: Index,
}

impl History {
    pub(crate) fn head(&self) -> Index {
        self.head
    }

    pub(crate) fn oldest(&self) -> Index {
        self.oldest
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.head = entry.index;
        self.bytes += entry.weight;
        self.entries.push_back(entry);
    }

    /// Removes the oldest sets until both bounds hold, and hands them out: freeing them is the caller's work,
    /// after the lock. A set that is heavier than the whole bound does not stay either.
    pub(crate) fn trim(&mut self, entries: usize, bytes: usize, out: &mut Vec<Entry>) {
        while self.entries.len() > entries || self.bytes > bytes {
            let Some(entry) = self.entries.pop_front() else {
                break;
            };
            self.oldest = entry.index;
            self.oldest_at = Some(entry.set.at);
            self.bytes -= entry.weight;
            out.push(entry);
        }
    }

    /// Forgets everything; what is published next comes after `index`. Hands out what it held.
    pub(crate) fn restart(&mut self, index: Index) -> VecDeque<Entry> {
        let old = std::mem::take(self);
        (self.oldest, self.head) = (index, index);
        old.entries
    }

    /// Log time of the newest set up to `index`.
    pub(crate) fn time_of(&self, index: Index) -> Option<Millis> {
        let after = self.entries.partition_point(|entry| entry.index <= index);
        match after.checked_sub(1) {
            Some(newest) => self.entries.get(newest).map(|entry| entry.set.at),
            None => self.oldest_at.filter(|_| index >= self.oldest),
        }
    }

    /// The first sets after `after`, no more than `most`.
    pub(crate) fn since(&self, after: Index, most: usize) -> Vec<Arc<ChangeSet>> {
        let from = self.entries.partition_point(|entry| entry.index <= after);
        self.entries.range(from..).take(most).map(|entry| Arc::clone(&entry.set)).collect()
    }

    /// Looks for the first set after `cursor` that concerns `topic`, at no more than a bounded number of
    /// changes.
    pub(crate) fn scan(&self, cursor: Index, topic: &Topic) -> Scan {
        let from = self.entries.partition_point(|entry| entry.index <= cursor);
        let mut compared = 0;
        for entry in self.entries.range(from..) {
            if topic.concerns_set(&entry.set) {
                return Scan::Found(Arc::clone(&entry.set));
            }
            compared += entry.set.changes.len();
            if compared >= CHANGES_PER_SCAN {
                return Scan::Nothing(entry.index);
            }
        }
        Scan::End
    }
}
