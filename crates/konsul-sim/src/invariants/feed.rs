//! I-18 to I-22, the feed: ordered, unique, gapless, atomic, resumable.
//!
//! Source: the guarantees of etcd's watch (ordered, unique, atomic, reliable, resumable, bookmarkable, filtered), as its
//! robustness tests name them.

use konsul_types::{Change, Index};
use konsul_watch::Topic;

use crate::broken::{Broken, Held, hold};
use crate::check::Log;
use crate::history::{Seen, Stretch};

/// I-18.
pub const ORDERED: &str = "I-18 FeedOrdered";
/// I-19.
pub const UNIQUE: &str = "I-19 FeedUnique";
/// I-20.
pub const GAPLESS: &str = "I-20 FeedGapless";
/// I-21.
pub const ATOMIC: &str = "I-21 FeedAtomic";
/// I-22.
pub const RESUMABLE: &str = "I-22 FeedResumable";

/// One stretch of a subscription, from where the one before it said that it could be resumed.
pub fn held(stretch: &Stretch, log: &Log) -> Held {
    let mut at = stretch.after;
    let mut told = None;
    for seen in &stretch.seen {
        at = match seen {
            Seen::Batch(index, changes) => {
                hold(UNIQUE, told != Some(*index), || {
                    format!("{index} was delivered twice to {:?}", stretch.topic)
                })?;
                hold(ORDERED, *index > at, || {
                    format!("{index} was delivered after {at} to {:?}", stretch.topic)
                })?;
                gapless(stretch, log, at, Index(index.0 - 1))?;
                atomic(stretch, log, *index, changes)?;
                told = Some(*index);
                *index
            }
            // Begun anew at a snapshot: nothing between is owed.
            Seen::Reset { resume, snapshot } => at.max(*resume).max(*snapshot),
            Seen::Bookmark(index) => {
                gapless(stretch, log, at, *index)?;
                at.max(*index)
            }
        };
    }
    hold(RESUMABLE, stretch.position >= at, || {
        format!(
            "a subscriber of {:?} that knows {at} is told to resume at {}",
            stretch.topic, stretch.position
        )
    })?;
    gapless(stretch, log, at, stretch.position).map_err(|broken| {
        Broken::new(RESUMABLE, format!("resuming at {} would lose: {}", stretch.position, broken.what))
    })
}

/// Nothing of the topic lies in `(after, upto]`.
fn gapless(stretch: &Stretch, log: &Log, after: Index, upto: Index) -> Held {
    if after >= upto {
        return Ok(());
    }
    let missed = log
        .range(after.0 + 1..=upto.0)
        .find(|(_, entry)| entry.changes.as_ref().is_some_and(|set| stretch.topic.concerns_set(set)));
    hold(GAPLESS, missed.is_none(), || {
        format!("between {after} and {upto} a subscriber of {:?} was not told of {missed:?}", stretch.topic)
    })
}

fn atomic(stretch: &Stretch, log: &Log, index: Index, changes: &[Change]) -> Held {
    let set = log.get(&index.0).and_then(|entry| entry.changes.as_ref());
    let wanted = set.map(|set| concerning(&stretch.topic, &set.changes)).unwrap_or_default();
    hold(ATOMIC, wanted.iter().copied().eq(changes), || {
        format!("{index} was delivered to {:?} as {changes:?}, it changed {wanted:?}", stretch.topic)
    })
}

fn concerning<'a>(topic: &Topic, changes: &'a [Change]) -> Vec<&'a Change> {
    changes.iter().filter(|change| topic.concerns(change)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fabricated::{any, entry, kv, ns, record};
    use super::*;

    fn log() -> Log {
        let mut log = Log::new();
        for index in [3, 5, 7] {
            let change = |name| kv(name, None, Some(record(index, "v", None)));
            entry(&mut log, index, index, any(), vec![change("a"), change("b")]);
        }
        log
    }

    fn batch(log: &Log, index: u64) -> Seen {
        Seen::Batch(Index(index), log[&index].changes.as_ref().unwrap().changes.clone())
    }

    fn broken_by(seen: Vec<Seen>, position: u64) -> Option<&'static str> {
        let topic = Topic::Namespace(ns());
        let stretch = Stretch { topic, after: Index(2), seen, position: Index(position), subscriber: 1 };
        held(&stretch, &log()).err().map(|broken| broken.invariant)
    }

    #[test]
    fn each_of_them_fires() {
        let log = log();
        let all = || vec![batch(&log, 3), batch(&log, 5), batch(&log, 7)];
        assert_eq!(broken_by(all(), 7), None);
        assert_eq!(broken_by(vec![batch(&log, 3), Seen::Bookmark(Index(4))], 4), None);
        assert_eq!(
            broken_by(vec![Seen::Reset { resume: Index(5), snapshot: Index(6) }, batch(&log, 7)], 9),
            None
        );
        assert_eq!(broken_by(vec![batch(&log, 3), batch(&log, 3)], 3), Some(UNIQUE));
        assert_eq!(broken_by(vec![batch(&log, 3), batch(&log, 5), batch(&log, 3)], 5), Some(ORDERED));
        assert_eq!(broken_by(vec![batch(&log, 3), batch(&log, 7)], 7), Some(GAPLESS));
        assert_eq!(broken_by(vec![batch(&log, 3), Seen::Bookmark(Index(5))], 5), Some(GAPLESS));
        let half = log[&3].changes.as_ref().unwrap().changes[..1].to_vec();
        assert_eq!(broken_by(vec![Seen::Batch(Index(3), half)], 3), Some(ATOMIC));
        assert_eq!(broken_by(vec![batch(&log, 3)], 2), Some(RESUMABLE));
        assert_eq!(broken_by(vec![batch(&log, 3)], 6), Some(RESUMABLE));
    }
}
