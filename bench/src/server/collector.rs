//! A collector of traces: it answers 200 to whatever comes over HTTP and counts it. It runs in the generator's process, since
//! in life it would run on another machine, and the server must not pay for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// A collector. Its threads live until the process ends.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    received: Arc<AtomicU64>,
}

impl Collector {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when there is no port for it.
    pub fn start() -> Result<Collector> {
        let fault = |why| Error::file("listen for traces", why);
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let received = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&received);
        drop(std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let count = Arc::clone(&count);
                // A connection that breaks ends its thread; the exporter makes a new one.
                drop(std::thread::spawn(move || serve(socket, &count)));
            }
        }));
        Ok(Collector { address, received })
    }

    /// Where traces are sent to.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many bytes of traces came so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";

fn serve(socket: TcpStream, count: &AtomicU64) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    let mut writer = socket;
    loop {
        let length = head(&mut reader)?;
        let read = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        if read < length {
            return Ok(());
        }
        count.fetch_add(length, Ordering::Relaxed);
        writer.write_all(ANSWER)?;
    }
}

/// Reads the head of a request, and tells how long its body is.
fn head(reader: &mut BufReader<TcpStream>) -> std::io::Result<u64> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok(length);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_counted_and_answered() {
        let collector = Collector::start().expect("a free port");
        let mut socket = TcpStream::connect(collector.address).expect("it listens");
        for _ in 0..2 {
            socket
                .write_all(b"POST /v1/traces HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde")
                .expect("it reads");
            let mut answer = vec![0; ANSWER.len()];
            socket.read_exact(&mut answer).expect("it answers");
            assert_eq!(answer, ANSWER);
        }
        assert_eq!(collector.received(), 10);
    }
}
