//! Disks that lie: flipped bits, misdirected writes, missing files, newer formats, two processes. What is
//! damaged is refused with file and offset, or healed from what is left, never handed out.

mod support;

use std::path::Path;

use konsul_storage::conformance::crash::DIR;
use konsul_storage::conformance::history::{entry, scripted, snapshot};
use konsul_storage::conformance::model::Action;
use konsul_storage::vfs::sim::{RebootPolicy, SimDisk, rng::Rng};
use konsul_storage::{DiskOptions, DiskStorage, LogId, RealVfs, SnapshotMeta, Storage, StorageError, Vote};
use support::{lived, open, path};

fn options() -> DiskOptions {
    DiskOptions::small()
}

fn appended(groups: u64, per_group: u64) -> Vec<Action> {
    let mut history = vec![Action::Vote(Vote { term: 1, voted_for: Some(1), committed: true })];
    for group in 0..groups {
        let first = group * per_group + 1;
        history.push(Action::Append((first..first + per_group).map(|index| entry(1, index, 100)).collect()));
        history.push(Action::Sync);
    }
    history
}

#[track_caller]
fn corruption(answer: Result<DiskStorage, StorageError>) -> (String, u64, String) {
    match answer {
        Err(StorageError::Corrupt { path, offset, what }) => (path, offset, what),
        other => panic!("due: corrupt; found {other:?}"),
    }
}

#[test]
fn a_byte_flipped_in_the_middle_of_the_log_stops_the_start_with_file_and_offset() {
    let (disk, _) = lived(&appended(30, 2));
    let names: Vec<String> = disk.sizes(Path::new(DIR)).into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"log-0000000000000003.wal".to_string()), "{names:?}");
    // The second frame of the second segment: entries of 100 bytes take 160 with their frame, and this is in
    // the payload.
    let file = path("log-0000000000000002.wal");
    disk.flip_bit(&file, 512 + 160 + 90, 3);
    let (found, offset, what) = corruption(open(&disk));
    assert_eq!((found.as_str(), offset), (file.to_str().expect("text"), 512 + 160));
    assert!(
        what.contains("checksum") && what.contains("konsul storage repair") && what.contains("learner"),
        "{what}"
    );
    disk.flip_bit(&file, 512 + 160 + 90, 3);
    open(&disk).expect("the refusal touched nothing: with the bit back, the log is whole");
}

/// Flips every bit of the used part of every file, one at a time. A start either refuses, or finds exactly
/// what was there.
#[test]
fn no_flipped_bit_changes_what_is_read() {
    let (disk, model) = lived(&scripted());
    let (mut refused, mut harmless) = (0, 0);
    let mut rng = Rng::new(4);
    for (name, len) in disk.sizes(Path::new(DIR)) {
        let offsets: Vec<u64> = (0..len).filter(|_| rng.chance(2500)).collect();
        for offset in offsets {
            let bit = rng.below(8) as u8;
            disk.flip_bit(&path(&name), offset, bit);
            match open(&disk) {
                Ok(store) => {
                    model.check(&store).unwrap_or_else(|e| panic!("{name}, byte {offset}: {e}"));
                    harmless += 1;
                }
                Err(StorageError::Corrupt { .. } | StorageError::NewerFormat { .. }) => refused += 1,
                Err(e) => panic!("{name}, byte {offset}: {e}"),
            }
            // What was written at the damaged start must not be kept: the disk is made anew from the history.
            let (again, _) = lived(&scripted());
            restore(&disk, &again);
        }
    }
    println!("{refused} flips refused, {harmless} harmless");
    assert!(refused > 500 && harmless > 10);
}

/// Makes a disk's files those of another one.
fn restore(disk: &SimDisk, from: &SimDisk) {
    for (name, _) in from.sizes(Path::new(DIR)) {
        let bytes = from.bytes(&path(&name)).expect("a listed file");
        let vfs = disk.vfs();
        let file = vfs.create(&path(&name)).expect("create");
        assert_eq!(file.write_at(0, &bytes).expect("write"), bytes.len());
        file.sync_data().expect("sync");
    }
    disk.reboot(RebootPolicy::KeepAll);
}

