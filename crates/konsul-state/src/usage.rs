//! How much there is, for metrics and quotas. Read from counters, not by counting.

use konsul_types::Namespace;

use crate::state::State;

/// What one namespace holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Its name.
    pub namespace: Namespace,
    /// Keys.
    pub keys: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// Live sessions.
    pub sessions: u64,
    /// Locks held or kept free for a while.
    pub locks: u64,
    /// Sessions that wait for locks.
    pub lock_waiters: u64,
    /// Old values kept.
    pub history_versions: u64,
    /// Bytes that they are counted with.
    pub history_bytes: u64,
}

impl Usage {
    /// A namespace that holds nothing.
    pub fn empty(namespace: Namespace) -> Usage {
        Usage {
            namespace,
            keys: 0,
            bytes: 0,
            sessions: 0,
            locks: 0,
            lock_waiters: 0,
            history_versions: 0,
            history_bytes: 0,
        }
    }
}

impl State {
    /// What each namespace holds, by name. The default namespace is always there.
    pub fn usage(&self) -> Vec<Usage> {
        let mut names: Vec<Namespace> = self
            .keyspaces
            .keys()
            .chain(self.sessions.counts.keys())
            .chain(self.locks.counts.keys())
            .cloned()
            .collect();
        names.push(Namespace::default_namespace());
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|namespace| self.usage_of(namespace)).collect()
    }

    fn usage_of(&self, namespace: Namespace) -> Usage {
        let keys = self.keyspace(&namespace);
        Usage {
            keys: keys.map_or(0, crate::Keyspace::len),
            bytes: keys.map_or(0, crate::Keyspace::bytes),
            sessions: self.sessions.count(&namespace),
            locks: self.locks.count(&namespace),
            lock_waiters: self.locks.waiters_in(&namespace),
            history_versions: keys.map_or(0, |keys| keys.history.len()),
            history_bytes: keys.map_or(0, |keys| keys.history.bytes()),
            namespace,
        }
    }
}
