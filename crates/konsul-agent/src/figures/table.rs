//! Every metric: name, type, labels, help. What is told, the page in the book and the test that each of them moves all come
//! from here, so that no metric can be declared and not told, or told and not declared.
//!
//! Labels have few values: ids of operations, classes of status, names of checks, and at most
//! [`NAMESPACES_MAX`](konsul_operations::figures::NAMESPACES_MAX) namespaces and two more. No label holds a key, a path, an
//! address or anything else that a client can make up.

use super::{Figure, Kind, Sample, Shape};

/// The declaration of one metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Prometheus' name; a counter's without its `_total`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Names of its labels, in the order in which values are given.
    pub labels: &'static [&'static str],
    /// What it tells, with its unit.
    pub help: &'static str,
    /// Consul's name without its prefix, where Consul's readers know one.
    pub consul: Option<&'static str>,
}

impl Metric {
    /// The name under which it is found in Prometheus.
    pub fn told_as(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}_total", self.name),
            Kind::Gauge | Kind::Histogram => self.name.to_owned(),
        }
    }

    fn figure(&self, samples: Vec<Sample>, shapes: Vec<Shape>) -> Figure {
        let Metric { name, kind, help, consul, .. } = *self;
        Figure { name, consul, help, kind, samples, shapes }
    }

    /// One value, of a metric without labels.
    pub(crate) fn now(&self, value: f64) -> Figure {
        debug_assert!(self.labels.is_empty(), "{}", self.name);
        self.figure(vec![Sample { labels: Vec::new(), value }], Vec::new())
    }

    /// The same for a number of things.
    pub(crate) fn count(&self, value: u64) -> Figure {
        self.now(value as f64)
    }

    /// A value for each set of labels.
    pub(crate) fn each<L: IntoIterator<Item = String>>(
        &self,
        samples: impl IntoIterator<Item = (L, f64)>,
    ) -> Figure {
        let samples = samples.into_iter().map(|(labels, value)| Sample { labels: self.label(labels), value });
        self.figure(samples.collect(), Vec::new())
    }

    /// A distribution for each set of labels.
    pub(crate) fn shapes<L: IntoIterator<Item = String>>(
        &self,
        shapes: impl IntoIterator<Item = (L, Shape)>,
    ) -> Figure {
        let shapes = shapes.into_iter().map(|(labels, shape)| Shape { labels: self.label(labels), ..shape });
        self.figure(Vec::new(), shapes.collect())
    }

    fn label(&self, values: impl IntoIterator<Item = String>) -> Vec<(&'static str, String)> {
        self.labels.iter().copied().zip(values).collect()
    }
}

macro_rules! metrics {
    ($($title:literal { $($id:ident $kind:ident $name:literal [$($label:literal)*] $help:literal
        $(as $consul:literal)?;)* })*) => {
        $($(pub(crate) static $id: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
            consul: metrics!(@consul $($consul)?),
        };)*)*

        /// Every metric, by what it is about.
        pub static METRICS: &[(&str, &[&Metric])] = &[$(($title, &[$(&$id),*])),*];
    };
    (@consul) => { None };
    (@consul $consul:literal) => { Some($consul) };
}

