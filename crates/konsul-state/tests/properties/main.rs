//! Random histories over a small world, held against a simple model and against the promises of the state.
//!
//! A failure is shrunk and kept in `regressions.txt` beside this file, and tried first from then on.

mod catalogue;
mod history;
mod indexes;
mod model;
mod past;
mod run;
mod words;

use proptest::prelude::{ProptestConfig, Strategy, TestCaseError, any, proptest};
use proptest::sample::Index;
use proptest::test_runner::FileFailurePersistence;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/properties/regressions.txt",
        ))),
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

/// A snapshot of what a history leaves, with one bit flipped, must not be read.
fn damage(history: &[history::Entry], place: Index, bit: u8) -> Result<(), String> {
    let (_, state) = run::finish(history)?;
    let mut chunks: Vec<Vec<u8>> = state.chunks().collect();
    let number = place.index(chunks.len());
    let byte = place.index(chunks[number].len());
    chunks[number][byte] ^= 1 << bit;
    match run::read(&chunks) {
        Ok(_) => Err(format!("bit {bit} of byte {byte} of chunk {number} was not missed")),
        Err(_) => Ok(()),
    }
}

/// A generator that meets nothing proves nothing.
#[test]
fn histories_come_by_everything() {
    let mut all = run::Marks::new();
    for seed in 0..150 {
        let history = history::of_seed(seed);
        for (mark, count) in run::check(&history).unwrap_or_else(|why| panic!("seed {seed}: {why}")) {
            *all.entry(mark).or_default() += count;
        }
    }
    let wanted = "stale index,lock held,lock delay,not the holder,unknown session,session exists,missing node,\
        missing check,critical check,request expired,superseded,locked key,equal put,put,committed,rolled back,\
        session expired,key expired,grace,reaped,restored,renewed,lost locks,repeat";
    let missing: Vec<_> = wanted.split(',').filter(|mark| !all.contains_key(*mark)).collect();
    assert!(missing.is_empty(), "never: {missing:?}, of {all:?}");
}

proptest! {
    #![proptest_config(config(120))]

    #[test]
    fn histories_keep_every_promise(history in history::histories(60)) {
        run::check(&history).map(drop).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn the_catalogue_is_what_was_registered(steps in catalogue::steps()) {
        catalogue::check(&steps).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn old_values_are_those_that_were_there(entries in past::entries()) {
        past::check(&entries).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn names_are_those_of_the_plain_computation(case in words::cases()) {
        words::check(&case).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn a_prefix_ends_where_nothing_begins_with_it(prefix in words::texts(), other in words::texts()) {
        words::check_end(&prefix, &other).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = konsul_types::Proposal::decode(&bytes);
        let _ = konsul_state::Restorer::new().chunk(&bytes);
    }

    #[test]
    fn a_damaged_snapshot_is_refused(
        history in history::histories(12).prop_filter("some state", |steps| steps.len() > 4),
        place in any::<Index>(),
        bit in 0u8..8,
    ) {
        damage(&history, place, bit).map_err(TestCaseError::fail)?;
    }
}
