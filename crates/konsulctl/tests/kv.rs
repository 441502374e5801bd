//! The `kv` commands against a real server.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

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

#[test]
fn a_value_comes_back_as_it_went() {
    let (_node, shell) = start();
    std::fs::write(shell.path("bytes"), [0, 255, 10, 13, 27]).unwrap();
    std::fs::write(shell.path("text"), "from a file\n").unwrap();
    shell.ok(&["kv", "put", "app/color", "blue"]);
    assert_eq!(shell.ok(&["kv", "get", "app/color"]), "blue");
    shell.ok(&["kv", "put", "app/file", "@text"]);
    assert_eq!(shell.ok(&["kv", "get", "app/file"]), "from a file\n");
    assert_eq!(shell.fed(&["kv", "put", "app/stdin"], b"piped").code, Some(0));
    assert_eq!(shell.ok(&["kv", "get", "/app/stdin"]), "piped");
    shell.ok(&["kv", "put", "--literal", "app/at", "@text"]);
    assert_eq!(shell.ok(&["kv", "get", "app/at"]), "@text");
    shell.ok(&["kv", "put", "app/dash", "-5"]);
    assert_eq!(shell.ok(&["kv", "get", "app/dash"]), "-5");
    shell.ok(&["kv", "put", "app/bytes", "@bytes"]);
    shell.sh("konsulctl kv get app/bytes > back");
    assert_eq!(std::fs::read(shell.path("back")).unwrap(), [0, 255, 10, 13, 27]);
    assert_eq!(json(&shell.ok(&["kv", "get", "-o", "json", "app/bytes"]))["value_base64"], "AP8KDRs=");
    shell.ok(&["kv", "put", "app/empty", ""]);
    assert_eq!(shell.ok(&["kv", "get", "app/empty"]), "");
    let missing = shell.run(&["kv", "get", "app/nosuch"]);
    assert_eq!(missing.code, Some(3));
    assert!(missing.err.contains("konsulctl kv ls app/"), "{missing:?}");
}

#[test]
fn conditions_hold_or_are_told() {
    let (_node, shell) = start();
    let first = json(&shell.ok(&["kv", "put", "--if-absent", "--flags", "7", "-o", "json", "k", "a"]));
    assert_eq!(first["flags"], 7);
    let index = first["modify_index"].to_string();
    let again = shell.run(&["kv", "put", "--if-absent", "k", "b"]);
    assert_eq!(again.code, Some(4), "{again:?}");
    assert!(again.err.contains("konsulctl kv get --details k"), "{again:?}");
    shell.ok(&["kv", "put", "--if-index", &index, "k", "c"]);
    assert_eq!(shell.run(&["kv", "put", "--if-index", &index, "k", "d"]).code, Some(4));
    assert_eq!(shell.run(&["kv", "delete", "--if-index", &index, "k"]).code, Some(4));
    assert_eq!(shell.ok(&["kv", "get", "k"]), "c");
    let patched = json(&shell.ok(&["kv", "patch", "--flags", "9", "--ttl", "1h", "-o", "json", "k"]));
    assert!(patched["flags"] == 9 && patched["expires_at"].is_string(), "{patched}");
    let stays = json(&shell.ok(&["kv", "patch", "--no-ttl", "-o", "json", "k"]));
    assert!(stays.get("expires_at").is_none() && stays["flags"] == 9, "{stays}");
    assert_eq!(shell.ok(&["kv", "get", "k"]), "c");
    assert_eq!(shell.run(&["kv", "patch", "--flags", "1", "nosuch"]).code, Some(3));
    assert_eq!(shell.run(&["kv", "patch", "k"]).code, Some(2));
}

