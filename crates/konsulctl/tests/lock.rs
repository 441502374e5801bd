//! Commands under a lock: what they are told, how they end, and that nobody runs without the lock.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Done, Node, Shell, done};

/// Longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn start() -> (Node, Shell) {
    let node = Node::start();
    let shell = Shell::on(&node.address);
    (node, shell)
}

/// Waits for a condition.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

fn wait_for(path: &Path) {
    until(&format!("{} is there", path.display()), || path.exists());
}

fn lock(shell: &Shell, name: &str) -> Option<Value> {
    let found = shell.run(&["lock", "get", name, "-o", "json"]);
    (found.code == Some(0)).then(|| serde_json::from_str(&found.out).unwrap())
}

fn spawn(shell: &Shell, options: &[&str], script: &str) -> Child {
    let words = [&["lock", "run", "deploy"], options, &["--", "sh", "-c", script]].concat();
    shell.binary().args(words).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_command_runs_under_its_lock_and_its_end_is_passed_on() {
    let (_node, shell) = start();
    let script = "echo $KONSUL_LOCK_NAME; konsulctl lock get deploy -o json; exit 3";
    let ended = done(spawn(&shell, &["--note", "me"], script));
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let (name, held) = ended.out.split_once('\n').unwrap();
    let held: Value = serde_json::from_str(held).unwrap();
    assert_eq!((name, held["value"].as_str()), ("deploy", Some("me")));
    assert_eq!(lock(&shell, "deploy").and_then(|lock| lock["session"].as_str().map(str::to_owned)), None);
    assert_eq!(shell.ok(&["session", "list"]), "");
    let killed = done(spawn(&shell, &[], "kill -9 $$"));
    assert_eq!(killed.code, Some(137), "{killed:?}");
    let missing = shell.run(&["lock", "run", "deploy", "--", "/no/such/program"]);
    assert_eq!(missing.code, Some(127), "{missing:?}");
    assert_eq!(shell.ok(&["session", "list"]), "");
}

#[test]
fn fencing_numbers_rise() {
    let (_node, shell) = start();
    let numbers: Vec<u64> = (0..3)
        .map(|_| done(spawn(&shell, &[], "echo $KONSUL_LOCK_FENCING")).out.trim().parse().unwrap())
        .collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[test]
fn a_held_lock_is_told_or_waited_for() {
    let (_node, shell) = start();
    let holder = spawn(
        &shell,
        &["--note", "the holder"],
        "touch held; until [ -e go ]; do read x < /dev/null; done; exit 0",
    );
    wait_for(&shell.path("held"));
    let refused = done(spawn(&shell, &["--wait", "0s"], "touch never"));
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.err.contains("held") && refused.err.contains("konsulctl lock get deploy"), "{refused:?}");
    let late = done(spawn(&shell, &["--wait", "300ms"], "touch never"));
    assert_eq!(late.code, Some(4), "{late:?}");
    let waiter = spawn(&shell, &[], "echo mine");
    until("somebody waits", || {
        lock(&shell, "deploy").is_some_and(|lock| !lock["queue"].as_array().unwrap().is_empty())
    });
    std::fs::write(shell.path("go"), "").unwrap();
    assert_eq!(done(holder).code, Some(0));
    let waited = done(waiter);
    assert_eq!((waited.code, waited.out.as_str()), (Some(0), "mine\n"), "{waited:?}");
    assert!(waited.err.contains("waiting for the lock"), "{waited:?}");
    assert!(!shell.path("never").exists());
}

/// Makes a command that is asked to end say so, and ends its session from outside.
fn lose(shell: &Shell, options: &[&str], script: &str) -> Done {
    let child = spawn(shell, options, script);
    wait_for(&shell.path("held"));
    let held = lock(shell, "deploy").unwrap();
    shell.ok(&["session", "destroy", held["session"].as_str().unwrap()]);
    done(child)
}

#[test]
fn a_command_that_lost_its_lock_is_asked_to_end() {
    let (_node, shell) = start();
    let script = "trap 'echo asked; exit 0' TERM; touch held; while :; do sleep 1 & wait; done";
    let ended = lose(&shell, &["--ttl", "10s"], script);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.out.contains("asked"), "{ended:?}");
    assert!(ended.err.contains("was lost"), "{ended:?}");
}

