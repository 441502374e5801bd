//! Watches against a real agent in this process.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use konsul_config::{Config, LogLevel, MemoryFiles};
use konsul_operations::arguments::{EventFire, KvPut};
use konsul_operations::{Context, Operations as _};
use konsul_types::{Key, Namespace, PutMode, Value};

use crate::{Agent, Logs, Running, StopReason};

/// Longer than anything here takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

fn config(watches: &str) -> Config {
    let args = ["-dev", "-http-port=-1", "-dns-port=-1", "-config-file=w.hcl"].map(str::to_owned);
    let files = MemoryFiles::new([("w.hcl", watches)]);
    Config::load(&args, &[], &files).unwrap_or_else(|why| panic!("{watches}: {why:?}")).config
}

async fn start(watches: &str, later: Option<&str>) -> Running {
    let later = later.map(config);
    let reread: Option<crate::Reread> =
        later.map(|later| Box::new(move || Ok(later.clone())) as crate::Reread);
    let logs = Logs::new(Box::new(std::io::sink()), LogLevel::Error, false);
    Agent { logs, reread }.start(config(watches)).await.unwrap()
}

async fn put(running: &Running, key: &str, value: &str) {
    let ctx = Context::new(Namespace::default_namespace());
    let args = KvPut {
        key: Key::new(key).unwrap(),
        value: Value::from(value.as_bytes()),
        flags: 0,
        mode: PutMode::Set,
        ttl_ms: None,
    };
    running.operations().kv_put(&ctx, args).await.unwrap();
}

/// Waits until the file has so many lines, and answers them.
async fn lines(file: &Path, wanted: usize) -> Vec<String> {
    let end = tokio::time::Instant::now() + DEADLINE;
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.len() >= wanted {
            return lines;
        }
        assert!(tokio::time::Instant::now() < end, "{} lines of {wanted}: {text}", lines.len());
        // tidy: sleep because it is the pause between two looks at a file, whose change wakes nobody
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A handler that appends the index and the value to a file, as one line.
fn appends(kind: &str, file: &Path) -> String {
    let script = format!("echo \\\"$CONSUL_INDEX $(cat)\\\" >> {}", file.display());
    format!("watches {{ {kind} args = [\"/bin/sh\", \"-c\", \"{script}\"] }}\n")
}

#[test]
fn a_program_hears_of_a_key_at_the_start_and_at_each_change_in_consuls_form() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("seen");
    run(async {
        let running = start(&appends("type = \"key\" key = \"a\"", &file), None).await;
        assert!(lines(&file, 1).await[0].ends_with(" null"));
        put(&running, "b", "another key").await;
        put(&running, "a", "one").await;
        let seen = lines(&file, 2).await;
        let (index, body) = seen[1].split_once(' ').unwrap();
        let pair: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(pair["ModifyIndex"].as_u64(), index.parse().ok(), "{body}");
        assert!(body.starts_with("{\"Key\":\"a\",\"CreateIndex\":"), "{body}");
        assert!(body.contains("\"LockIndex\":0,\"Flags\":0,\"Value\":\"b25l\",\"Session\":\"\"}"), "{body}");
        running.stop(StopReason::Asked).await;
    });
}

#[test]
fn a_prefix_and_events_are_told_and_a_shell_line_is_a_shell_line() {
    let dir = tempfile::tempdir().unwrap();
    let (keys, events) = (dir.path().join("keys"), dir.path().join("events"));
    let shell =
        format!("watches {{ type = \"event\" name = \"deploy\" handler = \"cat >> {}\" }}", events.display());
    run(async {
        let running = start(&(appends("type = \"keyprefix\" prefix = \"a/\"", &keys) + &shell), None).await;
        assert!(lines(&keys, 1).await[0].ends_with(" null"));
        assert_eq!(lines(&events, 1).await[0], "[]");
        put(&running, "a/1", "x").await;
        assert!(lines(&keys, 2).await[1].contains("[{\"Key\":\"a/1\","));
        let ctx = Context::new(Namespace::default_namespace());
        for name in ["deploy", "other", "deploy"] {
            let (before, none) = (lines(&events, 1).await.len(), String::new());
            let event = EventFire {
                name: name.to_owned(),
                payload: Value::from(&b"now"[..]),
                node_filter: none.clone(),
                service_filter: none.clone(),
                tag_filter: none,
            };
            running.operations().event_fire(&ctx, event).await.unwrap();
            if name == "deploy" {
                let told = lines(&events, before + 1).await;
                let last: Vec<serde_json::Value> = serde_json::from_str(&told[before]).unwrap();
                assert_eq!(
                    (last.len(), &last[0]["Payload"]),
                    (1, &"bm93".into()),
                    "only what is new: {told:?}"
                );
            }
        }
        running.stop(StopReason::Asked).await;
    });
}

