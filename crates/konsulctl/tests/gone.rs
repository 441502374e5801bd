//! A server that goes away under each command: before it answers, and in the middle of its answer. Every command must say
//! so, and end with an error.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use support::{Node, Shell};

/// How a command that speaks to a server is called.
fn calls() -> BTreeMap<&'static str, &'static str> {
    [
        ("backup list", ""),
        ("backup run", ""),
        ("bench", "--seconds 1"),
        ("check deregister", "beat"),
        ("check fail", "beat"),
        ("check history", "beat --node n"),
        ("check ls", ""),
        ("check pass", "beat"),
        ("check register", "beat --ttl 30s"),
        ("check warn", "beat"),
        ("debug", "--seconds 0"),
        ("event fire", "deploy"),
        ("event list", ""),
        ("event watch", "--attempts 2"),
        ("health", "web"),
        ("info", ""),
        ("limits", ""),
        ("lock acquire", "deploy --session 11111111-2222-3333-4444-555555555555"),
        ("lock get", "deploy"),
        ("lock list", ""),
        ("lock release", "deploy --session 11111111-2222-3333-4444-555555555555"),
        ("lock run", "deploy -- touch never"),
        ("log-level", ""),
        ("metrics", ""),
        ("node ls", ""),
        ("node rtt", "a b"),
        ("node show", "n"),
        ("query create", "{\"service\":\"web\"}"),
        ("query delete", "11111111-2222-3333-4444-555555555555"),
        ("query execute", "web"),
        ("query explain", "web"),
        ("query get", "11111111-2222-3333-4444-555555555555"),
        ("query ls", ""),
        ("query update", "11111111-2222-3333-4444-555555555555 {\"service\":\"web\"}"),
        ("service deregister", "web-1"),
        ("service graph", "-o json"),
        ("service impact", "web"),
        ("service ls", ""),
        ("service maint", "web-1"),
        ("service pick", "web"),
        ("service register", "--name web"),
        ("service show", "web"),
        ("service timeline", "web"),
        ("service watch", "web --attempts 2"),
        ("service why", "web"),
        ("session create", ""),
        ("session destroy", "11111111-2222-3333-4444-555555555555"),
        ("session get", "11111111-2222-3333-4444-555555555555"),
        ("session list", ""),
        ("session renew", "11111111-2222-3333-4444-555555555555"),
        ("snapshot restore", "backup.snap --yes"),
        ("snapshot save", "saved.snap"),
        ("status", ""),
        ("txn", "changes.json"),
        ("usage", ""),
        ("watch", "--prefix app/ --attempts 2"),
    ]
    .into()
}

/// Commands that another test looks at, or that ask no server.
fn is_ours(path: &str) -> bool {
    !path.starts_with("kv ")
        && !["context", "completion", "version", "bench", "dns"].iter().any(|other| path.starts_with(other))
}

/// A server that reads a request and answers with this, whatever was asked, and hangs up.
fn broken(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            hang_up(stream.unwrap(), answer);
        }
    });
    address
}

fn hang_up(mut stream: TcpStream, answer: &str) {
    let mut head = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while head.read_line(&mut line).is_ok_and(|length| length > 2) {
        line.clear();
    }
    // The other side may have gone first.
    let _ = stream.write_all(answer.as_bytes());
}

/// Nobody listens there: the port was free a moment ago.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn prepare(address: &str) -> Shell {
    let shell = Shell::on(address);
    std::fs::write(shell.path("changes.json"), "[]").unwrap();
    std::fs::write(shell.path("backup.snap"), backup()).unwrap();
    shell
}

/// A whole backup, of a server that was there before.
fn backup() -> &'static [u8] {
    static BACKUP: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BACKUP.get_or_init(|| {
        let node = Node::start();
        let shell = Shell::on(&node.address);
        shell.ok(&["snapshot", "save", "backup.snap"]);
        std::fs::read(shell.path("backup.snap")).unwrap()
    })
}

#[track_caller]
fn check(address: &str, codes: &[i32]) {
    let mut wrong = Vec::new();
    for (path, arguments) in calls().into_iter().filter(|(path, _)| is_ours(path)) {
        let shell = prepare(address);
        let words: Vec<&str> = path.split(' ').chain(arguments.split_whitespace()).collect();
        let ended = shell.run(&words);
        let told = ended.err.contains("Error: ") && ended.err.contains(address);
        let code = ended.code.unwrap_or(-1);
        if !told
            || !codes.contains(&code)
            || shell.path("never").exists()
            || shell.path("saved.snap").exists()
        {
            wrong.push(format!("konsulctl {}: {ended:?}", words.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_that_asks_a_server_is_looked_at() {
    let known = calls();
    for command in konsulctl::commands() {
        let asks = !command.operations.is_empty() && is_ours(command.path);
        assert!(!asks || known.contains_key(command.path), "{} is not in the table", command.path);
    }
}

#[test]
fn nobody_listens() {
    check(&nobody(), &[5]);
}

#[test]
fn the_server_hangs_up_before_it_answers() {
    check(&broken(""), &[1, 5, 6]);
}

#[test]
fn the_server_hangs_up_in_the_middle_of_its_answer() {
    check(&broken("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"items\":[{\"half"), &[1, 6]);
}

#[test]
fn something_else_listens() {
    check(&broken("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"), &[1, 6]);
}
