//! Signals: SIGINT and SIGTERM stop, SIGHUP reloads, a second one of the first two ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::notify::Manager;
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
    pub(crate) async fn until_stop(&mut self, running: &Running, manager: &Manager) -> StopReason {
        // As the configuration has it when the signal comes: a reload may have changed it.
        let leaves = || Leaves::of(&running.config());
        loop {
            tokio::select! {
                biased;
                _ = self.interrupt.recv() => running.request_stop(leaves().on_interrupt()),
                _ = self.terminate.recv() => running.request_stop(leaves().on_terminate()),
                reason = running.asked_to_stop() => return reason,
                _ = self.hang_up.recv() => reload(running, manager),
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

/// Whether a signal means to leave the cluster, or only to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaves {
    interrupt: bool,
    terminate: bool,
}

impl Leaves {
    /// As the configuration has it: Consul's `skip_leave_on_interrupt` and `leave_on_terminate`.
    pub(crate) fn of(config: &konsul_config::Config) -> Leaves {
        Leaves { interrupt: !config.skip_leave_on_interrupt, terminate: config.leave_on_terminate }
    }

    fn on_interrupt(self) -> StopReason {
        if self.interrupt { StopReason::Leave } else { StopReason::Interrupt }
    }

    fn on_terminate(self) -> StopReason {
        if self.terminate { StopReason::Leave } else { StopReason::Terminate }
    }
}

fn reload(running: &Running, manager: &Manager) {
    manager.reloading();
    // A success is logged where it happens.
    if let Err(why) = running.reload() {
        tracing::error!(%why, "the configuration was not reloaded; the one in force stays");
    }
    manager.ready("serving");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_leaves_only_where_the_configuration_says_so() {
        let stay = Leaves { interrupt: false, terminate: false };
        assert_eq!(
            (stay.on_interrupt(), stay.on_terminate()),
            (StopReason::Interrupt, StopReason::Terminate)
        );
        let leave = Leaves { interrupt: true, terminate: true };
        assert_eq!((leave.on_interrupt(), leave.on_terminate()), (StopReason::Leave, StopReason::Leave));
    }
}
