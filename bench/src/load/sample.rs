//! What a run measured.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Latencies in nanoseconds; one above four seconds counts as four seconds.
#[derive(Debug, Default)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    /// Room for `expected` of them, so that growing does not disturb the run.
    pub fn with_capacity(expected: usize) -> Latencies {
        Latencies(Vec::with_capacity(expected))
    }

    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        self.0.push(u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX));
    }

    /// Adds all of another set.
    pub fn append(&mut self, mut others: Latencies) {
        self.0.append(&mut others.0);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest that at least `share` of them do not exceed, in microseconds; zero when there are none.
    pub fn percentile_us(&mut self, share: f64) -> f64 {
        if self.0.is_empty() {
            return 0.0;
        }
        self.0.sort_unstable();
        let rank = (share * self.0.len() as f64).ceil() as usize;
        f64::from(self.0[rank.clamp(1, self.0.len()) - 1]) / 1000.0
    }
}

/// One run of one load against one server. The Go client of etcd prints the same fields.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Sample {
    /// Answers in the measured time, all of them right.
    pub requests: u64,
    /// The measured time.
    pub seconds: f64,
    /// Half of the answers took at most so long, in microseconds.
    pub p50_us: f64,
    /// All but one in a hundred took at most so long, in microseconds.
    pub p99_us: f64,
    /// The longest, in microseconds.
    pub max_us: f64,
    /// The server's processor time in the measured time.
    pub server_cpu_seconds: f64,
    /// The share of its core that the generator used: near 1 it is the generator that was measured.
    pub generator_busy: f64,
}

impl Sample {
    /// Answers in a second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// The server's processor time for an answer, in microseconds.
    pub fn cpu_us(&self) -> f64 {
        self.server_cpu_seconds * 1e6 / self.requests.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_members_of_the_set() {
        let mut latencies = Latencies::default();
        for ms in (1..=100).rev() {
            latencies.add(Duration::from_millis(ms));
        }
        assert_eq!(latencies.percentile_us(0.5), 50_000.0);
        assert_eq!(latencies.percentile_us(0.99), 99_000.0);
        assert_eq!(latencies.percentile_us(1.0), 100_000.0);
        assert_eq!(Latencies::default().percentile_us(0.5), 0.0);
        let mut both = Latencies::default();
        both.add(Duration::from_secs(1));
        both.append(latencies);
        assert_eq!((both.count(), both.percentile_us(1.0)), (101, 1_000_000.0));
    }
}
