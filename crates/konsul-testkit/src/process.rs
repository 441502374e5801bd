//! A real server process on a real directory, started, killed and started again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use konsul_client::{Client, ClientConfig};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long a server may take from its start to its first answer.
const START: Duration = Duration::from_secs(20);

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
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
        let mut child = self.command().spawn().map_err(|why| format!("{}: {why}", self.binary.display()))?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let address = match tokio::time::timeout(START, announced(stdout)).await {
            Ok(Some(address)) => address,
            Ok(None) => {
                return Err(format!("the server ended with {:?} before it served", child.wait().await));
            }
            Err(_) => return Err("the server did not say where it listens".into()),
        };
        let mut server = Server { child, address, ready_after: Duration::ZERO };
        server.wait_until_it_serves(begun).await?;
        Ok(server)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["agent", "-server", "-bootstrap", "-node", "kills", "-http-port", "0"]);
        command.arg("-data-dir").arg(&self.data_dir).args(&self.flags);
        // What a proof is told is not for the server, which names every variable of its own that it does not know.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KONSUL_"))
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
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
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it as a power cut would end the process: nothing is flushed, nobody is told.
    pub async fn kill(mut self) {
        // An error means that it has ended already, which is what is wanted.
        let _ = self.child.kill().await;
    }

    /// Asks it to stop, and answers whether it ended well.
    ///
    /// # Errors
    /// If it does not end, or ends with an error.
    pub async fn terminate(mut self) -> Result<(), String> {
        let pid = self.pid().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
        let pid = pid.ok_or("the server has ended already")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(|why| why.to_string())?;
        match tokio::time::timeout(START, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(ended) => Err(format!("the server ended with {ended:?}")),
            Err(_) => Err("the server did not stop when asked".into()),
        }
    }

    async fn wait_until_it_serves(&mut self, begun: Instant) -> Result<(), String> {
        let client = self.client();
        let mut last = String::new();
        while begun.elapsed() < START {
            match client.kv().get("konsul-testkit/ready", &konsul_client::ReadOptions::default()).await {
                Ok(_) => {
                    self.ready_after = begun.elapsed();
                    return Ok(());
                }
                Err(why) => last = why.to_string(),
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the server ended with {status}; last answer: {last}"));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(format!("the server did not serve in time; last answer: {last}"))
    }
}

/// Reads the server's output until it says where it listens, and goes on reading it so that it never blocks.
async fn announced(stdout: tokio::process::ChildStdout) -> Option<String> {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(address) = address_in(&line) {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some(address);
        }
    }
    None
}

/// The address in the line of the banner that names it: `Client Addr: 127.0.0.1:8500`.
fn address_in(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("Client Addr: ")?;
    rest.split([',', ' ']).next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_servers_own_words() {
        assert_eq!(address_in("   Client Addr: 127.0.0.1:43210").as_deref(), Some("127.0.0.1:43210"));
        assert_eq!(address_in("no address here"), None);
    }
}
