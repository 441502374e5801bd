//! The shipped binary: starts, serves, survives, stops, and says what is wrong.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::time::Instant;

use konsul_testkit::process::{self, DEADLINE, Node, read_all};
use rustix::process::Signal;

const BINARY: &str = env!("CARGO_BIN_EXE_konsul");

fn refused(flags: &[&str]) -> std::process::Output {
    process::refused(BINARY, flags)
}

fn stderr(flags: &[&str]) -> String {
    let output = refused(flags);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    text
}

#[test]
fn a_newcomer_is_told_what_to_try_and_it_works() {
    let mut node = Node::dev(BINARY);
    let address = node.address.clone();
    let put = node.line_with("konsul kv put");
    assert_eq!(put.trim(), format!("konsul kv put -http-addr={address} app/color blue"));
    node.line_with("==> Log data will now stream in");
    assert_eq!(node.ok(&["kv", "put", "app/color", "blue"]), "Success! Data written to: app/color\n");
    assert_eq!(node.ok(&["kv", "get", "app/color"]), "blue\n");
    assert_eq!(node.ok(&["kv", "get", "-keys"]), "app/\n");
    assert!(node.get("/health/ready").starts_with("HTTP/1.1 200"));
    assert!(node.ok(&["status"]).contains("leader"));
    let lines = node.stop();
    assert!(lines.iter().any(|line| line.contains("[INFO]  agent: stopping: reason=SIGTERM")), "{lines:?}");
    assert!(lines.last().unwrap().contains("agent: stopped"), "{lines:?}");
}

#[test]
fn every_kv_command_against_the_real_agent() {
    let node = Node::dev(BINARY);
    node.ok(&["kv", "put", "-flags=7", "a/b", "x"]);
    node.ok(&["kv", "put", "a/ç d", "-5"]);
    assert_eq!(node.ok(&["kv", "get", "-recurse", "a/"]), "a/b:x\na/ç d:-5\n");
    let table = node.ok(&["kv", "get", "-detailed", "a/b"]);
    let index = table.lines().find_map(|line| line.strip_prefix("ModifyIndex")).unwrap().trim();
    let stale = node.cli(&["kv", "put", "-cas", "-modify-index=1", "a/b", "y"]);
    assert_eq!(stale.status.code(), Some(1));
    assert_eq!(stale.stderr, b"Error! Did not write to a/b: CAS failed\n");
    node.ok(&["kv", "put", "-cas", "-modify-index", index, "a/b", "y"]);
    let before = node.ok(&["kv", "export", "a/"]);
    node.ok(&["kv", "delete", "-recurse", "a/"]);
    assert_eq!(node.ok(&["kv", "export", "a/"]), "[]\n");
    assert_eq!(node.ok(&["kv", "import", &before]), "Imported: a/b\nImported: a/ç d\n");
    assert_eq!(
        node.ok(&["kv", "export", "a/"]).replace("\"flags\": 0", ""),
        before.replace("\"flags\": 0", "")
    );
    node.ok(&["kv", "put", "-namespace=team", "only/there", "1"]);
    let missing = node.cli(&["kv", "get", "only/there"]);
    assert_eq!(missing.stderr, b"Error! No key exists at: only/there\n");
    assert_eq!(node.ok(&["kv", "get", "-namespace=team", "only/there"]), "1\n");
}

#[test]
fn what_was_written_survives_a_stop_and_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::on_disk(BINARY, dir.path(), &[]);
    let id = node.seen().iter().find(|line| line.contains("Node ID")).unwrap().clone();
    node.ok(&["kv", "put", "k", "one"]);
    node.stop();

    let node = Node::on_disk(BINARY, dir.path(), &[]);
    assert!(node.seen().contains(&id), "the node has another id: {:?}", node.seen());
    assert_eq!(node.ok(&["kv", "get", "k"]), "one\n");
    node.ok(&["kv", "put", "k", "two"]);
    let index = modify_index(&node);
    node.signal(Signal::KILL);
    let (status, _) = node.wait();
    assert!(!status.success());

    let node = Node::on_disk(BINARY, dir.path(), &[]);
    assert_eq!(node.ok(&["kv", "get", "k"]), "two\n");
    assert_eq!(modify_index(&node), index);
    node.stop();
    let whole =
        std::process::Command::new(BINARY).args(["storage", "verify"]).arg(dir.path()).output().unwrap();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
}