#[test]
fn lists_come_in_every_form() {
    let (_node, shell) = start();
    for (key, value) in [("a", "1"), ("app/b", "two\ttabs"), ("app/c/d", "3"), ("app/c/e", "\u{1b}[31mred")] {
        shell.ok(&["kv", "put", key, value]);
    }
    let plain = shell.ok(&["kv", "ls"]);
    assert_eq!(plain.lines().map(|line| line.split('\t').next().unwrap()).collect::<Vec<_>>(), ["a", "app/"]);
    assert_eq!(shell.ok(&["kv", "ls", "-rk"]), "a\napp/b\napp/c/d\napp/c/e\n");
    assert_eq!(shell.ok(&["kv", "ls", "-rk", "--limit", "2"]), "a\napp/b\n");
    let cells = shell.ok(&["kv", "ls", "-r", "app/"]);
    let cells: Vec<Vec<&str>> = cells.lines().map(|line| line.split('\t').collect()).collect();
    assert!(cells.iter().all(|cells| cells.len() == 7), "{cells:?}");
    assert_eq!((cells[0][1], cells[0][6], cells[2][6]), ("8", "two\\ttabs", "\\u{1b}[31mred"));
    let array = json(&shell.ok(&["kv", "ls", "-o", "json", "app/"]));
    assert_eq!((&array[0]["key"], &array[1]["prefix"]), (&"app/b".into(), &"app/c/".into()));
    let yaml = shell.ok(&["kv", "ls", "-o", "yaml", "app/"]);
    assert!(yaml.starts_with("- key: app/b\n") && yaml.contains("- prefix: app/c/\n"), "{yaml}");
    let table = shell.ok(&["kv", "ls", "-o", "table", "-r"]);
    assert!(table.starts_with("KEY") && !table.contains('\u{1b}'), "{table}");
    assert_eq!(json(&shell.ok(&["kv", "ls", "-o", "json", "nosuch/"])), Value::Array(Vec::new()));
    assert_eq!(
        shell.ok(&["kv", "tree"]),
        "/\n├── a\n└── app/\n    ├── b\n    └── c/\n        ├── d\n        └── e\n"
    );
    assert_eq!(shell.ok(&["kv", "tree", "--depth", "1"]), "/\n├── a\n└── app/  (3)\n");
    let found = shell.ok(&["kv", "search", "c/"]);
    assert_eq!(found.lines().count(), 2, "{found}");
    assert_eq!(shell.ok(&["kv", "search", "--values", "tabs"]).lines().count(), 1);
}

#[test]
fn removal_needs_to_be_meant_and_can_be_undone() {
    let (_node, shell) = start();
    for key in ["app/a", "app/b", "other"] {
        shell.ok(&["kv", "put", key, "1"]);
    }
    let rehearsed = shell.run(&["kv", "delete", "-r", "--dry-run", "app/"]);
    assert_eq!((rehearsed.out.as_str(), rehearsed.code), ("app/a\napp/b\n", Some(0)));
    assert!(rehearsed.err.contains("2 keys would be removed; nothing was."), "{rehearsed:?}");
    assert_eq!(shell.ok(&["kv", "delete", "-r", "app/"]), "app/\t2\n");
    assert_eq!(shell.ok(&["kv", "ls", "-rk"]), "other\n");
    shell.ok(&["kv", "undo", "app/a"]);
    assert_eq!(shell.ok(&["kv", "get", "app/a"]), "1");
    assert_eq!(shell.run(&["kv", "delete", "--recursive"]).code, Some(2));
    shell.ok(&["kv", "delete", "--recursive", "--all"]);
    assert_eq!(shell.ok(&["kv", "ls", "-rk"]), "");
}

#[test]
fn history_is_shown_compared_and_gone_back_to() {
    let (_node, shell) = start();
    let first = json(&shell.ok(&["kv", "put", "-o", "json", "k", "one\ntwo"]))["modify_index"].to_string();
    shell.ok(&["kv", "put", "k", "one\nthree"]);
    let versions = json(&shell.ok(&["kv", "history", "-o", "json", "k"]));
    assert_eq!(versions.as_array().unwrap().len(), 2, "{versions}");
    assert_eq!(versions[1]["index"].to_string(), first);
    let diff = shell.ok(&["kv", "diff", "k"]);
    let lines: Vec<&str> = diff.lines().collect();
    assert!(lines[0].starts_with(&format!("--- k@{first}")), "{diff}");
    assert_eq!(lines[2..], [" one", "-two", "+three"], "{diff}");
    shell.ok(&["kv", "undo", "--to", &first, "k"]);
    assert_eq!(shell.ok(&["kv", "get", "k"]), "one\ntwo");
    let unknown = shell.run(&["kv", "undo", "--to", "1", "k"]);
    assert!(unknown.code == Some(3) && unknown.err.contains("kv history k"), "{unknown:?}");
}

