//! Sessions, transactions, events, watches, backups and the commands about the server itself, against a real one.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};

use serde_json::Value;
use support::{Node, Shell, done};

fn start() -> (Node, Shell) {
    let node = Node::start();
    let shell = Shell::on(&node.address);
    (node, shell)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The next line that a command prints.
fn line(child: &mut Child) -> String {
    let mut line = String::new();
    // Byte by byte, so that nothing of the next line is taken.
    let stdout = child.stdout.as_mut().unwrap();
    let mut byte = [0];
    while stdout.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
        line.push(char::from(byte[0]));
    }
    line
}

#[test]
fn a_session_lives_from_create_to_destroy() {
    let (_node, shell) = start();
    let id = shell.ok(&["session", "create", "--name", "me", "--ttl", "30s", "--behavior", "delete"]);
    let id = id.trim();
    let found = json(&shell.ok(&["session", "get", id, "-o", "json"]));
    assert_eq!((found["name"].as_str(), found["behavior"].as_str()), (Some("me"), Some("delete")));
    assert!(shell.ok(&["session", "list"]).starts_with(&format!("{id}\tme\t")));
    assert_eq!(shell.ok(&["session", "list", "--node", "no-such-node"]), "");
    assert!(shell.ok(&["session", "renew", id]).starts_with(id));
    shell.ok(&["session", "destroy", id]);
    for verb in ["get", "renew"] {
        let gone = shell.run(&["session", verb, id]);
        assert_eq!(gone.code, Some(3), "{gone:?}");
        assert!(gone.err.contains("konsulctl session list"), "{gone:?}");
    }
    let short = shell.run(&["session", "create", "--ttl", "1s"]);
    assert_eq!(short.code, Some(1), "{short:?}");
    assert!(short.err.contains("10s") || short.err.contains("ttl"), "{short:?}");
}

#[test]
fn a_transaction_is_all_or_nothing() {
    let (_node, shell) = start();
    let good = br#"[{"op":"kv_put","key":"a","value":"1"},{"op":"kv_put","key":"b","value":"2"},{"op":"kv_get","key":"a"}]"#;
    let ended = shell.fed(&["txn", "-o", "json"], good);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(json(&ended.out)[2]["entry"]["value"], "1");
    let bad = br#"[{"op":"kv_put","key":"c","value":"1"},{"op":"kv_check","key":"a","if_index":1}]"#;
    let ended = shell.fed(&["txn"], bad);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.err.contains("operations/1"), "{ended:?}");
    assert_eq!(shell.run(&["kv", "get", "c"]).code, Some(3));
    let ended = shell.fed(&["txn", "--best-effort"], bad);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(shell.ok(&["kv", "get", "c"]), "1");
}

