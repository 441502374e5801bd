//! etcd: Debian's build with its shipped configuration, asked through its JSON gateway by our own generator, and through gRPC
//! by a program over its own Go client (`bench/etcd-client`).

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Running, ask, free_address};
use crate::error::{Error, Result};
use crate::load::Sample;

/// How to start etcd and its Go client.
#[derive(Debug, Clone)]
pub struct Etcd {
    /// The built Go client.
    pub client: PathBuf,
}

/// What the Go client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrpcMode {
    /// Writes.
    Put,
    /// Linearizable reads of one key.
    Get,
    /// Reads of a prefix.
    List,
}

/// One run of the Go client.
#[derive(Debug, Clone, Copy)]
pub struct GrpcRun {
    /// What it asks for.
    pub mode: GrpcMode,
    /// How many requests are under way.
    pub clients: usize,
    /// Requests in a second, or as many as there can be.
    pub rate: Option<f64>,
    /// Not measured, in milliseconds.
    pub warm_up_ms: u128,
    /// Measured, in milliseconds.
    pub measure_ms: u128,
    /// How many keys there are.
    pub keys: u64,
}

impl Etcd {
    /// Builds the Go client into `folder`.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with what the Go compiler said.
    pub fn build(folder: &Path) -> Result<Etcd> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("etcd-client");
        let client = folder.join("etcd-client");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&client)
            .arg(".")
            .current_dir(&source)
            .output()
            .map_err(|why| {
                Error::Process(format!("cannot start go, which builds the client of etcd: {why}"))
            })?;
        if !built.status.success() {
            return Err(Error::Process(String::from_utf8_lossy(&built.stderr).into_owned()));
        }
        Ok(Etcd { client })
    }

    /// Starts it over `folder` and waits until it has a leader.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with the end of its log.
    pub fn start(&self, folder: &Path) -> Result<Running> {
        let (client, peer) = (free_address()?, free_address()?);
        let (client_url, peer_url) = (format!("http://{client}"), format!("http://{peer}"));
        let flags = [
            ("data-dir", folder.join("data").display().to_string()),
            ("listen-client-urls", client_url.clone()),
            ("advertise-client-urls", client_url),
            ("listen-peer-urls", peer_url.clone()),
            ("initial-advertise-peer-urls", peer_url.clone()),
            ("initial-cluster", format!("default={peer_url}")),
            ("log-level", "error".to_owned()),
        ];
        let mut command = vec!["etcd".to_owned()];
        command.extend(flags.iter().map(|(name, value)| format!("--{name}={value}")));
        let mut running = Running::start(&command, client, &folder.join("log"))?;
        running.until(|address| {
            matches!(ask(address, "GET", "/health", b""), Some((200, body)) if body.windows(4).any(|word| word == b"true"))
        })?;
        Ok(running)
    }

    /// Runs the Go client against `server`, on the generator's core.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with what it said.
    pub fn grpc(&self, server: &Running, run: &GrpcRun) -> Result<Sample> {
        let mode = match run.mode {
            GrpcMode::Put => "put",
            GrpcMode::Get => "get",
            GrpcMode::List => "list",
        };
        let output = Command::new(&self.client)
            .arg(format!("-endpoint={}", server.address))
            .arg(format!("-mode={mode}"))
            .arg(format!("-clients={}", run.clients))
            .arg(format!("-rate={}", run.rate.unwrap_or(0.0)))
            .arg(format!("-warm-up={}ms", run.warm_up_ms))
            .arg(format!("-measure={}ms", run.measure_ms))
            .arg(format!("-keys={}", run.keys))
            .arg(format!("-pid={}", server.process.pid()))
            .output()
            .map_err(|why| Error::Process(format!("cannot start the client of etcd: {why}")))?;
        if !output.status.success() {
            return Err(Error::Process(format!(
                "the client of etcd: {}",
                String::from_utf8_lossy(&output.stderr)
            )));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|why| Error::Process(format!("the client of etcd printed what is no result: {why}")))
    }

    /// Its version, as it prints it.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] when it is not installed.
    pub fn version(&self) -> Result<String> {
        first_line("etcd", &["--version"])
    }
}

pub(super) fn first_line(program: &str, words: &[&str]) -> Result<String> {
    let output = Command::new(program).args(words).output().map_err(|why| {
        Error::Process(format!("cannot start {program}: {why}; `cargo xtask deps bench` installs it"))
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