fn modify_index(node: &Node) -> String {
    let table = node.ok(&["kv", "get", "-detailed", "k"]);
    table.lines().find(|line| line.starts_with("ModifyIndex")).unwrap().to_owned()
}

#[test]
fn a_stop_answers_parked_readers_and_ends_in_time() {
    let node = Node::dev(BINARY);
    node.ok(&["kv", "put", "k", "v"]);
    let index = node
        .get("/v1/kv/k")
        .lines()
        .find_map(|line| line.strip_prefix("X-Consul-Index: ").map(str::to_owned));
    let parked = node.ask(&format!("/v1/kv/k?index={}&wait=300s", index.unwrap()));
    // One more is the agent itself, which watches what is registered of its node.
    await_metric(&node, "konsul_feed_parked_readers 2.0");
    let began = Instant::now();
    node.signal(Signal::INT);
    let answer = read_all(parked);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (status, lines) = node.wait();
    assert!(status.success() && began.elapsed() < DEADLINE, "{status}");
    assert!(lines.iter().any(|line| line.contains("stopping: reason=SIGINT")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("cut_connections=0")), "{lines:?}");
}

/// Waits until the agent's figures contain a line.
fn await_metric(node: &Node, line: &str) {
    let end = Instant::now() + DEADLINE;
    while !node.get("/metrics").lines().any(|found| found == line) {
        assert!(Instant::now() < end, "{line} never came");
        std::thread::yield_now();
    }
}

#[test]
fn a_port_in_use_is_named() {
    let node = Node::dev(BINARY);
    let port = node.address.rsplit(':').next().unwrap();
    let text = stderr(&["-dev", "-dns-port=-1", &format!("-http-port={port}")]);
    assert!(
        text.contains(&format!("port {port} is in use on 127.0.0.1")) && text.contains("-http-port"),
        "{text}"
    );
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named_with_what_to_do() {
    // Nobody may make a directory there, not even root.
    let text = stderr(&["-server", "-bootstrap-expect=1", "-data-dir=/sys/konsul-test"]);
    assert!(text.contains("cannot create the data directory /sys/konsul-test"), "{text}");
    assert!(text.contains("change its owner") && text.contains("-data-dir"), "{text}");
}

#[test]
fn a_data_directory_serves_one_agent() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::on_disk(BINARY, dir.path(), &[]);
    let text = stderr(&["-server", "-bootstrap-expect=1", &format!("-data-dir={}", dir.path().display())]);
    assert!(text.contains("in use by another process") && text.contains(&node.pid().to_string()), "{text}");
}

#[test]
fn a_damaged_log_stops_the_start_with_file_and_offset() {
    use std::os::unix::fs::FileExt as _;
    let dir = tempfile::tempdir().unwrap();
    let node = Node::on_disk(BINARY, dir.path(), &[]);
    for i in 0..20 {
        node.ok(&["kv", "put", &format!("k{i}"), "needle-in-the-log"]);
    }
    node.stop();
    let needle = b"needle-in-the-log";
    let holds =
        |path: &std::path::PathBuf| std::fs::read(path).unwrap().windows(needle.len()).any(|w| w == needle);
    let mut files = std::fs::read_dir(dir.path().join("raft")).unwrap().map(|entry| entry.unwrap().path());
    let segment = files.find(holds).unwrap();
    let at = std::fs::read(&segment).unwrap().windows(needle.len()).position(|w| w == needle).unwrap() as u64;
    std::fs::OpenOptions::new().write(true).open(&segment).unwrap().write_all_at(b"X", at).unwrap();
    let text = stderr(&["-server", "-bootstrap-expect=1", &format!("-data-dir={}", dir.path().display())]);
    assert!(text.contains(segment.to_str().unwrap()) && text.contains("at byte"), "{text}");
}

