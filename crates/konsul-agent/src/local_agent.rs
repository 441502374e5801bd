//! The agent as the operations see it: the port [`LocalAgent`].

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use jiff::Timestamp;
use konsul_config::{Config, ReloadPlan, WatchBlock};
use konsul_operations::backups::Backups;
use konsul_operations::ports::{
    AgentInfo, Bound, Health, HostInfo, LocalAgent, LocalRegistry, LogFilter, LogLevels, LogLines,
    MetricsFormat, MetricsHistory, ReloadReport, Replica as _,
};
use konsul_operations::reconcile::Wanted;
use konsul_replica::ServerReplica;
use konsul_runtime::sync::watch;
use konsul_runtime::time::{self, Instant};
use konsul_types::NodeName;

use crate::backups::Door;
use crate::figures::consul_json::{self, Naming};
use crate::figures::prometheus::{self, Page};
use crate::figures::{History, Sources};
use crate::identity::Identity;
use crate::logs::Logs;
use crate::registry::Registry;
use crate::serving::Serving;
use crate::{StopReason, about, host, settings};

/// Reads the configuration again, from where it was read first.
pub type Reread = Box<dyn Fn() -> Result<Config, String> + Send + Sync>;

pub(crate) struct ThisAgent {
    pub(crate) identity: Identity,
    /// The configuration in force.
    pub(crate) config: Mutex<Config>,
    pub(crate) reread: Option<Reread>,
    pub(crate) sources: Sources,
    pub(crate) history: Arc<History>,
    pub(crate) stop: watch::Sender<Option<StopReason>>,
    /// What the reconcilers keep true.
    pub(crate) wanted: watch::Sender<Wanted>,
    /// The handlers that run on changes.
    pub(crate) watches: watch::Sender<Vec<WatchBlock>>,
    pub(crate) started: Instant,
    /// What it keeps registered; set once the state is here that it is compared with.
    pub(crate) registry: OnceLock<Arc<Registry>>,
    /// What answers DNS, once it does.
    pub(crate) dns: OnceLock<Option<Weak<konsul_dns::Server>>>,
}

impl ThisAgent {
    /// The configuration in force.
    pub(crate) fn config(&self) -> Config {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What answers DNS, if it is on and not stopped.
    pub(crate) fn dns_server(&self) -> Option<Arc<konsul_dns::Server>> {
        self.dns.get()?.as_ref()?.upgrade()
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

    /// Puts in force what can be, and remembers it, so that the next reload compares with what is in force. Everything that
    /// can fail comes before anything that has an effect.
    fn apply(&self, new: &Config) -> Result<ReloadReport, String> {
        let mut running = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = ReloadPlan::between(&running, new);
        let mut next = running.clone();
        plan.put_in_force(&mut next, new);
        let http = settings::http(&next).map_err(|why| why.to_string())?;
        if let Some(registry) = self.registry.get() {
            registry.reload(&next)?;
        }
        if let Some(server) = self.dns_server() {
            server.set_settings(crate::dns::settings(&next)).map_err(|why| why.to_string())?;
        }
        self.serving().set_settings(http);
        self.wanted.send_replace(settings::wanted(&next, &self.identity));
        self.watches.send_if_modified(|watches| {
            let changed = *watches != next.watches;
            watches.clone_from(&next.watches);
            changed
        });
        // A level that was changed over the API stays, unless this one changed too.
        if next.log_level != running.log_level {
            self.logs().set_level(next.log_level);
        }
        *running = next;
        Ok(report(&plan))
    }
}

/// Says in the log what changed, and answers the same by key.
fn report(plan: &ReloadPlan) -> ReloadReport {
    let mut report = ReloadReport::default();
    for change in plan.live() {
        tracing::info!(%change, "an option has changed, and is in force");
        report.applied.push(change.option.key.to_owned());
    }
    for change in plan.needs_restart() {
        tracing::warn!(%change, "an option has changed, and needs a restart");
        report.needs_restart.push(change.option.key.to_owned());
    }
    report
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
        let report = self.apply(&new)?;
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
        let page = Page { figures: self.sources.read(), requests: self.sources.requests.read() };
        match format {
            MetricsFormat::Prometheus => return prometheus::render(page),
            MetricsFormat::OpenMetrics => return prometheus::render_open(page),
            MetricsFormat::ConsulJson => {}
        }
        let hide = self.config().telemetry.disable_hostname;
        let host = (!hide).then(|| self.identity.name.as_str());
        let uptime = (time::now() - self.started).as_secs_f64();
        let now =
            i64::try_from(self.replica().now().0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        consul_json::render(&page, now.unwrap_or_default(), &Naming { host, uptime })
    }

    fn health(&self) -> Health {
        self.sources.health()
    }

    fn metrics_history(&self) -> Option<MetricsHistory> {
        Some(self.history.read())
    }

    fn log_levels(&self) -> Option<LogLevels> {
        Some(self.logs().levels())
    }

    fn set_log_levels(&self, levels: LogLevels) -> Result<LogLevels, String> {
        let set = self.logs().set_levels(&levels)?;
        tracing::info!(level = set.level, targets = ?set.targets, "log level changed");
        Ok(set)
    }

    fn keeps_registrations(&self) -> bool {
        true
    }

    fn registry(&self) -> Option<Arc<dyn LocalRegistry>> {
        self.registry.get().map(|registry| Arc::clone(registry) as Arc<dyn LocalRegistry>)
    }

    fn bounds(&self) -> Vec<Bound> {
        settings::bounds(&self.config())
    }

    fn backups(&self) -> Option<Arc<dyn Backups>> {
        self.sources.backups.clone().map(|keeper| Arc::new(Door(keeper)) as Arc<dyn Backups>)
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
