//! openraft's own suite for logs and state machines, on ours with the memory engine.
//!
//! Left out are its histories that our storage refuses as misuse (a purge that no snapshot covers, a log that begins in
//! the middle), and what needs a snapshot from another node, which has no way here yet.

use std::future::Future;
use std::io;
use std::sync::Arc;

use konsul_runtime::block_on;
use konsul_runtime::worker::Worker;
use konsul_storage::MemoryStorage;
use konsul_storage::contract::{LogId, Storage};
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};

use crate::alone::Alone;
use crate::contract::{Committed, Fatal, IncomingChunks, SnapshotChunks};
use crate::figures::Counting;
use crate::health::Health;
use crate::keeper::Keeper;
use crate::log::LogStore;
use crate::machine::{Applier, Machine, Newest};
use crate::types::{StoredMembership, Types};

struct Blank(LogId);

impl Machine for Blank {
    fn applied(&self) -> LogId {
        self.0
    }

    fn apply(&mut self, batch: &[Committed]) -> Result<(), Fatal> {
        self.0 = batch.last().map_or(self.0, |entry| entry.id);
        Ok(())
    }

    fn snapshot(&self) -> SnapshotChunks {
        Box::new(std::iter::empty())
    }

    fn restore(&mut self, last: LogId, _: IncomingChunks<'_>) -> Result<(), Fatal> {
        self.0 = last;
        Ok(())
    }
}

struct Builder;

impl StoreBuilder<Types, LogStore, Applier> for Builder {
    async fn build(&self) -> Result<((), LogStore, Applier), StorageError<Types>> {
        let (log, applier) = build();
        Ok(((), log, applier))
    }
}

fn build() -> (LogStore, Applier) {
    let health = Arc::new(Health::new());
    let storage = MemoryStorage::new();
    let (vote, bounds) = (storage.vote(), storage.log_bounds());
    let counting = Arc::new(Counting::new());
    let keeper = Keeper::new(Box::new(storage), health.clone(), counting.clone());
    let disk = Worker::start("suite", keeper, 16, Keeper::finish).unwrap();
    let log = LogStore::new(disk, health.clone(), counting, Arc::new(Alone::new()), vote, bounds);
    let machine = Box::new(Blank(LogId::default()));
    (log, Applier::new(machine, StoredMembership::default(), Newest::default(), health))
}

type Tests = Suite<Types, LogStore, Applier, Builder, ()>;

fn check<F: Future<Output = Result<(), io::Error>>>(test: impl FnOnce(LogStore, Applier) -> F) {
    let (log, applier) = build();
    block_on(test(log, applier)).unwrap();
}

macro_rules! suite {
    ($($name:ident)*) => { $(#[test] fn $name() { check(Tests::$name); })* };
}

suite! {
    last_membership_in_log_initial
    get_membership_initial
    get_membership_from_empty_log_and_sm
    get_initial_state_without_init
    get_initial_state_with_state
    get_initial_state_last_log_gt_sm
    save_vote
    get_log_entries
    limited_get_log_entries
    leader_bounded_stream
    entries_stream
    log_reader_reads_new_entries
    initial_logs
    last_applied_state
    delete_logs_after_11
    delete_logs_after_5
    delete_logs_after_0
    delete_logs_after_none
    apply_single
    apply_multiple
}
