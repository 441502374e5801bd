//! One namespace's keys: records, marks, locks, deadlines.

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use konsul_types::{Index, Key, KvRecord, Millis, Namespace, SessionId};

use crate::dirs::{Dirs, Touch, walk};
use crate::hash::RecordHash;
use crate::history::History;

/// An answer to a query and where it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// What was asked for.
    pub value: T,
    /// When the content of the answer last became different: a blocked reader that knows a lower index wakes.
    pub changed: Index,
    /// What a client sees: never zero, never lower than before.
    pub reported: Index,
}

/// One namespace's keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyspace {
    pub(crate) records: OrdMap<Key, Arc<KvRecord>>,
    pub(crate) dirs: Dirs,
    /// Keys with a time to live, by deadline.
    pub(crate) expiry: OrdSet<(Millis, Key)>,
    /// Keys that a session holds.
    pub(crate) held: OrdSet<(SessionId, Key)>,
    /// Locks that were lost by invalidation, and until when they stay free.
    pub(crate) delays: OrdMap<Key, Millis>,
    pub(crate) delay_order: OrdSet<(Millis, Key)>,
    /// Bytes of keys and values.
    pub(crate) bytes: u64,
    pub(crate) history: History,
}

/// What a key held before it was written or removed.
#[derive(Debug)]
pub(crate) struct Replaced {
    /// The record; `None` if it was absent.
    pub old: Option<Arc<KvRecord>>,
    /// If it was absent: when it had been removed, as far as that is remembered.
    pub removed: Option<Index>,
}

impl Keyspace {
    /// Reads one key.
    pub fn get(&self, key: &str) -> Option<&Arc<KvRecord>> {
        self.records.get(key)
    }

