//! What the HTTP edge served.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use konsul_http::Observer;
use konsul_operations::catalogue::OPERATIONS;

/// Upper bounds of the histogram's buckets, in seconds. The last one is without bound.
pub(crate) const BUCKETS: [f64; 17] = [
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    f64::INFINITY,
];

/// Status classes, by the status' first digit less one.
pub(crate) const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What does not reach an operation.
const OTHER: &str = "other";

/// What one operation did since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Served {
    pub(crate) by_class: [u64; 5],
    pub(crate) buckets: [u64; BUCKETS.len()],
    /// Seconds, and their squares for the deviation.
    pub(crate) sum: f64,
    pub(crate) squares: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) bytes: u64,
}

impl Served {
    pub(crate) fn count(&self) -> u64 {
        self.by_class.iter().sum()
    }

    fn add(&mut self, status: u16, seconds: f64, bytes: usize) {
        let first = self.count() == 0;
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.by_class[class] += 1;
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len() - 1);
        self.buckets[bucket] += 1;
        self.sum += seconds;
        self.squares += seconds * seconds;
        self.min = if first { seconds } else { self.min.min(seconds) };
        self.max = self.max.max(seconds);
        self.bytes += bytes as u64;
    }
}

/// Counts every answer. The operations are known from the start, so that counting takes one lookup and one short lock
/// that only answers of the same operation share.
#[derive(Debug)]
pub(crate) struct Requests {
    by_operation: HashMap<&'static str, Mutex<Served>>,
}

impl Requests {
    pub(crate) fn new() -> Requests {
        let ids = OPERATIONS.iter().map(|operation| operation.id).chain([OTHER]);
        Requests { by_operation: ids.map(|id| (id, Mutex::default())).collect() }
    }

    fn lock(served: &Mutex<Served>) -> MutexGuard<'_, Served> {
        served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each operation that was asked for did, by id.
    pub(crate) fn read(&self) -> Vec<(&'static str, Served)> {
        let all = self.by_operation.iter().map(|(id, served)| (*id, *Requests::lock(served)));
        let mut asked: Vec<_> = all.filter(|(_, served)| served.count() > 0).collect();
        asked.sort_unstable_by_key(|(id, _)| *id);
        asked
    }
}

impl Observer for Requests {
    fn observe(&self, operation: &'static str, status: u16, took: Duration, bytes: usize) {
        let served = self.by_operation.get(operation).or_else(|| self.by_operation.get(OTHER));
        if let Some(served) = served {
            Requests::lock(served).add(status, took.as_secs_f64(), bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_once_in_everything() {
        let requests = Requests::new();
        requests.observe("kv_get", 200, Duration::from_millis(3), 10);
        requests.observe("kv_get", 404, Duration::from_millis(1), 0);
        requests.observe("no such operation", 599, Duration::from_secs(100), 1);
        let read = requests.read();
        let names: Vec<_> = read.iter().map(|(id, _)| *id).collect();
        assert_eq!(names, ["kv_get", "other"]);
        let (get, other) = (read[0].1, read[1].1);
        assert_eq!((get.by_class, get.bytes, get.count()), ([0, 1, 0, 1, 0], 10, 2));
        assert_eq!((get.min, get.max), (0.001, 0.003));
        assert_eq!((get.buckets[3], get.buckets[5]), (1, 1));
        assert_eq!(other.buckets[BUCKETS.len() - 1], 1);
    }
}
