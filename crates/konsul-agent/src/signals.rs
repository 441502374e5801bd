//! Signals: SIGINT and SIGTERM stop, SIGHUP reloads, a second one of the first two ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{AgentError, Running, StopReason};

pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on these signals no longer end the process by themselves.
    pub(crate) fn listen() -> Result<Signals, AgentError> {
        let on = |kind| signal(kind).map_err(AgentError::Runtime);
        Ok(Signals {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    /// Waits for a reason to stop, and reloads on the way.
    pub(crate) async fn until_stop(&mut self, running: &Running) -> StopReason {
        loop {
            tokio::select! {
                biased;
                _ = self.interrupt.recv() => running.request_stop(StopReason::Interrupt),
                _ = self.terminate.recv() => running.request_stop(StopReason::Terminate),
                reason = running.asked_to_stop() => return reason,
                _ = self.hang_up.recv() => reload(running),
            }
        }
    }

    /// Waits for a signal that ends.
    pub(crate) async fn end(&mut self) -> StopReason {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => StopReason::Interrupt,
            _ = self.terminate.recv() => StopReason::Terminate,
        }
    }
}

fn reload(running: &Running) {
    // A success is logged where it happens.
    if let Err(why) = running.reload() {
        tracing::error!(%why, "the configuration was not reloaded; the one in force stays");
    }
}
