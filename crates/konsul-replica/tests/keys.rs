//! Keys through the waist beyond one key and one value: patches, pages, searches, histories, and requests that repeat.

mod support;

use konsul_operations::answer::KvListed;
use konsul_operations::arguments::{
    KvDiff, KvHistory, KvPage, KvPatch, KvPut, KvSearch, KvUndo, Needle, Resume,
};
use konsul_operations::ports::Replica as _;
use konsul_operations::watch::Glob;
use konsul_operations::{Context, Error, Operations};
use konsul_types::{Index, Request, RequestId, TtlPatch};
use support::*;

fn patch(name: &str, flags: Option<u64>, ttl: TtlPatch, cas: Option<Index>) -> KvPatch {
    KvPatch { key: key(name), flags, ttl, cas }
}

#[tokio::test]
async fn a_patch_leaves_the_value() {
    let node = node().await;
    let ops = &node.operations;
    let before = put(ops, "a", "one").await;
    let after = ops.kv_patch(&ctx(), patch("a", Some(7), TtlPatch::Set(60_000), None)).await.unwrap();
    assert_eq!((after.record.flags, &after.record.value), (7, &before.record.value));
    assert!(after.record.expires_at.at().is_some());
    let error = ops
        .kv_patch(&ctx(), patch("a", None, TtlPatch::Clear, Some(before.record.modify_index)))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "stale_index");
    let error = ops.kv_patch(&ctx(), patch("none", Some(1), TtlPatch::Keep, None)).await.unwrap_err();
    assert_eq!(error.code(), "key_not_found");
    node.stop().await;
}

