//! Calls over `/v2` against a scripted server: what is sent, what is sent again, and where a watch goes on.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::time::Duration;

use konsul_client::v2::Condition;
use konsul_client::v2::kv::{ListQuery, put_of};
use konsul_client::v2::transfer::{ImportMode, ImportStep, Scope};
use konsul_client::v2::watch::{Step, Target, WatchQuery};
use konsul_client::{Client, ClientConfig, Error};

use support::{Fake, answer, fake, read_request};

fn ok(body: &str) -> String {
    answer("200 OK", "content-type: application/json\r\n", body)
}

fn problem(status: &str, code: &str, more: &str) -> String {
    let number = &status[..3];
    let body = format!(
        r#"{{"type":"urn:konsul:problem:{code}","title":"No","status":{number},"detail":"not so","code":"{code}","request_id":"r1"{more}}}"#
    );
    answer(status, "content-type: application/problem+json\r\n", &body)
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn client(fake: &Fake) -> Client {
    Client::new(ClientConfig::for_address(&fake.address).unwrap())
}

fn header<'r>(request: &'r str, name: &str) -> &'r str {
    let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")));
    line.map_or("", |line| &line[name.len() + 2..])
}

const ENTRY: &str =
    r#"{"key":"a b","value":"x","flags":7,"create_index":4,"modify_index":9,"lock_index":0,"later":true}"#;

