//! What a check is: its kind, how often and how long it runs, and the rules by which its results become a status.

mod explained;
mod kinds;
mod wanted;

pub use kinds::{
    DockerCheck, Engine, GrpcCheck, H2PingCheck, HttpCheck, Identity, OsServiceCheck, Probe, ScriptCheck,
    TcpCheck, Tls, UdpCheck,
};

use std::sync::Arc;

use konsul_runtime::time::Duration;
use konsul_types::{CheckId, CheckStatus, Namespace, NodeName};

use crate::decide::Thresholds;

/// Bytes of output that are kept where a definition names no number, as in Consul.
pub const OUTPUT_MAX_DEFAULT: usize = 4096;

/// An interval shorter than this is raised to it, as in Consul.
pub const INTERVAL_MIN: Duration = Duration::from_secs(1);

/// A service is not reported for removal sooner than this after its check became critical, as in Consul.
pub const DEREGISTER_AFTER_MIN: Duration = Duration::from_secs(60);

/// Whose check it is: its namespace and its id on this node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckKey {
    /// The namespace of the service that it belongs to; the default one for a check of the node.
    pub namespace: Namespace,
    /// Its id.
    pub id: CheckId,
}

impl CheckKey {
    /// The check of that id in the default namespace.
    pub fn of(id: CheckId) -> Self {
        Self { namespace: Namespace::default_namespace(), id }
    }
}

/// A check as its owner wants it to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// What is looked at, and when.
    pub kind: Kind,
    /// Most bytes of output that are kept; 0 for [`OUTPUT_MAX_DEFAULT`].
    pub output_max: usize,
    /// Report the check for removal of its service after so long in critical. At least [`DEREGISTER_AFTER_MIN`].
    pub deregister_critical_after: Option<Duration>,
}

impl Definition {
    /// A check of this kind, with the usual bounds and without removal.
    pub fn new(kind: Kind) -> Self {
        Self { kind, output_max: 0, deregister_critical_after: None }
    }

    /// The number of bytes of output that are kept.
    pub fn output_bytes(&self) -> usize {
        if self.output_max == 0 { OUTPUT_MAX_DEFAULT } else { self.output_max }
    }

    /// What of this definition is not taken as it stands. The owner logs it when the check is added.
    pub fn adjustments(&self) -> Vec<Adjustment> {
        let mut found = Vec::new();
        if let Kind::Polled(polled) = &self.kind {
            if polled.interval < INTERVAL_MIN {
                found.push(Adjustment::IntervalRaised { from: polled.interval });
            }
            let interval = polled.interval_in_force();
            if let Some(from) = polled.timeout.filter(|timeout| *timeout > interval) {
                found.push(Adjustment::TimeoutLowered { from, to: interval });
            }
        }
        if let Some(from) = self.deregister_critical_after.filter(|after| *after < DEREGISTER_AFTER_MIN) {
            found.push(Adjustment::DeregisterRaised { from });
        }
        found
    }

    /// The time in critical after which the check is reported for removal.
    pub(crate) fn deregister_after(&self) -> Option<Duration> {
        self.deregister_critical_after.map(|after| after.max(DEREGISTER_AFTER_MIN))
    }
}

/// A value of a definition that was outside its bounds, and what holds instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Adjustment {
    /// The interval is too short.
    #[error(
        "the interval {from:?} of the check is below the minimum of {INTERVAL_MIN:?}, which is used instead"
    )]
    IntervalRaised {
        /// What was asked for.
        from: Duration,
    },
    /// The time-out is longer than the interval.
    #[error(
        "the time-out {from:?} of the check is longer than its interval of {to:?}, which is used instead"
    )]
    TimeoutLowered {
        /// What was asked for.
        from: Duration,
        /// What holds.
        to: Duration,
    },
    /// The time before removal is too short.
    #[error(
        "deregister_critical_service_after of {from:?} is below the minimum of {DEREGISTER_AFTER_MIN:?}, which is \
         used instead"
    )]
    DeregisterRaised {
        /// What was asked for.
        from: Duration,
    },
}

/// How a check comes to its results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It runs at intervals.
    Polled(Polled),
    /// It is told its status, and is critical when nobody does for this long.
    Ttl(Duration),
    /// It follows the checks of a node or a service.
    Alias(Alias),
}

/// A check that runs at intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled {
    /// What it does.
    pub probe: Probe,
    /// From the start of one run to the start of the next. At least [`INTERVAL_MIN`].
    pub interval: Duration,
    /// How long a run may take: 10 s where nothing is said (30 s for scripts and services of the system), and never longer
    /// than the interval.
    pub timeout: Option<Duration>,
    /// How many results in a row change the status.
    pub thresholds: Thresholds,
}

impl Polled {
    /// A check that runs `probe` at this interval, with the usual time-out and without thresholds.
    pub fn new(probe: Probe, interval: Duration) -> Self {
        Self { probe, interval, timeout: None, thresholds: Thresholds::default() }
    }

    /// The interval within its bounds.
    pub fn interval_in_force(&self) -> Duration {
        self.interval.max(INTERVAL_MIN)
    }

    /// The time-out within its bounds.
    pub fn timeout_in_force(&self) -> Duration {
        let asked = self.timeout.filter(|timeout| !timeout.is_zero());
        asked.unwrap_or_else(|| self.probe.timeout_default()).min(self.interval_in_force())
    }
}

/// Whom an alias check follows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// The node; this one where none is named.
    pub node: Option<NodeName>,
    /// The id of the service; the node alone where none is named.
    pub service: Option<String>,
    /// The namespace of that service.
    pub namespace: Namespace,
}

/// How a check stands when it is added: as its definition says, or as it stood before a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initial {
    /// Its status.
    pub status: CheckStatus,
    /// Its output.
    pub output: Arc<str>,
    /// For a check with a time to live: how much of it is left; all of it where nothing is said.
    pub ttl_left: Option<Duration>,
}

impl Initial {
    /// This status, and no output yet.
    pub fn status(status: CheckStatus) -> Self {
        Self { status, output: Arc::from(""), ttl_left: None }
    }
}

impl Default for Initial {
    /// Critical until something else is known, as in Consul.
    fn default() -> Self {
        Self::status(CheckStatus::Critical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polled(interval: u64, timeout: Option<u64>) -> Polled {
        let probe = Probe::Tcp(TcpCheck { address: "127.0.0.1:1".into(), tls: None });
        let timeout = timeout.map(Duration::from_secs);
        Polled { timeout, ..Polled::new(probe, Duration::from_secs(interval)) }
    }

    #[track_caller]
    fn check(interval: u64, timeout: Option<u64>, expect: (u64, u64), adjusted: usize) {
        let polled = polled(interval, timeout);
        assert_eq!(polled.interval_in_force(), Duration::from_secs(expect.0));
        assert_eq!(polled.timeout_in_force(), Duration::from_secs(expect.1));
        assert_eq!(Definition::new(Kind::Polled(polled)).adjustments().len(), adjusted);
    }

    #[test]
    fn bounds_hold_and_are_told() {
        check(30, None, (30, 10), 0);
        check(5, None, (5, 5), 0);
        check(5, Some(0), (5, 5), 0);
        check(5, Some(3), (5, 3), 0);
        check(5, Some(8), (5, 5), 1);
        check(0, Some(8), (1, 1), 2);
    }
}
