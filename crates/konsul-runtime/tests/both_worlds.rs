//! The same bodies on tokio and on the virtual executor: what code may rely on does not depend on the world.

#![allow(clippy::unwrap_used)]

use std::future::Future;
use std::sync::{Arc, Mutex};

use konsul_runtime::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use konsul_runtime::time::{Duration, Instant, now, sleep, sleep_until, timeout, wall_ms};
use konsul_runtime::virtual_time::{Order, Sim, SimOptions};
use konsul_runtime::worker::Worker;
use konsul_runtime::{JoinError, dedicated, random, spawn, yield_now};

/// Runs `body` on tokio, and on the virtual executor with both orders.
fn in_both<F: Future<Output = ()> + 'static>(body: impl Fn() -> F) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(body());
    for seed in 0..20 {
        let order = if seed % 2 == 0 { Order::Fifo } else { Order::Random };
        let sim = Sim::with(SimOptions { order: Some(order), ..SimOptions::new(seed) });
        sim.block_on(1, Duration::from_secs(60), body()).unwrap();
    }
}

#[test]
fn a_task_returns_its_value() {
    in_both(|| async {
        let task = spawn(async {
            yield_now().await;
            7
        });
        assert_eq!(task.await, Ok(7));
    });
}

#[test]
fn an_aborted_task_is_cancelled_and_closes_its_channels() {
    in_both(|| async {
        let (tx, rx) = oneshot::channel::<()>();
        let task = spawn(async move {
            let _held = tx;
            std::future::pending::<()>().await;
        });
        yield_now().await;
        assert!(!task.is_finished());
        task.abort();
        assert_eq!(task.await, Err(JoinError::Cancelled));
        assert!(rx.await.is_err());
    });
}

#[test]
fn a_dropped_handle_detaches() {
    in_both(|| async {
        let (tx, rx) = oneshot::channel();
        drop(spawn(async move { tx.send(1) }));
        assert_eq!(rx.await, Ok(1));
    });
}

#[test]
fn sleeps_end_in_order_of_their_deadlines() {
    in_both(|| async {
        let order = Arc::new(Mutex::new(Vec::new()));
        let tasks = [30u64, 10, 20].into_iter().map(|ms| {
            let order = order.clone();
            spawn(async move {
                sleep(Duration::from_millis(ms)).await;
                order.lock().unwrap().push(ms);
            })
        });
        let tasks: Vec<_> = tasks.collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [10, 20, 30]);
    });
}

#[test]
fn the_clock_moves_by_at_least_what_was_slept() {
    in_both(|| async {
        let before = now();
        sleep(Duration::from_millis(5)).await;
        assert!(before.elapsed() >= Duration::from_millis(5));
        sleep_until(before).await;
    });
}

#[test]
fn a_timeout_cuts_what_is_late_and_lets_pass_what_is_ready() {
    in_both(|| async {
        let late = timeout(Duration::from_millis(2), std::future::pending::<()>());
        assert!(late.await.is_err());
        assert_eq!(timeout(Duration::ZERO, std::future::ready(3)).await, Ok(3));
    });
}

#[test]
fn instants_saturate() {
    let origin = Instant::from_nanos(5);
    assert_eq!(origin - Duration::from_secs(1), Instant::from_nanos(0));
    assert_eq!(origin + Duration::MAX, Instant::from_nanos(u64::MAX));
    assert_eq!(origin - Instant::from_nanos(9), Duration::ZERO);
}

#[test]
fn a_deadline_beyond_all_time_is_never() {
    in_both(|| async {
        let never = sleep_until(Instant::from_nanos(u64::MAX));
        assert!(timeout(Duration::from_millis(1), never).await.is_err());
    });
}

#[test]
fn uuids_have_their_version_and_differ() {
    in_both(|| async {
        let (a, b) = (random::uuid_v4(), random::uuid_v4());
        assert_eq!((a.get_version_num(), a == b), (4, false));
        let id = random::uuid_v7();
        assert_eq!(id.get_version_num(), 7);
        let ms = u64::from_be_bytes([&[0, 0], &id.as_bytes()[..6]].concat().try_into().unwrap());
        assert!(wall_ms() - ms < 60_000);
        assert!((0..1000).all(|_| (3..5).contains(&random::between(3, 5))));
        assert_eq!(random::between(9, 9), 9);
    });
}

#[test]
fn a_bounded_queue_makes_the_sender_wait() {
    in_both(|| async {
        let (tx, mut rx) = mpsc::channel(1);
        tx.send(1).await.unwrap();
        assert!(timeout(Duration::from_millis(1), tx.send(2)).await.is_err());
        assert_eq!(rx.recv().await, Some(1));
        tx.send(2).await.unwrap();
        assert_eq!(rx.recv().await, Some(2));
    });
}

