//! Servers under test: started on free ports with a data directory of their own, pinned to their core, ended with their guard.

mod collector;
mod echo;
mod etcd;
mod konsul;
mod konsulctl;
mod limits;
mod nsd;

pub use collector::Collector;
pub use echo::{Echo, serve_echo};
pub use etcd::{Etcd, GrpcMode, GrpcRun};
pub use konsul::{
    Konsul, first_write as konsul_first_write, index as konsul_index, metric as konsul_metric,
    read as konsul_read,
};
pub use konsulctl::{Konsulctl, Ran};
pub use limits::{AS_LARGE, BODY, Empty, serve_empty, sync_loop, sync_rate};
pub use nsd::{Nsd, zone};

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cpu::{Process, SERVER_CORE};
use crate::error::{Error, Result};

/// How long a server may take until it answers.
pub const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A running server. It is killed when this goes out of scope.
#[derive(Debug)]
pub struct Running {
    /// Where it answers HTTP.
    pub address: SocketAddr,
    /// Its processor time and memory.
    pub process: Process,
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `command` on the server's core; what it prints goes to `log`.
    fn start(command: &[String], address: SocketAddr, log: &Path) -> Result<Running> {
        let file = std::fs::File::create(log)
            .map_err(|why| Error::file(format!("create {}", log.display()), why))?;
        let errors = file.try_clone().map_err(|why| Error::file(format!("open {}", log.display()), why))?;
        let core = SERVER_CORE.to_string();
        let child = Command::new("taskset")
            .args(["-c", &core])
            .args(command)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .map_err(|why| {
                Error::Process(format!("cannot start taskset, which apt has in util-linux: {why}"))
            })?;
        // taskset becomes the server: the process id stays.
        Ok(Running { address, process: Process::new(child.id()), child, log: log.to_path_buf() })
    }

    /// Waits until `ready` holds.
    fn until(&mut self, ready: impl Fn(SocketAddr) -> bool) -> Result<()> {
        let began = Instant::now();
        while !ready(self.address) {
            let ended = self.child.try_wait().ok().flatten();
            if ended.is_some() || began.elapsed() > STARTS_WITHIN {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let tail = log.lines().rev().take(8).collect::<Vec<_>>().into_iter().rev();
                let tail = tail.collect::<Vec<_>>().join("\n");
                return Err(Error::Process(format!("a server did not become ready ({ended:?}):\n{tail}")));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Asks it to stop and waits for its end.
    ///
    /// # Errors
    ///
    /// [`Error::Hangs`] when it does not end within thirty seconds.
    pub fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let began = Instant::now();
        while self.child.try_wait().ok().flatten().is_none() {
            if began.elapsed() > Duration::from_secs(30) {
                return Err(Error::Hangs(began.elapsed()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Ends it without a chance to tidy up.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on which nobody listens now.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map_err(|why| Error::file("listen on a free port of 127.0.0.1", why))
}

/// A port of 127.0.0.1 that nobody has, for UDP nor for TCP.
///
/// # Errors
///
/// [`Error::File`] when there is none.
pub fn free_dns_port() -> Result<u16> {
    const TRIES: usize = 16;
    let mut last = None;
    for _ in 0..TRIES {
        let port = free_address()?.port();
        match UdpSocket::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(why) => last = Some(why),
        }
    }
    Err(Error::file(
        "find a port that is free for UDP and TCP",
        last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()),
    ))
}

/// The path of this program, which is also its servers.
fn own_path() -> Result<String> {
    let path = std::env::current_exe().map_err(|why| Error::file("find this program", why))?;
    Ok(path.display().to_string())
}

/// One request on a connection of its own: status and body; `None` when there is no answer.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let answer = exchange(address, method, path, body)?;
    let response = crate::load::parse(&answer).ok()??;
    Some((response.status, response.body.into_owned()))
}

/// The whole of an answer, head and body, to one request on a connection of its own.
fn exchange(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}
