//! Backups of the shipped binary: made by themselves, told about, restored; keys as text, out and in again.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use konsul_testkit::process::{DEADLINE, Node, read_all};
use konsulctl::Console;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_konsul");

/// The body of an answer, and its status line.
fn json(answer: &str) -> (String, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn line(node: &Node, name: &str) -> Value {
    let (_, health) = json(&node.get("/health"));
    health["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["name"] == name)
        .cloned()
        .unwrap_or(Value::Null)
}

/// Waits until something holds that is asked of the node.
#[track_caller]
fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(last) => assert!(Instant::now() < end, "waited in vain for {what}: {last}"),
        }
        std::thread::yield_now();
    }
}

fn state(node: &Node, name: &str, wanted: &str) -> Result<Value, String> {
    let line = line(node, name);
    if line["state"] == wanted { Ok(line) } else { Err(line.to_string()) }
}

fn run_now(node: &Node) -> (String, Value) {
    until("a turn to make a backup", || {
        let answer = json(&read_all(node.send("POST", "/v2/backups")));
        if answer.0.contains("429") { Err(answer.0) } else { Ok(answer) }
    })
}

fn metric(node: &Node, name: &str) -> f64 {
    let text = node.get("/metrics");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(-1.0, |value| value.parse().unwrap())
}

#[test]
fn a_schedule_makes_backups_tries_them_and_says_how_they_are() {
    let (data, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let directory = format!("-backup-directory={}", dir.path().display());
    let node = Node::on_disk(BINARY, data.path(), &[&directory, "-backup-interval=2s", "-backup-keep=2"]);
    node.ok(&["kv", "put", "k", "kept"]);
    until("two backups and their drills", || {
        match metric(&node, "konsul_backup_drills_total{result=\"success\"}") {
            done if done >= 3.0 => Ok(()),
            other => Err(other.to_string()),
        }
    });
    assert_eq!(line(&node, "backup")["state"], "ok");
    assert_eq!(line(&node, "backup_drill")["state"], "ok");
    assert!((metric(&node, "konsul_backup_healthy") - 1.0).abs() < 1e-9);
    assert!(metric(&node, "konsul_backup_age_seconds") >= 0.0);
    let (status, report) = json(&node.get("/v2/backups"));
    assert!(status.contains("200") && report["enabled"] == true && report["interval"] == "2s", "{report}");
    assert!(report["items"].as_array().unwrap().len() <= 3, "{report}");
    // One that is asked for holds what was written last.
    node.ok(&["kv", "put", "k", "newer"]);
    let (status, made) = run_now(&node);
    assert!(status.contains("201"), "{status} {made}");
    let file = dir.path().join(made["name"].as_str().unwrap());
    let saved = tempfile::tempdir().unwrap();
    let copy = saved.path().join("copy.snap");
    fs::copy(&file, &copy).unwrap();
    node.stop();
    let told = Command::new(BINARY).args(["snapshot", "inspect"]).arg(&copy).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains(&format!("Index       {}", made["index"])) && told.contains("keys"), "{told}");
    let fresh = Node::dev(BINARY);
    assert_eq!(fresh.ok(&["snapshot", "restore", copy.to_str().unwrap()]), "Restored snapshot\n");
    assert_eq!(fresh.ok(&["kv", "get", "k"]), "newer\n");
}

