//! What only a simulation promises: a seed repeats, time is free, a kill is complete.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use konsul_runtime::sync::{mpsc, oneshot, watch};
use konsul_runtime::time::{Duration, now, sleep, wall_ms};
use konsul_runtime::virtual_time::{self, Order, Sim, SimOptions, Stalled};
use konsul_runtime::worker::Worker;
use konsul_runtime::{random, spawn, yield_now};

/// A busy scene: nodes that talk over a queue and a watch, sleep for random times, and are killed now and then.
fn scene(seed: u64) -> (u64, u64) {
    let sim = Sim::new(seed);
    let (tx, mut rx) = mpsc::channel::<(u64, u64)>(4);
    let (goal, _) = watch::channel(0u64);
    let mut watching = goal.subscribe();
    drop(sim.node(9).spawn(async move {
        while let Some(heard) = rx.recv().await {
            virtual_time::trace(heard);
            goal.send_modify(|n| *n += heard.1);
        }
    }));
    drop(sim.node(9).spawn(async move {
        while watching.changed().await.is_ok() {
            virtual_time::trace(*watching.borrow_and_update());
        }
    }));
    for round in 0..6 {
        for node in 1..=3 {
            let tx = tx.clone();
            drop(sim.node(node).spawn(async move {
                loop {
                    sleep(Duration::from_micros(random::between(1, 500))).await;
                    let tx = tx.clone();
                    drop(spawn(async move { tx.send((node, random::u64() % 10)).await }));
                }
            }));
        }
        sim.run_for(Duration::from_millis(5));
        sim.kill(round % 3 + 1);
        sim.trace(round);
    }
    (sim.trace_hash(), sim.steps())
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..50 {
        assert_eq!(scene(seed), scene(seed), "seed {seed}");
    }
}

#[test]
fn seeds_differ() {
    let hashes: std::collections::BTreeSet<_> = (0..50).map(|seed| scene(seed).0).collect();
    assert_eq!(hashes.len(), 50);
}

#[test]
fn the_trace_is_the_same_in_every_process() {
    // If this changes, recorded seeds no longer mean what they meant: say so where they are listed.
    assert_eq!(Sim::new(7).trace_hash(), Sim::new(7).trace_hash());
    let sim = Sim::new(7);
    sim.trace((1u64, "a word", [2u8, 3]));
    let other = Sim::new(7);
    other.trace((1u64, "a ward", [2u8, 3]));
    assert_ne!(sim.trace_hash(), other.trace_hash());
}

#[test]
fn random_order_finds_what_fifo_hides() {
    let first = |seed, order| {
        let sim = Sim::with(SimOptions { order: Some(order), ..SimOptions::new(seed) });
        let seen = Arc::new(Mutex::new(Vec::new()));
        for n in 0..3 {
            let seen = seen.clone();
            drop(sim.node(1).spawn(async move { seen.lock().unwrap().push(n) }));
        }
        sim.run_for(Duration::ZERO);
        let seen = seen.lock().unwrap();
        seen[0]
    };
    assert!((0..30).all(|seed| first(seed, Order::Fifo) == 0));
    assert!((0..30).any(|seed| first(seed, Order::Random) != 0));
}

#[test]
fn a_year_costs_nothing_and_the_wall_follows() {
    let sim = Sim::new(1);
    let year = Duration::from_secs(31_536_000);
    let walls = sim.block_on(1, year, async move {
        let before = wall_ms();
        sleep(year).await;
        (before, wall_ms())
    });
    let (before, after) = walls.unwrap();
    assert_eq!(after - before, 31_536_000_000);
    assert_eq!(sim.now().as_nanos(), 31_536_000_000_000_000);
}

#[test]
fn a_wall_jump_is_one_nodes_own() {
    let sim = Sim::new(1);
    let before = sim.node(1).enter(wall_ms);
    sim.node(1).jump_wall_ms(-3_600_000);
    assert_eq!(sim.node(1).enter(wall_ms), before - 3_600_000);
    assert_eq!(sim.node(2).enter(wall_ms), before);
    assert_eq!(sim.node(1).enter(now), sim.now());
}

