//! Changes over server-sent events, from real operations.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod support;

use std::time::{Duration, Instant};

use konsul_http::{Settings, Streams, Timeouts};
use konsul_operations::operations::Operations as _;
use konsul_testkit::TestNode;
use support::client::Client;
use support::real::Real;
use support::sse::Events;
use support::{PATIENCE, until};
use tokio::io::AsyncWriteExt as _;

fn streaming(streams: Streams) -> Settings {
    Settings { streams, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_come_in_order_with_what_was_asked_for() {
    let real = Real::start().await;
    real.put("app/old", "0").await;
    let mut events = Events::open(real.address, "prefix=app/&initial&old_values", None).await;
    assert_eq!(events.line().await, "initial app/old 0");
    assert_eq!(events.line().await, "ready");
    let index = real.put("app/a", "1").await;
    real.put("other", "x").await;
    real.put("app/a", "2").await;
    real.delete("app/a").await;
    let first = events.next().await.unwrap();
    assert_eq!(first.data["index"], index);
    assert_eq!((first.data["kind"].as_str(), first.line().as_str()), (Some("put"), "change app/a 1"));
    assert!(first.data["old"].is_null());
    let second = events.next().await.unwrap();
    assert_eq!(
        (second.data["entry"]["value"].as_str(), second.data["old"]["value"].as_str()),
        (Some("2"), Some("1"))
    );
    assert_eq!(second.data["entry"]["create_index"], index);
    let third = events.next().await.unwrap();
    assert_eq!(
        (third.data["kind"].as_str(), third.data["old"]["value"].as_str()),
        (Some("delete"), Some("2"))
    );
    assert!(third.data["entry"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_more_words_a_stream_begins_now_and_has_no_old_values() {
    let real = Real::start().await;
    real.put("a", "1").await;
    let mut events = Events::open(real.address, "key=a", None).await;
    assert_eq!(events.line().await, "ready");
    real.put("ab", "x").await;
    real.put("a", "2").await;
    let change = events.next().await.unwrap();
    assert_eq!(change.line(), "change a 2");
    assert!(change.data["old"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_glob_sees_what_it_matches() {
    let real = Real::start().await;
    real.put("app/web/port", "1").await;
    real.put("app/web/host", "x").await;
    let mut events = Events::open(real.address, "glob=app/*/port&initial", None).await;
    assert_eq!(events.line().await, "initial app/web/port 1");
    assert_eq!(events.line().await, "ready");
    for key in ["app/db/host", "app/a/b/port", "app/db/port", "ape/db/port", "app/web/port"] {
        real.put(key, "2").await;
    }
    assert_eq!(events.line().await, "change app/db/port 2");
    assert_eq!(events.line().await, "change app/web/port 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_and_keys_with_quotes_come_whole() {
    let real = Real::start().await;
    let mut events = Events::open(real.address, "prefix=", None).await;
    assert_eq!(events.line().await, "ready");
    real.put("q\"\\", vec![0xff, 0, 10]).await;
    let change = events.next().await.unwrap();
    assert_eq!(change.data["key"], "q\"\\");
    assert_eq!(change.data["entry"]["value_base64"], "/wAK");
    real.put("nl", "a\nb\r\n\n").await;
    assert_eq!(events.next().await.unwrap().data["entry"]["value"], "a\nb\r\n\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_from_each_of_its_events_also_within_an_entry() {
    let real = Real::start().await;
    let mut events = Events::open(real.address, "prefix=a", None).await;
    let mut cursors = vec![(events.next().await.unwrap().id, 0)];
    real.put_together(&["a1", "b", "a2", "a3", "b2"]).await;
    real.put("a4", "x").await;
    for at in 1..=4 {
        cursors.push((events.next().await.unwrap().id, at));
    }
    for (cursor, known) in cursors {
        for (query, header) in
            [("prefix=a".to_owned(), Some(cursor.as_str())), (format!("prefix=a&cursor={cursor}"), None)]
        {
            let mut resumed = Events::open(real.address, &query, header).await;
            assert_eq!(resumed.line().await, "ready");
            for at in known + 1..=4 {
                assert_eq!(resumed.line().await, format!("change a{at} x"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_carry_a_cursor_that_moves_on() {
    let streams = Streams { heartbeat: Duration::from_millis(50), ..Streams::default() };
    let real = Real::with(streaming(streams)).await;
    let mut events = Events::open(real.address, "key=quiet", None).await;
    let ready = events.next().await.unwrap();
    real.put("busy", "x").await;
    let deadline = Instant::now() + PATIENCE;
    let moved = loop {
        let beat = events.next().await.unwrap();
        assert_eq!(beat.event, "heartbeat");
        if beat.id != ready.id {
            break beat.id;
        }
        assert!(Instant::now() < deadline, "the cursor stays where it was");
    };
    real.put("quiet", "1").await;
    let mut resumed = Events::open(real.address, "key=quiet", Some(&moved)).await;
    assert_eq!(resumed.line().await, "ready");
    assert_eq!(resumed.line().await, "change quiet 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_fell_out_of_history_is_reset_and_gets_what_there_is() {
    let real = Real::start().await;
    let mut events = Events::open(real.address, "prefix=a", None).await;
    let old = events.next().await.unwrap().id;
    drop(events);
    real.put("a1", "1").await;
    real.put("a2", "2").await;
    real.delete("a1").await;
    // More than history keeps, in values that nobody here watches.
    for at in 0..140 {
        real.put("big", vec![at; 500_000]).await;
    }
    let mut resumed = Events::open(real.address, "prefix=a", Some(&old)).await;
    assert_eq!(resumed.line().await, "reset fell_out");
    assert_eq!(resumed.line().await, "initial a2 2");
    let ready = resumed.next().await.unwrap();
    assert_eq!(ready.event, "ready");
    real.put("a3", "3").await;
    assert_eq!(resumed.line().await, "change a3 3");
    // And from the end of it another stream goes on as usual.
    let mut again = Events::open(real.address, "prefix=a", Some(&ready.id)).await;
    assert_eq!((again.line().await, again.line().await), ("ready".into(), "change a3 3".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_cut_within_what_there_was_begins_with_it_again() {
    let real = Real::start().await;
    real.put("a", "1").await;
    real.put("b", "2").await;
    let mut events = Events::open(real.address, "prefix=&initial", None).await;
    let first = events.next().await.unwrap();
    assert_eq!(first.line(), "initial a 1");
    let mut resumed = Events::open(real.address, "prefix=", Some(&first.id)).await;
    let mut lines = Vec::new();
    for _ in 0..4 {
        lines.push(resumed.line().await);
    }
    assert_eq!(lines, ["reset incomplete", "initial a 1", "initial b 2", "ready"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_resets_a_stream() {
    let real = Real::start().await;
    real.put("a", "1").await;
    let context = TestNode::context();
    let backup: Vec<_> = real.node.operations.snapshot_save(&context).await.unwrap().value.collect();
    real.put("b", "2").await;
    let mut events = Events::open(real.address, "prefix=", None).await;
    let before = events.next().await.unwrap();
    let mut sink = real.node.operations.snapshot_restore(&context).await.unwrap();
    for piece in &backup {
        sink.write(piece).await.unwrap();
    }
    sink.finish().await.unwrap();
    let reset = events.next().await.unwrap();
    assert_eq!(reset.line(), "reset replaced");
    assert!(reset.data["index"].as_u64() >= before.data["index"].as_u64());
    assert_eq!(events.line().await, "initial a 1");
    assert_eq!(events.line().await, "ready");
    // A cursor from before it, too.
    let mut resumed = Events::open(real.address, "prefix=", Some(&before.id)).await;
    assert_eq!(resumed.line().await, "reset fell_out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_store_is_told_by_index_or_by_time() {
    let first = Real::start().await;
    let mut events = Events::open(first.address, "prefix=", None).await;
    let early = events.next().await.unwrap().id;
    for at in 0..20 {
        first.put("a", at.to_string()).await;
    }
    let mut late = String::new();
    for _ in 0..20 {
        late = events.next().await.unwrap().id;
    }
    let second = Real::start().await;
    second.put("a", "other").await;
    for (cursor, why) in
        [(&late, "beyond all that happened here"), (&early, "at an index that is here at another time")]
    {
        let mut resumed = Events::open(second.address, "prefix=", Some(cursor)).await;
        assert_eq!(resumed.line().await, "reset foreign", "{why}");
        assert_eq!(resumed.line().await, "initial a other");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_problems() {
    let real = Real::start().await;
    let mut events = Events::open(real.address, "prefix=a", None).await;
    let cursor = events.next().await.unwrap().id;
    let mut client = Client::connect(real.address).await;
    for (query, code) in [
        (String::new(), "invalid_parameter"),
        ("key=a&glob=b".into(), "invalid_parameter"),
        ("key=a&colour=blue".into(), "invalid_parameter"),
        ("glob=a%5Cb".into(), "invalid_parameter"),
        ("key=a&cursor=zz".into(), "invalid_cursor"),
        (format!("prefix=b&cursor={cursor}"), "cursor_mismatch"),
        (format!("prefix=a&namespace=b&cursor={cursor}"), "cursor_mismatch"),
    ] {
        let answer = client.get(&format!("/v2/watch?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (problem["code"].as_str(), problem["operation"].as_str()),
            (Some(code), Some("watch")),
            "{query}"
        );
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_socket_frees_its_subscription_within_a_second() {
    let real = Real::start().await;
    for half in [false, true] {
        let mut events = Events::open(real.address, "key=a", None).await;
        assert_eq!(events.line().await, "ready");
        assert_eq!(real.subscribers(), 1);
        let started = Instant::now();
        if half {
            events.client.socket.shutdown().await.unwrap();
        } else {
            drop(events);
        }
        until("the subscription is gone", || real.subscribers() == 0).await;
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_ends_a_stream_with_its_cursor() {
    let real = Real::start().await;
    let mut events = Events::open(real.address, "key=a", None).await;
    assert_eq!(events.line().await, "ready");
    real.put("a", "1").await;
    let last = events.next().await.unwrap();
    // The agent's order: first the operations let everybody go, then the server stops.
    real.node.operations.stop_parking();
    let end = events.next().await.unwrap();
    assert_eq!((end.line().as_str(), end.data["status"].as_u64()), ("error stopping", Some(503)));
    assert_eq!(end.id, last.id);
    assert_eq!(events.next().await, None);
    assert_eq!(real.subscribers(), 0);
    let stopped = real.server.stop(PATIENCE).await;
    assert_eq!(stopped.cut, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_edge_alone_ends_a_stream_too() {
    let real = Real::start().await;
    let mut events = Events::open(real.address, "key=a", None).await;
    assert_eq!(events.line().await, "ready");
    let stopping = tokio::spawn(real.server.stop(PATIENCE));
    assert_eq!(events.line().await, "error stopping");
    assert_eq!(events.next().await, None);
    assert_eq!(stopping.await.unwrap().cut, 0);
}

/// How much a stream that nobody reads may have taken from the feed: its own buffers and those of the system.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_cut_and_goes_on_from_its_cursor() {
    let settings = Settings {
        timeouts: Timeouts { write: Duration::from_millis(200), ..Timeouts::default() },
        streams: Streams { linger: Duration::from_millis(200), ..Streams::default() },
        ..Settings::default()
    };
    let real = Real::with(settings).await;
    let mut events = Events::over(Client::connect_small(real.address).await, "prefix=", None).await;
    let mut cursor = events.next().await.unwrap().id;
    let mut written = 0;
    let deadline = Instant::now() + PATIENCE;
    while real.server.connections() > 0 {
        assert!(Instant::now() < deadline, "it is never cut");
        real.put(&format!("k{written}"), vec![b'x'; 100_000]).await;
        written += 1;
    }
    assert_eq!(real.subscribers(), 0);
    // What was on its way is read; it ends without a word, in the middle of whatever did not fit.
    let mut seen = 0;
    while let Ok(frame) = tokio::spawn(async move { (events.next().await, events) }).await {
        let (Some(frame), rest) = frame else { break };
        events = rest;
        if frame.event == "change" {
            assert_eq!(frame.data["key"], format!("k{seen}"));
            seen += 1;
        }
        cursor = frame.id;
    }
    assert!(seen < written, "all {written} events were sent before it was cut");
    // Elsewhere: a busy machine must not make a slow reader of this one, too.
    let door = real.usual_door();
    let mut resumed = Events::open(door.addresses()[0], "prefix=", Some(&cursor)).await;
    assert_eq!(resumed.line().await, "ready");
    for at in seen..written {
        assert_eq!(resumed.next().await.unwrap().data["key"], format!("k{at}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_again_in_time_is_told_that_it_was_too_slow() {
    let settings = Settings {
        timeouts: Timeouts { write: Duration::from_millis(200), ..Timeouts::default() },
        streams: Streams { linger: PATIENCE, ..Streams::default() },
        ..Settings::default()
    };
    let real = Real::with(settings).await;
    let mut events = Events::over(Client::connect_small(real.address).await, "prefix=", None).await;
    assert_eq!(events.line().await, "ready");
    for at in 0..100 {
        real.put("k", vec![b' ' + at; 100_000]).await;
    }
    // Four times as long as it may take nothing, and far less than it may linger.
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    for _ in 0..5 {
        ticks.tick().await;
    }
    let mut last = String::new();
    loop {
        let frame = events.next().await.unwrap();
        if frame.event == "error" {
            assert_eq!((frame.data["code"].as_str(), &frame.id), (Some("client_too_slow"), &last));
            break;
        }
        last = frame.id;
    }
    assert_eq!(events.next().await, None);
    let mut resumed = Events::open(real.address, "prefix=", Some(&last)).await;
    assert_eq!(resumed.line().await, "ready");
}
