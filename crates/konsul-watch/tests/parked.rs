//! Parked readers: what wakes them, what does not, and what they leave behind.

// Helpers of tests, which clippy sees only in functions that are marked as tests.
#![allow(clippy::unwrap_used)]

mod common;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake as WakeTask, Waker};

use common::{check, event, key, keys, kv_in, node, ns, on_key, on_prefix, session, session_id, set};
use konsul_runtime::time::{self, Duration};
use konsul_runtime::virtual_time::Sim;
use konsul_types::{Change, Index};
use konsul_watch::{Feed, FeedFull, FeedLimits, Parked, Topic, Wake};

const LONG: Duration = Duration::from_secs(600);

fn feed() -> Feed {
    Feed::new(FeedLimits::default())
}

/// Runs a future on a virtual executor: time-outs cost nothing and are exact.
fn virtually<F>(future: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    Sim::new(1).block_on(1, LONG * 2, future).expect("it ends within virtual 20 minutes")
}

#[test]
fn a_change_of_its_key_wakes_it_and_no_other_does() {
    let feed = feed();
    let parked = feed.park(on_key("a"), feed.head()).unwrap();
    feed.publish(vec![keys(3, &["b", "a/", "aa"]), set(4, vec![kv_in("b", "a")])]);
    assert_eq!(parked.woken(), None);
    feed.publish(vec![keys(5, &["b"]), keys(6, &["x", "a"]), keys(7, &["a"])]);
    assert_eq!(parked.woken(), Some(Wake::Changed(Index(6))));
    assert_eq!(virtually(async move { parked.wait(time::now()).await }), Wake::Changed(Index(6)));
}

#[test]
fn waiting_ends_with_the_change_that_comes_meanwhile() {
    let feed = feed();
    let publisher = feed.clone();
    let wake = virtually(async move {
        let parked = feed.park(on_prefix("app/"), feed.head()).unwrap();
        konsul_runtime::spawn(async move {
            time::sleep(Duration::from_secs(5)).await;
            publisher.publish(vec![keys(9, &["app/web"])]);
        });
        let began = time::now();
        (parked.wait(began + LONG).await, began.elapsed())
    });
    assert_eq!(wake, (Wake::Changed(Index(9)), Duration::from_secs(5)));
}

#[test]
fn waiting_ends_at_the_deadline() {
    let feed = feed();
    let waited = feed.clone();
    let wake = virtually(async move {
        let began = time::now();
        let parked = waited.park(on_key("a"), Index(0)).unwrap();
        (parked.wait(began + Duration::from_secs(300)).await, began.elapsed())
    });
    assert_eq!(wake, (Wake::Timeout, Duration::from_secs(300)));
    assert_eq!((feed.stats().waiting, feed.stats().parked), (0, 0));
}

#[test]
fn what_history_knows_is_answered_at_once() {
    let feed = feed();
    feed.publish(vec![keys(1, &["a"]), keys(2, &["b"]), keys(3, &["a"]), keys(4, &["b"])]);
    let woken = |topic, after| feed.park(topic, Index(after)).unwrap().woken();
    assert_eq!(woken(on_key("a"), 0), Some(Wake::Changed(Index(1))));
    assert_eq!(woken(on_key("a"), 1), Some(Wake::Changed(Index(3))));
    assert_eq!(woken(on_key("a"), 3), None);
    assert_eq!(woken(on_key("c"), 0), None);
}

#[test]
fn what_a_reader_has_read_is_no_news() {
    let feed = feed();
    feed.publish(vec![keys(1, &["a"])]);
    // The state is at 3 already when it reads; the feed hears of 2 and 3 only afterwards.
    let mut parked = feed.park(on_key("a"), feed.head()).unwrap();
    parked.has_read(Index(3));
    feed.publish(vec![keys(2, &["a"])]);
    assert_eq!(parked.woken(), None);
    feed.publish(vec![keys(3, &["a"]), keys(4, &["b"])]);
    assert_eq!(parked.woken(), None);
    feed.publish(vec![keys(5, &["a"])]);
    assert_eq!(parked.woken(), Some(Wake::Changed(Index(5))));
    let mut late = feed.park(on_key("a"), Index(2)).unwrap();
    assert_eq!(late.woken(), Some(Wake::Changed(Index(3))));
    late.has_read(Index(4));
    assert_eq!(late.woken(), Some(Wake::Changed(Index(5))));
    feed.reset(Index(6));
    late.has_read(Index(5));
    assert_eq!(late.woken(), Some(Wake::Reset));
}

