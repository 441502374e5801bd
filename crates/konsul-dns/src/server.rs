//! Starts and stops.
//!
//! # The life of a server
//!
//! [`Server::start`] takes bound sockets and begins to answer: a task for each UDP socket, each listener, and each
//! connection. [`Server::set_settings`] puts other settings in force from the next packet on. [`Server::stop`] takes no
//! more questions, lets those under way be answered, and cuts what is left when the time is over. Dropping a server cuts
//! everything.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use konsul_runtime::spawn;
use konsul_runtime::sync::{mpsc, watch};
use konsul_runtime::time::{Duration, timeout};

use crate::cache::Cache;
use crate::directory::Directory;
use crate::edge::{Edge, Shared};
use crate::figures::Figures;
use crate::settings::Settings;
use crate::sockets::Endpoint;
use crate::zones::ZoneError;
use crate::{tcp, udp};

/// The edge in force.
pub(crate) type CurrentEdge = ArcSwap<Edge>;

/// A DNS server.
pub struct Server {
    addresses: Vec<SocketAddr>,
    edges: Arc<CurrentEdge>,
    order: watch::Sender<Order>,
    gone: mpsc::Receiver<Infallible>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A zone cannot be served.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// A socket cannot be used.
    #[error("a DNS socket cannot be used: {0}")]
    Socket(#[from] io::Error),
}

/// What all tasks are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Serve,
    Finish,
    Cut,
}

/// Held by every task: it hears of the end, and the end waits for it.
#[derive(Clone)]
pub(crate) struct Ticket {
    order: watch::Receiver<Order>,
    /// Nothing is ever sent: that all senders are gone is the message.
    _alive: mpsc::Sender<Infallible>,
}

impl Ticket {
    /// Waits until nothing new is to be begun.
    pub(crate) async fn finishing(&mut self) {
        self.until(Order::Finish).await;
    }

    /// Waits until everything is to end.
    pub(crate) async fn cut(&mut self) {
        self.until(Order::Cut).await;
    }

    async fn until(&mut self, order: Order) {
        // A server that is gone gives its last order by going.
        let _ = self.order.wait_for(|current| *current >= order).await;
    }
}

impl Server {
    /// Begins to answer on bound sockets. Must be called on a tokio runtime with I/O.
    ///
    /// # Errors
    /// [`StartError`], if a zone cannot be served or a socket cannot be used.
    pub fn start(
        directory: Arc<dyn Directory>,
        settings: Settings,
        endpoints: Vec<Endpoint>,
    ) -> Result<Server, StartError> {
        let addresses = endpoints.iter().map(Endpoint::address).collect();
        let edge = Edge::new(directory, settings, Arc::new(Shared::new()), 0)?;
        let cache = Arc::new(Cache::new(edge.limits().cache_bytes));
        let edges = Arc::new(CurrentEdge::from_pointee(edge));
        let (order, receiver) = watch::channel(Order::Serve);
        let (alive, gone) = mpsc::channel(1);
        let ticket = Ticket { order: receiver, _alive: alive };
        let places = Arc::<tcp::Places>::default();
        for endpoint in endpoints {
            for socket in endpoint.udp {
                let door = udp::Door::open(socket, Arc::clone(&edges), ticket.clone())?;
                drop(spawn(Arc::new(door).serve()));
            }
            let door = tcp::Door {
                listener: tokio::net::TcpListener::from_std(endpoint.tcp)?,
                edges: Arc::clone(&edges),
                cache: Arc::clone(&cache),
                places: Arc::clone(&places),
                ticket: ticket.clone(),
            };
            drop(spawn(door.serve()));
        }
        Ok(Server { addresses, edges, order, gone })
    }

    /// Where it listens, in the order of the endpoints given.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What it counts. The same for as long as it lives.
    pub fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.edges.load().shared().figures)
    }

    /// Puts other settings in force. The number of sockets and the size of what is kept are those of the start.
    ///
    /// # Errors
    /// [`ZoneError`], if a zone cannot be served; then the old settings stay.
    pub fn set_settings(&self, settings: Settings) -> Result<(), ZoneError> {
        let next = self.edges.load().with_settings(settings)?;
        self.edges.store(Arc::new(next));
        Ok(())
    }

    /// Stops: nothing new is taken, what is under way may be answered until `within` is over, then it is cut. Answers
    /// whether everything was answered in time. Afterwards the ports are free.
    pub async fn stop(mut self, within: Duration) -> bool {
        self.order.send_replace(Order::Finish);
        let in_time = timeout(within, self.gone.recv()).await.is_ok();
        if !in_time {
            self.order.send_replace(Order::Cut);
            let _ = timeout(CUT_TAKES, self.gone.recv()).await;
        }
        in_time
    }
}

/// A cut task needs one turn to be gone.
const CUT_TAKES: Duration = Duration::from_secs(1);

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.order.send_replace(Order::Cut);
    }
}
