//! The configuration, as each room below wants it.

use konsul_config::Config;
use konsul_http::{Limits, Settings, Timeouts};
use konsul_operations::local::OperationLimits;
use konsul_operations::ports::Bound;
use konsul_operations::reconcile::Wanted;
use konsul_raft::contract::Options;
use konsul_storage::DiskOptions;
use konsul_types::limits::KvQuota;
use konsul_types::{Index, Node};
use konsul_watch::FeedLimits;

use crate::about;
use crate::error::AgentError;
use crate::identity::Identity;

/// Bytes of commands that may wait for the log at once.
const QUEUE_BYTES: usize = 64 << 20;

/// Consul keeps graves of removed keys for so long.
const GRAVES_MS: u64 = 15 * 60 * 1000;

/// The HTTP edge's.
pub(crate) fn http(config: &Config) -> Result<Settings, AgentError> {
    Ok(Settings {
        limits: http_limits(config),
        timeouts: timeouts(config),
        response_headers: response_headers(config)?,
        block_endpoints: config.http_config.block_endpoints.clone(),
        allow_write_from: write_sources(config)?,
        allow_unprintable: config.disable_http_unprintable_char_filter,
        always_pretty: config.pretty_json(),
        ..Settings::default()
    })
}

fn http_limits(config: &Config) -> Limits {
    Limits {
        connections: size(config.limits.http_max_conns),
        connections_per_source: size(config.limits.http_max_conns_per_client),
        head_bytes: size(config.http_config.max_header_bytes),
        value_bytes: config.limits.kv_max_value_size,
        txn_bytes: config.txn_body_limit(),
        ..Limits::default()
    }
}

fn timeouts(config: &Config) -> Timeouts {
    Timeouts {
        head: config.limits.http_header_timeout.to_std(),
        body: config.limits.http_body_timeout.to_std(),
        default_wait: config.default_query_time.to_std(),
        max_wait: config.max_query_time.to_std(),
        ..Timeouts::default()
    }
}

fn response_headers(config: &Config) -> Result<Vec<(http::HeaderName, http::HeaderValue)>, AgentError> {
    let headers = config.http_config.response_headers.iter();
    let parsed = headers.map(|(name, value)| match (name.parse(), value.parse()) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(AgentError::Option(format!(
            "http_config.response_headers: {name:?} cannot be sent as a header"
        ))),
    });
    parsed.collect()
}

fn write_sources(config: &Config) -> Result<Vec<konsul_http::Network>, AgentError> {
    let networks = config.http_config.allow_write_http_from.iter();
    let parsed = networks.map(|network| network.to_string().parse::<konsul_http::Network>());
    parsed
        .map(|network| network.map_err(|e| AgentError::Option(format!("allow_write_http_from: {e}"))))
        .collect()
}

/// The disk engine's.
pub(crate) fn disk(config: &Config) -> DiskOptions {
    let segment_bytes = u32::try_from(config.storage.segment_bytes).unwrap_or(u32::MAX);
    // Consensus keeps recent entries itself, so the log's own cache is hardly ever asked.
    DiskOptions { segment_bytes, cache_bytes: 1 << 20, ..DiskOptions::default() }
}

/// The change feed's.
pub(crate) fn feed(config: &Config) -> FeedLimits {
    FeedLimits {
        entries: size(config.watch.history_entries),
        bytes: size(config.watch.history_bytes),
        ..FeedLimits::default()
    }
}

/// Consensus'. A cluster of one elects itself at once; the times matter once there are more.
pub(crate) fn raft(config: &Config, identity: &Identity) -> Options {
    Options {
        node_id: identity.raft_id(),
        name: "raft".to_owned(),
        heartbeat_ms: 500,
        election_min_ms: 2_000,
        election_max_ms: 4_000,
        snapshot_every: config.raft_snapshot_threshold,
        queue_bytes: QUEUE_BYTES,
        bootstrap: config.may_bootstrap(),
    }
}

/// The waist's.
pub(crate) fn operations(config: &Config) -> OperationLimits {
    OperationLimits { session_ttl_min_ms: config.session_ttl_min.as_millis(), ..OperationLimits::default() }
}

/// The bounds that all servers share, as this one's configuration wants them.
pub(crate) fn replicated(config: &Config) -> konsul_types::Limits {
    konsul_types::Limits {
        kv: KvQuota { keys: config.limits.kv_max_keys, bytes: config.limits.kv_max_bytes },
        value_bytes: config.limits.kv_max_value_size,
        history_bytes: config.limits.kv_history_bytes,
        locks: config.limits.locks,
        lock_queue: config.limits.lock_queue,
        ..konsul_types::Limits::default()
    }
}

/// The feed's bounds, for whoever asks what the limits are. The edges tell their own.
pub(crate) fn bounds(config: &Config) -> Vec<Bound> {
    let bound = |name, value, unit| Bound {
        name,
        value,
        unit,
        per: "server",
        at_bound: "a slow subscriber gets a reset",
    };
    vec![
        bound("watch.history_entries", config.watch.history_entries, "entries"),
        bound("watch.history_bytes", config.watch.history_bytes, "bytes"),
    ]
}

/// What the reconcilers keep true: this server's own record, and the bounds.
pub(crate) fn wanted(config: &Config, identity: &Identity) -> Wanted {
    let address = about::advertised(config);
    let family = if address.is_ipv4() { "ipv4" } else { "ipv6" };
    let kinds = ["lan".to_owned(), "wan".to_owned(), format!("lan_{family}"), format!("wan_{family}")];
    let mut tagged: std::collections::BTreeMap<String, String> =
        kinds.into_iter().map(|kind| (kind, address.to_string())).collect();
    tagged.extend(config.tagged_addresses.clone());
    let node = Node {
        id: Some(identity.id),
        name: identity.name.clone(),
        address: address.to_string(),
        tagged_addresses: tagged,
        meta: config.node_meta.clone(),
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    };
    Wanted { node, limits: replicated(config), graves_ms: GRAVES_MS }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_arrives_where_it_holds() {
        let mut config = Config::default();
        config.limits.kv_max_value_size = 7;
        config.limits.txn_max_req_len = 3;
        config.limits.kv_max_keys = 11;
        config.watch.history_entries = 13;
        config.http_config.response_headers.insert("X-A".into(), "b".into());
        config.http_config.allow_write_http_from = vec!["10.0.0.0/8".parse().unwrap()];
        let http = http(&config).unwrap();
        assert_eq!((http.limits.value_bytes, http.limits.txn_bytes), (7, 7));
        assert_eq!(http.response_headers[0].1, "b");
        assert!(http.allow_write_from[0].contains("10.1.2.3".parse().unwrap()));
        assert_eq!((replicated(&config).kv.keys, replicated(&config).value_bytes), (11, 7));
        assert_eq!(feed(&config).entries, 13);
    }
}
