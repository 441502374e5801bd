//! Real time: what returned before another began comes before it in the log, and a linearizable read sees every index that was
//! acknowledged before it began.
//!
//! Source: Herlihy and Wing, *Linearizability* (1990).

use std::collections::BTreeMap;

use crate::broken::{Held, hold};
use crate::history::{Ending, Journals};

/// The invariant's name.
pub const NAME: &str = "RealTime";

/// What ended when at which index.
#[derive(Debug, Default)]
struct Known {
    ended: BTreeMap<u64, u64>,
}

/// One operation with its place.
#[derive(Debug, Clone, Copy)]
struct Placed {
    began: u64,
    ended: u64,
    index: u64,
    write: bool,
}

/// All writes and linearizable reads.
pub fn held(journals: &Journals) -> Held {
    let writes = journals.proposals.iter().filter_map(|proposed| match &proposed.ending {
        Ending::At(index, _) => {
            Some(Placed { began: proposed.began, ended: proposed.ended, index: index.0, write: true })
        }
        _ => None,
    });
    let reads = journals.reads.iter().filter(|read| read.linearizable);
    let reads =
        reads.map(|read| Placed { began: read.began, ended: read.ended, index: read.state.0, write: false });
    in_order(&writes.chain(reads).collect::<Vec<_>>())
}

fn in_order(placed: &[Placed]) -> Held {
    let known = Known::of(placed);
    placed.iter().try_for_each(|operation| {
        let before = known.highest_before(operation.began);
        let fits = if operation.write { operation.index > before } else { operation.index >= before };
        hold(NAME, fits, || format!("{operation:?} began after something at {before} had returned"))
    })
}

impl Known {
    /// The highest index that had returned by each end.
    fn of(placed: &[Placed]) -> Known {
        let mut ended: BTreeMap<u64, u64> = placed.iter().map(|op| (op.ended, op.index)).collect();
        let mut highest = 0;
        ended.values_mut().for_each(|index| {
            highest = highest.max(*index);
            *index = highest;
        });
        Known { ended }
    }

    fn highest_before(&self, began: u64) -> u64 {
        self.ended.range(..began).next_back().map_or(0, |(_, index)| *index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_a_stale_read_and_on_writes_out_of_order() {
        let op = |began, ended, index, write| Placed { began, ended, index, write };
        assert!(in_order(&[op(0, 1, 5, true), op(2, 3, 5, false), op(4, 5, 6, true)]).is_ok());
        assert!(in_order(&[op(0, 1, 5, true), op(2, 3, 4, false)]).is_err());
        assert!(in_order(&[op(0, 1, 5, true), op(2, 3, 5, true)]).is_err());
        assert!(in_order(&[op(0, 3, 5, true), op(2, 4, 4, false)]).is_ok());
    }
}
