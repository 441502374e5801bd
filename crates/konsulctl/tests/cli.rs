//! Commands against a scripted server: what they send, print and exit with.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod scripted;
mod support;

use std::io::{self, Write};
use std::net::TcpListener;

use konsulctl::Console;
use scripted::{Shared, done, fake, first_line, offline, run, run_with};

fn entry(key: &str, value: &str) -> String {
    format!(r#"{{"LockIndex":0,"Key":"{key}","Flags":7,"Value":{value},"CreateIndex":3,"ModifyIndex":9}}"#)
}

const MISSING: (&str, &str) = ("404 Not Found", "");

#[test]
fn get_shows_a_value_as_it_is() {
    let blue = format!("[{}]", entry("app/color", "\"Ymx1ZQ==\""));
    let fake = fake([("200 OK", &blue), ("200 OK", &blue), MISSING]);
    assert_eq!(run(&fake.address, &["kv", "get", "/app/color"]), done(0, "blue\n", ""));
    assert_eq!(first_line(&fake), "GET /v1/kv/app/color HTTP/1.1");
    assert_eq!(
        run(&fake.address, &["kv", "get", "-base64", "-stale", "app/color"]),
        done(0, "Ymx1ZQ==\n", "")
    );
    assert_eq!(first_line(&fake), "GET /v1/kv/app/color?stale HTTP/1.1");
    let missing = run(&fake.address, &["kv", "get", "no/such"]);
    assert_eq!(missing, done(1, "", "Error! No key exists at: no/such\n"));
}

const DETAILED: &str = "CreateIndex      3\nFlags            7\nKey              a\nLockIndex        0\n\
                        ModifyIndex      9\nSession          -\nValue            x\n";

#[test]
fn get_detailed_is_consuls_table() {
    let one = format!("[{}]", entry("a", "\"eA==\""));
    let two = format!("[{},{}]", entry("a", "\"eA==\""), entry("a", "\"eA==\""));
    let fake = fake([("200 OK", &one), ("200 OK", &two)]);
    assert_eq!(run(&fake.address, &["kv", "get", "--detailed", "a"]), done(0, DETAILED, ""));
    let both = format!("{DETAILED}\n{DETAILED}");
    assert_eq!(run(&fake.address, &["kv", "get", "-recurse", "-detailed=true"]), done(0, &both, ""));
}

#[test]
fn get_of_nothing_under_a_prefix_is_no_failure() {
    let fake = fake([MISSING, MISSING]);
    assert_eq!(run(&fake.address, &["kv", "get", "-recurse", "p"]), done(0, "", ""));
    assert_eq!(first_line(&fake), "GET /v1/kv/p?recurse HTTP/1.1");
    assert_eq!(run(&fake.address, &["kv", "get", "-keys", "-separator=", "p"]), done(0, "", ""));
    assert_eq!(first_line(&fake), "GET /v1/kv/p?keys HTTP/1.1");
}

#[test]
fn get_lists_keys_and_pairs() {
    let pairs = format!("[{},{}]", entry("p/a", "\"eA==\""), entry("p/b", "null"));
    let fake = fake([("200 OK", r#"["p/a","p/b/"]"#), ("200 OK", &pairs)]);
    let words = ["kv", "get", "-keys", "-namespace", "team", "-datacenter=dc2", "p/"];
    assert_eq!(run(&fake.address, &words), done(0, "p/a\np/b/\n", ""));
    assert_eq!(first_line(&fake), "GET /v1/kv/p/?keys&separator=%2F&ns=team&dc=dc2 HTTP/1.1");
    assert_eq!(run(&fake.address, &["kv", "get", "-recurse", "p/"]), done(0, "p/a:x\np/b:\n", ""));
}

#[test]
fn wrong_words_are_told_in_consuls_words() {
    assert_eq!(offline("kv get"), done(1, "", "Error! Missing KEY argument\n"));
    assert_eq!(offline("kv get a b"), done(1, "", "Too many arguments (expected 1, got 2)\n"));
    assert_eq!(offline("kv put"), done(1, "", "Error! Missing KEY argument\n"));
    assert_eq!(offline("kv put a b c"), done(1, "", "Error! Too many arguments (expected 1 or 2, got 3)\n"));
    let session = "Error! Missing -session (required with -acquire and -release)\n";
    assert_eq!(offline("kv put -acquire a b"), done(1, "", session));
    assert_eq!(offline("kv put -cas a b"), done(1, "", "Must specify -modify-index with -cas!\n"));
    let absent = "Cannot delete a key that does not exist. Provide a -modify-index greater than than 0.\n";
    assert_eq!(offline("kv delete -cas a"), done(1, "", absent));
    assert_eq!(
        offline("kv delete -modify-index=3 a"),
        done(1, "", "Cannot specify -modify-index without -cas!\n")
    );
    let both = "Cannot specify both -cas and -recurse!\n";
    assert_eq!(offline("kv delete -recurse -cas -modify-index=3 a"), done(1, "", both));
    assert_eq!(offline("kv import"), done(1, "", "Error! Missing DATA argument\n"));
    let unknown = offline("kv get -bogus a");
    assert!(unknown.code == 1 && unknown.err.contains("--bogus"), "{unknown:?}");
    let number = offline("kv put -flags=x a");
    assert!(number.code == 1 && number.err.contains("invalid digit"), "{number:?}");
}

#[test]
fn put_takes_its_data_from_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("data");
    std::fs::write(&file, "from a file\n").unwrap();
    let at_file = format!("@{}", file.display());
    let cases: [(&[&str], &str, &str); 6] = [
        (&["k", "v"], "PUT /v1/kv/k HTTP/1.1", "v"),
        (&["k"], "PUT /v1/kv/k HTTP/1.1", ""),
        (&["-flags", "9", "k", "-5"], "PUT /v1/kv/k?flags=9 HTTP/1.1", "-5"),
        (&["k", "-"], "PUT /v1/kv/k HTTP/1.1", "from stdin"),
        (&["k", &at_file], "PUT /v1/kv/k HTTP/1.1", "from a file\n"),
        (&["-base64", "-ttl=30s", "k", "eA=="], "PUT /v1/kv/k?ttl=30s HTTP/1.1", "x"),
    ];
    for (words, head, body) in cases {
        let fake = fake([("200 OK", "true")]);
        let words: Vec<&str> = ["kv", "put"].iter().chain(words).copied().collect();
        let ended = run_with(&fake.address, "from stdin", &words);
        assert_eq!(ended, done(0, "Success! Data written to: k\n", ""), "{words:?}");
        let request = fake.seen.recv().unwrap();
        assert!(request.starts_with(head) && request.ends_with(&format!("\r\n\r\n{body}")), "{request}");
    }
    let missing = run("127.0.0.1:1", &["kv", "put", "k", "@/nonexistent"]);
    assert!(
        missing.code == 1 && missing.err.starts_with("Error! Failed to read file: /nonexistent"),
        "{missing:?}"
    );
    let wrong = run("127.0.0.1:1", &["kv", "put", "-base64", "k", "!"]);
    assert!(wrong.code == 1 && wrong.err.starts_with("Error! Cannot base 64 decode data: "), "{wrong:?}");
}

#[test]
fn put_says_which_condition_failed() {
    let cases: [(&[&str], &str, &str, &str); 3] = [
        (
            &["-cas", "-modify-index=12"],
            "PUT /v1/kv/k?cas=12 HTTP/1.1",
            "Success! Data written to: k\n",
            "Error! Did not write to k: CAS failed\n",
        ),
        (
            &["-acquire", "-session=s"],
            "PUT /v1/kv/k?acquire=s HTTP/1.1",
            "Success! Lock acquired on: k\n",
            "Error! Did not acquire lock\n",
        ),
        (
            &["-release", "-session", "s"],
            "PUT /v1/kv/k?release=s HTTP/1.1",
            "Success! Lock released on: k\n",
            "Error! Did not release lock\n",
        ),
    ];
    for (flags, head, success, failure) in cases {
        let fake = fake([("200 OK", "true"), ("200 OK", "false"), ("500 Internal Server Error", "no")]);
        let words: Vec<&str> = ["kv", "put"].iter().chain(flags).chain(&["k", "v"]).copied().collect();
        assert_eq!(run(&fake.address, &words), done(0, success, ""));
        assert_eq!(first_line(&fake), head);
        assert_eq!(run(&fake.address, &words), done(1, "", failure));
        let broken = run(&fake.address, &words);
        assert!(
            broken.code == 1 && broken.err.ends_with("Unexpected response code: 500 (no)\n"),
            "{broken:?}"
        );
    }
}

#[test]
fn delete_in_its_three_forms() {
    let fake = fake([("200 OK", "true"), ("200 OK", "true"), ("200 OK", "false")]);
    assert_eq!(run(&fake.address, &["kv", "delete", "/k"]), done(0, "Success! Deleted key: k\n", ""));
    assert_eq!(first_line(&fake), "DELETE /v1/kv/k HTTP/1.1");
    let tree = run(&fake.address, &["kv", "delete", "-recurse", "p/"]);
    assert_eq!(tree, done(0, "Success! Deleted keys with prefix: p/\n", ""));
    assert_eq!(first_line(&fake), "DELETE /v1/kv/p/?recurse HTTP/1.1");
    let cas = run(&fake.address, &["kv", "delete", "-cas", "-modify-index=4", "k"]);
    assert_eq!(cas, done(1, "", "Error! Did not delete key k: CAS failed\n"));
    assert_eq!(first_line(&fake), "DELETE /v1/kv/k?cas=4 HTTP/1.1");
}

const EXPORT: &str = "[\n\t{\n\t\t\"key\": \"a\\u003c\",\n\t\t\"flags\": 7,\n\t\t\"value\": \"eA==\"\n\t},\n\
                      \t{\n\t\t\"key\": \"b\",\n\t\t\"flags\": 7,\n\t\t\"value\": \"\"\n\t}\n]\n";

#[test]
fn export_prints_what_consul_prints() {
    let pairs = format!("[{},{}]", entry("a<", "\"eA==\""), entry("b", "null"));
    let fake = fake([("200 OK", &pairs), MISSING]);
    assert_eq!(run(&fake.address, &["kv", "export"]), done(0, EXPORT, ""));
    assert_eq!(run(&fake.address, &["kv", "export", "p"]), done(0, "[]\n", ""));
}

#[test]
fn import_reads_an_export_and_sends_it_together() {
    let fake = fake([("200 OK", r#"{"Results":[],"Errors":null}"#)]);
    let ended = run_with(&fake.address, EXPORT, &["kv", "import", "-prefix=to/", "-"]);
    assert_eq!(ended, done(0, "Imported: to/a<\nImported: to/b\n", ""));
    let request = fake.seen.recv().unwrap();
    assert!(request.starts_with("PUT /v1/txn HTTP/1.1"), "{request}");
    let body = r#"[{"KV":{"Verb":"set","Key":"to/a<","Value":"eA==","Flags":7,"Index":0}},{"KV":{"Verb":"set","Key":"to/b","Value":null,"Flags":7,"Index":0}}]"#;
    assert!(request.ends_with(body), "{request}");
}

#[test]
fn import_of_a_cut_or_wrong_file_writes_nothing_and_names_the_line() {
    let cut = &EXPORT[..EXPORT.len() - 3];
    let ended = run_with("127.0.0.1:1", cut, &["kv", "import", "-"]);
    let line = "Cannot unmarshal data: line 11: the JSON array ends in the middle; nothing was imported\n";
    assert_eq!(ended, done(1, "", line));
    let wrong = EXPORT.replace("\"flags\": 7,\n\t\t\"value\": \"\"", "\"flags\": -1");
    let ended = run_with("127.0.0.1:1", &wrong, &["kv", "import", "-"]);
    assert!(
        ended.err.starts_with("Cannot unmarshal data: line 10: in the entry that ends here: "),
        "{ended:?}"
    );
    let ended = run("127.0.0.1:1", &["kv", "import", r#"[{"key":"k","value":"*"}]"#]);
    assert!(ended.err.contains("the value of key k is not base64"), "{ended:?}");
}

#[test]
fn import_names_the_key_that_was_refused() {
    let body = r#"{"Results":null,"Errors":[{"OpIndex":1,"What":"quota"}]}"#;
    let fake = fake([("409 Conflict", body)]);
    let ended = run_with(&fake.address, EXPORT, &["kv", "import", "-"]);
    assert_eq!(ended, done(1, "", "Error! Failed writing data for key b: quota\n"));
}

#[test]
fn import_cuts_its_transactions() {
    let entries: Vec<String> =
        (0..65).map(|i| format!(r#"{{"key":"k{i}","flags":0,"value":"eA=="}}"#)).collect();
    let large = format!(r#"{{"key":"large","flags":3,"value":"{}"}}"#, "eHh4".repeat(100_000));
    let data = format!("[{},{large}]", entries.join(","));
    let committed = ("200 OK", r#"{"Results":[],"Errors":null}"#);
    let fake = fake([committed, committed, ("200 OK", "true")]);
    let ended = run_with(&fake.address, &data, &["kv", "import", "-"]);
    assert_eq!((ended.code, ended.out.lines().count()), (0, 66), "{}", ended.err);
    let requests: Vec<String> = fake.seen.iter().collect();
    assert_eq!(requests[0].matches("Verb").count(), 64);
    assert_eq!(requests[1].matches("Verb").count(), 1);
    assert!(requests[2].starts_with("PUT /v1/kv/large?flags=3 "), "{}", &requests[2][..80]);
}

#[test]
fn nobody_at_the_address_says_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let ended = run(&address, &["kv", "get", "k"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.starts_with("Error querying Consul agent: ") && ended.err.contains("konsul agent -dev"),
        "{ended:?}"
    );
}

#[test]
fn flags_win_over_the_environment_and_a_certificate_that_is_missing_is_named() {
    let fake = fake([("200 OK", "true")]);
    let flag = format!("-http-addr=http://{}", fake.address);
    assert_eq!(run("127.0.0.1:1", &["kv", "put", &flag, "-token=secret", "k"]).code, 0);
    assert!(fake.seen.recv().unwrap().contains("x-consul-token: secret\r\n"));
    let refused = offline("kv get -http-addr=https://a -ca-file=/nonexistent/ca.pem k");
    assert!(refused.code == 1 && refused.err.contains("/nonexistent/ca.pem"), "{refused:?}");
    let refused = offline("kv get -http-addr=gopher://a k");
    assert!(refused.code == 1 && refused.err.contains("\"gopher\" is not spoken"), "{refused:?}");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let err = Shared::default();
    let mut console = Console::new(
        Box::new(|_| None),
        Box::new(io::empty()),
        Box::new(Closed),
        Box::new(err.clone()),
        false,
    );
    assert_eq!(konsulctl::run("konsul", &["version".to_owned()], &mut console), 0);
    assert_eq!(err.text(), "");
}

#[test]
fn help_has_an_example_everywhere_and_no_command_is_127() {
    let commands = [
        "kv get",
        "kv put",
        "kv delete",
        "kv export",
        "kv import",
        "snapshot save",
        "snapshot restore",
        "snapshot inspect",
        "event",
        "status",
        "storage inspect",
        "storage verify",
        "storage repair",
        "validate",
        "version",
        "info",
        "leave",
        "reload",
        "monitor",
    ];
    for command in commands {
        let help = offline(&format!("{command} -help"));
        assert_eq!((help.code, help.err.as_str()), (0, ""), "{command}");
        assert!(
            help.out.contains("Example") && help.out.contains(&format!("konsul {command}")),
            "{}",
            help.out
        );
        assert!(!help.out.contains('\u{1b}'), "colour without a terminal: {}", help.out);
    }
    assert_eq!(offline("").code, 127);
    let bogus = offline("bogus");
    assert!(bogus.code == 127 && bogus.err.starts_with("\"bogus\" is no command.\n"), "{bogus:?}");
    let group = offline("kv");
    assert!(group.code == 1 && group.err.contains("import"), "{group:?}");
}

#[test]
fn version_in_both_forms() {
    let pretty = offline("version");
    assert!(pretty.out.starts_with("Konsul v0.1.0\n") && pretty.out.contains("\nBuild Date "), "{pretty:?}");
    assert_eq!(offline("-v"), pretty);
    let json = offline("version -format=json");
    assert!(json.out.starts_with("{\n   \"Version\": \"0.1.0\",\n   \"Revision\": "), "{json:?}");
    assert_eq!(offline("version -format=x").code, 1);
}

#[test]
fn validate_names_everything_that_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let good = dir.path().join("good.hcl");
    std::fs::write(
        &good,
        "server = true\nbootstrap_expect = 1\ndatacenter = \"dc1\"\ndata_dir = \"/tmp/x\"\n",
    )
    .unwrap();
    let good = good.to_str().unwrap();
    assert_eq!(run("", &["validate", good]), done(0, "Configuration is valid!\n", ""));
    assert_eq!(run("", &["validate", "-quiet", good]), done(0, "", ""));
    let bad = dir.path().join("bad.hcl");
    std::fs::write(&bad, "datacentre = \"dc1\"\nports { http = \"x\" }\n").unwrap();
    let ended = run("", &["validate", bad.to_str().unwrap()]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.starts_with("Config validation failed:"), "{ended:?}");
    assert!(ended.err.contains("bad.hcl:1") && ended.err.contains("bad.hcl:2"), "{ended:?}");
    assert_eq!(offline("validate"), done(1, "", "Must specify at least one config file or directory\n"));
}

#[test]
fn a_snapshot_of_a_real_server_is_saved_inspected_and_restored() {
    let node = support::Node::start();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup.snap");
    let name = path.to_str().unwrap();
    let saved = run(&node.address, &["snapshot", "save", name]);
    assert!(saved.code == 0 && saved.out.starts_with("Saved and verified snapshot to index "), "{saved:?}");
    let inspected = run("", &["snapshot", "inspect", name]);
    assert!(inspected.code == 0 && inspected.out.contains("Version"), "{inspected:?}");
    assert_eq!(run(&node.address, &["snapshot", "restore", name]), done(0, "Restored snapshot\n", ""));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let damaged = run("", &["snapshot", "inspect", name]);
    assert!(damaged.code == 1 && damaged.err.contains("damaged"), "{damaged:?}");
}

#[test]
fn a_snapshot_appears_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup.snap");
    let name = path.to_str().unwrap();
    let fake = fake([("500 Internal Server Error", "no"), ("200 OK", "KONSULBK"), ("200 OK", "")]);
    let failed = run(&fake.address, &["snapshot", "save", name]);
    assert_eq!(failed, done(1, "", "Error saving snapshot: Unexpected response code: 500 (no)\n"));
    let failed = run(&fake.address, &["snapshot", "save", name]);
    assert!(failed.code == 1 && failed.err.starts_with("Error verifying snapshot file: "), "{failed:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    std::fs::write(&path, "bytes").unwrap();
    assert_eq!(run(&fake.address, &["snapshot", "restore", name]), done(0, "Restored snapshot\n", ""));
    let sent = fake.seen.iter().last().unwrap();
    assert!(sent.starts_with("PUT /v1/snapshot ") && sent.ends_with("bytes"), "{sent}");
}

#[test]
fn the_agents_own_commands() {
    let stats =
        r#"{"Config":{"NodeName":"n"},"Stats":{"raft":{"term":"2","state":"Leader"},"agent":{"x":"1"}}}"#;
    let fake = fake([("200 OK", stats), ("200 OK", ""), ("200 OK", ""), ("200 OK", "[INFO] a\n")]);
    let info = run(&fake.address, &["info"]);
    assert_eq!(info, done(0, "agent:\n\tx = 1\nraft:\n\tstate = Leader\n\tterm = 2\n", ""));
    assert_eq!(run(&fake.address, &["reload"]), done(0, "Configuration reload triggered\n", ""));
    assert_eq!(run(&fake.address, &["leave"]), done(0, "Graceful leave complete\n", ""));
    let monitor = run(&fake.address, &["monitor", "-log-level=debug"]);
    assert_eq!((monitor.code, monitor.out.as_str()), (1, "[INFO] a\n\n"));
    assert!(monitor.err.starts_with("Remote side ended the monitor!"));
    let heads: Vec<String> = fake.seen.iter().map(|r| r.lines().next().unwrap().to_owned()).collect();
    assert_eq!(heads[1], "PUT /v1/agent/reload HTTP/1.1");
    assert_eq!(heads[2], "PUT /v1/agent/leave HTTP/1.1");
    assert_eq!(heads[3], "GET /v1/agent/monitor?loglevel=debug HTTP/1.1");
}

#[test]
fn an_event_and_the_status() {
    let servers = r#"{"Servers":[{"ID":"1","Node":"n1","Address":"127.0.0.1:8300","Leader":true,"Voter":true}],"Index":1}"#;
    let fake = fake([
        ("200 OK", r#"{"ID":"e1","Name":"deploy"}"#),
        ("200 OK", "\"127.0.0.1:8300\""),
        ("200 OK", servers),
    ]);
    let words = ["event", "-name=deploy", "-service", "web", "4f2c"];
    assert_eq!(run(&fake.address, &words), done(0, "Event ID: e1\n", ""));
    let request = fake.seen.recv().unwrap();
    assert!(
        request.starts_with("PUT /v1/event/fire/deploy?service=web ") && request.ends_with("4f2c"),
        "{request}"
    );
    let table = "Node  Address         State\nn1    127.0.0.1:8300  leader\n";
    assert_eq!(run(&fake.address, &["status"]), done(0, table, ""));
}

#[test]
fn a_data_directory_is_looked_at_without_a_server() {
    use std::os::unix::fs::FileExt as _;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let log = dir.path().join("raft");
    let mut storage = konsul_storage::DiskStorage::open(
        std::sync::Arc::new(konsul_storage::RealVfs),
        &log,
        konsul_storage::DiskOptions { min_free_bytes: 0, ..Default::default() },
    )
    .unwrap();
    let entry = |index| konsul_storage::Entry {
        id: konsul_storage::LogId { term: 1, index },
        kind: konsul_storage::EntryKind::Command,
        payload: vec![7; 5000].into(),
    };
    use konsul_storage::Storage as _;
    for index in 1..=4 {
        storage.append(&[entry(index)]).unwrap();
        storage.sync().unwrap();
    }
    drop(storage);
    let seen = run("", &["storage", "inspect", data]);
    assert!(seen.code == 0 && seen.out.contains("4 entries") && seen.err.is_empty(), "{seen:?}");
    let whole = run("", &["storage", "verify", data]);
    assert!(whole.code == 0 && whole.out.ends_with("Everything is whole.\n"), "{whole:?}");
    assert_eq!(
        run("", &["storage", "repair", "--dry-run", data]),
        done(0, "Nothing needs to be repaired.\n", "")
    );

    let segment = std::fs::read_dir(&log)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| std::fs::read(p).unwrap().windows(100).any(|bytes| bytes == [7; 100]));
    let segment = segment.unwrap();
    let at =
        std::fs::read(&segment).unwrap().windows(100).position(|bytes| bytes == [7; 100]).unwrap() as u64;
    let file = std::fs::OpenOptions::new().write(true).open(&segment).unwrap();
    file.write_all_at(&[8], at + 50).unwrap();
    let damaged = run("", &["storage", "verify", data]);
    assert!(damaged.code == 2 && damaged.err.contains("damaged at byte"), "{damaged:?}");
    assert!(damaged.err.contains("repair -dry-run"), "{damaged:?}");
    let plan = run("", &["storage", "repair", "-dry-run", data]);
    assert!(
        plan.code == 0 && plan.out.contains("Would be done:") && plan.out.contains("Would be lost:"),
        "{plan:?}"
    );
    assert_eq!(run("", &["storage", "verify", data]).code, 2);
    let mended = run("", &["storage", "repair", data]);
    assert!(mended.code == 0 && mended.out.contains("Lost:"), "{mended:?}");
    assert_eq!(run("", &["storage", "verify", data]).code, 0);

    let absent = run("", &["storage", "inspect", "/no/such/directory"]);
    assert_eq!(absent, done(1, "", "Error! /no/such/directory is no directory\n"));
}
