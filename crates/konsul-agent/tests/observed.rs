//! What an agent tells of itself: to Prometheus, to probes, to who stops it.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use konsul_agent::{Agent, Logs, METRICS, MetricKind, Running, StopReason};
use konsul_config::{Config, LogLevel, MemoryFiles};
use konsul_operations::ports::LogLevels;
use konsul_operations::{Context, Operations as _};
use konsul_types::Namespace;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(30);

fn logs() -> Logs {
    Logs::new(Box::new(std::io::sink()), LogLevel::Error, false)
}

async fn start(logs: Logs) -> Running {
    let words = ["-dev".to_owned(), "-http-port=0".to_owned(), "-dns-port=-1".to_owned()];
    let none: [(&str, &str); 0] = [];
    let config = Config::load(&words, &[], &MemoryFiles::new(none)).unwrap().config;
    Agent { logs, reread: None }.start(config).await.unwrap()
}

async fn send(stream: &mut TcpStream, request: &str, headers: &str) {
    let text = format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{headers}\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
}

async fn ask(running: &Running, request: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(running.http_addresses()[0]).await.unwrap();
    send(&mut stream, request, &format!("Connection: close\r\n{headers}")).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs promtool, and answers what it says if it is not content.
fn promtool(words: &[&str], input: &str) -> Result<(), String> {
    let missing =
        "promtool is needed: `cargo xtask deps test` installs it, on Debian with the package prometheus";
    let mut child = Command::new("promtool")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect(missing);
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = [done.stdout.as_slice(), done.stderr.as_slice()].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let content = done.status.success() && (words[1] == "rules" || said.trim().is_empty());
    if content { Ok(()) } else { Err(said) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_has_nothing_to_say_of_the_metrics() {
    let running = start(logs()).await;
    ask(&running, "PUT /v1/kv/a", "").await;
    ask(&running, "GET /v1/kv/absent", "").await;
    ask(&running, "GET /nowhere", "").await;
    let answer = ask(&running, "GET /metrics", "").await;
    assert!(answer.to_lowercase().contains("content-type: text/plain; version=0.0.4"), "{answer}");
    promtool(&["check", "metrics"], body(&answer)).unwrap();
    running.stop(StopReason::Asked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_likes_openmetrics_gets_it() {
    let running = start(logs()).await;
    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n";
    let answer = ask(&running, "GET /metrics", accept).await;
    assert!(answer.contains("application/openmetrics-text; version=1.0.0; charset=utf-8"), "{answer}");
    assert!(answer.ends_with("# EOF\n"));
    // Consul's own path stays Consul's.
    let consul = ask(&running, "GET /v1/agent/metrics?format=prometheus", accept).await;
    assert!(consul.contains("text/plain; version=0.0.4") && !consul.contains("# EOF"));
    running.stop(StopReason::Asked).await;
}

/// Every name that a series of ours may have.
fn told() -> BTreeSet<String> {
    let metrics = METRICS.iter().flat_map(|(_, metrics)| metrics.iter());
    let names = metrics.flat_map(|metric| match metric.kind {
        MetricKind::Counter => vec![format!("{}_total", metric.name)],
        MetricKind::Gauge => vec![metric.name.to_owned()],
        MetricKind::Histogram => {
            ["bucket", "sum", "count"].map(|part| format!("{}_{part}", metric.name)).to_vec()
        }
    });
    names.collect()
}

/// Words of a text that look like metrics of ours.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    words
        .filter(|word| word.starts_with("konsul_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_metric_in_the_dashboard_the_alerts_and_the_guide_exists() {
    let told = told();
    for path in
        ["deploy/grafana/konsul.json", "deploy/prometheus/konsul.rules.yml", "docs/src/guides/monitoring.md"]
    {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        let named = named(&text);
        assert!(named.len() > 5, "{path} names {named:?}");
        let unknown: Vec<_> = named.difference(&told).collect();
        assert!(unknown.is_empty(), "{path} names what there is not: {unknown:?}");
    }
    let dashboard = std::fs::read_to_string(root().join("deploy/grafana/konsul.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
}

#[test]
fn promtool_reads_the_alerts() {
    let rules = root().join("deploy/prometheus/konsul.rules.yml");
    promtool(&["check", "rules", rules.to_str().unwrap()], "").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_tells_every_line() {
    let running = start(logs()).await;
    let answer = ask(&running, "GET /health", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let told: serde_json::Value = serde_json::from_str(body(&answer)).unwrap();
    assert_eq!(
        (&told["live"], &told["ready"], &told["reasons"]),
        (&true.into(), &true.into(), &serde_json::json!([]))
    );
    let checks = told["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["agent", "applied", "clock", "descriptors", "disk", "leader", "storage"]);
    let well = |check: &serde_json::Value| {
        check["state"] == "ok"
            && check.get("reason").is_none()
            && check["since"].as_str().unwrap().ends_with('Z')
    };
    assert!(checks.iter().all(well), "{checks:?}");
    running.stop(StopReason::Asked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_hour_and_the_log_levels_are_operations() {
    let running = start(logs()).await;
    let ctx = Context::new(Namespace::default_namespace());
    let history = async {
        loop {
            let history = running.operations().metrics_history(&ctx).await.unwrap();
            if history.series.iter().all(|series| !series.values.is_empty()) {
                return history;
            }
            tokio::task::yield_now().await;
        }
    };
    let history = tokio::time::timeout(PATIENCE, history).await.expect("the first row comes at once");
    assert_eq!(history.step_ms, 10_000);
    let memory = history.series.iter().find(|series| series.name == "memory").unwrap();
    assert!(memory.values[0].unwrap() > 1e6 && memory.unit == "bytes");

    let wanted =
        LogLevels { level: "warn".into(), targets: [("raft".to_owned(), "debug".to_owned())].into() };
    assert_eq!(running.operations().log_level_set(&ctx, wanted.clone()).await.unwrap(), wanted);
    assert_eq!(running.operations().log_level_get(&ctx).await.unwrap(), wanted);
    let wrong = LogLevels { level: "loud".into(), ..wanted.clone() };
    let why = running.operations().log_level_set(&ctx, wrong).await.unwrap_err();
    assert!(why.to_string().contains("\"loud\" is no level"), "{why}");
    assert_eq!(running.operations().log_level_get(&ctx).await.unwrap(), wanted);
    running.stop(StopReason::Asked).await;
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_a_request_names_it_and_none_holds_a_secret() {
    let lines = Lines::default();
    let logs = Logs::new(Box::new(lines.clone()), LogLevel::Debug, true);
    logs.install();
    let running = start(logs.clone()).await;
    // A body that a GET should not have is a line of its own, inside the request.
    let mut stream = TcpStream::connect(running.http_addresses()[0]).await.unwrap();
    let text = "GET /v1/kv/a?token=s3cret HTTP/1.1\r\nHost: x\r\nX-Consul-Token: s3cret\r\nConnection: close\r\n\
                Content-Length: 6\r\n\r\ns3cret";
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    running.stop(StopReason::Asked).await;
    logs.flush();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |message: &str| lines.iter().find(|line| line["@message"] == message).expect(message);
    let body = find("the body of a GET request is not looked at");
    // The process's log has the lines of other tests, too.
    let of_this =
        |line: &&serde_json::Value| line["@message"] == "served" && line["request_id"] == body["request_id"];
    let served = lines.iter().find(of_this).expect("the request's own line");
    assert_eq!((served["operation"].as_str(), served["status"].as_str()), (Some("kv_get"), Some("404")));
    assert!(served["micros"].as_str().unwrap().parse::<u64>().is_ok());
    assert_eq!(served["request_id"].as_str().unwrap().len(), 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_turns_ready_off_and_answers_parked_readers_within_the_deadline() {
    let running = start(logs()).await;
    let mut parked = TcpStream::connect(running.http_addresses()[0]).await.unwrap();
    let operations = running.operations().clone();
    send(&mut parked, "GET /v1/kv/a?index=1000000&wait=10m", "").await;
    let waiting = async {
        while operations.replica().figures().proposals > 0
            || konsul_operations::ports::Replica::feed(&**operations.replica()).stats().parked < 2
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the reader is parked");
    let ctx = Context::new(Namespace::default_namespace());
    let prometheus = konsul_operations::ports::MetricsFormat::Prometheus;
    let before = operations.agent_metrics(&ctx, prometheus).await.unwrap();
    // The agent itself watches what is registered of its node.
    assert!(before.contains("konsul_ready 1.0") && before.contains("konsul_feed_parked_readers 2.0"));
    assert!(before.contains("konsul_http_requests_in_flight{operation=\"kv_get\"} 1.0"), "{before}");
    let begun = std::time::Instant::now();
    let stopping = tokio::spawn(running.stop(StopReason::Asked));
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, parked.read_to_string(&mut answer)).await.expect("answered").unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert_eq!(tokio::time::timeout(PATIENCE, stopping).await.unwrap().unwrap(), 0, "nothing had to be cut");
    assert!(begun.elapsed() < PATIENCE);
    let after = operations.agent_metrics(&ctx, prometheus).await.unwrap();
    assert!(after.contains("konsul_ready 0.0") && after.contains("konsul_live 1.0"), "{after}");
    assert!(after.contains("konsul_health{check=\"agent\"} 2.0"), "{after}");
    assert!(after.contains("konsul_feed_parked_readers 0.0"), "{after}");
    assert!(after.contains("konsul_http_requests_in_flight{operation=\"kv_get\"} 0.0"), "{after}");
    assert!(operations.health().reasons == ["the agent is stopping"]);
}
