//! How far the agent is between start and stop, and its HTTP server while there is one.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use konsul_http::{Server, Settings};

/// How far the agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    Starting = 0,
    Serving = 1,
    Stopping = 2,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Serving {
    phase: AtomicU8,
    server: Mutex<Option<Server>>,
}

impl Serving {
    pub(crate) fn new() -> Serving {
        Serving { phase: AtomicU8::new(Phase::Starting as u8), server: Mutex::new(None) }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Stopping,
        }
    }

    pub(crate) fn open(&self, server: Server) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
    }

    /// Takes the server out, to stop it.
    pub(crate) fn take(&self) -> Option<Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts other settings of the HTTP edge in force.
    pub(crate) fn set_settings(&self, settings: Settings) {
        if let Some(server) = &*self.server.lock().unwrap_or_else(PoisonError::into_inner) {
            server.set_settings(settings);
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, Server::connections)
    }
}
