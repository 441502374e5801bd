//! Script checks: real programs, also such that will not end.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{expect, expect_part, run, run_for};
use konsul_checks::{Limit, Machine, Probe, Runners as _, ScriptCheck};
use konsul_types::CheckStatus::{Critical, Passing, Warning};

fn arguments(arguments: &[&str]) -> Probe {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Probe::Script(ScriptCheck { arguments, shell: None })
}

fn shell(text: &str) -> Probe {
    Probe::Script(ScriptCheck { arguments: vec![text.to_owned()], shell: Some("/bin/sh".into()) })
}

#[tokio::test]
async fn the_exit_code_decides_and_it_goes_to_and_fro() {
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().join("code");
    let probe = shell(&format!("echo out; echo err >&2; exit $(cat {})", code.display()));
    for (exit, status) in [("0", Passing), ("2", Critical), ("1", Warning), ("127", Critical), ("0", Passing)]
    {
        std::fs::write(&code, exit).unwrap();
        expect(&run(probe.clone()).await, status, "out\nerr\n");
    }
}

#[tokio::test]
async fn no_shell_sees_the_arguments() {
    let found = run(arguments(&["/bin/echo", "$HOME", "; exit 2", "a  b"])).await;
    expect(&found, Passing, "$HOME ; exit 2 a  b\n");
}

#[tokio::test]
async fn a_signal_is_critical() {
    expect(&run(shell("kill -9 $$")).await, Critical, "");
}

#[tokio::test]
async fn what_cannot_be_started_is_told_in_gos_words() {
    let text = "exec: \"konsul-no-such-program\": executable file not found in $PATH";
    expect(&run(arguments(&["konsul-no-such-program"])).await, Critical, text);
    let text = "fork/exec /no/such/program: no such file or directory";
    expect(&run(arguments(&["/no/such/program"])).await, Critical, text);
    expect_part(&run(arguments(&["/dev/null"])).await, Critical, "fork/exec /dev/null: permission denied");
    expect(&run(arguments(&[])).await, Critical, "need an executable to run");
}

#[tokio::test]
async fn output_is_bounded_and_need_not_be_text() {
    let found = run(shell("i=0; while [ $i -lt 2000 ]; do echo 1234; i=$((i+1)); done")).await;
    assert_eq!(found.status, Passing);
    let (head, kept) = found.output.split_once("\n...\n").unwrap();
    assert_eq!((head, kept.len()), ("Captured 4096 of 10000 bytes", 4096));
    expect(&run(shell("printf 'a\\377b'")).await, Passing, "a\u{fffd}b");
}

#[tokio::test]
async fn endless_output_ends_at_the_deadline() {
    let found =
        run_for(arguments(&["/bin/sh", "-c", "while :; do echo yes; done"]), Duration::from_millis(300))
            .await;
    expect_part(&found, Critical, "Timed out (300ms) running check\n\nCaptured 4096 of ");
}

/// Whether the process of this number, which is written in a file, is still there and no zombie.
fn lives(file: &Path) -> bool {
    let Ok(pid) = std::fs::read_to_string(file) else { return false };
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    let state = stat.rsplit_once(") ").map_or("X", |(_, rest)| &rest[..1]);
    !matches!(state, "X" | "Z")
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(common::LONG, waited).await.unwrap_or_else(|_| panic!("{what}"));
}

/// A program that forks one that ignores SIGTERM, and waits for it.
fn stubborn(folder: &Path) -> (Probe, std::path::PathBuf, std::path::PathBuf) {
    let (parent, child) = (folder.join("parent"), folder.join("child"));
    let text = format!(
        "trap '' TERM; echo begun; (trap '' TERM; sh -c 'echo $PPID' > {c}.new; mv {c}.new {c}; while :; do sleep 1; done) & \
         echo $$ > {p}.new; mv {p}.new {p}; wait",
        c = child.display(),
        p = parent.display()
    );
    (shell(&text), parent, child)
}

#[tokio::test]
async fn a_time_out_kills_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let (probe, parent, child) = stubborn(folder.path());
    let found = run_for(probe, Duration::from_secs(2)).await;
    expect(&found, Critical, "Timed out (2s) running check\n\nbegun\n");
    assert!(parent.exists() && child.exists(), "both had begun");
    until("the parent is gone", || !lives(&parent)).await;
    until("the child is gone", || !lives(&child)).await;
}

#[tokio::test]
async fn a_cut_run_kills_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let (probe, parent, child) = stubborn(folder.path());
    let runner = Machine::default().runner(&probe);
    let task = tokio::spawn(async move { runner.run(Limit::of(common::LONG, 4096)).await });
    until("both have begun", || lives(&parent) && lives(&child)).await;
    task.abort();
    until("the parent is gone", || !lives(&parent)).await;
    until("the child is gone", || !lives(&child)).await;
}

#[tokio::test]
async fn what_stays_behind_with_the_output_belongs_to_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let text = format!(
        "sh -c 'echo $$ > {c}.new; mv {c}.new {c}; exec sleep 1000' & echo done",
        c = child.display()
    );
    let found = run_for(shell(&text), Duration::from_secs(1)).await;
    expect(&found, Critical, "Timed out (1s) running check\n\ndone\n");
    assert!(child.exists(), "it had begun");
    until("the child is gone", || !lives(&child)).await;
}

#[tokio::test]
async fn what_closes_the_output_may_stay() {
    let found = run(shell("sleep 1 >/dev/null 2>&1 & echo done")).await;
    expect(&found, Passing, "done\n");
}
