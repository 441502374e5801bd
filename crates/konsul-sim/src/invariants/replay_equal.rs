//! I-07 and I-08, StateEqual and ReplayEqual: the same position means the same state, whether it came by one entry after the
//! other, by a snapshot and the log after it, or in an earlier life.
//!
//! Source: state machine replication; etcd's issue 13766 shows what happens without the comparison.

use konsul_state::State;
use konsul_state::hash::Table;

use crate::broken::{Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-08 ReplayEqual";

/// The hashes of a published state are those of the state that follows from the log.
pub fn hashes(at: u64, wanted: &[u64], found: &[u64]) -> Held {
    let differs = Table::ALL.iter().zip(wanted.iter().zip(found)).find(|(_, (a, b))| a != b);
    hold(NAME, differs.is_none(), || {
        format!(
            "at {at} table {} differs from what follows from the log",
            differs.map_or("?", |(table, _)| table.name())
        )
    })
}

/// A whole published state is the one that follows from the log.
pub fn states(wanted: &State, found: &State) -> Held {
    if wanted == found {
        return Ok(());
    }
    // The chunks of a snapshot name everything that a state is made of, in order.
    let (a, b): (Vec<_>, Vec<_>) = (wanted.chunks().collect(), found.chunks().collect());
    let at = a.iter().zip(&b).position(|(a, b)| a != b);
    let (requests, theirs) = (wanted.requests().len(), found.requests().len());
    hold(NAME, false, || {
        format!(
            "at {} the state is not what follows from the log: part {at:?} of {} and {}, requests {requests} and {theirs}",
            found.log_index(),
            a.len(),
            b.len(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_another_hash_and_another_state() {
        assert!(hashes(1, &[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5]).is_ok());
        assert!(hashes(1, &[1, 2, 3, 4, 5], &[1, 2, 0, 4, 5]).is_err());
        let (one, mut other) = (State::new(), State::new());
        assert!(states(&one, &other).is_ok());
        other.advance(1, 1);
        assert!(states(&one, &other).is_err());
    }
}
