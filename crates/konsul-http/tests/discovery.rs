//! Services over HTTP: who wakes, and that what is kept is what would be read.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod support;

use std::io::Read as _;
use std::sync::atomic::Ordering::SeqCst;

use konsul_operations::ports::Replica as _;
use support::client::{Answer, Client};
use support::real::Real;
use support::{Rig, until};

async fn register(client: &mut Client, node: &str, service: &str, port: usize, status: &str) {
    let body = format!(
        r#"{{"Node":"{node}","Address":"10.0.0.1","Service":{{"ID":"{service}-1","Service":"{service}","Port":{port},"Tags":["t"]}},
        "Check":{{"CheckID":"{service}-check","Status":"{status}","ServiceID":"{service}-1"}}}}"#
    );
    let answer = client.put("/v1/catalog/register", body.as_bytes()).await;
    assert_eq!((answer.status, answer.text()), (200, "true"));
}

fn index(answer: &Answer) -> u64 {
    answer.header("x-consul-index").unwrap().parse().unwrap()
}

async fn park(real: &Real, client: &mut Client, target: &str) {
    let parked = || real.node.replica.feed().stats().parked;
    let before = parked();
    client.send(format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await;
    until("the reader is parked", || parked() > before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_watcher_wakes_for_that_service_alone() {
    let real = Real::start().await;
    let mut writer = Client::connect(real.address).await;
    register(&mut writer, "n1", "web", 1, "passing").await;
    let known = index(&writer.get("/v1/health/service/web").await);
    let checks = index(&writer.get("/v1/health/checks/web").await);
    let services = index(&writer.get("/v1/catalog/services").await);
    let mut watchers = Vec::new();
    for (route, index) in [
        ("health/service/web?passing", known),
        ("health/service/web?tag=t", known),
        ("catalog/service/web?", known),
        ("health/checks/web?", checks),
        ("catalog/services?", services),
    ] {
        let mut client = Client::connect(real.address).await;
        park(&real, &mut client, &format!("/v1/{route}&index={index}&wait=5m")).await;
        watchers.push(client);
    }
    let woken = real.wakeups();
    register(&mut writer, "n2", "other", 2, "passing").await;
    let of_all = watchers.pop().unwrap().answer(false).await.unwrap();
    assert_eq!(of_all.text(), r#"{"other":["t"],"web":["t"]}"#);
    // Nobody else was told.
    assert_eq!(real.wakeups(), woken + 1);
    register(&mut writer, "n1", "web", 1, "critical").await;
    for client in &mut watchers {
        let answer = client.answer(false).await.unwrap();
        assert!(index(&answer) > known);
    }
    let passing = writer.get("/v1/health/service/web?passing").await;
    assert_eq!(passing.text(), "[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_what_would_be_read() {
    let real = Real::start().await;
    let mut client = Client::connect(real.address).await;
    for round in 0..40 {
        let status = ["passing", "warning", "critical"][round % 3];
        register(&mut client, &format!("n{}", round % 4), "web", round % 5 + 1, status).await;
        for (route, always) in [("health/service", "Service.Port!=0"), ("catalog/service", "ServicePort!=0")]
        {
            for ask in ["", "tag=T", "passing=true", "stale"] {
                let kept_first = client.get(&format!("/v1/{route}/web?{ask}")).await;
                let kept_again = client.get(&format!("/v1/{route}/WEB?{ask}")).await;
                let read = client.get(&format!("/v1/{route}/web?{ask}&filter={always}")).await;
                assert_eq!(kept_first.text(), read.text(), "{round} {route} {ask}");
                assert_eq!(kept_again.text(), read.text(), "{round} {route} {ask}");
                assert_eq!(index(&kept_again), index(&read), "{round} {route} {ask}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_is_dressed_as_each_request_wants_it() {
    let real = Real::start().await;
    let mut client = Client::connect(real.address).await;
    for node in 0..10 {
        register(&mut client, &format!("n{node}"), "web", 80, "passing").await;
    }
    let plain = client.get("/v1/health/service/web").await;
    assert!(plain.body.len() > 1400 && plain.header("content-encoding").is_none());
    for _ in 0..2 {
        let packed =
            client.request("GET", "/v1/health/service/web", &[("Accept-Encoding", "gzip")], b"").await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
    }
    let pretty = client.get("/v1/health/service/web?pretty").await;
    assert!(pretty.text().starts_with("[\n    {\n        \"Node\": {"));
    assert_eq!(client.get("/v1/health/service/web").await.body, plain.body);
}

#[tokio::test]
async fn a_watched_instance_of_the_agents_is_answered_when_it_changes() {
    let rig = Rig::start();
    let mut writer = Client::connect(rig.address).await;
    let put = async |writer: &mut Client, body: &str| {
        assert_eq!(writer.put("/v1/agent/service/register", body.as_bytes()).await.status, 200);
    };
    put(&mut writer, r#"{"Name":"web","Port":1}"#).await;
    let first = writer.get("/v1/agent/service/web").await;
    let hash = first.header("x-consul-contenthash").unwrap().to_owned();
    let mut watcher = Client::connect(rig.address).await;
    let target = format!("/v1/agent/service/web?hash={hash}&wait=5m");
    watcher.send(format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await;
    until("the reader is parked", || rig.fake.parked.load(SeqCst) > 0).await;
    // Another instance changes nothing of this one.
    put(&mut writer, r#"{"Name":"other","Port":1}"#).await;
    until("the reader is parked", || rig.fake.parked.load(SeqCst) > 0).await;
    put(&mut writer, r#"{"Name":"web","Port":2}"#).await;
    let answer = watcher.answer(false).await.unwrap();
    assert_ne!(answer.header("x-consul-contenthash"), Some(hash.as_str()));
    assert!(answer.text().contains("\"Port\":2"));
}
