//! I-16 NoSpuriousWake: a reader that wakes before its time is told of a change of what it waits for.
//!
//! Source: consul issue 3890 (a watch on one service woke for any churn).

use konsul_types::Index;

use crate::broken::{Held, hold};
use crate::check::Log;
use crate::history::{Journals, Query, Read, Woken};
use crate::model::Model;

/// The invariant's name.
pub const NAME: &str = "I-16 NoSpuriousWake";

/// Blocking reads and parked readers.
pub fn held(journals: &Journals, log: &Log) -> Held {
    journals.reads.iter().try_for_each(answered)?;
    journals.woken.iter().try_for_each(|woken| was_told(woken, log))
}

/// An answer that came early is newer than what its reader knew.
fn answered(read: &Read) -> Held {
    let Some(waited) = read.waited.filter(|waited| waited.index > Index::ZERO) else { return Ok(()) };
    let early = read.ended_at < waited.deadline && read.query.is_indexed();
    hold(NAME, !early || read.reported > waited.index, || format!("woken for nothing: {read:?}"))
}

/// A reader of a service that has instances was woken by news of just that service; one of passing instances by news that
/// matter to it. By the model's memory, which knows nothing of topics.
pub fn of_service(read: &Read, model: &Model) -> Held {
    let Query::Health(namespace, name, passing) = &read.query else { return Ok(()) };
    let Some(waited) = read.waited.filter(|waited| waited.index > Index::ZERO) else { return Ok(()) };
    let news = model.service_news(namespace, name, *passing).max(model.restored_at);
    let early = read.ended_at < waited.deadline && model.has_instances(namespace, name);
    hold(NAME, !early || news > waited.index, || {
        format!("what is told of {name} last changed at {news}; woken for nothing: {read:?}")
    })
}

/// The entry that a parked reader was told of changed something of its topic, and is news to it.
fn was_told(woken: &Woken, log: &Log) -> Held {
    let set = log.get(&woken.by.0).and_then(|entry| entry.changes.as_ref());
    let concerned = set.is_some_and(|set| woken.topic.concerns_set(set));
    hold(NAME, concerned && woken.by > woken.knew, || format!("{woken:?}, which changed {set:?}"))
}

#[cfg(test)]
mod tests {
    use konsul_watch::Topic;

    use super::super::fabricated::{any, entry, key, kv, ns, read, record};
    use super::*;
    use crate::history::{Content, Waited};

    #[test]
    fn fires_on_an_early_old_answer_and_on_a_wake_by_something_else() {
        let at = |ended, reported| {
            let waited = Some(Waited { index: Index(5), deadline: 10_000_000 });
            Read { waited, ..read(0, ended, 9, reported, Content::Record(None)) }
        };
        assert!(answered(&at(5, 6)).is_ok() && answered(&at(10, 5)).is_ok());
        assert!(answered(&at(5, 5)).is_err());
        let mut log = Log::new();
        entry(&mut log, 7, 1, any(), vec![kv("a", None, Some(record(7, "v", None)))]);
        let woken =
            |name, knew| Woken { topic: Topic::Key(ns(), key(name)), knew: Index(knew), by: Index(7) };
        assert!(was_told(&woken("a", 6), &log).is_ok());
        assert!(was_told(&woken("b", 6), &log).is_err());
        assert!(was_told(&woken("a", 7), &log).is_err());
    }
}
