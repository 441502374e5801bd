//! Blocking queries, and what becomes of them when the client goes away or the server stops.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use konsul_operations::Error;
use support::client::Client;
use support::{PATIENCE, Rig, until};
use tokio::io::AsyncWriteExt as _;

async fn park(rig: &Rig, client: &mut Client, target: &str) {
    let before = rig.fake.parked.load(SeqCst);
    client.send(format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await;
    until("the reader is parked", || rig.fake.parked.load(SeqCst) > before).await;
}

async fn put(rig: &Rig, target: &str) {
    let mut client = Client::connect(rig.address).await;
    assert_eq!(client.put(target, b"x").await.text(), "true");
}

async fn index_of(rig: &Rig, target: &str) -> u64 {
    let answer = Client::connect(rig.address).await.get(target).await;
    answer.header("x-consul-index").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_parked_reader_is_answered_by_the_write_that_concerns_it() {
    let rig = Rig::start();
    put(&rig, "/v1/kv/a").await;
    let index = index_of(&rig, "/v1/kv/a").await;
    let mut client = Client::connect(rig.address).await;
    park(&rig, &mut client, &format!("/v1/kv/a?index={index}&wait=5m")).await;
    put(&rig, "/v1/kv/a?flags=2").await;
    let answer = client.answer(false).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.header("x-consul-index").unwrap().parse::<u64>().unwrap() > index);
}

#[tokio::test]
async fn an_older_index_is_answered_at_once_and_a_wait_comes_to_its_end() {
    let rig = Rig::start();
    put(&rig, "/v1/kv/a").await;
    let index = index_of(&rig, "/v1/kv/a").await;
    let mut client = Client::connect(rig.address).await;
    assert_eq!(client.get(&format!("/v1/kv/a?index={}&wait=5m", index - 1)).await.status, 200);
    let started = Instant::now();
    let answer = client.get(&format!("/v1/kv/a?index={index}&wait=80ms")).await;
    assert_eq!((answer.status, answer.header("x-consul-index")), (200, Some(index.to_string().as_str())));
    assert!(started.elapsed() >= Duration::from_millis(80));
    // Nothing there is a fine answer too.
    assert_eq!(client.get("/v1/kv/absent?index=999999&wait=1ms").await.status, 404);
}

#[tokio::test]
async fn events_wait_only_while_the_index_is_equal() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    assert_eq!(client.get("/v1/event/list?index=77&wait=5m").await.text(), "[]");
    park(&rig, &mut client, "/v1/event/list?index=1&wait=5m").await;
    let mut other = Client::connect(rig.address).await;
    assert_eq!(other.put("/v1/event/fire/deploy", b"x").await.status, 200);
    assert!(client.answer(false).await.unwrap().text().contains("\"deploy\""));
}

#[tokio::test]
async fn a_closed_socket_frees_its_reader_within_a_second() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    park(&rig, &mut client, "/v1/kv/a?index=999&wait=5m").await;
    let started = Instant::now();
    drop(client);
    until("the reader is gone", || rig.fake.parked.load(SeqCst) == 0).await;
    until("its connection is gone", || rig.server.connections() == 0).await;
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_socket_whose_sending_half_is_closed_frees_its_reader_within_a_second() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    park(&rig, &mut client, "/v1/kv/a?index=999&wait=5m").await;
    let started = Instant::now();
    client.socket.shutdown().await.unwrap();
    until("the reader is gone", || rig.fake.parked.load(SeqCst) == 0).await;
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_reset_socket_frees_its_reader_within_a_second() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    park(&rig, &mut client, "/v1/kv/a?recurse&index=999&wait=5m").await;
    client.socket.set_zero_linger().unwrap();
    let started = Instant::now();
    drop(client);
    until("the reader is gone", || rig.fake.parked.load(SeqCst) == 0).await;
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_stop_lets_parked_readers_be_answered_and_closes_idle_connections() {
    let rig = Rig::start();
    let mut idle = Client::connect(rig.address).await;
    assert_eq!(idle.get("/v1/status/leader").await.status, 200);
    let mut parked = Client::connect(rig.address).await;
    park(&rig, &mut parked, "/v1/kv/a?index=999&wait=5m").await;
    let address = rig.address;
    let fake = rig.fake.clone();
    let stopping = tokio::spawn(rig.server.stop(PATIENCE));
    assert!(idle.is_closed().await, "an idle connection is closed");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody is accepted any more");
    // As the agent stops, the operations answer who waits.
    *fake.failing.lock().unwrap() = Some(Error::Stopping("bye".into()));
    put_nothing_but_wake(&fake, &mut parked).await;
    let stopped = stopping.await.unwrap();
    assert_eq!(stopped.cut, 0);
}

