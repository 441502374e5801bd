//! What a reader cares about, and the one definition of whether a change is of that kind.

use std::sync::Arc;

use konsul_types::{Change, ChangeSet, Key, LockName, Namespace, NodeName, ServiceName, SessionId};

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
    /// A node's record and the instances on it; its name is folded.
    Node(NodeName),
    /// A node's record, the instances on it, and every check on it; its name is folded.
    OnNode(NodeName),
    /// All checks of all nodes.
    Checks,
    /// All instances of all services of a namespace; not their checks.
    Services(Namespace),
    /// What is told of the passing instances of any service of a namespace: whose number of instances, tags or health may
    /// have changed.
    AnyService(Namespace),
    /// What is told of one service: its instances, their checks, nodes and those nodes' checks. Its name is folded.
    Service(Namespace, ServiceName),
    /// The same for who is told of passing instances only.
    PassingService(Namespace, ServiceName),
    /// All coordinates of nodes.
    Coordinates,
    /// All prepared queries.
    Queries,
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
            (Topic::Node(node) | Topic::OnNode(node), Change::Node { name, .. })
            | (Topic::OnNode(node), Change::Check { node: name, .. }) => *node == name.folded(),
            (Topic::Node(node) | Topic::OnNode(node), Change::Service { old, new }) => {
                old.iter().chain(new).any(|service| *node == service.node.folded())
            }
            (Topic::Services(ns), Change::Service { old, new }) => {
                old.iter().chain(new).any(|service| *ns == service.namespace)
            }
            (Topic::AnyService(ns), Change::Instances { namespace, passing: true, .. }) => ns == namespace,
            (Topic::Service(ns, service), Change::Instances { namespace, name, .. })
            | (Topic::PassingService(ns, service), Change::Instances { namespace, name, passing: true }) => {
                ns == namespace && service == name
            }
            (Topic::Nodes, Change::Node { .. })
            | (Topic::Coordinates, Change::Coordinate(_))
            | (Topic::Queries, Change::Query { .. })
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
