//! Proposals per second of one node on the memory engine, from one, 64 and 512 proposers on a single-threaded executor,
//! and what a barrier and a lease cost. 256-byte commands, a state machine that only counts.
//!
//! `cargo run --release -p konsul-raft --example proposals`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use bytes::Bytes;
use konsul_raft::Raft;
use konsul_raft::contract::{Committed, Fatal, IncomingChunks, Options, SnapshotChunks, StateMachine};
use konsul_runtime::time::{Duration, now};
use konsul_runtime::{block_on, spawn};
use konsul_storage::MemoryStorage;
use konsul_storage::contract::LogId;

#[derive(Default)]
struct Counter {
    applied: LogId,
    count: u64,
}

impl StateMachine for Counter {
    type Reply = u64;

    fn applied(&self) -> LogId {
        self.applied
    }

    fn apply(&mut self, batch: &[Committed]) -> Result<Vec<u64>, Fatal> {
        self.applied = batch.last().map_or(self.applied, |entry| entry.id);
        let commands = batch.iter().filter(|entry| entry.command.is_some());
        let count = &mut self.count;
        Ok(commands
            .map(|_| {
                *count += 1;
                *count
            })
            .collect())
    }

    fn snapshot(&self) -> SnapshotChunks {
        Box::new(std::iter::once(self.count.to_le_bytes().to_vec()))
    }

    fn restore(&mut self, last: LogId, chunks: IncomingChunks<'_>) -> Result<(), Fatal> {
        let fatal = |what: String| Fatal { at: last, what };
        let bytes = chunks.next().ok_or_else(|| fatal("an empty snapshot".to_owned()))?.map_err(fatal)?;
        let bytes = bytes.try_into().map_err(|_| fatal("a snapshot of a wrong size".to_owned()))?;
        (self.applied, self.count) = (last, u64::from_le_bytes(bytes));
        Ok(())
    }
}

fn options() -> Options {
    Options {
        node_id: 1,
        name: "bench".to_owned(),
        heartbeat_ms: 100,
        election_min_ms: 500,
        election_max_ms: 1000,
        snapshot_every: 100_000,
        queue_bytes: 64 << 20,
        bootstrap: true,
    }
}

fn main() {
    block_on(async {
        let begun = now();
        let raft = Raft::start(options(), Box::new(MemoryStorage::new()), Counter::default()).await.unwrap();
        raft.watch().wait_for(|status| status.leader == Some(1)).await.unwrap();
        raft.barrier().await.unwrap();
        println!("start to first barrier: {:?}", begun.elapsed());
        for proposers in [1u64, 64, 512] {
            propose(&raft, proposers, Duration::from_secs(4)).await;
        }
        barriers(&raft).await;
        leases(&raft);
        println!("{:?}", raft.status());
        raft.shutdown().await;
    });
}

async fn propose(raft: &Raft<u64>, proposers: u64, span: Duration) {
    let until = now() + span;
    let syncs = raft.status().storage.syncs;
    let body = Bytes::from(vec![7u8; 256]);
    let tasks: Vec<_> = (0..proposers)
        .map(|_| {
            let (raft, body) = (raft.clone(), body.clone());
            spawn(async move {
                let mut done = 0u64;
                while now() < until {
                    raft.propose(body.clone()).await.unwrap();
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    let syncs = raft.status().storage.syncs - syncs;
    println!("{proposers:4} proposers: {:9.0}/s, {syncs} syncs", done as f64 / span.as_secs_f64());
}

async fn barriers(raft: &Raft<u64>) {
    let begun = now();
    for _ in 0..50_000 {
        raft.barrier().await.unwrap();
    }
    println!("barrier, one after another: {:?}", begun.elapsed() / 50_000);
    let begun = now();
    for _ in 0..200 {
        let many: Vec<_> = (0..512)
            .map(|_| {
                let raft = raft.clone();
                spawn(async move { raft.barrier().await })
            })
            .collect();
        for one in many {
            one.await.unwrap().unwrap();
        }
    }
    println!("barrier, 512 at a time: {:?}", begun.elapsed() / (200 * 512));
}

fn leases(raft: &Raft<u64>) {
    let begun = now();
    let held = (0..10_000_000).filter(|_| raft.lease().is_ok()).count();
    println!("lease: {:?}, held {held} of 10000000", begun.elapsed() / 10_000_000);
}
