//! [`Config`]: the configuration as meant. The path of a field is the key of its option, which a test checks, so
//! `config.limits.kv_max_value_size` is what a file calls `limits { kv_max_value_size = … }`.
//!
//! What each field is for, its unit and its range stand in one place: the declarations in `options/`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use konsul_types::NodeName;
use konsul_types::duration::GoDuration;
use konsul_types::ids::NodeId;
use serde::{Serialize, Serializer};

use crate::options;
use crate::types::{Addresses, LogLevel, Network, Port, StorageEngine};

/// Every option's value, typed and within its range.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the declaration of the option of the same name is the documentation")]
pub struct Config {
    pub node_name: Option<NodeName>,
    pub node_id: Option<NodeId>,
    pub datacenter: String,
    pub server: bool,
    pub bootstrap: bool,
    pub bootstrap_expect: u64,
    pub dev_mode: bool,
    pub data_dir: Option<PathBuf>,
    pub pid_file: Option<PathBuf>,
    pub bind_addr: IpAddr,
    pub client_addr: Addresses,
    pub addresses: ListenAddresses,
    pub ports: Ports,
    pub allow_insecure_listen: bool,
    pub log_level: LogLevel,
    pub log_json: bool,
    #[serde(serialize_with = "as_text")]
    pub default_query_time: GoDuration,
    #[serde(serialize_with = "as_text")]
    pub max_query_time: GoDuration,
    #[serde(serialize_with = "as_text")]
    pub session_ttl_min: GoDuration,
    pub raft_snapshot_threshold: u64,
    pub leave_on_terminate: bool,
    pub skip_leave_on_interrupt: bool,
    #[serde(serialize_with = "as_text")]
    pub graceful_stop_timeout: GoDuration,
    pub storage: Storage,
    pub watch: Watch,
    pub limits: Limits,
    pub http_config: HttpConfig,
    pub telemetry: Telemetry,
}

/// Addresses of single listeners, before `client_addr`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct ListenAddresses {
    pub http: Addresses,
}

/// Ports of the listeners.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct Ports {
    pub http: Port,
}

/// The log and the snapshots.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct Storage {
    pub engine: StorageEngine,
    pub segment_bytes: u64,
}

/// The change feed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct Watch {
    pub history_entries: u64,
    pub history_bytes: u64,
}

/// Bounds on what clients may send and keep.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct Limits {
    pub kv_max_value_size: u64,
    pub txn_max_req_len: u64,
    pub kv_max_keys: u64,
    pub kv_max_bytes: u64,
    pub http_max_conns: u64,
    pub http_max_conns_per_client: u64,
    #[serde(serialize_with = "as_text")]
    pub http_header_timeout: GoDuration,
    #[serde(serialize_with = "as_text")]
    pub http_body_timeout: GoDuration,
}

/// The HTTP listener.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct HttpConfig {
    pub max_header_bytes: u64,
    pub response_headers: BTreeMap<String, String>,
    pub block_endpoints: Vec<String>,
    pub allow_write_http_from: Vec<Network>,
}

/// Metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct Telemetry {
    pub disable_hostname: bool,
}

fn as_text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl Config {
    /// Nothing set at all: the sheet on which the defaults of the declarations are written.
    fn blank() -> Self {
        Self {
            node_name: None,
            node_id: None,
            datacenter: String::new(),
            server: false,
            bootstrap: false,
            bootstrap_expect: 0,
            dev_mode: false,
            data_dir: None,
            pid_file: None,
            bind_addr: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            client_addr: Addresses::default(),
            addresses: ListenAddresses::default(),
            ports: Ports::default(),
            allow_insecure_listen: false,
            log_level: LogLevel::default(),
            log_json: false,
            default_query_time: GoDuration::default(),
            max_query_time: GoDuration::default(),
            session_ttl_min: GoDuration::default(),
            raft_snapshot_threshold: 0,
            leave_on_terminate: false,
            skip_leave_on_interrupt: false,
            graceful_stop_timeout: GoDuration::default(),
            storage: Storage::default(),
            watch: Watch::default(),
            limits: Limits::default(),
            http_config: HttpConfig::default(),
            telemetry: Telemetry::default(),
        }
    }

    /// Where the HTTP API listens: each address with the port; empty if it is off.
    #[must_use]
    pub fn http_listen(&self) -> Vec<SocketAddr> {
        let own = &self.addresses.http.0;
        let addresses = if own.is_empty() { &self.client_addr.0 } else { own };
        let Some(port) = self.ports.http.to_bind() else {
            return Vec::new();
        };
        addresses.iter().map(|address| SocketAddr::new(*address, port)).collect()
    }

    /// Whether the single server may found a new cluster.
    #[must_use]
    pub fn may_bootstrap(&self) -> bool {
        self.bootstrap || self.bootstrap_expect == 1
    }

    /// Whether JSON answers are indented without being asked, as they are in dev mode.
    #[must_use]
    pub fn pretty_json(&self) -> bool {
        self.dev_mode
    }

    /// The largest body of a transaction, in bytes: Consul never lets it be smaller than a single value.
    #[must_use]
    pub fn txn_body_limit(&self) -> u64 {
        self.limits.txn_max_req_len.max(self.limits.kv_max_value_size)
    }
}

impl Default for Config {
    /// Each option at its declared default. Such a configuration does not pass the rules: it has no `data_dir`.
    fn default() -> Self {
        let mut config = Self::blank();
        for option in options::all() {
            option.apply_default(&mut config);
        }
        config
    }
}
