//! Many connections and the readiness of their sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::alarm::Alarm;
use super::connection::Connection;
use super::response::Response;
use crate::error::Error;

/// Large enough for the largest answer of a small read.
const SCRATCH_BYTES: usize = 256 * 1024;

/// Connections to one server.
#[derive(Debug)]
pub struct Engine {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    scratch: Vec<u8>,
    alarm: Alarm,
}

/// Which event is the alarm's.
const ALARM: Token = Token(usize::MAX);

impl Engine {
    /// Opens `count` connections.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] when one of them is not accepted.
    pub fn connect(address: SocketAddr, count: usize) -> Result<Engine, Error> {
        let poll = Poll::new().map_err(Error::Broken)?;
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        let mut connections = Vec::with_capacity(count);
        for at in 0..count {
            let mut connection = Connection::open(address)?;
            poll.registry()
                .register(connection.socket(), Token(at), Interest::READABLE | Interest::WRITABLE)
                .map_err(Error::Broken)?;
            connections.push(connection);
        }
        Ok(Engine {
            poll,
            events: Events::with_capacity(1024),
            connections,
            scratch: vec![0; SCRATCH_BYTES],
            alarm,
        })
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Sends what `write` writes on connection `at`, which must have nothing under way.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] when the socket fails.
    pub fn send(&mut self, at: usize, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
        self.connections[at].send(write)
    }

    /// As [`Engine::step`], until `due` at the latest. Exact to some microseconds, where a time-out of `epoll` is to a
    /// millisecond; and it sleeps, so that the kernel's threads that serve the disk find the core free.
    ///
    /// # Errors
    ///
    /// As [`Engine::step`].
    pub fn step_until(
        &mut self,
        due: Instant,
        freed: &mut Vec<usize>,
        take: impl FnMut(usize, &Response<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return self.step(Some(Duration::ZERO), freed, take);
        }
        self.alarm.set(left)?;
        self.step(None, freed, take)
    }

    /// Waits at most `timeout` for answers, hands each with the number of its connection to `take`, and lists the
    /// connections that are free again in `freed`.
    ///
    /// # Errors
    ///
    /// What `take` says, or [`Error::Closed`], [`Error::Broken`], [`Error::Wire`].
    pub fn step(
        &mut self,
        timeout: Option<Duration>,
        freed: &mut Vec<usize>,
        mut take: impl FnMut(usize, &Response<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        freed.clear();
        if let Err(why) = self.poll.poll(&mut self.events, timeout) {
            let interrupted = why.kind() == std::io::ErrorKind::Interrupted;
            return if interrupted { Ok(()) } else { Err(Error::Broken(why)) };
        }
        for event in &self.events {
            if event.token() == ALARM {
                continue;
            }
            let at = event.token().0;
            if event.is_writable() {
                self.connections[at].flush()?;
            }
            if event.is_readable()
                && self.connections[at].receive(&mut self.scratch, |response| take(at, response))?
            {
                freed.push(at);
            }
        }
        Ok(())
    }
}