#[test]
fn export_wipe_import_export_gives_the_same_bytes() {
    let (_node, shell) = start();
    for number in 0..250 {
        let value = "v\n\"".repeat(number % 7);
        shell.fed(&["kv", "put", &format!("dir{}/k{number}", number % 3)], value.as_bytes());
    }
    std::fs::write(shell.path("bytes"), [0, 255]).unwrap();
    shell.ok(&["kv", "put", "--flags", "18446744073709551615", "bin", "@bytes"]);
    let first = shell.ok(&["kv", "export"]);
    assert_eq!(first.lines().count(), 251);
    shell.ok(&["kv", "export", "--to", "all.ndjson"]);
    assert_eq!(std::fs::read_to_string(shell.path("all.ndjson")).unwrap(), first);
    assert!(!shell.path("all.ndjson.partial").exists());
    let dry =
        json(shell.ok(&["kv", "import", "--dry-run", "-o", "json", "all.ndjson"]).lines().last().unwrap());
    assert_eq!((&dry["unchanged"], &dry["created"]), (&251.into(), &0.into()));
    shell.ok(&["kv", "delete", "-r", "--all"]);
    let done = json(&shell.ok(&["kv", "import", "-o", "json", "all.ndjson"]));
    assert_eq!((&done["created"], &done["lines"]), (&251.into(), &251.into()));
    assert_eq!(shell.ok(&["kv", "export"]), first);
    let consul = shell.ok(&["kv", "export", "--form", "consul", "dir1/"]);
    shell.ok(&["kv", "delete", "-r", "dir1/"]);
    assert_eq!(shell.fed(&["kv", "import", "-"], consul.as_bytes()).code, Some(0));
    assert_eq!(shell.ok(&["kv", "export"]), first);
    let go = br#"{"kv":{"go%2Fa":"{\"value\":\"blue\",\"flags\":3}"},"services":{"s":"{}"}}"#;
    let told = shell.fed(&["kv", "import", "--decode-keys", "--under", "from/", "-"], go);
    assert!(told.code == Some(0) && told.err.contains("1 services"), "{told:?}");
    assert_eq!(shell.ok(&["kv", "get", "from/go/a"]), "blue");
}

#[test]
fn replace_removes_what_is_not_named_and_a_dry_run_nothing() {
    let (_node, shell) = start();
    for (key, value) in [("app/a", "1"), ("app/b", "2"), ("other", "3")] {
        shell.ok(&["kv", "put", key, value]);
    }
    let lines = b"{\"key\":\"app/a\",\"value\":\"new\",\"flags\":0}\n{\"key\":\"app/c\",\"value\":\"3\",\"flags\":0}\n";
    let words = ["kv", "import", "--mode", "replace", "--prefix", "app/"];
    let dry = shell.fed(&[&words[..], &["--dry-run", "-"]].concat(), lines);
    let mut told: Vec<&str> = dry.out.lines().collect();
    let sums = told.pop().unwrap();
    told.sort_unstable();
    assert_eq!(told, ["create\t\tapp/c", "delete\t\tapp/b", "update\t\tapp/a"], "{dry:?}");
    assert_eq!(sums, "2\t1\t1\t1\t0");
    assert_eq!(shell.ok(&["kv", "get", "app/b"]), "2");
    assert_eq!(shell.fed(&[&words[..], &["-"]].concat(), lines).code, Some(0));
    assert_eq!(shell.ok(&["kv", "ls", "-rk"]), "app/a\napp/c\nother\n");
    assert_eq!(
        shell.fed(&["kv", "import", "--mode", "replace", "--from-line", "2", "-"], lines).code,
        Some(2)
    );
}

#[test]
fn an_import_that_is_interrupted_says_where_to_go_on() {
    let (_node, shell) = start();
    let mut lines = String::new();
    for number in 0..200_000 {
        lines.push_str(&format!(
            "{{\"key\":\"k{number:06}\",\"value\":\"{number}\",\"flags\":0,\"namespace\":\"default\"}}\n"
        ));
    }
    std::fs::write(shell.path("big.ndjson"), &lines).unwrap();
    let child =
        shell.binary().args(["-n", "default", "kv", "import", "--under", "", "big.ndjson"]).spawn().unwrap();
    let pid = child.id().to_string();
    // The first part is there: so it is under way, and some nineteen parts are left.
    while shell.run(&["kv", "get", "k000000"]).code != Some(0) {}
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = done(child);
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let command = ended.err.split("go on: ").nth(1).unwrap_or_else(|| panic!("{ended:?}")).trim();
    let from = command.split("--from-line ").nth(1).unwrap().split(' ').next().unwrap();
    let from: usize = from.parse().unwrap();
    assert!(command.starts_with("konsulctl --namespace default kv import "), "{command}");
    let (there, missing) = (format!("k{:06}", from - 2), format!("k{:06}", from - 1));
    assert_eq!(shell.run(&["kv", "get", &there]).code, Some(0));
    assert_eq!(shell.run(&["kv", "get", &missing]).code, Some(3));
    assert_eq!(shell.sh(command).code, Some(0));
    assert_eq!(shell.ok(&["kv", "export"]), lines);
}

#[test]
fn a_server_that_goes_away_in_an_import_is_no_success() {
    let (mut node, shell) = start();
    let mut lines = String::new();
    for number in 0..200_000 {
        lines.push_str(&format!(
            "{{\"key\":\"k{number:06}\",\"value\":\"{number}\",\"flags\":0,\"namespace\":\"default\"}}\n"
        ));
    }
    std::fs::write(shell.path("big.ndjson"), &lines).unwrap();
    let child = shell.binary().args(["kv", "import", "big.ndjson"]).spawn().unwrap();
    while shell.run(&["kv", "get", "k000000"]).code != Some(0) {}
    node.stop();
    let ended = done(child);
    assert!(matches!(ended.code, Some(1 | 5 | 6)), "{ended:?}");
    assert!(ended.err.contains("--from-line"), "{ended:?}");
}

