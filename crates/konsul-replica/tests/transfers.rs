//! Many keys through the waist: batches, exports, imports.

#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod support;

use konsul_operations::answer::{DifferenceKind, ImportDifference, ImportReport};
use konsul_operations::arguments::{Batch, Export, Import, ImportEntry, ImportMode, KvSelect};
use konsul_operations::ports::Replica as _;
use konsul_operations::{Context, Error, Operations};
use konsul_types::txn::KvTxnOp;
use konsul_types::{BatchItem, Index, Namespace, PutMode, Request, RequestId, TxnOp};
use support::*;

fn ops_of(count: usize) -> Vec<TxnOp> {
    (0..count).map(|number| put_op(&format!("k/{number:05}"), "v", PutMode::Set)).collect()
}

#[tokio::test]
async fn a_batch_of_all_or_none_is_one_entry() {
    let node = node().await;
    let ops = &node.operations;
    let many = Batch { atomic: true, ops: ops_of(5_000) };
    let (entries, items) = batch(ops, &ctx(), many).await.unwrap();
    assert_eq!((entries.len(), items.len()), (1, 5_000));
    assert_eq!(node.replica.state().keyspace(&ctx().namespace).unwrap().len(), 5_000);
    let mut wrong = ops_of(3);
    wrong.push(put_op("k/new", "v", PutMode::Cas(Index(77))));
    wrong[0] = put_op("k/00000", "other", PutMode::Set);
    let (_, items) = batch(ops, &ctx(), Batch { atomic: true, ops: wrong }).await.unwrap();
    assert_eq!(items.iter().filter(|item| item.failure().is_some()).count(), 1);
    assert!(items[3].failure().is_some());
    let kept = node.replica.state().kv_get(&ctx().namespace, "k/00000").value.cloned().unwrap();
    assert_eq!(kept.value, value("v"), "nothing happened");
    node.stop().await;
}

#[tokio::test]
async fn a_batch_of_each_for_itself_takes_few_entries_and_tells_each_outcome() {
    let node = node().await;
    let ops = &node.operations;
    let mut all = ops_of(10_000);
    all[1] = put_op("k/00001", "v", PutMode::Cas(Index(77)));
    all[9_999] =
        TxnOp::Kv { namespace: Namespace::default_namespace(), op: KvTxnOp::Get { key: key("k/00002") } };
    let (entries, items) = batch(ops, &ctx(), Batch { atomic: false, ops: all }).await.unwrap();
    assert_eq!((entries.len(), items.len()), (5, 10_000));
    let failed: Vec<_> = items.iter().enumerate().filter(|(_, item)| item.failure().is_some()).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].0, 1);
    assert!(matches!(&items[9_999], BatchItem::Record(Some(record)) if record.value == value("v")));
    let error = batch(ops, &ctx(), Batch { atomic: false, ops: ops_of(10_001) }).await.unwrap_err();
    assert_eq!(error.code(), "too_large");
    // One that only reads takes none.
    let before = node.replica.state().log_index();
    let get = TxnOp::Kv { namespace: ctx().namespace, op: KvTxnOp::Get { key: key("k/00001") } };
    let (_, items) = batch(ops, &ctx(), Batch { atomic: false, ops: vec![get] }).await.unwrap();
    assert!(items[0].failure().is_some());
    assert_eq!(node.replica.state().log_index(), before);
    node.stop().await;
}

/// A repeat of a batch repeats nothing, and says so where its answer was too large to be kept.
#[tokio::test]
async fn a_repeated_batch_has_one_effect() {
    let node = node().await;
    let ops = &node.operations;
    let asked = |fingerprint| Context {
        request: Some(Request { id: RequestId::of_key("test", "batch"), fingerprint: Some(fingerprint) }),
        ..ctx()
    };
    let all = || Batch { atomic: false, ops: ops_of(2_500) };
    batch(ops, &asked(1), all()).await.unwrap();
    let index = node.replica.state().keyspace(&ctx().namespace).unwrap().changed_any();
    assert_eq!(batch(ops, &asked(1), all()).await.unwrap_err().code(), "done_before");
    assert_eq!(batch(ops, &asked(2), all()).await.unwrap_err().code(), "idempotency_key_reused");
    assert_eq!(node.replica.state().keyspace(&ctx().namespace).unwrap().changed_any(), index);
    node.stop().await;
}

async fn exported(ops: &Ops, select: KvSelect, all_namespaces: bool) -> Vec<(String, String, String)> {
    let found = ops.export(&ctx(), Export { select, all_namespaces }).await.unwrap();
    let row = |entry: konsul_operations::KvEntry| {
        let text = String::from_utf8(entry.record.value.as_bytes().to_vec()).unwrap();
        (entry.namespace.to_string(), entry.key.to_string(), text)
    };
    found.value.entries.map(row).collect()
}

fn entry(name: &str, text: &str) -> ImportEntry {
    ImportEntry {
        namespace: Namespace::default_namespace(),
        key: key(name),
        value: value(text),
        flags: 0,
        ttl_ms: None,
    }
}

fn import(mode: ImportMode, dry_run: bool) -> Import {
    Import { mode, dry_run, prefix: String::new(), all_namespaces: false }
}

/// Gives the entries in pieces and takes every difference.
async fn imported(
    ops: &Ops,
    args: Import,
    entries: &[ImportEntry],
) -> Result<(Vec<(String, DifferenceKind)>, ImportReport), Error> {
    let mut run = ops.import(&ctx(), args).await?;
    let mut told = Vec::new();
    let row = |difference: ImportDifference| (difference.key.to_string(), difference.kind);
    for piece in entries.chunks(300) {
        run.give(piece.to_vec());
        while let Some(part) = run.next().await? {
            told.extend(part.into_iter().map(row));
        }
    }
    run.end();
    while let Some(part) = run.next().await? {
        told.extend(part.into_iter().map(row));
    }
    Ok((told, run.report()))
}

