//! Every example of every `--help` is run against a server, in an order that does not matter: before each, the same things
//! are there.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use support::{Done, Node, Shell, done};

/// Longest that an example may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Commands that show what happens for as long as they run, unless told otherwise.
const ENDLESS: &[&str] = &["kv watch", "watch", "event watch", "service watch"];

fn leaves(command: &clap::Command, path: &str, out: &mut Vec<(String, Vec<String>)>) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let path = format!("{path} {}", sub.get_name()).trim().to_owned();
        if sub.has_subcommands() {
            leaves(sub, &path, out);
        } else {
            out.push((path, examples(sub)));
        }
    }
}

/// The lines of the block of examples, without what is said about them.
fn examples(command: &clap::Command) -> Vec<String> {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    text.lines()
        .skip_while(|line| *line != "Examples:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .map(|line| line.trim().split("  ").next().unwrap().to_owned())
        .collect()
}

fn all() -> Vec<(String, Vec<String>)> {
    let mut out = Vec::new();
    leaves(&konsulctl::cli::command_for(10_000), "", &mut out);
    out
}

/// What an example may rely on.
struct Ground {
    session: String,
    query: String,
    dns: String,
    /// Indexes of the two versions of `app/color`.
    versions: (String, String),
}

fn prepare(shell: &Shell, dns: &str) -> Ground {
    let index = |words: &[&str]| {
        let entry: serde_json::Value = serde_json::from_str(&shell.ok(words)).unwrap();
        entry["modify_index"].to_string()
    };
    for file in ["all.ndjson", "app.ndjson"] {
        std::fs::write(
            shell.path(file),
            "{\"key\":\"app/a\",\"value\":\"1\",\"flags\":0}\n{\"key\":\"b\",\"value\":\"2\",\"flags\":0}\n",
        )
        .unwrap();
    }
    let api = format!(
        "check {{\n  name = \"api\"\n  http = \"http://{}/v1/status/leader\"\n  interval = \"10s\"\n}}\n",
        shell.address
    );
    for (file, text) in [
        ("config.json", "{}"),
        ("konsul.toml", "server = true\ndata_dir = \"data\"\nbootstrap_expect = 1\n"),
        ("token.txt", "s3cret\n"),
        (".konsul-token", "s3cret\n"),
        ("ca.pem", ""),
        ("web.hcl", "service {\n  name = \"web\"\n  id = \"web-1\"\n  port = 8080\n  tags = [\"v1\"]\n}\n"),
        ("checks.hcl", "check {\n  name = \"beat\"\n  ttl = \"30s\"\n}\n"),
        ("api.hcl", &api),
        ("changes.json", r#"[{"op":"kv_put","key":"t","value":"1"}]"#),
    ] {
        std::fs::write(shell.path(file), text).unwrap();
    }
    for (script, text) in [
        ("reload.sh", "#!/bin/sh\ncat\necho reloaded\n"),
        ("deploy.sh", "#!/bin/sh\ncat\necho deployed\n"),
        ("balancer.sh", "#!/bin/sh\ncat\necho balanced\n"),
        ("bin/ssh", "#!/bin/sh\nshift\nexec sh -c \"$*\"\n"),
    ] {
        std::fs::create_dir_all(shell.path("bin")).unwrap();
        std::fs::write(shell.path(script), text).unwrap();
        std::fs::set_permissions(shell.path(script), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    for dir in [".local/share/bash-completion/completions", ".zfunc", ".config/fish/completions"] {
        std::fs::create_dir_all(shell.path(dir)).unwrap();
    }
    shell.ok(&["kv", "delete", "-r", "--all"]);
    let first = index(&["kv", "put", "-o", "json", "app/color", "red"]);
    let second = index(&["kv", "put", "-o", "json", "app/color", "blue"]);
    let query = discovered(shell);
    shell.ok(&["context", "set", "laptop", "-s", &shell.address]);
    shell.ok(&["context", "set", "prod", "-s", &shell.address, "--use"]);
    shell.ok(&["event", "fire", "deploy", "1"]);
    for session in shell.ok(&["session", "list", "-o", "plain"]).lines() {
        shell.ok(&["session", "destroy", session.split('\t').next().unwrap()]);
    }
    shell.ok(&["snapshot", "save", "--overwrite", "backup.snap"]);
    let session = shell.ok(&["session", "create", "--ttl", "60s", "--lock-delay", "0s"]).trim().to_owned();
    Ground { session, query, dns: dns.to_owned(), versions: (first, second) }
}

/// Registers what examples speak of, and answers the id of the one prepared query.
fn discovered(shell: &Shell) -> String {
    shell.ok(&["service", "register", "--name", "web", "--id", "web-1", "--tag", "v1", "--depends-on", "db"]);
    // A check of the node: while it is critical no instance on it can be used.
    shell.ok(&["check", "register", "beat", "--ttl", "30s"]);
    shell.ok(&["check", "pass", "beat"]);
    // Only one example registers it.
    shell.run(&["check", "deregister", "api"]);
    let db = ["--name", "db", "--port", "5432", "--on-node", "db-host", "--node-address", "10.0.0.9"];
    shell.ok(&[&["service", "register"][..], &db].concat());
    let place =
        r#"{"Node":"db-host","Coord":{"Vec":[0,0,0,0,0,0,0,0],"Error":1,"Adjustment":0,"Height":0.001}}"#;
    let put = shell.sh(&format!("curl -fsS -X PUT -d '{place}' {}/v1/coordinate/update", shell.address));
    assert_eq!(put.code, Some(0), "{put:?}");
    for line in shell.ok(&["query", "ls", "-o", "plain"]).lines() {
        shell.ok(&["query", "delete", line.split('\t').next().unwrap()]);
    }
    shell.ok(&["query", "create", r#"{"name":"near-web","service":"web"}"#]).trim().to_owned()
}

/// The example, with what stands for something replaced by what it stands for.
fn made_true(example: &str, path: &str, ground: &Ground) -> String {
    let (old, new) = &ground.versions;
    let line = example
        .replace("--if-index 42", &format!("--if-index {new}"))
        .replace(" 42 ", &format!(" {old} "))
        .replace(" 57 ", &format!(" {new} "))
        .replace("--from-line 500001", "--from-line 2");
    // A lock can only be released by who holds it.
    let before = match path {
        "lock get" | "lock release" => "konsulctl lock acquire deploy --session $SESSION >/dev/null && ",
        // The catalogue has a check of this name only where somebody says so.
        "check history" => return example.replace(" up --node db-host", " beat"),
        // The server's DNS is on a port of its own choice.
        "dns" => return line.replace("dns ", &format!("dns --dns-server {} ", ground.dns)),
        // Two nodes that stand somewhere.
        "node rtt" => return line.replace("web-host", "db-host"),
        // A node in maintenance would fail the next example.
        "service maint" => return format!("{line} && konsulctl service maint web-1 --off >/dev/null"),
        // A backup that is there is not written over.
        "snapshot save" => "rm backup.snap && ",
        _ => "",
    };
    format!("{before}{line}")
}

fn start(shell: &Shell, ground: &Ground, line: &str) -> Child {
    let mut command = Command::new("bash");
    command.arg("-c").arg(format!("set -o pipefail; PATH=$HOME/bin:$PATH; {line}"));
    shell.surround(&mut command);
    command
        .env("SESSION", &ground.session)
        .env("QUERY", &ground.query)
        .env("EDITOR", "true")
        .env("PROFILE", shell.path("profile.ps1"))
        // A group of its own, so that a signal reaches what the shell started.
        .process_group(0);
    command.spawn().unwrap()
}

/// Runs an example that goes on until something happens: makes it happen, and ends it once it was seen.
fn nudged(mut child: Child, shell: &Shell) -> Done {
    let (tell, told) = mpsc::channel();
    let stdout = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Once the test has seen enough it listens no more.
            let _ = tell.send(line);
        }
    });
    let group = format!("-{}", child.id());
    let begun = Instant::now();
    let mut turn = 0;
    let seen = loop {
        if let Ok(line) = told.recv_timeout(Duration::from_millis(50)) {
            break line;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing was shown: {:?}", end(child, &group));
        turn += 1;
        for key in ["app/color", "app/x/port", "app/x/color"] {
            shell.ok(&["kv", "put", key, &turn.to_string()]);
        }
        shell.ok(&["event", "fire", "deploy", "1"]);
        for verb in ["fail", "pass"] {
            shell.ok(&["check", verb, "beat"]);
        }
    };
    let ended = end(child, &group);
    Done { out: seen, code: ended.code.filter(|code| *code != 130).or(Some(0)), ..ended }
}

fn end(child: Child, group: &str) -> Done {
    // One that ended by itself cannot be asked to.
    let _ = Command::new("kill").args(["-INT", "--", group]).stderr(std::process::Stdio::null()).status();
    done(child)
}

#[test]
fn every_example_does_what_it_says() {
    let backups = tempfile::tempdir().unwrap();
    let node = Node::with(&["-hcl", &format!("backup {{ directory = {:?} }}", backups.path())]);
    let shell = Shell::on(&node.address);
    let mut failed = Vec::new();
    for (path, lines) in all() {
        assert!(!lines.is_empty(), "{path} has no example");
        for example in lines {
            let ground = prepare(&shell, &node.dns);
            let line = made_true(&format!("{example} "), &path, &ground);
            let endless = ENDLESS.contains(&path.as_str()) || line.contains(" --watch ");
            let child = start(&shell, &ground, line.trim());
            let ended = if endless { nudged(child, &shell) } else { done(child) };
            if ended.code != Some(0) {
                failed.push(format!("{line}\n    {ended:?}"));
            }
        }
    }
    assert!(failed.is_empty(), "{} examples do not work:\n{}", failed.len(), failed.join("\n"));
}
