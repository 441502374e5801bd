//! A real server process on a real directory, started, killed and started again.
//!
//! [`AgentProcess`] is the process and its output. Over it stand [`Node`], for tests of the shipped binary, which end by
//! panic, and [`Server`], for proofs that run for hours beside asynchronous clients and report what went wrong.

mod child;
mod node;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use konsul_client::{Client, ClientConfig};
use rustix::process::Signal;

pub use child::AgentProcess;
pub use node::{DEADLINE, Node, read_all, refused};

/// How long a server may take from its start to its first answer, or to its end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
#[derive(Debug)]
pub struct Server {
    process: AgentProcess,
    /// Where it answers, `127.0.0.1:port`.
    pub address: String,
    /// From the start of the process to the first answered request.
    pub ready_after: Duration,
}

/// How to start one.
#[derive(Debug, Clone)]
pub struct ServerSpec {
    /// The `konsul` binary.
    pub binary: PathBuf,
    /// Its data directory.
    pub data_dir: PathBuf,
    /// Flags beside those that every test server has.
    pub flags: Vec<String>,
}

impl ServerSpec {
    /// A server of a binary on a directory.
    pub fn new(binary: &Path, data_dir: &Path) -> ServerSpec {
        ServerSpec { binary: binary.to_owned(), data_dir: data_dir.to_owned(), flags: Vec::new() }
    }

    /// Starts the process and waits until it serves.
    ///
    /// # Errors
    /// What it said when it ended instead, or that it took too long.
    pub async fn start(&self) -> Result<Server, String> {
        let begun = Instant::now();
        let mut command = self.command();
        let process = blocking(move || AgentProcess::start(&mut command, PATIENCE)).await?;
        let address = process.address.clone();
        let mut server = Server { process, address, ready_after: Duration::ZERO };
        server.wait_until_it_serves(begun).await?;
        Ok(server)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.args([
            "agent",
            "-server",
            "-bootstrap",
            "-node",
            "kills",
            "-http-port",
            "0",
            "-dns-port",
            "-1",
        ]);
        command.arg("-data-dir").arg(&self.data_dir).args(&self.flags);
        command
    }
}

impl Server {
    /// A client of it.
    ///
    /// # Panics
    /// If the announced address is none.
    pub fn client(&self) -> Client {
        Client::new(ClientConfig::for_address(&self.address).expect("the server announced an address"))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends it as a power cut would end the process: nothing is flushed, nobody is told.
    pub async fn kill(self) {
        // Dropping it kills it and waits. The task only keeps the wait off this thread.
        let _ = blocking(move || {
            drop(self.process);
            Ok(())
        })
        .await;
    }

    /// Asks it to stop, and answers whether it ended well.
    ///
    /// # Errors
    /// If it does not end, or ends with an error.
    pub async fn terminate(self) -> Result<(), String> {
        self.process.signal(Signal::TERM)?;
        let (status, lines) = blocking(move || self.process.wait(PATIENCE)).await?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {status}:\n{}", lines.join("\n")))
        }
    }

    async fn wait_until_it_serves(&mut self, begun: Instant) -> Result<(), String> {
        let client = self.client();
        let mut last = String::new();
        while begun.elapsed() < PATIENCE {
            match client.kv().get("konsul-testkit/ready", &konsul_client::ReadOptions::default()).await {
                Ok(_) => {
                    self.ready_after = begun.elapsed();
                    return Ok(());
                }
                Err(why) => last = why.to_string(),
            }
            if let Some(status) = self.process.ended() {
                return Err(format!("the server ended with {status}; last answer: {last}"));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(format!("the server did not serve in time; last answer: {last}"))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|why| why.to_string())?
}
