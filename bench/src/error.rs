//! What can go wrong in a benchmark. A wrong answer is one of them: nothing is measured of a server that does not work.

use std::net::SocketAddr;
use std::time::Duration;

/// Why a benchmark ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for what there is not.
    #[error("{0}")]
    Usage(String),
    /// A connection was not accepted.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The server closed a connection on which it owed an answer.
    #[error("the server closed a connection on which it owed an answer")]
    Closed,
    /// A socket failed.
    #[error("a connection broke: {0}")]
    Broken(std::io::Error),
    /// An answer is not the HTTP that the generator understands.
    #[error("an answer that is not understood: {0}")]
    Wire(String),
    /// An answer is not the right one.
    #[error("a wrong answer to {to}: status {status}, {body:?}")]
    Wrong {
        /// What was asked.
        to: &'static str,
        /// What came.
        status: u16,
        /// Its beginning.
        body: String,
    },
    /// A reader that should wait was answered.
    #[error("a reader that should be parked was answered: {0:?}")]
    Unparked(String),
    /// A DNS server does not say what it should.
    #[error("DNS: {0}")]
    Dns(String),
    /// No answer.
    #[error("no answer for {0:?}")]
    Hangs(Duration),
    /// A server or a client of etcd did not do what it was started for.
    #[error("{0}")]
    Process(String),
    /// A file could not be read or written.
    #[error("cannot {what}: {source}")]
    File {
        /// What was tried, with the path.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn connect(address: SocketAddr, source: std::io::Error) -> Error {
        Error::Connect { address, source }
    }

    /// A file or a socket of the system that failed while `what` was tried.
    pub fn file(what: impl Into<String>, source: std::io::Error) -> Error {
        Error::File { what: what.into(), source }
    }

    pub(crate) fn wrong(to: &'static str, response: &crate::load::Response<'_>) -> Error {
        let head = &response.body[..response.body.len().min(200)];
        Error::Wrong { to, status: response.status, body: String::from_utf8_lossy(head).into_owned() }
    }
}

/// What a benchmark ends with.
pub type Result<T> = std::result::Result<T, Error>;
