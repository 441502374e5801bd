//! Konsul: one server on disk, with its shipped configuration but for the bound on connections of one client, since here one
//! client is ten thousand.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Running, ask, free_address};
use crate::error::{Error, Result};

/// How to start Konsul.
#[derive(Debug, Clone)]
pub struct Konsul {
    /// The binary.
    pub bin: PathBuf,
    /// More flags.
    pub flags: Vec<String>,
}

impl Konsul {
    /// Starts it over `folder` and waits until it is ready; the duration is from process start to that.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with the end of its log.
    pub fn start(&self, folder: &Path) -> Result<(Running, Duration)> {
        self.start_until(folder, |address| {
            matches!(ask(address, "GET", "/health/ready", b""), Some((200, _)))
        })
    }

    /// Starts it and waits until `ready` holds; the duration is from process start to that.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with the end of its log.
    pub fn start_until(
        &self,
        folder: &Path,
        ready: impl Fn(std::net::SocketAddr) -> bool,
    ) -> Result<(Running, Duration)> {
        let address = free_address()?;
        let mut command = vec![self.bin.display().to_string()];
        command.extend(["agent", "-server", "-bootstrap-expect=1", "-bind=127.0.0.1"].map(str::to_owned));
        command.push(format!("-data-dir={}", folder.join("data").display()));
        command.push(format!("-http-port={}", address.port()));
        command.push("-dns-port=-1".to_owned());
        command.push("-limits-http-max-conns-per-client=65536".to_owned());
        command.extend(self.flags.iter().cloned());
        let began = Instant::now();
        let mut running = Running::start(&command, address, &folder.join("log"))?;
        running.until(ready)?;
        Ok((running, began.elapsed()))
    }

    /// Its version, as it prints it.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] when it cannot be started.
    pub fn version(&self) -> Result<String> {
        super::etcd::first_line(&self.bin.display().to_string(), &["version"])
    }
}

/// Writes one value, as the first thing after a start.
pub fn first_write(address: std::net::SocketAddr) -> bool {
    matches!(ask(address, "PUT", "/v1/kv/bench/first", b"1"), Some((200, body)) if body == b"true")
}

/// The index and the body of a read.
///
/// # Errors
///
/// [`Error::Process`] when the key is not there.
pub fn read(address: std::net::SocketAddr, path: &str) -> Result<Vec<u8>> {
    match ask(address, "GET", path, b"") {
        Some((200, body)) => Ok(body),
        other => Err(Error::Process(format!("reading {path}: {other:?}"))),
    }
}
