//! Locks through the waist, on a node in memory: the queue, its waiters, and those who leave it.

mod support;

use konsul_operations::arguments::{LockGet, LockList, LockRelease};
use konsul_operations::ports::Replica as _;
use konsul_operations::{Blocking, Error, Operations};
use konsul_runtime::time::Duration;
use konsul_testkit::until;
use konsul_types::{Index, Namespace, Refusal, SessionId};
use support::*;

fn release(name: &str, session: SessionId, fencing: Option<Index>) -> LockRelease {
    LockRelease { name: lock(name), session, fencing }
}

fn waiting(ops: &Ops, name: &str) -> u64 {
    ops.replica().state().locks().waiting(&Namespace::default_namespace(), &lock(name))
}

async fn until_waiting(ops: &Ops, name: &str, count: u64) {
    until("the queue", || {
        let found = waiting(ops, name);
        if found == count { Ok(()) } else { Err(found) }
    })
    .await;
}

/// A hundred wait; each release wakes one reader of the feed and grants to the one who came first, under a higher number.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_waiters_one_wakes_for_each_release() {
    const CROWD: usize = 100;
    let node = node().await;
    let ops = node.operations.clone();
    let first = session(&ops, 0).await;
    let held = ops.lock_acquire(&ctx(), acquire("l", &first, 0)).await.unwrap();
    let mut tasks = Vec::new();
    let mut order = Vec::new();
    for number in 0..CROWD {
        let own = session(&ops, 0).await;
        order.push(own.spec.id);
        let (ops, own) = (ops.clone(), own.clone());
        tasks.push(tokio::spawn(async move { ops.lock_acquire(&ctx(), acquire("l", &own, 60_000)).await }));
        until_waiting(&node.operations, "l", number as u64 + 1).await;
    }
    let parked = || node.replica.feed().stats().parked;
    until("the crowd", || if parked() >= CROWD { Ok(()) } else { Err(parked()) }).await;
    let (mut holder, mut fencing) = (first.spec.id, held.holder.fencing);
    for (number, expected) in order.into_iter().enumerate() {
        let before = node.replica.feed().stats();
        ops.lock_release(&ctx(), release("l", holder, Some(fencing))).await.unwrap();
        let grant = tasks.remove(0).await.unwrap().unwrap();
        assert_eq!(grant.holder.session, expected, "the one who came first is served first");
        assert!(grant.holder.fencing > fencing, "{:?} after {fencing}", grant.holder);
        let after = node.replica.feed().stats();
        assert_eq!(after.wakeups - before.wakeups, 1, "release {number} woke others too");
        assert_eq!(waiting(&ops, "l") as usize, CROWD - number - 1);
        (holder, fencing) = (expected, grant.holder.fencing);
    }
    ops.lock_release(&ctx(), release("l", holder, None)).await.unwrap();
    assert_eq!(node.replica.state().locks().all().count(), 0, "a free lock leaves no trace");
    node.stop().await;
}

#[tokio::test]
async fn a_wait_that_ends_says_who_holds_and_leaves_the_queue() {
    let node = node().await;
    let ops = &node.operations;
    let (one, two) = (session(ops, 0).await, session(ops, 0).await);
    let grant = ops.lock_acquire(&ctx(), acquire("l", &one, 0)).await.unwrap();
    // Asked again it is the same grant.
    assert_eq!(
        ops.lock_acquire(&ctx(), acquire("l", &one, 50)).await.unwrap().holder.fencing,
        grant.holder.fencing
    );
    for wait in [0, 30] {
        let error = ops.lock_acquire(&ctx(), acquire("l", &two, wait)).await.unwrap_err();
        assert_eq!(error.code(), "lock_held");
        let Error::LockHeld { holder, fencing, place, delayed_until } = error else { panic!("{error:?}") };
        assert_eq!((holder, fencing), (Some(one.spec.id), Some(grant.holder.fencing)));
        assert_eq!((place, delayed_until), (0, None));
        assert_eq!(waiting(ops, "l"), 0);
    }
    node.stop().await;
}

