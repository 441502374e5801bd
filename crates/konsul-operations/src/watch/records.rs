//! Watching records beside keys: instances of services, services as a whole, nodes, checks, events.
//!
//! What comes is worked out from the feed, and from the state with what the feed says was changed since: so each difference
//! between what was told before an entry and after it comes once, with that entry's index, in the order of the log. A stream
//! that goes on from a place is told exactly what the one before it would have been, also between two changes of one entry.
//!
//! An event is told for as long as the feed or the state keeps it: a stream of events is reset only if one that it should
//! have seen is kept nowhere any more.

use std::sync::Arc;

use konsul_types::{Check, CheckStatus, Event, Index, Namespace, Node, NodeName, Pairs, ServiceName};
use konsul_watch::Topic;

use super::Place;
use crate::answer::{Instance, ServiceSummary};
use crate::arguments::Receiver;

/// Watches records.
#[derive(Debug, Clone)]
pub struct RecordWatch {
    /// Which.
    pub select: RecordSelect,
    /// Whether what there is comes first. A stream that goes on from a place has no need of it.
    pub initial: bool,
    /// Whether changes carry what the record was before.
    pub old_values: bool,
    /// From where to go on; `None` for now.
    pub from: Option<Place>,
}

/// Which records. Those of services are of the context's namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordSelect {
    /// Instances of one service with their checks.
    Service(ServiceSelect),
    /// Services as a whole: their tags, and how many instances stand how.
    Services,
    /// One node, the instances on it, and the checks of the node itself.
    Node(NodeName),
    /// Checks that stand so; `None` for all.
    Checks(Option<CheckStatus>),
    /// Events.
    Events(EventSelect),
}

/// Which instances of a service. All that is set must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSelect {
    /// The service.
    pub name: ServiceName,
    /// Tags of which all must be there, in whatever case.
    pub tags: Vec<String>,
    /// Whether every check must pass, the node's included.
    pub passing: bool,
    /// Pairs that the node must have.
    pub node_meta: Pairs,
    /// An expression over entries of health; empty for none.
    pub filter: String,
}

/// Which events. All that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSelect {
    /// Only of this name.
    pub name: Option<String>,
    /// Whom they must be for.
    pub receiver: Receiver,
}

impl RecordSelect {
    /// The narrowest topic that has every change of theirs.
    pub fn topic(&self, namespace: &Namespace) -> Topic {
        match self {
            // What an expression looks at may change without a change of who passes.
            RecordSelect::Service(of) if of.passing && of.filter.is_empty() => {
                Topic::PassingService(namespace.clone(), of.name.folded())
            }
            RecordSelect::Service(of) => Topic::Service(namespace.clone(), of.name.folded()),
            RecordSelect::Services => Topic::AnyService(namespace.clone()),
            RecordSelect::Node(name) => Topic::OnNode(name.folded()),
            RecordSelect::Checks(_) => Topic::Checks,
            RecordSelect::Events(_) => Topic::Events,
        }
    }
}

/// A record that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An instance with its checks.
    Instance(Box<Instance>),
    /// A service as a whole.
    Service(Box<ServiceSummary>),
    /// A node.
    Node(Arc<Node>),
    /// A check.
    Check(Arc<Check>),
    /// An event.
    Event(Arc<Event>),
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// It was registered.
    Added,
    /// It was there, and is one of those that are watched now: all that was asked for holds of it.
    Entered,
    /// It became different.
    Changed,
    /// It is there still, and none of those that are watched any more.
    Left,
    /// It was removed.
    Removed,
    /// It was fired.
    Fired,
}

/// One record's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordChange {
    /// The entry that made it.
    pub index: Index,
    /// What happened.
    pub kind: RecordKind,
    /// The record as it is; of one that was removed, as it was.
    pub record: Record,
    /// As it was, if that was asked for and it was there.
    pub old: Option<Record>,
    /// Where the stream stands after it.
    pub place: Place,
}
