//! One node: how it starts, what runs on its thread, how it ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use konsul_runtime::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use konsul_runtime::time::{self, Duration};
use konsul_runtime::worker::Worker;
use konsul_runtime::{JoinHandle, spawn};
use konsul_storage::contract::{LogId, SnapshotReader, Storage};
use openraft::{Config, EmptyNode, SnapshotPolicy};

use crate::alone::Alone;
use crate::contract::{Options, StartError, Status};
use crate::convert;
use crate::figures::Counting;
use crate::health::Health;
use crate::keeper::{Keeper, SharedUsage};
use crate::log::{FULL_RETRY, LogStore};
use crate::machine::{Applier, Machine, Newest, to_raft_meta};
use crate::network::NoPeers;
use crate::rounds::{BarrierAnswer, Lease, Rounds, Times};
use crate::snapshot::{SnapshotAnswer, Snapshotter, Spacing};
use crate::status;
use crate::types::{StoredMembership, Types};

pub(crate) type Core = openraft::Raft<Types, Applier>;

/// Barriers that may wait for a round at once; more wait for room.
const BARRIERS: usize = 16_384;

/// Jobs that may wait for the disk at once. Each is an append of up to 4096 entries, so bytes are bounded elsewhere.
const DISK_JOBS: usize = 1024;

/// A proposal that a full disk caught on its way is answered after this time if there is still no space.
const FULL_GRACE: Duration = Duration::from_millis(200);

/// What handles share. When the last one goes, the node ends.
pub(crate) struct Node {
    pub(crate) core: Core,
    pub(crate) health: Arc<Health>,
    pub(crate) room: Arc<Semaphore>,
    pub(crate) barriers: mpsc::Sender<oneshot::Sender<BarrierAnswer>>,
    pub(crate) snapshots: mpsc::Sender<oneshot::Sender<SnapshotAnswer>>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) alone: Arc<Alone>,
    pub(crate) status: watch::Receiver<Arc<Status>>,
    pub(crate) stop: mpsc::Sender<()>,
    /// True once everything has ended.
    pub(crate) ended: watch::Receiver<bool>,
    pub(crate) queue_bytes: usize,
    pub(crate) disk: Worker<Keeper>,
    pub(crate) counting: Arc<Counting>,
}

/// What a node is started with.
pub(crate) struct Setup {
    pub(crate) options: Options,
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) machine: Box<dyn Machine>,
    /// Answers every proposal under way that its outcome is unknown.
    pub(crate) give_up: Box<dyn Fn(&str) + Send + Sync>,
    pub(crate) counting: Arc<Counting>,
    pub(crate) alone: Arc<Alone>,
}

/// The body of the node's thread: starts, tells, and runs until it is asked to stop or every handle is gone.
pub(crate) async fn run(setup: Setup, started: oneshot::Sender<Result<Node, StartError>>) {
    let (stop, mut stopping) = mpsc::channel(1);
    let (ending, ended) = watch::channel(false);
    match start(setup, stop, ended).await {
        Err(error) => drop(started.send(Err(error))),
        Ok((node, running)) => {
            // If nobody waits any more the node is dropped with its stop channel, and ends below.
            drop(started.send(Ok(node)));
            let _ = stopping.recv().await;
            running.end().await;
            ending.send_replace(true);
        }
    }
}

/// What has to be ended, in order.
struct Running {
    core: Core,
    disk: Worker<Keeper>,
    health: Arc<Health>,
    status: watch::Sender<Arc<Status>>,
    give_up: Arc<dyn Fn(&str) + Send + Sync>,
    lease: Arc<Lease>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    async fn end(self) {
        let reason = self.health.close();
        self.lease.end();
        if let Err(error) = self.core.shutdown().await {
            tracing::error!(%error, "the raft core did not end cleanly");
        }
        self.tasks.iter().for_each(JoinHandle::abort);
        // Appends that were handed over are still written and synced: they may be part of what others were promised.
        self.disk.stop().await;
        (self.give_up)(&reason);
        status::publish_stopped(&self.status, &reason);
    }
}

async fn start(
    setup: Setup,
    stop: mpsc::Sender<()>,
    ended: watch::Receiver<bool>,
) -> Result<(Node, Running), StartError> {
    let Setup { options, storage, machine, give_up, counting, alone } = setup;
    let opened = open(&options, storage, machine, counting, alone).await?;
    let (node, running) = staff(&options, opened, give_up.into(), stop, ended);
    if let Err(error) = begin(&node.core, &options).await {
        running.end().await;
        return Err(error);
    }
    Ok((node, running))
}