#[test]
fn every_fault_of_a_transaction_is_named_with_its_place() {
    let (_node, shell) = start();
    let ended = shell.fed(&["txn"], br#"[{"op":"kv_put","key":"a"},{"op":"nonsense"}]"#);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("/operations/0") && ended.err.contains("/operations/1"), "{ended:?}");
    let ended = shell.fed(&["txn"], b"{");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(shell.run(&["txn", "nosuch.json"]).code, Some(2));
}

#[test]
fn events_are_fired_listed_and_watched() {
    let (_node, shell) = start();
    shell.ok(&["event", "fire", "before", "0"]);
    let mut watch = shell
        .binary()
        .args(["event", "watch", "--name", "deploy", "--count", "2", "-o", "json"])
        .spawn()
        .unwrap();
    // The watch shows what is fired after its first look; so fire until it has seen one.
    let mut fired = 0;
    let (tell, told) = std::sync::mpsc::sync_channel(64);
    let stdout = watch.stdout.take().unwrap();
    std::thread::spawn(move || {
        BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
    });
    let first = loop {
        fired += 1;
        shell.ok(&["event", "fire", "other"]);
        shell.fed(&["event", "fire", "deploy", "-"], format!("{fired}").as_bytes());
        if let Ok(line) = told.recv_timeout(std::time::Duration::from_millis(300)) {
            break json(&line);
        }
        assert!(fired < 100, "nothing was shown");
    };
    assert_eq!(first["name"], "deploy");
    shell.ok(&["event", "fire", "deploy", "last"]);
    assert_eq!(done(watch).code, Some(0));
    let listed = shell.ok(&["event", "list", "--name", "deploy"]);
    assert!(listed.trim_end().lines().last().unwrap().contains("\tdeploy\tlast\t"), "{listed}");
    assert!(!listed.contains("other"), "{listed}");
}

#[test]
fn a_watch_shows_changes_and_goes_on_from_its_cursor() {
    let (_node, shell) = start();
    shell.ok(&["kv", "put", "app/a", "1"]);
    let words = ["watch", "--prefix", "app/", "--cursor-file", "cursor", "-o", "json", "--count", "2"];
    let mut first = shell.binary().args(words).arg("--initial").spawn().unwrap();
    let seen = json(&line(&mut first));
    assert_eq!((&seen["initial"], &seen["entry"]["value"]), (&Value::from(true), &Value::from("1")));
    shell.ok(&["kv", "put", "app/a", "2"]);
    let seen = json(&line(&mut first));
    assert_eq!((&seen["initial"], &seen["entry"]["value"]), (&Value::from(false), &Value::from("2")));
    assert_eq!(done(first).code, Some(0));
    // Nobody watches, and nothing is lost.
    shell.ok(&["kv", "put", "app/a", "3"]);
    shell.ok(&["kv", "put", "other", "x"]);
    shell.ok(&["kv", "delete", "app/a"]);
    let seen: Vec<Value> = shell.ok(&words).lines().map(json).collect();
    let kinds: Vec<_> = seen.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["put", "delete"]);
    assert_eq!(seen[0]["entry"]["value"], "3");
    let cursor = std::fs::read_to_string(shell.path("cursor")).unwrap();
    assert_eq!(cursor.trim(), seen[1]["cursor"].as_str().unwrap());
    let other = shell.run(&["watch", "--key", "other", "--cursor-file", "cursor", "--count", "1"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.err.contains("cursor"), "{other:?}");
}

#[test]
fn a_handler_gets_each_change_and_its_failure_ends_the_watch() {
    let (_node, shell) = start();
    shell.ok(&["kv", "put", "app/a", "1"]);
    shell.ok(&["kv", "put", "app/b", "2"]);
    let script = "cat >> seen; echo $KONSUL_WATCH_KEY $KONSUL_WATCH_KIND";
    let ran = shell.ok(&["watch", "--prefix", "app/", "--initial", "--count", "2", "--", "sh", "-c", script]);
    assert_eq!(ran, "app/a put\napp/b put\n");
    let seen = std::fs::read_to_string(shell.path("seen")).unwrap();
    let keys: Vec<Value> = seen.lines().map(|line| json(line)["key"].clone()).collect();
    assert_eq!(keys, ["app/a", "app/b"]);
    let words = ["watch", "--prefix", "app/", "--initial", "--cursor-file", "cursor", "--count", "2"];
    let failed = shell.run(&[&words[..], &["--", "sh", "-c", "exit 3"]].concat());
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.err.contains("it ended with 3"), "{failed:?}");
    // What was not handled comes again.
    assert!(!shell.path("cursor").exists());
    let on = shell.run(&[&words[..], &["--keep-going", "--", "sh", "-c", "exit 3"]].concat());
    assert_eq!(on.code, Some(0), "{on:?}");
    assert!(shell.path("cursor").exists());
}

#[test]
fn changes_that_come_close_together_are_handled_once() {
    let (_node, shell) = start();
    for value in ["1", "2", "3"] {
        shell.ok(&["kv", "put", &format!("app/{value}"), value]);
    }
    let words = ["watch", "--prefix", "app/", "--initial", "--count", "3", "--debounce", "300ms"];
    let ran = shell.ok(&[&words[..], &["--", "sh", "-c", "cat | wc -l; echo done"]].concat());
    assert_eq!(ran.split_whitespace().collect::<Vec<_>>(), ["3", "done"]);
}

