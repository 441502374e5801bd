//! I-36 SpaceBound: memory and disk stay within what the bounds allow.
//!
//! Source: Konsul's limits: at most two snapshots (and one being written), the log since the older of them, and two segments
//! of slack at each end; the feed's history by number and bytes. Consul's raft file never shrank (its pull request 15890).
//! Between the installation of a snapshot and the purge that follows it, the log still begins at the snapshot before the older
//! one; a crash between the two makes that last until the next snapshot.

use std::collections::BTreeMap;

use konsul_storage::contract::Entry;
use konsul_watch::{FeedLimits, FeedStats};

use crate::broken::{Held, hold};

/// The invariant's name.
pub const NAME: &str = "I-36 SpaceBound";

/// A frame's header and record take no more than this beside the payload.
const PER_ENTRY: u64 = 96;

/// Bytes of log that may be kept because it was not purged further yet.
pub fn needed(entries: &BTreeMap<u64, Entry>, purged: u64) -> u64 {
    entries.range(purged + 1..).map(|(_, entry)| entry.payload.len() as u64 + PER_ENTRY).sum()
}

/// The files of a data directory.
pub fn disk(sizes: &[(String, u64)], needed: u64, segment_bytes: u64) -> Held {
    let of = |part: &'static str| sizes.iter().filter(move |(name, _)| name.contains(part));
    let snapshots = of("snap").count();
    hold(NAME, snapshots <= 3, || format!("there are {snapshots} snapshot files: {sizes:?}"))?;
    let log: u64 = sizes.iter().filter(|(name, _)| !name.contains("snap")).map(|(_, len)| len).sum();
    // Groups that are larger than a segment, and the ends of segments that a group did not fit into, at most double it.
    let most = 2 * needed + 6 * segment_bytes;
    hold(NAME, log <= most, || format!("the log takes {log} bytes, at most {most} are needed: {sizes:?}"))
}

/// The feed's history.
pub fn feed(stats: &FeedStats, limits: &FeedLimits) -> Held {
    let fits = stats.history_entries <= limits.entries && stats.history_bytes <= limits.bytes;
    hold(NAME, fits && stats.parked <= limits.parked && stats.subscribers <= limits.subscribers, || {
        format!("the feed holds {stats:?}, its bounds are {limits:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_on_too_many_snapshots_and_too_much_log() {
        let files =
            |names: &[(&str, u64)]| names.iter().map(|(n, l)| ((*n).to_owned(), *l)).collect::<Vec<_>>();
        assert!(disk(&files(&[("a.snap", 9), ("b.snap", 9), ("1.log", 4096)]), 0, 4096).is_ok());
        assert!(
            disk(&files(&[("a.snap", 9), ("b.snap", 9), ("c.snap", 9), ("d.snap", 9)]), 0, 4096).is_err()
        );
        assert!(disk(&files(&[("1.log", 7 * 4096)]), 0, 4096).is_err());
    }

    #[test]
    fn fires_on_a_history_over_its_bound() {
        let feed_now = konsul_watch::Feed::new(FeedLimits::default());
        assert!(feed(&feed_now.stats(), feed_now.limits()).is_ok());
        let over = FeedStats { history_entries: feed_now.limits().entries + 1, ..feed_now.stats() };
        assert!(feed(&over, feed_now.limits()).is_err());
    }
}
