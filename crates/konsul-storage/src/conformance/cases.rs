//! Behaviours that every engine shows, one function each. They panic where it does not.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::history::{entry, snapshot};
use super::model::{Action, Model};
use super::{Harness, Restarted};
use crate::contract::{Entry, EntryKind, LogId, SnapshotMeta, Storage, StorageError, Vote};

/// A behaviour: its name, and the code that shows it.
pub type Case = (&'static str, fn(&mut dyn Harness));

/// All behaviours.
pub const CASES: &[Case] = &[
    ("a new store is empty", new_store_is_empty),
    ("appends are read back", appends_are_read_back),
    ("a read is clipped to the log", reads_are_clipped),
    ("an append of nothing changes nothing", empty_append),
    ("an append that leaves a hole is misuse", hole_is_misuse),
    ("every kind and size of payload survives", kinds_and_sizes),
    ("an append larger than any segment is one append", large_append),
    ("the last vote wins and survives", votes_survive),
    ("every form of a vote survives", vote_forms),
    ("a truncation removes the end", truncation),
    ("a truncated end stays away after a restart", truncation_survives),
    ("a truncation past the end changes nothing", truncation_past_end),
    ("a truncation of everything leaves an empty log", truncation_of_everything),
    ("a truncation of purged entries is misuse", truncation_below_purge),
    ("a purge without a snapshot is misuse", purge_needs_snapshot),
    ("a purge hides entries and keeps the rest", purge_hides),
    ("a purge never goes back", purge_is_monotonic),
    ("a purge of everything leaves a log to append to", purge_of_everything),
    ("a purge past the end begins the log anew", purge_past_end),
    ("a purge of another branch begins the log anew", purge_of_other_branch),
    ("a snapshot exists only once it is installed", snapshot_needs_install),
    ("a snapshot comes back chunk by chunk", snapshot_chunks),
    ("an abandoned snapshot leaves nothing", abandoned_snapshot),
    ("two snapshots at once are misuse", one_writer),
    ("a snapshot id that is no file name is misuse", snapshot_ids),
    ("a snapshot beyond any log is misuse", snapshot_beyond_any_log),
    ("the two newest snapshots are kept", two_snapshots_kept),
    ("a snapshot of the same id replaces the old one", snapshot_replaced),
    ("a snapshot is written while entries are appended", snapshot_beside_appends),
    ("a snapshot is written in another thread", snapshot_in_thread),
    ("a reader keeps its snapshot while newer ones come", reader_outlives),
    ("everything survives a restart together", all_survives),
    ("many small appends and long reads agree", long_reads),
    ("usage counts what was done", usage_counts),
];

fn id(term: u64, index: u64) -> LogId {
    LogId { term, index }
}

fn entries(term: u64, indexes: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    indexes.map(|index| entry(term, index, 64 + index as usize % 90)).collect()
}

fn filled(harness: &mut dyn Harness, upto: u64) -> Box<dyn Storage> {
    let mut store = harness.create();
    store.append(&entries(1, 1..=upto)).expect("append to an empty log");
    store.sync().expect("sync");
    store
}

fn take(store: &mut dyn Storage, last: LogId, serial: u64) {
    snapshot(last, serial).run(store).expect("a snapshot is taken");
}

fn restart(harness: &mut dyn Harness, store: Box<dyn Storage>) -> Box<dyn Storage> {
    match harness.restart(store) {
        Restarted::Again(store) | Restarted::NotPossible(store) => store,
    }
}

fn indexes(store: &dyn Storage) -> Vec<u64> {
    store.read(0, u64::MAX).expect("read").iter().map(|e| e.id.index).collect()
}

#[track_caller]
fn assert_misuse<T>(answer: Result<T, StorageError>) {
    assert!(matches!(answer, Err(StorageError::Misuse(_))), "due: misuse; found: {:?}", answer.err());
}

fn new_store_is_empty(harness: &mut dyn Harness) {
    let store = harness.create();
    assert_eq!((store.vote(), store.log_bounds()), (None, (id(0, 0), id(0, 0))));
    assert!(store.latest_snapshot().expect("no error").is_none());
    assert_eq!(indexes(&*store), Vec::<u64>::new());
}

fn appends_are_read_back(harness: &mut dyn Harness) {
    let mut store = filled(harness, 5);
    let more = entries(2, 6..=9);
    store.append(&more).expect("append");
    assert_eq!(store.read(6, 10).expect("unsynced entries are readable"), more);
    store.sync().expect("sync");
    let store = restart(harness, store);
    assert_eq!(store.read(1, 6).expect("read"), entries(1, 1..=5));
    assert_eq!(store.read(6, 10).expect("read"), more);
    assert_eq!(store.log_bounds(), (id(0, 0), id(2, 9)));
}

fn reads_are_clipped(harness: &mut dyn Harness) {
    let store = filled(harness, 4);
    let read = |from, to| store.read(from, to).expect("read").iter().map(|e| e.id.index).collect::<Vec<_>>();
    assert_eq!((read(0, 3), read(3, 99), read(3, 3)), (vec![1, 2], vec![3, 4], vec![]));
    assert_eq!((read(4, 2), read(5, 9), read(0, u64::MAX)), (vec![], vec![], vec![1, 2, 3, 4]));
}

fn empty_append(harness: &mut dyn Harness) {
    let mut store = filled(harness, 2);
    store.append(&[]).expect("nothing is appended");
    assert_eq!(store.log_bounds().1, id(1, 2));
}

fn hole_is_misuse(harness: &mut dyn Harness) {
    let mut store = filled(harness, 2);
    assert_misuse(store.append(&entries(1, 4..=4)));
    assert_misuse(store.append(&entries(1, 2..=3)));
    assert_misuse(store.append(&[entry(1, 3, 1), entry(1, 5, 1)]));
    assert_eq!(indexes(&*store), [1, 2], "a refused append leaves nothing");
    store.append(&entries(1, 3..=3)).expect("the due entry is taken");
}

fn kinds_and_sizes(harness: &mut dyn Harness) {
    let mut store = harness.create();
    let kinds = [EntryKind::Blank, EntryKind::Command, EntryKind::Membership];
    let sizes = [0, 1, 7, 8, 447, 448, 449, 455, 456, 512, 1000, 4095, 4096, 20_000];
    let all: Vec<Entry> = (1..)
        .zip(sizes.iter().flat_map(|size| kinds.map(|kind| (*size, kind))))
        .map(|(index, (size, kind))| Entry {
            id: id(3, index),
            kind,
            payload: Bytes::from(vec![index as u8; size]),
        })
        .collect();
    all.iter().for_each(|e| store.append(std::slice::from_ref(e)).expect("append"));
    store.sync().expect("sync");
    assert_eq!(store.read(0, u64::MAX).expect("read"), all);
    let store = restart(harness, store);
    assert_eq!(store.read(0, u64::MAX).expect("read"), all);
}

fn large_append(harness: &mut dyn Harness) {
    let mut store = filled(harness, 3);
    let large: Vec<Entry> = (4..40).map(|index| entry(1, index, 3000)).collect();
    store.append(&large).expect("append");
    store.append(&entries(1, 40..=41)).expect("append behind it");
    store.sync().expect("sync");
    let store = restart(harness, store);
    assert_eq!(store.read(4, 40).expect("read"), large);
    assert_eq!(store.log_bounds().1, id(1, 41));
}

fn votes_survive(harness: &mut dyn Harness) {
    let mut store = harness.create();
    for term in 1..50 {
        let vote = Vote { term, voted_for: Some(term % 3), committed: false };
        store.save_vote(vote).expect("vote");
        assert_eq!(store.vote(), Some(vote));
    }
    let store = restart(harness, store);
    assert_eq!(store.vote(), Some(Vote { term: 49, voted_for: Some(1), committed: false }));
}

fn vote_forms(harness: &mut dyn Harness) {
    for voted_for in [None, Some(0), Some(u64::MAX)] {
        for committed in [false, true] {
            let vote = Vote { term: u64::MAX, voted_for, committed };
            let mut store = harness.create();
            store.save_vote(vote).expect("vote");
            assert_eq!(restart(harness, store).vote(), Some(vote));
        }
    }
}

fn truncation(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    store.truncate(6).expect("truncate");
    assert_eq!((store.log_bounds().1, indexes(&*store)), (id(1, 5), vec![1, 2, 3, 4, 5]));
    store.append(&entries(2, 6..=7)).expect("append in place of what was cut");
    store.truncate(7).expect("truncate");
    assert_eq!(store.log_bounds().1, id(2, 6), "the term of the entry before the cut is known");
    assert_eq!(store.read(5, 7).expect("read")[1], entry(2, 6, 70));
}

fn truncation_survives(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    store.truncate(4).expect("truncate");
    store.sync().expect("sync");
    let mut store = restart(harness, store);
    assert_eq!(indexes(&*store), [1, 2, 3]);
    store.append(&entries(2, 4..=5)).expect("append");
    store.sync().expect("sync");
    let store = restart(harness, store);
    assert_eq!(store.read(3, 9).expect("read"), [entries(1, 3..=3), entries(2, 4..=5)].concat());
}

fn truncation_past_end(harness: &mut dyn Harness) {
    let mut store = filled(harness, 3);
    store.truncate(4).expect("nothing is cut");
    store.truncate(u64::MAX).expect("nothing is cut");
    assert_eq!(store.log_bounds().1, id(1, 3));
}

fn truncation_of_everything(harness: &mut dyn Harness) {
    let mut store = filled(harness, 3);
    store.truncate(1).expect("truncate");
    assert_eq!((store.log_bounds(), indexes(&*store)), ((id(0, 0), id(0, 0)), vec![]));
    store.append(&entries(4, 1..=2)).expect("append from the beginning");
    store.sync().expect("sync");
    assert_eq!(indexes(&*restart(harness, store)), [1, 2]);
}

fn truncation_below_purge(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    take(&mut *store, id(1, 5), 1);
    store.purge(id(1, 5)).expect("purge");
    assert_misuse(store.truncate(5));
    store.truncate(6).expect("truncate right behind the purge");
    assert_eq!(store.log_bounds(), (id(1, 5), id(1, 5)));
}

fn purge_needs_snapshot(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    assert_misuse(store.purge(id(1, 3)));
    take(&mut *store, id(1, 5), 1);
    assert_misuse(store.purge(id(1, 6)));
    assert_eq!(indexes(&*store).len(), 9);
}

fn purge_hides(harness: &mut dyn Harness) {
    let mut store = filled(harness, 40);
    take(&mut *store, id(1, 20), 1);
    take(&mut *store, id(1, 30), 2);
    store.purge(id(1, 20)).expect("purge");
    assert_eq!(store.log_bounds(), (id(1, 20), id(1, 40)));
    assert_eq!(indexes(&*store), (21..=40).collect::<Vec<_>>());
    assert_eq!(store.read(1, 23).expect("read"), entries(1, 21..=22));
}

fn purge_is_monotonic(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    take(&mut *store, id(1, 8), 1);
    store.purge(id(1, 6)).expect("purge");
    store.purge(id(1, 3)).expect("an older purge changes nothing");
    assert_eq!(store.log_bounds().0, id(1, 6));
}

fn purge_of_everything(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    take(&mut *store, id(1, 9), 1);
    store.purge(id(1, 9)).expect("purge");
    assert_eq!((store.log_bounds(), indexes(&*store)), ((id(1, 9), id(1, 9)), vec![]));
    store.append(&entries(2, 10..=11)).expect("append");
    store.sync().expect("sync");
    let store = restart(harness, store);
    assert_eq!(store.read(10, 12).expect("read"), entries(2, 10..=11));
}

fn purge_past_end(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    take(&mut *store, id(7, 500), 1);
    store.purge(id(7, 500)).expect("purge");
    assert_eq!((store.log_bounds(), indexes(&*store)), ((id(7, 500), id(7, 500)), vec![]));
    assert_misuse(store.append(&entries(7, 10..=10)));
    let mut store = restart(harness, store);
    assert_eq!(store.log_bounds(), (id(7, 500), id(7, 500)), "the new beginning is durable at once");
    store.append(&entries(7, 501..=503)).expect("append behind the snapshot");
    store.sync().expect("sync");
    assert_eq!(indexes(&*restart(harness, store)), [501, 502, 503]);
}

fn purge_of_other_branch(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    take(&mut *store, id(3, 6), 1);
    store.purge(id(3, 6)).expect("purge");
    assert_eq!(store.log_bounds(), (id(3, 6), id(3, 6)), "entries of the losing branch go with it");
    let store = restart(harness, store);
    assert_eq!((store.log_bounds().1, indexes(&*store)), (id(3, 6), vec![]));
}

fn meta(last: LogId, name: &str) -> SnapshotMeta {
    SnapshotMeta { last, membership: Bytes::from_static(b"members"), id: name.to_string() }
}

fn snapshot_needs_install(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    let mut writer = store.begin_snapshot(meta(id(1, 7), "seven")).expect("begin");
    writer.write(b"state").expect("write");
    let finished = writer.finish().expect("finish");
    assert_eq!(finished.meta, meta(id(1, 7), "seven"));
    assert!(store.latest_snapshot().expect("no error").is_none(), "not yet installed");
    assert_eq!(store.install_snapshot(finished).expect("install"), id(0, 0), "one snapshot lets nothing go");
    assert_eq!(
        store.latest_snapshot().expect("no error").map(|(meta, _)| meta),
        Some(meta(id(1, 7), "seven"))
    );
}

fn chunks_of(store: &dyn Storage) -> Vec<Vec<u8>> {
    let (_, mut reader) = store.latest_snapshot().expect("no error").expect("there is a snapshot");
    std::iter::from_fn(|| reader.next_chunk().expect("chunk")).collect()
}

fn snapshot_chunks(harness: &mut dyn Harness) {
    let mut store = harness.create();
    let chunks: Vec<Vec<u8>> = [0usize, 1, 100, 70_000, 0, 2_000_000]
        .iter()
        .map(|n| (0..*n).map(|i| ((i * i) >> 7) as u8).collect())
        .collect();
    let mut writer = store.begin_snapshot(meta(id(1, 1), "a.b-c")).expect("begin");
    chunks.iter().for_each(|chunk| writer.write(chunk).expect("write"));
    let finished = writer.finish().expect("finish");
    assert!(finished.bytes > 0);
    store.install_snapshot(finished).expect("install");
    assert_eq!(chunks_of(&*store), chunks);
    assert_eq!(chunks_of(&*restart(harness, store)), chunks);
}

fn abandoned_snapshot(harness: &mut dyn Harness) {
    let mut store = filled(harness, 3);
    let mut writer = store.begin_snapshot(meta(id(1, 2), "gone")).expect("begin");
    writer.write(b"half").expect("write");
    drop(writer);
    assert!(store.latest_snapshot().expect("no error").is_none());
    take(&mut *store, id(1, 3), 1);
    assert_eq!(store.latest_snapshot().expect("no error").map(|(meta, _)| meta.last), Some(id(1, 3)));
}

fn one_writer(harness: &mut dyn Harness) {
    let mut store = filled(harness, 3);
    let writer = store.begin_snapshot(meta(id(1, 2), "first")).expect("begin");
    assert_misuse(store.begin_snapshot(meta(id(1, 2), "second")).map(|_| ()));
    drop(writer);
    assert!(store.begin_snapshot(meta(id(1, 2), "third")).is_ok());
}

fn snapshot_ids(harness: &mut dyn Harness) {
    let mut store = harness.create();
    for bad in ["", "a/b", "..\\x", "A", "a b", "ä", "a:b"] {
        assert_misuse(store.begin_snapshot(meta(id(1, 1), bad)).map(|_| ()));
    }
}

fn snapshot_beyond_any_log(harness: &mut dyn Harness) {
    let mut store = harness.create();
    assert_misuse(store.begin_snapshot(meta(id(1, u64::MAX), "far")).map(|_| ()));
}

fn two_snapshots_kept(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    let mut allowed = Vec::new();
    for (serial, last) in [2, 4, 6, 8].into_iter().enumerate() {
        let Action::Snapshot(meta, chunks) = snapshot(id(1, last), serial as u64) else {
            unreachable!("it is one")
        };
        let mut writer = store.begin_snapshot(meta).expect("begin");
        chunks.iter().for_each(|chunk| writer.write(chunk).expect("write"));
        let finished = writer.finish().expect("finish");
        allowed.push(store.install_snapshot(finished).expect("install").index);
    }
    assert_eq!(allowed, [0, 2, 4, 6], "the log under the older of the two may go");
    let before = store.usage().snapshot_bytes;
    take(&mut *store, id(1, 9), 99);
    assert!(store.usage().snapshot_bytes < before * 2, "older ones are deleted");
}

fn snapshot_replaced(harness: &mut dyn Harness) {
    let mut store = harness.create();
    for state in [b"old", b"new"] {
        let mut writer = store.begin_snapshot(meta(id(1, 1), "same")).expect("begin");
        writer.write(state).expect("write");
        let finished = writer.finish().expect("finish");
        assert_eq!(store.install_snapshot(finished).expect("install"), id(0, 0));
    }
    assert_eq!(chunks_of(&*store), [b"new".to_vec()]);
}

fn snapshot_beside_appends(harness: &mut dyn Harness) {
    let mut store = filled(harness, 3);
    let mut writer = store.begin_snapshot(meta(id(1, 3), "slow")).expect("begin");
    for index in 4..60 {
        writer.write(&[index as u8; 500]).expect("write");
        store.append(&entries(1, index..=index)).expect("append");
        store.sync().expect("sync");
    }
    let finished = writer.finish().expect("finish");
    store.install_snapshot(finished).expect("install");
    let store = restart(harness, store);
    assert_eq!((chunks_of(&*store).len(), indexes(&*store).len()), (56, 59));
}

fn snapshot_in_thread(harness: &mut dyn Harness) {
    let mut store = filled(harness, 3);
    let mut writer = store.begin_snapshot(meta(id(1, 3), "elsewhere")).expect("begin");
    let thread = std::thread::spawn(move || {
        (0..40).for_each(|n| writer.write(&[n; 900]).expect("write"));
        writer.finish().expect("finish")
    });
    store.append(&entries(1, 4..=30)).expect("append");
    store.sync().expect("sync");
    let finished = thread.join().expect("the thread ends");
    store.install_snapshot(finished).expect("install");
    assert_eq!(chunks_of(&*store).len(), 40);
}

fn reader_outlives(harness: &mut dyn Harness) {
    let mut store = filled(harness, 9);
    take(&mut *store, id(1, 1), 1);
    let (meta, mut reader) = store.latest_snapshot().expect("no error").expect("there is one");
    (2..=5).for_each(|last| take(&mut *store, id(1, last), last));
    assert_eq!(meta.last, id(1, 1));
    let mut chunks = 0;
    while reader.next_chunk().expect("the file is gone, its bytes are not").is_some() {
        chunks += 1;
    }
    assert_eq!(chunks, 3);
}

fn all_survives(harness: &mut dyn Harness) {
    let mut store = harness.create();
    let mut model = Model::default();
    for action in super::history::scripted() {
        action.run(&mut *store).unwrap_or_else(|e| panic!("{action:?}: {e}"));
        model.apply(&action);
        model.check(&*store).unwrap_or_else(|e| panic!("{action:?}: {e}"));
    }
    let store = restart(harness, store);
    model.check(&*store).unwrap_or_else(|e| panic!("after the restart: {e}"));
}

fn long_reads(harness: &mut dyn Harness) {
    let mut store = harness.create();
    let all = entries(1, 1..=600);
    for group in all.chunks(7) {
        store.append(group).expect("append");
    }
    store.sync().expect("sync");
    for (from, to) in [(1, 601), (1, 2), (599, 601), (123, 457), (400, 601)] {
        assert_eq!(store.read(from, to).expect("read"), all[from as usize - 1..to as usize - 1]);
    }
    let ids: BTreeSet<u64> = indexes(&*store).into_iter().collect();
    assert_eq!(ids.len(), 600);
}

fn usage_counts(harness: &mut dyn Harness) {
    let mut store = harness.create();
    let before = store.usage();
    store.append(&entries(1, 1..=9)).expect("append");
    store.sync().expect("sync");
    take(&mut *store, id(1, 9), 1);
    let after = store.usage();
    let payloads: u64 = entries(1, 1..=9).iter().map(|e| e.payload.len() as u64).sum();
    assert!(after.appended_bytes - before.appended_bytes >= payloads);
    assert!(after.log_bytes >= payloads && after.snapshot_bytes > 0);
}
