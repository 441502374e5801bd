//! What a node counts while it works, for metrics; and which batch of the log held what, for traces.
//!
//! One write and one sync serve whatever waited for them. They are measured once for the batch. Only while a recorded
//! request is under way is a batch also remembered, so that the request can be told, once it is applied, how long its
//! entry was written, synced and applied for, and with how many others.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use konsul_runtime::measure::{COUNTS, DURATIONS, Distribution, Histogram};
use konsul_runtime::time::{Duration, Instant};
use konsul_runtime::trace::Scope;

/// Counters and distributions of a node since its start, and the lengths of its queues now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Nanoseconds that the appends of one batch took.
    pub append: Distribution,
    /// Nanoseconds that the sync after a batch took.
    pub sync: Distribution,
    /// Entries that shared one sync.
    pub batch_entries: Distribution,
    /// Nanoseconds that applying one batch took.
    pub apply: Distribution,
    /// Nanoseconds from a snapshot's begin until it was durable.
    pub snapshot: Distribution,
    /// Snapshots that could not be written.
    pub snapshot_failures: u64,
    /// Bytes of the newest snapshot before compression, if one was taken since the start.
    pub snapshot_bytes: u64,
    /// Proposals that were refused because the disk is full.
    pub refused_full: u64,
    /// Proposals that wait for their reply.
    pub proposals: usize,
    /// Bytes of commands that are under way to the log.
    pub queued_bytes: usize,
    /// Bytes of commands that may be.
    pub queued_bytes_max: usize,
    /// Reads that wait for a confirmation of leadership.
    pub barriers: usize,
    /// Jobs that wait for the disk.
    pub disk_jobs: usize,
    /// Appends that wait for space.
    pub held: usize,
    /// Entries kept in memory for readers of the log.
    pub recent_entries: usize,
    /// Whether the disk is full.
    pub full: bool,
}

/// What is counted into.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) append: Histogram,
    pub(crate) sync: Histogram,
    pub(crate) batch_entries: Histogram,
    pub(crate) apply: Histogram,
    pub(crate) snapshot: Histogram,
    pub(crate) snapshot_failures: AtomicU64,
    pub(crate) snapshot_bytes: AtomicU64,
    pub(crate) refused_full: AtomicU64,
    pub(crate) held: AtomicUsize,
    pub(crate) recent_entries: AtomicUsize,
    /// Recorded requests under way.
    recorded: AtomicUsize,
    batches: Mutex<VecDeque<Batch>>,
}

/// Batches remembered for recorded requests. One that was waited for longer is told without them.
const BATCHES: usize = 256;

/// Entries that were written and synced together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) entries: u64,
    /// When the first of them was written.
    pub(crate) begun: Instant,
    /// When all were written and the sync began.
    pub(crate) written: Instant,
    pub(crate) synced: Instant,
}

/// Entries that were applied together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applied {
    pub(crate) entries: usize,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

impl Counting {
    pub(crate) fn new() -> Self {
        Self {
            append: Histogram::new(DURATIONS),
            sync: Histogram::new(DURATIONS),
            batch_entries: Histogram::new(COUNTS),
            apply: Histogram::new(DURATIONS),
            snapshot: Histogram::new(DURATIONS),
            snapshot_failures: AtomicU64::new(0),
            snapshot_bytes: AtomicU64::new(0),
            refused_full: AtomicU64::new(0),
            held: AtomicUsize::new(0),
            recent_entries: AtomicUsize::new(0),
            recorded: AtomicUsize::new(0),
            batches: Mutex::default(),
        }
    }

    fn batches(&self) -> MutexGuard<'_, VecDeque<Batch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request is under way that wants to be told; until the answer is dropped.
    pub(crate) fn follow(self: &std::sync::Arc<Self>, scope: &Scope) -> Option<Followed> {
        scope.is_recorded().then(|| {
            self.recorded.fetch_add(1, Ordering::Relaxed);
            Followed { scope: scope.clone(), counting: self.clone() }
        })
    }

