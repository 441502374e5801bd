//! What a node tells of itself, made from openraft's metrics.

use std::sync::Arc;

use konsul_runtime::sync::{Notify, watch};
use openraft::ServerState;
use openraft::alias::WatchReceiverOf;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::metrics::RaftMetrics;

use crate::contract::{Options, Role, Status};
use crate::convert;
use crate::health::Health;
use crate::keeper::SharedUsage;
use crate::node::figures;
use crate::rounds::Lease;
use crate::types::Types;

/// Turns each change of the metrics into a status, and notices when the core ends.
pub(crate) struct Observer {
    pub(crate) metrics: WatchReceiverOf<Types, RaftMetrics<Types>>,
    pub(crate) status: watch::Sender<Arc<Status>>,
    pub(crate) health: Arc<Health>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) elected: Arc<Notify>,
    pub(crate) usage: SharedUsage,
    pub(crate) give_up: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Observer {
    pub(crate) async fn run(mut self) {
        loop {
            if let Some(error) = self.observe() {
                return self.stopped(&error);
            }
            if self.metrics.changed().await.is_err() {
                return self.stopped("the raft core is gone");
            }
        }
    }

    /// Publishes the present metrics. Answers why the core ended, if it did.
    fn observe(&mut self) -> Option<String> {
        let metrics = self.metrics.borrow_and_update();
        let error = metrics.running_state.as_ref().err().map(ToString::to_string);
        if error.is_none() {
            let status = Arc::new(read(&metrics, &self.usage));
            drop(metrics);
            self.publish(status);
        }
        error
    }

    fn publish(&self, status: Arc<Status>) {
        let role = status.role;
        let before = self.status.send_replace(status).role;
        if role != Role::Leader {
            self.lease.end();
        } else if before != Role::Leader {
            self.elected.notify_one();
        }
    }

    fn stopped(&self, error: &str) {
        self.health.stop(error);
        self.lease.end();
        let reason = self.health.reason();
        (self.give_up)(&reason);
        publish_stopped(&self.status, &reason);
    }
}

/// Says that the node has stopped, and keeps what was known of it before.
pub(crate) fn publish_stopped(status: &watch::Sender<Arc<Status>>, reason: &str) {
    status.send_modify(|status| {
        let status = Arc::make_mut(status);
        status.role = Role::Stopped;
        status.leader = None;
        status.stopped.get_or_insert_with(|| reason.to_owned());
    });
}

/// Before the core has said anything.
pub(crate) fn initial(options: &Options, usage: &SharedUsage) -> Status {
    let mut status = read(&RaftMetrics::new_initial(options.node_id), usage);
    status.node_id = options.node_id;
    status
}

fn read(metrics: &RaftMetrics<Types>, usage: &SharedUsage) -> Status {
    let membership = metrics.membership_config.membership();
    Status {
        node_id: metrics.id,
        role: role(metrics.state),
        term: metrics.current_term,
        leader: metrics.current_leader,
        last_log: metrics.last_log_index.map_or(0, |index| index + 1),
        committed: convert::outward_or_start(metrics.local_committed.as_ref()).index,
        applied: convert::outward_or_start(metrics.last_applied.as_ref()),
        snapshot: convert::outward_or_start(metrics.snapshot.as_ref()).index,
        purged: convert::outward_or_start(metrics.purged.as_ref()).index,
        voters: membership.voter_ids().collect(),
        learners: membership.learner_ids().collect(),
        stopped: None,
        storage: figures(usage),
    }
}

fn role(state: ServerState) -> Role {
    match state {
        ServerState::Learner => Role::Learner,
        ServerState::Follower => Role::Follower,
        ServerState::Candidate => Role::Candidate,
        ServerState::Leader => Role::Leader,
        ServerState::Shutdown => Role::Stopped,
    }
}