#[test]
fn a_kill_drops_all_tasks_of_the_node_and_only_those() {
    let sim = Sim::new(1);
    let (tx, rx) = oneshot::channel::<()>();
    drop(sim.node(1).spawn(async move {
        let inner = spawn(async move {
            let _held = tx;
            std::future::pending::<()>().await;
        });
        let _ = inner.await;
    }));
    drop(sim.node(2).spawn(std::future::pending::<()>()));
    sim.run_for(Duration::from_millis(1));
    assert_eq!((sim.node(1).task_count(), sim.node(2).task_count()), (2, 1));
    sim.kill(1);
    assert_eq!((sim.node(1).task_count(), sim.node(2).task_count()), (0, 1));
    assert!(sim.block_on(2, Duration::from_secs(1), rx).unwrap().is_err());
}

#[test]
fn what_a_dying_task_spawns_dies_too() {
    struct Parting;
    impl Drop for Parting {
        fn drop(&mut self) {
            drop(spawn(async {}));
        }
    }
    let sim = Sim::new(1);
    drop(sim.node(1).spawn(async {
        let _parting = Parting;
        std::future::pending::<()>().await;
    }));
    sim.run_for(Duration::ZERO);
    sim.kill(1);
    assert_eq!(sim.node(1).task_count(), 0);
}

#[test]
fn a_future_that_cannot_go_on_is_reported() {
    let sim = Sim::new(1);
    let stalled = sim.block_on(1, Duration::from_secs(1), std::future::pending::<()>());
    assert_eq!(stalled, Err(Stalled { at: sim.now() }));
}

#[test]
#[should_panic(expected = "the clock cannot move")]
fn a_livelock_is_reported() {
    let sim = Sim::new(1);
    let _ = sim.block_on(1, Duration::from_secs(1), async {
        loop {
            yield_now().await;
        }
    });
}

#[test]
fn a_timer_that_was_dropped_does_not_move_the_clock() {
    let sim = Sim::new(1);
    sim.block_on(1, Duration::from_secs(60), async {
        let late = konsul_runtime::time::timeout(Duration::from_secs(50), sleep(Duration::from_millis(1)));
        late.await.unwrap();
    })
    .unwrap();
    while sim.step() {}
    assert_eq!(sim.now().as_nanos(), 1_000_000);
}

#[test]
fn a_paused_node_does_nothing_and_goes_on_where_it_was() {
    let sim = Sim::new(5);
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = count.clone();
    drop(sim.node(1).spawn(async move {
        loop {
            konsul_runtime::time::sleep(Duration::from_millis(10)).await;
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }));
    sim.run_for(Duration::from_millis(55));
    sim.set_paused(1, true);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 5);
    sim.set_paused(1, false);
    sim.run_for(Duration::from_millis(15));
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 7);
}

#[test]
fn a_kill_can_fall_between_a_batch_and_its_finish() {
    #[derive(Default)]
    struct Log {
        written: u32,
        synced: u32,
    }
    let torn = (0..200).filter(|seed| {
        let sim = Sim::new(*seed);
        let log = Arc::new(Mutex::new(Log::default()));
        let object = log.clone();
        drop(sim.node(1).spawn(async move {
            let finish = |log: &mut Arc<Mutex<Log>>| {
                let mut log = log.lock().unwrap();
                log.synced = log.written;
            };
            let worker = Worker::start("disk", object, 8, finish).unwrap();
            loop {
                worker.call(|log| log.lock().unwrap().written += 1).await.unwrap();
            }
        }));
        sim.run_for(Duration::from_micros(5000 + seed * 37));
        sim.kill(1);
        sim.run_for(Duration::from_secs(1));
        let log = log.lock().unwrap();
        log.synced < log.written
    });
    assert!((20..180).contains(&torn.count()), "some kills tear a batch, others do not");
}
