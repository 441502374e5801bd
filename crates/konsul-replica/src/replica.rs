//! The ports of the waist, on a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use konsul_operations::Error;
use konsul_operations::ports::{PortFuture, RaftServer, Replica, Staleness};
use konsul_raft::Raft;
use konsul_raft::contract::{BarrierError, Options, ProposeError, Role, StartError, Status};
use konsul_runtime::sync::watch;
use konsul_runtime::time::{Duration, sleep};
use konsul_runtime::trace::Scope;
use konsul_state::State;
use konsul_storage::contract::Storage;
use konsul_types::{Command, Index, Millis, Outcome, Proposal, Request};
use konsul_watch::{Feed, FeedLimits};

use crate::machine::{Machine, ReplicaReply};
use crate::shared::Shared;

/// How a replica is made.
#[derive(Debug, Clone)]
pub struct ReplicaOptions {
    /// Consensus.
    pub raft: Options,
    /// Bounds of the change feed.
    pub feed: FeedLimits,
    /// This server's node name, as others see it.
    pub node: String,
    /// This server's address for other servers, `host:port`.
    pub address: String,
}

/// A server's replica.
#[derive(Debug)]
pub struct ServerReplica {
    raft: Raft<ReplicaReply>,
    shared: Arc<Shared>,
    leadership: watch::Receiver<Option<u64>>,
    /// Whether this server was known to be up to date at least once since it started.
    caught_up: AtomicBool,
    /// Log time at which leadership was last certain.
    led_at: AtomicU64,
    node: String,
    address: String,
}

impl ServerReplica {
    /// Starts consensus on a storage and follows it. The state is there once the log is replayed: see
    /// [`Replica::leadership`].
    ///
    /// # Errors
    /// Whatever keeps consensus from starting; the disk is as it was.
    pub async fn start(
        options: ReplicaOptions,
        storage: Box<dyn Storage>,
    ) -> Result<Arc<ServerReplica>, StartError> {
        let shared = Shared::new(options.feed);
        let raft = Raft::start(options.raft, storage, Machine::new(Arc::clone(&shared))).await?;
        let (sender, leadership) = watch::channel(None);
        konsul_runtime::spawn(follow_leadership(raft.clone(), sender));
        Ok(Arc::new(ServerReplica {
            raft,
            shared,
            leadership,
            caught_up: AtomicBool::new(false),
            led_at: AtomicU64::new(0),
            node: options.node,
            address: options.address,
        }))
    }

    /// What consensus and its log counted so far.
    pub fn figures(&self) -> konsul_raft::Figures {
        self.raft.figures()
    }

    /// What consensus says of itself.
    pub fn status(&self) -> Arc<Status> {
        self.raft.status()
    }

    /// Takes a snapshot now.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn snapshot_now(&self) -> Result<(), String> {
        self.raft.snapshot_now().await.map(|_| ()).map_err(|why| why.to_string())
    }

    /// Stops consensus; what was handed to the disk is synced.
    pub async fn shutdown(&self) {
        self.raft.shutdown().await;
    }

    /// The highest feature level that a server is known to read. Of others nothing is known as long as servers do not tell
    /// each other, so a cluster of several stays where it is.
    fn reads(&self, id: u64) -> u32 {
        let own = id == self.raft.status().node_id;
        if own { konsul_types::FEATURE_LEVEL } else { konsul_types::FIRST_FEATURE_LEVEL }
    }

    fn note_leading(&self) {
        self.caught_up.store(true, Ordering::Relaxed);
        self.led_at.store(self.shared.clock.now().0, Ordering::Relaxed);
    }
}

