//! [`Node`]: an agent for a test of the shipped binary. What a test waits for in vain ends it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::child::{AgentProcess, wait};

/// Longer than anything in such a test takes on a busy machine; reaching it is a failure.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// An agent of a binary.
#[derive(Debug)]
pub struct Node {
    process: AgentProcess,
    binary: PathBuf,
    /// Where it answers. A test may change it if the announced one is not where it wants to ask.
    pub address: String,
}

impl Node {
    /// Starts `konsul agent` with these flags, on a free port unless they name one, and waits until it says that it serves.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn start(binary: impl AsRef<Path>, flags: &[&str]) -> Node {
        let binary = binary.as_ref().to_owned();
        let started = AgentProcess::start(&mut agent(&binary, flags), DEADLINE);
        let process = started.unwrap_or_else(|why| panic!("{flags:?}: {why}"));
        Node { address: process.address.clone(), process, binary }
    }

    /// One that keeps everything in memory.
    #[track_caller]
    pub fn dev(binary: impl AsRef<Path>) -> Node {
        Node::start(binary, &["-dev"])
    }

    /// One on a data directory.
    #[track_caller]
    pub fn on_disk(binary: impl AsRef<Path>, dir: &Path, more: &[&str]) -> Node {
        let data = format!("-data-dir={}", dir.display());
        let flags: Vec<&str> =
            ["-server", "-bootstrap-expect=1", &data].iter().chain(more).copied().collect();
        Node::start(binary, &flags)
    }

    /// The lines of its output that were looked at.
    pub fn seen(&self) -> &[String] {
        &self.process.seen
    }

    /// Waits for a line of output that contains `what`.
    ///
    /// # Panics
    /// If none comes.
    #[track_caller]
    pub fn line_with(&mut self, what: &str) -> String {
        self.process.line_with(what, DEADLINE).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Runs a command against this node.
    ///
    /// # Panics
    /// If the binary cannot be run.
    #[track_caller]
    pub fn cli(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&self.binary);
        command.args(words).env("CONSUL_HTTP_ADDR", &self.address).output().expect("the binary runs")
    }

    /// The same, and its output if it succeeded.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn ok(&self, words: &[&str]) -> String {
        let output = self.cli(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the output is text")
    }

    /// Sends a request without a body and answers the open connection.
    ///
    /// # Panics
    /// If it is not taken.
    #[track_caller]
    pub fn send(&self, method: &str, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("the node listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket has time-outs");
        let head = "Host: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        write!(stream, "{method} {target} HTTP/1.1\r\n{head}").expect("the node reads");
        stream
    }

    /// Sends a GET and answers the open connection.
    #[track_caller]
    pub fn ask(&self, target: &str) -> TcpStream {
        self.send("GET", target)
    }

    /// Sends a GET and answers everything that comes back.
    #[track_caller]
    pub fn get(&self, target: &str) -> String {
        read_all(self.ask(target))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it has ended.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal).expect("the node runs");
    }

    /// Waits for its end, and answers how it ended and all that it said.
    ///
    /// # Panics
    /// If it does not end.
    #[track_caller]
    pub fn wait(self) -> (ExitStatus, Vec<String>) {
        self.process.wait(DEADLINE).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Ends it in order, and answers all that it said.
    ///
    /// # Panics
    /// If it ends otherwise.
    #[track_caller]
    pub fn stop(self) -> Vec<String> {
        self.signal(Signal::TERM);
        let (status, lines) = self.wait();
        assert!(status.success(), "{status}: {}", lines.join("\n"));
        lines
    }
}

/// Everything that comes over a connection until its end.
///
/// # Panics
/// If it breaks, or is no text.
#[track_caller]
pub fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer of text, to its end");
    text
}

/// Runs an agent that must not start, and answers what it printed.
///
/// # Panics
/// If it does not end.
#[track_caller]
pub fn refused(binary: impl AsRef<Path>, flags: &[&str]) -> Output {
    let mut command = agent(binary.as_ref(), flags);
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.expect("the binary runs");
    wait(&mut child, DEADLINE).unwrap_or_else(|why| panic!("{flags:?}: {why}"));
    child.wait_with_output().expect("it has ended")
}

fn agent(binary: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(binary);
    // Off a terminal the log is JSON; tests look for lines of text.
    command.args(["agent", "-log-json=false"]).args(flags);
    if !flags.iter().any(|flag| flag.contains("http-port")) {
        command.args(["-http-port=0", "-dns-port=0"]);
    }
    command
}