#[test]
fn a_command_that_does_not_listen_is_ended_with_what_it_started() {
    let (_node, shell) = start();
    let script = "trap '' TERM; sleep 600 & echo $! > grandchild; touch held; wait";
    let ended = lose(&shell, &["--ttl", "10s", "--grace", "100ms"], script);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let grandchild = std::fs::read_to_string(shell.path("grandchild")).unwrap();
    until("the grandchild is gone", || !Path::new(&format!("/proc/{}/exe", grandchild.trim())).exists());
}

/// Nobody tells it that the session is over: its own clock does.
#[test]
fn a_command_is_stopped_when_the_server_is_gone_for_too_long() {
    let (mut node, shell) = start();
    let script = "trap 'exit 0' TERM; touch held; while :; do sleep 1 & wait; done";
    let child = spawn(&shell, &["--ttl", "10s", "--grace", "1s"], script);
    wait_for(&shell.path("held"));
    let begun = Instant::now();
    node.stop();
    let ended = done(child);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.err.contains("could not be renewed in time"), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(15), "it took {:?}", begun.elapsed());
}

#[test]
fn a_signal_stops_the_command_and_gives_the_lock_back() {
    for (name, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let (_node, shell) = start();
        let child = spawn(
            &shell,
            &[],
            "trap 'touch asked; exit 0' TERM; touch held; while :; do sleep 1 & wait; done",
        );
        wait_for(&shell.path("held"));
        signal(&child, name);
        let ended = done(child);
        assert_eq!(ended.code, Some(code), "{name}: {ended:?}");
        assert!(shell.path("asked").exists(), "{name}");
        assert_eq!(shell.ok(&["session", "list"]), "", "{name}");
    }
}

#[test]
fn a_signal_while_waiting_leaves_the_queue() {
    let (_node, shell) = start();
    let holder = spawn(&shell, &[], "touch held; until [ -e go ]; do read x < /dev/null; done; exit 0");
    wait_for(&shell.path("held"));
    let waiter = spawn(&shell, &[], "touch never");
    let waits = || lock(&shell, "deploy").is_some_and(|lock| !lock["queue"].as_array().unwrap().is_empty());
    until("somebody waits", waits);
    signal(&waiter, "-INT");
    assert_eq!(done(waiter).code, Some(130));
    until("nobody waits", || !waits());
    std::fs::write(shell.path("go"), "").unwrap();
    assert_eq!(done(holder).code, Some(0));
    assert!(!shell.path("never").exists());
}

#[test]
fn a_script_may_keep_the_session_itself() {
    let (_node, shell) = start();
    let session = shell.ok(&["session", "create", "--ttl", "30s"]);
    let session = session.trim();
    let fencing = shell.ok(&["lock", "acquire", "deploy", "--session", session, "--note", "mine"]);
    let fencing = fencing.trim();
    assert!(shell.ok(&["lock", "list"]).starts_with(&format!("deploy\t{session}\t{fencing}\t0\tmine")));
    assert_eq!(shell.ok(&["lock", "list", "other/"]), "");
    let other = shell.ok(&["session", "create", "--ttl", "30s"]);
    let refused = shell.run(&["lock", "acquire", "deploy", "--session", other.trim()]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    let wrong = shell.run(&["lock", "release", "deploy", "--session", session, "--fencing", "1"]);
    assert_eq!(wrong.code, Some(4), "{wrong:?}");
    shell.ok(&["lock", "release", "deploy", "--session", session, "--fencing", fencing]);
    shell.ok(&["lock", "acquire", "deploy", "--session", other.trim()]);
}