/// A core that runs, and what it runs on.
struct Opened {
    core: Core,
    disk: Worker<Keeper>,
    health: Arc<Health>,
    usage: SharedUsage,
    newest: Newest,
    covered: LogId,
    counting: Arc<Counting>,
    alone: Arc<Alone>,
}

async fn open(
    options: &Options,
    storage: Box<dyn Storage>,
    mut machine: Box<dyn Machine>,
    counting: Arc<Counting>,
    alone: Arc<Alone>,
) -> Result<Opened, StartError> {
    let config = Arc::new(configure(options)?);
    let health = Arc::new(Health::new());
    let (newest, membership, covered) = restore(&*storage, &mut *machine)?;
    let (vote, bounds) = (storage.vote(), storage.log_bounds());
    let keeper = Keeper::new(storage, health.clone(), counting.clone());
    let usage = keeper.usage();
    let thread = format!("{}-log", options.name);
    let disk = Worker::start(&thread, keeper, DISK_JOBS, Keeper::finish).map_err(StartError::Thread)?;
    let log = LogStore::new(disk.clone(), health.clone(), counting.clone(), alone.clone(), vote, bounds);
    let applier = Applier::new(machine, membership, newest.clone(), health.clone());
    match Core::new(options.node_id, config, NoPeers, log, applier).await {
        Ok(core) => Ok(Opened { core, disk, health, usage, newest, covered, counting, alone }),
        Err(error) => {
            // The storage is closed before anybody hears of it, so that a second try does not find it in use.
            disk.stop().await;
            Err(StartError::Unusable(error.to_string()))
        }
    }
}

/// Puts the tasks around the core: who observes it, who confirms its leadership, who takes snapshots.
fn staff(
    options: &Options,
    opened: Opened,
    give_up: Arc<dyn Fn(&str) + Send + Sync>,
    stop: mpsc::Sender<()>,
    ended: watch::Receiver<bool>,
) -> (Node, Running) {
    let Opened { core, disk, health, usage, newest, covered, counting, alone } = opened;
    let lease = Arc::new(Lease::default());
    let elected = Arc::new(Notify::new());
    let (telling, status) = watch::channel(Arc::new(status::initial(options, &usage)));
    let (barriers, barriers_asked) = mpsc::channel(BARRIERS);
    let (snapshots, snapshots_asked) = mpsc::channel(1);
    let observer = status::Observer {
        metrics: core.metrics(),
        status: telling.clone(),
        health: health.clone(),
        lease: lease.clone(),
        elected: elected.clone(),
        usage,
        give_up: give_up.clone(),
    };
    let rounds = Rounds {
        core: core.clone(),
        asked: barriers_asked,
        lease: lease.clone(),
        health: health.clone(),
        elected,
        times: Times::new(options),
        node_id: options.node_id,
        alone: alone.clone(),
    };
    let snapshotter = Snapshotter {
        core: core.clone(),
        disk: disk.clone(),
        newest,
        health: health.clone(),
        status: status.clone(),
        asked: snapshots_asked,
        thread: format!("{}-snap", options.name),
        counting: counting.clone(),
        covered,
        spacing: Spacing::new(options.snapshot_every),
    };
    let retry = retry_when_full(health.clone(), disk.clone(), give_up.clone());
    let tasks = vec![spawn(observer.run()), spawn(rounds.run()), spawn(snapshotter.run()), spawn(retry)];
    let running = Running {
        core: core.clone(),
        disk: disk.clone(),
        health: health.clone(),
        status: telling,
        give_up,
        lease: lease.clone(),
        tasks,
    };
    let room = Arc::new(Semaphore::new(options.queue_bytes));
    let queue_bytes = options.queue_bytes;
    let node = Node {
        core,
        health,
        room,
        barriers,
        snapshots,
        lease,
        alone,
        status,
        stop,
        ended,
        queue_bytes,
        disk,
        counting,
    };
    (node, running)
}

