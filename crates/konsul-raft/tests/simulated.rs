//! A node in virtual time, on the simulated disk, with power cuts.

#![allow(clippy::unwrap_used)]

mod common;

use common::history::{Run, play};
use common::{Disk, Ledger, Shown, options};
use konsul_raft::Raft;
use konsul_raft::contract::Options;
use konsul_runtime::time::Duration;
use konsul_runtime::virtual_time::Sim;

/// A handle whose node is gone keeps the lease for what is left of it and not longer: three quarters of 150 ms.
#[test]
fn a_lease_ends_by_time_when_its_node_is_gone() {
    for seed in 0..10 {
        let sim = Sim::new(seed);
        let disk = Disk::default();
        let opened = disk.open();
        let starting = async move { Raft::start(options(), opened, Ledger::new(&Shown::default())).await };
        let raft = sim.block_on(1, Duration::from_secs(1), starting).unwrap().unwrap();
        let node = sim.node(1);
        assert!(sim.run_until(Duration::from_secs(1), || node.enter(|| raft.lease().is_ok())));
        // It is renewed as long as the node lives.
        for _ in 0..100 {
            sim.run_for(Duration::from_millis(7));
            assert_eq!(node.enter(|| raft.lease()), Ok(()), "at {:?}", sim.now());
        }
        sim.kill(1);
        let killed = sim.now();
        sim.run_until(Duration::from_secs(1), || node.enter(|| raft.lease().is_err()));
        sim.run_for(Duration::from_micros(112_500));
        assert!(node.enter(|| raft.lease()).is_err(), "{:?} after the kill", sim.now() - killed);
    }
}

/// A thousand readers need two steps each, one to ask and one to hear, and a round or two between them.
#[test]
fn readers_that_wait_together_share_a_round() {
    let sim = Sim::new(5);
    let disk = Disk::default();
    let opened = disk.open();
    // A cluster of one that leads answers without a round.
    let waiting = Options { bootstrap: false, ..options() };
    let starting = async move { Raft::start(waiting, opened, Ledger::new(&Shown::default())).await };
    let raft = sim.block_on(1, Duration::from_secs(1), starting).unwrap().unwrap();
    let before = sim.steps();
    let readers: Vec<_> = (0..1000)
        .map(|_| {
            let raft = raft.clone();
            sim.node(2).spawn(async move { raft.barrier().await.unwrap_err() })
        })
        .collect();
    assert!(sim.run_until(Duration::from_secs(1), || sim.node(2).task_count() == 0));
    drop(readers);
    let steps = sim.steps() - before;
    assert!(steps < 2100, "{steps} steps for 1000 readers");
}

/// Set in the child process of the next test: the seed whose trace it prints.
const CHILD: &str = "KONSUL_TEST_CHILD_SEED";

/// Orders that depend on addresses or on a hash seed of the process do not show within one process; here they would.
#[test]
fn a_seed_repeats_in_a_fresh_process() {
    if let Ok(seed) = std::env::var(CHILD) {
        let run = play(seed.parse().unwrap(), 3).unwrap();
        println!("trace={:016x}", run.trace);
        return;
    }
    let child = || {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_seed_repeats_in_a_fresh_process", "--nocapture"]).env(CHILD, "77");
        let out = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let at = out.find("trace=").expect("the child prints its trace");
        out[at..at + 22].to_owned()
    };
    assert_eq!(child(), child());
    assert_eq!(child(), format!("trace={:016x}", play(77, 3).unwrap().trace));
}

/// Seeds of one run; `KONSUL_TEST_SEEDS=100..400` plays others, for a longer search.
const SEEDS: std::ops::Range<u64> = 0..12;
const LIVES: u64 = 5;

fn seeds() -> std::ops::Range<u64> {
    let Ok(wanted) = std::env::var("KONSUL_TEST_SEEDS") else { return SEEDS };
    let (from, to) = wanted.split_once("..").expect("KONSUL_TEST_SEEDS is a range such as 100..400");
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
fn power_cuts_lose_nothing_that_was_acknowledged_and_seeds_replay() {
    let mut total = Run::default();
    for seed in seeds() {
        let run = play(seed, LIVES).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        assert_eq!(play(seed, LIVES), Ok(run), "seed {seed} does not replay");
        total.acked += run.acked;
        total.unknown += run.unknown;
        total.barriers += run.barriers;
        total.snapshots += run.snapshots;
        total.full += run.full;
    }
    println!("{total:?}");
    // A run in which nothing happened proves nothing.
    assert!(total.acked > 1000 && total.barriers > 100, "{total:?}");
    assert!(total.unknown > 20, "power cuts must catch writes under way: {total:?}");
    assert!(total.snapshots > 5, "some lives must begin with a snapshot: {total:?}");
}
