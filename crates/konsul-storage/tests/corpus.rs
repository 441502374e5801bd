//! Directories that earlier builds wrote are read back record by record.
//!
//! Each `corpus/vN` has the files of one format version, and beside them, in `expected.txt`, what they say.
//! They are never written again: a build with a new format adds a directory, with `KONSUL_WRITE_CORPUS=vN
//! cargo test -p konsul-storage --test corpus`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use konsul_storage::inspect::verify;
use konsul_storage::{
    DiskOptions, DiskStorage, Entry, EntryKind, LogId, RealVfs, SnapshotMeta, Storage, Vote,
};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// What a store says, one record a line.
fn dump(store: &dyn Storage) -> String {
    let mut text = String::new();
    let (purged, last) = store.log_bounds();
    writeln!(text, "vote {:?}\npurged {purged}\nlast {last}", store.vote()).expect("a string grows");
    for Entry { id, kind, payload } in store.read(0, u64::MAX).expect("the log is readable") {
        writeln!(text, "entry {id} {kind:?} {}", hex(&payload)).expect("a string grows");
    }
    if let Some((meta, mut reader)) = store.latest_snapshot().expect("the snapshot is readable") {
        writeln!(text, "snapshot {} {} {}", meta.id, meta.last, hex(&meta.membership))
            .expect("a string grows");
        while let Some(chunk) = reader.next_chunk().expect("the chunk is whole") {
            writeln!(text, "chunk {}", hex(&chunk)).expect("a string grows");
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("0x"), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string grows");
        text
    })
}

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).expect("the corpus is there").map(|f| f.expect("an entry")) {
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copy");
    }
}

#[test]
fn what_earlier_builds_wrote_is_read_back() {
    if let Ok(version) = std::env::var("KONSUL_WRITE_CORPUS") {
        write_corpus(&corpus().join(version));
    }
    let mut versions = 0;
    for version in
        std::fs::read_dir(corpus()).expect("the corpus is there").map(|d| d.expect("an entry").path())
    {
        let expected = std::fs::read_to_string(version.join("expected.txt")).expect("what it says");
        let work = tempfile::tempdir().expect("a temporary directory");
        copy(&version, work.path());
        let report = verify(Arc::new(RealVfs), work.path()).expect("readable");
        assert_eq!(report.problems().count(), 0, "{report}");
        let store = DiskStorage::open(Arc::new(RealVfs), work.path(), DiskOptions::small()).expect("open");
        assert_eq!(dump(&store), expected, "{}", version.display());
        versions += 1;
    }
    assert!(versions >= 1);
}

/// A little of everything: entries of all kinds, a vote, a truncation, a purge, two snapshots, several
/// segments.
fn write_corpus(dir: &Path) {
    assert!(!dir.exists(), "{} is there: a corpus is never written again", dir.display());
    let mut store = DiskStorage::open(Arc::new(RealVfs), dir, DiskOptions::small()).expect("open");
    store.save_vote(Vote { term: 1, voted_for: Some(3), committed: false }).expect("vote");
    store.append(&entries(1, 1..=12)).expect("append");
    store.truncate(9).expect("truncate");
    store.append(&entries(2, 9..=30)).expect("append");
    store.sync().expect("sync");
    for last in [14, 22] {
        let upto = take_snapshot(&mut store, LogId { term: 2, index: last });
        store.purge(upto).expect("purge");
    }
    store.save_vote(Vote { term: 4, voted_for: None, committed: true }).expect("vote");
    store.append(&entries(4, 31..=34)).expect("append");
    store.sync().expect("sync");
    std::fs::write(dir.join("expected.txt"), dump(&store)).expect("write");
    drop(store);
    std::fs::remove_file(dir.join("lock")).expect("the lock is no data");
}

fn entries(term: u64, indexes: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    let kinds = [EntryKind::Blank, EntryKind::Command, EntryKind::Membership];
    let payload = |index: u64| Bytes::from(vec![index as u8; (index * 37 % 400) as usize]);
    indexes
        .map(|index| Entry {
            id: LogId { term, index },
            kind: kinds[index as usize % 3],
            payload: payload(index),
        })
        .collect()
}

fn take_snapshot(store: &mut DiskStorage, last: LogId) -> LogId {
    let meta = SnapshotMeta {
        last,
        membership: Bytes::from_static(b"\x01\x02"),
        id: format!("corpus-{}", last.index),
    };
    let mut writer = store.begin_snapshot(meta).expect("begin");
    writer.write(&vec![last.index as u8; 3000]).expect("write");
    writer.write(b"").expect("write");
    writer.write(b"the end").expect("write");
    let finished = writer.finish().expect("finish");
    store.install_snapshot(finished).expect("install")
}
