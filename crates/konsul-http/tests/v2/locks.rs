//! Locks and sessions.

use std::collections::BTreeSet;

use konsul_api::v2::operations::Id;
use serde_json::json;

use crate::api::{Api, told, value_of};
use crate::support::PATIENCE;
use crate::support::client::Client;

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_passes_on_with_rising_numbers() {
    let mut api = Api::start().await;
    let (one, two) = (api.session().await, api.session().await);
    let first = value_of(
        &api.json(Id::LockAcquire, "/v2/locks/a%2Fb/acquire", &json!({ "session": one, "value": "host-1" }))
            .await,
    );
    assert_eq!(first["name"], "a/b");
    let held = api.json(Id::LockAcquire, "/v2/locks/a%2Fb/acquire", &json!({ "session": two })).await;
    assert_eq!(told(&held).1, "lock_held");
    // The second waits on a connection of its own.
    let mut waiter = Client::connect(api.address).await;
    let body = json!({ "session": two, "wait": "30s" }).to_string();
    let head = format!(
        "POST /v2/locks/a%2Fb/acquire HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    waiter.send(format!("{head}{body}").as_bytes()).await;
    loop {
        let lock = value_of(&api.plain(Id::LockGet, "/v2/locks/a%2Fb").await);
        assert_eq!((&lock["session"], &lock["value"]), (&json!(one), &json!("host-1")));
        if lock["waiting"] == 1 {
            assert_eq!(lock["queue"], json!([two]));
            break;
        }
    }
    let wrong =
        api.json(Id::LockRelease, "/v2/locks/a%2Fb/release", &json!({ "session": one, "fencing": 1 })).await;
    assert_eq!(told(&wrong).1, "stale_fencing");
    let body = json!({ "session": one, "fencing": first["fencing"] });
    assert_eq!(api.json(Id::LockRelease, "/v2/locks/a%2Fb/release", &body).await.status, 200);
    let second = value_of(&waiter.answer(false).await.unwrap());
    assert!(second["fencing"].as_u64() > first["fencing"].as_u64());
    let again = api.json(Id::LockRelease, "/v2/locks/a%2Fb/release", &body).await;
    assert_eq!(told(&again).1, "not_lock_holder");
}

async fn until_waiting(api: &mut Api, count: u64) {
    let reached =
        async { while value_of(&api.plain(Id::LockGet, "/v2/locks/l").await)["waiting"] != count {} };
    tokio::time::timeout(PATIENCE, reached).await.expect("the queue has its length in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiter_that_hangs_up_leaves_the_queue() {
    let mut api = Api::start().await;
    let (one, two) = (api.session().await, api.session().await);
    api.json(Id::LockAcquire, "/v2/locks/l/acquire", &json!({ "session": one })).await;
    let mut waiter = Client::connect(api.address).await;
    let body = json!({ "session": two, "wait": "30s" }).to_string();
    let head = format!(
        "POST /v2/locks/l/acquire HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    waiter.send(format!("{head}{body}").as_bytes()).await;
    until_waiting(&mut api, 1).await;
    drop(waiter);
    until_waiting(&mut api, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_are_listed_page_by_page() {
    let mut api = Api::start().await;
    let session = api.session().await;
    for name in ["a", "b", "c"] {
        api.json(Id::LockAcquire, &format!("/v2/locks/{name}/acquire"), &json!({ "session": session })).await;
    }
    let page = value_of(&api.plain(Id::LockList, "/v2/locks?limit=2").await);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = value_of(&api.plain(Id::LockList, &format!("/v2/locks?limit=2&cursor={cursor}")).await);
    assert_eq!(
        (&page["items"][1]["name"], &rest["items"][0]["name"], &rest["next_cursor"]),
        (&json!("b"), &json!("c"), &json!(null))
    );
    assert_eq!(told(&api.plain(Id::LockGet, "/v2/locks/none").await).1, "lock_not_found");
    let unknown = json!({ "session": "00000000-0000-4000-8000-000000000000" });
    assert_eq!(told(&api.json(Id::LockAcquire, "/v2/locks/a/acquire", &unknown).await).1, "unknown_session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_made_read_renewed_and_ended() {
    let mut api = Api::start().await;
    let wanted = json!({ "name": "n", "ttl": "30s", "lock_delay": "5s", "behavior": "delete" });
    let made = api.json(Id::SessionCreate, "/v2/sessions", &wanted).await;
    let session = value_of(&made);
    assert_eq!(
        (&session["ttl"], &session["lock_delay"], &session["behavior"]),
        (&json!("30s"), &json!("5s"), &json!("delete"))
    );
    assert!(session["expires_at"].is_string() && session["node_checks"] == json!(["serfHealth"]));
    let path = made.header("location").unwrap().to_owned();
    assert_eq!(value_of(&api.plain(Id::SessionGet, &path).await), session);
    let tag = made.header("etag").unwrap().to_owned();
    assert_eq!(api.ask(Id::SessionGet, &path, &[("If-None-Match", &tag)], b"").await.status, 304);
    assert_eq!(api.plain(Id::SessionRenew, &format!("{path}/renew")).await.status, 200);
    assert_eq!(api.plain(Id::SessionDestroy, &path).await.status, 204);
    assert_eq!(told(&api.plain(Id::SessionGet, &path).await).1, "session_not_found");
    assert_eq!(told(&api.plain(Id::SessionRenew, &format!("{path}/renew")).await).1, "session_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_page_by_page() {
    let mut api = Api::start().await;
    let mut made = BTreeSet::new();
    for _ in 0..5 {
        made.insert(api.session().await);
    }
    let mut seen = Vec::new();
    let mut target = "/v2/sessions?limit=2".to_owned();
    loop {
        let page = value_of(&api.plain(Id::SessionList, &target).await);
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        target = format!("/v2/sessions?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, made.into_iter().collect::<Vec<_>>());
    let other = value_of(&api.plain(Id::SessionList, "/v2/sessions?node=other").await);
    assert_eq!(other["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_session_is_told_whole() {
    let mut api = Api::start().await;
    let wrong =
        json!({ "ttl": 5, "node": "", "colour": 1, "behavior": "fly", "service_checks": [{ "id": 1 }, 2] });
    let (status, code, mut places) = told(&api.json(Id::SessionCreate, "/v2/sessions", &wrong).await);
    places.sort();
    assert_eq!((status, code.as_str()), (400, "invalid_body"));
    assert_eq!(places, ["/behavior", "/colour", "/service_checks/0/id", "/service_checks/1", "/ttl"]);
    let wrong = json!({ "ttl": "x", "node": "a/b", "lock_delay": "-1s", "node_checks": ["", "a"] });
    let (_, _, places) = told(&api.json(Id::SessionCreate, "/v2/sessions", &wrong).await);
    assert_eq!(places, ["/node", "/ttl", "/lock_delay", "/node_checks/0"]);
    let short = api.json(Id::SessionCreate, "/v2/sessions", &json!({ "ttl": "1s" })).await;
    assert_eq!(told(&short), (400, "invalid_argument".into(), vec!["/ttl".into()]));
    assert_eq!(
        told(&api.json(Id::SessionCreate, "/v2/sessions", &json!({ "node": "none" })).await).1,
        "missing_node"
    );
}
