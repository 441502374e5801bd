//! The binary under a service manager: it says when it is ready, reloads and stops, writes its log file, serves a unix
//! socket, and tells what is in force.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

const BINARY: &str = env!("CARGO_BIN_EXE_konsul");
const DEADLINE: Duration = Duration::from_secs(60);

/// A process that is ended whatever becomes of the test.
struct Process(Child);

impl Process {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn manager(directory: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(directory.join("notify")).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

#[track_caller]
fn hears(manager: &UnixDatagram, wanted: &str) {
    let mut bytes = [0; 512];
    let length = manager.recv(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes[..length]);
    assert!(text.starts_with(wanted), "{text}");
}

#[test]
fn a_service_manager_and_the_log_file_see_the_whole_life() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let manager = manager(root);
    let (file, socket) = (root.join("agent.toml"), root.join("k.sock"));
    let text = format!(
        "log_file = \"{0}/logs/\"\nlog_rotate_max_files = 2\npid_file = \"{0}/pid\"\naddresses.http = \"unix://{0}/k.sock\"\n",
        root.display()
    );
    std::fs::write(&file, format!("{text}log_level = \"info\"\n")).unwrap();
    let mut command = Command::new(BINARY);
    command.args(["agent", "-dev", "-dns-port=-1", &format!("-config-file={}", file.display())]);
    command.env("NOTIFY_SOCKET", root.join("notify")).stdin(Stdio::null()).stdout(Stdio::null());
    let mut process = Process(command.spawn().unwrap());
    hears(&manager, "READY=1\n");
    let got = cli(&["kv", "put", "a", "b"], &[("CONSUL_HTTP_ADDR", &format!("unix://{}", socket.display()))]);
    assert!(got.contains("Success! Data written to: a"), "{got}");

    std::fs::write(&file, format!("{text}log_level = \"debug\"\n[storage]\nsegment_bytes = 16777216\n"))
        .unwrap();
    process.signal(Signal::HUP);
    hears(&manager, "RELOADING=1\nMONOTONIC_USEC=");
    hears(&manager, "READY=1\n");
    process.signal(Signal::TERM);
    hears(&manager, "STOPPING=1\n");
    assert!(process.0.wait().unwrap().success());

    let log = std::fs::read_to_string(root.join("logs/konsul.log")).unwrap();
    for part in [
        "serving the HTTP API",
        "log_level: \\\"info\\\" -> \\\"debug\\\"",
        "storage.segment_bytes: 67108864 -> 16777216",
        "needs a restart",
        "configuration reloaded",
        "stopped",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
    assert!(!socket.exists() && !root.join("pid").exists());
}

fn cli(words: &[&str], env: &[(&str, &str)]) -> String {
    let output = Command::new(BINARY).args(words).envs(env.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_configuration_in_force_is_shown_with_its_origins_and_validated() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.toml"), "ports.http = 8501\n").unwrap();
    std::fs::write(dir.path().join("b.hcl"), "http_config { response_headers { A = \"s3cret\" } }\n")
        .unwrap();
    let path = dir.path().to_str().unwrap();
    let at = format!("-config-dir={path}");
    let shown = cli(&["config", "show", "--origin", "-dev", &at], &[("KONSUL_NODE_NAME", "n1")]);
    let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert!(line("ports.http = 8501").ends_with(&format!("# {path}/a.toml:1:7")), "{shown}");
    assert!(line("node_name = \"n1\"").ends_with("# KONSUL_NODE_NAME"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    let whole = [("KONSUL_SERVER", "true")];
    std::fs::write(
        dir.path().join("c.json"),
        "{\"server\": true, \"bootstrap\": true, \"data_dir\": \"/tmp/none\"}",
    )
    .unwrap();
    assert_eq!(cli(&["validate", path], &whole), "Configuration is valid!\n");
    std::fs::write(dir.path().join("d.toml"), "[ports]\nhtpp = 1\n").unwrap();
    let refused = Command::new(BINARY).args(["validate", path]).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("d.toml:2:1: unknown key `ports.htpp`; did you mean `ports.http`?"), "{told}");
}

#[test]
fn a_definition_with_a_mistake_stops_the_start_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.hcl"), "service { name = \"web\" port = 80 }\n").unwrap();
    let at = format!("-config-dir={}", dir.path().display());
    for (text, place, word) in [
        ("{\n  \"service\": { \"name\": \"db\",\n    \"prot\": 1 }\n}", "b.json:3:", "port"),
        (
            "{ \"check\": { \"id\": \"c\", \"name\": \"c\",\n \"interval\": \"soon\", \"tcp\": \"a:1\" } }",
            "b.json:2:",
            "soon",
        ),
        ("{ \"services\": [\n { \"name\": \"db\" },\n { \"name\": \"web\" }\n] }", "b.json:3:", "web"),
    ] {
        std::fs::write(dir.path().join("b.json"), text).unwrap();
        let flags = ["agent", "-dev", "-http-port=0", "-dns-port=-1", &at];
        let output = Command::new(BINARY).args(flags).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(place) && told.contains(word), "{text}: {told}");
    }
}

#[test]
fn a_log_file_that_cannot_be_written_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let flag = format!("-log-file={}/x.log", file.display());
    let output =
        Command::new(BINARY).args(["agent", "-dev", "-http-port=0", "-dns-port=-1", &flag]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("the log file ") && told.contains("x.log"), "{told}");
}