/// A client that hangs up leaves the queue; what it was granted in that moment goes on to the next.
#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_leaves_the_queue() {
    let node = node().await;
    let ops = node.operations.clone();
    let (one, two, three) = (session(&ops, 0).await, session(&ops, 0).await, session(&ops, 0).await);
    ops.lock_acquire(&ctx(), acquire("l", &one, 0)).await.unwrap();
    let spawn = |own: std::sync::Arc<konsul_types::Session>| {
        let ops = ops.clone();
        tokio::spawn(async move { ops.lock_acquire(&ctx(), acquire("l", &own, 60_000)).await })
    };
    let leaves = spawn(two.clone());
    until_waiting(&ops, "l", 1).await;
    let stays = spawn(three.clone());
    until_waiting(&ops, "l", 2).await;
    leaves.abort();
    until_waiting(&ops, "l", 1).await;
    ops.lock_release(&ctx(), release("l", one.spec.id, None)).await.unwrap();
    assert_eq!(stays.await.unwrap().unwrap().holder.session, three.spec.id);
    // Abandoned at any moment, before the queue or after the grant, nothing is left behind that nobody knows of.
    for number in 0..40u64 {
        let abandoned = spawn(one.clone());
        tokio::time::sleep(std::time::Duration::from_micros(number * 37)).await; // tidy: sleep because the moment of giving up is what is varied.
        abandoned.abort();
        let _ = abandoned.await;
        ops.lock_release(&ctx(), release("l", three.spec.id, None)).await.unwrap();
        until("the lock to be free", || {
            let state = node.replica.state();
            let lock = state.locks().get(&Namespace::default_namespace(), &lock("l")).cloned();
            if lock.is_none() { Ok(()) } else { Err(lock) }
        })
        .await;
        ops.lock_acquire(&ctx(), acquire("l", &three, 5_000)).await.unwrap();
    }
    node.stop().await;
}