    /// A batch is durable.
    pub(crate) fn synced(&self, batch: Batch) {
        self.append.add_duration(batch.written - batch.begun);
        self.sync.add_duration(batch.synced - batch.written);
        self.batch_entries.add(batch.entries);
        if self.recorded.load(Ordering::Relaxed) > 0 {
            let mut batches = self.batches();
            if batches.len() == BATCHES {
                batches.pop_front();
            }
            batches.push_back(batch);
        }
    }

    pub(crate) fn applied(&self, applied: Applied) {
        self.apply.add_duration(applied.to - applied.from);
    }

    pub(crate) fn snapshot_taken(&self, took: Duration, bytes: u64) {
        self.snapshot.add_duration(took);
        self.snapshot_bytes.store(bytes, Ordering::Relaxed);
    }
}

/// A recorded request on its way through the log.
#[derive(Debug)]
pub(crate) struct Followed {
    scope: Scope,
    counting: std::sync::Arc<Counting>,
}

impl Followed {
    /// Tells the request what was done for its entry.
    pub(crate) fn tell(&self, index: u64, applied: Applied) {
        let holds = |batch: &&Batch| (batch.first..=batch.last).contains(&index);
        // From the back: after a truncation an index may have been written twice.
        let batch = self.counting.batches().iter().rev().find(holds).copied();
        if let Some(batch) = batch {
            let shared =
                || vec![("log.batch.first", batch.first.into()), ("log.batch.entries", batch.entries.into())];
            self.scope.tell("log append", batch.begun, batch.written, shared());
            self.scope.tell("log sync", batch.written, batch.synced, shared());
        }
        let entries = vec![("log.index", index.into()), ("apply.entries", applied.entries.into())];
        self.scope.tell("apply", applied.from, applied.to, entries);
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if self.counting.recorded.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.counting.batches().clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use konsul_runtime::trace::{Ended, SpanSink, Tracer};

    use super::*;

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<Ended>>);

    impl SpanSink for Kept {
        fn take(&self, span: Ended) {
            self.0.lock().unwrap().push(span);
        }
    }

    fn batch(first: u64, last: u64) -> Batch {
        let at = Instant::from_nanos;
        Batch { first, last, entries: last - first + 1, begun: at(10), written: at(20), synced: at(50) }
    }

    #[test]
    fn a_recorded_request_is_told_of_its_own_batch() {
        let (kept, counting) = (Arc::new(Kept::default()), Arc::new(Counting::new()));
        let entry = Tracer::new(kept.clone(), 1.0).begin("entry", None);
        let followed = counting.follow(&entry.scope()).unwrap();
        counting.synced(batch(1, 4));
        counting.synced(batch(5, 9));
        let applied = Applied { entries: 5, from: Instant::from_nanos(60), to: Instant::from_nanos(61) };
        followed.tell(7, applied);
        drop(followed);
        let told = kept.0.lock().unwrap();
        let spans: Vec<_> =
            told.iter().map(|span| (span.name, span.started.as_nanos(), span.ended.as_nanos())).collect();
        assert_eq!(spans, [("log append", 10, 20), ("log sync", 20, 50), ("apply", 60, 61)]);
        assert_eq!(told[0].attributes[1], ("log.batch.entries", 5_u64.into()));
    }

    #[test]
    fn nothing_is_remembered_while_nobody_is_recorded() {
        let counting = Arc::new(Counting::new());
        assert!(counting.follow(&Scope::NONE).is_none());
        counting.synced(batch(1, 1));
        assert!(counting.batches().is_empty());
        assert_eq!((counting.sync.read().count(), counting.sync.read().sum), (1, 30));
        let entry = Tracer::new(Arc::new(Kept::default()), 1.0).begin("entry", None);
        let followed = counting.follow(&entry.scope());
        (0..1000).for_each(|index| counting.synced(batch(index, index)));
        assert_eq!(counting.batches().len(), BATCHES);
        drop(followed);
        assert!(counting.batches().is_empty());
    }
}
