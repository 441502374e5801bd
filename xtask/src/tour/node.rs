//! A development node on a free port, stopped when it goes out of scope.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::process::{Command, Group};

/// How long a node may take until it answers.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A running `konsul agent -dev`.
#[derive(Debug)]
pub struct Node {
    address: SocketAddr,
    shown: String,
    bin: PathBuf,
    folder: tempfile::TempDir,
    group: Group,
}

impl Node {
    /// Starts `bin` and waits until it has a leader.
    ///
    /// # Errors
    ///
    /// When it cannot be started, ends, or has no leader within twenty seconds.
    pub fn start(bin: &Path) -> Result<Self> {
        let bin = bin.canonicalize().map_err(|source| Error::file("find", bin, source))?;
        let folder =
            tempfile::tempdir().map_err(|source| Error::file("create", std::env::temp_dir(), source))?;
        let http = free_address()?;
        let command = Command::new(&bin).words("agent -dev").dir(folder.path());
        let mut group =
            command.arg(format!("-http-port={}", http.port())).arg("-dns-port=-1").start_group()?;
        drain(&mut group);
        let mut node = Self { address: http, shown: http.to_string(), bin, folder, group };
        node.wait_for_leader()?;
        Ok(node)
    }

    /// Where it listens, as `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.shown
    }

    /// The folder of the binary.
    pub fn bin_folder(&self) -> &Path {
        self.bin.parent().unwrap_or(&self.bin)
    }

    /// An empty folder to work in, removed with the node.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn wait_for_leader(&mut self) -> Result<()> {
        let end = Instant::now() + READY_WITHIN;
        let mut last = String::from("nothing");
        while Instant::now() < end {
            if let Some(status) = self.group.try_wait() {
                return Err(Error::Found(format!("the node ended before it was ready ({status})")));
            }
            last = ask_leader(self.address).unwrap_or_else(|error| error.to_string());
            // A node without a leader answers 200 with an empty string.
            if last.contains(" 200 ") && last.contains("\"127.0.0.1:") {
                return Ok(());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Err(Error::Found(format!("the node had no leader within {READY_WITHIN:?}; it last said: {last}")))
    }
}

fn ask_leader(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(
        format!("GET /v1/status/leader HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

// The port is free when the listener is gone; the agent says so and ends if somebody else was faster.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map_err(|source| Error::file("listen on", "127.0.0.1:0", source))
}

// A node whose output nobody reads would stop at a full pipe.
fn drain(group: &mut Group) {
    if let Some(mut stdout) = group.take_stdout() {
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    }
}