metrics! {
    "Agent" {
        BUILD_INFO Gauge "konsul_build_info" ["version" "revision"] "1, with the build in its labels";
        READY Gauge "konsul_ready" [] "Whether this agent serves: 1 or 0";
        LIVE Gauge "konsul_live" [] "Whether this agent works, and needs no restart: 1 or 0";
        HEALTH Gauge "konsul_health" ["check"] "How one line of /health stands: 0 is ok, 1 warns, 2 fails";
        LOG_LINES Counter "konsul_log_lines" ["level"] "Lines that this agent logged, by level";
        LOG_MONITORS Gauge "konsul_log_monitors" [] "Readers of the log over the API";
        LOG_WAITING Gauge "konsul_log_waiting_lines" [] "Lines of the log that wait for the console";
        LOG_DROPPED Counter "konsul_log_dropped_lines" [] "Lines of the log that a reader was too slow for";
        SPANS Counter "konsul_trace_spans" ["result"] "Spans of traces: exported, failed to be, or dropped at the bound";
        SPANS_WAITING Gauge "konsul_trace_waiting_spans" [] "Spans that wait to be exported";
    }
    "HTTP" {
        HTTP_REQUESTS Counter "konsul_http_requests" ["operation" "status"]
            "Answers of the HTTP API, by operation and class of status";
        HTTP_DURATION Histogram "konsul_http_request_duration_seconds" ["operation"]
            "Seconds from a request's head to its answer's, waiting of blocking queries included";
        HTTP_IN_FLIGHT Gauge "konsul_http_requests_in_flight" ["operation"]
            "Requests whose answer has not begun, by operation";
        HTTP_ABANDONED Counter "konsul_http_requests_abandoned" ["operation"]
            "Requests whose client went away before the answer, by operation";
        HTTP_BYTES Counter "konsul_http_response_bytes" ["operation"]
            "Bytes of answers' bodies, without those that were streamed";
        HTTP_CONNECTIONS Gauge "konsul_http_connections" [] "Open HTTP connections";
    }
    "Keys, sessions, catalogue" {
        KV_OPERATIONS Counter "konsul_kv_operations" ["namespace" "operation"]
            "Calls of operations on keys, by namespace; members of transactions are not counted";
        KV_KEYS Gauge "konsul_kv_keys" ["namespace"] "Keys, by namespace" as "state.kv_entries";
        KV_BYTES Gauge "konsul_kv_bytes" ["namespace"] "Bytes of keys and values, by namespace";
        KV_VERSIONS Gauge "konsul_kv_history_versions" ["namespace"] "Old values that are kept, by namespace";
        KV_VERSION_BYTES Gauge "konsul_kv_history_bytes" ["namespace"] "Bytes of old values that are kept, by namespace";
        SESSIONS Gauge "konsul_sessions" ["namespace"] "Live sessions, by namespace" as "state.sessions";
        LOCKS Gauge "konsul_locks" ["namespace"] "Locks that are held, by namespace";
        LOCK_WAITERS Gauge "konsul_lock_waiters" ["namespace"] "Sessions that wait for a lock, by namespace";
        NODES Gauge "konsul_catalog_nodes" [] "Nodes in the catalogue" as "state.nodes";
        SERVICES Gauge "konsul_catalog_services" [] "Services in the catalogue, over all namespaces" as "state.services";
        INSTANCES Gauge "konsul_catalog_instances" [] "Instances of services in the catalogue" as "state.service_instances";
        CHECKS Gauge "konsul_catalog_checks" [] "Checks in the catalogue";
        QUERIES Gauge "konsul_prepared_queries" [] "Prepared queries";
        EVENTS Gauge "konsul_events" [] "Events that are remembered";
        REQUEST_RECORDS Gauge "konsul_request_records" []
            "Requests that are remembered, so that a repeat is answered and not done again";
        FEATURE_LEVEL Gauge "konsul_feature_level" [] "Level of commands that all servers can read";
    }
    "Health checks of this agent" {
        AGENT_CHECKS Gauge "konsul_check_checks" ["status"] "Checks that the agent runs, by the status that they show";
        CHECK_RUNS Counter "konsul_check_runs" ["kind" "result"] "Runs of checks that ended, by kind and result";
        CHECK_LAG Histogram "konsul_check_lag_seconds" []
            "Seconds from when a run was due to its start: it grows when the agent cannot keep up";
        CHECK_TOOK Histogram "konsul_check_run_duration_seconds" [] "Seconds that a run took";
        CHECK_REPORTS Counter "konsul_check_reports" [] "Results that were news, and went to the registry";
        CHECK_UPDATES Counter "konsul_check_updates" [] "Results that owners reported of checks with a time to live";
    }
    "DNS" {
        DNS_ANSWERS Counter "konsul_dns_answers" ["type" "rcode"] "Answers, by the type asked for and the response code";
        DNS_DURATION Histogram "konsul_dns_duration_seconds" [] "Seconds from a question's arrival to its answer's departure";
        DNS_DROPPED Counter "konsul_dns_dropped" ["reason"] "Packets that got no answer, or none of substance, by reason";
    }
    "Log and disk" {
        APPEND Histogram "konsul_storage_append_duration_seconds" []
            "Seconds from the first write of a batch to the log until its sync began";
        SYNC Histogram "konsul_storage_sync_duration_seconds" [] "Seconds that the sync of a batch took";
        BATCH Histogram "konsul_storage_batch_entries" [] "Entries of the log that shared one sync";
        SYNCS Counter "konsul_storage_syncs" [] "Times the log was synced to the disk";
        APPENDED Counter "konsul_storage_appended_bytes" [] "Bytes appended to the log";
        SEGMENTS Gauge "konsul_storage_log_segments" [] "Files of the log, the spare one included";
        LOG_BYTES Gauge "konsul_storage_log_bytes" [] "Bytes of the log's files";
        SNAPSHOT_BYTES Gauge "konsul_storage_snapshot_bytes" [] "Bytes of kept snapshots on the disk";
        SNAPSHOT Histogram "konsul_snapshot_duration_seconds" []
            "Seconds from a snapshot's begin until it was durable; its count is that of snapshots";
        SNAPSHOT_LAST Gauge "konsul_snapshot_last_bytes" []
            "Bytes of the last snapshot before compression; 0 if none was taken since the start";
        SNAPSHOT_FAILURES Counter "konsul_snapshot_failures" [] "Snapshots that could not be written";
        FULL Gauge "konsul_storage_full" [] "Whether the disk is full, so that writes are refused: 1 or 0";
        REFUSED_FULL Counter "konsul_storage_refused_writes" [] "Writes that were refused because the disk is full";
        HELD Gauge "konsul_storage_held_appends" [] "Appends to the log that wait for space";
        DISK_JOBS Gauge "konsul_storage_waiting_jobs" [] "Jobs that wait for the log's disk";
    }
    "Consensus" {
        TERM Gauge "konsul_raft_term" [] "Term of consensus";
        LEADER Gauge "konsul_raft_is_leader" [] "Whether this server leads: 1 or 0" as "server.isLeader";
        VOTERS Gauge "konsul_raft_voters" [] "Voting members";
        LAST_LOG Gauge "konsul_raft_last_log_index" [] "Last position in the log";
        COMMITTED Gauge "konsul_raft_commit_index" [] "Last position known to be committed";
        APPLIED Gauge "konsul_raft_applied_index" [] "Last position applied to the state";
        LAG Gauge "konsul_raft_apply_lag_entries" [] "Entries in the log that are not applied to the state yet";
        COVERED Gauge "konsul_raft_snapshot_index" [] "Last position covered by a snapshot";
        PURGED Gauge "konsul_raft_purged_index" [] "Positions up to here are gone from the log";
        APPLY Histogram "konsul_raft_apply_duration_seconds" [] "Seconds that applying one batch of entries took";
        PROPOSALS Gauge "konsul_raft_waiting_proposals" [] "Writes that wait to be durable and applied";
        QUEUED Gauge "konsul_raft_queued_bytes" [] "Bytes of writes that are under way to the log";
        QUEUE_LIMIT Gauge "konsul_raft_queue_limit_bytes" []
            "Bytes of writes that may be under way to the log; beyond it writes wait their turn";
        BARRIERS Gauge "konsul_raft_waiting_barriers" [] "Consistent reads whose round of confirmation has not begun";
        RECENT Gauge "konsul_raft_recent_entries" [] "Entries of the log that are kept in memory";
    }
    "Change feed" {
        FEED_ENTRIES Gauge "konsul_feed_history_entries" [] "Change sets that the feed remembers";
        FEED_BYTES Gauge "konsul_feed_history_bytes" [] "Bytes of change sets that the feed remembers";
        FEED_PARKED Gauge "konsul_feed_parked_readers" [] "Blocking queries that wait";
        FEED_SUBSCRIBERS Gauge "konsul_feed_subscribers" [] "Subscribers of the feed";
        FEED_WAITING Gauge "konsul_feed_waiting" [] "Entries in the index of waiting readers";
        FEED_PUBLISHED Counter "konsul_feed_published" [] "Change sets published";
        FEED_WAKEUPS Counter "konsul_feed_wakeups" [] "Waiting readers woken by a change";
        FEED_VISITED Counter "konsul_feed_visited" [] "Waiting readers that publishing looked at";
        FEED_REFUSED Counter "konsul_feed_refused" [] "Readers refused at a bound";
        FEED_FELL_OUT Counter "konsul_feed_fell_out" [] "Subscribers that were too slow for the history and began anew";
        FEED_REPLACED Counter "konsul_feed_replaced" [] "Subscribers told that the state was replaced, by a restore";
    }
    "Backups, if they are configured" {
        BACKUP_HEALTHY Gauge "konsul_backup_healthy" [] "Whether the health lines of backups and drill are green: 1 or 0";
        BACKUP_FILES Gauge "konsul_backup_files" [] "Backups that are kept";
        BACKUP_SIZE Gauge "konsul_backup_size_bytes" [] "Bytes of the newest backup";
        BACKUP_RUNS Counter "konsul_backup_runs" ["result"] "Backups that were tried, by result";
        BACKUP_DRILLS Counter "konsul_backup_drills" ["result"] "Restore drills, by result";
        BACKUP_AGE Gauge "konsul_backup_age_seconds" [] "Age of the newest backup";
        BACKUP_SUCCESS Gauge "konsul_backup_success_time_seconds" []
            "End of the last backup that succeeded, seconds since the Unix epoch";
        BACKUP_TOOK Gauge "konsul_backup_duration_seconds" [] "Seconds that the last backup took that succeeded";
        DRILL_SUCCESS Gauge "konsul_backup_drill_success_time_seconds" []
            "End of the last restore drill that succeeded, seconds since the Unix epoch";
        DRILL_TOOK Gauge "konsul_backup_drill_duration_seconds" []
            "Seconds that the last restore drill took that succeeded";
    }
    "Process" {
        RSS Gauge "process_resident_memory_bytes" [] "Bytes of memory that are resident" as "runtime.sys_bytes";
        THREADS Gauge "process_threads" [] "Threads" as "runtime.num_threads";
        OPEN_FDS Gauge "process_open_fds" [] "Open descriptors";
        MAX_FDS Gauge "process_max_fds" [] "Most descriptors that may be open";
        START Gauge "process_start_time_seconds" [] "Start of the process, seconds since the Unix epoch";
        CPU Counter "process_cpu_seconds" [] "Seconds of processor time, user and system";
    }
}

/// Every metric.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().flat_map(|(_, metrics)| metrics.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_prometheus_and_stand_once() {
        let mut seen = BTreeSet::new();
        for metric in all() {
            let name = metric.name;
            assert!(seen.insert(name), "{name} stands twice");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(!name.ends_with("_total"), "{name}: a counter's ending comes by itself");
            assert!(name.starts_with("konsul_") || name.starts_with("process_"), "{name}");
            assert!(!metric.help.is_empty() && !metric.help.ends_with('.'), "{name}");
            let labels: BTreeSet<_> = metric.labels.iter().collect();
            assert_eq!(labels.len(), metric.labels.len(), "{name}");
        }
    }
}
