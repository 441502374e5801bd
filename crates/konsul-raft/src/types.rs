//! The choices that openraft is built with: what a command is, how leaders are named, who waits for an entry.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use openraft::alias::{CommittedLeaderIdOf, LogIdOf};
use openraft::impls::leader_id_std::LeaderId;
use openraft::impls::{BoxedErrorSource, InlineBatch};
use openraft::raft::ClientWriteResult;
use openraft::raft::responder::Responder;
use openraft::{EmptyNode, OptionalSend, RaftTypeConfig};
use serde::{Deserialize, Serialize};

use crate::seam::SeamRuntime;

/// Leaders are named by their term alone: at most one leader has a term, as in the paper.
#[derive(Debug, Clone, Copy, Default, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct Types;

impl RaftTypeConfig for Types {
    type D = Command;
    /// Replies go their own way, see [`crate::proposals`].
    type R = ();
    type NodeId = u64;
    /// Addresses are learnt from connections, never from the log.
    type Node = EmptyNode;
    type Term = u64;
    type LeaderId = LeaderId<u64, u64>;
    type Vote = openraft::impls::Vote<Self::LeaderId>;
    type Payload = openraft::EntryPayload<Command, u64, EmptyNode>;
    type Entry = openraft::Entry<CommittedLeaderIdOf<Self>, Self::Payload>;
    type AsyncRuntime = SeamRuntime;
    type Responder<T>
        = Waiter<T>
    where
        T: OptionalSend + 'static;
    type Batch<T>
        = InlineBatch<T>
    where
        T: OptionalSend + 'static;
    type ErrorSource = BoxedErrorSource;
}

pub(crate) type Entry = openraft::alias::EntryOf<Types>;
pub(crate) type Payload = openraft::alias::PayloadOf<Types>;
pub(crate) type RaftLogId = LogIdOf<Types>;
pub(crate) type RaftVote = openraft::alias::VoteOf<Types>;
pub(crate) type StoredMembership = openraft::alias::StoredMembershipOf<Types>;
pub(crate) type Membership = openraft::Membership<u64, openraft::EmptyNode>;
pub(crate) type WriteResult = ClientWriteResult<Types>;

/// A command of the state machine: bytes that nobody here looks into.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Command(pub(crate) Bytes);

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content may be a secret: only its size is shown.
        write!(f, "command of {} bytes", self.0.len())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Whoever keeps track of proposals, told what becomes of one.
pub(crate) trait Tracker<T>: Send + Sync {
    /// The proposal is committed at this position and is applied next.
    fn committed(&self, ticket: u64, index: u64);
    /// It is over, in success or refusal.
    fn completed(&self, ticket: u64, result: T);
    /// Nobody will say any more what became of it.
    fn abandoned(&self, ticket: u64);
}

/// Travels with a proposal through openraft. If it is dropped on the way, the proposer learns that too.
pub(crate) struct Waiter<T: 'static> {
    ticket: u64,
    tracker: Option<Arc<dyn Tracker<T>>>,
}

impl<T> Waiter<T> {
    pub(crate) fn new(ticket: u64, tracker: Arc<dyn Tracker<T>>) -> Self {
        Self { ticket, tracker: Some(tracker) }
    }
}

impl<T: Send + 'static> Responder<Types, T> for Waiter<T> {
    fn on_commit(&mut self, log_id: RaftLogId) {
        if let Some(tracker) = &self.tracker {
            tracker.committed(self.ticket, crate::convert::outward(&log_id).index);
        }
    }

    fn on_complete(mut self, result: T) {
        if let Some(tracker) = self.tracker.take() {
            tracker.completed(self.ticket, result);
        }
    }
}

impl<T> Drop for Waiter<T> {
    fn drop(&mut self) {
        if let Some(tracker) = self.tracker.take() {
            tracker.abandoned(self.ticket);
        }
    }
}
