//! Answers that are made while they are sent, and errors on the way.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod support;

use std::sync::atomic::Ordering::SeqCst;

use konsul_operations::Error;
use support::client::Client;
use support::{Rig, until};

#[tokio::test]
async fn a_backup_is_streamed_and_can_be_put_back() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    let saved = client.get("/v1/snapshot").await;
    assert_eq!(saved.status, 200);
    assert_eq!(saved.header("x-consul-index"), Some("5"));
    assert_eq!(saved.header("transfer-encoding"), Some("chunked"));
    assert!(saved.text().starts_with("piece 0\n") && saved.text().ends_with("piece 999\n"));
    assert_eq!(client.put("/v1/snapshot", &saved.body).await.status, 200);
    let mut flipped = saved.body.clone();
    flipped[0] ^= 1;
    assert_eq!(client.put("/v1/snapshot", &flipped).await.status, 500);
}

#[tokio::test]
async fn the_log_is_streamed_line_by_line_until_the_client_has_enough() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    client.send(b"GET /v1/agent/monitor?loglevel=WARN&logjson HTTP/1.1\r\nHost: test\r\n\r\n").await;
    while !client.line().await.is_empty() {}
    assert_eq!(
        (client.line().await, client.line().await),
        ("15".to_owned(), "level warn json true\n".to_owned())
    );
    let log = rig.fake.log.lock().unwrap().clone().unwrap();
    log.send("more\n".to_owned()).await.unwrap();
    assert_eq!((client.line().await, client.line().await), ("5".to_owned(), "more\n".to_owned()));
    drop(client);
    until("nobody listens to the log any more", || log.is_closed()).await;
}

#[tokio::test]
async fn the_end_of_the_log_ends_the_answer() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    client.send(b"GET /v1/agent/monitor HTTP/1.1\r\nHost: test\r\n\r\n").await;
    until("the log is open", || rig.fake.log.lock().unwrap().take().is_some()).await;
    assert_eq!(client.answer(false).await.unwrap().text(), "level info json false\n");
    assert_eq!(client.get("/v1/status/leader").await.status, 200);
}

#[tokio::test]
async fn every_route_passes_on_what_goes_wrong() {
    let rig = Rig::start();
    *rig.fake.failing.lock().unwrap() = Some(Error::NoLeader);
    let mut client = Client::connect(rig.address).await;
    let session = "adf4238a-882b-9ddc-4a9d-5b6758e4159e";
    let routes = [
        ("GET", "/v1/kv/a".to_owned()),
        ("GET", "/v1/kv/a?recurse".to_owned()),
        ("GET", "/v1/kv/a?keys".to_owned()),
        ("PUT", "/v1/kv/a".to_owned()),
        ("PUT", format!("/v1/kv/a?acquire={session}")),
        ("DELETE", "/v1/kv/a".to_owned()),
        ("DELETE", "/v1/kv/a?recurse".to_owned()),
        ("PUT", "/v1/txn".to_owned()),
        ("PUT", "/v1/session/create".to_owned()),
        ("PUT", format!("/v1/session/destroy/{session}")),
        ("PUT", format!("/v1/session/renew/{session}")),
        ("GET", format!("/v1/session/info/{session}")),
        ("GET", "/v1/session/list".to_owned()),
        ("GET", "/v1/session/node/test-node".to_owned()),
        ("PUT", "/v1/event/fire/x".to_owned()),
        ("GET", "/v1/event/list".to_owned()),
        ("GET", "/v1/status/leader".to_owned()),
        ("GET", "/v1/status/peers".to_owned()),
        ("GET", "/v1/snapshot".to_owned()),
        ("PUT", "/v1/snapshot".to_owned()),
        ("GET", "/v1/agent/self".to_owned()),
        ("GET", "/v1/agent/version".to_owned()),
        ("GET", "/v1/agent/host".to_owned()),
        ("GET", "/v1/agent/metrics".to_owned()),
        ("GET", "/v1/agent/monitor".to_owned()),
        ("PUT", "/v1/agent/reload".to_owned()),
        ("PUT", "/v1/agent/leave".to_owned()),
        ("GET", "/v1/operator/raft/configuration".to_owned()),
        ("GET", "/v1/operator/usage".to_owned()),
        ("GET", "/metrics".to_owned()),
    ];
    for (method, target) in &routes {
        let body: &[u8] = if *target == "/v1/txn" { b"[]" } else { b"" };
        let answer = client.request(method, target, &[], body).await;
        assert_eq!((answer.status, answer.text()), (500, "No cluster leader"), "{method} {target}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    let health = client.get("/health/ready").await;
    assert_eq!(
        (health.status, health.text()),
        (503, "{\"live\":true,\"ready\":false,\"reasons\":[\"No cluster leader\"],\"checks\":[]}")
    );
    assert_eq!(client.get("/health/live").await.status, 200);
    assert_eq!(rig.fake.left.load(SeqCst), 1);
}

#[tokio::test]
async fn an_internal_error_keeps_its_text_to_the_log() {
    let rig = Rig::start();
    *rig.fake.failing.lock().unwrap() = Some(Error::Internal("a path, a secret".into()));
    let answer = Client::connect(rig.address).await.get("/v1/kv/a").await;
    assert_eq!((answer.status, answer.text()), (500, "An unexpected error occurred"));
}

#[tokio::test]
async fn parameters_reach_the_operation() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    client.get("/v1/kv/a?ns=team&dc=dc1&max_stale=3s").await;
    let context = rig.fake.last.lock().unwrap().clone().unwrap();
    assert_eq!((context.namespace.as_str(), context.datacenter.as_deref()), ("team", Some("dc1")));
    let bound = konsul_operations::Consistency::Stale { max_stale: Some(std::time::Duration::from_secs(3)) };
    assert_eq!(context.consistency, bound);
    // A write transaction is never stale.
    client.put("/v1/txn?stale", b"[{\"KV\":{\"Verb\":\"set\",\"Key\":\"a\"}}]").await;
    let context = rig.fake.last.lock().unwrap().clone().unwrap();
    assert_eq!(context.consistency, konsul_operations::Consistency::Default);
}
