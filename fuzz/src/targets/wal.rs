//! The reader of log segments, and the decision whether a tail is torn or rotten.
//!
//! Input: a byte of switches, a piece that is the first segment (empty for none), and the last segment.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use konsul_storage::vfs::sim::SimDisk;
use konsul_storage::{
    DiskOptions, DiskStorage, Entry, EntryKind, LogId, Storage, StorageError, Vfs, Vote, inspect,
};

use crate::bounds::Bounds;
use crate::input::{Input, push_piece};
use crate::{Target, seal};

/// The target.
pub static TARGET: Target = Target {
    name: "wal",
    about: "log segments: frames, torn and rotten tails, recovery",
    input_bytes_max: 12 * 1024,
    // A segment is read whole, and recovery writes its tail again into a fresh one.
    bounds: Bounds { base_bytes: 4 << 20, bytes_per_byte: 64 },
    run,
    seeds,
};

/// Checksums, numbers and offsets are set right first.
const SEALED: u8 = 1;
/// The last segment's head is made to follow the one before it.
const JOINED: u8 = 2;

const DIR: &str = "/data";

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let switches = input.byte();
    let mut segments: Vec<Vec<u8>> = [input.piece(), input.rest()].map(<[u8]>::to_vec).into();
    segments.retain(|segment| !segment.is_empty());
    if switches & SEALED != 0 {
        seal_all(&mut segments, switches & JOINED != 0);
    }
    let disk = disk_with(&segments);
    let survey =
        inspect::verify(disk.vfs(), Path::new(DIR)).expect("damage is part of the answer, not an error");
    let whole = survey.problems().next().is_none();
    let Ok(store) = open(&disk) else { return };
    assert!(whole, "a start took what `verify` calls damaged:\n{survey}");
    let found = Contents::of(&store);
    drop(store);
    go_on(&disk, &found);
}

/// What was recovered is there again at the next start, and can be written on.
fn go_on(disk: &SimDisk, found: &Contents) {
    let mut store = open(disk).expect("what was recovered opens again");
    assert_eq!(&Contents::of(&store), found, "two starts found different things");
    let Some(next) = found.bounds.1.index.checked_add(1).filter(|next| *next < u64::MAX) else { return };
    let entry = Entry {
        id: LogId { term: found.bounds.1.term, index: next },
        kind: EntryKind::Command,
        payload: Bytes::from_static(b"next"),
    };
    store.append(std::slice::from_ref(&entry)).expect("a recovered log is written on");
    store.sync().expect("no fault is injected");
    drop(store);
    let store = open(disk).expect("what was written on opens");
    assert_eq!(store.read(next, next + 1).expect("it can be read"), [entry]);
}

#[derive(Debug, PartialEq, Eq)]
struct Contents {
    vote: Option<Vote>,
    bounds: (LogId, LogId),
    entries: Vec<Entry>,
}

impl Contents {
    fn of(store: &DiskStorage) -> Contents {
        let bounds = store.log_bounds();
        let from = bounds.0.index.saturating_add(1);
        let entries =
            store.read(from, bounds.1.index.saturating_add(1)).expect("a log that opened can be read");
        Contents { vote: store.vote(), bounds, entries }
    }
}

fn seal_all(segments: &mut [Vec<u8>], joined: bool) {
    let mut end = None;
    for (segment, number) in segments.iter_mut().zip(1..) {
        if let Some(end) = end.filter(|_| joined) {
            seal::wal::put_previous_end(segment, end);
        }
        end = Some(seal::wal::seal(segment, number));
    }
}

fn open(disk: &SimDisk) -> Result<DiskStorage, StorageError> {
    DiskStorage::open(disk.vfs(), Path::new(DIR), DiskOptions::small())
}

fn disk_with(segments: &[Vec<u8>]) -> SimDisk {
    let disk = SimDisk::new(1);
    let vfs = disk.vfs();
    vfs.create_dir(Path::new(DIR)).expect("an empty disk takes a directory");
    for (segment, number) in segments.iter().zip(1u64..) {
        put_file(&vfs, &format!("log-{number:016}.wal"), segment);
    }
    disk
}

