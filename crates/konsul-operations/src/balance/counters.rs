//! Turns, counted for each service by whoever answers for it.

use std::collections::BTreeMap;

/// How many services [`Counters::default`] counts for.
pub const COUNTED_MAX: usize = 100_000;

/// The next turn of each of a bounded number of services. The caller puts it behind its own lock.
///
/// When one service too many is asked for, all are forgotten and counted anew. That costs each rotation one uneven step and
/// no memory of who was asked for when.
#[derive(Debug)]
pub struct Counters {
    turns: BTreeMap<String, u64>,
    counted_max: usize,
}

impl Default for Counters {
    fn default() -> Self {
        Counters::new(COUNTED_MAX)
    }
}

impl Counters {
    /// For at most so many services, at least one.
    pub fn new(counted_max: usize) -> Counters {
        Counters { turns: BTreeMap::new(), counted_max: counted_max.max(1) }
    }

    /// The turn of a service, which the next call for it will be one above. Wraps at the largest number.
    pub fn next(&mut self, service: &str) -> u64 {
        if let Some(turn) = self.turns.get_mut(service) {
            *turn = turn.wrapping_add(1);
            return *turn;
        }
        if self.turns.len() >= self.counted_max {
            self.turns.clear();
        }
        self.turns.insert(service.to_owned(), 0);
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_turns_and_memory_is_bounded() {
        let mut counters = Counters::new(2);
        let turns = ["a", "b", "a", "b", "a"].map(|service| counters.next(service));
        assert_eq!(turns, [0, 0, 1, 1, 2]);
        assert_eq!((counters.next("c"), counters.turns.len()), (0, 1));
        assert_eq!(counters.next("a"), 0);
    }
}