#[test]
fn beyond_loopback_is_refused_unless_allowed() {
    let text = stderr(&["-dev", "-client=0.0.0.0"]);
    assert!(text.contains("allow_insecure_listen"), "{text}");
    let mut node = Node::start(BINARY, &["-dev", "-client=0.0.0.0", "-allow-insecure-listen"]);
    assert!(node.address.starts_with("0.0.0.0:"), "{}", node.address);
    node.address = node.address.replace("0.0.0.0", "127.0.0.1");
    assert!(node.get("/health/live").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_wrong_option_is_named_and_help_is_no_failure() {
    let text = stderr(&["-dev", "-log-levle=debug"]);
    assert!(text.contains("did you mean `-log-level`") && text.contains("konsul agent -help"), "{text}");
    let help = refused(&["-help"]);
    assert!(help.status.success() && help.stdout.starts_with(b"Usage: konsul agent"), "{help:?}");
}

#[test]
fn a_reload_puts_the_log_level_in_force_and_says_what_needs_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("agent.hcl");
    std::fs::write(&file, "log_level = \"warn\"\n").unwrap();
    let mut node = Node::start(BINARY, &["-dev", &format!("-config-file={}", file.display())]);
    std::fs::write(
        &file,
        "log_level = \"debug\"\nsession_ttl_min = \"20s\"\nlimits { kv_max_value_size = 1000 }\n",
    )
    .unwrap();
    node.signal(Signal::HUP);
    let line = node.line_with("configuration reloaded");
    assert!(
        line.contains("applied=limits.kv_max_value_size,log_level")
            && line.contains("needs_restart=session_ttl_min"),
        "{line}"
    );
    std::fs::write(&file, "log_level = 5\n").unwrap();
    node.signal(Signal::HUP);
    let line = node.line_with("[ERROR]");
    assert!(line.contains("agent.hcl:1"), "{line}");
    let refused = node.cli(&["reload"]);
    assert!(
        refused.status.code() == Some(1) && refused.stderr.starts_with(b"Error reloading: "),
        "{refused:?}"
    );
    std::fs::write(&file, "log_level = \"info\"\n").unwrap();
    assert_eq!(node.ok(&["reload"]), "Configuration reload triggered\n");
}

#[test]
fn the_pid_file_is_there_while_the_agent_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("konsul.pid");
    let node = Node::start(BINARY, &["-dev", &format!("-pid-file={}", path.display())]);
    assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), node.pid().to_string());
    node.stop();
    assert!(!path.exists());
}

#[test]
fn leave_ends_the_agent_and_with_it_a_monitor() {
    let mut node = Node::dev(BINARY);
    let monitor = node.ask("/v1/agent/monitor?loglevel=info");
    await_metric(&node, "konsul_log_monitors 1.0");
    assert_eq!(node.ok(&["leave"]), "Graceful leave complete\n");
    let log = read_all(monitor);
    assert!(log.contains("agent: stopping: reason=leave"), "{log}");
    node.line_with("agent: stopped");
    let (status, _) = node.wait();
    assert!(status.success());
}

#[test]
fn a_backup_restores_what_was() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("backup.snap");
    let name = file.to_str().unwrap();
    let node = Node::dev(BINARY);
    node.ok(&["kv", "put", "k", "before"]);
    assert!(node.ok(&["snapshot", "save", name]).starts_with("Saved and verified snapshot to index "));
    node.ok(&["kv", "put", "k", "after"]);
    node.ok(&["kv", "put", "more", "x"]);
    assert_eq!(node.ok(&["snapshot", "restore", name]), "Restored snapshot\n");
    assert_eq!(node.ok(&["kv", "get", "-recurse"]), "k:before\n");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let refused = node.cli(&["snapshot", "restore", name]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert_eq!(node.ok(&["kv", "get", "-recurse"]), "k:before\n");
}

#[test]
fn figures_move_with_what_happens() {
    let node = Node::dev(BINARY);
    node.ok(&["kv", "put", "k", "value"]);
    node.ok(&["kv", "put", "-namespace=team", "k", "value"]);
    let text = node.get("/metrics");
    for line in [
        "konsul_kv_keys{namespace=\"default\"} 1.0",
        "konsul_kv_keys{namespace=\"team\"} 1.0",
        "konsul_kv_bytes{namespace=\"team\"} 6.0",
        "konsul_http_requests_total{operation=\"kv_put\",status=\"2xx\"} 2.0",
        "konsul_raft_is_leader 1.0",
        "konsul_ready 1.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let json = node.get("/v1/agent/metrics");
    let body: serde_json::Value = serde_json::from_str(json.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let put =
        body["Samples"].as_array().unwrap().iter().find(|sample| sample["Labels"]["operation"] == "kv_put");
    assert_eq!(put.unwrap()["Count"], 2);
    let info = node.ok(&["info"]);
    assert!(info.contains("raft:\n\tapplied_index = ") && info.contains("\tstate = Leader\n"), "{info}");
}
