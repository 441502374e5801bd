//! I-09 Order: purged ≤ snapshot ≤ applied ≤ committed ≤ last, in what a node says of itself and on its disk.
//!
//! Source: Raft paper, section 7 (a log may be cut only up to what a snapshot covers) and figure 2.

use konsul_raft::contract::{Role, Status};
use konsul_storage::contract::Storage;

use crate::broken::{Broken, Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-09 Order";

/// A status in order. A stopped node says nothing.
pub fn status(status: &Status) -> Held {
    if status.role == Role::Stopped {
        return Ok(());
    }
    let steps = [status.purged, status.snapshot, status.applied.index, status.committed, status.last_log];
    hold(NAME, steps.is_sorted(), || format!("purged, snapshot, applied, committed, last are {steps:?}"))
}

/// What a restarted engine no longer has is covered by the snapshot that it hands out.
pub fn purged_is_covered(purged: u64, storage: &dyn Storage) -> Held {
    let newest = storage
        .latest_snapshot()
        .map_err(|error| Broken::new(NAME, format!("no snapshot to begin from: {error}")))?;
    let covered = newest.map_or(0, |(meta, _)| meta.last.index);
    hold(NAME, purged <= covered, || {
        format!("the log is purged up to {purged}, but the snapshot ends at {covered}")
    })
}

#[cfg(test)]
mod tests {
    use konsul_storage::MemoryStorage;
    use konsul_storage::contract::{LogId, StorageUsage};

    use super::*;

    fn at(purged: u64, snapshot: u64, applied: u64, committed: u64, last_log: u64) -> Status {
        Status {
            node_id: 1,
            role: Role::Leader,
            term: 1,
            leader: Some(1),
            last_log,
            committed,
            applied: LogId { term: 1, index: applied },
            snapshot,
            purged,
            voters: vec![1],
            learners: vec![],
            stopped: None,
            storage: StorageUsage::default(),
        }
    }

    #[test]
    fn fires_on_each_pair_out_of_order() {
        assert!(status(&at(1, 2, 3, 4, 5)).is_ok());
        for wrong in [at(3, 2, 3, 4, 5), at(1, 4, 3, 4, 5), at(1, 2, 5, 4, 5), at(1, 2, 3, 6, 5)] {
            assert!(status(&wrong).is_err(), "{wrong:?}");
        }
        assert!(purged_is_covered(0, &MemoryStorage::new()).is_ok());
        assert!(purged_is_covered(1, &MemoryStorage::new()).is_err());
    }
}
