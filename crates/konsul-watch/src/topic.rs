//! What a reader cares about, and the one definition of whether a change is of that kind.

use std::sync::Arc;

use konsul_types::{Change, ChangeSet, Key, LockName, Namespace, SessionId};

/// What concerns a reader.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// One key, whether it exists or not.
    Key(Namespace, Key),
    /// All keys that begin with these bytes of text; the empty prefix is the whole namespace.
    Prefix(Namespace, Arc<str>),
    /// All keys of a namespace.
    Namespace(Namespace),
    /// All sessions of a namespace.
    Sessions(Namespace),
    /// One session, whether it exists or not.
    Session(Namespace, SessionId),
    /// One lock: its holder, not its queue.
    Lock(Namespace, LockName),
    /// One session's place in the queue of one lock.
    LockWaiter(Namespace, LockName, SessionId),
    /// All nodes; not their checks.
    Nodes,
    /// All checks of all nodes.
    Checks,
    /// All user events.
    Events,
    /// Everything.
    All,
}

impl Topic {
    /// Whether `change` is of this topic. Everything else in this crate is a fast way to the same answer: the
    /// index of waiting readers finds exactly those for whom this is true, and a property test compares the
    /// two.
    pub fn concerns(&self, change: &Change) -> bool {
        match (self, change) {
            (_, Change::Reset) | (Topic::All, _) => true,
            (Topic::Key(ns, key), Change::Kv { namespace, key: changed, .. }) => {
                ns == namespace && key == changed
            }
            (Topic::Prefix(ns, prefix), Change::Kv { namespace, key, .. }) => {
                ns == namespace && key.as_str().starts_with(&**prefix)
            }
            (Topic::Namespace(ns), Change::Kv { namespace, .. })
            | (Topic::Sessions(ns), Change::Session { namespace, .. }) => ns == namespace,
            (Topic::Session(ns, id), Change::Session { namespace, id: changed, .. }) => {
                ns == namespace && id == changed
            }
            (Topic::Lock(ns, name), Change::Lock { namespace, name: changed, .. }) => {
                ns == namespace && name == changed
            }
            (
                Topic::LockWaiter(ns, name, waiter),
                Change::LockWaiter { namespace, name: changed, session, .. },
            ) => ns == namespace && name == changed && waiter == session,
            (Topic::Nodes, Change::Node { .. })
            | (Topic::Checks, Change::Check { .. })
            | (Topic::Events, Change::Event(_)) => true,
            _ => false,
        }
    }

    /// Whether any change of the set is of this topic.
    pub fn concerns_set(&self, set: &ChangeSet) -> bool {
        set.changes.iter().any(|change| self.concerns(change))
    }
}
