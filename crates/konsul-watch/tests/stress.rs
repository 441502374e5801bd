//! Real threads against one feed: the promises hold under races too. Bounded in count, not in time.

// Helpers of tests, which clippy sees only in functions that are marked as tests.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use common::{key, on_key, record};
use konsul_runtime::time::{self, Duration};
use konsul_types::{Change, ChangeSet, Index, Key, Millis, Namespace};
use konsul_watch::{Delivery, Feed, FeedLimits, Start, Topic, Wake};

const WRITES: u64 = 20_000;
const KEYS: u64 = 8;

/// Much longer than the whole test takes. Who waits so long has missed a wake-up.
const NEVER: Duration = Duration::from_secs(120);

/// The state: for each key the index that last changed it. Swapped before the feed hears of it.
type State = Arc<[AtomicU64; KEYS as usize]>;

fn name(number: u64) -> Key {
    key(&format!("key/{number}"))
}

fn change(number: u64, old: u64, new: u64) -> Change {
    let old = (old > 0).then(|| record(old));
    Change::Kv { namespace: Namespace::default_namespace(), key: name(number), old, new: Some(record(new)) }
}

/// Two keys in each entry, so that a torn one would show; in bursts of one to five, as a log is applied.
fn write(feed: &Feed, state: &State) {
    let mut burst = Vec::new();
    for index in 1..=WRITES {
        let pair = [index % KEYS, (index + 3) % KEYS];
        let changes = pair.map(|n| change(n, state[n as usize].swap(index, Ordering::SeqCst), index));
        burst.push(ChangeSet { index: Index(index), at: Millis(index), changes: changes.into() });
        if burst.len() as u64 > index % 5 || index == WRITES {
            feed.publish(std::mem::take(&mut burst));
        }
    }
}

/// The last index that changes a key.
fn last_of(number: u64) -> u64 {
    (1..=WRITES).rev().find(|i| i % KEYS == number || (i + 3) % KEYS == number).expect("each key is written")
}

fn on_a_thread<F: Future<Output = u64> + 'static>(
    work: impl FnOnce() -> F + Send + 'static,
) -> thread::JoinHandle<u64> {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(work())
    })
}

/// A blocking query in a loop until it has read the last write. Answers how often it waited.
async fn blocking_query(feed: Feed, state: State, number: u64) -> u64 {
    let (mut seen, mut waits) = (0, 0);
    while seen < last_of(number) {
        let mut parked =
            feed.park(Topic::Key(Namespace::default_namespace(), name(number)), feed.head()).unwrap();
        let read = state[number as usize].load(Ordering::SeqCst);
        assert!(read >= seen, "key {number} went back from {seen} to {read}");
        if read > seen {
            seen = read;
            continue;
        }
        waits += 1;
        parked.has_read(Index(read));
        match parked.wait(time::now() + NEVER).await {
            Wake::Changed(index) => {
                let read = state[number as usize].load(Ordering::SeqCst);
                assert!(read >= index.0 && index.0 > seen, "woken by {index} and read {read} after {seen}");
            }
            // It was held up between two of its steps until history had gone by: it reads again.
            Wake::Reset => {}
            Wake::Timeout => panic!("missed a wake-up of key {number} after {seen}"),
        }
    }
    waits
}

/// Follows everything to the end: each change's old value is the last new one, unless a reset was said.
async fn follow(feed: Feed, topic: Topic, last: u64, pause: bool) -> u64 {
    let mut subscription = feed.subscribe(topic.clone(), Start::After(Index(0))).unwrap();
    let mut known: HashMap<Key, u64> = HashMap::new();
    let (mut at, mut resets) = (0, 0);
    while at < last {
        if pause {
            thread::yield_now();
        }
        match time::timeout(NEVER, subscription.next()).await.expect("missed a wake-up") {
            Delivery::Batch(batch) => {
                assert!(batch.index().0 > at, "{} after {at}", batch.index());
                at = batch.index().0;
                let count = batch.changes().inspect(|change| continues(change, &mut known)).count();
                assert!(topic != Topic::All || count == 2, "index {at} was split");
            }
            Delivery::Reset { resume, .. } => {
                known.clear();
                resets += 1;
                at = resume.0;
            }
            Delivery::Bookmark(_) => panic!("nobody asked for a bookmark"),
        }
    }
    resets
}

fn continues(change: &Change, known: &mut HashMap<Key, u64>) {
    let Change::Kv { key, old, new: Some(new), .. } = change else { panic!("only puts are written") };
    let old = old.as_ref().map_or(0, |old| old.modify_index.0);
    if let Some(before) = known.insert(key.clone(), new.modify_index.0) {
        assert_eq!(before, old, "a gap before {} of {key}", new.modify_index);
    }
}

/// Parks and leaves without waiting, all the time, as clients do that give up.
fn come_and_go(feed: &Feed, times: u64) {
    for round in 0..times {
        let parked: Vec<_> = (0..KEYS)
            .map(|n| feed.park(Topic::Key(Namespace::default_namespace(), name(n)), feed.head()).unwrap())
            .collect();
        let also = feed.park(on_key(&format!("key/{}", round % 100)), feed.head()).unwrap();
        drop(parked);
        drop(also);
    }
}

#[test]
fn readers_and_the_writer_race_and_no_promise_breaks() {
    let feed = Feed::new(FeedLimits { entries: 64, ..FeedLimits::default() });
    let state: State = Arc::default();
    let mut readers = Vec::new();
    for number in [0, 0, 5] {
        let (feed, state) = (feed.clone(), state.clone());
        readers.push(on_a_thread(move || blocking_query(feed, state, number)));
    }
    for (topic, last, pause) in [
        (Topic::All, WRITES, false),
        (Topic::All, WRITES, true),
        (on_key("key/3"), last_of(3), false),
        (Topic::Prefix(Namespace::default_namespace(), "key/".into()), WRITES, true),
    ] {
        let feed = feed.clone();
        readers.push(on_a_thread(move || follow(feed, topic, last, pause)));
    }
    let leaver = thread::spawn({
        let feed = feed.clone();
        move || come_and_go(&feed, 2_000)
    });
    let writer = thread::spawn({
        let (feed, state) = (feed.clone(), state.clone());
        move || write(&feed, &state)
    });
    writer.join().unwrap();
    leaver.join().unwrap();
    let counts: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    println!("waits of three blocking queries, resets of four followers: {counts:?}; {:?}", feed.stats());
    let stats = feed.stats();
    assert_eq!((stats.waiting, stats.parked, stats.subscribers), (0, 0, 0));
    assert_eq!((stats.head, stats.published), (Index(WRITES), WRITES));
    assert!(stats.wakeups > 0 && stats.wakeups <= stats.visited, "{stats:?}");
}