#[test]
fn what_history_no_longer_knows_is_a_reset() {
    let feed = Feed::new(FeedLimits { entries: 2, ..FeedLimits::default() });
    feed.publish((1..=5).map(|index| keys(index, &["a"])).collect());
    assert_eq!(feed.oldest(), Index(3));
    assert_eq!(feed.park(on_key("b"), Index(2)).unwrap().woken(), Some(Wake::Reset));
    assert_eq!(feed.park(on_key("b"), Index(3)).unwrap().woken(), None);
}

#[test]
fn an_index_from_the_future_is_waited_for() {
    let feed = feed();
    let parked = feed.park(on_key("a"), Index(10)).unwrap();
    feed.publish(vec![keys(9, &["a"]), keys(10, &["a"])]);
    assert_eq!(parked.woken(), None);
    feed.publish(vec![keys(11, &["a"])]);
    assert_eq!(parked.woken(), Some(Wake::Changed(Index(11))));
}

#[test]
fn a_replaced_state_wakes_everybody() {
    for replace in
        [|feed: &Feed| feed.reset(Index(7)), |feed: &Feed| feed.publish(vec![set(7, vec![Change::Reset])])]
    {
        let feed = feed();
        feed.publish(vec![keys(1, &["a"])]);
        let parked: Vec<_> =
            every_topic(5).into_iter().map(|topic| feed.park(topic, feed.head()).unwrap()).collect();
        replace(&feed);
        assert!(parked.iter().all(|parked| parked.woken() == Some(Wake::Reset)));
        assert_eq!((feed.head(), feed.oldest(), feed.stats().waiting), (Index(7), Index(7), 0));
    }
}

#[test]
fn the_bound_is_an_error_that_names_it_and_ends_with_a_departure() {
    let feed = Feed::new(FeedLimits { parked: 2, ..FeedLimits::default() });
    let first = feed.park(on_key("a"), Index(0)).unwrap();
    let _second = feed.park(on_key("a"), Index(0)).unwrap();
    let refused = feed.park(on_key("a"), Index(0)).unwrap_err();
    assert_eq!(refused, FeedFull { what: "parked readers", limit: 2 });
    assert!(refused.to_string().starts_with("there are 2 parked readers already"), "{refused}");
    assert_eq!(feed.stats().refused, 1);
    drop(first);
    assert!(feed.park(on_key("a"), Index(0)).is_ok());
}

/// One topic of each kind that belong to no other number.
fn every_topic(number: usize) -> Vec<Topic> {
    vec![
        on_key(&format!("elsewhere/{number:05}")),
        on_prefix(&format!("elsewhere/{number:05}/")),
        Topic::Key(ns("b"), key(&format!("elsewhere/{number:05}"))),
        Topic::Session(ns("default"), session_id(number as u128)),
        Topic::Sessions(ns("b")),
        Topic::Nodes,
        Topic::Checks,
        Topic::Events,
    ]
}

#[test]
fn ten_thousand_readers_parked_elsewhere_are_not_looked_at() {
    let feed = feed();
    let parked: Vec<_> =
        (0..2_000).flat_map(every_topic).map(|topic| feed.park(topic, Index(0)).unwrap()).collect();
    assert_eq!(feed.stats().waiting, 16_000);
    for index in 1..=100 {
        feed.publish(vec![keys(index, &["here", "elsewhere", "elsewhere/0000", "elsewhere/00001x"])]);
    }
    assert_eq!(feed.stats().visited, 0);
    assert_eq!(feed.stats().wakeups, 0);
    // The figure does count: one key's reader, one prefix's reader.
    feed.publish(vec![keys(101, &["elsewhere/00001"]), keys(102, &["elsewhere/00001/x"])]);
    assert_eq!((feed.stats().visited, feed.stats().wakeups), (2, 2));
    assert_eq!(parked.iter().filter_map(Parked::woken).count(), 2);
    feed.publish(vec![set(103, vec![node("n"), check("n"), event(), session("b", 1)])]);
    assert_eq!(feed.stats().wakeups, 8_002);
}