#[test]
fn a_flipped_bit_in_the_newest_backup_turns_the_line_red_and_the_node_goes_on() {
    let (data, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let directory = format!("-backup-directory={}", dir.path().display());
    let node = Node::on_disk(BINARY, data.path(), &[&directory, "-backup-drill-interval=1s"]);
    node.ok(&["kv", "put", "k", "v"]);
    let (_, made) = run_now(&node);
    let path = dir.path().join(made["name"].as_str().unwrap());
    until("a drill that passes", || match metric(&node, "konsul_backup_drills_total{result=\"success\"}") {
        done if done >= 1.0 => Ok(()),
        other => Err(other.to_string()),
    });
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let red = until("a red line", || state(&node, "backup_drill", "fail"));
    let why = red["reason"].as_str().unwrap();
    assert!(why.contains(path.to_str().unwrap()) && why.contains("damaged at byte"), "{why}");
    assert!((metric(&node, "konsul_backup_healthy") - 0.0).abs() < 1e-9);
    // It is a matter of the backups alone.
    assert_eq!(line(&node, "backup")["state"], "ok");
    assert!(node.get("/health/ready").starts_with("HTTP/1.1 200"));
    node.ok(&["kv", "put", "k", "v2"]);
    run_now(&node);
    until("a green line", || state(&node, "backup_drill", "ok"));
    node.stop();
}

#[test]
fn a_directory_that_cannot_be_written_turns_the_line_red_and_the_node_stays_ready() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody may make a directory there, not even root.
    let node = Node::start(BINARY, &["-dev", "-backup-directory=/sys/konsul-backups", "-backup-interval=1s"]);
    let red = until("a red line", || state(&node, "backup", "fail"));
    assert!(red["reason"].as_str().unwrap().contains("/sys/konsul-backups"), "{red}");
    let ready = node.get("/health/ready");
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    node.ok(&["kv", "put", "k", "v"]);
    let (status, problem) = run_now(&node);
    assert!(status.contains("500") && problem["code"] == "backup_failed", "{status} {problem}");
    let off = Node::dev(BINARY);
    let (status, problem) = json(&read_all(off.send("POST", "/v2/backups")));
    assert!(status.contains("409") && problem["code"] == "backups_off", "{status} {problem}");
    assert_eq!(line(&off, "backup"), Value::Null);
    drop(dir);
}

#[test]
fn a_backup_of_an_older_build_is_restored() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("../konsul-state/tests/archive/version-1.snap");
    let node = Node::dev(BINARY);
    let told = node.ok(&["snapshot", "inspect", old.to_str().unwrap()]);
    assert!(told.contains("Version     1") && told.contains("Index       14"), "{told}");
    node.ok(&["snapshot", "restore", old.to_str().unwrap()]);
    assert_eq!(
        node.ok(&["kv", "get", "-recurse"]),
        "app/1:value 1\napp/2:value 2\napp/4:value 4\napp/5:value 5\n"
    );
}

#[test]
fn a_restore_answers_a_parked_reader_and_no_index_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("backup.snap");
    let node = Node::dev(BINARY);
    node.ok(&["kv", "put", "k", "before"]);
    node.ok(&["snapshot", "save", file.to_str().unwrap()]);
    for n in 0..20 {
        node.ok(&["kv", "put", "k", &format!("after {n}")]);
    }
    let index = |answer: &str| -> u64 {
        let line = answer.lines().find_map(|line| line.strip_prefix("X-Consul-Index: "));
        line.unwrap().parse().unwrap()
    };
    let seen = index(&node.get("/v1/kv/k"));
    let parked = node.ask(&format!("/v1/kv/k?raw&index={seen}&wait=60s"));
    until("a reader that is parked", || match metric(&node, "konsul_feed_parked_readers") {
        parked if parked >= 1.0 => Ok(()),
        other => Err(other.to_string()),
    });
    node.ok(&["snapshot", "restore", file.to_str().unwrap()]);
    let answer = read_all(parked);
    assert!(answer.ends_with("\r\n\r\nbefore") && index(&answer) > seen, "{answer}");
    assert!(index(&node.get("/v1/kv/?recurse")) >= index(&answer));
}

/// Runs a command of the native command line against a node, and answers what it printed.
#[track_caller]
fn native(node: &Node, words: &[&str], input: &str) -> Result<String, String> {
    let words: Vec<String> =
        std::iter::once("konsulctl").chain(words.iter().copied()).map(str::to_owned).collect();
    let (mut out, mut err) = (Shared::default(), Shared::default());
    let address = node.address.clone();
    let env = move |name: &str| (name == "KONSUL_HTTP_ADDR").then(|| address.clone());
    let console = Console::new(
        Box::new(env),
        Box::new(Cursor::new(input.as_bytes().to_vec())),
        Box::new(out.clone()),
        Box::new(err.clone()),
        false,
    );
    match konsulctl::native(&words, console) {
        0 => Ok(out.text()),
        code => Err(format!("{code}: {}", err.text())),
    }
}

