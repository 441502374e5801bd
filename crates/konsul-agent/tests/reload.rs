//! A reload of a running agent: what changed is named, what can go live is in force on connections that are open, and a
//! fault changes nothing.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use konsul_agent::{Agent, Logs, Reread, Running, StopReason};
use konsul_config::{Config, LogLevel, MemoryFiles};

const DEADLINE: Duration = Duration::from_secs(60);

fn config(text: &str) -> Result<Config, String> {
    let args = ["-dev", "-http-port=0", "-dns-port=-1", "-config-file=k.hcl"].map(str::to_owned);
    let loaded = Config::load(&args, &[], &MemoryFiles::new([("k.hcl", text)]));
    loaded.map(|loaded| loaded.config).map_err(|errors| errors[0].to_string())
}

/// The text that the next reload reads.
type File = Arc<Mutex<String>>;

async fn start(text: &str) -> (Running, File) {
    let file: File = Arc::new(Mutex::new(text.to_owned()));
    let read = Arc::clone(&file);
    let reread: Reread = Box::new(move || config(&read.lock().unwrap()));
    let logs = Logs::new(Box::new(std::io::sink()), LogLevel::Error, false);
    (Agent { logs, reread: Some(reread) }.start(config(text).unwrap()).await.unwrap(), file)
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// One connection that is kept over several requests.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn to(address: SocketAddr) -> Kept {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Kept(BufReader::new(stream))
    }

    /// Head and body of the answer.
    fn ask(&mut self, request: &str, body: &str) -> (String, String) {
        let length = body.len();
        let text = format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.0.read_line(&mut head).unwrap() > 0, "the connection ended: {head}");
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }
}

#[test]
fn limits_and_headers_go_live_on_an_open_connection_and_the_answer_names_all() {
    run(async {
        let (running, file) = start("log_level = \"info\"").await;
        let address = running.http_addresses()[0];
        let after = "log_level = \"warn\" ports { http = 1 } limits { kv_max_value_size = 4 kv_max_keys = 1 }\n\
            http_config { response_headers { X-New = \"yes\" } block_endpoints = [\"/v1/event\"] }";
        let asked = tokio::task::spawn_blocking(move || {
            let mut kept = Kept::to(address);
            assert!(kept.ask("PUT /v1/kv/a", "12345").0.starts_with("http/1.1 200"));
            *file.lock().unwrap() = after.to_owned();
            let (head, body) = kept.ask("PUT /v1/agent/reload", "");
            assert!(head.starts_with("http/1.1 200"), "{head}");
            let told: serde_json::Value = serde_json::from_str(&body).unwrap();
            let applied = [
                "http_config.response_headers",
                "http_config.block_endpoints",
                "limits.kv_max_value_size",
                "limits.kv_max_keys",
                "log_level",
            ];
            assert_eq!(told["Applied"], serde_json::json!(applied));
            // The flag wins over the file, so that the port has not changed.
            assert_eq!(told["NeedsRestart"], serde_json::json!([]));
            let (head, _) = kept.ask("PUT /v1/kv/a", "12345");
            assert!(head.starts_with("http/1.1 413") && head.contains("x-new: yes"), "{head}");
            assert!(kept.ask("PUT /v1/event/fire/x", "").0.starts_with("http/1.1 403"));
            (kept, file)
        });
        let (mut kept, file) = asked.await.unwrap();
        // The bound on keys is replicated state: the reconcilers put it into the log at their next look.
        let refused = tokio::task::spawn_blocking(move || {
            let end = std::time::Instant::now() + DEADLINE;
            let mut number = 0;
            while kept.ask(&format!("PUT /v1/kv/b{number}"), "1").0.starts_with("http/1.1 200") {
                number += 1;
                assert!(std::time::Instant::now() < end, "{number} keys and no bound");
            }
            *file.lock().unwrap() = "log_level = \"loud\"".to_owned();
            let (head, body) = kept.ask("PUT /v1/agent/reload", "");
            assert!(head.starts_with("http/1.1 500") && body.contains("k.hcl:1:1"), "{head}{body}");
            assert!(kept.ask("GET /v1/kv/a", "").0.contains("x-new: yes"), "what was in force stays");
        });
        refused.await.unwrap();
        running.stop(StopReason::Asked).await;
    });
}

#[test]
fn what_needs_a_restart_is_named_and_named_again() {
    run(async {
        let (running, file) = start("").await;
        *file.lock().unwrap() = "datacenter = \"dc2\" node_meta { rack = \"7\" }".to_owned();
        let report = running.reload().unwrap();
        assert_eq!(
            (report.applied, report.needs_restart),
            (vec!["node_meta".into()], vec!["datacenter".into()])
        );
        let report = running.reload().unwrap();
        assert_eq!((report.applied, report.needs_restart), (vec![], vec!["datacenter".to_owned()]));
        running.stop(StopReason::Asked).await;
    });
}

fn over_a_socket(path: &Path) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(b"GET /v1/agent/self HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn http_is_served_on_a_unix_socket_beside_a_port_and_without_one() {
    run(async {
        for port in ["", "ports { http = -1 }"] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("k.sock");
            let text = format!(
                "addresses {{ http = \"unix://{} 127.0.0.1\" }} unix_sockets {{ mode = \"0600\" }} {port}",
                path.display()
            );
            // The flag of the other tests would win over the file.
            let args = ["-dev", "-config-file=k.hcl"].map(str::to_owned);
            let port = if port.is_empty() { "ports { http = 0 }" } else { "" };
            let files = MemoryFiles::new([("k.hcl", text + port)]);
            let config = Config::load(&args, &[], &files).unwrap().config;
            let logs = Logs::new(Box::new(std::io::sink()), LogLevel::Error, false);
            let running = Agent { logs, reread: None }.start(config).await.unwrap();
            assert_eq!(running.http_sockets().collect::<Vec<_>>(), [path.as_path()]);
            assert_eq!(running.http_addresses().len(), usize::from(!port.is_empty()));
            let asked = path.clone();
            let answer = tokio::task::spawn_blocking(move || over_a_socket(&asked)).await.unwrap();
            assert!(
                answer.starts_with("HTTP/1.1 200") && answer.contains("\"bootstrap\": \"1\""),
                "{answer}"
            );
            running.stop(StopReason::Asked).await;
            assert!(!path.exists(), "the socket goes with the agent");
        }
    });
}
