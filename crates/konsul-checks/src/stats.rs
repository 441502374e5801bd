//! Figures for metrics.

use std::collections::BTreeMap;

use konsul_runtime::measure::{DURATIONS, Distribution, Histogram};
use konsul_runtime::time::Duration;
use konsul_types::CheckStatus;

/// The keeper of checks in figures. Gauges are as of one moment; counters run since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Gauge: checks.
    pub checks: usize,
    /// Gauge: checks by the status that they show.
    pub by_status: Results,
    /// Gauge: runs under way.
    pub running: usize,
    /// Gauge: runs that are due and have no place yet.
    pub waiting: usize,
    /// Counter: finished runs by kind (`http`, `script`, …) and result.
    pub runs: BTreeMap<&'static str, Results>,
    /// Counter: runs that were left out because the one before was late.
    pub skipped: u64,
    /// Nanoseconds from when a run was due to its start.
    pub lag: Distribution,
    /// Nanoseconds from the start of a run to its end.
    pub took: Distribution,
    /// Counter: reports taken from the channel's other end.
    pub reports: u64,
    /// Counter: reports that were replaced by a newer one of the same check before they were taken.
    pub coalesced: u64,
    /// Counter: updates of checks with a time to live.
    pub updates: u64,
    /// Counter: checks with a time to live that lapsed.
    pub lapsed: u64,
    /// Counter: checks reported for removal.
    pub deregistrations: u64,
    /// Gauge: checks held critical because they flap.
    pub flapping: usize,
}

/// A number for each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Results {
    /// Passing.
    pub passing: u64,
    /// Warning.
    pub warning: u64,
    /// Critical.
    pub critical: u64,
}

impl Results {
    pub(crate) fn count(&mut self, status: CheckStatus) {
        match status {
            CheckStatus::Passing => self.passing += 1,
            CheckStatus::Warning => self.warning += 1,
            CheckStatus::Critical => self.critical += 1,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.passing + self.warning + self.critical
    }
}

/// What is counted as it happens.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) runs: BTreeMap<&'static str, Results>,
    pub(crate) skipped: u64,
    pub(crate) reports: u64,
    pub(crate) coalesced: u64,
    pub(crate) updates: u64,
    pub(crate) lapsed: u64,
    pub(crate) deregistrations: u64,
    lag: Histogram,
    took: Histogram,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            runs: BTreeMap::new(),
            skipped: 0,
            reports: 0,
            coalesced: 0,
            updates: 0,
            lapsed: 0,
            deregistrations: 0,
            lag: Histogram::new(DURATIONS),
            took: Histogram::new(DURATIONS),
        }
    }

    pub(crate) fn started(&self, lag: Duration) {
        self.lag.add_duration(lag);
    }

    pub(crate) fn finished(&mut self, kind: &'static str, status: CheckStatus, took: Duration) {
        self.took.add_duration(took);
        self.runs.entry(kind).or_default().count(status);
    }

    /// With the gauges left at zero.
    pub(crate) fn read(&self) -> Stats {
        Stats {
            checks: 0,
            by_status: Results::default(),
            running: 0,
            waiting: 0,
            runs: self.runs.clone(),
            skipped: self.skipped,
            lag: self.lag.read(),
            took: self.took.read(),
            reports: self.reports,
            coalesced: self.coalesced,
            updates: self.updates,
            lapsed: self.lapsed,
            deregistrations: self.deregistrations,
            flapping: 0,
        }
    }
}
