//! A whole server does what its operations promise.

use konsul_operations::arguments::{KvGet, KvKeys, KvList, KvPut, SessionCreate, SessionRead};
use konsul_operations::{Blocking, Error, Operations};
use konsul_runtime::time::Duration;
use konsul_storage::MemoryStorage;
use konsul_testkit::TestNode;
use konsul_types::session::Behavior;
use konsul_types::{Index, Key, PutMode, Refusal, Value};

fn key(text: &str) -> Key {
    Key::new(text).expect("a good key")
}

fn put(name: &str, value: &str, mode: PutMode) -> KvPut {
    KvPut { key: key(name), value: Value::from(value.as_bytes()), flags: 0, mode, ttl_ms: None }
}

fn get(name: &str, index: u64) -> KvGet {
    let blocking = (index > 0).then(|| Blocking { index: Index(index), wait: Duration::from_secs(10) });
    KvGet { key: key(name), blocking }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_read_back_with_its_index() {
    let node = TestNode::start(Box::new(MemoryStorage::new())).await;
    let ctx = TestNode::context();
    let written = node.operations.kv_put(&ctx, put("a/b", "one", PutMode::Set)).await.unwrap();
    let read = node.operations.kv_get(&ctx, get("a/b", 0)).await.unwrap();
    assert_eq!(read.value.as_ref(), Some(&written));
    assert_eq!(read.meta.index, written.record.modify_index);
    let stale = node.operations.kv_put(&ctx, put("a/b", "two", PutMode::Cas(Index(1)))).await.unwrap_err();
    assert_eq!(stale, Error::Refused(Refusal::StaleIndex { found: written.record.modify_index }));
    let keys = KvKeys { prefix: "a".into(), separator: "/".into(), blocking: None };
    let names = node.operations.kv_keys(&ctx, keys).await.unwrap();
    assert_eq!(names.value.iter().map(|n| &**n).collect::<Vec<_>>(), ["a/"]);
    let list = KvList { prefix: "a/".into(), blocking: None };
    assert_eq!(node.operations.kv_list(&ctx, list).await.unwrap().value, vec![written]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_reader_wakes_by_what_concerns_it() {
    let node = TestNode::start(Box::new(MemoryStorage::new())).await;
    let ctx = TestNode::context();
    let first = node.operations.kv_put(&ctx, put("k", "1", PutMode::Set)).await.unwrap();
    let seen = first.record.modify_index;
    let operations = node.operations.clone();
    let reader =
        tokio::spawn(async move { operations.kv_get(&TestNode::context(), get("k", seen.0)).await.unwrap() });
    node.operations.kv_put(&ctx, put("other", "x", PutMode::Set)).await.unwrap();
    let second = node.operations.kv_put(&ctx, put("k", "2", PutMode::Set)).await.unwrap();
    let woken = reader.await.unwrap();
    assert_eq!(woken.value, Some(second));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_holds_a_lock_until_it_is_destroyed() {
    let node = TestNode::start(Box::new(MemoryStorage::new())).await;
    let ctx = TestNode::context();
    let wanted = SessionCreate {
        name: "s".into(),
        node: None,
        lock_delay_ms: 0,
        behavior: Behavior::Delete,
        ttl_nanos: 10_000_000_000,
        ttl_text: "10s".into(),
        node_checks: vec![konsul_types::CheckId::new("serfHealth").unwrap()],
        service_checks: Vec::new(),
    };
    let session = node.operations.session_create(&ctx, wanted).await.unwrap();
    let id = session.spec.id;
    node.operations.kv_put(&ctx, put("lock", "mine", PutMode::Acquire(id))).await.unwrap();
    let renewed = node.operations.session_renew(&ctx, id).await.unwrap();
    assert_eq!(renewed.renewal, 0, "a young session's renewal does not enter the log");
    node.operations.session_destroy(&ctx, id).await.unwrap();
    assert_eq!(node.operations.kv_get(&ctx, get("lock", 0)).await.unwrap().value, None);
    let gone = SessionRead { id, blocking: None };
    assert_eq!(node.operations.session_info(&ctx, gone).await.unwrap().value, None);
    assert_eq!(node.operations.session_renew(&ctx, id).await.unwrap_err(), Error::SessionNotFound(id));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_with_a_time_to_live_vanishes() {
    let node = TestNode::start(Box::new(MemoryStorage::new())).await;
    let ctx = TestNode::context();
    let short = KvPut { ttl_ms: Some(50), ..put("short", "lived", PutMode::Set) };
    let written = node.operations.kv_put(&ctx, short).await.unwrap();
    let gone = node.operations.kv_get(&ctx, get("short", written.record.modify_index.0)).await.unwrap();
    assert_eq!(gone.value, None);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_comes_back_and_a_damaged_one_changes_nothing() {
    let node = TestNode::start(Box::new(MemoryStorage::new())).await;
    let ctx = TestNode::context();
    let kept = node.operations.kv_put(&ctx, put("kept", "value", PutMode::Set)).await.unwrap();
    let backup: Vec<u8> = node.operations.snapshot_save(&ctx).await.unwrap().value.flatten().collect();
    node.operations.kv_put(&ctx, put("kept", "changed", PutMode::Set)).await.unwrap();
    node.operations.kv_put(&ctx, put("later", "x", PutMode::Set)).await.unwrap();

    let mut damaged = backup.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let mut sink = node.operations.snapshot_restore(&ctx).await.unwrap();
    let wrote = sink.write(&damaged).await;
    let refused = wrote.is_err() || sink.finish().await.is_err();
    assert!(refused, "a flipped bit is noticed");
    assert!(node.operations.kv_get(&ctx, get("later", 0)).await.unwrap().value.is_some());

    let before = node.operations.kv_get(&ctx, get("later", 0)).await.unwrap().meta.index;
    let mut sink = node.operations.snapshot_restore(&ctx).await.unwrap();
    sink.write(&backup).await.unwrap();
    let index = sink.finish().await.unwrap();
    assert!(index > before);
    let read = node.operations.kv_get(&ctx, get("kept", 0)).await.unwrap();
    assert_eq!(read.value.unwrap().record, kept.record);
    assert!(read.meta.index >= index, "to a client everything changed at the restore");
    assert_eq!(node.operations.kv_get(&ctx, get("later", 0)).await.unwrap().value, None);
    node.stop().await;
}
