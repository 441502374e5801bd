//! Snapshots, taken in the background.
//!
//! A picture of the state costs nothing and is taken between two batches. Its chunks are drained on a thread of their
//! own while entries go on being applied and appended. When the file is durable and read back, the storage is told of
//! it and answers up to where the log may go: the position of the *older* of two kept snapshots, so that a damaged
//! newest one costs time and no data. Only then does openraft hear of the snapshot and of the purge.
//!
//! A snapshot that cannot be written, be it for want of space, fails alone: the log stays longer and the next one is
//! tried later. Only a storage that says it is poisoned stops the node.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use konsul_runtime::sync::{mpsc, oneshot, watch};
use konsul_runtime::time::{self, Duration, Instant};
use konsul_runtime::worker::Worker;
use konsul_storage::contract::{FinishedSnapshot, LogId, SnapshotMeta, SnapshotWriter, StorageError};

use crate::contract::{SnapshotChunks, SnapshotError, Status};
use crate::figures::Counting;
use crate::health::Health;
use crate::keeper::Keeper;
use crate::machine::{Newest, Picture, to_raft_meta};
use crate::node::Core;

pub(crate) type SnapshotAnswer = Result<LogId, SnapshotError>;

/// After a failure, wait so long before the next automatic try.
const BACK_OFF: Duration = Duration::from_secs(5);

/// Chunks written by one job of the snapshot's thread.
const CHUNKS_PER_JOB: usize = 8;

pub(crate) struct Snapshotter {
    pub(crate) core: Core,
    pub(crate) disk: Worker<Keeper>,
    pub(crate) newest: Newest,
    pub(crate) health: Arc<Health>,
    pub(crate) status: watch::Receiver<Arc<Status>>,
    pub(crate) asked: mpsc::Receiver<oneshot::Sender<SnapshotAnswer>>,
    pub(crate) thread: String,
    pub(crate) counting: Arc<Counting>,
    /// The last position that a snapshot covers.
    pub(crate) covered: LogId,
    /// What the next one waits for.
    pub(crate) spacing: Spacing,
}

/// How far apart snapshots are.
///
/// One costs as much as the state is large, so it waits until the log grew by half of what the last one wrote: then a byte of
/// log has at most two bytes of snapshots written for it, and a restart replays less than it loads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spacing {
    /// At least so many entries.
    every: u64,
    /// At least so many bytes of log: half of what the last snapshot took before it was compressed.
    bytes: u64,
    /// Bytes appended to the log since the node's start, when the last snapshot was taken.
    appended: u64,
}

impl Spacing {
    pub(crate) fn new(every: u64) -> Spacing {
        Spacing { every, bytes: 0, appended: 0 }
    }

    /// The next wait, after a snapshot of `bytes` at a time when `appended` bytes of log had been written.
    fn after(self, bytes: u64, appended: u64) -> Spacing {
        Spacing { bytes: bytes / 2, appended, ..self }
    }

    /// Whether a node that covers entries up to `covered` should take one now.
    fn is_due(self, covered: LogId, status: &Status) -> bool {
        let entries = status.applied.index.saturating_sub(covered.index);
        let bytes = status.storage.appended_bytes.saturating_sub(self.appended);
        entries >= self.every && bytes >= self.bytes
    }
}

impl Snapshotter {
    pub(crate) async fn run(mut self) {
        let mut not_before = time::now();
        loop {
            let (covered, spacing) = (self.covered, self.spacing);
            let due = move |status: &Status| spacing.is_due(covered, status);
            let mut asked = None;
            konsul_runtime::select! {
                biased;
                request = self.asked.recv() => match request {
                    Some(request) => asked = Some(request),
                    None => return,
                },
                alive = reached(&mut self.status, not_before, due) => if !alive {
                    return;
                }
            }
            let answer = self.take().await;
            if let Err(error) = &answer {
                tracing::warn!(%error, "no snapshot was taken");
                self.counting.snapshot_failures.fetch_add(1, Ordering::Relaxed);
                not_before = time::now() + BACK_OFF;
            }
            if let Some(asked) = asked {
                // Whoever asked may have gone.
                let _ = asked.send(answer);
            }
        }
    }

    async fn take(&mut self) -> SnapshotAnswer {
        let picture = self.core.with_state_machine(|applier| {
            let picture = applier.picture();
            Box::pin(std::future::ready(picture))
        });
        let picture = picture.await.map_err(|_| SnapshotError::Stopped(self.health.reason()))?;
        if picture.last == self.covered {
            return Ok(self.covered);
        }
        let (last, appended) = (picture.last, self.status.borrow().storage.appended_bytes);
        let begun = time::now();
        let Written { meta, bytes, purge_upto } = self.write(picture).await?;
        self.counting.snapshot_taken(begun.elapsed(), bytes);
        self.spacing = self.spacing.after(bytes, appended);
        self.covered = last;
        self.announce(&meta, purge_upto).await?;
        Ok(last)
    }

