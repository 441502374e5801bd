//! openraft's state machine, on ours.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use konsul_runtime::time::now;
use konsul_storage::contract::{LogId, SnapshotMeta};
use openraft::storage::{EntryResponder, RaftSnapshotBuilder, RaftStateMachine, Snapshot};
use openraft::{EntryPayload, OptionalSend};

use crate::alone::Alone;
use crate::contract::{Committed, Fatal, IncomingChunks, SnapshotChunks, StateMachine};
use crate::convert;
use crate::figures::{Applied, Counting};
use crate::health::Health;
use crate::proposals::Proposals;
use crate::types::{Entry, RaftLogId, StoredMembership, Types};

type RaftSnapshotMeta = openraft::alias::SnapshotMetaOf<Types>;
type RaftSnapshot = openraft::alias::SnapshotOf<Types, SnapshotRef>;

/// A state machine whose reply type is hidden, so that openraft is compiled once and not once for each reply type.
pub(crate) trait Machine: Send {
    fn applied(&self) -> LogId;
    fn apply(&mut self, batch: &[Committed]) -> Result<(), Fatal>;
    fn snapshot(&self) -> SnapshotChunks;
    fn restore(&mut self, last: LogId, chunks: IncomingChunks<'_>) -> Result<(), Fatal>;
}

/// A state machine and those who wait for its replies.
pub(crate) struct Answering<S: StateMachine> {
    pub(crate) machine: S,
    pub(crate) proposals: Arc<Proposals<S::Reply>>,
    pub(crate) counting: Arc<Counting>,
    pub(crate) alone: Arc<Alone>,
}

impl<S: StateMachine> Machine for Answering<S> {
    fn applied(&self) -> LogId {
        self.machine.applied()
    }

    fn apply(&mut self, batch: &[Committed]) -> Result<(), Fatal> {
        let from = now();
        let replies = self.machine.apply(batch)?;
        let applied = Applied { entries: batch.len(), from, to: now() };
        self.counting.applied(applied);
        self.alone.applied(self.machine.applied().index);
        self.proposals.answer(batch, replies, applied)
    }

    fn snapshot(&self) -> SnapshotChunks {
        self.machine.snapshot()
    }

    fn restore(&mut self, last: LogId, chunks: IncomingChunks<'_>) -> Result<(), Fatal> {
        self.machine.restore(last, chunks)
    }
}

/// The newest durable snapshot, as far as openraft needs to know: what it covers.
pub(crate) type Newest = Arc<Mutex<Option<RaftSnapshotMeta>>>;

/// openraft's word for a snapshot's content. Ours stay with the storage; a peer transport will read them from there.
#[derive(Debug)]
pub(crate) struct SnapshotRef;

/// A picture of the state and of what it covers.
pub(crate) struct Picture {
    pub(crate) last: LogId,
    pub(crate) membership: Bytes,
    pub(crate) chunks: SnapshotChunks,
}

pub(crate) struct Applier {
    /// Behind a lock only because openraft asks for `Sync`; it is never contended.
    machine: Mutex<Box<dyn Machine>>,
    applied: Option<RaftLogId>,
    membership: StoredMembership,
    newest: Newest,
    health: Arc<Health>,
}

/// Entries applied, and published, at once.
const BATCH: usize = 1024;

impl Applier {
    pub(crate) fn new(
        machine: Box<dyn Machine>,
        membership: StoredMembership,
        newest: Newest,
        health: Arc<Health>,
    ) -> Self {
        let applied = convert::inward(machine.applied());
        Self { machine: Mutex::new(machine), applied, membership, newest, health }
    }

    fn machine(&mut self) -> &mut dyn Machine {
        &mut **self.machine.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state as it is. Cheap: the work is in draining the chunks.
    pub(crate) fn picture(&mut self) -> Picture {
        let last = convert::outward_or_start(self.applied.as_ref());
        let membership = convert::encode_stored(&self.membership);
        let machine = self.machine();
        Picture { last, membership, chunks: machine.snapshot() }
    }

    fn apply_batch(&mut self, batch: &[Committed]) -> io::Result<()> {
        self.machine().apply(batch).map_err(|fatal| {
            self.health.stop(fatal.to_string());
            io::Error::other(fatal.to_string())
        })
    }

    fn note(&mut self, entry: &Entry) {
        if let EntryPayload::Membership(membership) = &entry.payload {
            self.membership = StoredMembership::new(Some(entry.log_id), membership.clone());
        }
        self.applied = Some(entry.log_id);
    }

    fn newest(&self) -> Option<RaftSnapshotMeta> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn committed(entry: Entry) -> Committed {
    let id = convert::outward(&entry.log_id);
    let command = match entry.payload {
        EntryPayload::Normal(command) => Some(command.0),
        EntryPayload::Blank | EntryPayload::Membership(_) => None,
    };
    Committed { id, command }
}

/// What openraft calls a stored snapshot.
pub(crate) fn to_raft_meta(meta: &SnapshotMeta) -> io::Result<RaftSnapshotMeta> {
    let last_membership = convert::decode_stored(&meta.membership)?;
    Ok(RaftSnapshotMeta { last_log_id: convert::inward(meta.last), last_membership })
}

impl RaftStateMachine<Types> for Applier {
    type SnapshotData = SnapshotRef;
    type SnapshotBuilder = Announce;

    async fn applied_state(&mut self) -> Result<(Option<RaftLogId>, StoredMembership), io::Error> {
        Ok((self.applied, self.membership.clone()))
    }

    /// Applies what is ready in batches, and lets other tasks run between two of them.
    async fn apply<Strm>(&mut self, entries: Strm) -> Result<(), io::Error>
    where
        Strm: Stream<Item = Result<EntryResponder<Types>, io::Error>> + Unpin + OptionalSend,
    {
        let mut ready = entries.ready_chunks(BATCH);
        let mut first = true;
        while let Some(chunk) = ready.next().await {
            if !std::mem::take(&mut first) {
                konsul_runtime::yield_now().await;
            }
            let mut batch = Vec::with_capacity(chunk.len());
            let mut responders = Vec::with_capacity(chunk.len());
            for item in chunk {
                let (entry, responder) = item?;
                self.note(&entry);
                batch.push(committed(entry));
                responders.extend(responder);
            }
            self.apply_batch(&batch)?;
            responders.into_iter().for_each(|responder| responder.send(()));
        }
        Ok(())
    }

    /// Snapshots are made by [`crate::snapshot`], where a full disk is no reason to stop. Here they are announced.
    async fn try_create_snapshot_builder(&mut self, _force: bool) -> Option<Announce> {
        self.newest().map(Announce)
    }

    async fn get_snapshot_builder(&mut self) -> Announce {
        Announce(self.newest().unwrap_or_default())
    }

    async fn install_snapshot(&mut self, _: &RaftSnapshotMeta, _: SnapshotRef) -> Result<(), io::Error> {
        // Only a leader elsewhere sends one, and there is no transport that could bring it.
        Err(io::Error::new(io::ErrorKind::Unsupported, "snapshots from other nodes need a peer transport"))
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<RaftSnapshot>, io::Error> {
        Ok(self.newest().map(|meta| Snapshot { meta, snapshot: SnapshotRef }))
    }
}

/// Tells openraft of a snapshot that is already durable.
pub(crate) struct Announce(RaftSnapshotMeta);

impl RaftSnapshotBuilder<Types> for Announce {
    type SnapshotData = SnapshotRef;

    async fn build_snapshot(&mut self) -> Result<RaftSnapshot, io::Error> {
        Ok(Snapshot { meta: self.0.clone(), snapshot: SnapshotRef })
    }
}