#[test]
fn a_write_whose_answer_was_lost_is_sent_again_under_the_same_key() {
    let fake = fake(vec![String::new(), problem("503 Service Unavailable", "no_leader", ""), ok(ENTRY)]);
    let entry = run(client(&fake).v2().kv_put("a b", &put_of(b"x"), Condition::ModifyIndex(8))).unwrap();
    assert_eq!((entry.flags, entry.modify_index), (7, 9));
    let requests: Vec<String> = fake.seen.iter().take(3).collect();
    assert!(requests[0].starts_with("PUT /v2/kv/a%20b HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].ends_with("\r\n\r\n{\"value\":\"x\"}"), "{}", requests[0]);
    assert_eq!(header(&requests[0], "if-match"), "\"8\"");
    let keys: Vec<&str> = requests.iter().map(|request| header(request, "idempotency-key")).collect();
    assert_eq!(keys[0].len(), 36);
    assert!(keys.iter().all(|key| key == &keys[0]), "{keys:?}");
}

#[test]
fn two_writes_have_two_keys() {
    let fake = fake(vec![answer("204 No Content", "", ""), answer("204 No Content", "", "")]);
    run(async {
        client(&fake).v2().kv_delete("a", Condition::None).await.unwrap();
        client(&fake).v2().kv_delete("a", Condition::None).await.unwrap();
    });
    let (first, second) = (fake.seen.recv().unwrap(), fake.seen.recv().unwrap());
    assert_ne!(header(&first, "idempotency-key"), header(&second, "idempotency-key"));
}

#[test]
fn a_refusal_is_not_repeated_and_tells_what_is_wrong() {
    let more =
        r#","errors":[{"pointer":"/ttl","detail":"no duration"},{"parameter":"limit","detail":"too large"}]"#;
    let fake = fake(vec![problem("400 Bad Request", "invalid_body", more)]);
    let error = run(client(&fake).v2().kv_put("a", &put_of(&[0xff]), Condition::Absent)).unwrap_err();
    assert_eq!(error.to_string(), "not so (invalid_body)\n  /ttl: no duration\n  limit: too large");
    assert_eq!((error.code(), error.status()), (Some("invalid_body"), Some(400)));
    let request = fake.seen.recv().unwrap();
    assert_eq!(header(&request, "if-none-match"), "*");
    assert!(request.ends_with("{\"value_base64\":\"/w==\"}"), "{request}");
}

#[test]
fn a_server_that_asks_for_patience_is_waited_for_or_left_alone() {
    let busy = |after: &str| {
        problem("429 Too Many Requests", "busy", "").replacen(
            "\r\n",
            &format!("\r\nretry-after: {after}\r\n"),
            1,
        )
    };
    let waited = fake(vec![busy("0"), ok(ENTRY)]);
    assert!(run(client(&waited).v2().kv_get("a", None)).unwrap().is_some());
    let left = fake(vec![busy("3600")]);
    let error = run(client(&left).v2().kv_get("a", None)).unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
}

#[test]
fn what_does_not_exist_is_nothing_and_a_foreign_404_is_an_error() {
    let fake = fake(vec![
        problem("404 Not Found", "key_not_found", ""),
        answer("404 Not Found", "", "Invalid URL path"),
    ]);
    assert_eq!(run(client(&fake).v2().kv_get("a", None)).unwrap(), None);
    let error = run(client(&fake).v2().kv_get("a", None)).unwrap_err();
    assert!(matches!(error, Error::Status { code: 404, .. }), "{error:?}");
}

#[test]
fn pages_follow_their_cursors() {
    let fake = fake(vec![
        ok(&format!(r#"{{"items":[{ENTRY}],"next_cursor":"c/1","index":20}}"#)),
        ok(r#"{"items":[],"next_cursor":"c2","index":21}"#),
        ok(&format!(r#"{{"items":[{ENTRY}],"prefixes":["p/"],"next_cursor":null,"index":22}}"#)),
    ]);
    let query =
        ListQuery { prefix: "a/".into(), delimiter: "/".into(), keys_only: true, ..ListQuery::default() };
    let client = client(&fake);
    let mut pages = client.v2().namespace(Some("team")).kv_list(&query).limit(1);
    let found = run(async {
        let mut found = 0;
        while pages.next().await.unwrap().is_some() {
            found += 1;
        }
        (found, pages.index())
    });
    assert_eq!(found, (2, 22));
    let lines: Vec<String> = fake.seen.iter().take(3).map(|r| r.lines().next().unwrap().to_owned()).collect();
    let query = "GET /v2/kv?prefix=a%2F&delimiter=%2F&keys_only=true&limit=1";
    assert_eq!(lines[0], format!("{query}&namespace=team HTTP/1.1"));
    assert_eq!(lines[1], format!("{query}&cursor=c%2F1&namespace=team HTTP/1.1"));
    assert_eq!(lines[2], format!("{query}&cursor=c2&namespace=team HTTP/1.1"));
}

#[test]
fn a_lock_that_is_waited_for_gives_the_server_its_time() {
    let fake = fake(vec![ok(r#"{"name":"a/b","session":"s","fencing":12,"index":13}"#)]);
    let client = client(&fake);
    let grant = run(client.v2().lock_acquire("a/b", "s", Duration::from_secs(90), Some(b"me"))).unwrap();
    assert_eq!(grant.fencing, 12);
    let request = fake.seen.recv().unwrap();
    assert!(request.starts_with("POST /v2/locks/a%2Fb/acquire HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with(r#"{"session":"s","wait":"90000ms","value":"me"}"#), "{request}");
}

fn stream(events: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}")
}

fn change(cursor: &str, key: &str) -> String {
    format!(
        "event: change\nid: {cursor}\ndata: {{\"cursor\":\"{cursor}\",\"index\":5,\"kind\":\"put\",\"key\":\"{key}\",\"entry\":null,\"old\":null}}\n\n"
    )
}

fn shown(step: &Step) -> String {
    match step {
        Step::Change(event) => format!("change {}", event.key),
        Step::Record(event) => panic!("a watch of keys told {event:?}"),
        Step::Initial(event) => format!("initial {}", event.key),
        Step::Reset => "reset".to_owned(),
        Step::Ready => "ready".to_owned(),
        Step::Lost { .. } => "lost".to_owned(),
    }
}

#[test]
fn a_watch_that_was_cut_goes_on_from_its_cursor() {
    let initial = change("c1", "a").replace("event: change", "event: initial");
    let fake = fake(vec![
        stream(&format!(
            "{initial}event: ready\nid: c2\ndata: {{\"cursor\":\"c2\",\"index\":5}}\n\n{}event: change\nid: c9\ndata: {{\"cut",
            change("c3", "b")
        )),
        String::new(),
        stream(&format!(
            "event: heartbeat\nid: c4\ndata: {{\"cursor\":\"c4\"}}\n\nevent: later\ndata: {{}}\n\nevent: reset\nid: c5\ndata: {{}}\n\n{}",
            change("c6", "c")
        )),
        stream(
            "event: error\nid: c7\ndata: {\"title\":\"Gone\",\"status\":403,\"detail\":\"no more\",\"code\":\"permission_denied\"}\n\n",
        ),
    ]);
    let client = client(&fake);
    let query = WatchQuery { initial: true, ..WatchQuery::new(Target::Glob("a/**".into())) };
    let mut watch = client.v2().watch(&query);
    let (steps, error) = run(async {
        let mut steps = Vec::new();
        loop {
            match watch.next().await {
                Ok(step) => steps.push(shown(&step)),
                Err(error) => return (steps, error),
            }
        }
    });
    let wanted = ["initial a", "ready", "change b", "lost", "lost", "reset", "change c", "lost"];
    assert_eq!(steps, wanted);
    assert_eq!((error.code(), watch.cursor()), (Some("permission_denied"), Some("c7")));
    let requests: Vec<String> = fake.seen.iter().take(4).collect();
    assert!(
        requests[0].starts_with("GET /v2/watch?glob=a%2F%2A%2A&initial=true HTTP/1.1\r\n"),
        "{}",
        requests[0]
    );
    let cursors: Vec<&str> = requests.iter().map(|request| header(request, "last-event-id")).collect();
    assert_eq!(cursors, ["", "c3", "c3", "c6"]);
}

#[test]
fn a_watch_that_nobody_answers_gives_up() {
    let fake = fake(vec![String::new(); 3]);
    let client = client(&fake);
    let mut watch = client.v2().watch(&WatchQuery::new(Target::Key("a".into())));
    watch.retry.attempts = 3;
    let error = run(async {
        loop {
            if let Err(error) = watch.next().await {
                return error;
            }
        }
    });
    assert!(error.is_gone(), "{error:?}");
    assert_eq!(fake.seen.iter().take(3).count(), 3);
}

#[test]
fn a_silent_stream_is_a_lost_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let held = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        read_request(&mut BufReader::new(socket.try_clone().unwrap()));
        socket.write_all(stream("").as_bytes()).unwrap();
        socket
    });
    let client = Client::new(ClientConfig::for_address(&address).unwrap());
    let mut watch = client.v2().watch(&WatchQuery::new(Target::Key("a".into())));
    watch.patience = Duration::from_millis(50);
    assert_eq!(shown(&run(watch.next()).unwrap()), "lost");
    drop(held.join().unwrap());
}

#[test]
fn an_import_tells_what_it_does_and_why_it_broke_off() {
    let lines = concat!(
        "{\"action\":\"create\",\"namespace\":\"default\",\"key\":\"a\"}\n",
        "{\"summary\":{\"dry_run\":true,\"lines\":1,\"created\":1,\"updated\":0,\"deleted\":0,\"unchanged\":0}}\n"
    );
    let broken = "{\"problem\":{\"title\":\"Bad\",\"status\":400,\"detail\":\"line 2 is no JSON\",\"code\":\"malformed_json\",\"request_id\":\"r\"}}\n";
    let fake = fake(vec![
        ok(lines),
        ok(broken),
        ok("{\"action\":\"create\",\"namespace\":\"default\",\"key\":\"a\"}\n"),
    ]);
    let client = client(&fake);
    let import = || client.v2();
    run(async {
        let nothing = || Box::new(|| Ok(None));
        let mut import1 =
            import().import(nothing(), &Scope::default(), ImportMode::Replace, true).await.unwrap();
        assert!(
            matches!(import1.next().await.unwrap(), Some(ImportStep::Change(change)) if change.key == "a")
        );
        assert!(
            matches!(import1.next().await.unwrap(), Some(ImportStep::Summary(sums)) if sums.dry_run && sums.created == 1)
        );
        assert_eq!(import1.next().await.unwrap(), None);
        let mut import2 =
            import().import(nothing(), &Scope::default(), ImportMode::Merge, false).await.unwrap();
        assert_eq!(import2.next().await.unwrap_err().code(), Some("malformed_json"));
        let mut import3 =
            import().import(nothing(), &Scope::default(), ImportMode::Merge, false).await.unwrap();
        import3.next().await.unwrap();
        assert!(import3.next().await.is_err());
    });
    let first = fake.seen.recv().unwrap();
    assert!(first.starts_with("POST /v2/import?mode=replace&dry_run=true HTTP/1.1\r\n"), "{first}");
}