#[test]
fn a_damaged_newest_snapshot_is_refused_and_the_older_one_with_the_log_takes_its_place() {
    let mut history = appended(30, 2);
    history.extend([snapshot(LogId { term: 1, index: 20 }, 1), snapshot(LogId { term: 1, index: 40 }, 2)]);
    history.push(Action::Purge(LogId { term: 1, index: 40 }));
    let (disk, _) = lived(&history);
    let newest = path("snapshot-0000000000000001-0000000000000040-2.snap");
    disk.flip_bit(&newest, 150, 5);
    let mut store = open(&disk).expect("the older snapshot and the log since are whole");
    assert_eq!(store.log_bounds(), (LogId { term: 1, index: 20 }, LogId { term: 1, index: 60 }));
    let (meta, _) = store.latest_snapshot().expect("no error").expect("there is one");
    assert_eq!(meta.last.index, 20);
    assert_eq!(store.read(0, 99).expect("read").len(), 40, "entries that had been purged are back");
    // Two whole snapshots later the damaged file is gone.
    snapshot(LogId { term: 1, index: 50 }, 3).run(&mut store).expect("snapshot");
    drop(store);
    assert_eq!(disk.bytes(&newest), None);
    assert_eq!(open(&disk).expect("open").latest_snapshot().expect("ok").expect("one").0.last.index, 50);
}

#[test]
fn a_damaged_snapshot_without_a_way_around_it_stops_the_start() {
    let mut history = appended(30, 2);
    history.extend([snapshot(LogId { term: 1, index: 40 }, 1), Action::Purge(LogId { term: 1, index: 40 })]);
    // A snapshot from elsewhere, and the log begun anew behind it: the older one cannot help.
    history
        .extend([snapshot(LogId { term: 2, index: 500 }, 2), Action::Purge(LogId { term: 2, index: 500 })]);
    let (disk, _) = lived(&history);
    let newest = path("snapshot-0000000000000002-0000000000000500-2.snap");
    disk.flip_bit(&newest, 170, 0);
    let (found, offset, what) = corruption(open(&disk));
    assert_eq!(found, newest.display().to_string());
    assert!(offset > 0 && what.contains("snapshot"), "{offset}: {what}");
}

#[test]
fn a_snapshot_that_rots_while_the_node_runs_is_not_handed_out() {
    let mut history = appended(30, 2);
    history.extend([snapshot(LogId { term: 1, index: 20 }, 1), snapshot(LogId { term: 1, index: 40 }, 2)]);
    let disk = SimDisk::new(1);
    let mut store = open(&disk).expect("open");
    history.iter().for_each(|action| action.run(&mut store).expect("run"));
    disk.flip_bit(&path("snapshot-0000000000000001-0000000000000040-2.snap"), 150, 5);
    assert_eq!(
        store.latest_snapshot().expect("no error").expect("one").0.last.index,
        20,
        "the log goes on from it"
    );
    store.purge(LogId { term: 1, index: 40 }).expect("purge");
    assert!(matches!(store.latest_snapshot().err(), Some(StorageError::Corrupt { .. })), "now it does not");
}

#[test]
fn a_misdirected_write_is_found_at_the_next_start() {
    let (mut found, mut rng) = (0, Rng::new(9));
    for round in 0..60 {
        let disk = SimDisk::new(round);
        let mut store = open(&disk).expect("open");
        for action in appended(6, 1) {
            action.run(&mut store).expect("run");
        }
        disk.misdirect_next_write(rng.below(40) as i64 * 8 - 160);
        let before = disk.marks().misdirected;
        Action::Append(vec![entry(1, 7, 100)]).run(&mut store).expect("the disk said that all was well");
        store.sync().expect("sync");
        assert_eq!(disk.marks().misdirected, before + 1);
        Action::Append(vec![entry(1, 8, 100)]).run(&mut store).expect("append");
        store.sync().expect("sync");
        drop(store);
        match open(&disk) {
            Err(StorageError::Corrupt { .. }) => found += 1,
            Ok(store) => {
                assert_eq!(store.read(7, 8).expect("read"), [entry(1, 7, 100)], "it went to its own place");
            }
            Err(e) => panic!("{e}"),
        }
    }
    assert!(found > 50, "{found} of 60");
}

#[test]
fn a_misdirected_write_is_found_when_it_is_read() {
    let disk = SimDisk::new(3);
    let mut store =
        DiskStorage::open(disk.vfs(), Path::new(DIR), DiskOptions { cache_bytes: 0, ..options() })
            .expect("open");
    disk.misdirect_next_write(512);
    Action::Append(vec![entry(1, 1, 100)]).run(&mut store).expect("the disk said that all was well");
    store.sync().expect("sync");
    assert!(matches!(store.read(1, 2), Err(StorageError::Corrupt { offset: 512, .. })));
}

#[test]
fn a_lost_write_is_found_once_something_was_written_behind_it() {
    let disk = SimDisk::new(3);
    let mut store = open(&disk).expect("open");
    disk.lose_next_write();
    for index in 1..=2 {
        Action::Append(vec![entry(1, index, 100)]).run(&mut store).expect("the disk said that all was well");
        store.sync().expect("sync");
    }
    drop(store);
    assert_eq!(disk.marks().lost_writes, 1);
    let (_, offset, what) = corruption(open(&disk));
    assert_eq!(offset, 512, "{what}");
}

