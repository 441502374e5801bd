//! Answers packets without sockets: for simulations, fuzzing, and whoever carries DNS over something else.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::cache::Cache;
use crate::directory::Directory;
use crate::edge::{Edge, Shared, Step, Way};
use crate::figures::{Figures, add};
use crate::render::Transport;
use crate::settings::Settings;
use crate::zones::ZoneError;

/// Everything that a [`crate::Server`] does but sockets.
pub struct Responder {
    edge: Arc<Edge>,
    cache: Arc<Cache>,
}

impl Responder {
    /// Over a directory.
    ///
    /// # Errors
    /// [`ZoneError`], if a zone cannot be served.
    pub fn new(directory: Arc<dyn Directory>, settings: Settings) -> Result<Responder, ZoneError> {
        let edge = Arc::new(Edge::new(directory, settings, Arc::new(Shared::new()), 0)?);
        let cache = Arc::new(Cache::new(edge.limits().cache_bytes));
        Ok(Responder { edge, cache })
    }

    /// The answer to a packet, or to the message of a connection without its length. `None` if it gets none. Over TCP
    /// nobody is made to wait: that is the connection's to do.
    pub async fn respond(&self, packet: &[u8], from: SocketAddr, transport: Transport) -> Option<Vec<u8>> {
        let (moment, shared) = (self.edge.moment(), self.edge.shared());
        let is_udp = transport == Transport::Udp;
        if is_udp && shared.sources.ask(from.ip(), self.edge.limits(), moment.now).is_err() {
            add(&shared.figures.limited);
            return None;
        }
        let way = Way { from, ..Way::new(transport, Arc::clone(&self.cache)) };
        let mut out = Vec::new();
        if let Step::Later(later) = self.edge.step(packet, &way, &moment, &mut out) {
            out = later.await;
        }
        Some(out).filter(|out| !out.is_empty())
    }

    /// What it counts.
    pub fn figures(&self) -> &Figures {
        &self.edge.shared().figures
    }
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Responder").finish_non_exhaustive()
    }
}