    /// How many keys there are.
    pub fn len(&self) -> u64 {
        self.records.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The keys under a prefix with their records, in order.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a Key, &'a Arc<KvRecord>)> {
        self.records
            .range::<_, str>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |(key, _)| key.as_str().starts_with(prefix))
    }

    /// The keys under a prefix that come after one, or all of them.
    pub fn under_after<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<KvRecord>)> {
        let from = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        self.records
            .range::<_, str>((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.as_str().starts_with(prefix))
    }

    /// Names under a prefix, each cut after the first separator beyond the prefix, each cut named once.
    ///
    /// Jumps over what a cut stands for: the cost is that of the answer, not that of the keys below it.
    pub fn names<'a>(&'a self, prefix: &'a str, separator: &'a str) -> impl Iterator<Item = Arc<str>> + 'a {
        let cut = move |key: &str| -> Option<usize> {
            let found = key[prefix.len()..].find(separator)?;
            (!separator.is_empty()).then(|| prefix.len() + found + separator.len())
        };
        let rows = walk(&self.records, prefix, move |key, _| cut(key).map(|end| &key[..end]));
        rows.map(move |(key, _)| match cut(key.as_str()) {
            None => Arc::from(key.as_str()),
            Some(end) => Arc::from(&key.as_str()[..end]),
        })
    }

    /// When anything under a prefix last changed (zero if nothing is known to have), and what to report to a client.
    ///
    /// Where no name is known any more, the report is the namespace's own index: what is remembered of forgotten names
    /// may be lower than what was reported before.
    pub fn changed_under(&self, prefix: &str) -> (Index, Index) {
        let covered = self.dirs.changed(prefix);
        let newest_live = if covered.whole { None } else { self.live_at_level(prefix).max() };
        let changed = covered.changed.max(newest_live.unwrap_or(Index::ZERO));
        let known = covered.known || newest_live.is_some();
        (changed, if known { changed } else { self.changed_any() })
    }

    /// Modify indexes of live keys under the prefix that no mark covers, and the first one that each mark there does.
    fn live_at_level<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = Index> + 'a {
        let rows = walk(&self.records, prefix, |key, _| {
            let slash = key[prefix.len()..].find('/')?;
            let dir = &key[..=prefix.len() + slash];
            self.dirs.marks.contains_key(dir).then_some(dir)
        });
        rows.map(|(_, record)| record.modify_index)
    }

    /// When any key last changed.
    pub fn changed_any(&self) -> Index {
        self.dirs.root.changed
    }

    /// Deadlines of keys with a time to live, soonest first.
    pub fn deadlines(&self) -> impl Iterator<Item = (Millis, &Key)> {
        self.expiry.iter().map(|(at, key)| (*at, key))
    }

    /// The keys that a session holds.
    pub fn held_by(&self, session: SessionId) -> impl Iterator<Item = &Key> {
        let from = (session, Key::new(" ").expect("a space, the lowest character of keys, is a key"));
        let lowest = Bound::Included(from);
        self.held
            .range((lowest, Bound::Unbounded))
            .take_while(move |(id, _)| *id == session)
            .map(|(_, key)| key)
    }

    /// Every lock that was lost by invalidation and whose delay was not yet seen to be over, by key.
    pub fn lock_delays(&self) -> impl Iterator<Item = (&Key, Millis)> {
        self.delays.iter().map(|(key, until)| (key, *until))
    }

    /// Until when a lost lock stays free, if it does at `now`.
    pub fn lock_delay(&self, key: &Key, now: Millis) -> Option<Millis> {
        self.delays.get(key).copied().filter(|until| *until > now)
    }

    /// Puts a record in, or takes it out, and keeps everything derived true. Answers what was there before.
    pub(crate) fn replace(&mut self, key: &Key, new: Option<&Arc<KvRecord>>, index: Index) -> Replaced {
        let old = match new {
            Some(record) => self.records.insert(key.clone(), Arc::clone(record)),
            None => self.records.remove(key.as_str()),
        };
        let touch = match (&old, new) {
            (None, None) => return Replaced { old, removed: None },
            (None, Some(_)) => Touch::Created,
            (Some(_), Some(_)) => Touch::Changed,
            (Some(_), None) => Touch::Removed,
        };
        let removed = self.dirs.touch(&key.shared(), index, touch);
        self.reindex(key, old.as_deref(), new.map(|record| &**record));
        Replaced { old, removed }
    }

    /// Keeps what is derived from records alone: sizes, deadlines, holders.
    pub(crate) fn reindex(&mut self, key: &Key, old: Option<&KvRecord>, new: Option<&KvRecord>) {
        let size = |record: &KvRecord| (key.as_str().len() + record.value.len()) as u64;
        self.bytes = self.bytes - old.map_or(0, size) + new.map_or(0, size);
        if let Some(at) = old.and_then(|r| r.expires_at.at()) {
            self.expiry.remove(&(at, key.clone()));
        }
        if let Some(at) = new.and_then(|r| r.expires_at.at()) {
            self.expiry.insert((at, key.clone()));
        }
        let (before, after) = (old.and_then(|r| r.session), new.and_then(|r| r.session));
        if before != after {
            if let Some(id) = before {
                self.held.remove(&(id, key.clone()));
            }
            if let Some(id) = after {
                self.held.insert((id, key.clone()));
            }
        }
    }

    /// Keeps a lock free until then; a delay that runs longer already stays.
    pub(crate) fn delay_lock(&mut self, key: &Key, until: Millis) {
        let running = self.delays.get(key).copied();
        if running.is_some_and(|running| running >= until) {
            return;
        }
        if let Some(running) = running {
            self.delay_order.remove(&(running, key.clone()));
        }
        self.delays.insert(key.clone(), until);
        self.delay_order.insert((until, key.clone()));
    }

    /// Forgets lock delays that are over.
    pub(crate) fn prune_delays(&mut self, now: Millis) {
        while let Some((until, key)) = self.delay_order.get_min().filter(|(until, _)| *until <= now).cloned()
        {
            self.delay_order.remove(&(until, key.clone()));
            self.delays.remove(&key);
        }
    }
}

/// The hash of one record, for [`crate::hash::Hashes`].
pub(crate) fn record_hash(namespace: &Namespace, key: &Key, record: &KvRecord) -> u64 {
    let (high, low) = record.session.map_or((0, 0), |id| id.0.as_u64_pair());
    let present = u64::from(record.session.is_some()) | u64::from(record.expires_at.at().is_some()) << 1;
    RecordHash::new(1)
        .bytes(namespace.as_str().as_bytes())
        .bytes(key.as_str().as_bytes())
        .bytes(record.value.as_bytes())
        .number(record.flags)
        .number(record.lock_index)
        .number(present)
        .number(high)
        .number(low)
        .number(record.create_index.0)
        .number(record.modify_index.0)
        .number(record.expires_at.at().map_or(0, |at| at.0))
        .finish()
}
