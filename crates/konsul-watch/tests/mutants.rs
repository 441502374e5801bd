//! The model catches the bugs that are put in by hand. One test, because the choice holds for the whole
//! process.

// Helpers of tests, which clippy sees only in functions that are marked as tests.
#![allow(clippy::unwrap_used)]

mod common;

use common::model::{World, steps, tight};
use konsul_watch::mutants::{DROPS_SILENTLY, REGISTERED_AFTER_READ, select};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// How many histories it takes until one breaks a promise.
fn histories_to_catch(mutant: u32, at_most: usize) -> Option<usize> {
    select(mutant);
    let mut runner = TestRunner::deterministic();
    let caught = (1..=at_most).find(|_| {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        World::new(tight()).run(steps).is_err()
    });
    select(0);
    caught
}

#[test]
fn each_mutant_is_caught_and_the_original_is_not() {
    assert_eq!(histories_to_catch(0, 300), None);
    for mutant in [REGISTERED_AFTER_READ, DROPS_SILENTLY] {
        let caught = histories_to_catch(mutant, 50);
        println!("mutant {mutant}: caught by history {caught:?}");
        assert!(caught.is_some(), "mutant {mutant} survives 50 histories");
    }
}