#[tokio::test]
async fn an_export_is_one_state_in_order() {
    let node = node().await;
    let ops = &node.operations;
    let team = Context::new(Namespace::new("team").unwrap());
    for number in 0..700 {
        put(ops, &format!("k/{number:03}"), "v").await;
    }
    ops.kv_put(&team, set("t", "theirs")).await.unwrap();
    let all = exported(ops, KvSelect::Prefix(String::new()), true).await;
    assert_eq!(all.len(), 701);
    assert!(all.is_sorted() && all.last().unwrap().0 == "team");
    assert_eq!(exported(ops, KvSelect::Prefix("k/69".into()), false).await.len(), 10);
    assert_eq!(exported(ops, KvSelect::Key(key("k/000")), false).await.len(), 1);
    // What is written while it is read is not in it.
    let mut reading = ops
        .export(&ctx(), Export { select: KvSelect::Prefix("k/".into()), all_namespaces: false })
        .await
        .unwrap();
    assert!(reading.value.entries.next().is_some());
    ops.kv_delete_tree(&ctx(), "k/".into()).await.unwrap();
    assert_eq!(reading.value.entries.count(), 699);
    node.stop().await;
}

#[tokio::test]
async fn an_import_merges_replaces_and_tells_what_it_would_do() {
    use DifferenceKind::{Create, Delete, Update};
    let node = node().await;
    let ops = &node.operations;
    for (name, text) in [("a", "1"), ("b", "1"), ("d", "1"), ("z", "1")] {
        put(ops, name, text).await;
    }
    let wanted = [entry("a", "1"), entry("b", "2"), entry("c", "3")];
    let dry = imported(ops, import(ImportMode::Merge, true), &wanted).await.unwrap();
    let index = node.replica.state().index();
    assert_eq!(dry.0, [("b".into(), Update), ("c".into(), Create)]);
    let real = imported(ops, import(ImportMode::Merge, false), &wanted).await.unwrap();
    assert_eq!(real.0, dry.0);
    let ImportReport { entries, created, updated, deleted, unchanged, .. } = real.1;
    assert_eq!((entries, created, updated, deleted, unchanged), (3, 1, 1, 0, 1));
    assert!(real.1.index > index);
    let again = imported(ops, import(ImportMode::Merge, false), &wanted).await.unwrap();
    assert_eq!((again.0.len(), again.1.unchanged), (0, 3));
    let dry = imported(ops, import(ImportMode::Replace, true), &wanted).await.unwrap();
    let real = imported(ops, import(ImportMode::Replace, false), &wanted).await.unwrap();
    assert_eq!(real.0, [("d".into(), Delete), ("z".into(), Delete)]);
    assert_eq!(real.0, dry.0);
    let left = exported(ops, KvSelect::Prefix(String::new()), false).await;
    assert_eq!(left.iter().map(|row| row.1.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    node.stop().await;
}

/// Export, wipe, import, export: the same again; and a replacement removes what is between, before and behind.
#[tokio::test]
async fn a_large_import_restores_what_was_exported() {
    let node = node().await;
    let ops = &node.operations;
    let all: Vec<_> =
        (0..5_000).map(|number| entry(&format!("k/{number:05}"), &format!("{number}"))).collect();
    imported(ops, import(ImportMode::Merge, false), &all).await.unwrap();
    let before = exported(ops, KvSelect::Prefix(String::new()), false).await;
    assert_eq!(before.len(), 5_000);
    ops.kv_delete_tree(&ctx(), String::new()).await.unwrap();
    let others: Vec<_> = (0..3_000).map(|number| entry(&format!("k/{number:05}x"), "x")).collect();
    imported(ops, import(ImportMode::Merge, false), &others).await.unwrap();
    let (told, report) = imported(ops, import(ImportMode::Replace, false), &all).await.unwrap();
    assert_eq!((report.created, report.deleted, told.len()), (5_000, 3_000, 8_000));
    assert_eq!(exported(ops, KvSelect::Prefix(String::new()), false).await, before);
    node.stop().await;
}

/// What is wrong with an entry is told with its position; what comes before it is in force, what comes behind is not.
#[tokio::test]
async fn a_wrong_entry_is_named_by_its_position() {
    let node = node().await;
    let ops = &node.operations;
    let position = async |args: Import, entries: &[ImportEntry]| match imported(ops, args, entries).await {
        Err(Error::Entry { position, error }) => (position, error.code()),
        other => panic!("{other:?}"),
    };
    let unsorted = [entry("a", "1"), entry("c", "1"), entry("b", "1"), entry("d", "1")];
    assert_eq!(position(import(ImportMode::Replace, false), &unsorted).await, (3, "invalid_argument"));
    let left = exported(ops, KvSelect::Prefix(String::new()), false).await;
    assert_eq!(left.iter().map(|row| row.1.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    let mut large = entry("b", "");
    large.value = konsul_types::Value::from(vec![b'x'; 600 * 1024]);
    assert_eq!(
        position(import(ImportMode::Merge, false), &[entry("a", "2"), large]).await,
        (2, "value_too_large")
    );
    let below = Import { prefix: "app/".into(), ..import(ImportMode::Merge, true) };
    assert_eq!(position(below, &[entry("app/x", "1"), entry("other", "1")]).await, (2, "invalid_argument"));
    let mut foreign = entry("a", "1");
    foreign.namespace = Namespace::new("team").unwrap();
    assert_eq!(position(import(ImportMode::Merge, false), &[foreign]).await, (1, "invalid_argument"));
    node.stop().await;
}
