//! A server for one input, and a client that speaks bytes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use konsul_http::{Limits, NoObserver, Settings, Timeouts};
use konsul_operations::Local;
use konsul_operations::local::OperationLimits;
use konsul_runtime::time::{Duration, timeout};
use konsul_state::State;
use konsul_testkit::TestAgent;
use konsul_types::NodeName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::replica::ImmediateReplica;

/// Longest that an exchange may take. Nothing in it waits for more than a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Server {
    replica: Arc<ImmediateReplica>,
    server: konsul_http::Server,
}

impl Server {
    pub(super) fn start() -> Server {
        let node = NodeName::new("fuzz").expect("a good name");
        let replica = Arc::new(ImmediateReplica::new(&node));
        let limits = OperationLimits { leader_wait_ms: 5, write_wait_ms: 1000, ..OperationLimits::default() };
        let operations = Local::new(Arc::clone(&replica), Arc::new(TestAgent { node }), limits);
        let listener = TcpListener::bind((own_address(), 0)).expect("loopback has a free port");
        let server = konsul_http::Server::start(
            Arc::new(operations),
            Arc::new(NoObserver),
            settings(),
            vec![listener],
        );
        Server { replica, server: server.expect("a fresh listener serves") }
    }

    /// The state as it is published.
    pub(super) fn state(&self) -> Arc<State> {
        konsul_operations::ports::Replica::state(&*self.replica)
    }

    /// Sends bytes on a connection of their own and reads until the server closes it. `half` closes the sending side, for
    /// bytes that may be no whole request.
    pub(super) async fn exchange(&self, bytes: &[u8], half: bool) -> Vec<u8> {
        let address = self.server.addresses()[0];
        let exchanged = timeout(PATIENCE, exchange(address, bytes, half)).await;
        exchanged.unwrap_or_else(|_| {
            panic!("neither an answer nor an end came for {:?}", bytes.escape_ascii().to_string())
        })
    }
}

/// A loopback address of this server's own. Connections that the server closed keep their ports for a minute; thousands of
/// servers on one address run out of them.
fn own_address() -> Ipv4Addr {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let [_, _, second, third] = STARTED.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    if cfg!(target_os = "linux") { Ipv4Addr::new(127, second, third, 1) } else { Ipv4Addr::LOCALHOST }
}

async fn exchange(address: SocketAddr, bytes: &[u8], half: bool) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.expect("the server accepts");
    // The server may have answered and closed before it saw everything: then it is the answer that counts.
    let sent = socket.write_all(bytes).await;
    if sent.is_ok() && half {
        let _ended = socket.shutdown().await;
    }
    let mut answer = Vec::new();
    // A reset after the answer is how a server that was sent too much may close.
    let _closed = socket.read_to_end(&mut answer).await;
    answer
}

/// Small bounds, so that inputs meet them, and no long waits.
fn settings() -> Settings {
    let limits =
        Limits { value_bytes: 256, txn_bytes: 2048, body_bytes: 2048, head_bytes: 8192, ..Limits::default() };
    let timeouts = Timeouts {
        default_wait: Duration::from_millis(1),
        max_wait: Duration::from_millis(1),
        ..Timeouts::default()
    };
    Settings { limits, timeouts, ..Settings::default() }
}
