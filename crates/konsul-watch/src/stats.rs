//! Figures for metrics.

use konsul_types::Index;

/// A feed in figures. Gauges are as of one moment; counters run since the feed was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedStats {
    /// Gauge: the newest published index.
    pub head: Index,
    /// Gauge: history covers what came after it.
    pub oldest: Index,
    /// Gauge: sets in history.
    pub history_entries: usize,
    /// Gauge: bytes in history, by `ChangeSet::weight`.
    pub history_bytes: usize,
    /// Gauge: parked readers, waiting or woken and not yet gone.
    pub parked: usize,
    /// Gauge: subscribers.
    pub subscribers: usize,
    /// Gauge: entries in the index of waiting readers, of both kinds. What was dropped is not in it.
    pub waiting: usize,
    /// Counter: published sets.
    pub published: u64,
    /// Counter: readers told some news.
    pub wakeups: u64,
    /// Counter: waiting readers that publishing looked at. More than `wakeups` only by readers who know the
    /// published index already, from the state or because they asked for a later one.
    pub visited: u64,
    /// Counter: readers and subscribers refused at a bound.
    pub refused: u64,
    /// Counter: subscribers told that history no longer reaches back to them.
    pub fell_out: u64,
    /// Counter: subscribers told that the state was replaced.
    pub replaced: u64,
}
