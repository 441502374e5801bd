//! A node in virtual time, on the simulated disk, with power cuts.

mod common;

use common::history::{Run, play};

const SEEDS: u64 = 12;
const LIVES: u64 = 5;

#[test]
fn power_cuts_lose_nothing_that_was_acknowledged_and_seeds_replay() {
    let mut total = Run::default();
    for seed in 0..SEEDS {
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
    assert!(
        total.unknown > 20,
        "power cuts must catch writes under way: {total:?}"
    );
    assert!(
        total.snapshots > 5,
        "some lives must begin with a snapshot: {total:?}"
    );
}
