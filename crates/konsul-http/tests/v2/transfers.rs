//! Export and import.

use konsul_api::v2::operations::Id;
use serde_json::json;

use crate::api::{Api, lines_of, problem, told, value_of};

const LINES: (&str, &str) = ("Content-Type", "application/x-ndjson");

#[tokio::test(flavor = "multi_thread")]
async fn export_wipe_import_export_gives_the_same_bytes() {
    let mut api = Api::start().await;
    for n in 0..500 {
        api.put(&format!("k/{n}"), &format!("value {n}\n\"ç\"")).await;
    }
    api.ask(
        Id::KvPut,
        "/v2/kv/bytes?flags=18446744073709551615&namespace=team",
        &[("Content-Type", "text/plain")],
        b"\xff",
    )
    .await;
    let first = api.plain(Id::Export, "/v2/export?all_namespaces=true").await;
    assert_eq!(lines_of(&first).len(), 501);
    api.plain(Id::KvDeleteTree, "/v2/kv?prefix=&all=true").await;
    api.plain(Id::KvDeleteTree, "/v2/kv?prefix=&all=true&namespace=team").await;
    let imported =
        lines_of(&api.ask(Id::Import, "/v2/import?all_namespaces=true", &[LINES], &first.body).await);
    let summary = &imported.last().unwrap()["summary"];
    assert_eq!((&summary["created"], &summary["lines"]), (&json!(501), &json!(501)));
    let second = api.plain(Id::Export, "/v2/export?all_namespaces=true").await;
    assert!(first.body == second.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_and_changes_nothing() {
    let mut api = Api::start().await;
    api.put("same", "1").await;
    api.put("other", "1").await;
    api.put("gone", "1").await;
    let body = b"{\"key\":\"new\",\"value\":\"1\"}\n{\"key\":\"other\",\"value\":\"2\"}\n{\"key\":\"same\",\"value\":\"1\"}";
    let lines = lines_of(&api.ask(Id::Import, "/v2/import?mode=replace&dry_run=true", &[LINES], body).await);
    let mut told: Vec<(&str, &str)> = lines[..lines.len() - 1]
        .iter()
        .map(|line| (line["action"].as_str().unwrap(), line["key"].as_str().unwrap()))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("create", "new"), ("delete", "gone"), ("update", "other")]);
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!((&summary["dry_run"], &summary["unchanged"]), (&json!(true), &json!(1)));
    assert_eq!(value_of(&api.plain(Id::KvGet, "/v2/kv/other").await)["value"], "1");
    api.ask(Id::Import, "/v2/import?mode=replace", &[LINES], body).await;
    assert_eq!(api.plain(Id::KvGet, "/v2/kv/gone").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_is_named() {
    let mut api = Api::start().await;
    let body =
        b"{\"key\":\"a\",\"value\":\"1\"}\n\n{\"key\":\"b\",\"colour\":1}\n{\"key\":\"c\",\"value\":\"1\"}\n";
    let answer = api.ask(Id::Import, "/v2/import", &[LINES], body).await;
    let (status, code, mut places) = told(&answer);
    places.sort();
    assert_eq!(
        (status, code.as_str(), places),
        (400, "invalid_body", vec!["/colour".to_owned(), "/value".to_owned()])
    );
    assert!(problem(&answer).detail.starts_with("line 3: "), "{}", answer.text());
    let cut = api
        .ask(Id::Import, "/v2/import", &[LINES], b"{\"key\":\"a\",\"value\":\"1\"}\n{\"key\":\"b\",\"val")
        .await;
    assert_eq!(told(&cut).1, "malformed_json");
    assert!(problem(&cut).detail.starts_with("line 2: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_import_answers_while_it_goes_on_and_ends_with_what_broke_it() {
    let mut api = Api::start().await;
    let mut body: String = (0..5000).map(|n| format!("{{\"key\":\"a/{n}\",\"value\":\"x\"}}\n")).collect();
    body.push_str("{\"key\":7}\n");
    let answer = api.ask(Id::Import, "/v2/import", &[LINES], body.as_bytes()).await;
    assert_eq!(answer.status, 200);
    let lines = lines_of(&answer);
    let last = lines.last().unwrap();
    assert_eq!(last["problem"]["code"], "invalid_body");
    assert!(last["problem"]["detail"].as_str().unwrap().starts_with("line 5001: "), "{last}");
    // Exactly what was told is in force.
    let kept = lines_of(&api.plain(Id::Export, "/v2/export?prefix=a/").await);
    assert_eq!(kept.len(), lines.len() - 1);
}
