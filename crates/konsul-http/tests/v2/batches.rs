//! Batches.

use konsul_api::v2::operations::Id;
use serde_json::json;

use crate::api::{Api, lines_of, told, value_of};

#[tokio::test(flavor = "multi_thread")]
async fn each_member_for_itself() {
    let mut api = Api::start().await;
    let body = json!({ "operations": [
        { "op": "kv_put", "key": "a", "value": "1", "flags": 3 },
        { "op": "kv_put", "key": "a", "value": "2", "if_index": 0 },
        { "op": "kv_get", "key": "a" },
        { "op": "kv_get", "key": "none" },
        { "op": "kv_check", "key": "none", "if_index": 0 },
        { "op": "kv_delete", "key": "a" },
        { "op": "kv_delete_tree", "prefix": "x/" },
    ]});
    let answer = value_of(&api.json(Id::Batch, "/v2/batch", &body).await);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 7);
    assert!(results[0]["modify_index"].as_u64().unwrap() > 0);
    assert_eq!(results[1]["failure"]["code"], "stale_index");
    assert_eq!(results[2]["entry"]["value"], "1");
    assert_eq!(results[3], json!({ "position": 3 }));
    assert_eq!(results[6]["deleted"], 0);
    assert_eq!((&answer["summary"]["succeeded"], &answer["summary"]["failed"]), (&json!(6), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_none() {
    let mut api = Api::start().await;
    let body = json!({ "atomic": true, "operations": [
        { "op": "kv_put", "key": "a", "value": "1" },
        { "op": "kv_check", "key": "b", "if_index": 99 },
        { "op": "kv_put", "key": "c", "value": "1", "if_index": 7 },
    ]});
    let failed = api.json(Id::Batch, "/v2/batch", &body).await;
    let places = vec!["/operations/1".into(), "/operations/2".into()];
    assert_eq!(told(&failed), (409, "batch_failed".into(), places));
    assert_eq!(api.plain(Id::KvGet, "/v2/kv/a").await.status, 404);
    let body = json!({ "atomic": true, "operations": [
        { "op": "kv_put", "key": "a", "value": "1" }, { "op": "kv_put", "key": "b", "value_base64": "/w==" },
    ]});
    let done = value_of(&api.json(Id::Batch, "/v2/batch", &body).await);
    assert_eq!(done["results"][0]["modify_index"], done["results"][1]["modify_index"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_come_as_lines() {
    let mut api = Api::start().await;
    let members: Vec<_> =
        (0..3000).map(|n| json!({ "op": "kv_put", "key": format!("k/{n}"), "value": "x" })).collect();
    let body = json!({ "operations": members }).to_string();
    let headers = [("Content-Type", "application/json"), ("Accept", "application/x-ndjson")];
    let lines = lines_of(&api.ask(Id::Batch, "/v2/batch", &headers, body.as_bytes()).await);
    assert_eq!(lines.len(), 3001);
    for (at, line) in lines[..3000].iter().enumerate() {
        assert_eq!(line["position"], at);
    }
    assert_eq!(lines[3000]["summary"]["succeeded"], 3000);
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_are_named() {
    let mut api = Api::start().await;
    let members: Vec<_> = (0..10_001).map(|_| json!({ "op": "kv_get", "key": "a" })).collect();
    let many = api.json(Id::Batch, "/v2/batch", &json!({ "operations": members })).await;
    assert_eq!(told(&many).1, "too_many_operations");
    let none = api.json(Id::Batch, "/v2/batch", &json!({ "operations": [] })).await;
    assert_eq!(told(&none), (400, "invalid_body".into(), vec!["/operations".into()]));
    let large =
        json!({ "operations": [{ "op": "kv_put", "key": "a", "value": "x".repeat(512 * 1024 + 1) }] });
    let large = api.json(Id::Batch, "/v2/batch", &large).await;
    assert_eq!(told(&large), (413, "value_too_large".into(), vec!["/operations/0/value".into()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_every_member_is_listed() {
    let mut api = Api::start().await;
    let body = json!({ "atomic": "yes", "other": 1, "operations": [
        { "op": "kv_put", "key": "a" },
        { "op": "kv_fly", "key": "a" },
        { "key": "a" },
        ["kv_get", "a"],
        { "op": "kv_get", "key": 7, "value": "x" },
        { "op": "kv_check", "key": "a" },
        { "op": "kv_delete_tree", "key": "a" },
    ]});
    let answer = api.json(Id::Batch, "/v2/batch", &body).await;
    let (status, code, mut places) = told(&answer);
    places.sort();
    assert_eq!((status, code.as_str()), (400, "invalid_body"));
    assert_eq!(
        places,
        [
            "/atomic",
            "/operations/0/value",
            "/operations/1/op",
            "/operations/2/op",
            "/operations/3",
            "/operations/4/key",
            "/operations/4/value",
            "/operations/5/if_index",
            "/operations/6/key",
            "/operations/6/prefix",
            "/other",
        ]
    );
    let body = json!({ "operations": [{ "op": "kv_put", "key": "", "value_base64": "!", "ttl": "x", "namespace": "A" }, { "op": "kv_get", "key": "\u{1}" }] });
    let (_, _, places) = told(&api.json(Id::Batch, "/v2/batch", &body).await);
    assert_eq!(places, ["/operations/0/namespace", "/operations/1/key"]);
}
