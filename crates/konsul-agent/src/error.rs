//! Why an agent did not start, or did not stop well.

use std::net::SocketAddr;
use std::path::PathBuf;

use konsul_raft::contract::StartError;
use konsul_storage::StorageError;

/// Why an agent did not start. Each text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// Somebody else listens there.
    #[error(
        "port {} is in use on {}: another program listens there, perhaps another agent (`ss -ltnp 'sport = :{}'` names \
         it). End it, or choose another port with -http-port or ports.http",
        address.port(), address.ip(), address.port()
    )]
    PortInUse {
        /// The address wanted.
        address: SocketAddr,
    },
    /// The system does not let us listen there.
    #[error("cannot listen on {address}: {source}{}", listen_hint(source, address))]
    Listen {
        /// The address wanted.
        address: SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A unix socket cannot be listened on.
    #[error("cannot listen on the unix socket {}: {why}", path.display())]
    UnixSocket {
        /// Its file.
        path: PathBuf,
        /// What is in the way.
        why: String,
    },
    /// The system refuses something with a file or directory.
    #[error("cannot {what} {}: {source}{}", path.display(), path_hint(source))]
    Path {
        /// What was tried.
        what: &'static str,
        /// With which path.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The identity of the node is not settled.
    #[error("{0}")]
    Identity(String),
    /// The storage does not open.
    #[error("{0}")]
    Storage(#[from] StorageError),
    /// Consensus does not start.
    #[error("{0}")]
    Raft(#[from] StartError),
    /// What was registered with this agent cannot be read back, or not be kept.
    #[error("registrations cannot be kept: {0}")]
    Registrations(String),
    /// The DNS server does not start.
    #[error("DNS cannot be served: {0}")]
    Dns(String),
    /// The HTTP server does not start.
    #[error("the HTTP API cannot be served: {0}")]
    Http(std::io::Error),
    /// An option cannot be used although it has the right form.
    #[error("{0}")]
    Option(String),
    /// The system gives no threads or timers.
    #[error("the system gives no thread to run on: {0}")]
    Runtime(std::io::Error),
    /// The log was replayed, but nobody leads.
    #[error("the agent did not become ready within {seconds} s: {reasons}")]
    NotReady {
        /// How long was waited.
        seconds: u64,
        /// Why it is not ready.
        reasons: String,
    },
}

fn listen_hint(source: &std::io::Error, address: &SocketAddr) -> String {
    match source.kind() {
        std::io::ErrorKind::PermissionDenied => {
            format!(
                ". Ports below 1024 need a privilege; choose another one than {} with -http-port",
                address.port()
            )
        }
        std::io::ErrorKind::AddrNotAvailable => {
            format!(". This machine has no address {}; see -client and addresses.http", address.ip())
        }
        _ => String::new(),
    }
}

fn path_hint(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::PermissionDenied => {
            ". The user that runs the agent needs to read, write and enter it: change its owner, or name another directory \
             with -data-dir"
        }
        std::io::ErrorKind::ReadOnlyFilesystem => {
            ". The disk is read-only; name another directory with -data-dir"
        }
        std::io::ErrorKind::StorageFull => {
            ". The disk is full; make room, or name another directory with -data-dir"
        }
        std::io::ErrorKind::NotADirectory => {
            ". A file is in the place of a directory; name another one with -data-dir"
        }
        _ => "",
    }
}
