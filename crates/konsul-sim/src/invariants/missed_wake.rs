//! I-17 NoMissedWake: a reader that waits is answered when what it waits for changes, not when its patience ends.
//!
//! Source: consul issue 2814 (a blocking query did not return although the service had changed).

use std::sync::Arc;

use konsul_watch::Topic;

use crate::broken::{Held, hold};
use crate::check::Log;
use crate::history::{Query, Read};

/// The invariant's name.
pub const NAME: &str = "I-17 NoMissedWake";

/// A wake-up may take this long, in nanoseconds of virtual time: the time of a round that confirms the lease.
const PROMPT: u64 = 350_000_000;

/// All reads that waited to the end of their patience.
pub fn held(reads: &[Read], log: &Log) -> Held {
    reads.iter().try_for_each(|read| was_prompt(read, log))
}

fn was_prompt(read: &Read, log: &Log) -> Held {
    // The index of an event list is a hash: what it waits for is another newest event, which a restore can take back.
    let Some(waited) = read.waited.filter(|_| read.query != Query::Events) else { return Ok(()) };
    if read.ended_at < waited.deadline || read.state <= waited.index {
        return Ok(());
    }
    let topic = topic(&read.query);
    let news = log
        .range(waited.index.0 + 1..=read.state.0)
        .find(|(_, entry)| entry.changes.as_ref().is_some_and(|set| topic.concerns_set(set)));
    let missed = news.filter(|(_, entry)| entry.seen_at.max(read.began_at) + PROMPT < waited.deadline);
    hold(NAME, missed.is_none(), || format!("{read:?} slept over {missed:?}"))
}

fn topic(query: &Query) -> Topic {
    match query {
        Query::Get(namespace, key) => Topic::Key(namespace.clone(), key.clone()),
        Query::List(namespace, prefix) | Query::Keys(namespace, prefix, _) => {
            Topic::Prefix(namespace.clone(), Arc::from(prefix.as_str()))
        }
        Query::Session(namespace, _) | Query::Sessions(namespace) => Topic::Sessions(namespace.clone()),
        Query::Events => Topic::Events,
    }
}

#[cfg(test)]
mod tests {
    use konsul_types::Index;

    use super::super::fabricated::{any, entry, kv, read, record};
    use super::*;
    use crate::history::{Content, Waited};

    #[test]
    fn fires_on_a_reader_that_slept_over_a_change() {
        let mut log = Log::new();
        entry(&mut log, 7, 100, any(), vec![kv("k", None, Some(record(7, "v", None)))]);
        let at = |ended, deadline: u64| {
            let waited = Some(Waited { index: Index(5), deadline: deadline * 1_000_000 });
            Read { waited, ..read(10, ended, 9, 7, Content::Record(None)) }
        };
        assert!(was_prompt(&at(101, 2_000), &log).is_ok());
        assert!(was_prompt(&at(200, 200), &log).is_ok());
        assert!(was_prompt(&at(2_000, 2_000), &log).is_err());
    }
}
