//! What every part must know at once: has the node stopped, and is its disk full.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use konsul_runtime::sync::watch;

#[derive(Debug)]
pub(crate) struct Health {
    /// Why it stopped. The first reason stays: later ones are its consequences.
    stopped: OnceLock<String>,
    full: AtomicBool,
    full_told: watch::Sender<bool>,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self { stopped: OnceLock::new(), full: AtomicBool::new(false), full_told: watch::channel(false).0 }
    }

    pub(crate) fn stop(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.stopped.set(reason.clone()).is_ok() {
            tracing::error!(%reason, "raft stops");
        }
    }

    /// Notes that the node ends because it was asked to. Answers the reason that counts.
    pub(crate) fn close(&self) -> String {
        self.stopped.get_or_init(|| "it was shut down".to_owned()).clone()
    }

    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stopped.get().map(String::as_str)
    }

    pub(crate) fn reason(&self) -> String {
        self.stopped().unwrap_or("the node is shutting down").to_owned()
    }

    pub(crate) fn set_full(&self, full: bool) {
        if self.full.swap(full, Ordering::AcqRel) != full {
            if !full {
                tracing::info!("there is space again: writes go on");
            }
            self.full_told.send_replace(full);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    pub(crate) fn watch_full(&self) -> watch::Receiver<bool> {
        self.full_told.subscribe()
    }
}
