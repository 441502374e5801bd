//! Ten thousand connections, idle and parked: they are served, they cost little memory each, and all of them are answered.
//!
//! The server is a process of its own, so that its memory is its own and each side has its own descriptors.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program of its own: it talks to its other half and to people"
)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use konsul_http::{Limits, Settings};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::client::Client;
use support::{Rig, until};

/// What one parked reader may cost, operation included.
const BYTES_EACH_MAX: u64 = 15 * 1024;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let descriptors = raise_descriptors();
    if std::env::args().any(|argument| argument == "serve") {
        return runtime.block_on(serve());
    }
    let crowd = descriptors.saturating_sub(200).min(10_000);
    assert!(crowd >= 500, "{descriptors} descriptors are too few for this test");
    runtime.block_on(check(crowd as usize));
}

fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    limit.maximum.unwrap_or(u64::MAX)
}

/// Serves, and answers lines on its input: how many readers are parked.
async fn serve() {
    let limits = Limits { connections_per_source: 0, ..Limits::default() };
    let rig = Rig::with(Settings { limits, ..Settings::default() });
    println!("{}", rig.address);
    for line in std::io::stdin().lines() {
        let wanted: usize = line.unwrap().parse().unwrap();
        until("they are parked", || rig.fake.parked.load(SeqCst) == wanted).await;
        println!("ready");
        std::io::stdout().flush().unwrap();
    }
}

struct Served {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    address: SocketAddr,
}

impl Served {
    fn start() -> Served {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap().parse().unwrap();
        Served { child, lines, address }
    }

    fn wait_for_parked(&mut self, count: usize) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{count}").unwrap();
        assert_eq!(self.lines.next().unwrap().unwrap(), "ready");
    }

    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

async fn check(crowd: usize) {
    let mut served = Served::start();
    let mut one = Client::connect(served.address).await;
    assert_eq!(one.put("/v1/kv/a", b"x").await.text(), "true");
    let index = one.get("/v1/kv/a").await.header("x-consul-index").unwrap().to_owned();
    let empty = served.resident();

    let mut clients = Vec::with_capacity(crowd);
    for _ in 0..crowd {
        clients.push(Client::connect(served.address).await);
    }
    assert_eq!(one.get("/v1/status/leader").await.status, 200, "served beside a crowd of idle connections");
    let idle = served.resident();

    for client in &mut clients {
        client
            .send(format!("GET /v1/kv/a?index={index}&wait=10m HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes())
            .await;
    }
    served.wait_for_parked(crowd);
    let parked = served.resident();

    let started = Instant::now();
    assert_eq!(one.put("/v1/kv/a", b"y").await.text(), "true");
    let write = started.elapsed();
    for client in &mut clients {
        assert_eq!(client.answer(false).await.unwrap().status, 200);
    }
    let each = |resident: u64| resident.saturating_sub(empty) / crowd as u64;
    println!(
        "{crowd} connections: {} bytes each idle, {} parked; write {write:?}, all answered after {:?}",
        each(idle),
        each(parked),
        started.elapsed()
    );
    assert!(each(parked) <= BYTES_EACH_MAX, "a parked reader costs {} bytes", each(parked));
    assert!(started.elapsed() < Duration::from_secs(10));
}
