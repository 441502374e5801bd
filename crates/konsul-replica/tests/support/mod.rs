//! A node in memory, and the small words of these tests.

#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::sync::Arc;

use konsul_operations::answer::KvEntry;
use konsul_operations::arguments::{Batch, KvPut, LockAcquire, SessionCreate};
use konsul_operations::ports::Replica as _;
use konsul_operations::{Context, Error, Local, Operations};
use konsul_replica::ServerReplica;
use konsul_runtime::time::Duration;
use konsul_storage::memory::MemoryStorage;
use konsul_testkit::{TestNode, raft_options, until};
use konsul_types::{
    BatchItem, Behavior, Index, Key, KvCommand, KvTxnOp, Limits, LockName, Namespace, PutMode, Session,
    TxnOp, Value,
};

pub(crate) type Ops = Local<ServerReplica>;

/// A node that has risen to the newest feature level.
pub(crate) async fn node() -> TestNode {
    node_with(Limits::default()).await
}

pub(crate) async fn node_with(limits: Limits) -> TestNode {
    let node = TestNode::with(Box::new(MemoryStorage::default()), raft_options(), limits).await;
    risen(&node.replica).await;
    until("the bounds", || {
        let found = node.replica.state().limits();
        if found == limits { Ok(()) } else { Err(found) }
    })
    .await;
    node
}

pub(crate) async fn risen(replica: &Arc<ServerReplica>) {
    until("the feature level", || {
        let level = replica.state().feature_level();
        if level == konsul_types::FEATURE_LEVEL { Ok(()) } else { Err(level) }
    })
    .await;
}

pub(crate) fn ctx() -> Context {
    Context::new(Namespace::default_namespace())
}

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub(crate) fn lock(text: &str) -> LockName {
    LockName::new(text).unwrap()
}

pub(crate) fn value(text: &str) -> Value {
    Value::from(text.as_bytes())
}

pub(crate) fn set(name: &str, text: &str) -> KvPut {
    KvPut { key: key(name), value: value(text), flags: 0, mode: PutMode::Set, ttl_ms: None }
}

pub(crate) async fn put(ops: &Ops, name: &str, text: &str) -> KvEntry {
    ops.kv_put(&ctx(), set(name, text)).await.unwrap()
}

pub(crate) fn write(op: KvCommand) -> TxnOp {
    TxnOp::Kv { namespace: Namespace::default_namespace(), op: KvTxnOp::Write(op) }
}

pub(crate) fn put_op(name: &str, text: &str, mode: PutMode) -> TxnOp {
    write(KvCommand::Put { key: key(name), value: value(text), flags: 0, mode, ttl_ms: None })
}

/// Runs a batch to its end; the entries it took, and what became of each member.
pub(crate) async fn batch(
    ops: &Ops,
    ctx: &Context,
    args: Batch,
) -> Result<(Vec<Index>, Vec<BatchItem>), Error> {
    let mut run = ops.batch(ctx, args).await?;
    let (mut entries, mut items) = (Vec::new(), Vec::new());
    while let Some(part) = run.next().await? {
        assert_eq!(part.first, items.len());
        entries.push(part.index);
        items.extend(part.items);
    }
    Ok((entries, items))
}

pub(crate) async fn session(ops: &Ops, lock_delay_ms: u64) -> Arc<Session> {
    let args = SessionCreate {
        name: "a test's".into(),
        node: None,
        lock_delay_ms,
        behavior: Behavior::Release,
        ttl_nanos: 0,
        ttl_text: String::new(),
        node_checks: vec![],
        service_checks: vec![],
    };
    ops.session_create(&ctx(), args).await.unwrap()
}

pub(crate) fn acquire(name: &str, session: &Session, wait_ms: u64) -> LockAcquire {
    LockAcquire {
        name: lock(name),
        session: session.spec.id,
        value: value("me"),
        wait: Duration::from_millis(wait_ms),
    }
}