#[tokio::test]
async fn pages_and_searches_go_on_where_they_ended() {
    let node = node().await;
    let ops = &node.operations;
    for name in ["app/a/color", "app/a/size", "app/b/color", "app/z", "other"] {
        put(ops, name, &format!("value of {name}")).await;
    }
    let (mut told, mut after) = (Vec::new(), None::<Resume>);
    loop {
        let args = KvPage { prefix: "app/".into(), delimiter: "/".into(), after: after.take(), limit: 1 };
        let page = ops.kv_page(&ctx(), args).await.unwrap().value;
        told.extend(page.items.into_iter().map(|item| match item {
            KvListed::Entry(entry) => entry.key.to_string(),
            KvListed::Folder(name) => format!("[{name}]"),
        }));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(told, ["[app/a/]", "[app/b/]", "app/z"]);
    let search = async |prefix: &str, needle, limit| {
        let args = KvSearch { prefix: prefix.into(), needle, after: None, limit };
        let page = ops.kv_search(&ctx(), args).await.unwrap().value;
        let names: Vec<_> = page.items.iter().map(|entry| entry.key.to_string()).collect();
        (names, page.next.is_some())
    };
    let glob = |text: &str| Needle::KeyGlob(Glob::new(text).unwrap());
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(search("", glob("app/*/color"), 10).await.0, names(&["app/a/color", "app/b/color"]));
    assert_eq!(search("app/b", glob("**color"), 10).await.0, names(&["app/b/color"]));
    assert_eq!(search("other", glob("app/**"), 10).await.0, names(&[]));
    assert_eq!(
        search("", Needle::KeyText("o".into()), 2).await,
        (names(&["app/a/color", "app/b/color"]), true)
    );
    assert_eq!(search("", Needle::ValueBytes(b"of app/a/s".to_vec()), 9).await.0, names(&["app/a/size"]));
    node.stop().await;
}

#[tokio::test]
async fn history_difference_and_undo() {
    let node = node().await;
    let ops = &node.operations;
    let indexes = [
        put(ops, "a", "one").await.record.modify_index,
        put(ops, "a", "two").await.record.modify_index,
        put(ops, "a", "three").await.record.modify_index,
    ];
    let history = async |before, limit| {
        let args = KvHistory { key: key("a"), before, limit };
        let found = ops.kv_history(&ctx(), args).await.unwrap().value;
        (found.versions.iter().map(|version| version.index).collect::<Vec<_>>(), found.more)
    };
    let [one, two, three] = indexes;
    assert_eq!(history(None, 10).await, (vec![three, two, one], false));
    assert_eq!(history(Some(three), 1).await, (vec![two], true));
    let diff = |from, to| KvDiff { key: key("a"), from, to };
    let found = ops.kv_diff(&ctx(), diff(None, None)).await.unwrap().value;
    assert_eq!((found.from.unwrap().index, found.to.index), (two, three));
    let found = ops.kv_diff(&ctx(), diff(Some(one), Some(three))).await.unwrap().value;
    assert_eq!((found.from.unwrap().index, found.to.index), (one, three));
    let error = ops.kv_diff(&ctx(), diff(Some(Index(9_999)), None)).await.unwrap_err();
    assert_eq!(error.code(), "no_such_version");
    let text = async |to_index| {
        let undone = ops.kv_undo(&ctx(), KvUndo { key: key("a"), to_index }).await.unwrap();
        String::from_utf8(undone.record.value.as_bytes().to_vec()).unwrap()
    };
    assert_eq!(text(None).await, "two");
    assert_eq!(text(Some(one)).await, "one");
    ops.kv_delete(&ctx(), key("a"), None).await.unwrap();
    assert_eq!(text(None).await, "one", "a removal is undone too");
    put(ops, "b", "only").await;
    let error = ops.kv_undo(&ctx(), KvUndo { key: key("b"), to_index: None }).await.unwrap_err();
    assert_eq!(error.code(), "nothing_to_undo");
    let error = ops.kv_diff(&ctx(), KvDiff { key: key("c"), from: None, to: None }).await.unwrap_err();
    assert_eq!(error.code(), "key_not_found");
    node.stop().await;
}

fn asked(id: RequestId, fingerprint: u64) -> Context {
    Context { request: Some(Request { id, fingerprint: Some(fingerprint) }), ..ctx() }
}

/// The same key with the same body has one effect and one answer; with another body it is a conflict and has none.
#[tokio::test]
async fn an_idempotency_key_has_one_effect() {
    let node = node().await;
    let ops = &node.operations;
    for id in [RequestId::of_key("test", "order-1"), RequestId(konsul_runtime::random::uuid_v7())] {
        let args = |text: &str| KvPut { flags: 3, ..set("a", text) };
        let first = ops.kv_put(&asked(id, 1), args("one")).await.unwrap();
        put(ops, "a", "between").await;
        assert_eq!(ops.kv_put(&asked(id, 1), args("one")).await.unwrap(), first);
        let error = ops.kv_put(&asked(id, 2), args("two")).await.unwrap_err();
        assert_eq!(error.code(), "idempotency_key_reused");
        let now = node.replica.state().kv_get(&ctx().namespace, "a").value.cloned().unwrap();
        assert_eq!(now.value, value("between"));
    }
    node.stop().await;
}

/// What an undo would choose is another thing after it was done; a repeat still hears the first answer.
#[tokio::test]
async fn a_repeated_undo_is_one_undo() {
    let node = node().await;
    let ops = &node.operations;
    put(ops, "a", "one").await;
    put(ops, "a", "two").await;
    let ctx = asked(RequestId::of_key("test", "undo"), 1);
    let undo = || KvUndo { key: key("a"), to_index: None };
    let first = ops.kv_undo(&ctx, undo()).await.unwrap();
    assert_eq!(first.record.value, value("one"));
    assert_eq!(ops.kv_undo(&ctx, undo()).await.unwrap(), first);
    let other = asked(RequestId::of_key("test", "undo"), 2);
    assert_eq!(ops.kv_undo(&other, undo()).await.unwrap_err().code(), "idempotency_key_reused");
    node.stop().await;
}

#[tokio::test]
async fn every_bound_is_told() {
    let node = node().await;
    let bounds = node.operations.limits(&ctx()).await.unwrap().value;
    let of = |name: &str| bounds.iter().find(|bound| bound.name == name).map(|bound| bound.value);
    let limits = node.replica.state().limits();
    assert_eq!(of("kv_history_bytes"), Some(limits.history_bytes));
    assert_eq!(of("lock_queue"), Some(limits.lock_queue));
    assert_eq!(of("batch_operations"), Some(10_000));
    let names: Vec<_> = bounds.iter().map(|bound| bound.name).collect();
    let mut sorted = names.clone();
    sorted.dedup();
    assert!(sorted.len() == names.len() && names.is_sorted(), "{names:?}");
    put(&node.operations, "a", "one").await;
    put(&node.operations, "a", "two").await;
    let usage = node.operations.usage(&ctx()).await.unwrap().value;
    let default = usage.namespaces.iter().find(|space| space.name == "default").unwrap();
    assert_eq!((default.keys, default.history_versions), (1, 1));
    assert_eq!(default.history_bytes, 64 + 1 + 3);
    node.stop().await;
}

/// Below its feature level an operation is refused by name, and nothing enters the log.
#[tokio::test]
async fn what_the_cluster_cannot_read_yet_is_refused_by_name() {
    let learner = konsul_raft::contract::Options { ..konsul_testkit::raft_options() };
    let options = konsul_replica::ReplicaOptions {
        raft: learner,
        feed: konsul_watch::FeedLimits::default(),
        node: "n".into(),
        address: "127.0.0.1:8300".into(),
    };
    // No leader's duties run here, so nobody raises the level.
    let storage = Box::new(konsul_storage::memory::MemoryStorage::default());
    let replica = konsul_replica::ServerReplica::start(options, storage).await.unwrap();
    let agent =
        std::sync::Arc::new(konsul_testkit::TestAgent { node: konsul_types::NodeName::new("n").unwrap() });
    let ops = Ops::new(replica.clone(), agent, konsul_operations::local::OperationLimits::default());
    konsul_testkit::until("a leader", || replica.lease()).await;
    let before = replica.state().log_index();
    let error = ops.kv_patch(&ctx(), patch("a", Some(1), TtlPatch::Keep, None)).await.unwrap_err();
    assert!(matches!(error, Error::FeatureLevel { needs: 2, present: 1, .. }), "{error:?}");
    let error = ops.kv_put(&asked(RequestId::of_key("", "k"), 1), set("a", "1")).await.unwrap_err();
    assert!(error.to_string().starts_with("an idempotency key needs feature level 2"), "{error}");
    assert_eq!(replica.state().log_index(), before);
    put(&ops, "a", "1").await;
    replica.shutdown().await;
}
