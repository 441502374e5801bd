//! All tables together, and the queries over them.

use std::sync::Arc;

use imbl::{OrdMap, Vector};
use konsul_types::{Index, KvRecord, Limits, Millis, Namespace, Session, SessionId};

use crate::catalog::Catalog;
use crate::events::Events;
use crate::hash::Hashes;
use crate::history::Timeline;
use crate::keyspace::{Found, Keyspace};
use crate::locks::Locks;
use crate::queries::Queries;
use crate::requests::Requests;
use crate::restore::Staging;
use crate::sessions::Sessions;

/// The replicated state at one index. Cloning it is cheap: clones share everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// What clients see. Runs ahead of the log by a constant that grows only when a restore brings records with higher
    /// indexes than this cluster's log has: no client's index ever goes back.
    pub(crate) index: Index,
    pub(crate) log_index: u64,
    pub(crate) term: u64,
    pub(crate) at: Millis,
    pub(crate) feature_level: u32,
    pub(crate) limits: Limits,
    /// Index of the last restore: to a client everything changed then.
    pub(crate) restored_at: Index,
    pub(crate) keyspaces: OrdMap<Namespace, Arc<Keyspace>>,
    pub(crate) sessions: Sessions,
    pub(crate) locks: Locks,
    pub(crate) catalog: Catalog,
    pub(crate) queries: Queries,
    pub(crate) events: Events,
    pub(crate) requests: Requests,
    pub(crate) staging: Option<Staging>,
    pub(crate) hashes: Hashes,
    /// Hashes as they were at the last multiples of [`HASH_EVERY`], for comparison with the leader's.
    pub(crate) checkpoints: Vector<(Index, Vec<u64>)>,
    pub(crate) timeline: Timeline,
}

/// Every so many entries the hashes are remembered for comparison.
pub const HASH_EVERY: u64 = 1024;

/// How many of them are remembered.
pub const CHECKPOINTS_KEPT: usize = 8;

impl Default for State {
    fn default() -> Self {
        State::new()
    }
}

impl State {
    /// The state before the first entry.
    pub fn new() -> State {
        State {
            index: Index::ZERO,
            log_index: 0,
            term: 0,
            at: Millis(0),
            feature_level: konsul_types::FIRST_FEATURE_LEVEL,
            limits: Limits::default(),
            restored_at: Index::ZERO,
            keyspaces: OrdMap::new(),
            sessions: Sessions::default(),
            locks: Locks::default(),
            catalog: Catalog::default(),
            queries: Queries::default(),
            events: Events::default(),
            requests: Requests::default(),
            staging: None,
            hashes: Hashes::default(),
            checkpoints: Vector::new(),
            timeline: Timeline::default(),
        }
    }

    /// Index of the last applied entry, as clients see it.
    pub fn index(&self) -> Index {
        self.index
    }

    /// Position of the last applied entry in the log. Differs from [`State::index`] after a restore from a cluster that
    /// was further on.
    pub fn log_index(&self) -> u64 {
        self.log_index
    }

    /// Term of the last applied entry.
    pub fn term(&self) -> u64 {
        self.term
    }

    /// Log time of the last applied command.
    pub fn at(&self) -> Millis {
        self.at
    }

    /// The bounds in force.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The feature level in force.
    pub fn feature_level(&self) -> u32 {
        self.feature_level
    }

    /// Hash of each table.
    pub fn hashes(&self) -> Hashes {
        self.hashes
    }

    /// The newest remembered hashes, for [`konsul_types::Command::CompareHash`].
    pub fn last_checkpoint(&self) -> Option<&(Index, Vec<u64>)> {
        self.checkpoints.last()
    }

    /// Nodes, instances of services and checks.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The prepared queries.
    pub fn queries(&self) -> &Queries {
        &self.queries
    }

    /// The kept events.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Sessions of all namespaces.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Locks of all namespaces.
    pub fn locks(&self) -> &Locks {
        &self.locks
    }

    /// When entries were written.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The remembered requests.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// One namespace's keys; `None` if it never had any.
    pub fn keyspace(&self, namespace: &Namespace) -> Option<&Keyspace> {
        self.keyspaces.get(namespace).map(|shared| &**shared)
    }

    /// Every namespace that ever had keys, in order.
    pub fn keyspaces(&self) -> impl Iterator<Item = (&Namespace, &Keyspace)> {
        self.keyspaces.iter().map(|(name, keys)| (name, &**keys))
    }

    /// Age of the oldest grave or empty directory of any namespace: what [`konsul_types::Command::Reap`] would forget first.
    pub fn oldest_grave(&self) -> Option<Index> {
        self.keyspaces.values().filter_map(|keys| keys.dirs.oldest_grave()).min()
    }

    /// Reads one key.
    pub fn kv_get(&self, namespace: &Namespace, key: &str) -> Found<Option<&Arc<KvRecord>>> {
        let Some(keys) = self.keyspace(namespace) else {
            return self.found(None, Index::ZERO, Index::ZERO);
        };
        match keys.get(key) {
            Some(record) => self.found(Some(record), record.modify_index, record.modify_index),
            None => self.found(None, keys.dirs.changed_missing(key), keys.changed_any()),
        }
    }

    /// The index of everything under a prefix; `value` is what the caller read of it.
    pub fn kv_under<T>(&self, namespace: &Namespace, prefix: &str, value: T) -> Found<T> {
        let Some(keys) = self.keyspace(namespace) else {
            return self.found(value, Index::ZERO, Index::ZERO);
        };
        let (changed, reported) = keys.changed_under(prefix);
        self.found(value, changed, reported)
    }

    /// Reads one session.
    pub fn session(&self, namespace: &Namespace, id: SessionId) -> Found<Option<&Arc<Session>>> {
        let changed = self.sessions.changed(namespace);
        self.found(self.sessions.get(namespace, id), changed, changed)
    }

    /// Wraps an answer: a restore counts as a change of everything, and zero is never reported.
    pub fn found<T>(&self, value: T, changed: Index, reported: Index) -> Found<T> {
        let changed = changed.max(self.restored_at);
        Found { value, changed, reported: reported.max(self.restored_at).max(Index(1)) }
    }

    /// This state under another one's index: what mutant 14 publishes.
    #[doc(hidden)]
    #[must_use]
    pub fn with_index_of(mut self, newer: &State) -> State {
        self.index = newer.index;
        self
    }

    pub(crate) fn keyspace_mut(&mut self, namespace: &Namespace) -> &mut Keyspace {
        if !self.keyspaces.contains_key(namespace) {
            self.keyspaces.insert(namespace.clone(), Arc::default());
        }
        let shared = self.keyspaces.get_mut(namespace).expect("just made sure that it is there");
        Arc::make_mut(shared)
    }
}
