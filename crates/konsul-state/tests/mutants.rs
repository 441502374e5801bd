//! Bugs that are put in by hand: each must be caught by the random histories, and how many seeds that took is printed.
//!
//! One test, because a bug is in for the whole process.

#[path = "properties/history.rs"]
mod history;
#[path = "properties/indexes.rs"]
mod indexes;
#[path = "properties/model.rs"]
mod model;
#[path = "properties/run.rs"]
mod run;

use std::panic::catch_unwind;

use konsul_state::mutants;

/// More seeds than any of them may take.
const MOST: u64 = 2_000;

const ALL: [(u32, &str); 7] = [
    (mutants::REQUESTS_NOT_IN_SNAPSHOT, "request ids are not in the snapshot"),
    (mutants::REQUESTS_BY_OWN_CLOCK, "request ids are dropped by each replica's own clock"),
    (mutants::HASH_ORDER, "the order of a hash map decides"),
    (mutants::EXPIRY_WITHOUT_RENEWAL, "an expiry is believed without its renewal number"),
    (mutants::NO_GRACE, "a new leader gives sessions no time"),
    (mutants::DELETE_KEEPS_INDEX, "removing a key does not raise the index of its prefix"),
    (mutants::RESTORE_IN_TWO, "a restore takes effect in two steps"),
];

#[test]
fn every_bug_is_caught() {
    for seed in 0..50 {
        run::check(&history::of_seed(seed)).unwrap_or_else(|why| panic!("without a bug, seed {seed}: {why}"));
    }
    for (number, what) in ALL {
        let (seeds, why) =
            catch(number).unwrap_or_else(|| panic!("mutant {number} ({what}) survived {MOST} seeds"));
        println!("mutant {number}, {what}: caught after {seeds} seeds: {}", last(&why));
    }
}

/// How many seeds it took, and what was seen.
fn catch(number: u32) -> Option<(u64, String)> {
    mutants::activate(number);
    let caught = (0..MOST).find_map(|seed| {
        let history = history::of_seed(seed);
        let seen = catch_unwind(|| run::check(&history)).unwrap_or_else(|_| Err("a panic".into()));
        seen.err().map(|why| (seed + 1, why))
    });
    mutants::activate(0);
    caught
}

/// The end of a message: the beginning names the step.
fn last(why: &str) -> String {
    why.rsplit_once("}: ").map_or(why, |(_, end)| end).chars().take(120).collect()
}
