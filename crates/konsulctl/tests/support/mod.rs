//! A server in the test's own process, and the binary run against it.

#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a test may end by panic")]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use konsul_agent::{Agent, Logs, StopReason};
use konsul_config::{Config, LogLevel, MemoryFiles};
use tempfile::TempDir;

/// A server on a port of the system's choice, in memory. It stops when it is dropped.
pub(crate) struct Node {
    pub(crate) address: String,
    /// Where DNS is served.
    pub(crate) dns: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    pub(crate) fn start() -> Node {
        Node::with(&[])
    }

    pub(crate) fn with(flags: &[&str]) -> Node {
        let words: Vec<String> = ["-dev", "-http-port=0", "-dns-port=0"]
            .iter()
            .chain(flags)
            .map(|flag| (*flag).to_owned())
            .collect();
        let none: [(&str, &str); 0] = [];
        let config = Config::load(&words, &[], &MemoryFiles::new(none)).unwrap().config;
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async move {
                let logs = Logs::new(Box::new(std::io::sink()), LogLevel::Error, false);
                let running = Agent { logs, reread: None }.start(config).await.unwrap();
                let dns = running.dns_addresses().first().map(ToString::to_string);
                tell.send((running.http_addresses()[0].to_string(), dns.unwrap_or_default())).unwrap();
                // A dropped sender is a test that panicked: the server ends with it.
                let _ = stopped.await;
                running.stop(StopReason::Asked).await;
            });
        });
        let (address, dns) = told.recv().unwrap();
        Node { address, dns, stop: Some(stop), thread: Some(thread) }
    }

    /// Takes the server down now.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Its thread may have ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The binary with an environment of its own.
pub(crate) struct Shell {
    pub(crate) address: String,
    pub(crate) home: TempDir,
}

impl Shell {
    pub(crate) fn on(address: &str) -> Shell {
        Shell { address: address.to_owned(), home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The binary, ready for arguments.
    pub(crate) fn binary(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_konsulctl"));
        self.surround(&mut command);
        command
    }

    /// Gives a command the environment.
    pub(crate) fn surround(&self, command: &mut Command) {
        let bin = PathBuf::from(env!("CARGO_BIN_EXE_konsulctl"));
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", bin.parent().unwrap().display()))
            .env("HOME", self.home.path())
            .env("TMPDIR", self.home.path())
            .env("KONSUL_HTTP_ADDR", &self.address)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> Done {
        done(self.binary().args(words).spawn().unwrap())
    }

    #[track_caller]
    pub(crate) fn fed(&self, words: &[&str], stdin: &[u8]) -> Done {
        let mut child = self.binary().args(words).stdin(Stdio::piped()).spawn().unwrap();
        let mut to = child.stdin.take().unwrap();
        let bytes = stdin.to_vec();
        // Whoever reads no input may end before all of it is written.
        let feeder = std::thread::spawn(move || drop(to.write_all(&bytes)));
        let done = done(child);
        feeder.join().unwrap();
        done
    }

    /// Runs a line of shell.
    #[track_caller]
    pub(crate) fn sh(&self, line: &str) -> Done {
        let mut command = Command::new("bash");
        command.arg("-c").arg(line);
        self.surround(&mut command);
        done(command.spawn().unwrap())
    }

    /// Runs words and answers what was printed; they must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let done = self.run(words);
        assert_eq!(done.code, Some(0), "{words:?}: {done:?}");
        done.out
    }
}

#[track_caller]
pub(crate) fn done(child: Child) -> Done {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
