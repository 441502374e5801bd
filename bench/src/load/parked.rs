//! A herd of readers that wait: each connection has one blocking query under way.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{Engine, Latencies, Response};
use crate::cpu::Process;
use crate::error::Error;

/// Parked readers.
#[derive(Debug)]
pub struct Herd {
    engine: Engine,
    freed: Vec<usize>,
}

/// From the write to what came of it.
#[derive(Debug)]
pub struct Woken {
    /// To the first answer.
    pub first: Duration,
    /// To the last answer.
    pub last: Duration,
    /// To each of them.
    pub each: Latencies,
}

impl Herd {
    /// Connects `count` readers; none asks yet.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] when one of them is not accepted.
    pub fn connect(address: SocketAddr, count: usize) -> Result<Herd, Error> {
        Ok(Herd { engine: Engine::connect(address, count)?, freed: Vec::new() })
    }

    /// Lets all of them ask for `path`, and waits until the server has nothing more to do with them.
    ///
    /// # Errors
    ///
    /// [`Error::Unparked`] when one is answered at once.
    pub fn park(&mut self, path: &str, server: &Process) -> Result<(), Error> {
        self.park_each(|_| path, server)
    }

    /// As [`Herd::park`], each for a path of its own.
    ///
    /// # Errors
    ///
    /// As [`Herd::park`].
    pub fn park_each<'a>(&mut self, path: impl Fn(usize) -> &'a str, server: &Process) -> Result<(), Error> {
        for at in 0..self.engine.connections() {
            let request = ["GET ", path(at), " HTTP/1.1\r\nHost: konsul\r\n\r\n"];
            self.engine.send(at, |out| {
                request.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
            })?;
        }
        server.until_quiet()?;
        self.silent()
    }

    /// Whether all of them still wait.
    ///
    /// # Errors
    ///
    /// [`Error::Unparked`] when one was answered.
    pub fn silent(&mut self) -> Result<(), Error> {
        let mut freed = std::mem::take(&mut self.freed);
        self.engine.step(Some(Duration::ZERO), &mut freed, |_, response| {
            Err(Error::Unparked(String::from_utf8_lossy(&response.body).into_owned()))
        })?;
        self.freed = freed;
        Ok(())
    }

    /// Waits for the answer of each, counted from `since`; `judge` sees all of them.
    ///
    /// # Errors
    ///
    /// What `judge` says, or thirty seconds without the last one.
    pub fn all_answered(
        &mut self,
        since: Instant,
        mut judge: impl FnMut(&Response<'_>) -> Result<(), Error>,
    ) -> Result<Woken, Error> {
        let (mut left, mut first) = (self.engine.connections(), None);
        let mut each = Latencies::with_capacity(left);
        while left > 0 {
            self.engine.step(Some(Duration::from_millis(100)), &mut self.freed, |_, response| {
                each.add(since.elapsed());
                judge(response)
            })?;
            if !self.freed.is_empty() {
                first.get_or_insert_with(|| since.elapsed());
            }
            left -= self.freed.len();
            if since.elapsed() > super::closed::HANGS {
                return Err(Error::Hangs(super::closed::HANGS));
            }
        }
        let last = since.elapsed();
        Ok(Woken { first: first.unwrap_or(last), last, each })
    }
}
