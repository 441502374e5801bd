//! What the tests of this crate share: a small stand-in for the operations, a server around it, and a client that speaks
//! bytes.

#![allow(dead_code, unreachable_pub, reason = "each test uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::wildcard_imports, reason = "what goes wrong in a test ends it")]

pub mod client;
pub mod fake;
pub mod real;
pub mod registry;
pub mod sse;
pub mod store;
pub mod transcript;
pub mod ws;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use fake::Fake;
use konsul_http::{NoObserver, Observer, Server, Settings};
use konsul_operations::Operations;

/// Longer than anything here takes; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A server around a stand-in.
pub struct Rig {
    pub fake: Arc<Fake>,
    pub server: Server,
    pub address: SocketAddr,
}

impl Rig {
    pub fn start() -> Rig {
        Rig::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Rig {
        Rig::observed(settings, Arc::new(NoObserver))
    }

    pub fn observed(settings: Settings, observer: Arc<dyn Observer>) -> Rig {
        let fake = Arc::new(Fake::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server::start(fake.clone(), observer, settings, vec![listener]).unwrap();
        let address = server.addresses()[0];
        Rig { fake, server, address }
    }
}

/// A server around any operations, and where it listens.
pub fn serve(operations: Arc<dyn Operations>) -> (Server, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server =
        Server::start(operations, Arc::new(NoObserver), Settings::default(), vec![listener]).unwrap();
    let address = server.addresses()[0];
    (server, address)
}

/// Waits until a condition holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::task::yield_now().await;
    }
}
