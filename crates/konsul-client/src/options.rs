//! How fresh a read must be and where a call goes.

use std::time::Duration;

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consistency {
    /// The leader answers under its lease.
    #[default]
    Default,
    /// The leader confirms its leadership with a quorum first.
    Consistent,
    /// Any server answers with what it has.
    Stale,
}

/// What a read may say beside its own arguments.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// How fresh it must be.
    pub consistency: Consistency,
    /// Wait until the answer is newer than this index; zero answers at once.
    pub index: u64,
    /// How long to wait at most; `None` leaves it to the server (five minutes).
    pub wait: Option<Duration>,
    /// The namespace; `None` for the client's.
    pub namespace: Option<String>,
    /// The datacentre; `None` for the client's.
    pub datacenter: Option<String>,
}

impl ReadOptions {
    /// These options, waiting for something newer than `index` for at most `wait`.
    #[must_use]
    pub fn wait_for(mut self, index: u64, wait: Duration) -> ReadOptions {
        self.index = index;
        self.wait = Some(wait);
        self
    }

    /// How much longer than an ordinary read the server may take: its wait and the jitter that it adds.
    pub(crate) fn patience(&self) -> Duration {
        if self.index == 0 {
            return Duration::ZERO;
        }
        let wait = self.wait.unwrap_or(Duration::from_secs(300));
        wait.saturating_add(wait / 16)
    }
}

/// What a write may say beside its own arguments.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The namespace; `None` for the client's.
    pub namespace: Option<String>,
    /// The datacentre; `None` for the client's.
    pub datacenter: Option<String>,
}

/// How fresh an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meta {
    /// The index to wait on next; zero if the answer carries none.
    pub index: u64,
    /// Whether a leader was known.
    pub known_leader: bool,
    /// How long before the answer its server had heard from the leader.
    pub last_contact: Duration,
}

/// What a read gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// How fresh it is.
    pub meta: Meta,
}

impl<T> Answer<T> {
    /// The same answer with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: f(self.value), meta: self.meta }
    }
}
