//! Rounds that confirm leadership: read barriers, and the lease that follows from them.
//!
//! One round runs at a time. It asks openraft to confirm with a quorum that this node still leads, and waits until
//! everything committed before the round is applied, the leader's own blank entry included. Whoever asked *before* the
//! round began is answered by it; whoever asks later waits for the next one, because a confirmation says nothing about
//! what happened after it was asked for.
//!
//! A round that succeeded also gives the lease: a quorum heard this leader after the round began, and none of it votes
//! for another one within its election time-out. The lease is counted from the *begin* of the round and lasts three
//! quarters of the shortest election time-out, so clocks may drift apart by a third. While nobody asks, a round every
//! quarter of that time keeps it alive. A cluster of one takes the same path for its lease; the quorum is then this node.
//! Its barriers are answered without a round once one has succeeded, see [`alone`](crate::alone).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use konsul_runtime::sync::{Notify, mpsc, oneshot};
use konsul_runtime::time::{self, Duration, Instant};
use konsul_storage::contract::LogId;
use openraft::ReadPolicy;
use openraft::errors::{LinearizableReadError, RaftError};

use crate::alone::Alone;
use crate::contract::{BarrierError, Options};
use crate::convert;
use crate::health::Health;
use crate::node::Core;
use crate::types::Types;

pub(crate) type BarrierAnswer = Result<LogId, BarrierError>;

/// How long this node may serve reads without asking anybody.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    /// Nanoseconds of the monotonic clock; 0 is none.
    until: AtomicU64,
}

impl Lease {
    pub(crate) fn is_valid(&self) -> bool {
        let until = self.until.load(Ordering::Acquire);
        until != 0 && time::now().as_nanos() < until
    }

    fn extend(&self, until: Instant) {
        self.until.fetch_max(until.as_nanos(), Ordering::AcqRel);
    }

    pub(crate) fn end(&self) {
        self.until.store(0, Ordering::Release);
    }
}

pub(crate) struct Rounds {
    pub(crate) core: Core,
    pub(crate) asked: mpsc::Receiver<oneshot::Sender<BarrierAnswer>>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) health: Arc<Health>,
    /// Rung when this node becomes leader, so that its lease need not wait for the next turn.
    pub(crate) elected: Arc<Notify>,
    pub(crate) times: Times,
    pub(crate) node_id: u64,
    pub(crate) alone: Arc<Alone>,
}

/// The durations that follow from the options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    lease: Duration,
    renew: Duration,
    give_up: Duration,
}

impl Times {
    pub(crate) fn new(options: &Options) -> Self {
        let lease = Duration::from_millis(options.election_min_ms) * 3 / 4;
        Self { lease, renew: lease / 4, give_up: Duration::from_millis(options.election_max_ms) }
    }
}

impl Rounds {
    pub(crate) async fn run(mut self) {
        let mut next = time::now();
        loop {
            let mut waiting = Vec::new();
            konsul_runtime::select! {
                biased;
                asked = self.asked.recv() => match asked {
                    Some(asked) => waiting.push(asked),
                    None => return,
                },
                () = self.elected.notified() => {}
                () = time::sleep_until(next) => {}
            }
            while let Ok(asked) = self.asked.try_recv() {
                waiting.push(asked);
            }
            let (begun, turn) = (time::now(), self.alone.turn());
            let answer = self.round().await;
            self.settle(begun, &answer);
            for asked in waiting {
                // The reader may have gone.
                let _ = asked.send(answer.clone());
            }
            next = begun + self.times.renew;
            if let Ok(at) = answer {
                self.look_around(turn, at).await;
            }
        }
    }

    async fn round(&self) -> BarrierAnswer {
        if self.health.stopped().is_some() {
            return Err(BarrierError::Stopped(self.health.reason()));
        }
        let asking = self.core.ensure_linearizable(ReadPolicy::ReadIndex);
        match time::timeout(self.times.give_up, asking).await {
            Ok(Ok(read)) => Ok(convert::outward(read.log_id())),
            Ok(Err(error)) => Err(self.refused(error)),
            Err(time::Elapsed) => Err(BarrierError::NoQuorum),
        }
    }

    /// After a round that succeeded: if nobody else votes, readers need no more rounds until that may have changed.
    async fn look_around(&self, turn: u64, at: LogId) {
        if self.alone.is_confirmed(turn) {
            return;
        }
        let node_id = self.node_id;
        let sole = self
            .core
            .with_raft_state(move |state| state.membership_state.effective().voter_ids().eq([node_id]));
        // A core that has ended answers nothing, and confirms nothing.
        if sole.await.unwrap_or(false) {
            self.alone.confirm(turn, at.term);
        }
    }

    fn refused(&self, error: RaftError<Types, LinearizableReadError<Types>>) -> BarrierError {
        match error {
            RaftError::APIError(LinearizableReadError::ForwardToLeader(forward)) => {
                BarrierError::NotLeader { leader: forward.leader_id }
            }
            RaftError::APIError(LinearizableReadError::QuorumNotEnough(_)) => BarrierError::NoQuorum,
            RaftError::Fatal(_) => BarrierError::Stopped(self.health.reason()),
        }
    }

    fn settle(&self, begun: Instant, answer: &BarrierAnswer) {
        match answer {
            Ok(_) => self.lease.extend(begun + self.times.lease),
            // Not to hear from the quorum ends no lease before its time; to lose the leadership does.
            Err(BarrierError::NoQuorum) => {}
            Err(BarrierError::NotLeader { .. } | BarrierError::Stopped(_)) => self.lease.end(),
        }
    }
}