    /// Writes the snapshot and registers it.
    async fn write(&self, picture: Picture) -> Result<Written, SnapshotError> {
        let Picture { last, membership, chunks } = picture;
        let meta = SnapshotMeta { last, membership, id: format!("{:016}-{:016}", last.term, last.index) };
        let named = meta.clone();
        let writer = self.on_disk(move |keeper| keeper.storage().begin_snapshot(named)).await?;
        let (finished, bytes) = self.drain(chunks, writer).await?;
        let purge_upto = self.on_disk(move |keeper| keeper.storage().install_snapshot(finished)).await?;
        Ok(Written { meta, bytes, purge_upto })
    }

    async fn on_disk<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Keeper) -> Result<R, StorageError> + Send + 'static,
    ) -> Result<R, SnapshotError> {
        let done = self.disk.call(job).await;
        done.map_err(|_| SnapshotError::Stopped(self.health.reason()))?.map_err(|error| self.failed(&error))
    }

    async fn drain(
        &self,
        chunks: SnapshotChunks,
        writer: Box<dyn SnapshotWriter>,
    ) -> Result<(FinishedSnapshot, u64), SnapshotError> {
        let drain = Drain { chunks, writer: Some(writer), bytes: 0 };
        let worker = Worker::start_in_background(&self.thread, drain, 1, |_| ())
            .map_err(|error| SnapshotError::Failed(format!("no thread to write it: {error}")))?;
        let written = loop {
            match worker.call(Drain::step).await {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(finished))) => break Ok(finished),
                Ok(Err(error)) => break Err(self.failed(&error)),
                Err(_) => break Err(SnapshotError::Failed("its thread ended".to_owned())),
            }
        };
        // The writer must be gone before the next one can begin.
        worker.stop().await;
        written
    }

    fn failed(&self, error: &StorageError) -> SnapshotError {
        if matches!(error, StorageError::Poisoned) {
            self.health.stop(format!("storage failed: {error}"));
        }
        SnapshotError::Failed(error.to_string())
    }

    async fn announce(&mut self, meta: &SnapshotMeta, purge_upto: LogId) -> Result<(), SnapshotError> {
        let raft_meta =
            to_raft_meta(meta).map_err(|error: io::Error| SnapshotError::Failed(error.to_string()))?;
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(raft_meta);
        let stopped = |_| SnapshotError::Stopped(self.health.reason());
        self.core.trigger().snapshot().await.map_err(stopped)?;
        // openraft purges nothing that it does not know to be in a snapshot.
        let last = meta.last.index;
        let known = self.status.wait_for(|status| status.snapshot >= last || status.stopped.is_some()).await;
        known.map_err(|_| SnapshotError::Stopped(self.health.reason()))?;
        if let Some(index) = purge_upto.index.checked_sub(1) {
            let stopped = |_| SnapshotError::Stopped(self.health.reason());
            self.core.trigger().purge_log(index).await.map_err(stopped)?;
        }
        Ok(())
    }
}

/// Waits until a snapshot is due, and not before that time. Answers whether the node still runs.
async fn reached(
    status: &mut watch::Receiver<Arc<Status>>,
    not_before: Instant,
    due: impl Fn(&Status) -> bool,
) -> bool {
    time::sleep_until(not_before).await;
    status.wait_for(|status| due(status) && status.stopped.is_none()).await.is_ok()
}

/// A snapshot that is durable and registered.
struct Written {
    meta: SnapshotMeta,
    /// Its size before compression.
    bytes: u64,
    /// Up to where the log may be purged.
    purge_upto: LogId,
}

struct Drain {
    chunks: SnapshotChunks,
    writer: Option<Box<dyn SnapshotWriter>>,
    bytes: u64,
}

impl Drain {
    /// Writes some chunks; finishes the snapshot after the last one, and then answers its size, too.
    fn step(&mut self) -> Result<Option<(FinishedSnapshot, u64)>, StorageError> {
        let misused = || StorageError::Misuse("a snapshot was written on after its end".to_owned());
        for _ in 0..CHUNKS_PER_JOB {
            match self.chunks.next() {
                Some(chunk) => {
                    self.bytes += chunk.len() as u64;
                    self.writer.as_mut().ok_or_else(misused)?.write(&chunk)?;
                }
                None => {
                    let finished = self.writer.take().ok_or_else(misused)?.finish()?;
                    return Ok(Some((finished, self.bytes)));
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Role;
    use konsul_storage::contract::StorageUsage;

    fn status(applied: u64, appended_bytes: u64) -> Status {
        Status {
            node_id: 1,
            role: Role::Leader,
            term: 1,
            leader: Some(1),
            last_log: applied,
            committed: applied,
            applied: LogId { term: 1, index: applied },
            snapshot: 0,
            purged: 0,
            voters: vec![1],
            learners: Vec::new(),
            stopped: None,
            storage: StorageUsage { appended_bytes, ..StorageUsage::default() },
        }
    }

    #[test]
    fn the_log_grows_by_half_of_what_the_last_snapshot_wrote() {
        let covered = LogId { term: 1, index: 1000 };
        let small = Spacing::new(100);
        assert!(!small.is_due(covered, &status(1099, 0)));
        assert!(small.is_due(covered, &status(1100, 0)));
        let large = small.after(8000, 5);
        assert!(!large.is_due(covered, &status(9999, 4004)));
        assert!(large.is_due(covered, &status(1100, 4005)));
        assert!(!large.is_due(covered, &status(1099, 4005)), "few entries, however large, wait for more");
    }
}
