//! Events, snapshots, and the server itself.

use konsul_api::v2::operations::Id;
use serde_json::json;

use crate::api::{Api, told, value_of};

#[tokio::test(flavor = "multi_thread")]
async fn events_are_fired_and_listed() {
    let mut api = Api::start().await;
    for n in 0..3 {
        let fired = api
            .json(Id::EventFire, "/v2/events", &json!({ "name": "deploy", "payload": format!("{n}") }))
            .await;
        assert_eq!(fired.status, 201);
    }
    api.json(Id::EventFire, "/v2/events", &json!({ "name": "other", "payload_base64": "/w==" })).await;
    let page = value_of(&api.plain(Id::EventList, "/v2/events?name=deploy&limit=2").await);
    let payloads = |page: &serde_json::Value| {
        page["items"].as_array().unwrap().iter().map(|one| one["payload"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(payloads(&page), ["0", "1"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = value_of(&api.plain(Id::EventList, &format!("/v2/events?name=deploy&cursor={cursor}")).await);
    assert_eq!(payloads(&rest), ["2"]);
    let wrong = json!({ "name": "", "payload": "x", "tag_filter": "a" });
    assert_eq!(told(&api.json(Id::EventFire, "/v2/events", &wrong).await).2, ["/name", "/tag_filter"]);
    let both = json!({ "name": "a", "payload": "x", "payload_base64": "" });
    assert_eq!(told(&api.json(Id::EventFire, "/v2/events", &both).await).2, ["/payload"]);
    let large = json!({ "name": "a", "payload": "x".repeat(70_000) });
    assert_eq!(told(&api.json(Id::EventFire, "/v2/events", &large).await).1, "too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_restored_whole_or_not_at_all() {
    let mut api = Api::start().await;
    api.put("a", "before").await;
    let saved = api.plain(Id::SnapshotSave, "/v2/snapshot").await;
    let after = api.put("a", "after").await;
    let headers = [("Content-Type", "application/octet-stream")];
    let mut broken = saved.body.clone();
    *broken.last_mut().unwrap() ^= 1;
    let refused = api.ask(Id::SnapshotRestore, "/v2/snapshot", &headers, &broken).await;
    assert_eq!(told(&refused).1, "restore_refused");
    assert_eq!(value_of(&api.plain(Id::KvGet, "/v2/kv/a").await)["value"], "after");
    let restored = value_of(&api.ask(Id::SnapshotRestore, "/v2/snapshot", &headers, &saved.body).await);
    assert!(restored["index"].as_u64().unwrap() > after);
    assert_eq!(value_of(&api.plain(Id::KvGet, "/v2/kv/a").await)["value"], "before");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_tells_of_itself() {
    let mut api = Api::start().await;
    api.put("a", "12345").await;
    let usage = value_of(&api.plain(Id::Usage, "/v2/usage").await);
    assert_eq!(usage["namespaces"][0]["keys"], 1);
    let limits = value_of(&api.plain(Id::Limits, "/v2/limits").await);
    let names: Vec<&str> =
        limits["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && names.contains(&"http.batch_bytes"), "{names:?}");
    let system = value_of(&api.plain(Id::System, "/v2/system").await);
    assert_eq!(system["servers"][0]["leader"], true);
}