#[test]
fn a_watch_survives_a_restart_and_gives_up_on_a_server_that_is_gone() {
    let (mut node, shell) = start();
    let mut watch = shell
        .binary()
        .args(["watch", "--prefix", "app/", "--initial", "-o", "json", "--attempts", "2"])
        .spawn()
        .unwrap();
    shell.ok(&["kv", "put", "app/a", "1"]);
    assert_eq!(json(&line(&mut watch))["key"], "app/a");
    node.stop();
    let ended = done(watch);
    assert!(matches!(ended.code, Some(1 | 5 | 6)), "{ended:?}");
    assert!(ended.err.contains("Error:") && ended.err.contains("Next:"), "{ended:?}");
}

#[test]
fn a_backup_is_saved_checked_and_restored() {
    let (_node, shell) = start();
    shell.ok(&["kv", "put", "app/a", "before"]);
    shell.ok(&["snapshot", "save", "backup.snap"]);
    let again = shell.run(&["snapshot", "save", "backup.snap"]);
    assert_eq!(again.code, Some(4), "{again:?}");
    assert!(again.err.contains("--overwrite"), "{again:?}");
    shell.ok(&["snapshot", "save", "--overwrite", "backup.snap"]);
    let contents = json(&shell.ok(&["snapshot", "inspect", "backup.snap", "-o", "json"]));
    let keys = contents["tables"].as_array().unwrap().iter().find(|table| table["table"] == "keys").unwrap();
    assert_eq!(keys["records"], 1);
    shell.ok(&["kv", "put", "app/a", "after"]);
    let unsure = shell.run(&["snapshot", "restore", "backup.snap"]);
    assert_eq!(unsure.code, Some(2), "{unsure:?}");
    assert!(unsure.err.contains("--yes"), "{unsure:?}");
    assert_eq!(shell.ok(&["kv", "get", "app/a"]), "after");
    shell.ok(&["snapshot", "restore", "backup.snap", "--yes"]);
    assert_eq!(shell.ok(&["kv", "get", "app/a"]), "before");
    shell.sh("konsulctl snapshot save - > piped.snap");
    shell.ok(&["snapshot", "inspect", "piped.snap"]);
}

#[test]
fn a_damaged_backup_is_refused_before_anything_is_sent() {
    let (_node, shell) = start();
    shell.ok(&["kv", "put", "app/a", "before"]);
    shell.ok(&["snapshot", "save", "backup.snap"]);
    let mut bytes = std::fs::read(shell.path("backup.snap")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(shell.path("backup.snap"), bytes).unwrap();
    for words in
        [&["snapshot", "inspect", "backup.snap"][..], &["snapshot", "restore", "backup.snap", "--yes"]]
    {
        let ended = shell.run(words);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains("damaged at byte"), "{ended:?}");
    }
    assert_eq!(shell.ok(&["kv", "get", "app/a"]), "before");
}