/// Forms a cluster of one where that is asked for, and stands for election at once where nobody else can.
async fn begin(core: &Core, options: &Options) -> Result<(), StartError> {
    let ended = |error: &dyn std::fmt::Display| StartError::Ended(error.to_string());
    if options.bootstrap && !core.is_initialized().await.map_err(|error| ended(&error))? {
        let members = BTreeMap::from([(options.node_id, EmptyNode::new())]);
        core.initialize(members).await.map_err(|error| ended(&error))?;
    }
    let sole = core.with_raft_state(|state| {
        let voters: Vec<u64> = state.membership_state.effective().voter_ids().collect();
        voters
    });
    if sole.await.map_err(|error| ended(&error))? == [options.node_id] {
        core.trigger().elect(false).await.map_err(|error| ended(&error))?;
    }
    Ok(())
}

fn configure(options: &Options) -> Result<Config, StartError> {
    let wrong = |what: &str| Err(StartError::Options(what.to_owned()));
    if options.node_id == 0 {
        return wrong("node_id must not be 0");
    }
    if options.queue_bytes == 0 || options.queue_bytes > Semaphore::MAX_PERMITS {
        return wrong("queue_bytes must be at least 1, and smaller than 2^60");
    }
    if options.snapshot_every == 0 {
        return wrong("snapshot_every must be at least 1");
    }
    let config = Config {
        cluster_name: "konsul".to_owned(),
        heartbeat_interval: options.heartbeat_ms,
        election_timeout_min: options.election_min_ms,
        election_timeout_max: options.election_max_ms,
        // Snapshots and purges are driven by `snapshot`, where a full disk does not stop the node.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        enable_pre_vote: Some(true),
        // A leader that restarts may have lost entries that others hold: it must be elected anew.
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    config.validate().map_err(|error| StartError::Options(error.to_string()))
}

/// Brings the state machine to the newest snapshot. Entries after it are applied once they are known to be committed.
fn restore(
    storage: &dyn Storage,
    machine: &mut dyn Machine,
) -> Result<(Newest, StoredMembership, LogId), StartError> {
    let Some((meta, reader)) = storage.latest_snapshot()? else {
        at(machine, LogId::default())?;
        return Ok((Newest::default(), StoredMembership::default(), LogId::default()));
    };
    let unusable = |error: std::io::Error| StartError::Unusable(error.to_string());
    if machine.applied() < meta.last {
        machine.restore(meta.last, &mut Chunks { reader, failed: false })?;
    }
    at(machine, meta.last)?;
    let membership = convert::decode_stored(&meta.membership).map_err(unusable)?;
    let newest = Arc::new(Mutex::new(Some(to_raft_meta(&meta).map_err(unusable)?)));
    Ok((newest, membership, meta.last))
}

/// The membership comes from the snapshot and the log after it, so the state must not be ahead of the snapshot.
fn at(machine: &dyn Machine, expected: LogId) -> Result<(), StartError> {
    let found = machine.applied();
    if found == expected {
        return Ok(());
    }
    Err(StartError::Unusable(format!("a state machine at {found} beside a newest snapshot at {expected}")))
}

/// A stored snapshot as an iterator that ends after its first error.
struct Chunks {
    reader: Box<dyn SnapshotReader>,
    failed: bool,
}

impl Iterator for Chunks {
    type Item = Result<Vec<u8>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let chunk = self.reader.next_chunk().map_err(|error| error.to_string()).transpose();
        self.failed = matches!(chunk, Some(Err(_)));
        chunk
    }
}

/// While the disk is full: tries again, and does not let those wait who were caught on the way.
async fn retry_when_full(
    health: Arc<Health>,
    disk: Worker<Keeper>,
    give_up: Arc<dyn Fn(&str) + Send + Sync>,
) {
    let mut full = health.watch_full();
    while full.wait_for(|full| *full).await.is_ok() {
        let since = time::now();
        let mut told = false;
        while health.is_full() {
            time::sleep(FULL_RETRY).await;
            if disk.call(Keeper::retry_held).await.is_err() {
                return;
            }
            if !told && health.is_full() && since.elapsed() >= FULL_GRACE {
                give_up("the disk is full: the write waits in the log's queue and may still happen");
                told = true;
            }
        }
    }
}

/// The latest figures of the disk.
pub(crate) fn figures(usage: &SharedUsage) -> konsul_storage::contract::StorageUsage {
    *usage.lock().unwrap_or_else(PoisonError::into_inner)
}
