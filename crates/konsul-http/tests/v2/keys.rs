//! Keys: reading, writing, conditions, lists, search, history.

use konsul_api::v2::operations::Id;
use serde_json::{Value, json};

use crate::api::{Api, lines_of, told, value_of};

const RAW: (&str, &str) = ("Content-Type", "application/octet-stream");

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_the_rest_of_the_path() {
    let mut api = Api::start().await;
    api.put("a%2Fb//c", "x").await;
    let read = api.plain(Id::KvGet, "/v2/kv/a/b//c").await;
    assert_eq!(value_of(&read)["key"], "a/b//c");
    assert_eq!(read.header("etag").unwrap(), format!("\"{}\"", value_of(&read)["modify_index"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_in_and_out_in_every_form() {
    let mut api = Api::start().await;
    api.ask(Id::KvPut, "/v2/kv/raw?flags=7&ttl=1h", &[RAW], b"\xff\x00").await;
    let read = value_of(&api.plain(Id::KvGet, "/v2/kv/raw").await);
    assert_eq!((&read["value_base64"], &read["flags"]), (&json!("/wA="), &json!(7)));
    assert!(read["expires_at"].as_str().unwrap().ends_with('Z') && read.get("value").is_none());
    let raw = api.ask(Id::KvGet, "/v2/kv/raw", &[("Accept", "application/octet-stream")], b"").await;
    assert_eq!(raw.body, b"\xff\x00");
    assert_eq!(raw.header("content-type"), Some("application/octet-stream"));
    // Without a word of the client a body is the bytes.
    api.ask(Id::KvPut, "/v2/kv/bare", &[], b"{}").await;
    assert_eq!(value_of(&api.plain(Id::KvGet, "/v2/kv/bare").await)["value"], "{}");
    api.json(Id::KvPut, "/v2/kv/base64", &json!({ "value_base64": "/wA=" })).await;
    let read = api.ask(Id::KvGet, "/v2/kv/base64", &[("Accept", "application/octet-stream")], b"").await;
    assert_eq!(read.body, b"\xff\x00");
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_hold() {
    let mut api = Api::start().await;
    let first = api.put("a", "1").await;
    let tag = format!("\"{first}\"");
    let absent = api.ask(Id::KvPut, "/v2/kv/a", &[RAW, ("If-None-Match", "*")], b"2").await;
    assert_eq!(told(&absent), (412, "stale_index".into(), vec![]));
    let created = api.ask(Id::KvPut, "/v2/kv/new", &[RAW, ("If-None-Match", "*")], b"2").await;
    assert_eq!(created.status, 200);
    let swapped = api.ask(Id::KvPut, "/v2/kv/a", &[RAW, ("If-Match", &tag)], b"2").await;
    assert_eq!(swapped.status, 200);
    for id in [Id::KvPut, Id::KvDelete] {
        let stale = api
            .ask(id, "/v2/kv/a", &[RAW, ("If-Match", &tag)], if id == Id::KvPut { b"3" } else { b"" })
            .await;
        assert_eq!(told(&stale), (412, "stale_index".into(), vec![]));
    }
    let headers = [("Content-Type", "application/json"), ("If-Match", tag.as_str())];
    let stale = api.ask(Id::KvPatch, "/v2/kv/a", &headers, b"{\"flags\":1}").await;
    assert_eq!(told(&stale), (412, "stale_index".into(), vec![]));
    let now = swapped.header("etag").unwrap().to_owned();
    let unchanged = api.ask(Id::KvGet, "/v2/kv/a", &[("If-None-Match", &now)], b"").await;
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some(now.as_str())));
    let changed = api.ask(Id::KvGet, "/v2/kv/a", &[("If-None-Match", &tag)], b"").await;
    assert_eq!(changed.status, 200);
    assert_eq!(api.ask(Id::KvDelete, "/v2/kv/a", &[("If-Match", &now)], b"").await.status, 204);
    assert_eq!(told(&api.plain(Id::KvGet, "/v2/kv/a").await), (404, "key_not_found".into(), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_leaves_the_value() {
    let mut api = Api::start().await;
    api.put("a", "kept").await;
    api.json(Id::KvPatch, "/v2/kv/a", &json!({ "flags": 9, "ttl": "1h" })).await;
    let read = value_of(&api.plain(Id::KvGet, "/v2/kv/a").await);
    assert_eq!((&read["value"], &read["flags"]), (&json!("kept"), &json!(9)));
    assert!(read["expires_at"].is_string());
    api.json(Id::KvPatch, "/v2/kv/a", &json!({ "ttl": null })).await;
    let read = value_of(&api.plain(Id::KvGet, "/v2/kv/a").await);
    assert_eq!((&read["flags"], read.get("expires_at")), (&json!(9), None));
    let missing = api.json(Id::KvPatch, "/v2/kv/none", &json!({ "flags": 1 })).await;
    assert_eq!(told(&missing), (404, "key_not_found".into(), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_write_happens_once_and_a_reused_key_is_refused() {
    let mut api = Api::start().await;
    let key = ("Idempotency-Key", "order-1");
    let first = api.ask(Id::KvPut, "/v2/kv/a", &[RAW, key], b"1").await;
    api.put("a", "between").await;
    let again = api.ask(Id::KvPut, "/v2/kv/a", &[RAW, key], b"1").await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(value_of(&api.plain(Id::KvGet, "/v2/kv/a").await)["value"], "between");
    for (target, body) in [("/v2/kv/a", b"2"), ("/v2/kv/b", b"1")] {
        let reused = api.ask(Id::KvPut, target, &[RAW, key], body).await;
        assert_eq!(told(&reused), (409, "idempotency_key_reused".into(), vec![]));
    }
    assert_eq!(api.plain(Id::KvGet, "/v2/kv/b").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_everything_once_and_in_order() {
    let mut api = Api::start().await;
    for key in ["a/1", "a/2", "a/b/1", "a/b/2", "a/c", "b"] {
        api.put(key, key).await;
    }
    let mut told_keys = Vec::new();
    let mut target = "/v2/kv?prefix=a/&limit=2".to_owned();
    loop {
        let page = value_of(&api.plain(Id::KvList, &target).await);
        told_keys.extend(page["items"].as_array().unwrap().iter().map(|item| item["key"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        target = format!("/v2/kv?prefix=a/&limit=2&cursor={cursor}");
    }
    assert_eq!(told_keys, ["a/1", "a/2", "a/b/1", "a/b/2", "a/c"]);
    let folders = value_of(&api.plain(Id::KvList, "/v2/kv?prefix=a/&delimiter=/&keys_only=true").await);
    let keys: Vec<&Value> = folders["items"].as_array().unwrap().iter().map(|item| &item["key"]).collect();
    assert_eq!(
        (keys, &folders["prefixes"]),
        (
            vec!["a/1", "a/2", "a/c"].into_iter().map(Value::from).collect::<Vec<_>>().iter().collect(),
            &json!(["a/b/"])
        )
    );
    assert!(folders["items"][0].get("value").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_belongs_to_its_query() {
    let mut api = Api::start().await;
    for key in ["a/1", "a/2", "b/1"] {
        api.put(key, "x").await;
    }
    let page = value_of(&api.plain(Id::KvList, "/v2/kv?prefix=a/&limit=1").await);
    let cursor = page["next_cursor"].as_str().unwrap();
    let wrong = [
        ("prefix=b/", "cursor_mismatch"),
        ("prefix=a/&namespace=other", "cursor_mismatch"),
        ("prefix=a/&keys_only=true", "cursor_mismatch"),
    ];
    for (query, code) in wrong {
        let answer = api.plain(Id::KvList, &format!("/v2/kv?{query}&cursor={cursor}")).await;
        assert_eq!(told(&answer), (400, code.into(), vec![]), "{query}");
    }
    let search = api.plain(Id::KvSearch, &format!("/v2/kv_search?q=a&cursor={cursor}")).await;
    assert_eq!(told(&search), (400, "cursor_mismatch".into(), vec![]));
    let changed = cursor.replacen(&cursor[20..21], if &cursor[20..21] == "A" { "B" } else { "A" }, 1);
    let answer = api.plain(Id::KvList, &format!("/v2/kv?prefix=a/&cursor={changed}")).await;
    assert_eq!(told(&answer), (400, "invalid_cursor".into(), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn search_finds_in_keys_and_values() {
    let mut api = Api::start().await;
    for (key, value) in [("app/web/port", "80"), ("app/db/port", "5432"), ("other", "port of call")] {
        api.put(key, value).await;
    }
    let mut found = async |query: &str| {
        let page = value_of(&api.plain(Id::KvSearch, &format!("/v2/kv_search?{query}")).await);
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["key"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("q=port").await, ["app/db/port", "app/web/port"]);
    assert_eq!(found("q=port&in=values").await, ["other"]);
    assert_eq!(found("q=app/*/port").await, ["app/db/port", "app/web/port"]);
    assert_eq!(found("q=**port&prefix=app/w").await, ["app/web/port"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tells_compares_and_puts_back() {
    let mut api = Api::start().await;
    let first = api.put("a", "one\ntwo").await;
    let second = api.put("a", "one\nthree").await;
    let history = value_of(&api.plain(Id::KvHistory, "/v2/kv_history/a?limit=1").await);
    assert_eq!(history["items"][0]["index"], second);
    let cursor = history["next_cursor"].as_str().unwrap();
    let rest = value_of(&api.plain(Id::KvHistory, &format!("/v2/kv_history/a?cursor={cursor}")).await);
    assert_eq!((&rest["items"][0]["value"], &rest["items"][0]["index"]), (&json!("one\ntwo"), &json!(first)));
    let diff = value_of(&api.plain(Id::KvDiff, "/v2/kv_diff/a").await);
    let kinds: Vec<&Value> = diff["lines"].as_array().unwrap().iter().map(|line| &line["kind"]).collect();
    assert_eq!(
        (kinds, &diff["equal"]),
        (vec![&json!("same"), &json!("removed"), &json!("added")], &json!(false))
    );
    let undone = value_of(&api.json(Id::KvUndo, "/v2/kv_undo/a", &json!({ "to_index": first })).await);
    assert_eq!(undone["entry"]["value"], "one\ntwo");
    let none = api.json(Id::KvUndo, "/v2/kv_undo/a", &json!({ "to_index": 1 })).await;
    assert_eq!(told(&none), (404, "no_such_version".into(), vec![]));
    assert_eq!(told(&api.plain(Id::KvHistory, "/v2/kv_history/none").await).1, "key_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_are_apart_and_everything_can_be_removed() {
    let mut api = Api::start().await;
    api.put("a?namespace=team-1", "theirs").await;
    api.put("a", "ours").await;
    assert_eq!(value_of(&api.plain(Id::KvGet, "/v2/kv/a?namespace=team-1").await)["value"], "theirs");
    let all = api.plain(Id::KvDeleteTree, "/v2/kv?prefix=").await;
    assert_eq!(told(&all), (400, "invalid_parameter".into(), vec!["prefix".into()]));
    let all = api.plain(Id::KvDeleteTree, "/v2/kv?prefix=&all=true").await;
    assert_eq!(value_of(&all)["deleted"], 1);
    assert_eq!(api.plain(Id::KvGet, "/v2/kv/a?namespace=team-1").await.status, 200);
    assert_eq!(lines_of(&api.plain(Id::Export, "/v2/export?all_namespaces=true").await).len(), 1);
}
