//! HTTP checks against real servers: what passes, what does not, what is shown, and what is not done.

#![allow(clippy::unwrap_used)]

mod common;

use common::{ClosedPort, Script, Server, certified, expect, expect_part, redirecting, run, run_for, run_on};
use konsul_checks::{HttpCheck, Machine, Probe, Reach, Tls};
use konsul_types::CheckStatus::{Critical, Passing, Warning};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn get(url: &str) -> Probe {
    Probe::Http(HttpCheck::get(url))
}

#[tokio::test]
async fn the_status_line_decides_and_it_goes_to_and_fro() {
    let script = Script::default();
    let server = script.start();
    let url = format!("http://{}/health", server.address);
    for (line, status) in [
        ("200 OK", Passing),
        ("503 Service Unavailable", Critical),
        ("204 No Content", Passing),
        ("429 Too Many Requests", Warning),
        ("302 Found", Critical),
        ("299 Half Well", Passing),
        ("404 Not Found", Critical),
        ("200 OK", Passing),
    ] {
        script.status(line, if line.starts_with("204") { "" } else { "body" });
        let body = if line.starts_with("204") { "" } else { "body" };
        expect(&run(get(&url)).await, status, &format!("HTTP GET {url}: {line} Output: {body}"));
    }
}

#[tokio::test]
async fn a_closed_port_is_refused_and_an_open_one_is_not() {
    let closed = ClosedPort::new();
    let url = format!("http://{}/", closed.address);
    let refused = format!("Get \"{url}\": dial tcp {}: connect: connection refused", closed.address);
    expect(&run(get(&url)).await, Critical, &refused);
    let script = Script::default();
    script.status("200 OK", "up");
    let (address, serving) = (closed.address, script.clone());
    let server = Server::on(closed.open(), move |stream| serving.clone().serve(stream));
    expect(&run(get(&url)).await, Passing, &format!("HTTP GET {url}: 200 OK Output: up"));
    drop(server);
    tokio::task::yield_now().await;
    let _closed = ClosedPort::at(address);
    expect(&run(get(&url)).await, Critical, &refused);
}

