//! The load generator: HTTP/1.1 over non-blocking sockets, one thread, one request under way on each connection.
//!
//! It is written to cost its core little, because it shares the machine with what it measures: one `write` and one `read` for
//! a request, no allocation, one `epoll_wait` for as many answers as are there. It judges every answer; a wrong one ends the
//! run, since a server that is quick to answer nonsense is not quick.

mod alarm;
mod closed;
mod connection;
mod dnsperf;
mod engine;
mod open;
mod parked;
mod resolve;
mod response;
mod sample;

pub use closed::{closed, closed_while, fill};
pub use dnsperf::{DnsSample, Kind, dnsperf};
pub use engine::Engine;
pub use open::open;
pub use parked::{Herd, Woken};
pub use resolve::{Resolved, resolve};
pub use response::{Response, parse};
pub use sample::{Latencies, Sample};

use std::net::SocketAddr;
use std::time::Duration;

use crate::cpu::Process;
use crate::error::Error;

/// What is asked, and what must be answered.
pub trait Work {
    /// Appends the next request.
    fn write(&mut self, out: &mut Vec<u8>);

    /// Whether the answer is right.
    ///
    /// # Errors
    ///
    /// What was wrong with it.
    fn judge(&self, response: &Response<'_>) -> Result<(), Error>;
}

/// Where the load goes, for how long.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// The server's address.
    pub address: SocketAddr,
    /// Whose time is read when the measured part begins and ends.
    pub server: &'a Process,
    /// How many connections, each with one request under way.
    pub connections: usize,
    /// Not measured.
    pub warm_up: Duration,
    /// Measured.
    pub measure: Duration,
}
