//! Bounds on sizes, counts and time, and requests that try to pass for two.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod support;

use std::io::Read as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use konsul_http::{Answered, Limits, Observer, Settings, Slot, Timeouts};
use support::client::Client;
use support::{PATIENCE, Rig, until};
use tokio::io::AsyncWriteExt as _;

fn limited(limits: Limits) -> Settings {
    Settings { limits, ..Settings::default() }
}

fn hurried(timeouts: Timeouts) -> Settings {
    Settings { timeouts, ..Settings::default() }
}

#[tokio::test]
async fn a_value_over_its_bound_is_refused_and_nothing_is_stored() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    let most = vec![b'x'; 512 * 1024];
    assert_eq!(client.put("/v1/kv/most", &most).await.status, 200);
    assert_eq!(client.get("/v1/kv/most?raw").await.body.len(), most.len());
    let more = vec![b'x'; 512 * 1024 + 1];
    let answer = client.put("/v1/kv/more", &more).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let text = "Request body(524289 bytes) too large, max size: 524288 bytes. See the option limits.kv_max_value_size.";
    assert_eq!(answer.text(), text);
    assert_eq!(rig.fake.keys(), 1);
}

#[tokio::test]
async fn a_chunked_value_over_its_bound_is_refused_too() {
    let rig = Rig::with(limited(Limits { value_bytes: 10, ..Limits::default() }));
    let mut client = Client::connect(rig.address).await;
    let chunked = [("Transfer-Encoding", "chunked")];
    assert_eq!(
        client.request("PUT", "/v1/kv/a", &chunked, b"5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n").await.status,
        200
    );
    let answer = client.request("PUT", "/v1/kv/b", &chunked, b"5\r\n12345\r\n6\r\n123456\r\n0\r\n\r\n").await;
    assert_eq!(
        answer.text(),
        "Request body too large, max size: 10 bytes. See the option limits.kv_max_value_size."
    );
    assert_eq!((answer.status, rig.fake.keys()), (413, 1));
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    client
        .send(b"PUT /v1/kv/a HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        .await;
    assert_eq!(client.answer(false).await.unwrap().status, 413);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn transactions_have_bounds() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    let ops = |count: usize| {
        format!("[{}]", vec!["{\"KV\":{\"Verb\":\"set\",\"Key\":\"a\",\"Value\":\"MQ==\"}}"; count].join(","))
    };
    assert_eq!(client.put("/v1/txn", ops(128).as_bytes()).await.status, 200);
    let answer = client.put("/v1/txn", ops(129).as_bytes()).await;
    assert_eq!((answer.status, answer.text()), (413, "Transaction contains too many operations (129 > 128)"));
    let answer = client.put("/v1/txn", &vec![b' '; 512 * 1024 + 1]).await;
    let text = "Request body(524289 bytes) too large, max size: 524288 bytes. See the option limits.txn_max_req_len.";
    assert_eq!((answer.status, answer.text()), (413, text));
}

#[tokio::test]
async fn keys_and_heads_have_bounds() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    assert_eq!(client.put(&format!("/v1/kv/{}", "k".repeat(8192)), b"x").await.status, 200);
    let escaped = "%6B".repeat(8192);
    assert_eq!(client.get(&format!("/v1/kv/{escaped}?raw")).await.text(), "x");
    let answer = client.put(&format!("/v1/kv/{}", "k".repeat(8193)), b"x").await;
    assert_eq!((answer.status, answer.text()), (400, "Invalid key has 8193 bytes; at most 8192 are allowed"));
    client
        .send(format!("GET /v1/kv/a HTTP/1.1\r\nHost: test\r\nX: {}\r\n\r\n", "x".repeat(70_000)).as_bytes())
        .await;
    assert_eq!(client.answer(false).await.unwrap().status, 431);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_head_that_comes_a_byte_at_a_time_is_cut() {
    let rig = Rig::with(hurried(Timeouts { head: Duration::from_millis(150), ..Timeouts::default() }));
    let mut client = Client::connect(rig.address).await;
    let started = Instant::now();
    let head = b"GET /v1/kv/a HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let mut ticks = tokio::time::interval(Duration::from_millis(30));
    for byte in head.iter().cycle() {
        ticks.tick().await;
        if client.socket.write_all(&[*byte]).await.is_err() || rig.server.connections() == 0 {
            break;
        }
    }
    assert!(started.elapsed() >= Duration::from_millis(150) && started.elapsed() < PATIENCE);
    assert_eq!(rig.server.connections(), 0);
}

#[tokio::test]
async fn a_body_that_comes_a_byte_at_a_time_is_cut_with_an_answer() {
    let rig = Rig::with(hurried(Timeouts { body: Duration::from_millis(150), ..Timeouts::default() }));
    let client = Client::connect(rig.address).await;
    let started = Instant::now();
    let Client { socket, .. } = client;
    let (mut reader, mut writer) = socket.into_split();
    let sending = tokio::spawn(async move {
        writer
            .write_all(b"PUT /v1/kv/a HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n")
            .await
            .unwrap();
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while writer.write_all(b"x").await.is_ok() {
            ticks.tick().await;
        }
    });
    let mut answer = vec![0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut reader, &mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
    assert!(started.elapsed() >= Duration::from_millis(150) && started.elapsed() < PATIENCE);
    assert_eq!(rig.fake.keys(), 0);
    drop(reader);
    sending.await.unwrap();
}

#[tokio::test]
async fn a_body_that_comes_in_good_time_may_take_longer() {
    let pace =
        Timeouts { body: Duration::from_millis(200), body_bytes_per_second: 100, ..Timeouts::default() };
    let rig = Rig::with(hurried(pace));
    let mut client = Client::connect(rig.address).await;
    client.send(b"PUT /v1/kv/a HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n").await;
    let mut ticks = tokio::time::interval(Duration::from_millis(40));
    for _ in 0..10 {
        ticks.tick().await;
        client.send(b"0123456789").await;
    }
    assert_eq!(client.answer(false).await.unwrap().text(), "true");
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    client.send(b"PUT /v1/kv/a HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nhalf").await;
    client.socket.shutdown().await.unwrap();
    until("the connection is gone", || rig.server.connections() == 0).await;
    assert_eq!(rig.fake.keys(), 0);
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_time_and_a_busy_one_is_not() {
    let rig = Rig::with(hurried(Timeouts { idle: Duration::from_millis(200), ..Timeouts::default() }));
    let mut idle = Client::connect(rig.address).await;
    assert_eq!(idle.get("/v1/status/leader").await.status, 200);
    let mut parked = Client::connect(rig.address).await;
    parked.send(b"GET /v1/kv/a?index=99&wait=1s HTTP/1.1\r\nHost: test\r\n\r\n").await;
    let started = Instant::now();
    assert!(idle.is_closed().await);
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(parked.answer(false).await.unwrap().status, 404);
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut() {
    let rig = Rig::with(hurried(Timeouts { write: Duration::from_millis(150), ..Timeouts::default() }));
    let mut client = Client::connect(rig.address).await;
    assert_eq!(client.put("/v1/kv/a", &vec![b'x'; 512 * 1024]).await.status, 200);
    // More answers than the system's buffers take.
    client.send("GET /v1/kv/a?raw HTTP/1.1\r\nHost: test\r\n\r\n".repeat(100).as_bytes()).await;
    until("the connection is cut", || rig.server.connections() == 0).await;
}

#[tokio::test]
async fn connections_of_one_source_and_of_all_have_caps() {
    let rig = Rig::with(limited(Limits { connections_per_source: 2, ..Limits::default() }));
    let mut first = Client::connect(rig.address).await;
    let mut second = Client::connect(rig.address).await;
    assert_eq!(first.get("/v1/status/leader").await.status, 200);
    assert_eq!(second.get("/v1/status/leader").await.status, 200);
    let mut third = Client::connect(rig.address).await;
    third.send(b"GET /v1/status/leader HTTP/1.1\r\nHost: test\r\n\r\n").await;
    let refused = third.answer(false).await.unwrap();
    assert_eq!((refused.status, refused.header("connection")), (429, Some("close")));
    assert!(third.is_closed().await);
    drop(first);
    until("a place is free", || rig.server.connections() == 1).await;
    assert_eq!(Client::connect(rig.address).await.get("/v1/status/leader").await.status, 200);

    let rig = Rig::with(limited(Limits { connections: 1, ..Limits::default() }));
    let mut first = Client::connect(rig.address).await;
    assert_eq!(first.get("/v1/status/leader").await.status, 200);
    assert_eq!(Client::connect(rig.address).await.answer(false).await.unwrap().status, 503);
}

/// Sends bytes, and answers the statuses that come back until the connection ends or is idle.
async fn statuses(rig: &Rig, bytes: &[u8]) -> Vec<u16> {
    let mut client = Client::connect(rig.address).await;
    client.send(bytes).await;
    client.socket.shutdown().await.unwrap();
    let mut statuses = Vec::new();
    while let Some(answer) = client.answer(false).await {
        statuses.push(answer.status);
    }
    statuses
}

#[tokio::test]
async fn a_request_cannot_pass_for_two() {
    let rig = Rig::start();
    let hidden = "DELETE /v1/kv/victim HTTP/1.1\r\nHost: test\r\n\r\n";
    let put = "PUT /v1/kv/a HTTP/1.1\r\nHost: test\r\n";
    let samples: &[(&str, String)] = &[
        (
            "two lengths",
            format!("{put}Content-Length: 0\r\nContent-Length: {}\r\n\r\n{hidden}", hidden.len()),
        ),
        ("a list of lengths", format!("{put}Content-Length: 0, {}\r\n\r\n{hidden}", hidden.len())),
        ("a length with a sign", format!("{put}Content-Length: +1\r\n\r\nx{hidden}")),
        ("a folded header", format!("{put}X: a\r\n Content-Length: 5\r\n\r\n{hidden}")),
        ("a space before the colon", format!("{put}Content-Length : {}\r\n\r\n{hidden}", hidden.len())),
        (
            "not chunked at last",
            format!("{put}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("an unknown coding", format!("{put}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}")),
        (
            "chunks in HTTP/1.0",
            format!("PUT /v1/kv/a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("a chunk size that is none", format!("{put}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n{hidden}")),
        (
            "a chunk size out of range",
            format!("{put}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{hidden}"),
        ),
        (
            "a chunk without its end",
            format!("{put}Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "a length beside chunks",
            format!("{put}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "chunks beside a length",
            format!("{put}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        ("a bare carriage return", format!("{put}X: a\rContent-Length: 5\r\n\r\n{hidden}")),
        ("a zero byte", format!("{put}X: a\0b\r\n\r\n{hidden}")),
        ("no method", format!(" /v1/kv/a HTTP/1.1\r\n\r\n{hidden}")),
        ("no version", format!("GET /v1/kv/a\r\n\r\n{hidden}")),
    ];
    let mut client = Client::connect(rig.address).await;
    for (what, bytes) in samples {
        assert_eq!(client.put("/v1/kv/victim", b"alive").await.text(), "true");
        let statuses = statuses(&rig, bytes.as_bytes()).await;
        assert!(statuses.len() <= 1, "{what}: {statuses:?}");
        assert_eq!(client.get("/v1/kv/victim?raw").await.text(), "alive", "{what}");
    }
}

#[tokio::test]
async fn lines_that_end_in_a_line_feed_alone_are_still_one_request_each() {
    let rig = Rig::start();
    let bytes = b"PUT /v1/kv/a HTTP/1.1\nHost: test\nContent-Length: 3\n\nabcGET /v1/kv/a?raw HTTP/1.1\nHost: test\nConnection: close\n\n";
    let mut client = Client::connect(rig.address).await;
    client.send(bytes).await;
    assert_eq!(client.answer(false).await.unwrap().text(), "true");
    assert_eq!(client.answer(false).await.unwrap().text(), "abc");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    client
        .send(b"PUT /v1/kv/a HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\n1GET /v1/kv/a?raw HTTP/1.1\r\nHost: test\r\n\r\nGET /v1/kv/b HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    assert_eq!(client.answer(false).await.unwrap().text(), "true");
    assert_eq!(client.answer(false).await.unwrap().text(), "1");
    assert_eq!(client.answer(false).await.unwrap().status, 404);
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_take_it() {
    let rig = Rig::start();
    let mut client = Client::connect(rig.address).await;
    for size in [1050, 40_000, 300_000] {
        let value: Vec<u8> = (0..size).map(|at| b'a' + (at / 3 % 20) as u8).collect();
        assert_eq!(client.put("/v1/kv/a", &value).await.status, 200);
        let plain = client.get("/v1/kv/a").await;
        assert_eq!(plain.header("content-encoding"), None);
        let packed = client.request("GET", "/v1/kv/a", &[("Accept-Encoding", "deflate, gzip")], b"").await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{size}");
        assert_eq!(packed.header("vary"), Some("Accept-Encoding"));
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body, "{size}");
        assert!(packed.body.len() < plain.body.len());
    }
    assert_eq!(client.put("/v1/kv/small", b"x").await.status, 200);
    let small = client.request("GET", "/v1/kv/small", &[("Accept-Encoding", "gzip")], b"").await;
    assert_eq!(small.header("content-encoding"), None);
}

#[tokio::test]
async fn configured_refusals_and_headers_come_in_consuls_order() {
    let settings = Settings {
        response_headers: vec![(
            http::HeaderName::from_static("access-control-allow-origin"),
            http::HeaderValue::from_static("*"),
        )],
        block_endpoints: vec!["/v1/event".to_owned()],
        allow_write_from: vec!["10.0.0.0/8".parse().unwrap()],
        always_pretty: true,
        ..Settings::default()
    };
    let rig = Rig::with(settings);
    let mut client = Client::connect(rig.address).await;
    let blocked = client.get("/v1/event/list").await;
    assert_eq!((blocked.status, blocked.text()), (403, "Endpoint is blocked by agent configuration"));
    assert_eq!(client.get("/v1/event/list?a=%").await.status, 500);
    let write = client.put("/v1/kv/a", b"x").await;
    assert_eq!((write.status, write.text()), (403, "Access is restricted"));
    let wrong = client.request("POST", "/v1/kv/a", &[], b"").await;
    assert_eq!(wrong.status, 405);
    assert_eq!(client.get("/v1/status/leader").await.text(), "\"127.0.0.1:8300\"\n");
    for target in ["/v1/event/list", "/v1/kv/a", "/nothing", "/v1/kv/a%00"] {
        let answer = client.get(target).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{target}");
        assert_eq!(answer.header("x-consul-default-acl-policy"), Some("allow"), "{target}");
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<(&'static str, u16, usize)>>);

impl Observer for Heard {
    fn began(&self, operation: &'static str) -> Slot {
        let mut heard = self.0.lock().unwrap();
        heard.push((operation, 0, 0));
        Slot::try_from(heard.len() - 1).unwrap()
    }

    fn ended(&self, slot: Slot, answered: &Answered) {
        let mut heard = self.0.lock().unwrap();
        let line = &mut heard[usize::from(slot)];
        *line = (answered.operation.unwrap_or(line.0), answered.status, answered.bytes);
    }

    fn abandoned(&self, slot: Slot) {
        self.0.lock().unwrap()[usize::from(slot)].1 = 1;
    }
}

#[tokio::test]
async fn the_observer_hears_of_every_answer() {
    let heard = Arc::new(Heard::default());
    let rig = Rig::observed(Settings::default(), heard.clone());
    let mut client = Client::connect(rig.address).await;
    client.put("/v1/kv/a", b"x").await;
    client.get("/v1/kv/a?raw").await;
    client.get("/v1/kv/?keys").await;
    client.get("/v1/kv/?recurse").await;
    client.request("DELETE", "/v1/kv/?recurse", &[], b"").await;
    client.get("/v1/operator/area").await;
    client.get("/nothing").await;
    let expect = [
        ("kv_put", 200, 4),
        ("kv_get", 200, 1),
        ("kv_keys", 200, 5),
        ("kv_list", 200, 86),
        ("kv_delete_tree", 200, 4),
        ("not_built", 501, 64),
        ("other", 404, 88),
    ];
    assert_eq!(*heard.0.lock().unwrap(), expect);
}

#[tokio::test]
async fn a_request_names_its_host_once_as_go_wants_it() {
    let rig = Rig::start();
    let refused = "400 Bad Request: missing required Host header";
    for (head, line, text) in [
        ("GET /v1/status/leader HTTP/1.1\r\n", refused, refused),
        ("GET /v2/kv/a HTTP/1.1\r\n", refused, refused),
        (
            "GET /v1/status/leader HTTP/1.1\r\nHost: a b\r\n",
            "400 Bad Request: malformed Host header",
            "400 Bad Request: malformed Host header",
        ),
        ("GET /v1/status/leader HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "400 Bad Request", "400 Bad Request"),
    ] {
        let mut client = Client::connect(rig.address).await;
        // What follows is not looked at any more.
        client.send(format!("{head}\r\nPUT /v1/kv/a HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await;
        assert_eq!(client.line().await, format!("HTTP/1.1 {line}"));
        let mut length = 0;
        loop {
            let line = client.line().await.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("connection", value)) => assert_eq!(value, "close"),
                Some(("content-type", value)) => assert_eq!(value, "text/plain; charset=utf-8"),
                Some((name, _)) => assert_eq!(name, "date"),
                None => break,
            }
        }
        assert_eq!(String::from_utf8(client.exactly(length).await).unwrap(), text);
        assert!(client.is_closed().await);
    }
    assert_eq!(rig.fake.keys(), 0);
    let mut old = Client::connect(rig.address).await;
    old.send(b"GET /v1/status/leader HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.answer(false).await.unwrap().status, 200);
}
