//! Changes of services, nodes and checks, and events, over both kinds of streams, from real operations.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test ends it")]

mod support;

use konsul_operations::ports::Replica as _;
use serde_json::{Value, json};
use support::client::Client;
use support::real::Real;
use support::sse::Events;
use support::until;
use support::ws::Socket;

async fn register(client: &mut Client, node: &str, service: &str, status: &str) {
    let body = json!({
        "Node": node,
        "Address": "10.0.0.1",
        "Service": { "ID": format!("{service}-1"), "Service": service, "Port": 80, "Tags": ["v1"] },
        "Check": { "CheckID": "up", "Status": status, "ServiceID": format!("{service}-1"), "Output": status },
    });
    let answer = client.put("/v1/catalog/register", body.to_string().as_bytes()).await;
    assert_eq!((answer.status, answer.text()), (200, "true"));
}

async fn fire(client: &mut Client, event: &Value) {
    let body = event.to_string();
    let head = [("Content-Type", "application/json")];
    let answer = client.request("POST", "/v2/events", &head, body.as_bytes()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// A change in a few words.
fn words(name: &str, data: &Value) -> String {
    let record = &data["record"];
    let id = ["id", "name"].iter().find_map(|field| record[*field].as_str()).unwrap_or_default();
    let id = if data["what"] == "event" { record["name"].as_str().unwrap() } else { id };
    let parts = [data["kind"].as_str(), data["what"].as_str(), Some(id), record["status"].as_str()];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    [name].into_iter().chain(parts).collect::<Vec<_>>().join(" ")
}

async fn line(events: &mut Events) -> String {
    let frame = events.next().await.expect("another event");
    words(&frame.event, &frame.data)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_leaves_and_enters_a_stream_of_passing_ones() {
    let real = Real::start().await;
    let mut writer = Client::connect(real.address).await;
    register(&mut writer, "n1", "web", "passing").await;
    let query = "service=web&passing=true&tag=V1&initial=true&old_values=true";
    let mut events = Events::open(real.address, query, None).await;
    assert_eq!(line(&mut events).await, "initial present instance web-1 passing");
    assert_eq!(line(&mut events).await, "ready");
    register(&mut writer, "n1", "web", "critical").await;
    let left = events.next().await.unwrap();
    assert_eq!(words(&left.event, &left.data), "change left instance web-1 critical");
    assert_eq!(left.data["record"]["checks"][0]["output"], "critical");
    assert_eq!(
        (&left.data["old"]["what"], &left.data["old"]["record"]["status"]),
        (&json!("instance"), &json!("passing"))
    );
    let shown: Value = serde_json::from_str(writer.get("/v2/services/web").await.text()).unwrap();
    assert_eq!(shown["items"][0], left.data["record"], "a stream tells a record as a list does");
    drop(events);
    // Nobody listens, and nothing is lost.
    register(&mut writer, "n1", "web", "passing").await;
    register(&mut writer, "n2", "db", "passing").await;
    let removed = json!({ "Node": "n1", "ServiceID": "web-1" }).to_string();
    assert_eq!(writer.put("/v1/catalog/deregister", removed.as_bytes()).await.status, 200);
    let query = "service=WEB&passing=true&tag=v1";
    let mut events = Events::open(real.address, query, Some(&left.id)).await;
    assert_eq!(line(&mut events).await, "ready");
    assert_eq!(line(&mut events).await, "change entered instance web-1 passing");
    assert_eq!(line(&mut events).await, "change removed instance web-1 passing");
    drop(events);
    until("the streams are free", || real.subscribers() == 0).await;

    let refused = writer.get(&format!("/v2/watch?service=web&cursor={}", left.id)).await;
    assert!(refused.status == 400 && refused.text().contains("cursor_mismatch"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_question_is_told() {
    let real = Real::start().await;
    let mut client = Client::connect(real.address).await;
    for (query, parameters) in [
        ("", &["key"][..]),
        ("key=a&service=web", &["service"]),
        ("services=true&node=n", &["node"]),
        ("services=true&tag=a&filter=x", &["filter", "tag"]),
        ("event=e&prefix=a&passing=true", &["prefix", "passing"]),
        ("event=e&tag=a", &["tag"]),
        ("checks=fine", &["checks"]),
        ("service=web&node_meta=x", &["node_meta"]),
    ] {
        let answer = client.get(&format!("/v2/watch?{query}")).await;
        let problem: Value = serde_json::from_str(answer.text()).unwrap();
        let named: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["parameter"].as_str().unwrap())
            .collect();
        assert_eq!((answer.status, &named[..]), (400, parameters), "{query}: {problem}");
    }
    let answer = client.get("/v2/watch?service=web&filter=Colour%3D%3D1").await;
    assert!(answer.status == 400 && answer.text().contains("bad_filter"), "{}", answer.text());
    assert_eq!(real.subscribers(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_socket_follows_keys_services_and_events_and_wakes_for_each_alone() {
    let real = Real::start().await;
    let mut writer = Client::connect(real.address).await;
    register(&mut writer, "n1", "web", "passing").await;
    let mut socket = Socket::open(real.address).await;
    let questions = [
        ("web", json!({"service": "web"})),
        ("all", json!({"services": true})),
        ("n1", json!({"node": "n1"})),
        ("bad", json!({"checks": "critical"})),
        ("deploys", json!({"event": "deploy", "node": "far"})),
        ("keys", json!({"prefix": ""})),
    ];
    for (id, question) in questions {
        socket.subscribe(id, question).await;
        assert_eq!(socket.next().await, json!({"type": "subscribed", "id": id}));
        assert_eq!(socket.next().await["type"], "ready");
    }
    let woken = real.wakeups();
    register(&mut writer, "n2", "db", "passing").await;
    let change = socket.next().await;
    assert_eq!((&change["id"], words("", &change)), (&json!("all"), " added service db".into()));
    // Whoever follows all services, and whoever follows critical checks: the entry has a check.
    assert_eq!(real.wakeups(), woken + 2);

    register(&mut writer, "n1", "web", "critical").await;
    let mut lines = Vec::new();
    for _ in 0..4 {
        let change = socket.next().await;
        lines.push(words(change["id"].as_str().unwrap(), &change));
    }
    lines.sort();
    let expect = [
        "all changed service web",
        "bad entered check up critical",
        "n1 changed instance web-1 critical",
        "web changed instance web-1 critical",
    ];
    assert_eq!(lines, expect);
    fire(&mut writer, &json!({"name": "deploy", "node_filter": "^near"})).await;
    fire(&mut writer, &json!({"name": "deploy", "node_filter": "^far", "payload": "x"})).await;
    real.put("k", "v").await;
    let mut both = [socket.next().await, socket.next().await];
    both.sort_by_key(|one| one["id"].to_string());
    assert_eq!(words("", &both[0]), " fired event deploy");
    assert_eq!((&both[0]["record"]["payload"], &both[1]["key"]), (&json!("x"), &json!("k")));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_for_whoever_is_named() {
    let real = Real::start().await;
    let mut client = Client::connect(real.address).await;
    fire(&mut client, &json!({"name": "a"})).await;
    fire(&mut client, &json!({"name": "b", "node_filter": "^far-[0-9]+$"})).await;
    fire(&mut client, &json!({"name": "c", "service_filter": "^web$"})).await;
    fire(&mut client, &json!({"name": "d", "service_filter": "^web$", "tag_filter": "^v2$"})).await;
    for (query, names) in [
        ("", "a"),
        ("node=far-7", "a b"),
        ("service=web", "a c"),
        ("service=web&tag=v2", "a c d"),
        ("service=web&tag=v1&node=far-7", "a b c"),
        ("name=b&node=far-7", "b"),
    ] {
        let answer = client.get(&format!("/v2/events?{query}")).await;
        let page: Value = serde_json::from_str(answer.text()).unwrap();
        let found: Vec<&str> =
            page["items"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(found.join(" "), names, "{query}");
    }
    assert_eq!(client.get("/v2/events?tag=v2").await.status, 400);
}

/// The watcher's connection is cut after one, two, three events and so on, at times in the middle of what there is.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_watcher_that_is_cut_again_and_again_sees_each_event_once_and_in_order() {
    const EVENTS: u64 = 200;
    let real = Real::start().await;
    let beginning = Events::open(real.address, "event=deploy", None).await.next().await.unwrap();
    let address = real.address;
    let writer = tokio::spawn(async move {
        let mut client = Client::connect(address).await;
        for number in 1..=EVENTS {
            fire(&mut client, &json!({"name": "deploy", "payload": number.to_string()})).await;
            // Others than the watcher's, too.
            fire(&mut client, &json!({"name": "other"})).await;
        }
    });
    let (mut cursor, mut next, mut cuts) = (beginning.id, 1, 0);
    while next <= EVENTS {
        let mut events = Events::open(address, "event=deploy", Some(&cursor)).await;
        for _ in 0..=cuts % 5 {
            let frame = events.next().await.unwrap();
            cursor = frame.id;
            if frame.event == "change" {
                assert_eq!(frame.data["record"]["payload"], next.to_string());
                next += 1;
            } else {
                assert_eq!(frame.event, "ready");
            }
            if next > EVENTS {
                break;
            }
        }
        cuts += 1;
    }
    writer.await.unwrap();
    assert!(cuts > 60, "{cuts} cuts");

    // The feed has forgotten all of it, as after a restart; the state keeps the newest.
    let feed = real.node.replica.feed();
    let before = Events::open(address, "event=deploy", Some(&cursor)).await.next().await.unwrap();
    fire(&mut Client::connect(address).await, &json!({"name": "deploy", "payload": "last"})).await;
    feed.reset(feed.head());
    let mut events = Events::open(address, "event=deploy", Some(&before.id)).await;
    assert_eq!(line(&mut events).await, "ready");
    assert_eq!(events.next().await.unwrap().data["record"]["payload"], "last");
}
