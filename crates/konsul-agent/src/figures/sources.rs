//! Where figures come from.

use std::sync::{Arc, OnceLock, Weak};

use konsul_config::build;
use konsul_operations::figures::{KvFigures, NAMESPACES_MAX, OTHERS};
use konsul_operations::ports::{Health, HealthState, Replica as _};
use konsul_raft::contract::{Role, Status};
use konsul_replica::ServerReplica;
use konsul_state::State;
use konsul_state::usage::Usage;
use konsul_types::Namespace;
use konsul_watch::FeedStats;

use super::table::{self, Metric};
use super::{Figure, Requests, Shape, discovery};
use crate::backups::Keeper;
use crate::health::{self, Board, Looked};
use crate::logs::Logs;
use crate::process::ProcessFigures;
use crate::registry::Registry;
use crate::serving::Serving;
use crate::telemetry::Tracing;

/// Whoever knows a figure.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) replica: Arc<ServerReplica>,
    pub(crate) serving: Arc<Serving>,
    pub(crate) logs: Logs,
    pub(crate) backups: Option<Arc<Keeper>>,
    pub(crate) requests: Arc<Requests>,
    /// The waist's own, once there is a waist.
    pub(crate) calls: OnceLock<Arc<KvFigures>>,
    /// What is registered here, once that is kept.
    pub(crate) registry: OnceLock<Weak<Registry>>,
    /// What DNS counts, once it answers.
    pub(crate) dns: OnceLock<Arc<konsul_dns::Figures>>,
    pub(crate) board: Arc<Board>,
    /// `None` if nothing is traced.
    pub(crate) tracing: Option<Tracing>,
}

/// Nanoseconds of a second.
const NANOS: f64 = 1e9;

impl Sources {
    /// Looks at everything that can be told only by looking, and answers how the agent stands.
    pub(crate) fn health(&self) -> Health {
        let raft = self.replica.status();
        health::look(
            &self.board,
            &Looked {
                phase: self.serving.phase(),
                raft: &raft,
                disk_full: self.replica.figures().full,
                wall_ms: konsul_runtime::time::wall_ms(),
                log_ms: self.replica.now().0,
                process: &ProcessFigures::read(),
            },
        );
        let mut health = self.board.read();
        health.lines.extend(self.backups.iter().flat_map(|keeper| keeper.health()));
        health
    }

    /// Everything as of now.
    pub(crate) fn read(&self) -> Vec<Figure> {
        let mut all = vec![build_info()];
        agent(&mut all, &self.health());
        all.extend(self.logs.figures());
        all.extend(self.tracing.iter().flat_map(Tracing::figures));
        all.push(table::HTTP_CONNECTIONS.count(self.serving.connections() as u64));
        all.extend(self.requests.figures());
        let status = self.replica.status();
        raft(&mut all, &status);
        engine(&mut all, &self.replica.figures());
        feed(&mut all, &self.replica.feed().stats());
        let calls = self.calls.get().map(|calls| calls.read()).unwrap_or_default();
        let called = calls.into_iter().map(|(name, id, count)| ([name, id.to_owned()], count as f64));
        all.push(table::KV_OPERATIONS.each(called));
        state(&mut all, &self.replica.state());
        all.extend(self.backups.iter().flat_map(|keeper| keeper.figures()));
        if let Some(registry) = self.registry.get().and_then(Weak::upgrade) {
            discovery::checks(&mut all, &registry.stats());
        }
        if let Some(figures) = self.dns.get() {
            discovery::dns(&mut all, figures);
        }
        process(&mut all, &ProcessFigures::read());
        all
    }
}

fn build_info() -> Figure {
    table::BUILD_INFO.each([([build::VERSION.to_owned(), build::REVISION.to_owned()], 1.0)])
}

fn agent(all: &mut Vec<Figure>, health: &Health) {
    all.push(table::READY.now(f64::from(health.ready)));
    all.push(table::LIVE.now(f64::from(health.live)));
    let state = |state| match state {
        HealthState::Ok => 0.0,
        HealthState::Warn => 1.0,
        HealthState::Fail => 2.0,
    };
    let lines = health.lines.iter().map(|line| ([line.name.to_owned()], state(line.state)));
    all.push(table::HEALTH.each(lines));
}

fn raft(all: &mut Vec<Figure>, status: &Status) {
    let leads = f64::from(status.role == Role::Leader);
    all.extend([
        table::TERM.count(status.term),
        table::LEADER.now(leads),
        table::VOTERS.count(status.voters.len() as u64),
        table::LAST_LOG.count(status.last_log),
        table::COMMITTED.count(status.committed),
        table::APPLIED.count(status.applied.index),
        table::LAG.count(status.last_log.saturating_sub(status.applied.index)),
        table::COVERED.count(status.snapshot),
        table::PURGED.count(status.purged),
        table::SEGMENTS.count(status.storage.segments),
        table::LOG_BYTES.count(status.storage.log_bytes),
        table::SNAPSHOT_BYTES.count(status.storage.snapshot_bytes),
        table::SYNCS.count(status.storage.syncs),
        table::APPENDED.count(status.storage.appended_bytes),
    ]);
}

