//! Streams of changes on a real replica: who may read what is decided when it is delivered.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use konsul_operations::arguments::{KvPut, KvSelect, Txn};
use konsul_operations::local::OperationLimits;
use konsul_operations::permission::{Authorizer, Permission};
use konsul_operations::watch::{KvWatch, Place, WatchEvent, Watching};
use konsul_operations::{Context, Error, Local, Operations};
use konsul_storage::MemoryStorage;
use konsul_testkit::{TestAgent, TestNode};
use konsul_types::{Key, KvCommand, KvTxnOp, Namespace, NodeName, PutMode, TxnOp, Value};

/// Whether keys under `secret/` may be read, now.
static TRUSTED: AtomicBool = AtomicBool::new(false);

fn rule(_: &Context, needed: &Permission<'_>) -> bool {
    match needed {
        Permission::KeyRead(key) => !key.starts_with("secret/") || TRUSTED.load(SeqCst),
        _ => true,
    }
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

fn put(name: &str) -> KvCommand {
    KvCommand::Put {
        key: key(name),
        value: Value::from(b"x".to_vec()),
        flags: 0,
        mode: PutMode::Set,
        ttl_ms: None,
    }
}

/// Writes keys in one entry.
async fn write(operations: &dyn Operations, keys: &[&str]) {
    let op =
        |name: &&str| TxnOp::Kv { namespace: Namespace::default_namespace(), op: KvTxnOp::Write(put(name)) };
    let args = Txn { ops: keys.iter().map(op).collect() };
    operations.txn(&TestNode::context(), args).await.unwrap();
}

async fn watch(operations: &dyn Operations, initial: bool, from: Option<Place>) -> Box<dyn Watching> {
    let select = KvSelect::Prefix(String::new());
    let args = KvWatch { select, initial, old_values: true, from };
    operations.watch(&TestNode::context(), args).await.unwrap()
}

/// The next event in a few words, and where the stream stands after it.
async fn next(watching: &mut Box<dyn Watching>) -> (String, Place) {
    let event = poll_fn(|cx| watching.poll_next(cx)).await;
    let line = match &event {
        WatchEvent::Change(change) => format!("change {}", change.key),
        WatchEvent::Initial { entry, .. } => format!("initial {}", entry.key),
        WatchEvent::Ready { .. } => "ready".to_owned(),
        WatchEvent::Reset { reason, .. } => format!("reset {}", reason.code()),
        WatchEvent::End { .. } => "end".to_owned(),
        other => panic!("a watch of keys told {other:?}"),
    };
    (line, event.place())
}

async fn lines(watching: &mut Box<dyn Watching>, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..count {
        lines.push(next(watching).await.0);
    }
    lines
}

/// One test, because the rule's answer is the process's.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_read_is_asked_for_each_key_when_it_is_delivered() {
    let node = TestNode::start(Box::new(MemoryStorage::new())).await;
    let agent = Arc::new(TestAgent { node: NodeName::new("test-node").unwrap() });
    let limits = OperationLimits::default();
    let operations = Local::with_authorizer(Arc::clone(&node.replica), agent, limits, Authorizer::Rule(rule));

    let args = KvPut {
        key: key("open/0"),
        value: Value::from(b"x".to_vec()),
        flags: 0,
        mode: PutMode::Set,
        ttl_ms: None,
    };
    operations.kv_put(&TestNode::context(), args).await.unwrap();
    write(&operations, &["secret/0"]).await;

    // What there is, and changes: what may not be read does not come, old values neither.
    let mut stream = watch(&operations, true, None).await;
    assert_eq!(lines(&mut stream, 2).await, ["initial open/0", "ready"]);
    write(&operations, &["secret/1"]).await;
    write(&operations, &["secret/a", "open/a", "secret/b", "open/b", "secret/c"]).await;
    assert_eq!(next(&mut stream).await.0, "change open/a");
    let (line, within) = next(&mut stream).await;
    assert_eq!((line.as_str(), within.within), ("change open/b", Some(4)));

    // The stream that is open already sees what its reader may see from now on, and no more when it may not.
    TRUSTED.store(true, SeqCst);
    assert_eq!(next(&mut stream).await.0, "change secret/c");
    write(&operations, &["secret/2"]).await;
    assert_eq!(next(&mut stream).await.0, "change secret/2");
    TRUSTED.store(false, SeqCst);
    write(&operations, &["secret/3"]).await;
    write(&operations, &["open/3"]).await;
    assert_eq!(next(&mut stream).await.0, "change open/3");

    // A place within an entry is the same place under other permissions.
    let mut resumed = watch(&operations, false, Some(within)).await;
    assert_eq!(lines(&mut resumed, 2).await, ["ready", "change open/3"]);
    TRUSTED.store(true, SeqCst);
    let mut resumed = watch(&operations, false, Some(within)).await;
    let all = ["ready", "change secret/c", "change secret/2", "change secret/3", "change open/3"];
    assert_eq!(lines(&mut resumed, 5).await, all);
    TRUSTED.store(false, SeqCst);

    // One key that may not be read is refused, as a read of it is.
    let args =
        KvWatch { select: KvSelect::Key(key("secret/0")), initial: false, old_values: false, from: None };
    let refused = operations.watch(&TestNode::context(), args).await;
    assert!(matches!(refused, Err(Error::PermissionDenied(_))));
    drop((stream, resumed));
    node.stop().await;
}
