//! Calls against a scripted server: what is sent, byte for byte, and what becomes of each answer.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::net::TcpListener;
use std::time::Duration;

use konsul_client::kv::{PutMode, PutOptions};
use konsul_client::txn::{KvOp, Outcome};
use konsul_client::{Client, ClientConfig, Consistency, Error, ReadOptions, Token, WriteOptions};

use support::{Fake, answer, fake};

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn client(fake: &Fake) -> Client {
    Client::new(ClientConfig::for_address(&fake.address).unwrap())
}

const ENTRY: &str = r#"{"LockIndex":1,"Key":"a b","Flags":3304740253564472344,"Value":"aGk=","Session":"s","CreateIndex":4,"ModifyIndex":9}"#;

#[test]
fn a_read_sends_its_options_and_reads_the_headers() {
    let headers = "X-Consul-Index: 9\r\nX-Consul-KnownLeader: true\r\nX-Consul-LastContact: 12\r\n";
    let fake = fake(vec![answer("200 OK", headers, &format!("[{ENTRY}]"))]);
    let options =
        ReadOptions { consistency: Consistency::Stale, namespace: Some("t".into()), ..Default::default() };
    let options = options.wait_for(8, Duration::from_secs(2));
    let found = run(client(&fake).kv().get("a b", &options)).unwrap();
    let request = fake.seen.recv().unwrap();
    assert!(request.starts_with("GET /v1/kv/a%20b?stale&index=8&wait=2000ms&ns=t HTTP/1.1\r\n"), "{request}");
    assert_eq!(
        (found.meta.index, found.meta.known_leader, found.meta.last_contact.as_millis()),
        (9, true, 12)
    );
    let pair = found.value.unwrap();
    assert_eq!((pair.value.as_slice(), pair.flags, pair.lock_index), (&b"hi"[..], 0x2ddc_cbc0_58a5_0c18, 1));
    assert_eq!(pair.session.as_deref(), Some("s"));
}

#[test]
fn an_absent_key_is_no_error_but_a_strangers_404_is() {
    let fake = fake(vec![
        answer("404 Not Found", "X-Consul-Index: 5\r\n", ""),
        answer("404 Not Found", "", "no such page"),
    ]);
    let client = client(&fake);
    let absent = run(client.kv().get("k", &ReadOptions::default())).unwrap();
    assert_eq!((absent.value, absent.meta.index), (None, 5));
    let error = run(client.kv().get("k", &ReadOptions::default())).unwrap_err();
    assert_eq!(error.to_string(), "Unexpected response code: 404 (no such page)");
}

#[test]
fn a_put_carries_condition_token_and_body() {
    let fake = fake(vec![answer("200 OK", "", "false")]);
    let mut config = ClientConfig::for_address(&fake.address).unwrap();
    config.token = Token::new("secret");
    let options =
        PutOptions { mode: PutMode::Cas(0), flags: 7, ttl: Some("1s".into()), ..Default::default() };
    let done = run(Client::new(config).kv().put("k", b"v=1".to_vec(), &options)).unwrap();
    assert!(!done);
    let request = fake.seen.recv().unwrap();
    assert!(request.starts_with("PUT /v1/kv/k?flags=7&ttl=1s&cas=0 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-consul-token: secret\r\n") && request.ends_with("\r\n\r\nv=1"), "{request}");
}

#[test]
fn a_list_is_read_entry_by_entry() {
    let body = format!("[{ENTRY},\n{}]", ENTRY.replace("a b", "c"));
    let fake = fake(vec![answer("200 OK", "", &body), answer("200 OK", "", &body[..body.len() - 4])]);
    let client = client(&fake);
    let read = async |client: &Client| {
        let mut stream = client.kv().list_stream("", &ReadOptions::default()).await?;
        let mut keys = Vec::new();
        while let Some(pairs) = stream.next().await? {
            keys.extend(pairs.into_iter().map(|p| p.key));
        }
        Ok::<_, Error>(keys)
    };
    assert_eq!(run(read(&client)).unwrap(), ["a b", "c"]);
    let cut = run(read(&client)).unwrap_err().to_string();
    assert!(cut.contains("line 2: the JSON array ends in the middle"), "{cut}");
}

#[test]
fn a_rolled_back_transaction_is_an_answer() {
    let body = r#"{"Results":null,"Errors":[{"OpIndex":1,"What":"key \"k\" exists"}]}"#;
    let fake = fake(vec![answer("409 Conflict", "", body)]);
    let op = KvOp { verb: "set".into(), key: "k".into(), value: b"x".to_vec(), ..Default::default() };
    let outcome = run(client(&fake).txn().run(&[op], &ReadOptions::default())).unwrap();
    let Outcome::RolledBack(errors) = outcome else { panic!("{outcome:?}") };
    assert_eq!((errors[0].op_index, errors[0].what.as_str()), (1, "key \"k\" exists"));
    let sent = fake.seen.recv().unwrap();
    assert!(
        sent.ends_with(r#"[{"KV":{"Verb":"set","Key":"k","Value":"eA==","Flags":0,"Index":0}}]"#),
        "{sent}"
    );
}

#[test]
fn a_refused_connection_says_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let client = Client::new(ClientConfig::for_address(&address).unwrap());
    let error = run(client.status().leader()).unwrap_err();
    assert!(error.never_sent());
    let text = error.to_string();
    assert!(
        text.contains(&address) && text.contains("refused") && text.contains("konsul agent -dev"),
        "{text}"
    );
}

#[test]
fn a_silent_server_and_a_broken_answer_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = ClientConfig::for_address(&listener.local_addr().unwrap().to_string()).unwrap();
    config.request_timeout = Duration::from_millis(50);
    let error = run(Client::new(config).kv().delete("k", None, &WriteOptions::default())).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");

    let short = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\ntru".to_owned();
    let fake = fake(vec![short]);
    let error = run(client(&fake).kv().delete("k", None, &WriteOptions::default())).unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
}

#[test]
fn another_program_at_the_address_is_suspected() {
    let fake = fake(vec![answer("200 OK", "", "<html>")]);
    let error = run(client(&fake).kv().list("", &ReadOptions::default())).unwrap_err().to_string();
    assert!(error.contains("/v1/kv/") && error.contains("Is it a Konsul agent?"), "{error}");
}