/// What a command wrote.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&mut self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Some keys that are hard to write down.
fn fill(node: &Node) {
    node.ok(&["kv", "put", "-flags=18446744073709551615", "app/a <&> \"ç\"", "line one\nline two"]);
    node.ok(&["kv", "put", "app/empty", ""]);
    // Bytes that are no text.
    node.ok(&["kv", "put", "-base64", "app/bytes", "/wD+"]);
    for n in 0..200 {
        node.ok(&["kv", "put", &format!("many/{n:03}"), &format!("value {n}")]);
    }
}

#[test]
fn export_wipe_import_export_gives_the_same_bytes_in_konsuls_own_form() {
    let node = Node::dev(BINARY);
    fill(&node);
    node.ok(&["kv", "put", "-namespace=team", "only/there", "1"]);
    let first = native(&node, &["kv", "export", "--all-namespaces"], "").unwrap();
    assert_eq!(first.lines().count(), 204, "{first}");
    assert!(first.contains("\"value_base64\":\"/wD+\""), "{first}");
    node.ok(&["kv", "delete", "-recurse", ""]);
    node.ok(&["kv", "delete", "-namespace=team", "-recurse", ""]);
    assert_eq!(native(&node, &["kv", "export", "--all-namespaces"], "").unwrap(), "");
    native(&node, &["kv", "import", "--all-namespaces", "-"], &first).unwrap();
    assert_eq!(native(&node, &["kv", "export", "--all-namespaces"], "").unwrap(), first);
}

#[test]
fn export_wipe_import_export_gives_the_same_bytes_in_consuls_form() {
    let node = Node::dev(BINARY);
    fill(&node);
    let first = node.ok(&["kv", "export"]);
    assert!(first.contains(
        "\t\t\"key\": \"app/a \\u003c\\u0026\\u003e \\\"ç\\\"\",\n\t\t\"flags\": 18446744073709551615,"
    ));
    assert_eq!(
        native(&node, &["kv", "export", "--form", "consul"], "").unwrap(),
        first,
        "both commands print the same"
    );
    node.ok(&["kv", "delete", "-recurse", ""]);
    assert_eq!(node.ok(&["kv", "export"]), "[]\n");
    node.ok(&["kv", "import", &first]);
    assert_eq!(node.ok(&["kv", "export"]), first);
    node.ok(&["kv", "delete", "-recurse", ""]);
    native(&node, &["kv", "import", "-"], &first).unwrap();
    assert_eq!(node.ok(&["kv", "export"]), first);
}

#[test]
fn a_file_that_is_cut_names_its_line_and_imports_nothing() {
    let node = Node::dev(BINARY);
    fill(&node);
    let (lines, array) = (native(&node, &["kv", "export"], "").unwrap(), node.ok(&["kv", "export"]));
    node.ok(&["kv", "delete", "-recurse", ""]);
    let cut = &lines[..lines.len() - 5];
    let why = native(&node, &["kv", "import", "-"], cut).unwrap_err();
    assert!(why.contains("line 203"), "{why}");
    let why = native(&node, &["kv", "import", "-"], &array[..array.len() / 2]).unwrap_err();
    assert!(why.contains("ends in the middle"), "{why}");
    let refused = node.cli(&["kv", "import", &array[..array.len() / 2]]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(node.ok(&["kv", "export"]), "[]\n", "nothing was written");
}

#[test]
fn the_earlier_konsuls_export_comes_in() {
    let node = Node::dev(BINARY);
    let export = r#"{"kv":{"app%2Fcolor":"{\"value\":\"blue\",\"modify_index\":5,\"flags\":9}"},"services":{"web":{}}}"#;
    native(&node, &["kv", "import", "--decode-keys", "-"], export).unwrap();
    assert_eq!(node.ok(&["kv", "get", "app/color"]), "blue\n");
    assert!(node.ok(&["kv", "export"]).contains("\"flags\": 9"));
}
