//! Listens, accepts, and stops.
//!
//! # The life of a server
//!
//! [`Server::start`] takes sockets that are bound already and begins to accept. Each connection is a task of its own.
//! [`Server::stop`] closes the listeners, closes what is idle, lets requests under way finish (the operations answer
//! parked readers when the agent stops), and cuts what is left when the time is over. Dropping a server cuts everything.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::connection::{Connection, Order};
use crate::connections::{Connections, Full};
use crate::listener::{Accepting, Listener, Peer, Socket};
use crate::observe::Observer;
use crate::service::{CurrentEdge, Edge, Service};
use crate::settings::Settings;
use crate::stream::Stream;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use konsul_operations::Operations;
use konsul_runtime::time::{Duration, sleep, timeout};
use konsul_runtime::{JoinHandle, spawn};

/// An HTTP server.
pub struct Server {
    addresses: Vec<SocketAddr>,
    connections: Arc<Connections>,
    edges: Arc<CurrentEdge>,
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
        listeners: Vec<impl Into<Listener>>,
    ) -> io::Result<Server> {
        let listeners: Vec<Listener> = listeners.into_iter().map(Into::into).collect();
        let addresses = listeners.iter().map(Listener::address);
        let addresses = addresses.filter_map(io::Result::transpose).collect::<io::Result<_>>()?;
        let connections = Arc::new(Connections::new(&settings.limits));
        let edge = Arc::new(Edge::new(operations, observer, settings));
        let edges = Arc::new(CurrentEdge::new(edge));
        let door = Arc::new(Door::new(Arc::clone(&connections), Arc::clone(&edges)));
        let mut tasks = Vec::with_capacity(listeners.len() + 1);
        for listener in listeners {
            tasks.push(spawn(Arc::clone(&door).accept(listener.open()?)));
        }
        let (swept, current) = (Arc::clone(&connections), Arc::clone(&edges));
        tasks.push(spawn(async move { swept.sweep(&current).await }));
        Ok(Server { addresses, connections, edges, tasks })
    }

    /// Where it listens, in the order of the sockets given; unix sockets have no address.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Puts other settings in force, for every request that begins from now on, also on connections that are open. The
    /// bound on a head is that of the start.
    pub fn set_settings(&self, settings: Settings) {
        self.connections.set_caps(&settings.limits);
        let next = self.edges.load().with_settings(settings);
        self.edges.store(Arc::new(next));
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

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
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
    edges: Arc<CurrentEdge>,
    http: http1::Builder,
    /// Places for refused clients that are waited for. Over it they are closed without ceremony.
    refusals: Arc<konsul_runtime::sync::Semaphore>,
}

impl Door {
    fn new(connections: Arc<Connections>, edges: Arc<CurrentEdge>) -> Door {
        let mut http = http1::Builder::new();
        let head_bytes = edges.load().settings.limits.head_bytes.max(8192);
        http.half_close(false)
            .title_case_headers(true)
            // The sweep does this, without a timer for each request.
            .header_read_timeout(None)
            .max_header_size(head_bytes)
            .max_buf_size(head_bytes);
        Door { connections, edges, http, refusals: Arc::new(konsul_runtime::sync::Semaphore::new(64)) }
    }

    async fn accept(self: Arc<Self>, listener: Accepting) {
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

    fn admit(&self, socket: Socket, peer: Peer) {
        let (ticket, progress) = match self.connections.admit(peer.source()) {
            Ok(place) => place,
            Err(full) => return self.refuse(socket, peer.address, full),
        };
        let peer = peer.address;
        if let Err(why) = socket.prepare() {
            tracing::debug!(%peer, error = %why, "connection was gone before it was served");
            return;
        }
        let ticket = Arc::new(ticket);
        let service = Service::new(Arc::clone(&self.edges), Arc::clone(&progress), Arc::clone(&ticket), peer);
        let stream = TokioIo::new(Stream::new(socket, Arc::clone(&progress)));
        let http = self.http.serve_connection(stream, service).with_upgrades();
        drop(spawn(Connection::new(http, progress, ticket)));
    }

    /// Answers and closes.
    fn refuse(&self, socket: Socket, peer: SocketAddr, full: Full) {
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
async fn linger(socket: Socket) -> io::Result<()> {
    socket.finish()?;
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
