//! What keys held before: the last values of a namespace's keys, within a budget of bytes.
//!
//! Whatever a write replaces or removes is put at the end of one queue for each namespace, and the oldest leave at its
//! front when the budget is used up. There is no index by key, so a write pays one step at each end and a key that was
//! never written twice pays nothing. A key's versions are found by following them back: the entry that wrote a version is
//! the one that replaced the version before, and the queue is in the order of those entries, so each step is a binary
//! search.
//!
//! A key that was removed and made again has its absence in the queue too, if its grave was still there; otherwise its
//! history begins anew. Of a removed key whose grave is reaped nobody knows when it was removed; then the queue is looked
//! through from its end, but not without bound.

use std::sync::Arc;

use imbl::Vector;
use konsul_types::limits::PAST_OVERHEAD;
use konsul_types::{Index, Key, KvRecord, Millis, Namespace};
use serde::{Deserialize, Serialize};

use crate::hash::{Hashes, RecordHash, Table};
use crate::keyspace::{Keyspace, record_hash};
use crate::state::State;

/// What a key held until an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Past {
    pub key: Key,
    /// What it held; `None` if it was absent.
    pub record: Option<Arc<KvRecord>>,
    /// Since which entry.
    pub since: Index,
    /// Which entry changed that.
    pub until: Index,
    /// Log time of that entry.
    pub at: Millis,
    /// Its part in the table's hash.
    pub hash: u64,
}

/// A row of a snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PastRow {
    pub key: Key,
    pub record: Option<Arc<KvRecord>>,
    pub since: Index,
    pub until: Index,
    pub at: Millis,
}

/// How many of the newest old values are looked through for a removal that no grave tells of.
const SCANNED: usize = 1 << 16;

/// The old values of one namespace, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    pub(crate) past: Vector<Past>,
    pub(crate) bytes: u64,
}

/// A key at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The entry that made it so.
    pub index: Index,
    /// Log time of that entry, if it is remembered.
    pub at: Option<Millis>,
    /// What it held; `None` if it was absent.
    pub record: Option<Arc<KvRecord>>,
    /// Whether this is the present.
    pub current: bool,
}

impl History {
    /// How many old values there are.
    pub fn len(&self) -> u64 {
        self.past.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.past.is_empty()
    }

    /// Bytes that they are counted with.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn push(&mut self, past: Past, budget: u64, hashes: &mut Hashes) {
        hashes.replace(Table::History, None, Some(past.hash));
        self.bytes += past.cost();
        self.past.push_back(past);
        self.prune(budget, hashes);
    }

    /// Forgets the oldest until the budget is kept.
    pub(crate) fn prune(&mut self, budget: u64, hashes: &mut Hashes) {
        while self.bytes > budget {
            let Some(gone) = self.past.pop_front() else { return };
            self.bytes -= gone.cost();
            hashes.replace(Table::History, Some(gone.hash), None);
        }
    }

    /// What the entry at `index` replaced under a key.
    fn replaced_at(&self, key: &str, index: Index) -> Option<&Past> {
        let from = self.first_until(index);
        let mut same =
            (from..).map_while(|position| self.past.get(position)).take_while(|past| past.until == index);
        same.find(|past| past.key.as_str() == key)
    }

    /// Position of the first one that was replaced at `index` or later.
    fn first_until(&self, index: Index) -> usize {
        let (mut low, mut high) = (0, self.past.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.past[middle].until < index { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn newest_of(&self, key: &str) -> Option<&Past> {
        self.past.iter().rev().take(SCANNED).find(|past| past.key.as_str() == key)
    }
}

impl Past {
    pub(crate) fn cost(&self) -> u64 {
        PAST_OVERHEAD
            + self.key.as_str().len() as u64
            + self.record.as_ref().map_or(0, |r| r.value.len() as u64)
    }
}

/// The hash of an old value, from that of the record, which whoever replaced it has at hand.
pub(crate) fn past_hash(record: u64, since: Index, until: Index, at: Millis) -> u64 {
    RecordHash::new(8).number(record).number(since.0).number(until.0).number(at.0).finish()
}

/// What stands for the record's hash where there is no record.
pub(crate) fn absence_hash(namespace: &Namespace, key: &Key) -> u64 {
    RecordHash::new(9).bytes(namespace.as_str().as_bytes()).bytes(key.as_str().as_bytes()).finish()
}

impl PastRow {
    pub(crate) fn of(past: &Past) -> PastRow {
        let Past { key, record, since, until, at, .. } = past.clone();
        PastRow { key, record, since, until, at }
    }

    pub(crate) fn past(self, namespace: &Namespace) -> Past {
        let PastRow { key, record, since, until, at } = self;
        let held = match &record {
            Some(record) => record_hash(namespace, &key, record),
            None => absence_hash(namespace, &key),
        };
        Past { hash: past_hash(held, since, until, at), key, record, since, until, at }
    }
}

impl Keyspace {
    /// The old values.
    pub fn history(&self) -> &History {
        &self.history
    }
}

impl State {
    /// A key's versions, newest first, the present among them; ends where nothing more is remembered. Each one costs a
    /// search, so that whoever takes few pays for few.
    pub fn kv_versions<'a>(
        &'a self,
        namespace: &Namespace,
        key: &'a str,
    ) -> impl Iterator<Item = Version> + 'a {
        let keys = self.keyspace(namespace);
        let mut next = keys.and_then(|keys| keys.newest_version(key));
        std::iter::from_fn(move || {
            let (history, (index, record, current)) = (&keys?.history, next.take()?);
            let before = history.replaced_at(key, index);
            let at = before.map(|past| past.at).or_else(|| self.timeline.at(index));
            next = before.map(|past| (past.since, past.record.clone(), false));
            Some(Version { index, at, record, current })
        })
    }
}

impl Keyspace {
    fn newest_version(&self, key: &str) -> Option<(Index, Option<Arc<KvRecord>>, bool)> {
        if let Some(record) = self.get(key) {
            return Some((record.modify_index, Some(Arc::clone(record)), true));
        }
        let removed = self.dirs.graves.get(key).copied();
        let removed = removed.or_else(|| self.history.newest_of(key).map(|past| past.until));
        removed.map(|index| (index, None, true))
    }
}

/// When entries were written, to the second, for as far back as it is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// First entry of each second in which something was written.
    pub(crate) marks: Vector<(Index, Millis)>,
}

/// Seconds that are remembered: those of a day of writing without a pause, or of a longer time with pauses.
pub const TIMELINE_MARKS: usize = 86_400;

const MARK_EVERY_MS: u64 = 1000;

impl Timeline {
    /// Notes the time of an entry, unless the last mark is near enough. A time before the last mark is that of another
    /// cluster's backup and counts as new.
    pub(crate) fn note(&mut self, index: Index, at: Millis) {
        if let Some((_, last)) = self.marks.last()
            && at >= *last
            && at.since(*last) < MARK_EVERY_MS
        {
            return;
        }
        self.marks.push_back((index, at));
        if self.marks.len() > TIMELINE_MARKS {
            self.marks.pop_front();
        }
    }

    /// The second in which an entry was written.
    pub fn at(&self, index: Index) -> Option<Millis> {
        let after = match self.marks.binary_search_by(|(mark, _)| mark.cmp(&index)) {
            Ok(position) => position + 1,
            Err(position) => position,
        };
        let (_, at) = self.marks.get(after.checked_sub(1)?)?;
        Some(*at)
    }
}
