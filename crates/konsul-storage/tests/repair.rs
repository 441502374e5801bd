//! Inspection tells what is there; repair makes a refused directory start again and says what that costs.

mod support;

use std::path::Path;

use konsul_storage::conformance::crash::DIR;
use konsul_storage::conformance::history::{entry, scripted, snapshot};
use konsul_storage::conformance::model::Action;
use konsul_storage::inspect::{Condition, inspect, repair, verify};
use konsul_storage::vfs::sim::{RebootPolicy, SimDisk, rng::Rng};
use konsul_storage::{DiskStorage, LogId, Storage, StorageError};
use support::{lived, open, path};

fn contents(disk: &SimDisk) -> Vec<(String, Option<Vec<u8>>)> {
    disk.sizes(Path::new(DIR)).into_iter().map(|(name, _)| (name.clone(), disk.bytes(&path(&name)))).collect()
}

#[test]
fn a_whole_directory_is_told_record_for_record() {
    let (disk, model) = lived(&scripted());
    let before = contents(&disk);
    let report = verify(disk.vfs(), Path::new(DIR)).expect("readable");
    assert_eq!(report.problems().count(), 0, "{report}");
    assert_eq!((report.vote, report.purged, report.last), (model.vote, model.purged, model.last));
    let entries: u64 = report.segments.iter().map(|s| s.entries).sum();
    assert!(entries >= 4, "{report}");
    assert_eq!(
        report.snapshots.iter().map(|s| (s.last.index, s.chunks)).collect::<Vec<_>>(),
        [(30, Some(3)), (60, Some(3))]
    );
    let text = report.to_string();
    assert!(
        text.contains("vote: node 1 in term 6") && text.contains("entries after 5.60 up to 5.64"),
        "{text}"
    );
    let repair = repair(disk.vfs(), Path::new(DIR), false).expect("nothing to do");
    assert!(repair.steps.is_empty() && repair.lost.is_empty(), "{repair}");
    assert_eq!(contents(&disk), before);
}

#[test]
fn inspection_works_beside_a_running_node() {
    let disk = SimDisk::new(1);
    let mut store = open(&disk).expect("open");
    store.append(&[entry(1, 1, 9)]).expect("append");
    assert_eq!(inspect(disk.vfs(), Path::new(DIR)).expect("no lock is needed").last.index, 1);
    assert!(matches!(repair(disk.vfs(), Path::new(DIR), false), Err(StorageError::Locked { .. })));
}

#[test]
fn an_unfinished_write_is_no_damage() {
    let disk = SimDisk::new(1);
    let mut store = open(&disk).expect("open");
    store.append(&[entry(1, 1, 900)]).expect("append");
    store.sync().expect("sync");
    store.append(&[entry(1, 2, 900)]).expect("append");
    disk.reboot(RebootPolicy::TornLastSector);
    let report = verify(disk.vfs(), Path::new(DIR)).expect("readable");
    assert!(
        matches!(report.segments[0].condition, Condition::Unfinished { .. } | Condition::Whole),
        "{report}"
    );
    assert!(repair(disk.vfs(), Path::new(DIR), true).expect("plan").steps.is_empty());
}

/// Whatever is damaged: if the start is refused, repair says what it would do and touches nothing; then does
/// it; then the start succeeds, with nothing that never was, and goes on.
#[test]
fn any_damage_that_stops_the_start_can_be_repaired() {
    let (mut repaired, mut rng) = (0, Rng::new(11));
    for round in 0..400 {
        let (disk, model) = lived(&scripted()[..36 - round % 14]);
        damage(&disk, &mut rng, round);
        let Err(refusal) = open(&disk) else { continue };
        if matches!(refusal, StorageError::NewerFormat { .. }) {
            assert!(matches!(
                repair(disk.vfs(), Path::new(DIR), false),
                Err(StorageError::NewerFormat { .. })
            ));
            continue;
        }
        assert!(matches!(refusal, StorageError::Corrupt { .. }), "{refusal}");
        let before = contents(&disk);
        let plan = repair(disk.vfs(), Path::new(DIR), true)
            .unwrap_or_else(|e| panic!("round {round}, {refusal}: {e}"));
        assert_eq!(contents(&disk), before, "a dry run touches nothing");
        assert!(!plan.steps.is_empty() && !plan.lost.is_empty(), "round {round}, {refusal}: {plan}");
        let done = repair(disk.vfs(), Path::new(DIR), false).expect("as planned");
        assert_eq!(done.lost, plan.lost);
        disk.reboot(RebootPolicy::LoseAll);
        let mut store = open(&disk).unwrap_or_else(|e| panic!("round {round}, {refusal}; {done}; {e}"));
        for found in store.read(0, u64::MAX).expect("read") {
            let index = found.id.index;
            assert!(history_has(&found), "round {round}: entry {index} never was\n{done}");
        }
        assert!(store.log_bounds().1.index <= model.last.index || store.log_bounds().1.index == 60);
        go_on(&disk, &mut store);
        repaired += 1;
    }
    println!("{repaired} repairs");
    assert!(repaired > 150);
}