#[test]
fn a_reload_begins_new_watches_and_leaves_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (kept, gone, new) = (dir.path().join("kept"), dir.path().join("gone"), dir.path().join("new"));
    let block = |file: &Path| appends("type = \"key\" key = \"a\"", file);
    run(async {
        let running = start(&(block(&kept) + &block(&gone)), Some(&(block(&kept) + &block(&new)))).await;
        lines(&kept, 1).await;
        lines(&gone, 1).await;
        let report = running.reload().unwrap();
        assert_eq!((report.applied, report.needs_restart), (vec!["watches".to_owned()], vec![]));
        lines(&new, 1).await;
        put(&running, "a", "one").await;
        lines(&new, 2).await;
        assert_eq!(lines(&kept, 2).await.len(), 2, "it was not begun again");
        assert_eq!(lines(&gone, 1).await.len(), 1);
        running.stop(StopReason::Asked).await;
    });
}

/// Answers one request on a listener of its own, and gives what was asked.
fn hear_one(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut asked = Vec::new();
    let mut piece = [0; 1024];
    while !(asked.ends_with(b"\n")
        && asked.windows(4).any(|end| end == b"\r\n\r\n")
        && !asked.ends_with(b"\r\n\r\n"))
    {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&asked));
        asked.extend_from_slice(&piece[..read]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    String::from_utf8(asked).unwrap().to_ascii_lowercase()
}

#[test]
fn a_request_carries_the_value_the_index_and_the_headers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/changed?x=1", listener.local_addr().unwrap());
    let block = format!(
        "watches {{ type = \"key\" key = \"a\" handler_type = \"http\"\n\
         http_handler_config {{ path = \"{url}\" method = \"PUT\" header {{ X-Token = [\"s3cret\"] }} }} }}"
    );
    run(async move {
        let running = start(&block, None).await;
        let hears = tokio::task::spawn_blocking(move || (hear_one(&listener), hear_one(&listener)));
        put(&running, "a", "one").await;
        let (first, second) = hears.await.unwrap();
        // The first may have been sent before or after the write; the second only if it was before.
        let asked =
            if first.ends_with("null\n") { second } else { panic!("the start was not told: {first}") };
        assert!(asked.starts_with("put /changed?x=1 http/1.1\r\n"), "{asked}");
        for part in
            ["x-token: s3cret", "x-consul-index: ", "content-type: application/json", "\"value\":\"b25l\""]
        {
            assert!(asked.contains(part), "{part}: {asked}");
        }
        running.stop(StopReason::Asked).await;
    });
}

#[test]
fn a_handler_that_cannot_run_is_an_error_with_its_reason() {
    let found = super::look::Found { index: konsul_types::Index(7), body: vec![b'x'; 1 << 20] };
    run(async {
        let run = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let found = found.clone();
            async move { super::program::run(&words, &found).await }
        };
        let why = run(&["/nonexistent/handler"]).await.unwrap_err();
        assert!(why.starts_with("/nonexistent/handler cannot be run: "), "{why}");
        let why = run(&["/bin/sh", "-c", "echo told; echo complained >&2; exit 3"]).await.unwrap_err();
        assert!(why.contains("exit status: 3") && why.contains("told\ncomplained"), "{why}");
        // One that reads nothing, and one that says more than anybody keeps.
        assert_eq!(run(&["/bin/true"]).await.unwrap(), "");
        assert_eq!(run(&["/bin/sh", "-c", "yes | head -c 1000000"]).await.unwrap().len(), super::KEPT_OUTPUT);
        assert_eq!(run(&["/bin/sh", "-c", "wc -c"]).await.unwrap().trim(), "1048576");
    });
}

#[test]
fn a_receiver_that_is_slow_refuses_or_speaks_no_tls_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let found = super::look::Found { index: konsul_types::Index(7), body: b"null\n".to_vec() };
    let handler = |url: String, skip: bool| konsul_config::HttpHandler {
        url,
        method: "POST".to_owned(),
        timeout: konsul_types::duration::GoDuration(300_000_000),
        headers: std::collections::BTreeMap::new(),
        tls_skip_verify: skip,
        ca_file: None,
    };
    run(async {
        let why =
            super::request::send(&handler(format!("http://{address}/"), false), &found).await.unwrap_err();
        assert!(why.contains("did not answer within 300ms"), "{why}");
        drop(listener);
        let why =
            super::request::send(&handler(format!("https://{address}/"), true), &found).await.unwrap_err();
        assert!(why.contains("refused"), "{why}");
    });
}
