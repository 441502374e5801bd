//! Blocking reads: the index that a client carries from one to the next.

use std::time::Duration;

use crate::options::{Meta, ReadOptions};

/// What an answer to a blocking read means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The index moved: the value may be new.
    Changed,
    /// The wait ended with the index where it was.
    Unchanged,
    /// The index went backwards, as after a restore: forget what you know, the next read answers at once.
    Reset,
}

/// The index between two blocking reads of the same question.
#[derive(Debug, Clone)]
pub struct Watch {
    index: u64,
    wait: Duration,
}

impl Watch {
    /// A watch whose reads wait for at most `wait` each. The first one answers at once.
    pub fn new(wait: Duration) -> Watch {
        Watch { index: 0, wait }
    }

    /// The index known so far; zero before the first answer and after a reset.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Options for the next read.
    pub fn options(&self, base: &ReadOptions) -> ReadOptions {
        base.clone().wait_for(self.index, self.wait)
    }

    /// Takes an answer's index. Zero counts as one, since a read at index zero never waits and a loop of them would not
    /// rest.
    pub fn advance(&mut self, meta: Meta) -> Step {
        let next = meta.index.max(1);
        let step = match next.cmp(&self.index) {
            std::cmp::Ordering::Greater => Step::Changed,
            std::cmp::Ordering::Equal => Step::Unchanged,
            std::cmp::Ordering::Less => Step::Reset,
        };
        self.index = if step == Step::Reset { 0 } else { next };
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_went_backwards_starts_over() {
        let mut watch = Watch::new(Duration::from_secs(1));
        let at = |index| Meta { index, ..Meta::default() };
        assert_eq!(watch.options(&ReadOptions::default()).index, 0);
        assert_eq!(watch.advance(at(0)), Step::Changed);
        assert_eq!(watch.index(), 1);
        assert_eq!(watch.advance(at(7)), Step::Changed);
        assert_eq!(watch.advance(at(7)), Step::Unchanged);
        assert_eq!(watch.options(&ReadOptions::default()).index, 7);
        assert_eq!(watch.advance(at(3)), Step::Reset);
        assert_eq!(watch.options(&ReadOptions::default()).index, 0);
    }
}