async fn put_nothing_but_wake(fake: &support::fake::Fake, parked: &mut Client) {
    fake.release();
    let answer = parked.answer(false).await.unwrap();
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(parked.is_closed().await);
}

#[tokio::test]
async fn a_stop_cuts_what_does_not_end() {
    let rig = Rig::start();
    let mut parked = Client::connect(rig.address).await;
    park(&rig, &mut parked, "/v1/kv/a?index=999&wait=5m").await;
    let fake = rig.fake.clone();
    let stopped = rig.server.stop(Duration::from_millis(50)).await;
    assert_eq!(stopped.cut, 1);
    assert!(parked.is_closed().await);
    assert_eq!(fake.parked.load(SeqCst), 0);
}

#[tokio::test]
async fn a_dropped_server_cuts_everything() {
    let rig = Rig::start();
    let mut parked = Client::connect(rig.address).await;
    park(&rig, &mut parked, "/v1/kv/a?index=999&wait=5m").await;
    let fake = rig.fake.clone();
    drop(rig);
    assert!(parked.is_closed().await);
    until("the reader is gone", || fake.parked.load(SeqCst) == 0).await;
}

/// hyper reads no further while it holds bytes of a next request, so it never sees the end of such a connection.
#[tokio::test]
async fn a_parked_reader_with_a_request_behind_it_is_freed_when_its_client_goes() {
    let rig = Rig::start();
    let next = "GET /v1/kv/b HTTP/1.1\r\nHost: test\r\n\r\n";
    let together = format!("GET /v1/kv/a?index=999&wait=5m HTTP/1.1\r\nHost: test\r\n\r\n{next}");
    for half in [false, true] {
        for apart in [false, true] {
            let mut client = Client::connect(rig.address).await;
            if apart {
                park(&rig, &mut client, "/v1/kv/a?index=999&wait=5m").await;
                client.send(next.as_bytes()).await;
            } else {
                client.send(together.as_bytes()).await;
            }
            until("the reader is parked", || rig.fake.parked.load(SeqCst) == 1).await;
            let started = Instant::now();
            if half {
                client.socket.shutdown().await.unwrap();
            } else {
                drop(client);
            }
            until("the reader is gone", || rig.fake.parked.load(SeqCst) == 0).await;
            until("its connection is gone", || rig.server.connections() == 0).await;
            assert!(
                started.elapsed() < Duration::from_secs(1),
                "half {half}, apart {apart}: {:?}",
                started.elapsed()
            );
        }
    }
}

#[tokio::test]
async fn a_parked_reader_with_a_request_behind_it_is_answered_if_its_client_stays() {
    let rig = Rig::start();
    put(&rig, "/v1/kv/a").await;
    let index = index_of(&rig, "/v1/kv/a").await;
    let mut client = Client::connect(rig.address).await;
    let behind = "GET /v1/status/leader HTTP/1.1\r\nHost: test\r\n\r\n";
    client
        .send(
            format!("GET /v1/kv/a?index={index}&wait=600ms HTTP/1.1\r\nHost: test\r\n\r\n{behind}")
                .as_bytes(),
        )
        .await;
    let started = Instant::now();
    assert_eq!(client.answer(false).await.unwrap().status, 200);
    assert!(started.elapsed() >= Duration::from_millis(600));
    assert_eq!(client.answer(false).await.unwrap().status, 200);
}
