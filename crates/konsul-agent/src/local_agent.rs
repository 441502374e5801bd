//! The agent as the operations see it: the port [`LocalAgent`].

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use konsul_config::{Config, ReloadPlan};
use konsul_operations::ports::{
    AgentInfo, Health, HostInfo, LocalAgent, LogFilter, LogLines, MetricsFormat, ReloadReport, Replica as _,
};
use konsul_replica::ServerReplica;
use konsul_runtime::sync::watch;
use konsul_runtime::time::{self, Instant};
use konsul_types::NodeName;

use crate::figures::consul_json::{self, Naming};
use crate::figures::prometheus::{self, Page};
use crate::figures::{Requests, Sources};
use crate::identity::Identity;
use crate::logs::Logs;
use crate::serving::Serving;
use crate::{StopReason, about, host};

/// Reads the configuration again, from where it was read first.
pub type Reread = Box<dyn Fn() -> Result<Config, String> + Send + Sync>;

pub(crate) struct ThisAgent {
    pub(crate) identity: Identity,
    /// The configuration in force.
    pub(crate) config: Mutex<Config>,
    pub(crate) reread: Option<Reread>,
    pub(crate) sources: Sources,
    pub(crate) requests: Arc<Requests>,
    pub(crate) stop: watch::Sender<Option<StopReason>>,
    pub(crate) started: Instant,
}

impl ThisAgent {
    fn config(&self) -> Config {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replica(&self) -> &ServerReplica {
        &self.sources.replica
    }

    fn logs(&self) -> &Logs {
        &self.sources.logs
    }

    fn serving(&self) -> &Serving {
        &self.sources.serving
    }

    /// Puts in force what can be, and remembers it, so that the next reload compares with what is in force.
    fn apply(&self, new: &Config) -> ReloadReport {
        let mut running = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = ReloadPlan::between(&running, new);
        let mut report = ReloadReport::default();
        for change in plan.changes {
            let key = change.option.key;
            if key == "log_level" {
                self.logs().set_level(new.log_level);
                running.log_level = new.log_level;
                report.applied.push(key.to_owned());
            } else {
                report.needs_restart.push(key.to_owned());
            }
        }
        report
    }
}

impl LocalAgent for ThisAgent {
    fn node_name(&self) -> NodeName {
        self.identity.name.clone()
    }

    fn datacenter(&self) -> String {
        // The one option that every request asks for; it never changes while the agent runs.
        self.config.lock().unwrap_or_else(PoisonError::into_inner).datacenter.clone()
    }

    fn info(&self) -> AgentInfo {
        about::info(&self.config(), &self.identity, &self.replica().status())
    }

    fn host(&self) -> HostInfo {
        host::read(self.identity.log_dir.as_deref())
    }

    fn reload(&self) -> Result<ReloadReport, String> {
        let Some(reread) = &self.reread else {
            return Err("this agent was started without files that could be read again".to_owned());
        };
        let new = reread()?;
        let report = self.apply(&new);
        tracing::info!(
            applied = report.applied.join(","),
            needs_restart = report.needs_restart.join(","),
            "configuration reloaded"
        );
        Ok(report)
    }

    fn leave(&self) {
        request_stop(&self.stop, StopReason::Leave);
    }

    fn monitor(&self, filter: LogFilter) -> Result<LogLines, String> {
        self.logs().monitor(&filter)
    }

    fn metrics(&self, format: MetricsFormat) -> String {
        let figures = self.sources.read(self.health().ready);
        let page = Page { figures, requests: self.requests.read() };
        if format == MetricsFormat::Prometheus {
            return prometheus::render(page);
        }
        let hide = self.config().telemetry.disable_hostname;
        let host = (!hide).then(|| self.identity.name.as_str());
        let uptime = (time::now() - self.started).as_secs_f64();
        let now =
            i64::try_from(self.replica().now().0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        consul_json::render(&page, now.unwrap_or_default(), &Naming { host, uptime })
    }

    fn health(&self) -> Health {
        self.serving().health(&self.replica().status())
    }
}

/// Asks the agent to stop; the first reason counts.
pub(crate) fn request_stop(stop: &watch::Sender<Option<StopReason>>, reason: StopReason) {
    stop.send_if_modified(|asked| {
        let first = asked.is_none();
        asked.get_or_insert(reason);
        first
    });
}
