//! The agent: puts all rooms together and runs them.
//!
//! It decides nothing about data. What it owns is the process: which directory, which ports, which threads, what is
//! logged and counted, and how all of it begins and ends.
//!
//! # The life of an agent
//!
//! ```text
//! 1 sockets are bound, so that an agent that cannot listen has changed nothing
//! 2 the node's id is read or made, the storage opens (konsul-storage), the newest snapshot is restored
//! 3 consensus starts on a thread of its own and replays the log (konsul-replica over konsul-raft)
//! 4 the HTTP API is served; it answers, and says that it is not ready
//! 5 this server leads, and its reconcilers have registered its node: ready
//! 6 a signal, `agent/leave` or the caller asks it to stop: not ready any more; parked readers are answered; requests
//!   under way finish, within `graceful_stop_timeout`; the log is synced and closed
//! ```
//!
//! [`Agent::start`] does 1 to 5 inside any tokio runtime, as tests do, and gives a [`Running`]. [`run`] is the whole
//! process: runtime, log, signals, pid file.
//!
//! # Threads
//!
//! Consensus has one, the log's disk one, the console one; HTTP and everything else share as many workers as there are
//! cores. An idle agent does nothing but a look at what is due, four times a second.

mod about;
mod agent;
mod backups;
mod dns;
mod error;
mod figures;
mod health;
mod host;
mod identity;
mod listen;
mod local_agent;
mod log_file;
mod logs;
mod notify;
mod pid_file;
mod process;
mod registry;
mod run;
mod serving;
mod settings;
mod signals;
mod telemetry;
mod watches;

pub use agent::{Agent, Running};
pub use error::AgentError;
pub use figures::Kind as MetricKind;
pub use figures::page::metrics_page;
pub use figures::table::{METRICS, Metric};
pub use konsul_config::build::{BUILD_DATE, REVISION, VERSION};
pub use local_agent::Reread;
pub use log_file::{LogFile, Rotation, WithFile};
pub use logs::Logs;
pub use run::run;

/// Why an agent stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// Somebody asked it to leave its cluster. For a single server that is the same as to stop.
    Leave,
    /// The caller of [`Running::stop`] wanted it.
    Asked,
}

impl StopReason {
    /// For the log.
    pub fn name(self) -> &'static str {
        match self {
            StopReason::Interrupt => "SIGINT",
            StopReason::Terminate => "SIGTERM",
            StopReason::Leave => "leave",
            StopReason::Asked => "asked",
        }
    }
}