fn history_has(entry: &konsul_storage::Entry) -> bool {
    scripted().iter().any(|action| matches!(action, Action::Append(entries) if entries.contains(entry)))
}

fn go_on(disk: &SimDisk, store: &mut DiskStorage) {
    let next = store.log_bounds().1.index + 1;
    store.append(&[entry(9, next, 100), entry(9, next + 1, 100)]).expect("append");
    store.sync().expect("sync");
    disk.reboot(RebootPolicy::LoseAll);
    assert_eq!(open(disk).expect("open").log_bounds().1, LogId { term: 9, index: next + 1 });
}

fn damage(disk: &SimDisk, rng: &mut Rng, round: usize) {
    let files: Vec<_> =
        disk.sizes(Path::new(DIR)).into_iter().filter(|(n, len)| *len > 0 && n.contains("log-0")).collect();
    let (name, len) = &files[rng.below(files.len() as u64) as usize];
    if round.is_multiple_of(7) && files.len() > 1 {
        disk.vfs().remove(&path(name)).expect("remove");
    } else {
        let used = if round.is_multiple_of(5) { 512 } else { *len };
        disk.flip_bit(&path(name), rng.below(used), rng.below(8) as u8);
    }
    disk.vfs().sync_dir(Path::new(DIR)).expect("sync");
}

#[test]
fn an_interrupted_repair_is_done_by_the_next_one() {
    for call in 1..40 {
        let (disk, _) = lived(&scripted()[..16]);
        disk.flip_bit(&path("log-0000000000000001.wal"), 700, 1);
        disk.crash_at(disk.calls() + call);
        let finished = repair(disk.vfs(), Path::new(DIR), false).is_ok();
        disk.reboot(RebootPolicy::RandomSubset);
        if !finished {
            repair(disk.vfs(), Path::new(DIR), false).unwrap_or_else(|e| panic!("call {call}: {e}"));
            disk.reboot(RebootPolicy::LoseAll);
        }
        let mut store = open(&disk).unwrap_or_else(|e| panic!("call {call}: {e}"));
        go_on(&disk, &mut store);
        if finished {
            return;
        }
    }
    panic!("the repair never finished");
}

#[test]
fn a_vote_behind_the_damage_is_kept() {
    let (disk, model) = lived(&scripted()[..16]);
    disk.flip_bit(&path("log-0000000000000001.wal"), 512 + 64 + 60, 1);
    assert!(open(&disk).is_err());
    repair(disk.vfs(), Path::new(DIR), false).expect("repair");
    let store = open(&disk).expect("open");
    assert_eq!(store.vote(), model.vote, "the vote stood behind the damage, and could still be read");
    assert_eq!(store.log_bounds().1, LogId::default());
}

#[test]
fn damaged_snapshots_are_set_aside() {
    let mut history: Vec<Action> =
        vec![Action::Append((1..=40).map(|index| entry(1, index, 100)).collect()), Action::Sync];
    history.extend([snapshot(LogId { term: 1, index: 20 }, 1), snapshot(LogId { term: 1, index: 30 }, 2)]);
    let (disk, _) = lived(&history);
    let names: Vec<String> = disk
        .sizes(Path::new(DIR))
        .into_iter()
        .map(|(n, _)| n)
        .filter(|n| n.starts_with("snapshot"))
        .collect();
    names.iter().for_each(|name| disk.flip_bit(&path(name), 150, 2));
    let report = verify(disk.vfs(), Path::new(DIR)).expect("readable");
    assert_eq!(report.problems().map(|(file, _)| file).collect::<Vec<_>>(), names);
    let done = repair(disk.vfs(), Path::new(DIR), false).expect("the log alone is enough");
    assert_eq!(done.steps.len(), 2, "{done}");
    let store = open(&disk).expect("open");
    assert_eq!((store.log_bounds().1.index, store.read(0, 99).expect("read").len()), (40, 40));
}

#[test]
fn what_cannot_be_repaired_is_told() {
    let (disk, _) = lived(&scripted());
    for (name, _) in disk.sizes(Path::new(DIR)) {
        if name.starts_with("snapshot") {
            disk.vfs().remove(&path(&name)).expect("remove");
        }
    }
    let refusal = repair(disk.vfs(), Path::new(DIR), true).expect_err("entries up to 60 are nowhere");
    assert!(refusal.to_string().contains("Restore a backup"), "{refusal}");
}
