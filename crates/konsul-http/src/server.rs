//! Listens, accepts, and stops.
//!
//! # The life of a server
//!
//! [`Server::start`] takes sockets that are bound already and begins to accept. Each connection is a task of its own.
//! [`Server::stop`] closes the listeners, closes what is idle, lets requests under way finish (the operations answer
//! parked readers when the agent stops), and cuts what is left when the time is over. Dropping a server cuts everything.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use konsul_operations::Operations;
use konsul_runtime::time::{Duration, sleep, timeout};
use konsul_runtime::{JoinHandle, spawn};
use tokio::net::{TcpListener, TcpStream};

use crate::connection::{Connection, Order};
use crate::connections::{Connections, Full};
use crate::observe::Observer;
use crate::service::{Edge, Service};
use crate::settings::Settings;
use crate::stream::Stream;

/// An HTTP server.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    connections: Arc<Connections>,
    tasks: Vec<JoinHandle<()>>,
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were cut because they were not done in time.
    pub cut: usize,
}

impl Server {
    /// Begins to serve `operations` on sockets that are bound and listening. Must be called on a tokio runtime with I/O.
    ///
    /// # Errors
    /// The system's, if a socket cannot be used.
    pub fn start(
        operations: Arc<dyn Operations>,
        observer: Arc<dyn Observer>,
        settings: Settings,
        listeners: Vec<StdListener>,
    ) -> io::Result<Server> {
        let addresses = listeners.iter().map(StdListener::local_addr).collect::<io::Result<_>>()?;
        let connections = Arc::new(Connections::new(&settings.limits));
        let edge = Arc::new(Edge::new(operations, observer, settings));
        let door = Arc::new(Door::new(Arc::clone(&connections), Arc::clone(&edge)));
        let mut tasks = Vec::with_capacity(listeners.len() + 1);
        for listener in listeners {
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            tasks.push(spawn(Arc::clone(&door).accept(listener)));
        }
        let swept = Arc::clone(&connections);
        tasks.push(spawn(async move { swept.sweep(&edge.settings.timeouts).await }));
        Ok(Server { addresses, connections, tasks })
    }

    /// Where it listens, in the order of the sockets given.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.connections.count()
    }

    /// Stops: nobody is accepted any more, idle connections are closed, requests under way may finish until `within` is
    /// over, and what is left then is cut.
    pub async fn stop(self, within: Duration) -> Stopped {
        self.close_doors();
        self.connections.order_all(Order::Finish);
        let cut = self.connections.until_empty(within).await;
        if cut > 0 {
            self.connections.order_all(Order::Cut);
            self.connections.until_empty(CUT_TAKES).await;
        }
        Stopped { cut }
    }

    fn close_doors(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close_doors();
        self.connections.order_all(Order::Cut);
    }
}

/// A cut connection needs one turn of its task to be gone.
const CUT_TAKES: Duration = Duration::from_secs(1);

/// How long to wait when the system has no more descriptors.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// How long a refused client's bytes are waited for, so that it sees the answer and not a reset.
const REFUSED_LINGERS: Duration = Duration::from_millis(100);

/// Where connections come in.
struct Door {
    connections: Arc<Connections>,
    edge: Arc<Edge>,
    http: http1::Builder,
    /// Places for refused clients that are waited for. Over it they are closed without ceremony.
    refusals: Arc<konsul_runtime::sync::Semaphore>,
}

impl Door {
    fn new(connections: Arc<Connections>, edge: Arc<Edge>) -> Door {
        let mut http = http1::Builder::new();
        let head_bytes = edge.settings.limits.head_bytes.max(8192);
        http.half_close(false)
            .title_case_headers(true)
            // The sweep does this, without a timer for each request.
            .header_read_timeout(None)
            .max_header_size(head_bytes)
            .max_buf_size(head_bytes);
        Door { connections, edge, http, refusals: Arc::new(konsul_runtime::sync::Semaphore::new(64)) }
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((socket, peer)) => self.admit(socket, peer),
                Err(why) if is_of_one_connection(&why) => {}
                Err(why) => {
                    tracing::warn!(error = %why, "cannot accept a connection; trying again in a moment");
                    sleep(OUT_OF_DESCRIPTORS).await;
                }
            }
        }
    }

    fn admit(&self, socket: TcpStream, peer: SocketAddr) {
        let (ticket, progress) = match self.connections.admit(peer.ip()) {
            Ok(place) => place,
            Err(full) => return self.refuse(socket, peer, full),
        };
        if let Err(why) = prepare(&socket) {
            tracing::debug!(%peer, error = %why, "connection was gone before it was served");
            return;
        }
        let service = Service::new(Arc::clone(&self.edge), Arc::clone(&progress), peer);
        let stream = TokioIo::new(Stream::new(socket, Arc::clone(&progress)));
        let http = self.http.serve_connection(stream, service);
        drop(spawn(Connection::new(http, progress, ticket)));
    }

    /// Answers and closes.
    fn refuse(&self, socket: TcpStream, peer: SocketAddr, full: Full) {
        tracing::debug!(%peer, ?full, "connection refused");
        let answer = match full {
            Full::Server => TOO_MANY,
            Full::Source => TOO_MANY_OF_ONE,
        };
        // A fresh socket takes so few bytes at once; one that does not has nobody who waits for them.
        if socket.try_write(answer.as_bytes()).is_err() {
            return;
        }
        let Ok(place) = Arc::clone(&self.refusals).try_acquire_owned() else {
            return;
        };
        drop(spawn(async move {
            let _ = timeout(REFUSED_LINGERS, linger(socket)).await;
            drop(place);
        }));
    }
}

/// Closes the sending half and reads until the client has closed too: a socket that is closed with bytes unread resets the
/// connection, and the client may never see what was written.
async fn linger(socket: TcpStream) -> io::Result<()> {
    socket2::SockRef::from(&socket).shutdown(std::net::Shutdown::Write)?;
    let mut sink = [0; 1024];
    loop {
        socket.readable().await?;
        match socket.try_read(&mut sink) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => {}
            Err(why) => return Err(why),
        }
    }
}

/// Small answers must not wait for the next one, and a client that vanished without a word must be found out.
fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let probes = socket2::TcpKeepalive::new().with_time(std::time::Duration::from_secs(60));
    socket2::SockRef::from(socket).set_tcp_keepalive(&probes)
}

/// Errors that concern a connection which ended before it was accepted, not the listener.
fn is_of_one_connection(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

const TOO_MANY_OF_ONE: &str = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 87\r\nConnection: close\r\n\r\n\
    Your IP is issuing too many concurrent connections, please rate limit your calls (429)\n";

const TOO_MANY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 66\r\nConnection: close\r\n\r\n\
    This server has as many connections as it may have; try it later.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_their_own_length() {
        for answer in [TOO_MANY, TOO_MANY_OF_ONE] {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{} {answer}", body.len());
        }
    }
}