#[tokio::test]
async fn the_request_is_as_defined() {
    let script = Script::default();
    script.status("200 OK", "");
    let server = script.start();
    let check = HttpCheck {
        method: "POST".into(),
        headers: vec![
            ("Host".into(), vec!["web.example".into()]),
            ("X-Two".into(), vec!["a".into(), "b".into()]),
        ],
        body: "hello".into(),
        ..HttpCheck::get(format!("http://user:pass@{}/a?b=c", server.address))
    };
    let found = run(Probe::Http(check.clone())).await;
    let shown = format!("HTTP POST http://user:***@{}/a?b=c: 200 OK Output: ", server.address);
    expect(&found, Passing, &shown);
    let asked = script.asked().pop().unwrap();
    assert!(asked.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\nhello"), "{asked}");
    for line in [
        "host: web.example",
        "x-two: a",
        "x-two: b",
        "authorization: Basic dXNlcjpwYXNz",
        "user-agent: Consul Health Check",
        "accept: text/plain, text/*, */*",
        "connection: close",
        "content-length: 5",
    ] {
        assert_eq!(asked.matches(line).count(), 1, "{line} in {asked}");
    }
    assert!(!format!("{check:?}").contains("pass"));
    assert!(!format!("{check:?}").contains("hello"));
}

#[tokio::test]
async fn a_host_that_never_answers_is_cut_at_the_deadline() {
    let server = Server::start(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let url = format!("http://{}/", server.address);
    let found = run_for(get(&url), Duration::from_millis(200)).await;
    let late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
    expect(&found, Critical, &format!("Get \"{url}\": {late}"));
}

async fn stream_for_ever(mut stream: tokio::net::TcpStream) {
    let _ = common::read_request(&mut stream).await;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
}

#[tokio::test]
async fn a_peer_that_streams_for_ever_is_cut() {
    let server = Server::start(stream_for_ever);
    let url = format!("http://{}/", server.address);
    let begun = std::time::Instant::now();
    let found = run(get(&url)).await;
    assert!(begun.elapsed() < common::LONG / 2, "it was cut by size, not by time");
    let body = "x".repeat(4096);
    expect(&found, Passing, &format!("HTTP GET {url}: 200 OK Output: {body}"));
}

#[tokio::test]
async fn a_body_that_trickles_is_cut_at_the_deadline_and_the_status_counts() {
    let server = Server::start(|mut stream| async move {
        let _ = common::read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nabc").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let url = format!("http://{}/", server.address);
    let found = run_for(get(&url), Duration::from_millis(300)).await;
    expect(&found, Critical, &format!("HTTP GET {url}: 500 No Output: abc"));
}

#[tokio::test]
async fn the_last_bytes_of_a_body_are_kept_and_are_text() {
    let script = Script::default();
    let server = script.start();
    let url = format!("http://{}/", server.address);
    script.status("200 OK", &("a".repeat(5000) + "end"));
    let found = run(get(&url)).await;
    let shown = found.output.split_once("Output: ").unwrap().1;
    assert_eq!((shown.len(), shown.ends_with("aend")), (4096, true));
    let server = Server::start(|mut stream| async move {
        let _ = common::read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\xffb").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let found = run(get(&format!("http://{}/", server.address))).await;
    expect_part(&found, Passing, "Output: a\u{fffd}b");
}

#[tokio::test]
async fn what_is_no_http_is_told() {
    let script = Script::default();
    let server = script.start();
    let url = format!("http://{}/", server.address);
    script.say("SSH-2.0-OpenSSH\r\n\r\n");
    expect_part(&run(get(&url)).await, Critical, "malformed HTTP response");
    script.say("");
    expect(&run(get(&url)).await, Critical, &format!("Get \"{url}\": EOF"));
}

#[tokio::test]
async fn a_senseless_definition_is_critical_and_says_why() {
    let found = run(get("web/health")).await;
    expect(&found, Critical, "Get \"web/health\": unsupported protocol scheme \"\"");
    let check = HttpCheck { headers: vec![("A B".into(), vec![])], ..HttpCheck::get("http://127.0.0.1:1/") };
    expect(&run(Probe::Http(check)).await, Critical, "net/http: invalid header field name \"A B\"");
    let tls = Tls { authorities: Some(Vec::new().into()), ..Tls::default() };
    let check = HttpCheck { tls, ..HttpCheck::get("https://127.0.0.1:1/") };
    expect(
        &run(Probe::Http(check)).await,
        Critical,
        "the authority of the check holds no certificate in PEM",
    );
}

#[tokio::test]
async fn a_name_that_nobody_has_is_told() {
    let found = run(get("http://konsul-check.invalid/")).await;
    expect_part(&found, Critical, "dial tcp: lookup konsul-check.invalid: ");
}

fn redirect(to: &str, line: &str) -> String {
    format!("HTTP/1.1 {line}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

#[tokio::test]
async fn redirects_are_followed_only_where_both_want_it() {
    let (from, to) = (Script::default(), Script::default());
    let (from_server, to_server) = (from.start(), to.start());
    to.status("200 OK", "there");
    from.say(redirect(&format!("http://{}/x", to_server.address), "302 Found"));
    let url = format!("http://{}/", from_server.address);
    let secret = vec![("Authorization".to_owned(), vec!["Bearer s".to_owned()])];
    let mut check = HttpCheck {
        method: "POST".into(),
        body: "b".into(),
        headers: secret,
        follow_redirects: true,
        ..HttpCheck::get(&url)
    };
    let refused = format!("HTTP POST {url}: 302 Found Output: ");
    expect(&run(Probe::Http(check.clone())).await, Critical, &refused);
    let found = run_on(&redirecting(), Probe::Http(check.clone()), common::LONG).await;
    expect(&found, Passing, &format!("HTTP POST {url}: 200 OK Output: there"));
    // A port of its own makes another host: credentials stay behind, and the method changes.
    let asked = to.asked().pop().unwrap();
    assert!(asked.starts_with("GET /x ") && !asked.to_lowercase().contains("authorization"), "{asked}");
    from.say(redirect(&format!("http://{}/x", to_server.address), "307 Temporary Redirect"));
    run_on(&redirecting(), Probe::Http(check.clone()), common::LONG).await;
    assert!(to.asked().pop().unwrap().starts_with("POST /x "));
    check.follow_redirects = false;
    expect_part(&run_on(&redirecting(), Probe::Http(check), common::LONG).await, Critical, "307 Temporary");
}

#[tokio::test]
async fn a_ring_of_redirects_ends() {
    let script = Script::default();
    let server = script.start();
    script.say(redirect("/again", "301 Moved Permanently"));
    let check = HttpCheck { follow_redirects: true, ..HttpCheck::get(format!("http://{}/", server.address)) };
    let found = run_on(&redirecting(), Probe::Http(check), common::LONG).await;
    expect_part(&found, Critical, "stopped after 10 redirects");
    assert_eq!(script.asked().len(), 11);
}

#[tokio::test]
async fn link_local_is_refused_directly_and_by_redirect() {
    let refusal = "dial tcp 169.254.169.254:80: checks may not connect to link-local addresses";
    expect_part(&run(get("http://169.254.169.254/latest")).await, Critical, refusal);
    expect_part(&run(get("http://[::ffff:169.254.169.254]/")).await, Critical, "link-local");
    let script = Script::default();
    let server = script.start();
    script.say(redirect("http://169.254.169.254/", "302 Found"));
    let check = HttpCheck { follow_redirects: true, ..HttpCheck::get(format!("http://{}/", server.address)) };
    expect_part(&run_on(&redirecting(), Probe::Http(check), common::LONG).await, Critical, refusal);
    let open = Machine { reach: Reach { link_local: true, ..Reach::default() }, ..Machine::default() };
    let found = run_on(&open, get("http://169.254.169.254/"), Duration::from_millis(100)).await;
    assert!(!found.output.contains("link-local"), "{}", found.output);
}

#[tokio::test]
async fn https_believes_whom_it_should() {
    let certified = certified(&["http/1.1"]);
    let script = Script::default();
    script.status("200 OK", "tls");
    let (acceptor, serving) = (certified.acceptor.clone(), script.clone());
    let server = Server::start(move |stream| {
        let (acceptor, serving) = (acceptor.clone(), serving.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serving.serve(stream).await;
            }
        }
    });
    let url = format!("https://{}/", server.address);
    let with = |tls| Probe::Http(HttpCheck { tls, ..HttpCheck::get(&url) });
    let passing = format!("HTTP GET {url}: 200 OK Output: tls");
    expect(&run(with(certified.believing())).await, Passing, &passing);
    expect(&run(with(Tls { skip_verify: true, ..Tls::default() })).await, Passing, &passing);
    let unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    expect(&run(with(Tls::default())).await, Critical, &format!("Get \"{url}\": {unknown}"));
    let nameless = Tls { server_name: None, ..certified.believing() };
    expect_part(&run(with(nameless)).await, Critical, "x509: certificate is not valid for 127.0.0.1");
}

#[tokio::test]
async fn a_plain_server_is_no_tls_server() {
    let server = Server::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let found = run(get(&format!("https://{}/", server.address))).await;
    expect_part(&found, Critical, "tls: first record does not look like a TLS handshake");
}
