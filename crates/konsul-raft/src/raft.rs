//! The handle on a node.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use konsul_runtime::dedicated;
use konsul_runtime::sync::{OwnedSemaphorePermit, oneshot, watch};
use konsul_runtime::trace::Scope;
use konsul_storage::contract::{LogId, Storage};

use crate::alone::Alone;
use crate::contract::Role;
use crate::contract::{BarrierError, Options, ProposeError, SnapshotError, StartError, StateMachine, Status};
use crate::figures::{Counting, Figures};
use crate::machine::Answering;
use crate::node::{self, Node, Setup};
use crate::proposals::Proposals;
use crate::types::{Command, Waiter};

/// The largest command, in bytes: what a log entry may hold.
pub const MAX_COMMAND_BYTES: usize = 8 << 20;

/// A running node of a cluster that replicates a state machine with replies of type `R`. Clones are handles on the same
/// node; when the last one is dropped, the node shuts down by itself.
pub struct Raft<R> {
    node: Arc<Node>,
    proposals: Arc<Proposals<R>>,
}

impl<R> Clone for Raft<R> {
    fn clone(&self) -> Self {
        Self { node: self.node.clone(), proposals: self.proposals.clone() }
    }
}

impl<R> std::fmt::Debug for Raft<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Raft").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl<R: Send + 'static> Raft<R> {
    /// Starts a node on a thread of its own: restores the newest snapshot, reads the log's bounds, and stands for
    /// election at once if it is the only voter. Entries beyond the snapshot are applied when they are known to be
    /// committed, so the node is not ready when this returns: wait for [`Raft::barrier`], or watch the status.
    ///
    /// # Errors
    /// [`StartError`], when options, storage or snapshot do not allow it. Nothing was changed on disk then.
    pub async fn start(
        options: Options,
        storage: Box<dyn Storage>,
        machine: impl StateMachine<Reply = R>,
    ) -> Result<Self, StartError> {
        let proposals = Arc::new(Proposals::default());
        let counting = Arc::new(Counting::new());
        let alone = Arc::new(Alone::new());
        let answering = Answering {
            machine,
            proposals: proposals.clone(),
            counting: counting.clone(),
            alone: alone.clone(),
        };
        let under_way = proposals.clone();
        let give_up = Box::new(move |why: &str| under_way.give_up(why));
        let name = options.name.clone();
        let setup = Setup { options, storage, machine: Box::new(answering), give_up, counting, alone };
        let (started, node) = oneshot::channel();
        let thread = dedicated(&name, move || node::run(setup, started));
        match node.await {
            Ok(node) => Ok(Self { node: Arc::new(node?), proposals }),
            Err(_) => Err(StartError::Ended(match thread.join().await {
                Ok(()) => "its thread ended".to_owned(),
                Err(error) => error.to_string(),
            })),
        }
    }

    /// Orders a command, waits until it is on the disks of a quorum and applied here, and answers its position and the
    /// state machine's reply. Waits its turn while too many bytes are under way. If the call is dropped, the command
    /// may still happen.
    ///
    /// # Errors
    /// [`ProposeError`]; only `Unknown` leaves open whether the command happens.
    pub async fn propose(&self, command: Bytes) -> Result<(LogId, R), ProposeError> {
        self.propose_in(&Scope::NONE, command).await
    }

    /// The same for a request that may be recorded: then it is told how long its entry was written, synced and applied
    /// for, see [`konsul_runtime::trace`].
    ///
    /// # Errors
    /// As [`Raft::propose`].
    pub async fn propose_in(&self, scope: &Scope, command: Bytes) -> Result<(LogId, R), ProposeError> {
        if command.len() > MAX_COMMAND_BYTES {
            return Err(ProposeError::TooLarge { bytes: command.len(), max: MAX_COMMAND_BYTES });
        }
        self.admit()?;
        let room = self.room(command.len()).await?;
        self.admit()?;
        let (ticket, answer) = self.proposals.enter(room, self.node.counting.follow(scope));
        let waiter = Waiter::new(ticket, self.proposals.clone());
        if self.node.core.client_write_ff(Command(command), Some(waiter)).await.is_err() {
            return Err(ProposeError::Stopped(self.node.health.reason()));
        }
        answer.await.unwrap_or_else(|_| Err(ProposeError::Unknown(self.node.health.reason())))
    }

    /// A node whose tasks are gone can no longer say that it has stopped; its closed channel does.
    fn is_over(&self) -> bool {
        self.node.health.stopped().is_some() || self.node.stop.is_closed()
    }

    fn admit(&self) -> Result<(), ProposeError> {
        if self.is_over() {
            return Err(ProposeError::Stopped(self.node.health.reason()));
        }
        if self.node.health.is_full() {
            self.node.counting.refused_full.fetch_add(1, Ordering::Relaxed);
            return Err(ProposeError::Full);
        }
        Ok(())
    }

    async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, ProposeError> {
        // A command larger than the whole queue gets the whole queue, else it would wait for ever.
        let wanted = bytes.clamp(1, self.node.queue_bytes);
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let room = self.node.room.clone().acquire_many_owned(wanted).await;
        room.map_err(|_| ProposeError::Stopped(self.node.health.reason()))
    }

    /// Confirms with a quorum that this node leads, and waits until everything committed before that is applied here.
    /// A read of the state after this call sees every write that was acknowledged before it began. Calls that wait at
    /// the same time share one confirmation, and a node that is the only voter needs none: see `alone`. Answers the
    /// position that is applied at least.
    ///
    /// # Errors
    /// [`BarrierError`]; `NoQuorum` after the longest election time-out.
    pub async fn barrier(&self) -> Result<LogId, BarrierError> {
        if let Some(applied) = self.node.alone.position().filter(|_| !self.is_over()) {
            return Ok(applied);
        }
        let stopped = || BarrierError::Stopped(self.node.health.reason());
        let (reply, answer) = oneshot::channel();
        self.node.barriers.send(reply).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Whether this node may answer reads now without asking anybody: it leads, a quorum heard it recently enough that
    /// no other leader can exist even if clocks drift by a third, and its own first entry is applied. Costs two loads.
    ///
    /// # Errors
    /// [`BarrierError`], when it may not.
    pub fn lease(&self) -> Result<(), BarrierError> {
        if self.node.lease.is_valid() {
            return Ok(());
        }
        if self.node.health.stopped().is_some() {
            return Err(BarrierError::Stopped(self.node.health.reason()));
        }
        let status = self.status();
        match status.role {
            Role::Leader => Err(BarrierError::NoQuorum),
            _ => Err(BarrierError::NotLeader { leader: status.leader }),
        }
    }

    /// Takes a snapshot now and waits for it. Answers the position it covers, which may be an older snapshot's if
    /// nothing was applied since.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub async fn snapshot_now(&self) -> Result<LogId, SnapshotError> {
        let stopped = || SnapshotError::Stopped(self.node.health.reason());
        let (reply, answer) = oneshot::channel();
        self.node.snapshots.send(reply).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Stops the node: no new proposals, what was handed to the disk is synced, the storage is closed. Proposals under
    /// way answer `Unknown`. Returns when all that is done, also if another handle began it.
    pub async fn shutdown(&self) {
        // A full channel means that it was asked before, a closed one that it is over.
        let _ = self.node.stop.try_send(());
        let mut ended = self.node.ended.clone();
        // Closed without a word means that the thread is gone, which is what we wait for.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

impl<R> Raft<R> {
    /// What the node knows of itself.
    pub fn status(&self) -> Arc<Status> {
        self.node.status.borrow().clone()
    }

    /// What the node counted so far, and the lengths of its queues.
    pub fn figures(&self) -> Figures {
        let Node { counting, room, queue_bytes, barriers, disk, health, .. } = &*self.node;
        Figures {
            append: counting.append.read(),
            sync: counting.sync.read(),
            batch_entries: counting.batch_entries.read(),
            apply: counting.apply.read(),
            snapshot: counting.snapshot.read(),
            snapshot_failures: counting.snapshot_failures.load(Ordering::Relaxed),
            snapshot_bytes: counting.snapshot_bytes.load(Ordering::Relaxed),
            refused_full: counting.refused_full.load(Ordering::Relaxed),
            proposals: self.proposals.len(),
            queued_bytes: queue_bytes.saturating_sub(room.available_permits()),
            queued_bytes_max: *queue_bytes,
            barriers: barriers.max_capacity() - barriers.capacity(),
            disk_jobs: disk.waiting(),
            held: counting.held.load(Ordering::Relaxed),
            recent_entries: counting.recent_entries.load(Ordering::Relaxed),
            full: health.is_full(),
        }
    }

    /// The status, and word of every change.
    pub fn watch(&self) -> watch::Receiver<Arc<Status>> {
        self.node.status.clone()
    }
}
