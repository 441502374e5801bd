//! Any history of publishing, parking, following, cutting and resetting keeps the promises of the crate's
//! head.

mod common;

use common::model::{World, steps, tight};
use konsul_watch::FeedLimits;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn promises_hold_in_a_history_that_overflows(steps in steps()) {
        World::new(tight()).run(steps).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn promises_hold_in_a_history_that_does_not(steps in steps()) {
        let mut world = World::new(FeedLimits::default());
        world.run(steps).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn the_histories_meet_what_they_are_about() {
    let mut runner = TestRunner::deterministic();
    let (mut batches, mut fell_out, mut replaced, mut wakes, mut from_history) = (0, 0, 0, 0, 0);
    for _ in 0..200 {
        let mut world = World::new(tight());
        world.run(steps().new_tree(&mut runner).unwrap().current()).unwrap();
        batches += world.seen.batches;
        fell_out += world.seen.fell_out;
        replaced += world.seen.replaced;
        wakes += world.seen.wakes;
        from_history += world.seen.wakes_from_history;
    }
    let met = [batches, fell_out, replaced, wakes, from_history];
    assert!(met.iter().all(|&count| count >= 20), "{met:?}");
}
