//! What parked readers cost: `cargo run --release -p konsul-watch --example parked`.
//!
//! Prints the time of one publish with nobody parked and with 10,000 readers parked elsewhere, the time from
//! a publish until 10,000 tasks parked on its key have run, and the memory of 100,000 parked readers.

#![allow(clippy::print_stdout)] // printing is what it is for

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use konsul_runtime::time::{Duration, now};
use konsul_types::{Change, ChangeSet, Index, Key, KvRecord, Millis, Namespace};
use konsul_watch::{Feed, FeedLimits, Parked, Topic};

const READERS: usize = 10_000;
const ROUNDS: usize = 21;
const WRITES: u64 = 20_000;

fn namespace() -> Namespace {
    Namespace::default_namespace()
}

fn key(text: &str) -> Key {
    Key::new(text).expect("a plain key")
}

fn put(index: u64, key: &Key) -> ChangeSet {
    let record = KvRecord {
        value: vec![0; 100].into(),
        flags: 0,
        lock_index: 0,
        session: None,
        create_index: Index(1),
        modify_index: Index(index),
        expires_at: konsul_types::Expiry::NEVER,
    };
    let new = Some(Arc::new(record));
    let change = Change::Kv { namespace: namespace(), key: key.clone(), old: None, new };
    ChangeSet { index: Index(index), at: Millis(index), changes: vec![change] }
}

fn on_key(number: usize) -> Topic {
    Topic::Key(namespace(), key(&format!("service/instance/{number:06}")))
}

fn on_prefix(number: usize) -> Topic {
    Topic::Prefix(namespace(), format!("service/instance/{number:06}/").into())
}

fn park(feed: &Feed, readers: usize, topic: impl Fn(usize) -> Topic) -> Vec<Parked> {
    let park = |number| feed.park(topic(number), feed.head()).expect("below the bound");
    (0..readers).map(park).collect()
}

/// Nanoseconds for each publish of one set, in the mean over many. What a log would bring is made beforehand.
fn publish_ns(feed: &Feed) -> f64 {
    let keys: Vec<_> = (0..100).map(|n| key(&format!("service/catalog/{n:04}"))).collect();
    let head = feed.head().0;
    let sets: Vec<_> = (1..=WRITES).map(|n| put(head + n, &keys[n as usize % keys.len()])).collect();
    let began = now();
    sets.into_iter().for_each(|set| feed.publish(vec![set]));
    began.elapsed().as_nanos() as f64 / WRITES as f64
}

fn spread(mut figures: Vec<f64>) -> String {
    figures.sort_by(f64::total_cmp);
    let (least, most) = (figures[0], figures[figures.len() - 1]);
    format!("median {:.0}, least {least:.0}, most {most:.0}", figures[figures.len() / 2])
}

fn publishing() {
    let alone = Feed::new(FeedLimits::default());
    let by_key = Feed::new(FeedLimits::default());
    let by_prefix = Feed::new(FeedLimits::default());
    let _parked = (park(&by_key, READERS, on_key), park(&by_prefix, READERS, on_prefix));
    let feeds =
        [("nobody", &alone), ("10,000 on other keys", &by_key), ("10,000 on other prefixes", &by_prefix)];
    let mut figures = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for ((_, feed), figures) in feeds.iter().zip(&mut figures) {
            figures.push(publish_ns(feed));
        }
    }
    for ((who, feed), figures) in feeds.iter().zip(figures) {
        let looked_at = feed.stats().visited;
        println!("publish, parked {who}: {} ns ({looked_at} readers looked at)", spread(figures));
    }
}

/// Microseconds until the publisher is free again, and until every reader has run.
async fn herd(feed: &Feed) -> (f64, f64) {
    let answered = Arc::new(AtomicUsize::new(0));
    let deadline = now() + Duration::from_secs(60);
    let tasks: Vec<_> = park(feed, READERS, |_| on_key(0))
        .into_iter()
        .map(|parked| {
            let answered = answered.clone();
            konsul_runtime::spawn(async move {
                parked.wait(deadline).await;
                answered.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    // Lets every reader begin to wait: each needs one turn.
    konsul_runtime::time::sleep(Duration::from_millis(50)).await;
    let began = now();
    feed.publish(vec![put(feed.head().0 + 1, &key("service/instance/000000"))]);
    let published = began.elapsed();
    for task in tasks {
        task.await.expect("a reader does not panic");
    }
    assert_eq!(answered.load(Ordering::Relaxed), READERS);
    (published.as_nanos() as f64 / 1e3, began.elapsed().as_nanos() as f64 / 1e3)
}

fn waking() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let runtime = runtime.expect("two threads can be started");
    let feed = Feed::new(FeedLimits::default());
    let figures: Vec<_> = (0..ROUNDS).map(|_| runtime.block_on(herd(&feed))).collect();
    let (published, answered) = figures.into_iter().unzip();
    println!("10,000 of one key: publish returns after {} us", spread(published));
    println!("10,000 of one key: all have run after {} us", spread(answered));
}

/// Resident bytes of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize =
        statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4096
}

fn memory() {
    memory_of("one key", |_| on_key(0));
    memory_of("own key", on_key);
    memory_of("own prefix", on_prefix);
}

fn memory_of(what: &str, topic: impl Fn(usize) -> Topic) {
    const MANY: usize = 100_000;
    let feed = Feed::new(FeedLimits { parked: MANY, ..FeedLimits::default() });
    let topics: Vec<_> = (0..MANY).map(topic).collect();
    let mut parked: Vec<Parked> = Vec::with_capacity(MANY);
    let before = resident();
    parked.extend(topics.iter().map(|topic| feed.park(topic.clone(), Index(0)).expect("below the bound")));
    let each = resident().saturating_sub(before) / MANY;
    let handle = size_of::<Parked>();
    println!(
        "parked, {what}: {each} bytes, {} of them in the feed, {handle} in the reader's handle",
        each.saturating_sub(handle)
    );
    drop(parked);
    assert_eq!(feed.stats().waiting, 0);
}

fn main() {
    // First, and the small before the large, while the allocator has nothing to give again.
    memory();
    publishing();
    waking();
}