/// The client goes in the moment between the server's answer and its reading: what was asked for is called off there too.
/// On one thread, so that tasks run in the order in which they are woken.
#[tokio::test]
async fn who_hangs_up_before_reading_the_answer_leaves_the_queue() {
    let node = node().await;
    let ops = &node.operations;
    let (one, two) = (session(ops, 0).await, session(ops, 0).await);
    let holder = || {
        let state = node.replica.state();
        let lock = state.locks().get(&Namespace::default_namespace(), &lock("l"));
        lock.and_then(|lock| lock.holder.as_ref()).map(|holder| holder.session)
    };
    for (held_before, expected) in [(None, one.spec.id), (Some(&two), two.spec.id)] {
        if let Some(other) = held_before {
            ops.lock_acquire(&ctx(), acquire("l", other, 0)).await.unwrap();
        }
        let context = ctx();
        let mut asks = ops.lock_acquire(&context, acquire("l", &one, 60_000));
        // Polled once, and then no more.
        tokio::select! {
            biased;
            answer = &mut asks => panic!("answered at once: {answer:?}"),
            () = std::future::ready(()) => {}
        }
        until_waiting(ops, "l", u64::from(held_before.is_some())).await;
        until("the claim", || if holder() == Some(expected) { Ok(()) } else { Err(holder()) }).await;
        // What is written later is answered later: the answer of interest has been sent by now.
        put(ops, "later", "x").await;
        drop(asks);
        until_waiting(ops, "l", 0).await;
        let left = held_before.map(|other| other.spec.id);
        until("the lock", || if holder() == left { Ok(()) } else { Err(holder()) }).await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_session_grants_to_the_next_and_ends_its_own_wait() {
    let node = node().await;
    let ops = node.operations.clone();
    let (one, two, three) = (session(&ops, 0).await, session(&ops, 0).await, session(&ops, 0).await);
    ops.lock_acquire(&ctx(), acquire("l", &one, 0)).await.unwrap();
    let wait = |own: std::sync::Arc<konsul_types::Session>| {
        let ops = ops.clone();
        tokio::spawn(async move { ops.lock_acquire(&ctx(), acquire("l", &own, 60_000)).await })
    };
    let ends = wait(two.clone());
    until_waiting(&ops, "l", 1).await;
    let next = wait(three.clone());
    until_waiting(&ops, "l", 2).await;
    ops.session_destroy(&ctx(), two.spec.id).await.unwrap();
    let error = ends.await.unwrap().unwrap_err();
    assert_eq!(error, Error::Refused(Refusal::UnknownSession { id: two.spec.id.to_string() }));
    ops.session_destroy(&ctx(), one.spec.id).await.unwrap();
    assert_eq!(next.await.unwrap().unwrap().holder.session, three.spec.id);
    node.stop().await;
}

/// After a lock delay the leader's duties grant to whoever waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_delay_ends_with_a_grant() {
    let node = node().await;
    let ops = node.operations.clone();
    let (one, two) = (session(&ops, 400).await, session(&ops, 0).await);
    ops.lock_acquire(&ctx(), acquire("l", &one, 0)).await.unwrap();
    ops.session_destroy(&ctx(), one.spec.id).await.unwrap();
    let error = ops.lock_acquire(&ctx(), acquire("l", &two, 0)).await.unwrap_err();
    assert!(matches!(error, Error::LockHeld { holder: None, delayed_until: Some(_), .. }), "{error:?}");
    let lost_at = node.replica.now();
    let grant = ops.lock_acquire(&ctx(), acquire("l", &two, 20_000)).await.unwrap();
    assert!(grant.holder.since.since(lost_at) >= 300, "granted in the middle of the delay");
    node.stop().await;
}

#[tokio::test]
async fn a_lock_is_read_and_listed_with_its_queue() {
    let node = node().await;
    let ops = &node.operations;
    let one = session(ops, 0).await;
    let free = ops.lock_get(&ctx(), LockGet { name: lock("a/1"), blocking: None }).await.unwrap();
    assert!(free.value.is_none());
    for name in ["a/1", "a/2", "b/1"] {
        ops.lock_acquire(&ctx(), acquire(name, &one, 0)).await.unwrap();
    }
    let list = |prefix: &str, after: Option<&str>, limit| LockList {
        prefix: prefix.into(),
        after: after.map(lock),
        limit,
    };
    let names = async |args| {
        let found = ops.lock_list(&ctx(), args).await.unwrap().value;
        found.into_iter().map(|entry| entry.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(list("", None, 10)).await, ["a/1", "a/2", "b/1"]);
    assert_eq!(names(list("a/", None, 10)).await, ["a/1", "a/2"]);
    assert_eq!(names(list("", Some("a/1"), 1)).await, ["a/2"]);
    assert_eq!(names(list("a/", Some("a/2"), 10)).await, [""; 0]);
    let read = ops.lock_get(&ctx(), LockGet { name: lock("a/1"), blocking: None }).await.unwrap();
    let entry = read.value.unwrap();
    assert_eq!(entry.lock.holder.as_ref().unwrap().session, one.spec.id);
    // A blocking read waits for the holder to change.
    let asked = Blocking { index: read.meta.index, wait: Duration::from_secs(20) };
    let blocked = ops.clone();
    let reader = tokio::spawn(async move {
        blocked.lock_get(&ctx(), LockGet { name: lock("a/1"), blocking: Some(asked) }).await
    });
    ops.lock_release(&ctx(), release("a/1", one.spec.id, None)).await.unwrap();
    let after = reader.await.unwrap().unwrap();
    assert!(after.value.is_none() && after.meta.index > read.meta.index);
    node.stop().await;
}

#[tokio::test]
async fn bounds_and_wrong_holders_are_refused_by_name() {
    let limits = konsul_types::Limits { locks: 1, lock_queue: 0, ..Default::default() };
    let node = node_with(limits).await;
    let ops = &node.operations;
    let (one, two) = (session(ops, 0).await, session(ops, 0).await);
    let grant = ops.lock_acquire(&ctx(), acquire("l", &one, 0)).await.unwrap();
    let code = async |args| ops.lock_acquire(&ctx(), args).await.unwrap_err().code();
    assert_eq!(code(acquire("m", &one, 0)).await, "quota");
    assert_eq!(code(acquire("l", &two, 1_000)).await, "lock_queue_full");
    let mut long = acquire("l", &one, 0);
    long.value = konsul_types::Value::from(vec![b'x'; 4097]);
    assert_eq!(code(long).await, "too_large");
    let code = async |args| ops.lock_release(&ctx(), args).await.unwrap_err().code();
    assert_eq!(code(release("l", two.spec.id, None)).await, "not_lock_holder");
    assert_eq!(code(release("l", one.spec.id, Some(Index(1)))).await, "stale_fencing");
    ops.lock_release(&ctx(), release("l", one.spec.id, Some(grant.holder.fencing))).await.unwrap();
    assert_eq!(code(release("l", one.spec.id, None)).await, "not_lock_holder");
    node.stop().await;
}
