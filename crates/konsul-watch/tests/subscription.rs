//! Subscriptions: what is delivered, and what is said when something cannot be.

mod common;

use common::{keys, kv, kv_in, on_key, on_prefix, record, set};
use konsul_runtime::time::{self, Duration};
use konsul_runtime::virtual_time::Sim;
use konsul_types::{Change, Index};
use konsul_watch::{Delivery, Feed, FeedLimits, Start, Subscription, Topic};

fn feed_of(entries: usize) -> Feed {
    Feed::new(FeedLimits { entries, ..FeedLimits::default() })
}

/// A delivery in a line.
fn line(delivery: Option<Delivery>) -> String {
    match delivery {
        None => "-".into(),
        Some(Delivery::Bookmark(index)) => format!("bookmark {index}"),
        Some(Delivery::Reset { reason, resume }) => format!("{reason:?}, resume {resume}"),
        Some(Delivery::Batch(batch)) => {
            let names = batch.changes().map(|change| match change {
                Change::Kv { key, .. } => key.to_string(),
                other => format!("{other:?}"),
            });
            format!("{}: {}", batch.index(), names.collect::<Vec<_>>().join(" "))
        }
    }
}

/// All that it has, in a line.
fn lines(subscription: &mut Subscription) -> String {
    let deliveries = std::iter::from_fn(|| subscription.try_next());
    deliveries.map(|delivery| line(Some(delivery))).collect::<Vec<_>>().join("; ")
}

#[test]
fn it_delivers_what_concerns_it_whole_and_in_order() {
    let feed = feed_of(100);
    feed.publish(vec![keys(1, &["app/old"])]);
    let mut now = feed.subscribe(on_prefix("app/"), Start::Now).unwrap();
    let mut after = feed.subscribe(on_prefix("app/"), Start::After(Index(0))).unwrap();
    feed.publish(vec![
        set(2, vec![kv("app/b"), kv("b"), kv_in("b", "app/c"), kv("app/a")]),
        keys(3, &["b"]),
        keys(5, &["app/c"]),
    ]);
    assert_eq!(lines(&mut now), "2: app/b app/a; 5: app/c");
    assert_eq!(lines(&mut after), "1: app/old; 2: app/b app/a; 5: app/c");
    feed.publish(vec![keys(6, &["b"]), keys(7, &["app/d"])]);
    assert_eq!(lines(&mut now), "7: app/d");
}

#[test]
fn old_values_come_along() {
    let feed = feed_of(100);
    let mut subscription = feed.subscribe(on_key("a"), Start::Now).unwrap();
    let Change::Kv { namespace, key, .. } = kv("a") else { unreachable!() };
    let gone = Change::Kv { namespace, key, old: Some(record(4)), new: None };
    feed.publish(vec![set(5, vec![gone.clone()])]);
    let Some(Delivery::Batch(batch)) = subscription.try_next() else { panic!("a batch") };
    assert_eq!(batch.changes().collect::<Vec<_>>(), [&gone]);
}

#[test]
fn who_fell_out_is_told_reads_and_goes_on() {
    let feed = feed_of(3);
    let mut slow = feed.subscribe(on_key("a"), Start::Now).unwrap();
    feed.publish((1..=10).map(|index| keys(index, &["a"])).collect());
    assert_eq!(line(slow.try_next()), "FellOut, resume 10");
    // It reads a snapshot, which has seen index 12 by then.
    feed.publish(vec![keys(11, &["a"]), keys(12, &["a"]), keys(13, &["a"])]);
    slow.go_on_after(Index(12));
    assert_eq!(lines(&mut slow), "13: a");
    assert_eq!(feed.stats().fell_out, 1);
}

#[test]
fn falling_out_in_the_middle_is_told_too() {
    let feed = feed_of(3);
    let mut slow = feed.subscribe(on_key("a"), Start::Now).unwrap();
    feed.publish(vec![keys(1, &["a"]), keys(2, &["a"])]);
    assert_eq!(line(slow.try_next()), "1: a");
    feed.publish(vec![keys(3, &["b"]), keys(4, &["b"]), keys(5, &["b"])]);
    assert_eq!(lines(&mut slow), "FellOut, resume 5");
}

#[test]
fn an_older_index_than_history_is_told_at_once() {
    let feed = feed_of(3);
    feed.reset(Index(100));
    let mut old = feed.subscribe(on_key("a"), Start::After(Index(99))).unwrap();
    let mut just = feed.subscribe(on_key("a"), Start::After(Index(100))).unwrap();
    assert_eq!(lines(&mut old), "FellOut, resume 100");
    assert_eq!(lines(&mut just), "");
}

