//! Linearizability of a register by search, without believing any index: a server that lies in its indexes is seen here.
//!
//! After Wing and Gong, *Testing and Verifying Concurrent Objects* (1993), with Lowe's memory of visited configurations
//! (*Testing for linearizability*, 2017): take any operation that began before the earliest end of those left, apply it if its
//! answer fits, go on, and go back where nothing fits. A configuration is the set of operations taken and the register's
//! value; one that was visited is not visited again. An operation whose outcome is unknown returns at infinity: it may take
//! effect at any time after it began, or never.

use std::collections::BTreeSet;

/// Most operations on one register that are searched.
pub const OPERATIONS_MAX: usize = 400;

/// What was asked of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Its value.
    Get,
    /// To hold a value.
    Put(String),
    /// To hold a value if it holds another one.
    Cas {
        /// What it must hold; `None` for nothing.
        expected: Option<String>,
        /// What it shall hold.
        new: String,
    },
    /// To hold nothing.
    Delete,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// The value.
    Read(Option<String>),
    /// It is done.
    Done,
    /// The condition did not hold.
    Refused,
    /// Nothing: it may have happened, or not.
    Maybe,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// When it began.
    pub began: u64,
    /// When it ended; `u64::MAX` if nobody knows.
    pub ended: u64,
    /// What was asked.
    pub asked: Asked,
    /// What was answered.
    pub answered: Answered,
}

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order that explains every answer.
    Linearizable,
    /// There is none.
    NotLinearizable,
    /// The search was given up: counted, not passed.
    GivenUp,
}

/// Searches for an order. `budget` bounds the configurations that are visited.
pub fn check(operations: &[Operation], budget: usize) -> Verdict {
    let mut operations: Vec<&Operation> = operations.iter().collect();
    operations.sort_by_key(|operation| operation.began);
    if operations.len() > OPERATIONS_MAX {
        return Verdict::GivenUp;
    }
    Search { operations, visited: BTreeSet::new(), budget }.run()
}

type Taken = Vec<u64>;

struct Search<'a> {
    operations: Vec<&'a Operation>,
    visited: BTreeSet<(Taken, Option<&'a str>)>,
    budget: usize,
}

/// One step of the search: what was taken to come here, and where to go on trying.
struct Level<'a> {
    taken: usize,
    before: Option<&'a str>,
}

impl<'a> Search<'a> {
    fn run(mut self) -> Verdict {
        let count = self.operations.len();
        let mut taken = vec![0u64; count.div_ceil(64)];
        let mut value: Option<&'a str> = None;
        let mut path: Vec<Level<'a>> = Vec::new();
        let mut from = 0;
        loop {
            if self.all_known_taken(&taken) {
                return Verdict::Linearizable;
            }
            if self.visited.len() > self.budget {
                return Verdict::GivenUp;
            }
            match self.next(&taken, value, from) {
                Some((at, after)) => {
                    path.push(Level { taken: at, before: value });
                    set(&mut taken, at, true);
                    (value, from) = (after, 0);
                }
                None => {
                    let Some(level) = path.pop() else { return Verdict::NotLinearizable };
                    set(&mut taken, level.taken, false);
                    (value, from) = (level.before, level.taken + 1);
                }
            }
        }
    }

    /// Operations without an answer need not happen.
    fn all_known_taken(&self, taken: &Taken) -> bool {
        let may_miss = |operation: &Operation| operation.answered == Answered::Maybe;
        self.operations.iter().enumerate().all(|(at, operation)| may_miss(operation) || is_set(taken, at))
    }

    /// The next operation from a position on that may come now and leads somewhere new, and the value after it.
    fn next(
        &mut self,
        taken: &Taken,
        value: Option<&'a str>,
        from: usize,
    ) -> Option<(usize, Option<&'a str>)> {
        let left = || (0..self.operations.len()).filter(|at| !is_set(taken, *at));
        let first_end = left().map(|at| self.operations[at].ended).min()?;
        for at in left().filter(|at| *at >= from).collect::<Vec<_>>() {
            let operation = self.operations[at];
            if operation.began > first_end {
                return None;
            }
            let Some(after) = step(operation, value) else { continue };
            let mut then = taken.clone();
            set(&mut then, at, true);
            if self.visited.insert((then, after)) {
                return Some((at, after));
            }
        }
        None
    }
}

