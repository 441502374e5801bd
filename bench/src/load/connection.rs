//! One connection: bytes on their way out, and bytes of an answer that is not whole yet.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::TcpStream;

use super::response::{Response, parse};
use crate::error::Error;

#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    out: Vec<u8>,
    sent: usize,
    partial: Vec<u8>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> Result<Connection, Error> {
        let socket = std::net::TcpStream::connect(address).map_err(|why| Error::connect(address, why))?;
        socket
            .set_nodelay(true)
            .and_then(|()| socket.set_nonblocking(true))
            .map_err(|why| Error::connect(address, why))?;
        Ok(Connection { socket: TcpStream::from_std(socket), out: Vec::new(), sent: 0, partial: Vec::new() })
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Sends a request; what the socket does not take now goes with the next [`Connection::flush`].
    pub(super) fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
        self.out.clear();
        self.sent = 0;
        write(&mut self.out);
        self.flush()
    }

    pub(super) fn flush(&mut self) -> Result<(), Error> {
        while self.sent < self.out.len() {
            match self.socket.write(&self.out[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => break,
                Err(why) => return Err(Error::Broken(why)),
            }
        }
        Ok(())
    }

    /// Reads what is there and hands over the answer once it is whole. `scratch` is shared by all connections, so that
    /// an answer that comes in one piece is never copied.
    pub(super) fn receive(
        &mut self,
        scratch: &mut [u8],
        mut take: impl FnMut(&Response<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let mut whole = false;
        loop {
            let count = match self.socket.read(scratch) {
                Ok(0) => return Err(Error::Closed),
                Ok(count) => count,
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Ok(whole),
                Err(why) => return Err(Error::Broken(why)),
            };
            whole |= self.accept(&scratch[..count], &mut take)?;
            // The next one is not asked for before this one is taken, so a short read has emptied the socket.
            if count < scratch.len() {
                return Ok(whole);
            }
        }
    }

    fn accept(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(&Response<'_>) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        if self.partial.is_empty() {
            if let Some(response) = parse(bytes)? {
                judge_length(&response, bytes.len())?;
                return take(&response).map(|()| true);
            }
            self.partial.extend_from_slice(bytes);
            return Ok(false);
        }
        self.partial.extend_from_slice(bytes);
        let Some(response) = parse(&self.partial)? else {
            return Ok(false);
        };
        judge_length(&response, self.partial.len())?;
        take(&response)?;
        self.partial.clear();
        Ok(true)
    }
}

fn judge_length(response: &Response<'_>, got: usize) -> Result<(), Error> {
    if response.length == got {
        return Ok(());
    }
    Err(Error::Wire(format!("{} bytes after an answer that nobody asked for", got - response.length)))
}
