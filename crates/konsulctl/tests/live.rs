//! Tables that stay up to date, on a terminal: `script` gives one to whoever has none.

#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use support::{Node, Shell};

const WEB: &str = r#"
service {
  name = "web"
  id   = "web-with-a-name-that-is-long"
  port = 8080
  check {
    id   = "beat"
    name = "beat"
    ttl  = "1h"
    status = "passing"
  }
}
"#;

/// A command on a terminal of so many columns and lines.
struct Screen {
    child: Child,
    keys: ChildStdin,
    out: ChildStdout,
    /// All that was written to the terminal.
    seen: String,
}

impl Screen {
    fn of(shell: &Shell, columns: usize, lines: usize, command: &str) -> Screen {
        // What is waited for may never come: then it ends, and the test says what was seen.
        let mut script = Command::new("timeout");
        shell.surround(script.args(["60", "script"]));
        let line = format!("stty cols {columns} rows {lines}; exec konsulctl {command}");
        let script = script.args(["-qefc", &line, "/dev/null"]).stdin(Stdio::piped());
        let mut child = script.spawn().expect("script(1) of util-linux is installed");
        let (keys, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Screen { child, keys, out, seen: String::new() }
    }

    /// Reads on until something is seen after what was looked at already; answers what came.
    #[track_caller]
    fn until(&mut self, what: &str) -> String {
        let from = self.seen.len();
        let mut bytes = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let count = self.out.read(&mut buffer).unwrap();
            assert!(count > 0, "it ended before {what:?} was seen: {}", self.seen);
            bytes.extend_from_slice(&buffer[..count]);
            // A character may be cut where a read ends.
            let Ok(text) = std::str::from_utf8(&bytes) else { continue };
            if text.contains(what) {
                self.seen.push_str(text);
                return self.seen[from..].to_owned();
            }
        }
    }

    /// Ctrl-C, as it is typed; answers the exit code.
    fn interrupt(mut self) -> (Option<i32>, String) {
        self.keys.write_all(b"\x03").unwrap();
        let mut rest = Vec::new();
        self.out.read_to_end(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), String::from_utf8(rest).unwrap())
    }
}

/// The lines without what moves the cursor or colours.
fn plain(text: &str) -> Vec<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(one) = chars.next() {
        match one {
            '\u{1b}' => while chars.next().is_some_and(|next| !next.is_ascii_alphabetic()) {},
            '\r' => {}
            one => out.push(one),
        }
    }
    out.lines().map(str::to_owned).collect()
}

#[test]
fn a_table_is_drawn_again_in_its_place_and_fits() {
    let node = Node::start();
    let shell = Shell::on(&node.address);
    std::fs::write(shell.path("web.hcl"), WEB).unwrap();
    shell.ok(&["service", "register", "web.hcl"]);
    for columns in [40, 80, 200] {
        let mut screen = Screen::of(&shell, columns, 24, "health web --watch");
        let first = screen.until("\u{1b}[32mpassing\u{1b}[0m");
        assert!(first.contains("web: 1 passing, 0 warning, 0 critical"), "{first}");
        shell.ok(&["check", "fail", "beat", "no worker is left, and nobody knows where they went"]);
        let second = screen.until("no work");
        // Up over the four lines of before, which are wiped.
        assert!(
            second.contains("\u{1b}[4A\r\u{1b}[J") && second.contains("0 passing, 0 warning, 1 critical")
        );
        assert!(second.contains("\u{1b}[31mcritical\u{1b}[0m"), "{second}");
        for line in plain(&screen.seen) {
            assert!(line.chars().count() <= columns, "{columns}: {line:?}");
        }
        let (code, rest) = screen.interrupt();
        assert_eq!(code, Some(130), "{rest}");
        // What the terminal wrote for Ctrl-C is gone, and a prompt begins its own line.
        assert!(rest.ends_with("\r\u{1b}[K"), "{rest:?}");
        shell.ok(&["check", "pass", "beat"]);
    }
}

#[test]
fn what_does_not_fit_is_said_and_a_server_that_goes_is_too() {
    let mut node = Node::start();
    let shell = Shell::on(&node.address);
    let all: String = (1..=20).map(|n| format!("service {{\n name = \"s-{n:02}\"\n}}\n")).collect();
    std::fs::write(shell.path("all.hcl"), all).unwrap();
    shell.ok(&["service", "register", "all.hcl"]);
    let mut screen = Screen::of(&shell, 200, 10, "service ls --watch");
    let first = screen.until("more lines: make the terminal higher");
    assert_eq!(plain(&first).len(), 9, "one line is the cursor's: {first}");
    shell.ok(&["service", "deregister", "s-01"]);
    screen.until("services: 20, instances: 20 passing");
    shell.ok(&["service", "deregister", "s-02"]);
    let third = screen.until("services: 19, instances: 19 passing");
    assert!(third.contains("\u{1b}[9A\r\u{1b}[J"), "{third:?}");
    node.stop();
    screen.until("trying again in");
    let (code, _) = screen.interrupt();
    assert_eq!(code, Some(130));
}

#[test]
fn a_watch_says_once_that_its_server_is_gone() {
    let mut node = Node::start();
    let shell = Shell::on(&node.address);
    let words = ["service", "watch", "web", "--initial", "--attempts", "4"];
    std::fs::write(shell.path("web.hcl"), WEB).unwrap();
    shell.ok(&["service", "register", "web.hcl"]);
    let mut watch = shell.binary().args(words).spawn().unwrap();
    let mut out = BufReader::new(watch.stdout.take().unwrap()).lines();
    assert!(out.next().unwrap().unwrap().contains("\tpresent\tinstance\t"));
    node.stop();
    let done = watch.wait_with_output().unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(5), "{err}");
    assert_eq!(err.matches("nobody answers at").count(), 1, "{err}");
}

#[test]
fn ctrl_c_ends_the_program_of_a_check_too() {
    let shell = Shell::on("127.0.0.1:1");
    let made = Command::new("mkfifo").arg(shell.path("alive")).status().unwrap();
    assert!(made.success());
    let program = "exec 3>alive; echo up >&3; sleep 300; echo not reached";
    let words = ["check", "run", "--enable-script-checks", "--run-timeout", "5m", "--", "sh", "-c", program];
    let run = shell.binary().args(words).spawn().unwrap();
    let mut alive = BufReader::new(std::fs::File::open(shell.path("alive")).unwrap());
    let mut line = String::new();
    alive.read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    let sent = Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(130));
    // The pipe ends when nobody is left who holds its other end: the shell and its sleep are gone.
    let mut rest = String::new();
    alive.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}