/// The value after an operation, if its answer fits the value before it.
fn step<'a>(operation: &'a Operation, value: Option<&'a str>) -> Option<Option<&'a str>> {
    let known = operation.answered != Answered::Maybe;
    match (&operation.asked, &operation.answered) {
        (Asked::Get, Answered::Read(read)) => (read.as_deref() == value).then_some(value),
        (Asked::Get, _) => Some(value),
        (Asked::Put(new), _) => Some(Some(new)),
        (Asked::Delete, _) => Some(None),
        (Asked::Cas { expected, new }, answered) => {
            let fits = expected.as_deref() == value;
            match answered {
                Answered::Refused => (!fits).then_some(value),
                _ if fits => Some(Some(new)),
                _ => (!known).then_some(value),
            }
        }
    }
}

fn is_set(taken: &Taken, at: usize) -> bool {
    taken[at / 64] >> (at % 64) & 1 == 1
}

fn set(taken: &mut Taken, at: usize, on: bool) {
    let bit = 1 << (at % 64);
    if on { taken[at / 64] |= bit } else { taken[at / 64] &= !bit }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: usize = 100_000;

    fn op(began: u64, ended: u64, asked: Asked, answered: Answered) -> Operation {
        Operation { began, ended, asked, answered }
    }

    fn put(began: u64, ended: u64, value: &str) -> Operation {
        op(began, ended, Asked::Put(value.into()), Answered::Done)
    }

    fn get(began: u64, ended: u64, value: Option<&str>) -> Operation {
        op(began, ended, Asked::Get, Answered::Read(value.map(Into::into)))
    }

    fn cas(began: u64, ended: u64, expected: &str, new: &str, answered: Answered) -> Operation {
        op(began, ended, Asked::Cas { expected: Some(expected.into()), new: new.into() }, answered)
    }

    #[test]
    fn good_histories_pass() {
        let overlapping = [put(0, 10, "a"), put(1, 9, "b"), get(2, 3, Some("b")), get(4, 5, Some("a"))];
        assert_eq!(check(&overlapping, BUDGET), Verdict::Linearizable);
        let unknown =
            [put(0, 1, "a"), op(2, u64::MAX, Asked::Put("b".into()), Answered::Maybe), get(8, 9, Some("b"))];
        assert_eq!(check(&unknown, BUDGET), Verdict::Linearizable);
        let never = [put(0, 1, "a"), op(2, u64::MAX, Asked::Delete, Answered::Maybe), get(8, 9, Some("a"))];
        assert_eq!(check(&never, BUDGET), Verdict::Linearizable);
    }

    /// The first seeded violation: a read that does not see an acknowledged write.
    #[test]
    fn a_stale_read_is_caught() {
        let history = [put(0, 1, "a"), put(2, 3, "b"), get(4, 5, Some("a"))];
        assert_eq!(check(&history, BUDGET), Verdict::NotLinearizable);
    }

    /// The second: an acknowledged write that is lost.
    #[test]
    fn a_lost_write_is_caught() {
        let history =
            [put(0, 1, "a"), op(2, 3, Asked::Delete, Answered::Done), put(4, 5, "b"), get(6, 7, None)];
        assert_eq!(check(&history, BUDGET), Verdict::NotLinearizable);
    }

    /// The third: two compare-and-sets on one value that both succeed.
    #[test]
    fn a_condition_that_held_twice_is_caught() {
        let history = [
            put(0, 1, "a"),
            cas(2, 6, "a", "b", Answered::Done),
            cas(3, 5, "a", "c", Answered::Done),
            get(7, 8, Some("c")),
        ];
        assert_eq!(check(&history, BUDGET), Verdict::NotLinearizable);
        let refused = [put(0, 1, "a"), cas(2, 3, "a", "b", Answered::Refused)];
        assert_eq!(check(&refused, BUDGET), Verdict::NotLinearizable);
    }

    #[test]
    fn two_reads_may_not_see_two_orders() {
        let history = [
            put(0, 20, "a"),
            put(0, 20, "b"),
            get(1, 2, Some("a")),
            get(3, 4, Some("b")),
            get(5, 6, Some("a")),
        ];
        assert_eq!(check(&history, BUDGET), Verdict::NotLinearizable);
    }

    #[test]
    fn too_much_is_given_up_and_not_passed() {
        let long: Vec<_> = (0..=OPERATIONS_MAX as u64).map(|n| put(n, n, "x")).collect();
        assert_eq!(check(&long, BUDGET), Verdict::GivenUp);
        let wide: Vec<_> =
            (0..40).map(|n| put(0, 100, &n.to_string())).chain([get(101, 102, Some("none"))]).collect();
        assert_eq!(check(&wide, 500), Verdict::GivenUp);
    }
}
