//! How long and how often, and what the scenarios share.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::report::Report;
use crate::server::{Etcd, Konsul};

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often everything is measured, each system in turn.
    pub rounds: usize,
    /// How long each part of a round is measured.
    pub measure: Duration,
    /// How long the load runs before that.
    pub warm_up: Duration,
    /// How often ten thousand readers are woken.
    pub wakes: usize,
    /// How many readers are parked.
    pub readers: usize,
    /// For how many keys the curve is drawn.
    pub sizes: Vec<u64>,
    /// For how many instances of services the curve is drawn.
    pub instances: Vec<u64>,
    /// How many keys are exported, imported, saved and restored.
    pub volume: u64,
    /// How long an idle server is watched.
    pub idle: Duration,
}

impl Plan {
    /// Figures to publish.
    pub fn full() -> Plan {
        Plan {
            rounds: 5,
            measure: Duration::from_secs(5),
            warm_up: Duration::from_secs(1),
            wakes: 20,
            readers: 10_000,
            sizes: vec![1_000, 10_000, 100_000, 1_000_000],
            instances: vec![1_000, 3_000, 10_000, 30_000, 100_000],
            volume: 1_000_000,
            idle: Duration::from_secs(30),
        }
    }

    /// A look at whether anything is far off.
    pub fn quick() -> Plan {
        Plan {
            rounds: 3,
            measure: Duration::from_millis(1500),
            warm_up: Duration::from_millis(500),
            wakes: 5,
            sizes: vec![1_000, 10_000, 100_000],
            instances: vec![1_000, 10_000, 100_000],
            idle: Duration::from_secs(5),
            ..Plan::full()
        }
    }
}

/// What the scenarios share.
#[derive(Debug)]
pub struct Bench {
    /// How much is measured.
    pub plan: Plan,
    /// How Konsul is started.
    pub konsul: Konsul,
    /// How etcd is started.
    pub etcd: Etcd,
    /// Where data directories are made: all on one disk.
    pub disk: PathBuf,
    /// What was measured so far.
    pub report: Report,
}

impl Bench {
    /// A folder of its own for one server.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when it cannot be made.
    pub fn folder(&self) -> Result<TempDir> {
        tempfile::tempdir_in(&self.disk)
            .map_err(|why| Error::file(format!("make a folder in {}", self.disk.display()), why))
    }
}

/// Tells on stderr what is being done; the results go to stdout.
#[allow(clippy::print_stderr, reason = "a command-line tool speaks on its terminal")]
pub fn say(what: &str) {
    eprintln!("bench: {what}");
}
