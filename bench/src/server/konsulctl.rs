//! The command line, as a person or a script runs it: a process of its own, on the generator's core.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::cpu::Process;
use crate::error::{Error, Result};

/// How to start konsulctl.
#[derive(Debug, Clone)]
pub struct Konsulctl {
    bin: PathBuf,
    server: SocketAddr,
    folder: PathBuf,
}

/// No command takes so long that works.
const HANGS: Duration = Duration::from_secs(600);

impl Konsulctl {
    /// The binary `bin`, for a server, with `folder` as its home: no settings of a person's count.
    pub fn new(bin: PathBuf, server: SocketAddr, folder: &Path) -> Konsulctl {
        Konsulctl { bin, server, folder: folder.to_path_buf() }
    }

    /// Starts a command.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] when there is no such binary.
    pub fn start(&self, words: &[&str]) -> Result<Ran> {
        let log = self.folder.join("konsulctl.log");
        let fault = |why| Error::file(format!("create {}", log.display()), why);
        let out = std::fs::File::create(&log).map_err(fault)?;
        let err = out.try_clone().map_err(fault)?;
        let child = Command::new(&self.bin)
            .env_clear()
            .env("HOME", &self.folder)
            .args(["--server", &self.server.to_string()])
            .args(words)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|why| Error::Process(format!("cannot start {}: {why}", self.bin.display())))?;
        Ok(Ran { child, began: Instant::now(), what: words.join(" "), log })
    }
}

/// A command that was started. It is killed when this goes out of scope.
#[derive(Debug)]
pub struct Ran {
    child: Child,
    began: Instant,
    what: String,
    log: PathBuf,
}

impl Ran {
    /// Its memory.
    pub fn process(&self) -> Process {
        Process::new(self.child.id())
    }

    /// Waits for its end; how long it took.
    ///
    /// # Errors
    ///
    /// [`Error::Process`] with what it said when it failed.
    pub fn wait(mut self) -> Result<Duration> {
        loop {
            if let Some(took) = self.ended()? {
                return Ok(took);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How long it took, if it has ended.
    ///
    /// # Errors
    ///
    /// As [`Ran::wait`].
    pub fn ended(&mut self) -> Result<Option<Duration>> {
        let status =
            self.child.try_wait().map_err(|why| Error::file(format!("wait for {}", self.what), why))?;
        let took = self.began.elapsed();
        match status {
            Some(status) if status.success() => Ok(Some(took)),
            Some(status) => Err(self.failed(status)),
            None if took > HANGS => Err(Error::Hangs(HANGS)),
            None => Ok(None),
        }
    }

    fn failed(&self, status: ExitStatus) -> Error {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        Error::Process(format!("konsulctl {} ended with {status}: {said}", self.what))
    }
}

impl Drop for Ran {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