impl Replica for ServerReplica {
    fn propose(&self, request: Option<Request>, command: Command) -> PortFuture<'_, (Index, Outcome)> {
        self.propose_in(&NOT_RECORDED, request, command)
    }

    fn propose_in<'a>(
        &'a self,
        trace: &'a Scope,
        request: Option<Request>,
        command: Command,
    ) -> PortFuture<'a, (Index, Outcome)> {
        let proposal = Proposal { at: self.shared.clock.now(), request, actor: String::new(), command };
        let bytes = Bytes::from(proposal.encode());
        Box::pin(async move {
            let mut span = trace.span("propose");
            span.set("command.bytes", bytes.len());
            let proposed = self.raft.propose_in(&span.scope(), bytes).await;
            if let Err(why) = &proposed {
                span.fail(|| why.to_string());
            }
            let (_, reply) = proposed.map_err(propose_error)?;
            Ok(reply)
        })
    }

    fn state(&self) -> Arc<State> {
        self.shared.state()
    }

    fn lease(&self) -> Result<(), Error> {
        self.raft.lease().map_err(barrier_error)
    }

    fn barrier(&self) -> PortFuture<'_, ()> {
        Box::pin(async move { self.raft.barrier().await.map(|_| ()).map_err(barrier_error) })
    }

    fn staleness(&self) -> Result<Staleness, Error> {
        if self.raft.lease().is_ok() {
            self.note_leading();
            return Ok(Staleness { known_leader: true, last_contact_ms: 0 });
        }
        if !self.caught_up.load(Ordering::Relaxed) {
            return Err(Error::NoLeader);
        }
        let led_at = Millis(self.led_at.load(Ordering::Relaxed));
        let known_leader = self.raft.status().leader.is_some();
        Ok(Staleness { known_leader, last_contact_ms: self.shared.clock.now().since(led_at) })
    }

    fn feed(&self) -> &Feed {
        &self.shared.feed
    }

    fn now(&self) -> Millis {
        self.shared.clock.now()
    }

    fn servers(&self) -> Vec<RaftServer> {
        let status = self.raft.status();
        let server = |id: &u64, voter: bool| RaftServer {
            id: id.to_string(),
            node: self.node.clone(),
            address: self.address.clone(),
            leader: status.leader == Some(*id),
            voter,
            last_index: Index(status.last_log),
            feature_level: self.reads(*id),
        };
        let voters = status.voters.iter().map(|id| server(id, true));
        voters.chain(status.learners.iter().map(|id| server(id, false))).collect()
    }

    fn leader_address(&self) -> Option<String> {
        self.raft.status().leader.map(|_| self.address.clone())
    }

    fn leadership(&self) -> watch::Receiver<Option<u64>> {
        self.leadership.clone()
    }
}

/// For proposals that no request stands behind.
static NOT_RECORDED: Scope = Scope::NONE;

/// Publishes the term in which this server leads and may serve, and `None` while it does not.
async fn follow_leadership(raft: Raft<ReplicaReply>, sender: watch::Sender<Option<u64>>) {
    let mut status = raft.watch();
    loop {
        let (role, term) = {
            let now = status.borrow_and_update();
            (now.role, now.term)
        };
        let serves = role == Role::Leader && raft.lease().is_ok();
        let leads = serves.then_some(term);
        sender.send_if_modified(|seen| std::mem::replace(seen, leads) != leads);
        if role == Role::Stopped {
            return;
        }
        if role == Role::Leader && !serves {
            // Leading, but not yet sure of it: its blank entry is on its way.
            sleep(Duration::from_millis(1)).await;
        } else if status.changed().await.is_err() {
            return;
        }
    }
}

fn propose_error(error: ProposeError) -> Error {
    match error {
        ProposeError::NotLeader { .. } => Error::NoLeader,
        ProposeError::Full => Error::DiskFull,
        ProposeError::TooLarge { bytes, max } => Error::TooLarge {
            what: "the write, as one log entry,".into(),
            actual: bytes as u64,
            limit: max as u64,
            unit: "bytes",
        },
        ProposeError::Unknown(why) => Error::UnknownOutcome(why),
        ProposeError::Stopped(why) => Error::Stopping(why),
    }
}

fn barrier_error(error: BarrierError) -> Error {
    match error {
        BarrierError::NotLeader { .. } => Error::NoLeader,
        BarrierError::NoQuorum => Error::NotReady,
        BarrierError::Stopped(why) => Error::Stopping(why),
    }
}
