//! Backups of a whole server: restored all at once, or not at all.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use konsul_operations::arguments::{KvGet, KvList, KvPut};
use konsul_operations::ports::Replica as _;
use konsul_operations::{Blocking, Error, Operations as _};
use konsul_runtime::time::Duration;
use konsul_state::archive::{ArchiveReader, Head, Origin, inspect, pack};
use konsul_storage::MemoryStorage;
use konsul_testkit::{TestNode, until};
use konsul_types::{Index, Key, PutMode, Refusal, Value};

async fn node() -> TestNode {
    TestNode::start(Box::new(MemoryStorage::new())).await
}

async fn put(node: &TestNode, key: &str, value: &str) -> Index {
    let args = KvPut {
        key: Key::new(key).unwrap(),
        value: Value::from(value.as_bytes()),
        flags: 0,
        mode: PutMode::Set,
        ttl_ms: None,
    };
    node.operations.kv_put(&TestNode::context(), args).await.unwrap().record.modify_index
}

async fn value(node: &TestNode, key: &str) -> Option<String> {
    let args = KvGet { key: Key::new(key).unwrap(), blocking: None };
    let found = node.operations.kv_get(&TestNode::context(), args).await.unwrap().value;
    found.map(|entry| String::from_utf8(entry.record.value.as_bytes().to_vec()).unwrap())
}

async fn save(node: &TestNode) -> Vec<u8> {
    node.operations.snapshot_save(&TestNode::context()).await.unwrap().value.flatten().collect()
}

async fn restore(node: &TestNode, bytes: &[u8]) -> Result<Index, Error> {
    let mut sink = node.operations.snapshot_restore(&TestNode::context()).await?;
    for piece in bytes.chunks(1000) {
        sink.write(piece).await?;
    }
    sink.finish().await
}

/// Everything a client can see.
fn tables(node: &TestNode) -> std::collections::BTreeMap<String, String> {
    Head::of(&node.replica.state(), Origin::default()).hashes
}