#[test]
fn a_quiet_topic_does_not_fall_out() {
    let feed = feed_of(3);
    let mut quiet = feed.subscribe(on_key("quiet"), Start::Now).unwrap();
    assert_eq!(line(quiet.try_next()), "-");
    feed.publish((1..=50).map(|index| keys(index, &["busy"])).collect());
    assert_eq!((quiet.position(), line(quiet.try_next())), (Index(50), "-".into()));
    feed.publish(vec![keys(51, &["busy"]), keys(52, &["quiet"]), keys(53, &["busy"])]);
    assert_eq!(
        quiet.position(),
        Index(0),
        "something concerns it: it stands where it was last known to stand"
    );
    assert_eq!(lines(&mut quiet), "52: quiet");
    assert_eq!(quiet.position(), Index(53));
}

#[test]
fn a_replaced_state_is_told_once() {
    let feed = feed_of(100);
    let mut seated = feed.subscribe(on_key("a"), Start::Now).unwrap();
    let mut behind = feed.subscribe(on_key("a"), Start::Now).unwrap();
    assert_eq!(lines(&mut seated), "");
    feed.publish(vec![keys(1, &["a"]), set(2, vec![kv("a"), Change::Reset]), keys(3, &["b"])]);
    for subscription in [&mut seated, &mut behind] {
        assert_eq!(lines(subscription), "Replaced, resume 3");
    }
    feed.publish(vec![keys(4, &["a"])]);
    assert_eq!(lines(&mut seated), "4: a");
    assert_eq!(feed.stats().replaced, 2);
}

#[test]
fn a_set_heavier_than_the_bound_resets_whom_it_concerns() {
    let feed = Feed::new(FeedLimits { bytes: 1000, ..FeedLimits::default() });
    let mut concerned = feed.subscribe(on_prefix("k"), Start::Now).unwrap();
    let mut other = feed.subscribe(on_key("a"), Start::Now).unwrap();
    assert_eq!((lines(&mut concerned), lines(&mut other)), (String::new(), String::new()));
    feed.publish(vec![keys(1, &["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"])]);
    assert_eq!((feed.stats().history_entries, feed.stats().history_bytes), (0, 0));
    assert_eq!(lines(&mut concerned), "FellOut, resume 1");
    assert_eq!(lines(&mut other), "");
}

#[test]
fn the_bound_is_an_error_that_names_it() {
    let feed = Feed::new(FeedLimits { subscribers: 1, ..FeedLimits::default() });
    let first = feed.subscribe(Topic::All, Start::Now).unwrap();
    let refused = feed.subscribe(Topic::All, Start::Now).unwrap_err();
    assert_eq!((refused.what, refused.limit), ("subscribers", 1));
    drop(first);
    assert!(feed.subscribe(Topic::All, Start::Now).is_ok());
    assert_eq!((feed.stats().subscribers, feed.stats().waiting, feed.stats().refused), (0, 0, 1));
}

#[test]
fn a_dropped_wait_loses_nothing() {
    let feed = feed_of(100);
    let seen = feed.clone();
    let delivered = Sim::new(1).block_on(1, Duration::from_secs(60), async move {
        let mut subscription = feed.subscribe(on_key("a"), Start::Now).unwrap();
        let waiting = time::timeout(Duration::from_secs(1), subscription.next()).await;
        assert!(waiting.is_err());
        feed.publish(vec![keys(1, &["b"]), keys(2, &["a"]), keys(3, &["a"])]);
        let first = subscription.next().await;
        (line(Some(first)), lines(&mut subscription))
    });
    assert_eq!(delivered, Ok(("2: a".into(), "3: a".into())));
    assert_eq!((seen.stats().waiting, seen.stats().subscribers), (0, 0));
}

