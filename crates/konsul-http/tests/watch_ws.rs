//! Changes over a WebSocket, from real operations.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod support;

use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use konsul_http::{Settings, Streams, Timeouts};
use serde_json::{Value, json};
use support::client::{Client, small};
use support::real::Real;
use support::ws::{Socket, close_frame, frame, line, shake_hands};
use support::{PATIENCE, until};
use tokio_tungstenite::tungstenite::Message;

fn streaming(streams: Streams) -> Settings {
    Settings { streams, ..Settings::default() }
}

fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload.as_bytes(), true)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_subscriptions_share_a_socket_each_with_its_own_events() {
    let real = Real::start().await;
    real.put("app/old", "0").await;
    let mut socket = Socket::open(real.address).await;
    socket.subscribe("all", json!({"prefix": "app/", "initial": true})).await;
    assert_eq!(socket.line().await, "subscribed all");
    assert_eq!(socket.line().await, "initial all app/old 0");
    assert_eq!(socket.line().await, "ready all");
    socket.subscribe("ports", json!({"glob": "app/*/port", "old_values": true})).await;
    assert_eq!((socket.line().await, socket.line().await), ("subscribed ports".into(), "ready ports".into()));
    real.put("app/web/port", "1").await;
    let mut both = [socket.line().await, socket.line().await];
    both.sort();
    assert_eq!(both, ["change all app/web/port 1", "change ports app/web/port 1"]);
    socket.send(json!({"type": "unsubscribe", "id": "all"})).await;
    let ended = socket.next().await;
    assert_eq!(line(&ended), "unsubscribed all");
    assert_eq!(real.subscribers(), 1);
    real.put("app/web/port", "2").await;
    let change = socket.next().await;
    assert_eq!(
        (line(&change).as_str(), change["old"]["value"].as_str()),
        ("change ports app/web/port 2", Some("1"))
    );
    // The first goes on from where it ended, under any name.
    socket.subscribe("again", json!({"prefix": "app/", "cursor": ended["cursor"]})).await;
    for expected in ["subscribed again", "ready again", "change again app/web/port 2"] {
        assert_eq!(socket.line().await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_answered_and_wrong_messages_are_problems_that_end_nothing() {
    let real = Real::start().await;
    let mut socket = Socket::open(real.address).await;
    socket.send(json!({"type": "ping", "id": "x"})).await;
    assert_eq!(socket.next().await, json!({"type": "pong", "id": "x"}));
    socket.inner.send(Message::text("{")).await.unwrap();
    assert_eq!(socket.line().await, "error malformed_json");
    socket.subscribe("a", json!({"key": 7, "glob": "x", "colour": "blue"})).await;
    let refused = socket.next().await;
    assert_eq!(line(&refused), "error a invalid_body");
    let pointers: Vec<_> =
        refused["problem"]["errors"].as_array().unwrap().iter().map(|one| &one["pointer"]).collect();
    assert_eq!(pointers, ["/colour", "/key"]);
    assert!(refused["problem"]["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    socket.subscribe("a", json!({"key": "k", "cursor": "zz"})).await;
    assert_eq!(socket.line().await, "error a invalid_cursor");
    socket.subscribe("a", json!({"key": "k"})).await;
    assert_eq!((socket.line().await, socket.line().await), ("subscribed a".into(), "ready a".into()));
    socket.subscribe("a", json!({"key": "other"})).await;
    assert_eq!(socket.line().await, "error a subscription_exists");
    socket.send(json!({"type": "unsubscribe", "id": "b"})).await;
    assert_eq!(socket.line().await, "error b subscription_not_found");
    real.put("k", "1").await;
    assert_eq!(socket.line().await, "change a k 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_of_a_socket_have_a_bound() {
    let real = Real::with(streaming(Streams { subscriptions: 2, ..Streams::default() })).await;
    let mut socket = Socket::open(real.address).await;
    for id in ["a", "b", "c"] {
        socket.subscribe(id, json!({"key": "k"})).await;
    }
    let mut lines = Vec::new();
    for _ in 0..5 {
        lines.push(socket.line().await);
    }
    assert!(lines.contains(&"error c too_many_subscriptions".to_owned()), "{lines:?}");
    socket.send(json!({"type": "unsubscribe", "id": "a"})).await;
    assert_eq!(socket.line().await, "unsubscribed a");
    socket.subscribe("c", json!({"key": "k"})).await;
    assert_eq!(socket.line().await, "subscribed c");
}

/// An id that is taken back and given again in one breath is the new one.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_may_be_used_again_at_once() {
    let real = Real::start().await;
    let mut socket = Socket::open(real.address).await;
    for round in 0..20 {
        socket.subscribe("a", json!({"key": format!("k{round}")})).await;
        socket.send(json!({"type": "unsubscribe", "id": "a"})).await;
    }
    socket.subscribe("a", json!({"key": "last"})).await;
    while socket.line().await != "ready a" || real.subscribers() != 1 {}
    real.put("k3", "x").await;
    real.put("last", "1").await;
    loop {
        match socket.line().await.as_str() {
            "change a last 1" => break,
            other => assert!(!other.starts_with("change"), "{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_subscriptions_on_one_socket() {
    const COUNT: usize = 1_000;
    let real = Real::start().await;
    let mut socket = Socket::open(real.address).await;
    for at in 0..COUNT {
        socket.subscribe(&at.to_string(), json!({"glob": format!("k{at}/*")})).await;
        assert_eq!(socket.line().await, format!("subscribed {at}"));
        assert_eq!(socket.line().await, format!("ready {at}"));
    }
    assert_eq!(real.subscribers(), COUNT);
    // Each write wakes the one that it concerns.
    let before = real.wakeups();
    for at in (0..COUNT).step_by(50) {
        real.put(&format!("k{at}/x"), "1").await;
        assert_eq!(socket.line().await, format!("change {at} k{at}/x 1"));
    }
    assert_eq!(real.wakeups() - before, (COUNT / 50) as u64);
    // And one entry that concerns all is told to all.
    for at in 0..COUNT {
        socket.send(json!({"type": "unsubscribe", "id": at.to_string()})).await;
        assert_eq!(socket.line().await, format!("unsubscribed {at}"));
        socket.subscribe(&at.to_string(), json!({"key": "shared"})).await;
        assert_eq!(
            (socket.line().await, socket.line().await),
            (format!("subscribed {at}"), format!("ready {at}"))
        );
    }
    real.put("shared", "1").await;
    let mut told = std::collections::BTreeSet::new();
    for _ in 0..COUNT {
        told.insert(socket.line().await);
    }
    assert_eq!(told.len(), COUNT);
    let started = Instant::now();
    drop(socket);
    until("all subscriptions are gone", || real.subscribers() == 0).await;
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_say_where_subscriptions_stand_that_moved_on() {
    let real =
        Real::with(streaming(Streams { heartbeat: Duration::from_millis(50), ..Streams::default() })).await;
    let mut socket = Socket::open(real.address).await;
    assert_eq!(socket.next().await, json!({"type": "heartbeat"}));
    socket.subscribe("quiet", json!({"key": "quiet"})).await;
    while socket.line().await != "ready quiet" {}
    real.put("busy", "x").await;
    let moved = loop {
        let beat = socket.next().await;
        assert_eq!(beat["type"], "heartbeat");
        if beat["id"] == "quiet" {
            break beat["cursor"].clone();
        }
    };
    real.put("quiet", "1").await;
    let mut other = Socket::open(real.address).await;
    other.subscribe("q", json!({"key": "quiet", "cursor": moved})).await;
    let mut lines = Vec::new();
    while lines.len() < 3 {
        let line = other.line().await;
        lines.extend((!line.starts_with("heartbeat")).then_some(line));
    }
    assert_eq!(lines, ["subscribed q", "ready q", "change q quiet 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_no_ping_is_taken_for_dead() {
    let real =
        Real::with(streaming(Streams { heartbeat: Duration::from_millis(30), ..Streams::default() })).await;
    // A client by hand, which answers nothing.
    let mut client = shake_hands(real.address).await;
    client.send(&text(r#"{"type":"subscribe","id":"a","key":"k"}"#)).await;
    until("it is subscribed", || real.subscribers() == 1).await;
    until("it is dead", || real.subscribers() == 0 && real.server.connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_none_close_the_socket_with_a_code() {
    let real = Real::start().await;
    let huge = vec![b'x'; 64 * 1024 + 1];
    let half_huge = vec![b'x'; 40 * 1024];
    let mut fragments = frame(0x01, &half_huge, true);
    fragments.extend(frame(0x80, &half_huge, true));
    let mut huge_declared = vec![0x81, 0xff];
    huge_declared.extend(u64::MAX.to_be_bytes());
    huge_declared.extend([0; 4]);
    for (what, bytes, code) in [
        ("an unmasked frame", frame(0x81, b"{}", false), 1002),
        ("a reserved bit", frame(0xc1, b"{}", true), 1002),
        ("a reserved opcode", frame(0x83, b"{}", true), 1002),
        ("a continuation of nothing", frame(0x80, b"{}", true), 1002),
        ("a fragmented control frame", frame(0x09, b"", true), 1002),
        ("a long control frame", frame(0x89, &[0; 126], true), 1002),
        ("text that is no UTF-8", frame(0x81, &[0xff, 0xfe], true), 1007),
        ("a binary frame", frame(0x82, b"{}", true), 1003),
        ("a message that is too large", frame(0x81, &huge, true), 1009),
        ("fragments that are too large together", fragments, 1009),
        ("a frame that claims to be endless", huge_declared, 1009),
    ] {
        let mut client = shake_hands(real.address).await;
        client.send(&text(r#"{"type":"subscribe","id":"a","key":"k"}"#)).await;
        until("it is subscribed", || real.subscribers() == 1).await;
        client.send(&bytes).await;
        let closed = close_frame(&mut client).await;
        let (found, reason) = closed.unwrap_or_else(|| panic!("{what}: no close frame"));
        assert_eq!(found, code, "{what}: {reason}");
        assert!(!reason.is_empty() && reason.len() <= 123, "{what}: {reason:?}");
        assert_eq!(real.subscribers(), 0, "{what}");
        drop(client);
        until("the connection is gone", || real.server.connections() == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragmented_message_is_one_and_a_ping_may_come_between() {
    let real = Real::start().await;
    let mut client = shake_hands(real.address).await;
    let mut bytes = frame(0x01, br#"{"type":"ping""#, true);
    bytes.extend(frame(0x89, b"hello", true));
    bytes.extend(frame(0x80, br#","id":"x"}"#, true));
    client.send(&bytes).await;
    assert_eq!(client.exactly(7).await, [&[0x8a, 5][..], b"hello"].concat());
    let head = client.exactly(2).await;
    let answer: Value = serde_json::from_slice(&client.exactly(usize::from(head[1])).await).unwrap();
    assert_eq!(answer, json!({"type": "pong", "id": "x"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_close_and_is_answered() {
    let real = Real::start().await;
    let mut client = shake_hands(real.address).await;
    client.send(&text(r#"{"type":"subscribe","id":"a","key":"k"}"#)).await;
    until("it is subscribed", || real.subscribers() == 1).await;
    client.send(&frame(0x88, &[0x03, 0xe8, b'b', b'y', b'e'], true)).await;
    assert_eq!(close_frame(&mut client).await.map(|(code, _)| code), Some(1000));
    assert!(client.is_closed().await);
    until("all is gone", || real.subscribers() == 0 && real.server.connections() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_handshake_is_told_what_is_missing() {
    let real = Real::start().await;
    let mut client = Client::connect(real.address).await;
    let all = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let wrong: [(&str, Vec<(&str, &str)>); 7] = [
        ("a plain request", vec![]),
        ("no upgrade", all[2..].to_vec()),
        ("another protocol", [("Connection", "Upgrade"), ("Upgrade", "h2c"), all[2], all[3]].to_vec()),
        ("another version", [all[0], all[1], ("Sec-WebSocket-Version", "8"), all[3]].to_vec()),
        ("no version", [all[0], all[1], all[3]].to_vec()),
        ("no key", all[..3].to_vec()),
        ("a key that is none", [all[0], all[1], all[2], ("Sec-WebSocket-Key", "abc")].to_vec()),
    ];
    for (what, headers) in &wrong {
        let answer = client.request("GET", "/v2/ws", headers, b"").await;
        assert_eq!(answer.status, 426, "{what}");
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["code"], "upgrade_required", "{what}");
        assert!(!problem["errors"].as_array().unwrap().is_empty(), "{what}");
    }
    assert_eq!(client.request("POST", "/v2/ws", &all, b"").await.status, 405);
    // Over HTTP/1.0 no connection can become something else.
    let mut old = Client::connect(real.address).await;
    let head: String = all.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    old.send(format!("GET /v2/ws HTTP/1.0\r\n{head}\r\n").as_bytes()).await;
    assert_eq!(old.answer(false).await.unwrap().status, 426);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_says_each_cursor_and_goes_away() {
    let real = Real::start().await;
    let mut socket = Socket::open(real.address).await;
    let mut last = Value::Null;
    for id in ["a", "b"] {
        socket.subscribe(id, json!({"key": id})).await;
        assert_eq!(socket.line().await, format!("subscribed {id}"));
        last = socket.next().await;
    }
    let stopping = tokio::spawn(real.server.stop(PATIENCE));
    let mut ends = [socket.next().await, socket.next().await];
    ends.sort_by_key(|end| end["id"].as_str().unwrap().to_owned());
    assert_eq!((line(&ends[0]).as_str(), line(&ends[1]).as_str()), ("error a stopping", "error b stopping"));
    assert_eq!(ends[1]["cursor"], last["cursor"]);
    assert_eq!(socket.next().await["code"], 1001);
    assert_eq!(socket.next().await, Value::Null);
    assert_eq!(stopping.await.unwrap().cut, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_operations_end_every_subscription_with_its_cursor() {
    let real = Real::start().await;
    let mut socket = Socket::open(real.address).await;
    socket.subscribe("a", json!({"key": "a"})).await;
    assert_eq!(socket.line().await, "subscribed a");
    let ready = socket.next().await;
    real.node.operations.stop_parking();
    let end = socket.next().await;
    assert_eq!((line(&end).as_str(), &end["cursor"]), ("error a stopping", &ready["cursor"]));
    socket.subscribe("b", json!({"key": "b"})).await;
    assert_eq!(socket.line().await, "error b stopping");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_cut_and_costs_bounded_memory() {
    let settings = Settings {
        timeouts: Timeouts { write: Duration::from_millis(200), ..Timeouts::default() },
        streams: Streams { linger: Duration::from_millis(200), ..Streams::default() },
        ..Settings::default()
    };
    let real = Real::with(settings).await;
    let mut socket = Socket::over(small(real.address).await).await;
    for id in ["a", "b", "c"] {
        socket.subscribe(id, json!({"prefix": ""})).await;
        assert_eq!(
            (socket.line().await, socket.line().await),
            (format!("subscribed {id}"), format!("ready {id}"))
        );
    }
    let deadline = Instant::now() + PATIENCE;
    let mut written = 0;
    while real.server.connections() > 0 {
        assert!(Instant::now() < deadline, "it is never cut");
        real.put(&format!("k{written}"), vec![b'x'; 100_000]).await;
        written += 1;
    }
    assert_eq!(real.subscribers(), 0);
    // What reached it is in order, and from the last cursor of each it goes on without a gap.
    let mut seen = std::collections::BTreeMap::from([("a", (0, None)), ("b", (0, None)), ("c", (0, None))]);
    loop {
        let message = socket.next().await;
        let Some(id) = message["id"].as_str().filter(|_| message["type"] == "change") else { break };
        let (count, cursor) = seen.get_mut(id).unwrap();
        assert_eq!(message["key"], format!("k{count}"));
        (*count, *cursor) = (*count + 1, message["cursor"].as_str().map(str::to_owned));
    }
    // Elsewhere: a busy machine must not make a slow reader of this one, too.
    let door = real.usual_door();
    let mut fresh = Socket::open(door.addresses()[0]).await;
    for (id, (count, cursor)) in seen {
        assert!(count < written, "all {written} events were sent before it was cut");
        let Some(cursor) = cursor else { continue };
        fresh.subscribe(id, json!({"prefix": "", "cursor": cursor})).await;
        assert_eq!(
            (fresh.line().await, fresh.line().await),
            (format!("subscribed {id}"), format!("ready {id}"))
        );
        for at in count..written {
            assert_eq!(fresh.next().await["key"], format!("k{at}"));
        }
        fresh.send(json!({"type": "unsubscribe", "id": id})).await;
        assert_eq!(fresh.line().await, format!("unsubscribed {id}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_again_in_time_gets_a_close_code_and_its_cursor() {
    let settings = Settings {
        timeouts: Timeouts { write: Duration::from_millis(200), ..Timeouts::default() },
        streams: Streams { linger: PATIENCE, ..Streams::default() },
        ..Settings::default()
    };
    let real = Real::with(settings).await;
    let mut socket = Socket::over(small(real.address).await).await;
    socket.subscribe("a", json!({"prefix": ""})).await;
    assert_eq!((socket.line().await, socket.line().await), ("subscribed a".into(), "ready a".into()));
    let mut written = 0_u32;
    let deadline = Instant::now() + PATIENCE;
    // It is told that it lags, and its subscription is freed at once.
    while real.subscribers() > 0 {
        assert!(Instant::now() < deadline, "nobody finds that it does not read: {written} written");
        // Another value each time: the same again would change nothing.
        real.put("k", vec![b'a' + (written % 2) as u8; 100_000]).await;
        written += 1;
    }
    let mut cursor = Value::Null;
    let end = loop {
        let message = socket.next().await;
        if message["type"] != "change" {
            break message;
        }
        written -= 1;
        cursor = message["cursor"].clone();
    };
    assert!(written > 0, "all events were sent before it was cut");
    assert_eq!((line(&end).as_str(), &end["cursor"]), ("error a client_too_slow", &cursor));
    let closed = socket.next().await;
    assert_eq!(closed["code"], 4408);
    assert_eq!(closed["reason"], format!("client_too_slow; cursor {}", cursor.as_str().unwrap()));
    assert_eq!(socket.next().await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_counts_as_a_connection_and_a_reset_one_is_freed() {
    let real = Real::start().await;
    let mut client = shake_hands(real.address).await;
    client.send(&text(r#"{"type":"subscribe","id":"a","key":"k"}"#)).await;
    until("it is subscribed", || real.subscribers() == 1).await;
    assert_eq!(real.server.connections(), 1);
    client.socket.set_zero_linger().unwrap();
    let started = Instant::now();
    drop(client);
    until("all is gone", || real.subscribers() == 0 && real.server.connections() == 0).await;
    assert!(started.elapsed() < Duration::from_secs(1));
}