fn engine(all: &mut Vec<Figure>, figures: &konsul_raft::Figures) {
    let none = Vec::<String>::new;
    let seconds = |metric: &Metric, read| metric.shapes([(none(), Shape::of(read, NANOS))]);
    all.extend([
        seconds(&table::APPEND, &figures.append),
        seconds(&table::SYNC, &figures.sync),
        table::BATCH.shapes([(none(), Shape::of(&figures.batch_entries, 1.0))]),
        seconds(&table::APPLY, &figures.apply),
        seconds(&table::SNAPSHOT, &figures.snapshot),
        table::SNAPSHOT_LAST.count(figures.snapshot_bytes),
        table::SNAPSHOT_FAILURES.count(figures.snapshot_failures),
        table::FULL.now(f64::from(figures.full)),
        table::REFUSED_FULL.count(figures.refused_full),
        table::HELD.count(figures.held as u64),
        table::DISK_JOBS.count(figures.disk_jobs as u64),
        table::PROPOSALS.count(figures.proposals as u64),
        table::QUEUED.count(figures.queued_bytes as u64),
        table::QUEUE_LIMIT.count(figures.queued_bytes_max as u64),
        table::BARRIERS.count(figures.barriers as u64),
        table::RECENT.count(figures.recent_entries as u64),
    ]);
}

fn feed(all: &mut Vec<Figure>, stats: &FeedStats) {
    all.extend([
        table::FEED_ENTRIES.count(stats.history_entries as u64),
        table::FEED_BYTES.count(stats.history_bytes as u64),
        table::FEED_PARKED.count(stats.parked as u64),
        table::FEED_SUBSCRIBERS.count(stats.subscribers as u64),
        table::FEED_WAITING.count(stats.waiting as u64),
        table::FEED_PUBLISHED.count(stats.published),
        table::FEED_WAKEUPS.count(stats.wakeups),
        table::FEED_VISITED.count(stats.visited),
        table::FEED_REFUSED.count(stats.refused),
        table::FEED_FELL_OUT.count(stats.fell_out),
        table::FEED_REPLACED.count(stats.replaced),
    ]);
}

/// One value of a namespace.
type OfNamespace = (&'static Metric, fn(&Usage) -> u64);

const BY_NAMESPACE: [OfNamespace; 7] = [
    (&table::KV_KEYS, |usage| usage.keys),
    (&table::KV_BYTES, |usage| usage.bytes),
    (&table::KV_VERSIONS, |usage| usage.history_versions),
    (&table::KV_VERSION_BYTES, |usage| usage.history_bytes),
    (&table::SESSIONS, |usage| usage.sessions),
    (&table::LOCKS, |usage| usage.locks),
    (&table::LOCK_WAITERS, |usage| usage.lock_waiters),
];

fn state(all: &mut Vec<Figure>, state: &State) {
    let usage = state.usage();
    all.extend(BY_NAMESPACE.iter().map(|(metric, value)| metric.each(bounded(&usage, *value))));
    all.extend([
        table::NODES.count(state.catalog().nodes().len() as u64),
        table::SERVICES.count(state.catalog().services_count() as u64),
        table::INSTANCES.count(state.catalog().services().len() as u64),
        table::CHECKS.count(state.catalog().checks().len() as u64),
        table::QUERIES.count(state.queries().iter().len() as u64),
        table::EVENTS.count(state.events().iter().count() as u64),
        table::REQUEST_RECORDS.count(state.requests().len() as u64),
        table::FEATURE_LEVEL.count(u64::from(state.feature_level())),
    ]);
}

/// The default namespace, the first others by name up to the bound, and the rest together.
fn bounded(usage: &[Usage], value: fn(&Usage) -> u64) -> Vec<([String; 1], f64)> {
    let default = Namespace::default_namespace();
    let mut others = usage.iter().filter(|usage| usage.namespace != default);
    let told = usage.iter().filter(|usage| usage.namespace == default);
    let told = told.chain(others.by_ref().take(NAMESPACES_MAX));
    let mut all: Vec<_> = told.map(|usage| ([usage.namespace.to_string()], value(usage) as f64)).collect();
    let rest: Vec<u64> = others.map(value).collect();
    if !rest.is_empty() {
        all.push(([OTHERS.to_owned()], rest.iter().sum::<u64>() as f64));
    }
    all
}

/// Under the names that Prometheus' own client libraries use for a process.
fn process(all: &mut Vec<Figure>, process: &ProcessFigures) {
    all.extend([
        table::RSS.count(process.resident_bytes),
        table::THREADS.count(process.threads),
        table::OPEN_FDS.count(process.open_fds),
        table::MAX_FDS.count(process.max_fds),
        table::START.now(process.start_seconds),
        table::CPU.now(process.cpu_seconds),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_over_the_bound_are_told_together() {
        let usage = |name: &str, keys| Usage {
            namespace: Namespace::new(name).unwrap(),
            keys,
            bytes: 0,
            sessions: 0,
            locks: 0,
            lock_waiters: 0,
            history_versions: 0,
            history_bytes: 0,
        };
        let mut all: Vec<_> = (0..1000).map(|number| usage(&format!("a{number:04}"), 1)).collect();
        all.push(usage("default", 5));
        let told = bounded(&all, |usage| usage.keys);
        assert_eq!(told.len(), NAMESPACES_MAX + 2);
        assert_eq!((told[0].0[0].as_str(), told[0].1), ("default", 5.0));
        let (name, rest) = told.last().unwrap();
        assert_eq!((name[0].as_str(), *rest), (OTHERS, 1000.0 - NAMESPACES_MAX as f64));
    }
}
