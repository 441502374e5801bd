//! I-14 IndexMonotonic: the index of one query never decreases from one answer to a later one, over removals and restarts, and
//! is never zero.
//!
//! Source: Consul's documentation of blocking queries (an index that goes back resets its client); consul pull request 5358.

use std::collections::BTreeMap;

use konsul_types::Index;

use crate::broken::{Held, hold};
use crate::history::{Query, Read};

/// The invariant's name.
pub const NAME: &str = "I-14 IndexMonotonic";

/// All reads. An event list's index is a hash, and means nothing but itself.
pub fn held(reads: &[Read]) -> Held {
    let mut by_query: BTreeMap<&Query, Vec<&Read>> = BTreeMap::new();
    for read in reads.iter().filter(|read| read.query.is_indexed()) {
        hold(NAME, read.reported > Index::ZERO, || format!("an index of zero was reported: {read:?}"))?;
        if read.linearizable {
            by_query.entry(&read.query).or_default().push(read);
        }
    }
    by_query.values().try_for_each(|reads| rising(reads))
}

fn rising(reads: &[&Read]) -> Held {
    let mut ends: BTreeMap<u64, Index> = reads.iter().map(|read| (read.ended, read.reported)).collect();
    let mut highest = Index::ZERO;
    for reported in ends.values_mut() {
        highest = highest.max(*reported);
        *reported = highest;
    }
    reads.iter().try_for_each(|read| {
        let before = ends.range(..read.began).next_back().map_or(Index::ZERO, |(_, index)| *index);
        hold(NAME, read.reported >= before, || {
            format!("{} is reported after {before}: {read:?}", read.reported)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::read;
    use super::*;
    use crate::history::Content;

    #[test]
    fn fires_on_an_index_that_goes_back_and_on_zero() {
        let at = |began, ended, reported| read(began, ended, 9, reported, Content::Record(None));
        assert!(held(&[at(0, 1, 5), at(2, 3, 5), at(4, 5, 7)]).is_ok());
        assert!(held(&[at(0, 1, 5), at(2, 3, 4)]).is_err());
        assert!(held(&[at(0, 3, 5), at(2, 4, 4)]).is_ok());
        assert!(held(&[at(0, 1, 0)]).is_err());
    }
}
