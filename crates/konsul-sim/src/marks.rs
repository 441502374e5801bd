//! What happened in a run. A run in which nothing went wrong proves little, so marks are counted and a batch of seeds must
//! have hit each of them.

use std::collections::BTreeMap;

/// Counts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<&'static str, u64>);

/// What a batch of seeds must have hit, each at least once.
pub const REQUIRED: [&str; 19] = [
    "crash",
    "torn tail",
    "lost entry",
    "killed in recovery",
    "failed sync",
    "full disk",
    "bit flip refused",
    "clock jump",
    "pause",
    "snapshot",
    "feed reset",
    "session expiry",
    "key expiry",
    "retried request",
    "request expired",
    "restore",
    "session ended by a check",
    "instance gone",
    "equal registration",
];

impl Marks {
    /// Counts one.
    pub fn hit(&mut self, mark: &'static str) {
        self.add(mark, 1);
    }

    /// Counts several.
    pub fn add(&mut self, mark: &'static str, count: u64) {
        *self.0.entry(mark).or_default() += count;
    }

    /// How often a mark was hit.
    pub fn count(&self, mark: &str) -> u64 {
        self.0.get(mark).copied().unwrap_or(0)
    }

    /// Every mark with its count, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(mark, count)| (*mark, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_count() {
        let mut marks = Marks::default();
        marks.hit("crash");
        marks.add("crash", 2);
        marks.add("pause", 0);
        assert_eq!((marks.count("crash"), marks.count("restore")), (3, 0));
        assert_eq!(marks.iter().collect::<Vec<_>>(), [("crash", 3), ("pause", 0)]);
    }
}