async fn nothing_is_staged(node: &TestNode) {
    until("what was staged is gone", || {
        let state = node.replica.state();
        let staged = inspect(
            &*konsul_state::archive::archive(&state, Origin::default()).flatten().collect::<Vec<u8>>(),
        );
        let staged = staged.unwrap().tables.into_iter().find(|size| size.table == "restores under way");
        staged.map_or(Ok(()), Err)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_says_what_it_is() {
    let node = node().await;
    let index = put(&node, "k", "v").await;
    let found = inspect(&*save(&node).await).unwrap();
    let head = found.head.unwrap();
    assert!(head.index >= index.0 && head.node == "test-node" && head.datacenter == "dc1", "{head:?}");
    assert_eq!((head.counts["keys"], head.counts["nodes"], found.index), (1, 1, head.index));
    assert!(head.taken_at_ms > 1_500_000_000_000, "{head:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_anywhere_is_refused_and_the_state_is_as_it_was() {
    let node = node().await;
    put(&node, "k", "before").await;
    let backup = save(&node).await;
    put(&node, "k", "after").await;
    let before = tables(&node);
    // Every part of the file, at a step that meets each of its fields.
    for at in (0..backup.len()).step_by(7) {
        let mut bad = backup.clone();
        bad[at] ^= 1 << (at % 8);
        let why = restore(&node, &bad).await.expect_err("a flipped bit");
        assert!(matches!(&why, Error::Refused(Refusal::RestoreRefused { .. })), "byte {at}: {why}");
        assert_eq!(tables(&node), before, "byte {at}");
    }
    nothing_is_staged(&node).await;
    assert_eq!(value(&node, "k").await.as_deref(), Some("after"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_cut_has_no_effect() {
    let node = node().await;
    for n in 0..2_000 {
        put(&node, &format!("k/{n}"), "some value").await;
    }
    let backup = save(&node).await;
    put(&node, "later", "x").await;
    let before = tables(&node);
    for cut in [0, 5, 400, backup.len() / 2, backup.len() - 1] {
        // The client goes away: nobody finishes.
        let mut sink = node.operations.snapshot_restore(&TestNode::context()).await.unwrap();
        sink.write(&backup[..cut]).await.unwrap();
        drop(sink);
        // The client believes that this was all.
        let why = restore(&node, &backup[..cut]).await.expect_err("a cut file").to_string();
        assert!(why.contains("cut short after") || why.contains("no Konsul backup"), "{cut}: {why}");
    }
    nothing_is_staged(&node).await;
    assert_eq!(tables(&node), before);
    assert!(value(&node, "later").await.is_some());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_reader_hears_of_a_restore_and_no_index_goes_back() {
    let node = node().await;
    put(&node, "k", "before").await;
    let backup = save(&node).await;
    // Far beyond the backup, so that its own indexes would be a step back.
    let mut seen = Index::ZERO;
    for n in 0..50 {
        seen = put(&node, "k", &format!("after {n}")).await;
    }
    let operations = node.operations.clone();
    let parked = tokio::spawn(async move {
        let blocking = Some(Blocking { index: seen, wait: Duration::from_secs(20) });
        let args = KvGet { key: Key::new("k").unwrap(), blocking };
        operations.kv_get(&TestNode::context(), args).await.unwrap()
    });
    until("a reader that is parked", || match node.replica.feed().stats().parked {
        1 => Ok(()),
        other => Err(other),
    })
    .await;
    let index = restore(&node, &backup).await.unwrap();
    let woken = parked.await.unwrap();
    assert!(woken.meta.index >= index && index > seen, "{:?} after {seen}", woken.meta.index);
    assert_eq!(woken.value.unwrap().record.value.as_bytes(), b"before");
    for prefix in ["", "k", "nowhere/"] {
        let args = KvList { prefix: prefix.into(), blocking: None };
        let found = node.operations.kv_list(&TestNode::context(), args).await.unwrap();
        assert!(found.meta.index >= index, "{prefix:?} is at {}", found.meta.index);
    }
    assert!(put(&node, "k", "on we go").await > index);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_of_one_index_while_writes_go_on() {
    let node = node().await;
    for n in 0..3_000 {
        put(&node, &format!("k/{n:04}"), &"x".repeat(200)).await;
    }
    let mut pieces = node.operations.snapshot_save(&TestNode::context()).await.unwrap().value;
    let mut file = pieces.next().unwrap().to_vec();
    let mut frames = 0;
    for piece in pieces {
        put(&node, &format!("k/{frames:04}"), "written meanwhile").await;
        file.extend_from_slice(&piece);
        frames += 1;
    }
    assert!(frames > 3, "{frames} frames are too few to write in between");
    restore(&node, &file).await.unwrap();
    assert_eq!(value(&node, "k/0000").await.unwrap().len(), 200);
    assert_eq!(value(&node, "k/2999").await.unwrap().len(), 200);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_higher_feature_level_is_refused_before_anything_is_staged() {
    let node = node().await;
    let backup = save(&node).await;
    let (mut reader, mut chunks) = (ArchiveReader::new(), Vec::new());
    reader.feed(&backup);
    while let Some(chunk) = reader.next_chunk().unwrap() {
        chunks.push(chunk);
    }
    let head = Head { feature_level: 99, ..reader.head().unwrap().clone() };
    let newer: Vec<u8> = pack(&head, chunks.into_iter()).flatten().collect();
    let mut sink = node.operations.snapshot_restore(&TestNode::context()).await.unwrap();
    let why = sink.write(&newer).await.unwrap_err().to_string();
    assert!(why.contains("feature level 99"), "{why}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_without_backups_says_so() {
    let node = node().await;
    let report = node.operations.backup_list(&TestNode::context()).await.unwrap();
    assert!(!report.enabled && report.kept.is_empty());
    assert_eq!(node.operations.backup_run(&TestNode::context()).await.unwrap_err(), Error::BackupsOff);
    node.stop().await;
}
