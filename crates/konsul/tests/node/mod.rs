//! A real agent as a child process, on a port of the system's choice, ended when the test does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine; reaching it is a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_konsul");

pub(crate) struct Node {
    child: Child,
    lines: Receiver<String>,
    pub(crate) seen: Vec<String>,
    pub(crate) address: String,
}

impl Node {
    /// Starts `konsul agent` with these flags and a free port, and waits until it says that it serves.
    pub(crate) fn start(flags: &[&str]) -> Node {
        let mut child = agent(flags).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let mut node = Node { child, lines, seen: Vec::new(), address: String::new() };
        let line = node.line_with("Client Addr: ");
        node.address = line.split_once("http://").unwrap().1.to_owned();
        node
    }

    pub(crate) fn dev() -> Node {
        Node::start(&["-dev"])
    }

    pub(crate) fn on_disk(dir: &std::path::Path, more: &[&str]) -> Node {
        let data = format!("-data-dir={}", dir.display());
        let flags: Vec<&str> =
            ["-server", "-bootstrap-expect=1", &data].iter().chain(more).copied().collect();
        Node::start(&flags)
    }

    /// Waits for a line of output that contains `what`.
    pub(crate) fn line_with(&mut self, what: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(what) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with {what:?} in\n{}", self.seen.join("\n")),
            }
        }
    }

    /// Runs a command against this node.
    pub(crate) fn cli(&self, words: &[&str]) -> Output {
        Command::new(BINARY).args(words).env("CONSUL_HTTP_ADDR", &self.address).output().unwrap()
    }

    /// The same, and its output if it succeeded.
    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let output = self.cli(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Sends a GET and answers the open connection.
    pub(crate) fn ask(&self, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        stream
    }

    /// Sends a GET and answers everything that comes back.
    pub(crate) fn get(&self, target: &str) -> String {
        read_all(self.ask(target))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let status = wait(&mut self.child);
        self.seen.extend(self.lines.iter());
        (status, std::mem::take(&mut self.seen))
    }

    /// Ends it in order.
    pub(crate) fn stop(self) -> Vec<String> {
        self.signal(rustix::process::Signal::TERM);
        let (status, lines) = self.wait();
        assert!(status.success(), "{status}: {}", lines.join("\n"));
        lines
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be gone already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn agent(flags: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("agent").args(flags).stdin(Stdio::null());
    if !flags.iter().any(|flag| flag.contains("http-port")) {
        command.arg("-http-port=0");
    }
    command
}

/// Runs an agent that must not start, and answers what it printed.
pub(crate) fn refused(flags: &[&str]) -> Output {
    let mut child = agent(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait(&mut child);
    child.wait_with_output().unwrap()
}

fn wait(child: &mut Child) -> ExitStatus {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() >= end {
            let _ = child.kill();
            panic!("the process did not end within {DEADLINE:?}");
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
