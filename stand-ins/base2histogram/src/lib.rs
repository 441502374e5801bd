//! Histograms of powers of two: a stand-in for the crate of this name, which openraft keeps its own figures in.
//!
//! The original builds tables of 25 MB at its first use, more than everything else that an idle node holds. Konsul does not
//! show these figures, so a bucket for each power of two is precise enough. The stand-in has the names that openraft uses
//! and no others; `[patch.crates-io]` in the root manifest puts it in the original's place. When the original builds its
//! tables lazily, it can go.
//!
//! A value `v` falls into the bucket of its bit length, so bucket 0 holds 0, bucket 1 holds 1, bucket 2 holds 2 and 3, and
//! so on. A percentile is answered as the highest value of its bucket: at most twice too high, never too low.

use std::fmt;
use std::marker::PhantomData;

const BUCKETS: usize = u64::BITS as usize + 1;

/// Counts of values by bit length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram<T = ()> {
    counts: [u64; BUCKETS],
    slot: PhantomData<T>,
}

impl<T> Default for Histogram<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Histogram<T> {
    /// One that has counted nothing.
    pub fn new() -> Self {
        Histogram { counts: [0; BUCKETS], slot: PhantomData }
    }

    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        self.record_n(value, 1);
    }

    /// Counts a value several times.
    pub fn record_n(&mut self, value: u64, count: u64) {
        self.counts[bucket(value)] += count;
    }

    /// Adds another histogram's counts.
    pub fn merge(&mut self, other: &Histogram<T>) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }

    /// How many values were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The value below which a share of all values lies, rounded up to the end of its bucket; 0 if there are none.
    pub fn percentile(&self, share: f64) -> u64 {
        let wanted = (self.total() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bit_length, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return highest(bit_length);
            }
        }
        0
    }

    /// The usual percentiles.
    pub fn percentile_stats(&self) -> PercentileStats {
        PercentileStats {
            samples: self.total(),
            p0_1: self.percentile(0.001),
            p1: self.percentile(0.01),
            p5: self.percentile(0.05),
            p10: self.percentile(0.10),
            p50: self.percentile(0.50),
            p90: self.percentile(0.90),
            p99: self.percentile(0.99),
            p99_9: self.percentile(0.999),
        }
    }
}

fn bucket(value: u64) -> usize {
    (u64::BITS - value.leading_zeros()) as usize
}

fn highest(bit_length: usize) -> u64 {
    u64::MAX.checked_shr(u64::BITS - bit_length as u32).unwrap_or(0)
}

/// The usual percentiles of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PercentileStats {
    /// How many values there are.
    pub samples: u64,
    /// A thousandth lies below.
    pub p0_1: u64,
    /// A hundredth lies below.
    pub p1: u64,
    /// A twentieth lies below.
    pub p5: u64,
    /// A tenth lies below.
    pub p10: u64,
    /// Half lies below.
    pub p50: u64,
    /// Nine tenths lie below.
    pub p90: u64,
    /// Ninety-nine hundredths lie below.
    pub p99: u64,
    /// All but a thousandth lies below.
    pub p99_9: u64,
}

impl fmt::Display for PercentileStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n={} p50={} p90={} p99={} p99.9={}", self.samples, self.p50, self.p90, self.p99, self.p99_9)
    }
}

/// Several histograms, one line each.
#[derive(Debug, Clone, Default)]
pub struct AsciiChart {
    lines: Vec<(String, PercentileStats)>,
}

impl AsciiChart {
    /// One without lines.
    pub fn new() -> AsciiChart {
        AsciiChart::default()
    }

    /// Adds a line.
    #[must_use]
    pub fn add(mut self, name: &str, histogram: Histogram) -> AsciiChart {
        self.lines.push((name.to_owned(), histogram.percentile_stats()));
        self
    }

    /// The lines, to be shown.
    pub fn compact(&self) -> &AsciiChart {
        self
    }

    /// The lines, to be shown.
    pub fn detailed(&self) -> &AsciiChart {
        self
    }
}

impl fmt::Display for AsciiChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|(name, stats)| writeln!(f, "{name}: {stats}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_never_too_low_and_at_most_twice_too_high() {
        let mut histogram = Histogram::<()>::new();
        assert_eq!(histogram.percentile(0.5), 0);
        (0..1000).for_each(|value| histogram.record(value));
        for (share, exact) in [(0.5, 499), (0.9, 899), (0.999, 998)] {
            let found = histogram.percentile(share);
            assert!(found >= exact && found <= 2 * exact + 1, "{share}: {found}");
        }
        histogram.record(u64::MAX);
        assert_eq!(histogram.percentile(1.0), u64::MAX);
    }
}
