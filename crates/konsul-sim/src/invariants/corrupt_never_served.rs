//! I-37 CorruptNeverServed: a byte that changed at rest is healed, refused or reported, never handed out.
//!
//! Source: the rule of "torn or rotten" of Konsul's storage, after *Protocol-Aware Recovery* (FAST 2018).

use std::collections::BTreeMap;

use konsul_storage::contract::Entry;

use crate::broken::{Broken, Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-37 CorruptNeverServed";

/// Each entry that was read is the one that was written at its index.
pub fn same_entries(found: &[Entry], written: &BTreeMap<u64, Entry>) -> Held {
    found.iter().try_for_each(|entry| {
        let asked = written.get(&entry.id.index);
        hold(NAME, asked == Some(entry), || {
            format!("at {} the log holds {entry:?}; written was {asked:?}", entry.id)
        })
    })
}

/// A whole log: nothing else, and nothing missing between its bounds.
pub fn same_log(purged: u64, last: u64, found: &[Entry], written: &BTreeMap<u64, Entry>) -> Held {
    let indexes = found.iter().map(|entry| entry.id.index);
    hold(NAME, indexes.eq(purged + 1..last + 1), || {
        format!("a log from {purged} to {last} holds {} entries, with a hole or out of order", found.len())
    })?;
    same_entries(found, written)
}

/// A snapshot's chunk (`None`: its end) is the one that was written there.
pub fn same_chunk(id: &str, at: usize, sum: Option<u32>, written: Option<&Vec<u32>>) -> Held {
    let Some(written) = written else {
        return Err(Broken::new(NAME, format!("snapshot {id} is handed out, and nobody wrote it")));
    };
    hold(NAME, written.get(at).copied() == sum, || {
        format!("chunk {at} of snapshot {id} has checksum {sum:?}; written was {:?}", written.get(at))
    })
}

#[cfg(test)]
mod tests {
    use konsul_storage::contract::{EntryKind, LogId};

    use super::*;

    fn entry(index: u64, byte: u8) -> Entry {
        Entry { id: LogId { term: 1, index }, kind: EntryKind::Command, payload: vec![byte].into() }
    }

    #[test]
    fn fires_on_other_bytes_holes_and_strange_snapshots() {
        let written: BTreeMap<_, _> = (1..=3).map(|i| (i, entry(i, 7))).collect();
        assert!(same_log(0, 3, &[entry(1, 7), entry(2, 7), entry(3, 7)], &written).is_ok());
        assert!(same_log(0, 3, &[entry(1, 7), entry(2, 8), entry(3, 7)], &written).is_err());
        assert!(same_log(0, 3, &[entry(1, 7), entry(3, 7)], &written).is_err());
        let sums = vec![1, 2];
        assert!(same_chunk("a", 1, Some(2), Some(&sums)).is_ok());
        assert!(same_chunk("a", 2, None, Some(&sums)).is_ok());
        assert!(same_chunk("a", 1, Some(3), Some(&sums)).is_err());
        assert!(same_chunk("a", 1, None, Some(&sums)).is_err());
        assert!(same_chunk("b", 0, Some(1), None).is_err());
    }
}
