//! A scripted disk, a small state machine, and how to start a node on them.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod disk;
pub mod history;
pub mod ledger;

use konsul_raft::Raft;
use konsul_raft::contract::{Options, Role};
use konsul_runtime::time::{Duration, timeout};

pub use disk::Disk;
pub use ledger::{Ledger, Shown};

pub fn options() -> Options {
    Options {
        node_id: 1,
        name: "test".to_owned(),
        heartbeat_ms: 50,
        election_min_ms: 150,
        election_max_ms: 300,
        snapshot_every: 1_000_000,
        queue_bytes: 1 << 20,
        bootstrap: true,
    }
}

/// Starts a node and waits until it leads and has applied its own entry.
pub async fn up(disk: &Disk, shown: &Shown, options: Options) -> Raft<u64> {
    let raft = Raft::start(options, disk.open(), Ledger::new(shown)).await.unwrap();
    leads(&raft).await;
    raft
}

pub async fn leads(raft: &Raft<u64>) {
    let mut status = raft.watch();
    let ready = status.wait_for(|status| status.role == Role::Leader && status.applied.term == status.term);
    timeout(Duration::from_secs(10), ready).await.expect("a leader in time").expect("a running node");
}

pub fn command(text: impl Into<String>) -> bytes::Bytes {
    bytes::Bytes::from(text.into())
}

/// Waits for a condition on the status, for at most ten seconds.
pub async fn until(raft: &Raft<u64>, what: impl Fn(&konsul_raft::contract::Status) -> bool) {
    let mut status = raft.watch();
    let reached = status.wait_for(|status| what(status));
    timeout(Duration::from_secs(10), reached).await.expect("the condition in time").expect("a status");
}
