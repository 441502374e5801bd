//! Bugs on purpose: each must be seen by the suites of this crate. Run with `--features mutants`; prints how
//! long each stayed hidden.
#![cfg(feature = "mutants")]

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use konsul_storage::conformance::crash::{self, DIR, Failure, Report};
use konsul_storage::conformance::{faults, history, model};
use konsul_storage::vfs::sim::{SimDisk, rng::Rng};
use konsul_storage::{DiskOptions, mutants};

/// The switch is one for the whole process, so tests take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

type Outcome = Result<Report, Box<Failure>>;

/// Runs a suite on one random history after another until it fails. Answers histories and runs that it took.
fn hunt(mutant: u32, suite: impl Fn(&[model::Action], u64) -> Outcome) -> Option<(u64, u64, String)> {
    let mut runs = 0;
    for seed in 0..50 {
        let history = if seed == 0 { history::scripted() } else { history::random(seed, 25) };
        mutants::select(mutant);
        let outcome = suite(&history, seed);
        mutants::select(0);
        match outcome {
            Ok(report) => runs += report.points,
            Err(failure) => return Some((seed + 1, runs + failure.points, failure.to_string())),
        }
    }
    None
}

fn crashes(history: &[model::Action], seed: u64) -> Outcome {
    crash::at_every_call(history, &DiskOptions::small(), seed)
}

#[track_caller]
fn caught_by_crashes(mutant: u32, name: &str) -> String {
    let _turn = turn();
    tell(mutant, name, hunt(mutant, crashes))
}

#[track_caller]
fn tell(mutant: u32, name: &str, caught: Option<(u64, u64, String)>) -> String {
    let (histories, runs, how) = caught.unwrap_or_else(|| panic!("mutant {mutant}, {name}, was not seen"));
    format!("mutant {mutant:2}, {name}: {histories} histories, {runs} runs; {how}")
}

#[test]
fn no_mutant_is_no_failure() {
    let _turn = turn();
    mutants::select(0);
    for seed in [0, 1] {
        crashes(&history::random(seed, 25), seed).unwrap_or_else(|e| panic!("{e}"));
    }
    assert_eq!(hunt_flips(0, ".", 400), None);
}

#[test]
fn ack_before_sync() {
    println!("{}", caught_by_crashes(mutants::ACK_BEFORE_SYNC, "a sync answers without having synced"));
}

#[test]
fn vote_before_durable() {
    println!(
        "{}",
        caught_by_crashes(mutants::VOTE_BEFORE_DURABLE, "a vote is answered before it is durable")
    );
}

#[test]
fn no_directory_sync() {
    println!(
        "{}",
        caught_by_crashes(mutants::NO_DIRECTORY_SYNC, "the directory is not synced after a rename")
    );
}

#[test]
fn last_frame_dropped() {
    println!(
        "{}",
        caught_by_crashes(mutants::LAST_FRAME_DROPPED, "recovery drops the last frame of each segment")
    );
}

#[test]
fn truncate_forgotten() {
    println!("{}", caught_by_crashes(mutants::TRUNCATE_FORGOTTEN, "a truncation does not reach the disk"));
}

#[test]
fn reused_segment_revives() {
    println!(
        "{}",
        caught_by_crashes(
            mutants::REUSED_SEGMENT_REVIVES,
            "an old frame in a reused segment is taken for a new one"
        )
    );
}

#[test]
fn sync_error_ignored() {
    let _turn = turn();
    let suite = |history: &[model::Action], seed| {
        faults::failed_sync_at_every_call(history, &DiskOptions::small(), seed)
    };
    let caught = hunt(mutants::SYNC_ERROR_IGNORED, suite);
    println!("{}", tell(mutants::SYNC_ERROR_IGNORED, "the first failed sync is taken for a success", caught));
}

#[test]
fn corrupt_frame_skipped() {
    let _turn = turn();
    let caught = hunt_flips(mutants::CORRUPT_FRAME_SKIPPED, ".wal", 2000);
    println!("{}", tell(mutants::CORRUPT_FRAME_SKIPPED, "recovery skips a damaged frame", caught));
}

#[test]
fn snapshot_unchecked() {
    let _turn = turn();
    let caught = hunt_flips(mutants::SNAPSHOT_UNCHECKED, ".snap", 2000);
    println!("{}", tell(mutants::SNAPSHOT_UNCHECKED, "a snapshot's checksums are not looked at", caught));
}

/// Flips bits in files until a store starts with something else than what was written.
fn hunt_flips(mutant: u32, files: &str, most: u64) -> Option<(u64, u64, String)> {
    let mut rng = Rng::new(7);
    mutants::select(mutant);
    let caught = (1..=most).find_map(|flip| flipped(files, &mut rng).err().map(|how| (1, flip, how)));
    mutants::select(0);
    caught
}

fn flipped(files: &str, rng: &mut Rng) -> Result<(), String> {
    let (disk, options) = (SimDisk::new(1), DiskOptions::small());
    let mut model = model::Model::default();
    let mut store = crash::open(&disk, &options).map_err(|e| e.to_string())?;
    for action in history::scripted() {
        action.run(&mut store).map_err(|e| e.to_string())?;
        model.apply(&action);
    }
    drop(store);
    let names: Vec<_> =
        disk.sizes(Path::new(DIR)).into_iter().filter(|(n, len)| n.contains(files) && *len > 0).collect();
    let (name, len) = &names[rng.below(names.len() as u64) as usize];
    let (offset, bit) = (rng.below(*len), rng.below(8) as u8);
    disk.flip_bit(&Path::new(DIR).join(name), offset, bit);
    match crash::open(&disk, &options) {
        Ok(store) => model.check(&store).map_err(|e| format!("{name}, byte {offset}, bit {bit}: {e}")),
        Err(_) => Ok(()),
    }
}
