//! Bounds and rules that hold for all checks of an agent.

use konsul_runtime::time::Duration;

use crate::decide::FlapRule;

/// Bounds of the keeper of checks, fixed when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Most checks. Beyond it [`Checks::add`](crate::Checks::add) refuses.
    pub checks_max: usize,
    /// Most runs over the network at a time. Each takes a socket. Beyond it runs wait, which [`Stats`](crate::Stats)
    /// shows.
    pub running_max: usize,
    /// Most processes at a time: scripts, and programs in containers.
    pub processes_max: usize,
    /// Most events that wait to be taken.
    pub events_max: usize,
    /// The rules at the start.
    pub rules: Rules,
}

impl Default for Settings {
    /// 65,536 checks, 512 runs, 64 processes, 1024 events.
    fn default() -> Self {
        Self {
            checks_max: 64 << 10,
            running_max: 512,
            processes_max: 64,
            events_max: 1024,
            rules: Rules::default(),
        }
    }
}

/// Rules that may change while checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// A change of output alone is reported after about this long (between half of it and one and a half, by chance);
    /// at once if zero. Consul's `check_update_interval`.
    pub output_every: Duration,
    /// Report no output at all. Consul's `discard_check_output`.
    pub discard_output: bool,
    /// When a check counts as flapping; `None` never. Holds for checks added from then on.
    pub flaps: Option<FlapRule>,
}

impl Default for Rules {
    /// Five minutes, with output, with [`FlapRule::default`].
    fn default() -> Self {
        Self {
            output_every: Duration::from_secs(300),
            discard_output: false,
            flaps: Some(FlapRule::default()),
        }
    }
}
