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

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_written_each_for_itself() {
    let mut api = Api::start().await;
    let body = json!({ "operations": [
        { "op": "node_register", "registration": { "name": "n1", "address": "10.0.0.1" } },
        { "op": "service_register", "node": "n1", "service": { "name": "web", "id": "web-1", "port": 80 } },
        { "op": "check_register", "node": "n1", "check": { "id": "up", "service_id": "web-1", "status": "passing" } },
        { "op": "service_register", "node": "n9", "service": { "name": "web" } },
        { "op": "check_register", "node": "n1", "check": { "id": "x", "service_id": "none", "status": "passing" } },
        { "op": "node_register", "registration": { "name": "n2", "address": "" } },
        { "op": "service_deregister", "node": "n1", "service_id": "web-1", "if_index": 1 },
        { "op": "kv_put", "key": "beside", "value": "1" },
    ]});
    let answer = value_of(&api.json(Id::Batch, "/v2/batch", &body).await);
    let results = answer["results"].as_array().unwrap();
    for at in [0, 1, 2, 7] {
        assert!(results[at]["modify_index"].as_u64().unwrap() > 0, "{answer}");
    }
    let codes: Vec<_> = [3, 4, 5, 6].iter().map(|at| results[*at]["failure"]["code"].clone()).collect();
    assert_eq!(codes, ["missing_node", "missing_service", "invalid_argument", "stale_index"], "{answer}");
    let found = value_of(&api.plain(Id::ServiceInstances, "/v2/services/web").await);
    let one = &found["items"][0];
    assert_eq!((&one["id"], &one["checks"][0]["service"]), (&json!("web-1"), &json!("web")), "{found}");
    let gone = json!({ "operations": [
        { "op": "check_deregister", "node": "n1", "check_id": "up" },
        { "op": "service_deregister", "node": "n1", "service_id": "web-1" },
        { "op": "node_deregister", "node": "n1" },
    ]});
    let answer = value_of(&api.json(Id::Batch, "/v2/batch", &gone).await);
    assert_eq!(answer["summary"]["succeeded"], 3, "{answer}");
    assert_eq!(api.plain(Id::NodeServices, "/v2/nodes/n1").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_written_all_or_none() {
    let mut api = Api::start().await;
    let node = json!({ "op": "node_register", "registration": { "name": "n1", "address": "10.0.0.1" } });
    let web = json!({ "op": "service_register", "node": "n1", "service": { "name": "web" } });
    let lost = json!({ "op": "service_register", "node": "n9", "service": { "name": "web" } });
    let body = json!({ "atomic": true, "operations": [node, web, lost] });
    let failed = api.json(Id::Batch, "/v2/batch", &body).await;
    assert_eq!(told(&failed), (409, "batch_failed".into(), vec!["/operations/2".into()]));
    assert_eq!(api.plain(Id::NodeServices, "/v2/nodes/n1").await.status, 404);
    let body =
        json!({ "atomic": true, "operations": [node, web, { "op": "kv_put", "key": "a", "value": "1" }] });
    let done = value_of(&api.json(Id::Batch, "/v2/batch", &body).await);
    assert_eq!(done["results"][0]["modify_index"], done["results"][2]["modify_index"], "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_the_agent_stand_for_themselves() {
    let mut api = Api::start().await;
    let beat = json!({ "op": "agent_check_update", "check_id": "beat", "status": "passing" });
    let body = json!({ "atomic": true, "operations": [beat] });
    let failed = api.json(Id::Batch, "/v2/batch", &body).await;
    assert_eq!(told(&failed), (400, "invalid_body".into(), vec!["/operations/0/op".into()]));
    // The agent of these tests keeps nothing, and says so for each; what is around them happens.
    let body = json!({ "operations": [
        { "op": "kv_put", "key": "a", "value": "1" },
        beat,
        { "op": "agent_service_register", "service": { "name": "web" } },
        { "op": "kv_get", "key": "a" },
        { "op": "agent_check_deregister", "check_id": "beat" },
    ]});
    let headers = [("Content-Type", "application/json"), ("Accept", "application/x-ndjson")];
    let lines = lines_of(&api.ask(Id::Batch, "/v2/batch", &headers, body.to_string().as_bytes()).await);
    let positions: Vec<_> = lines[..5].iter().map(|line| line["position"].clone()).collect();
    assert_eq!(positions, [0, 1, 2, 3, 4]);
    for at in [1, 2, 4] {
        assert_eq!(lines[at]["failure"]["code"], "not_offered", "{lines:?}");
    }
    assert_eq!(lines[3]["entry"]["value"], "1");
    assert_eq!((&lines[5]["summary"]["succeeded"], &lines[5]["summary"]["failed"]), (&json!(2), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_members_of_the_catalogue_are_listed() {
    let mut api = Api::start().await;
    let body = json!({ "operations": [
        { "op": "node_register", "node": "n1" },
        { "op": "service_register", "node": "n1", "service": { "name": "web", "port": "x", "other": 1 } },
        { "op": "agent_check_update", "check_id": "beat", "status": "odd" },
        { "op": "kv_get", "key": "a", "node": "n1" },
    ]});
    let (status, code, mut places) = told(&api.json(Id::Batch, "/v2/batch", &body).await);
    places.sort();
    assert_eq!((status, code.as_str()), (400, "invalid_body"));
    assert_eq!(
        places,
        [
            "/operations/0/node",
            "/operations/0/registration",
            "/operations/1/service/other",
            "/operations/1/service/port",
            "/operations/2/status",
            "/operations/3/node",
        ]
    );
    let body = json!({ "operations": [
        { "op": "service_register", "node": "n1", "service": { "name": "web", "port": 70000,
          "checks": [{ "name": "c", "ttl": "1s" }] } },
        { "op": "check_register", "node": "n1", "check": { "id": "", "status": "passing" } },
    ]});
    let (_, _, mut places) = told(&api.json(Id::Batch, "/v2/batch", &body).await);
    places.sort();
    assert_eq!(
        places,
        ["/operations/0/service/checks", "/operations/0/service/port", "/operations/1/check/id"]
    );
}
