//! I-35 RestoreAtomic: a reader sees the old state or the new one. Whoever is answered by a state at or after a restore is told
//! an index at or after it.
//!
//! Source: consul pull request 2675 (watchers wake, and a failed restore leaves the old state). That content is the old or the
//! new one is seen in the replay of every answer through the model.

use konsul_types::{Change, Index};

use crate::broken::{Held, hold};
use crate::check::Log;
use crate::history::Read;

/// The invariant's name.
pub const NAME: &str = "I-35 RestoreAtomic";

/// All reads.
pub fn held(reads: &[Read], log: &Log) -> Held {
    let is_restore = |changes: &konsul_types::ChangeSet| changes.changes.contains(&Change::Reset);
    let restores: Vec<u64> = log
        .iter()
        .filter(|(_, e)| e.changes.as_ref().is_some_and(is_restore))
        .map(|(index, _)| *index)
        .collect();
    for read in reads.iter().filter(|read| read.query.is_indexed()) {
        let last = restores.iter().rev().find(|index| **index <= read.state.0).copied().unwrap_or(0);
        hold(NAME, read.reported >= Index(last), || format!("a restore took effect at {last}: {read:?}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::{any, entry, read};
    use super::*;
    use crate::history::Content;

    #[test]
    fn fires_on_an_index_from_before_the_restore() {
        let mut log = Log::new();
        entry(&mut log, 5, 1, any(), vec![Change::Reset]);
        let at = |state, reported| [read(0, 1, state, reported, Content::Record(None))];
        assert!(held(&at(4, 3), &log).is_ok() && held(&at(6, 5), &log).is_ok());
        assert!(held(&at(5, 4), &log).is_err());
    }
}