#[test]
fn a_watcher_sees_the_newest_value_and_the_end() {
    in_both(|| async {
        let (tx, mut rx) = watch::channel(0);
        assert_eq!(rx.has_changed(), Ok(false));
        let writer = spawn(async move {
            for n in 1..=3 {
                tx.send(n).unwrap();
                yield_now().await;
            }
        });
        assert_eq!(*rx.wait_for(|n| *n == 3).await.unwrap(), 3);
        writer.await.unwrap();
        assert_eq!(rx.changed().await, Err(watch::Closed));
    });
}

#[test]
fn a_watch_tells_what_it_did() {
    let (tx, mut rx) = watch::channel(1);
    assert!(!tx.send_if_modified(|_| false));
    assert_eq!(rx.has_changed(), Ok(false));
    assert!(tx.send_if_modified(|n| {
        *n = 2;
        true
    }));
    assert_eq!(rx.has_changed(), Ok(true));
    assert_eq!(*rx.borrow_and_update(), 2);
    assert_eq!(tx.subscribe().has_changed(), Ok(false));
    assert_eq!(tx.send_replace(5), 2);
    drop(rx);
    assert_eq!((tx.send(6), *tx.borrow()), (Err(6), 5));
}

#[test]
fn watchers_wake_in_the_order_in_which_they_began_to_wait() {
    let sim = Sim::with(SimOptions { order: Some(Order::Fifo), ..SimOptions::new(1) });
    let order = Arc::new(Mutex::new(Vec::new()));
    let (tx, rx) = watch::channel(0);
    for id in 0..64 {
        let (mut rx, order) = (rx.clone(), order.clone());
        drop(sim.node(1).spawn(async move {
            while rx.changed().await.is_ok() {
                order.lock().unwrap().push(id);
            }
        }));
    }
    sim.run_for(Duration::ZERO);
    for round in 1..=3 {
        tx.send(round).unwrap();
        sim.run_for(Duration::ZERO);
        assert_eq!(std::mem::take(&mut *order.lock().unwrap()), (0..64).collect::<Vec<_>>());
    }
}

#[test]
fn permits_and_notices_arrive() {
    in_both(|| async {
        let permits = Arc::new(Semaphore::new(1));
        let held = permits.clone().acquire_owned().await.unwrap();
        assert!(permits.try_acquire().is_err());
        drop(held);
        assert!(permits.try_acquire().is_ok());
        let notice = Arc::new(Notify::new());
        notice.notify_one();
        notice.notified().await;
    });
}

#[test]
fn a_dedicated_future_runs_its_tasks_and_can_be_joined() {
    in_both(|| async {
        let (tx, rx) = oneshot::channel();
        let place = dedicated("place", move || async move {
            let inner = spawn(async { 4 });
            let _ = tx.send(inner.await);
        });
        assert_eq!(rx.await.unwrap(), Ok(4));
        place.join().await.unwrap();
    });
}

#[test]
fn a_panic_on_a_dedicated_thread_is_told_to_who_joins() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let joined = runtime.block_on(dedicated("falls", || async { panic!("on purpose") }).join());
    assert_eq!(joined, Err(JoinError::Panicked("on purpose".to_owned())));
}

/// What a worker's object saw: jobs by number, `finish` as `None`.
type Seen = Arc<Mutex<Vec<Option<u32>>>>;

fn recorder(seen: &Seen) -> Worker<Seen> {
    let finish = |seen: &mut Seen| seen.lock().unwrap().push(None);
    Worker::start("recorder", seen.clone(), 64, finish).unwrap()
}

#[test]
fn a_worker_runs_jobs_in_order_and_finishes_each_batch() {
    in_both(|| async {
        let seen = Seen::default();
        let worker = recorder(&seen);
        for n in 0..10 {
            worker.submit(move |seen: &mut Seen| seen.lock().unwrap().push(Some(n))).await.unwrap();
        }
        worker.stop().await;
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen.iter().flatten().copied().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        assert_eq!(seen.last(), Some(&None), "what was queued before the stop is finished");
        assert!(worker.call(|_| ()).await.is_err());
    });
}

#[test]
fn what_queues_while_a_batch_is_finished_is_one_batch() {
    let sim = Sim::new(3);
    let seen = Seen::default();
    let inner = seen.clone();
    sim.block_on(1, Duration::from_secs(1), async move {
        let worker = recorder(&inner);
        for n in 0..50 {
            worker.submit(move |seen: &mut Seen| seen.lock().unwrap().push(Some(n))).await.unwrap();
        }
        worker.stop().await;
    })
    .unwrap();
    assert_eq!(seen.lock().unwrap().iter().filter(|entry| entry.is_none()).count(), 1);
}

#[test]
fn a_worker_answers_calls() {
    in_both(|| async {
        let worker = Worker::start("adds", 40, 4, |_| ()).unwrap();
        assert_eq!(
            worker
                .call(|n| {
                    *n += 2;
                    *n
                })
                .await,
            Ok(42)
        );
    });
}
