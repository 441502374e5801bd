//! I-17 NoMissedWake: a reader that waits is answered when what it waits for changes, not when its patience ends.
//!
//! Source: consul issue 2814 (a blocking query did not return although the service had changed).

use std::sync::Arc;

use konsul_types::NodeName;
use konsul_watch::Topic;

use crate::broken::{Held, hold};
use crate::check::{Log, News};
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
    let Some(waited) = read.waited.filter(|_| read.query.is_indexed()) else { return Ok(()) };
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

/// The same for readers of services, by what the model tells of each: no topic and no change that the server names is
/// believed.
pub fn of_services(reads: &[Read], log: &Log, news: &News) -> Held {
    reads.iter().try_for_each(|read| was_told_of_service(read, log, news))
}

fn was_told_of_service(read: &Read, log: &Log, news: &News) -> Held {
    let (Query::Health(namespace, name, passing), Some(waited)) = (&read.query, read.waited) else {
        return Ok(());
    };
    if read.ended_at < waited.deadline {
        return Ok(());
    }
    let named = (namespace.clone(), name.as_str().to_ascii_lowercase());
    let at = news.get(&(named, *passing)).into_iter().flatten();
    let unheard = at.filter(|index| waited.index.0 < **index && **index <= read.state.0);
    let seen_at = |index: &&u64| log.get(*index).map_or(u64::MAX, |entry| entry.seen_at);
    let missed = unheard.min_by_key(seen_at);
    let late = missed.is_some_and(|index| seen_at(&index).max(read.began_at) + PROMPT < waited.deadline);
    hold(NAME, !late, || format!("{read:?} slept over what {missed:?} changed of {name}"))
}

fn topic(query: &Query) -> Topic {
    match query {
        Query::Get(namespace, key) => Topic::Key(namespace.clone(), key.clone()),
        Query::List(namespace, prefix) | Query::Keys(namespace, prefix, _) => {
            Topic::Prefix(namespace.clone(), Arc::from(prefix.as_str()))
        }
        Query::Session(namespace, _) | Query::Sessions(namespace) => Topic::Sessions(namespace.clone()),
        Query::Events => Topic::Events,
        Query::Health(namespace, name, true) => Topic::PassingService(namespace.clone(), name.folded()),
        Query::Health(namespace, name, false) | Query::ServiceChecks(namespace, name) => {
            Topic::Service(namespace.clone(), name.folded())
        }
        Query::Checks(_) => Topic::Checks,
        Query::Nodes => Topic::Nodes,
        Query::Node(_, name) => {
            Topic::Node(NodeName::new(name.as_str()).expect("clients use good names").folded())
        }
        Query::Queries | Query::Execute(..) => Topic::Queries,
    }
}

#[cfg(test)]
mod tests {
    use konsul_types::{Index, ServiceName};

    use super::super::fabricated::{any, entry, kv, ns, read, record};
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

    #[test]
    fn fires_on_a_reader_that_slept_over_news_of_its_service() {
        let mut log = Log::new();
        entry(&mut log, 7, 100, any(), vec![]);
        let named = (ns(), "web".to_owned());
        let web = ServiceName::new("Web").unwrap();
        let at = |ended, passing| {
            let waited = Some(Waited { index: Index(5), deadline: 2_000_000_000 });
            let query = Query::Health(ns(), web.clone(), passing);
            Read { query, waited, ..read(10, ended, 9, 7, Content::Instances(vec![])) }
        };
        let news = News::from([((named, true), vec![7])]);
        assert!(was_told_of_service(&at(101, true), &log, &news).is_ok());
        assert!(was_told_of_service(&at(2_000, false), &log, &news).is_ok());
        assert!(was_told_of_service(&at(2_000, true), &log, &news).is_err());
    }
}
