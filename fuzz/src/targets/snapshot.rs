//! The reader of snapshot files.
//!
//! Input: a byte of switches, and the file.

use std::path::Path;
use std::sync::OnceLock;

use bytes::Bytes;
use konsul_storage::vfs::sim::SimDisk;
use konsul_storage::{DiskOptions, DiskStorage, LogId, SnapshotMeta, Storage, StorageError, inspect};

use super::wal::put_file;
use crate::bounds::Bounds;
use crate::input::Input;
use crate::{Target, seal};

/// The target.
pub static TARGET: Target = Target {
    name: "snapshot",
    about: "snapshot files: heads, records, compressed chunks",
    input_bytes_max: 8 * 1024,
    // The format allows a chunk of 1 GiB, and room for it is asked for before it is unpacked.
    bounds: Bounds { base_bytes: (1 << 30) + (16 << 20), bytes_per_byte: 64 },
    run,
    seeds,
};

const SEALED: u8 = 1;
const DIR: &str = "/data";
/// More than this is not written again: it would be a test of the disk.
const COPIED_MAX: usize = 1 << 20;

fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let sealed = input.byte() & SEALED != 0;
    let mut file = input.rest().to_vec();
    if sealed {
        seal::snapshot::seal(&mut file);
    }
    let disk = disk_with(&file);
    let survey =
        inspect::verify(disk.vfs(), Path::new(DIR)).expect("damage is part of the answer, not an error");
    let whole = survey.problems().next().is_none();
    let Ok(store) = open(&disk) else { return };
    let Ok(Some((meta, chunks))) = read(&store) else { return };
    assert!(whole, "a snapshot was handed out that `verify` calls damaged:\n{survey}");
    copy(&meta, &chunks);
}

/// What was read and is written again reads the same.
fn copy(meta: &SnapshotMeta, chunks: &[Vec<u8>]) {
    if chunks.iter().map(Vec::len).sum::<usize>() > COPIED_MAX {
        return;
    }
    let copied = snapshot_of(meta.clone(), chunks);
    let store = open(&disk_with(&copied)).expect("what the engine wrote opens");
    let again = read(&store).expect("what the engine wrote can be read");
    assert!(
        again.as_ref().is_some_and(|(m, c)| m == meta && c == chunks),
        "a copy reads otherwise: {again:?}"
    );
}

type Whole = Option<(SnapshotMeta, Vec<Vec<u8>>)>;

fn read(store: &DiskStorage) -> Result<Whole, StorageError> {
    let Some((meta, mut reader)) = store.latest_snapshot()? else { return Ok(None) };
    let (mut chunks, mut kept) = (Vec::new(), 0);
    while let Some(chunk) = reader.next_chunk()? {
        kept += chunk.len();
        // A chunk beyond what is copied has been read; nobody needs to keep it.
        chunks.push(if kept > COPIED_MAX { vec![0; 1 + COPIED_MAX / 8] } else { chunk });
        if chunks.len() > 4096 {
            break;
        }
    }
    Ok(Some((meta, chunks)))
}

fn open(disk: &SimDisk) -> Result<DiskStorage, StorageError> {
    DiskStorage::open(disk.vfs(), Path::new(DIR), DiskOptions::small())
}

/// A directory with an empty log and one snapshot.
fn disk_with(snapshot: &[u8]) -> SimDisk {
    let disk = SimDisk::new(1);
    let vfs = disk.vfs();
    vfs.create_dir(Path::new(DIR)).expect("an empty disk takes a directory");
    put_file(&vfs, FIRST_SEGMENT, empty_log());
    let id = seal::snapshot::id(snapshot).unwrap_or("other");
    put_file(&vfs, &format!("snapshot-{id}.snap"), snapshot);
    disk
}

const FIRST_SEGMENT: &str = "log-0000000000000001.wal";

fn empty_log() -> &'static [u8] {
    static LOG: OnceLock<Vec<u8>> = OnceLock::new();
    LOG.get_or_init(|| {
        let disk = SimDisk::new(1);
        drop(open(&disk).expect("a new directory opens"));
        disk.bytes(&Path::new(DIR).join(FIRST_SEGMENT)).expect("a new log has a segment")
    })
}

/// The file that the engine writes for such chunks.
fn snapshot_of(meta: SnapshotMeta, chunks: &[Vec<u8>]) -> Vec<u8> {
    let disk = SimDisk::new(2);
    let mut store = open(&disk).expect("a new directory opens");
    let name = format!("snapshot-{}.snap", meta.id);
    let mut writer = store.begin_snapshot(meta).expect("nobody else writes one");
    chunks.iter().for_each(|chunk| writer.write(chunk).expect("no fault is injected"));
    writer.finish().expect("no fault is injected");
    disk.bytes(&Path::new(DIR).join(name)).expect("a finished snapshot is there")
}

fn seeds() -> Vec<Vec<u8>> {
    let text = b"a key and its value, a key and its value".repeat(20);
    let chunk_sets: [&[Vec<u8>]; 3] =
        [&[], &[b"one".to_vec(), Vec::new()], &[text, vec![0; 5000], vec![7; 3]]];
    let metas = [b"".as_slice(), b"members", &[1, 2, 3, 0, 0, 255]];
    let files = chunk_sets.iter().zip(metas).map(|(chunks, members)| {
        let last = LogId { term: 2, index: 9 };
        let meta =
            SnapshotMeta { last, membership: Bytes::from(members), id: "0000000000000002-9".to_owned() };
        snapshot_of(meta, chunks)
    });
    files.flat_map(|file| [0, SEALED].map(|switches| [&[switches], file.as_slice()].concat())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_a_whole_snapshot_changes_nothing_and_it_is_read() {
        for seed in seeds() {
            let mut file = seed[1..].to_vec();
            seal::snapshot::seal(&mut file);
            assert!(file == seed[1..], "a snapshot came out other than the engine wrote it");
            let store = open(&disk_with(&file)).expect("a seed is a snapshot");
            assert!(read(&store).expect("it can be read").is_some());
        }
    }
}
