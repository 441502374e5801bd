//! The disk engine on a disk that fails at every single call.

use konsul_storage::DiskOptions;
use konsul_storage::conformance::{crash, faults, history};

/// The seeds of random histories. `KONSUL_STORAGE_SEEDS=200` runs more of them, `KONSUL_STORAGE_SEED=7` that
/// one only.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number =
        |name| std::env::var(name).ok().map(|text: String| text.parse::<u64>().expect("a number of seeds"));
    match number("KONSUL_STORAGE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("KONSUL_STORAGE_SEEDS").unwrap_or(usual),
    }
}

#[test]
fn a_scripted_life_survives_a_crash_at_every_call() {
    let report = crash::at_every_call(&history::scripted(), &DiskOptions::small(), 1)
        .unwrap_or_else(|e| panic!("{e}"));
    println!("{report:?}");
    assert!(
        report.calls > 100 && report.lost > 50 && report.crashed_twice > 50,
        "{report:?} proves too little"
    );
}

#[test]
fn a_full_disk_at_every_call_is_survived() {
    let report = faults::full_at_every_call(&history::scripted(), &DiskOptions::small(), 1)
        .unwrap_or_else(|e| panic!("{e}"));
    println!("{report:?}");
    assert!(report.points > 100, "{report:?} proves too little");
}

#[test]
fn a_failed_sync_at_every_call_is_survived() {
    let report = faults::failed_sync_at_every_call(&history::scripted(), &DiskOptions::small(), 1)
        .unwrap_or_else(|e| panic!("{e}"));
    println!("{report:?}");
    assert!(report.points > 100, "{report:?} proves too little");
}

#[test]
fn random_lives_survive_a_crash_at_every_call() {
    let (mut points, mut lost) = (0, 0);
    for seed in seeds(8) {
        let history = history::random(seed, 25);
        let report = crash::at_every_call(&history, &DiskOptions::small(), seed)
            .unwrap_or_else(|e| panic!("history {seed}, {e}\n{history:#?}"));
        points += report.points;
        lost += report.lost;
    }
    println!("{points} runs, {lost} of which lost something");
    assert!(points > 300 && lost > 100);
}

#[test]
fn random_lives_survive_full_disks_and_failed_syncs() {
    for seed in seeds(6) {
        let history = history::random(seed, 25);
        let options = DiskOptions::small();
        faults::full_at_every_call(&history, &options, seed)
            .unwrap_or_else(|e| panic!("full, history {seed}, {e}"));
        faults::failed_sync_at_every_call(&history, &options, seed)
            .unwrap_or_else(|e| panic!("sync, history {seed}, {e}"));
    }
}