#[test]
fn a_snapshot_that_does_not_read_back_does_not_exist() {
    for lost in [true, false] {
        let (disk, model) = lived(&appended(3, 2));
        let mut store = open(&disk).expect("open");
        let meta = SnapshotMeta { last: model.last, membership: "".into(), id: "bad".to_string() };
        let mut writer = store.begin_snapshot(meta).expect("begin");
        writer.write(&[5; 4000]).expect("write");
        if lost {
            disk.lose_next_write();
        } else {
            disk.misdirect_next_write(8);
        }
        assert!(matches!(writer.finish(), Err(StorageError::Corrupt { .. })));
        assert!(store.latest_snapshot().expect("no error").is_none());
        drop(store);
        disk.reboot(RebootPolicy::KeepAll);
        model.check(&open(&disk).expect("open")).expect("the log is as it was");
        snapshot(model.last, 2).run(&mut open(&disk).expect("open")).expect("the next one succeeds");
    }
}

#[test]
fn an_unreadable_sector_is_told_with_operation_and_path() {
    let (disk, _) = lived(&appended(30, 2));
    disk.break_sector(&path("log-0000000000000002.wal"), 2000);
    match open(&disk) {
        Err(StorageError::Io { operation: "read", path, .. }) => {
            assert!(path.contains("log-0000000000000002.wal"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_segment_is_refused_by_name() {
    let (disk, _) = lived(&appended(40, 2));
    let vfs = disk.vfs();
    vfs.remove(&path("log-0000000000000002.wal")).expect("remove");
    let (found, _, what) = corruption(open(&disk));
    assert!(found.ends_with("log-0000000000000002.wal") && what.contains("missing"), "{found}: {what}");
}

#[test]
fn a_missing_beginning_is_refused() {
    let (disk, _) = lived(&appended(40, 2));
    disk.vfs().remove(&path("log-0000000000000001.wal")).expect("remove");
    let (_, _, what) = corruption(open(&disk));
    assert!(what.contains("missing"), "{what}");
}

#[test]
fn a_log_that_is_gone_beside_its_snapshots_is_refused() {
    let mut history = appended(2, 2);
    history.push(snapshot(LogId { term: 1, index: 4 }, 1));
    let (disk, _) = lived(&history);
    disk.vfs().remove(&path("log-0000000000000001.wal")).expect("remove");
    let (_, _, what) = corruption(open(&disk));
    assert!(what.contains("vote is lost"), "{what}");
}

#[test]
fn a_newer_format_is_refused_untouched() {
    let mut history = appended(3, 2);
    history.push(snapshot(LogId { term: 1, index: 6 }, 1));
    for name in ["log-0000000000000001.wal", "snapshot-0000000000000001-0000000000000006-1.snap"] {
        let (disk, _) = lived(&history);
        disk.overwrite(&path(name), 8, &7u32.to_le_bytes());
        // Left-overs that a start of this version would remove.
        disk.vfs().create(&path("snapshot-x.tmp")).expect("create");
        let before: Vec<_> = disk.sizes(Path::new(DIR));
        match open(&disk) {
            Err(StorageError::NewerFormat { path, found: 7, known: 1 }) => assert!(path.ends_with(name)),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(disk.sizes(Path::new(DIR)), before);
    }
}

#[test]
fn two_processes_cannot_have_one_directory() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let open = || DiskStorage::open(std::sync::Arc::new(RealVfs), root.path(), options());
    let first = open().expect("open");
    match open() {
        Err(e @ StorageError::Locked { .. }) => {
            assert!(e.to_string().contains(&format!("(pid {})", std::process::id())), "{e}");
        }
        other => panic!("{other:?}"),
    }
    drop(first);
    open().expect("the lock goes with its holder");
}

#[test]
fn a_directory_that_cannot_be_used_is_told_with_operation_and_path() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let file = root.path().join("occupied");
    std::fs::write(&file, b"not a directory").expect("write");
    let refused = DiskStorage::open(std::sync::Arc::new(RealVfs), &file, options())
        .expect_err("a file is no directory");
    assert!(
        refused.to_string().contains("occupied") && refused.to_string().contains("directory"),
        "{refused}"
    );
}

#[test]
fn left_overs_of_an_unfinished_snapshot_are_removed_at_the_start() {
    let (disk, model) = lived(&appended(3, 2));
    for name in ["snapshot-half.tmp", "log-spare.tmp", "probe.tmp", "probe.done"] {
        disk.vfs().create(&path(name)).expect("create");
    }
    disk.vfs().create(&path("node-id")).expect("a file of another room");
    model.check(&open(&disk).expect("open")).expect("the log is whole");
    let names: Vec<String> = disk.sizes(Path::new(DIR)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["lock", "log-0000000000000001.wal", "node-id"]);
}

#[test]
fn a_new_directory_without_room_is_refused_and_an_old_one_opens_for_reading() {
    let disk = SimDisk::new(1);
    disk.set_capacity(Some(3000));
    assert!(matches!(open(&disk), Err(StorageError::Full { .. })));

    let (disk, model) = lived(&appended(10, 2));
    let used: u64 = disk.sizes(Path::new(DIR)).iter().map(|(_, len)| len).sum();
    disk.set_capacity(Some(used));
    let mut store = open(&disk).expect("reads go on");
    model.check(&store).expect("all is there");
    let mut index = 21;
    let full = loop {
        match store.append(&[entry(1, index, 500)]) {
            Ok(()) => index += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(full, StorageError::Full { .. }), "{full}");
    store.sync().expect("what was taken can be synced");
    assert_eq!(store.log_bounds().1.index, index - 1);
    disk.set_capacity(None);
    store.append(&[entry(1, index, 500)]).expect("there is room again");
    store.sync().expect("sync");
    drop(store);
    assert_eq!(open(&disk).expect("open").log_bounds().1.index, index);
}

#[test]
fn purging_makes_room_on_a_full_disk() {
    let mut history = appended(40, 2);
    history.extend([snapshot(LogId { term: 1, index: 60 }, 1), snapshot(LogId { term: 1, index: 70 }, 2)]);
    let disk = SimDisk::new(1);
    let mut store = open(&disk).expect("open");
    history.iter().for_each(|action| action.run(&mut store).expect("run"));
    let used: u64 = disk.sizes(Path::new(DIR)).iter().map(|(_, len)| len).sum();
    disk.set_capacity(Some(used));
    let mut index = 81;
    while store.append(&[entry(1, index, 500)]).is_ok() {
        index += 1;
    }
    store.purge(LogId { term: 1, index: 60 }).expect("a purge needs no room");
    store.append(&[entry(1, index, 500)]).expect("it made some");
    store.sync().expect("sync");
    drop(store);
    let store = open(&disk).expect("open");
    assert_eq!(store.log_bounds().1.index, index);
}

/// Two snapshots, the log since the older one, and two segments: more is never on disk, except while a third
/// snapshot is made.
#[test]
fn the_disk_is_bounded_by_what_is_needed() {
    for seed in 0..20 {
        let disk = SimDisk::new(seed);
        let mut rng = Rng::new(seed);
        let mut store = open(&disk).expect("open");
        let (mut last, mut older) = (0, 0);
        for step in 1..400 {
            let group: Vec<_> =
                (0..=rng.below(4)).map(|n| entry(1, last + 1 + n, rng.below(300) as usize)).collect();
            store.append(&group).expect("append");
            store.sync().expect("sync");
            last = store.log_bounds().1.index;
            if step % 25 == 0 {
                older = take_snapshot(&mut store, LogId { term: 1, index: last }, step).index;
                store.purge(LogId { term: u64::from(older > 0), index: older }).expect("purge");
            }
            let since_older: u64 =
                store.read(older + 1, last + 1).expect("read").iter().map(frame_bytes).sum();
            let usage = store.usage();
            let on_disk: u64 = disk.sizes(Path::new(DIR)).iter().map(|(_, len)| len).sum();
            assert_eq!(on_disk, usage.log_bytes + usage.snapshot_bytes, "usage counts every file");
            let heads = 512 * usage.segments;
            let bound = usage.snapshot_bytes + since_older + heads + 2 * u64::from(options().segment_bytes);
            assert!(
                on_disk <= bound,
                "seed {seed}, step {step}: {on_disk} bytes, {bound} are the most: {usage:?}"
            );
        }
    }
}

fn take_snapshot(store: &mut DiskStorage, last: LogId, serial: u64) -> LogId {
    let Action::Snapshot(meta, chunks) = snapshot(last, serial) else { unreachable!("it is one") };
    let mut writer = store.begin_snapshot(meta).expect("begin");
    chunks.iter().for_each(|chunk| writer.write(chunk).expect("write"));
    let finished = writer.finish().expect("finish");
    store.install_snapshot(finished).expect("install")
}

/// An entry's share of the log: its frame, and on average half a header of padding at a sector's end for each
/// sector.
fn frame_bytes(entry: &konsul_storage::Entry) -> u64 {
    let frame = (56 + entry.payload.len() as u64 + 1).next_multiple_of(8);
    frame + frame * 56 / 512
}