#[test]
fn a_backup_that_cannot_be_written_leaves_nothing_behind() {
    let (_node, shell) = start();
    let ended = shell.run(&["snapshot", "save", "no/such/backup.snap"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("make the directory first"), "{ended:?}");
    assert_eq!(std::fs::read_dir(shell.home.path()).unwrap().count(), 0);
}

#[test]
fn the_server_tells_what_it_is() {
    let (_node, shell) = start();
    shell.ok(&["kv", "put", "app/a", "1"]);
    let status = json(&shell.ok(&["status", "-o", "json"]));
    assert_eq!(status["health"]["ready"], true, "{status}");
    assert!(status["system"]["leader"].is_string(), "{status}");
    let table = shell.ok(&["status", "-o", "table"]);
    for name in ["SERVER", "HEALTH", "LEADER", "INDEX", "HOLDS", "MEMORY", "ANSWERED IN"] {
        assert!(table.contains(name), "{name} is not in {table}");
    }
    assert!(table.contains("1 key ("), "{table}");
    let usage = shell.ok(&["usage"]);
    assert!(usage.starts_with("default\t1\t"), "{usage}");
    let limits = shell.ok(&["limits"]);
    assert!(limits.lines().count() > 5 && limits.contains("value"), "{limits}");
    let info = json(&shell.ok(&["info", "-o", "json"]));
    assert_eq!(info["system"]["node_name"], status["system"]["node_name"]);
    assert!(info["figures"].as_object().is_some_and(|groups| !groups.is_empty()), "{info}");
    assert!(shell.ok(&["metrics", "--prometheus"]).contains("# TYPE "));
    let history = json(&shell.ok(&["metrics", "-o", "json"]));
    assert!(history["series"].is_object(), "{history}");
    shell.ok(&["metrics", "-o", "table"]);
}

#[test]
fn the_log_level_is_read_and_changed() {
    let (_node, shell) = start();
    let before = shell.ok(&["log-level"]);
    shell.ok(&["log-level", "debug"]);
    assert_eq!(shell.ok(&["log-level"]).trim(), "debug");
    shell.ok(&["log-level", before.split_whitespace().next().unwrap()]);
    assert_eq!(shell.run(&["log-level", "loud"]).code, Some(2));
}

#[test]
fn a_report_holds_what_is_needed_and_no_secret() {
    let (_node, shell) = start();
    shell.ok(&["kv", "put", "app/password", "PLANTED-in-a-value"]);
    std::fs::write(shell.path("token"), "PLANTED-in-a-file\n").unwrap();
    let header = "http_config { response_headers { A = \"PLANTED-in-the-configuration\" } }";
    let file = format!("server = true\ndata_dir = \"data\"\nbootstrap_expect = 1\n{header}\n");
    std::fs::write(shell.path("konsul.hcl"), file).unwrap();
    let mut command = shell.binary();
    command.args([
        "debug",
        "--seconds",
        "1",
        "--log-level",
        "trace",
        "--config",
        "konsul.hcl",
        "report.tar.gz",
    ]);
    command.args(["-o", "json"]);
    command
        .env("KONSUL_HTTP_TOKEN_FILE", shell.path("token"))
        .env("CONSUL_HTTP_AUTH", "me:PLANTED-in-a-variable");
    let child = command.spawn().unwrap();
    // Something for the log to say.
    shell.sh(&format!("curl -s 'http://{}/v1/kv/app/x?token=PLANTED-in-an-address' -H 'X-Consul-Token: PLANTED-in-a-header'", shell.address));
    let ended = done(child);
    assert_eq!(json(&ended.out)["missing"], serde_json::json!([]), "{ended:?}");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let names = shell.sh("tar -tzf report.tar.gz").out;
    for name in [
        "agent",
        "api",
        "backups",
        "client",
        "health",
        "host",
        "limits",
        "log-level",
        "manifest",
        "metrics-history",
        "raft",
        "system",
        "usage",
        "version",
    ] {
        assert!(names.contains(&format!("/{name}.json\n")), "{name} is not in {names}");
    }
    let origins = shell.sh("tar -xzOf report.tar.gz --wildcards '*/config.json'").out;
    assert_eq!(json(&origins)["data_dir"]["origin"][0], "konsul.hcl:2:1", "{origins}");
    for name in ["log.txt", "metrics-before.txt", "metrics-after.txt"] {
        assert!(names.contains(name), "{name} is not in {names}");
    }
    assert_eq!(shell.sh("tar -xzOf report.tar.gz | grep -c PLANTED").out.trim(), "0");
    // That a variable is set is told; to what, is not.
    let client = shell.sh("tar -xzOf report.tar.gz --wildcards '*/client.json'").out;
    assert!(client.contains("KONSUL_HTTP_TOKEN_FILE") && client.contains("CONSUL_HTTP_AUTH"), "{client}");
    assert_eq!(shell.sh("stat -c %a report.tar.gz").out.trim(), "600");
}

/// Output into a closed pipe ends a stream quietly.
#[test]
fn a_reader_that_has_seen_enough_ends_a_watch() {
    let (_node, shell) = start();
    let mut watch =
        shell.binary().args(["watch", "--prefix", "", "--initial"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(watch.stdout.take());
    shell.ok(&["kv", "put", "a", "1"]);
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}
