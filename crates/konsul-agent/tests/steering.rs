//! What a health check says changes what every caller gets: over HTTP, over DNS, and over a stream, within a second.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use konsul_agent::{Agent, Logs, Running, StopReason};
use konsul_config::{Config, LogLevel, MemoryFiles};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// For things that only have to happen at all.
const DEADLINE: Duration = Duration::from_secs(60);

/// From a check's change of status to the last caller who is told.
const BOUND: Duration = Duration::from_secs(1);

async fn start() -> Running {
    let args = ["-dev", "-http-port=0", "-dns-port=0"].map(str::to_owned);
    let none: [(&str, &str); 0] = [];
    let config = Config::load(&args, &[], &MemoryFiles::new(none)).unwrap().config;
    let logs = Logs::new(Box::new(std::io::sink()), LogLevel::Error, false);
    Agent { logs, reread: None }.start(config).await.unwrap()
}

/// A program with a page for health checks: 200 while it is well, 500 while it is not.
async fn program(well: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let status = if well.load(SeqCst) { "200 OK" } else { "500 Internal Server Error" };
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                // One read has all of such a request; whoever hangs up is answered in vain.
                let _ = stream.read(&mut asked).await;
                let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

async fn send(address: SocketAddr, request: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head =
        format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

async fn get(address: SocketAddr, path: &str) -> Value {
    let (status, said) = send(address, &format!("GET {path}"), "").await;
    assert_eq!(status, 200, "{path}: {said}");
    serde_json::from_str(&said).unwrap()
}

/// Asks again until it is so.
macro_rules! until {
    ($deadline:expr, $found:expr, $wanted:expr) => {{
        let begun = Instant::now();
        loop {
            let found = $found;
            if $wanted(&found) {
                break;
            }
            assert!(begun.elapsed() < $deadline, "{found:?} after {:?}", begun.elapsed());
            // tidy: sleep because it asks again until it is so
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }};
}

/// How many addresses DNS has for the service.
async fn in_dns(server: SocketAddr) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut question = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in ["web", "service", "consul"] {
        question.push(u8::try_from(label.len()).unwrap());
        question.extend_from_slice(label.as_bytes());
    }
    // The root, an A record, of the internet.
    question.extend_from_slice(&[0, 0, 1, 0, 1]);
    socket.send_to(&question, server).await.unwrap();
    let mut answer = [0; 512];
    let (size, _) = tokio::time::timeout(DEADLINE, socket.recv_from(&mut answer)).await.unwrap().unwrap();
    assert!(size >= 12 && answer[..2] == question[..2]);
    u16::from_be_bytes([answer[6], answer[7]])
}

/// Changes of the service's passing instances.
struct Changes(Lines<BufReader<TcpStream>>);

impl Changes {
    async fn open(address: SocketAddr) -> Changes {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET /v2/watch?service=web&passing=true HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut changes = Changes(BufReader::new(stream).lines());
        changes.read("event: ready").await;
        changes
    }

    /// Reads up to a line that begins so, and answers what follows.
    async fn read(&mut self, begins: &str) -> String {
        loop {
            let line = tokio::time::timeout(DEADLINE, self.0.next_line()).await.unwrap().unwrap().unwrap();
            if let Some(rest) = line.strip_prefix(begins) {
                return rest.to_owned();
            }
        }
    }

    /// The next change: what happened and to which instance.
    async fn next(&mut self) -> String {
        self.read("event: change").await;
        let data: Value = serde_json::from_str(&self.read("data: ").await).unwrap();
        format!("{} {}", data["kind"].as_str().unwrap(), data["record"]["id"].as_str().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_whose_check_fails_leaves_every_answer_within_a_second_and_comes_back() {
    let running = start().await;
    let (http, dns) = (running.http_addresses()[0], running.dns_addresses()[0]);
    let well = Arc::new(AtomicBool::new(true));
    let page = program(Arc::clone(&well)).await;
    let service = json!({
        "Name": "web", "ID": "web-1", "Address": "10.0.0.9", "Port": page.port(),
        "Check": { "CheckID": "page", "HTTP": format!("http://{page}/"), "Interval": "100ms", "Timeout": "5s" },
    });
    let (status, said) = send(http, "PUT /v1/agent/service/register", &service.to_string()).await;
    assert_eq!(status, 200, "{said}");
    let passing = "/v1/health/service/web?passing";
    let count = |found: &Value| found.as_array().unwrap().len();
    until!(DEADLINE, get(http, passing).await, |found| count(found) == 1);
    until!(DEADLINE, in_dns(dns).await, |found: &u16| *found == 1);
    let mut changes = Changes::open(http).await;

    for (is_well, status, left, change) in
        [(false, "critical", 0, "left web-1"), (true, "passing", 1, "entered web-1")]
    {
        well.store(is_well, SeqCst);
        until!(DEADLINE, get(http, "/v1/agent/checks").await, |found: &Value| found["page"]["Status"]
            == status);
        // Its check has turned: from now on everybody is told.
        let turned = Instant::now();
        until!(BOUND, get(http, passing).await, |found| count(found) == left);
        until!(BOUND, in_dns(dns).await, |found: &u16| usize::from(*found) == left);
        assert_eq!(changes.next().await, change);
        assert!(turned.elapsed() < BOUND, "{change} took {:?}", turned.elapsed());
    }
    running.stop(StopReason::Asked).await;
}
