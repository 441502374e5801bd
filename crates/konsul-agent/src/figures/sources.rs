//! Where figures come from.

use std::sync::Arc;

use konsul_operations::ports::Replica as _;
use konsul_raft::contract::{Role, Status};
use konsul_replica::ServerReplica;
use konsul_state::State;
use konsul_watch::FeedStats;

use super::{Figure, Kind, Sample};
use crate::logs::Logs;
use crate::process::ProcessFigures;
use crate::serving::Serving;
use konsul_config::build;

/// Whoever knows a figure.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) replica: Arc<ServerReplica>,
    pub(crate) serving: Arc<Serving>,
    pub(crate) logs: Logs,
}

impl Sources {
    /// Everything as of now.
    pub(crate) fn read(&self, ready: bool) -> Vec<Figure> {
        let mut all =
            vec![build_info(), Figure::gauge("konsul_ready", "Whether this agent serves", f64::from(ready))];
        all.push(Figure::gauge(
            "konsul_http_connections",
            "Open HTTP connections",
            self.serving.connections() as f64,
        ));
        all.push(Figure::gauge(
            "konsul_log_monitors",
            "Readers of the log over the API",
            self.logs.monitors() as f64,
        ));
        let help = "Lines of the log that a reader was too slow for";
        all.push(Figure::counter("konsul_log_dropped_lines", help, self.logs.dropped() as f64));
        raft(&mut all, &self.replica.status());
        feed(&mut all, &self.replica.feed().stats());
        state(&mut all, &self.replica.state());
        process(&mut all, &ProcessFigures::read());
        all
    }
}

fn build_info() -> Figure {
    let labels = vec![("version", build::VERSION.to_owned()), ("revision", build::REVISION.to_owned())];
    let help = "1, with the build in its labels";
    Figure::of(Kind::Gauge, "konsul_build_info", help, vec![Sample { labels, value: 1.0 }])
}

fn raft(all: &mut Vec<Figure>, status: &Status) {
    let mut gauge = |name, help, value: u64| all.push(Figure::gauge(name, help, value as f64));
    gauge("konsul_raft_term", "Term of consensus", status.term);
    gauge("konsul_raft_last_log_index", "Last position in the log", status.last_log);
    gauge("konsul_raft_commit_index", "Last position known to be committed", status.committed);
    gauge("konsul_raft_applied_index", "Last position applied to the state", status.applied.index);
    gauge("konsul_raft_snapshot_index", "Last position covered by a snapshot", status.snapshot);
    gauge("konsul_raft_purged_index", "Positions up to here are gone from the log", status.purged);
    gauge("konsul_raft_voters", "Voting members", status.voters.len() as u64);
    gauge("konsul_storage_log_segments", "Files of the log, the spare one included", status.storage.segments);
    gauge("konsul_storage_log_bytes", "Bytes of the log's files", status.storage.log_bytes);
    gauge("konsul_storage_snapshot_bytes", "Bytes of kept snapshots", status.storage.snapshot_bytes);
    let leads = f64::from(status.role == Role::Leader);
    all.push(
        Figure::gauge("konsul_raft_is_leader", "Whether this server leads", leads)
            .known_as("server.isLeader"),
    );
    let mut counter = |name, help, value: u64| all.push(Figure::counter(name, help, value as f64));
    counter("konsul_storage_syncs", "Times the log was synced to the disk", status.storage.syncs);
    counter("konsul_storage_appended_bytes", "Bytes appended to the log", status.storage.appended_bytes);
}

fn feed(all: &mut Vec<Figure>, stats: &FeedStats) {
    let mut gauge = |name, help, value: usize| all.push(Figure::gauge(name, help, value as f64));
    gauge("konsul_feed_history_entries", "Change sets that the feed remembers", stats.history_entries);
    gauge("konsul_feed_history_bytes", "Bytes of change sets that the feed remembers", stats.history_bytes);
    gauge("konsul_feed_parked_readers", "Blocking queries that wait", stats.parked);
    gauge("konsul_feed_subscribers", "Subscribers of the feed", stats.subscribers);
    gauge("konsul_feed_waiting", "Entries in the index of waiting readers", stats.waiting);
    let mut counter = |name, help, value: u64| all.push(Figure::counter(name, help, value as f64));
    counter("konsul_feed_published", "Change sets published", stats.published);
    counter("konsul_feed_wakeups", "Waiting readers woken by a change", stats.wakeups);
    counter("konsul_feed_visited", "Waiting readers that publishing looked at", stats.visited);
    counter("konsul_feed_refused", "Readers refused at a bound", stats.refused);
    counter("konsul_feed_fell_out", "Subscribers that were too slow for the history", stats.fell_out);
    counter("konsul_feed_replaced", "Subscribers told that the state was replaced", stats.replaced);
}

fn state(all: &mut Vec<Figure>, state: &State) {
    let usage = state.usage();
    let mut by_namespace = |name, help, consul, value: fn(&konsul_state::usage::Usage) -> u64| {
        let samples = usage.iter().map(|usage| Sample {
            labels: vec![("namespace", usage.namespace.to_string())],
            value: value(usage) as f64,
        });
        let figure = Figure::of(Kind::Gauge, name, help, samples.collect());
        all.push(Figure { consul, ..figure });
    };
    by_namespace("konsul_kv_keys", "Keys, by namespace", Some("state.kv_entries"), |usage| usage.keys);
    by_namespace("konsul_kv_bytes", "Bytes of keys and values, by namespace", None, |usage| usage.bytes);
    by_namespace("konsul_sessions", "Live sessions, by namespace", Some("state.sessions"), |usage| {
        usage.sessions
    });
    let nodes = state.catalog().nodes().count() as f64;
    all.push(Figure::gauge("konsul_catalog_nodes", "Nodes in the catalogue", nodes).known_as("state.nodes"));
    let checks = state.catalog().checks().count() as f64;
    all.push(Figure::gauge("konsul_catalog_checks", "Checks in the catalogue", checks));
    let level = f64::from(state.feature_level());
    all.push(Figure::gauge("konsul_feature_level", "Level of commands that all servers can read", level));
}

/// Under the names that Prometheus' own client libraries use for a process.
fn process(all: &mut Vec<Figure>, process: &ProcessFigures) {
    let resident = process.resident_bytes as f64;
    all.push(
        Figure::gauge("process_resident_memory_bytes", "Bytes of memory that are resident", resident)
            .known_as("runtime.sys_bytes"),
    );
    let threads = process.threads as f64;
    all.push(Figure::gauge("process_threads", "Threads", threads).known_as("runtime.num_threads"));
    all.push(Figure::gauge("process_open_fds", "Open descriptors", process.open_fds as f64));
    all.push(Figure::gauge("process_max_fds", "Most descriptors that may be open", process.max_fds as f64));
    let help = "Start of the process, seconds since the Unix epoch";
    all.push(Figure::gauge("process_start_time_seconds", help, process.start_seconds));
    let help = "Seconds of processor time, user and system";
    all.push(Figure::counter("process_cpu_seconds", help, process.cpu_seconds));
}