#[test]
fn a_herd_wakes_in_one_pass() {
    let feed = feed();
    let parked: Vec<_> = (0..10_000).map(|_| feed.park(on_key("leader"), Index(0)).unwrap()).collect();
    feed.publish(vec![keys(1, &["leader"]), keys(2, &["leader"])]);
    assert!(parked.iter().all(|parked| parked.woken() == Some(Wake::Changed(Index(1)))));
    let stats = feed.stats();
    assert_eq!((stats.visited, stats.wakeups, stats.waiting, stats.parked), (10_000, 10_000, 0, 10_000));
    drop(parked);
    assert_eq!(feed.stats().parked, 0);
}

#[test]
fn a_hundred_thousand_dropped_readers_leave_nothing() {
    let feed = feed();
    for crowd in 0..2 {
        let mut parked: Vec<_> =
            (0..12_500).flat_map(every_topic).map(|topic| feed.park(topic, feed.head()).unwrap()).collect();
        assert_eq!((feed.stats().waiting, feed.stats().parked), (100_000, 100_000), "crowd {crowd}");
        // In an order that has nothing to do with that of arrival.
        while parked.len() > 1 {
            let half = parked.len() / 2;
            parked.drain(..half).for_each(drop);
        }
        assert_eq!((feed.stats().waiting, feed.stats().parked), (1, 1));
        drop(parked);
        assert_eq!((feed.stats().waiting, feed.stats().parked), (0, 0));
    }
    feed.publish(vec![set(1, vec![node("n"), check("n"), event()])]);
    assert_eq!(feed.stats().visited, 0);
}

#[test]
fn dropping_the_future_of_a_closed_socket_frees_the_reader_at_once() {
    let feed = feed();
    let seen = feed.clone();
    virtually(async move {
        let parked = feed.park(on_key("a"), Index(0)).unwrap();
        let task = konsul_runtime::spawn(parked.wait(time::now() + LONG));
        time::sleep(Duration::from_secs(1)).await;
        assert_eq!(feed.stats().waiting, 1);
        task.abort();
        let _ = task.await;
        assert_eq!((feed.stats().waiting, feed.stats().parked), (0, 0));
    });
    assert_eq!(seen.stats().wakeups, 0);
}

/// A waker that needs the feed's lock, as the task of a reader may when it runs at once.
struct AsksTheFeed {
    feed: Feed,
    woken: AtomicUsize,
}

impl WakeTask for AsksTheFeed {
    fn wake(self: Arc<Self>) {
        assert!(self.feed.head() > Index(0));
        self.woken.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn wakers_are_called_without_the_lock() {
    let feed = feed();
    let asks = Arc::new(AsksTheFeed { feed: feed.clone(), woken: AtomicUsize::new(0) });
    let waker = Waker::from(asks.clone());
    let mut subscription = feed.subscribe(on_key("a"), konsul_watch::Start::Now).unwrap();
    let mut next = pin!(subscription.next());
    assert!(matches!(next.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending));
    feed.publish(vec![keys(1, &["a"])]);
    assert_eq!(asks.woken.load(Ordering::SeqCst), 1);
    assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}

#[test]
fn publishing_backwards_is_refused_before_anything_changed() {
    let feed = feed();
    feed.publish(vec![keys(5, &["a"])]);
    let parked = feed.park(on_key("a"), feed.head()).unwrap();
    let backwards = feed.clone();
    let panicked =
        std::thread::spawn(move || backwards.publish(vec![keys(6, &["a"]), keys(6, &["a"])])).join();
    assert!(panicked.is_err());
    assert_eq!((feed.head(), parked.woken()), (Index(5), None));
    feed.publish(vec![keys(6, &["a"])]);
    assert_eq!(parked.woken(), Some(Wake::Changed(Index(6))));
}

#[test]
fn waiting_may_move_between_threads() {
    fn movable<T: Send>(value: T) -> T {
        value
    }
    let feed = feed();
    let mut subscription = feed.subscribe(Topic::All, konsul_watch::Start::Now).unwrap();
    drop(movable(feed.park(on_key("a"), Index(0)).unwrap().wait(time::Instant::from_nanos(0))));
    drop(movable(subscription.next()));
}
