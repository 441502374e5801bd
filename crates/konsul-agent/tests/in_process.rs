//! Agents inside a test's own process: no signals, no global log, ports of the system's choice.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use konsul_agent::{Agent, AgentError, Logs, Running, StopReason};
use konsul_config::{Config, LogLevel, MemoryFiles};

fn config(flags: &[&str]) -> Config {
    let words: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    let none: [(&str, &str); 0] = [];
    Config::load(&words, &[], &MemoryFiles::new(none)).unwrap().config
}

fn agent() -> Agent {
    Agent { logs: Logs::new(Box::new(std::io::sink()), LogLevel::Error, false), reread: None }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

async fn dev() -> Result<Running, AgentError> {
    agent().start(config(&["-dev", "-http-port=0", "-dns-port=0"])).await
}

/// Sends one request and answers everything that comes back.
async fn ask(address: SocketAddr, request: &str) -> String {
    let text = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(text.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    });
    asked.await.unwrap().unwrap()
}

#[test]
fn two_agents_share_a_process_and_nothing_else() {
    run(async {
        let (one, two) = (dev().await.unwrap(), dev().await.unwrap());
        let (first, second) = (one.http_addresses()[0], two.http_addresses()[0]);
        assert_ne!((first, one.node_id()), (second, two.node_id()));
        assert!(one.health().ready && two.health().ready);
        assert!(ask(first, "PUT /v1/kv/a").await.starts_with("HTTP/1.1 200"));
        assert!(ask(first, "GET /v1/kv/a").await.starts_with("HTTP/1.1 200"));
        assert!(ask(second, "GET /v1/kv/a").await.starts_with("HTTP/1.1 404"));
        assert_eq!(one.stop(StopReason::Asked).await, 0);
        assert!(TcpStream::connect(first).is_err());
        assert!(ask(second, "GET /v1/status/leader").await.ends_with("\"127.0.0.1:8300\"\n"));
        assert_eq!(two.stop(StopReason::Asked).await, 0);
    });
}

#[test]
fn sessions_can_be_made_as_soon_as_it_is_ready() {
    run(async {
        let running = dev().await.unwrap();
        let answer = ask(running.http_addresses()[0], "PUT /v1/session/create").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        running.stop(StopReason::Asked).await;
    });
}

#[test]
fn a_reload_without_files_says_so() {
    run(async {
        let running = dev().await.unwrap();
        assert!(running.reload().unwrap_err().contains("started without files"));
        let answer = ask(running.http_addresses()[0], "PUT /v1/agent/reload").await;
        assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("started without files"), "{answer}");
        running.stop(StopReason::Asked).await;
    });
}

#[test]
fn leave_is_heard() {
    run(async {
        let running = dev().await.unwrap();
        assert!(ask(running.http_addresses()[0], "PUT /v1/agent/leave").await.starts_with("HTTP/1.1 200"));
        assert_eq!(running.asked_to_stop().await, StopReason::Leave);
        running.stop(StopReason::Leave).await;
    });
}

#[test]
fn a_start_that_fails_leaves_nothing_behind() {
    run(async {
        let running = dev().await.unwrap();
        let port = running.http_addresses()[0].port();
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let flags = format!("-data-dir={}", data.display());
        let taken = format!("-http-port={port}");
        let refused = agent().start(config(&["-server", "-bootstrap", &flags, &taken])).await;
        assert!(matches!(refused.err(), Some(AgentError::PortInUse { .. })));
        assert!(!data.exists(), "an agent that cannot listen changes nothing");
        running.stop(StopReason::Asked).await;
    });
}