/// Puts a durable file into the data directory.
pub(super) fn put_file(vfs: &Arc<dyn Vfs>, name: &str, bytes: &[u8]) {
    let file = vfs.create(&Path::new(DIR).join(name)).expect("an empty disk takes a file");
    let mut at = 0;
    while at < bytes.len() {
        at += file.write_at(at as u64, &bytes[at..]).expect("the disk has room");
    }
    file.sync_data().expect("no fault is injected");
    vfs.sync_dir(Path::new(DIR)).expect("no fault is injected");
}

fn seeds() -> Vec<Vec<u8>> {
    let histories: [fn(&mut DiskStorage); 4] = [short, of_every_kind, two_segments, torn];
    histories.iter().flat_map(|history| seeds_of(*history)).collect()
}

/// One history as it is on disk, sealed anew and as it is.
fn seeds_of(history: fn(&mut DiskStorage)) -> [Vec<u8>; 2] {
    let disk = SimDisk::new(1);
    let mut store = open(&disk).expect("a new directory opens");
    history(&mut store);
    drop(store);
    let segments: Vec<Vec<u8>> = (1..=2u64).filter_map(|number| segment(&disk, number)).collect();
    let (first, last) = match &segments[..] {
        [first, last] => (first.as_slice(), last.as_slice()),
        [only] => (b"".as_slice(), only.as_slice()),
        _ => unreachable!("a history leaves one segment or two"),
    };
    [0, SEALED | JOINED].map(|switches| {
        let mut input = vec![switches];
        push_piece(&mut input, first);
        input.extend_from_slice(last);
        input
    })
}

/// A segment without most of its trailing zeros.
fn segment(disk: &SimDisk, number: u64) -> Option<Vec<u8>> {
    let mut bytes = disk.bytes(&Path::new(DIR).join(format!("log-{number:016}.wal")))?;
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate((used + 64).next_multiple_of(512));
    Some(bytes)
}

fn entries(from: u64, count: u64, payload: usize) -> Vec<Entry> {
    let entry = |index| Entry {
        id: LogId { term: 2, index },
        kind: if index == 1 { EntryKind::Membership } else { EntryKind::Command },
        payload: Bytes::from(vec![index as u8; payload]),
    };
    (from..from + count).map(entry).collect()
}

fn short(store: &mut DiskStorage) {
    store.save_vote(Vote { term: 2, voted_for: Some(1), committed: true }).expect("no fault");
    store.append(&entries(1, 2, 40)).expect("no fault");
    store.sync().expect("no fault");
}

fn of_every_kind(store: &mut DiskStorage) {
    short(store);
    store.append(&entries(3, 3, 700)).expect("no fault");
    store.truncate(5).expect("no fault");
    store.append(&entries(5, 1, 0)).expect("no fault");
    store.save_vote(Vote { term: 3, voted_for: None, committed: false }).expect("no fault");
}

fn two_segments(store: &mut DiskStorage) {
    short(store);
    for group in 0..4 {
        store.append(&entries(3 + group * 2, 2, 500)).expect("no fault");
        store.sync().expect("no fault");
    }
}

fn torn(store: &mut DiskStorage) {
    short(store);
    store.append(&entries(3, 2, 900)).expect("no fault");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sealing what the engine wrote changes nothing: both know the same format.
    #[test]
    fn sealing_a_whole_segment_changes_nothing() {
        for seed in seeds() {
            let mut input = Input::new(&seed);
            input.byte();
            let mut segments: Vec<Vec<u8>> = [input.piece(), input.rest()].map(<[u8]>::to_vec).into();
            segments.retain(|segment| !segment.is_empty());
            let before = segments.clone();
            seal_all(&mut segments, true);
            assert!(segments == before, "a segment came out other than the engine wrote it");
            open(&disk_with(&segments)).expect("a seed is a log");
        }
    }

    #[test]
    fn a_sealed_mutation_is_read_and_an_unsealed_one_is_not() {
        let [raw, sealed] = seeds_of(short);
        // The term of the first frame, behind the segment's head.
        let at = 3 + 512 + 24;
        for (mut input, opens) in [(raw, false), (sealed, true)] {
            input[at] ^= 4;
            let mut segments = vec![input[3..].to_vec()];
            if opens {
                seal_all(&mut segments, true);
            }
            assert_eq!(open(&disk_with(&segments)).is_ok(), opens);
        }
    }
}