#[test]
fn a_watch_shows_changes_and_ends_when_it_should() {
    let (_node, shell) = start();
    shell.ok(&["kv", "put", "app/a", "1"]);
    let mut watch =
        shell.binary().args(["kv", "watch", "--initial", "--count", "3", "app/"]).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().ends_with("\tinitial\tapp/a\t1"));
    shell.ok(&["kv", "put", "app/b", "2"]);
    assert!(lines.next().unwrap().unwrap().ends_with("\tput\tapp/b\t2"));
    shell.ok(&["kv", "put", "other", "2"]);
    shell.ok(&["kv", "delete", "app/b"]);
    assert!(lines.next().unwrap().unwrap().ends_with("\tdelete\tapp/b\t"));
    assert!(watch.wait().unwrap().success());
}

#[test]
fn a_watch_whose_reader_is_gone_ends_quietly() {
    let (_node, shell) = start();
    let mut watch = shell.binary().args(["kv", "watch", "k"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(watch.stdout.take());
    while watch.try_wait().unwrap().is_none() {
        shell.fed(&["kv", "put", "k"], format!("{:?}", std::time::Instant::now()).as_bytes());
    }
    let mut text = String::new();
    watch.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((watch.wait().unwrap().code(), text.as_str()), (Some(0), ""));
}

#[test]
fn an_edit_that_somebody_else_overtook_loses_nothing() {
    let (_node, shell) = start();
    shell.ok(&["kv", "put", "--flags", "5", "app/conf.toml", "color = 1\n"]);
    let edited = shell.sh("EDITOR='sed -i s/1/2/' konsulctl kv edit app/conf.toml");
    assert_eq!(edited.code, Some(0), "{edited:?}");
    assert_eq!(shell.ok(&["kv", "get", "app/conf.toml"]), "color = 2\n");
    assert_eq!(json(&shell.ok(&["kv", "get", "-o", "json", "app/conf.toml"]))["flags"], 5);
    let same = shell.sh("EDITOR=true konsulctl kv edit app/conf.toml");
    assert!(same.code == Some(0) && same.err.contains("Nothing was changed."), "{same:?}");
    std::fs::write(
        shell.path("slow"),
        "#!/bin/sh\nkonsulctl kv put app/conf.toml theirs\necho mine > \"$1\"\n",
    )
    .unwrap();
    let overtaken = shell.sh("chmod +x slow; EDITOR=./slow konsulctl kv edit app/conf.toml");
    assert_eq!(overtaken.code, Some(4), "{overtaken:?}");
    assert_eq!(shell.ok(&["kv", "get", "app/conf.toml"]), "theirs");
    let file = overtaken.err.split("kept in ").nth(1).unwrap().lines().next().unwrap();
    assert!(file.ends_with("conf.toml"), "{file}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine\n");
    let failing = shell.sh("EDITOR=false konsulctl kv edit app/conf.toml");
    assert!(failing.code == Some(1) && failing.err.contains("ended with exit status: 1"), "{failing:?}");
    let new = shell.sh("EDITOR='echo new >' konsulctl kv edit app/new");
    assert_eq!((new.code, shell.ok(&["kv", "get", "app/new"]).as_str()), (Some(0), "new\n"));
}

#[test]
fn keys_are_offered_on_tab() {
    let (_node, shell) = start();
    for key in ["app/color", "app/shape", "zoo"] {
        shell.ok(&["kv", "put", key, "1"]);
    }
    let offered = shell.sh("KONSULCTL_COMPLETE=fish konsulctl -- konsulctl kv get app/");
    assert_eq!(offered.out.lines().collect::<Vec<_>>(), ["app/color", "app/shape"], "{offered:?}");
    let offered = shell.sh("KONSULCTL_COMPLETE=fish konsulctl -- konsulctl kv get a");
    assert_eq!(offered.out.trim(), "app/", "{offered:?}");
}

#[test]
fn a_load_is_measured_and_leaves_nothing() {
    let (_node, shell) = start();
    for operation in ["put", "get", "mixed", "batch"] {
        let words =
            ["bench", "--operation", operation, "--duration", "300ms", "--clients", "4", "-o", "json"];
        let report = json(&shell.ok(&words));
        assert!(report["operations"].as_u64().unwrap() > 0 && report["failed"] == 0, "{report}");
        assert!(report["latency_ms"]["p99"].as_f64().unwrap() > 0.0, "{report}");
    }
    assert_eq!(shell.ok(&["kv", "ls", "-rk"]), "");
}