#[test]
fn bookmarks_come_on_request_when_the_rest_moved_on() {
    let feed = feed_of(3);
    let busy = feed.clone();
    let every = Duration::from_secs(10);
    let told = Sim::new(1).block_on(1, Duration::from_secs(600), async move {
        konsul_runtime::spawn(async move {
            time::sleep(Duration::from_secs(25)).await;
            busy.publish((1..=9).map(|index| keys(index, &["busy"])).collect());
            time::sleep(Duration::from_secs(30)).await;
            busy.publish(vec![keys(10, &["quiet"])]);
        });
        let mut subscription = feed.subscribe(on_key("quiet"), Start::Now).unwrap().with_bookmarks(every);
        let mut told = Vec::new();
        let began = time::now();
        for _ in 0..2 {
            let delivery = subscription.next().await;
            told.push((line(Some(delivery)), began.elapsed().as_secs()));
        }
        // A fresh subscription from the bookmark has the same future.
        let mut resumed = feed.subscribe(on_key("quiet"), Start::After(Index(9))).unwrap();
        (told, lines(&mut resumed))
    });
    // Nothing moved at 10 and 20 seconds, so there was nothing to say; the bookmark of 30 is the last until
    // the change.
    let expect = vec![("bookmark 9".to_owned(), 30), ("10: quiet".to_owned(), 55)];
    assert_eq!(told, Ok((expect, "10: quiet".into())));
}

#[test]
fn going_on_never_goes_back() {
    let feed = feed_of(100);
    let mut subscription = feed.subscribe(on_key("a"), Start::Now).unwrap();
    assert_eq!(lines(&mut subscription), "");
    feed.publish((1..=5).map(|index| keys(index, &["a"])).collect());
    subscription.go_on_after(Index(3));
    subscription.go_on_after(Index(2));
    assert_eq!(lines(&mut subscription), "4: a; 5: a");
    subscription.go_on_after(Index(8));
    feed.publish((6..=9).map(|index| keys(index, &["a"])).collect());
    assert_eq!(lines(&mut subscription), "9: a");
}

#[test]
fn who_polls_gets_the_same_and_is_woken() {
    let feed = feed_of(100);
    let publisher = feed.clone();
    let told = Sim::new(1).block_on(1, Duration::from_secs(60), async move {
        konsul_runtime::spawn(async move {
            time::sleep(Duration::from_secs(3)).await;
            publisher.publish(vec![keys(1, &["b"]), keys(2, &["a"])]);
        });
        let mut subscription = feed.subscribe(on_key("a"), Start::Now).unwrap();
        let began = time::now();
        let first = std::future::poll_fn(|cx| subscription.poll_next(cx)).await;
        (line(Some(first)), began.elapsed().as_secs(), lines(&mut subscription))
    });
    assert_eq!(told, Ok(("2: a".into(), 3, String::new())));
}

#[test]
fn a_position_has_the_log_time_of_the_newest_entry_up_to_it() {
    let feed = feed_of(2);
    let time_of = |index| feed.time_of(Index(index)).map(|at| at.0);
    assert_eq!(time_of(5), None);
    // Sets in these tests carry their index as their time.
    feed.publish(vec![keys(10, &["a"]), keys(20, &["a"])]);
    assert_eq!([time_of(9), time_of(10), time_of(19), time_of(25)], [None, Some(10), Some(10), Some(20)]);
    feed.publish(vec![keys(30, &["a"])]);
    assert_eq!([time_of(9), time_of(10), time_of(20)], [None, Some(10), Some(20)]);
    feed.reset(Index(40));
    assert_eq!([time_of(30), time_of(40)], [None, None]);
}

#[test]
fn a_long_way_to_go_is_gone_in_parts() {
    let feed = feed_of(10_000);
    let mut subscription = feed.subscribe(on_key("a"), Start::Now).unwrap();
    feed.publish((1..=9_999).map(|index| keys(index, &["b"])).collect());
    feed.publish(vec![keys(10_000, &["a"])]);
    assert_eq!(lines(&mut subscription), "10000: a");
}

#[test]
fn history_is_handed_out_in_pieces_as_far_back_as_it_reaches() {
    let feed = Feed::new(FeedLimits { entries: 4, ..FeedLimits::default() });
    feed.publish((1..=6).map(|index| keys(index * 10, &["a"])).collect());
    let since = |after: u64, most| {
        let sets = feed.since(Index(after), most)?;
        Some(sets.iter().map(|set| set.index.0).collect::<Vec<_>>())
    };
    assert_eq!(since(20, 3), Some(vec![30, 40, 50]));
    assert_eq!(since(50, 3), Some(vec![60]));
    assert_eq!(since(55, 3), Some(vec![60]));
    assert_eq!(since(60, 3), Some(vec![]));
    assert_eq!(since(19, 3), None, "20 is gone, and may have changed something");
    feed.reset(Index(70));
    assert_eq!((since(60, 3), since(70, 3)), (None, Some(vec![])));
}
