//! [`Config`]: the configuration as meant. The path of a field is the key of its option, which a test checks, so
//! `config.limits.kv_max_value_size` is what a file calls `limits { kv_max_value_size = … }`.
//!
//! What each field is for, its unit and its range stand in one place: the declarations in `options/`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use konsul_types::catalog::CHECK_OUTPUT_MAX;
use konsul_types::duration::GoDuration;
use konsul_types::ids::NodeId;
use konsul_types::{CheckDefinition, NodeName, ServiceDefinition};
use serde::{Serialize, Serializer};

use crate::definitions::Placed;
use crate::dns_types::{Recursor, ServiceTtls};
use crate::options;
use crate::types::{
    Addresses, FileMode, Listener, Listeners, LogLevel, Network, OtlpEndpoint, OtlpProtocol, Port, Ratio,
    RecursorStrategy, StorageEngine,
};
use crate::watch_block::WatchBlock;

/// Every option's value, typed and within its range.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the declaration of the option of the same name is the documentation")]
pub struct Config {
    pub node_name: Option<NodeName>,
    pub node_id: Option<NodeId>,
    pub node_meta: BTreeMap<String, String>,
    pub locality: NodeLocality,
    pub datacenter: String,
    pub server: bool,
    pub bootstrap: bool,
    pub bootstrap_expect: u64,
    pub dev_mode: bool,
    pub data_dir: Option<PathBuf>,
    pub pid_file: Option<PathBuf>,
    pub bind_addr: IpAddr,
    pub advertise_addr: Option<IpAddr>,
    pub tagged_addresses: BTreeMap<String, String>,
    pub translate_wan_addrs: bool,
    pub client_addr: Addresses,
    pub addresses: ListenAddresses,
    pub ports: Ports,
    pub unix_sockets: UnixSockets,
    pub allow_insecure_listen: bool,
    pub log_level: LogLevel,
    pub log_json: Option<bool>,
    pub log_file: Option<PathBuf>,
    pub log_rotate_bytes: u64,
    #[serde(serialize_with = "as_text")]
    pub log_rotate_duration: GoDuration,
    pub log_rotate_max_files: i64,
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
    pub backup: Backup,
    pub watch: Watch,
    pub watches: Vec<WatchBlock>,
    pub services: Vec<Placed<ServiceDefinition>>,
    pub checks: Vec<Placed<CheckDefinition>>,
    pub enable_script_checks: bool,
    pub enable_local_script_checks: bool,
    #[serde(serialize_with = "as_text")]
    pub check_update_interval: GoDuration,
    pub discard_check_output: bool,
    pub check_output_max_size: u64,
    pub check_config: CheckConfig,
    pub domain: String,
    pub alt_domain: String,
    pub recursors: Vec<Recursor>,
    pub dns_config: DnsConfig,
    pub limits: Limits,
    pub http_config: HttpConfig,
    pub disable_http_unprintable_char_filter: bool,
    pub telemetry: Telemetry,
}

/// Addresses of single listeners, before `client_addr`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct ListenAddresses {
    pub http: Listeners,
    pub dns: Addresses,
}

/// Ports of the listeners.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct Ports {
    pub http: Port,
    pub dns: Port,
}

/// The files of unix sockets.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct UnixSockets {
    pub user: Option<String>,
    pub group: Option<String>,
    pub mode: Option<FileMode>,
}

/// The log and the snapshots.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct Storage {
    pub engine: StorageEngine,
    pub segment_bytes: u64,
}

/// The backups that the agent makes of its own accord.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct Backup {
    pub directory: Option<PathBuf>,
    #[serde(serialize_with = "as_text")]
    pub interval: GoDuration,
    pub name: String,
    pub keep: u64,
    #[serde(serialize_with = "as_text")]
    pub keep_age: GoDuration,
    pub drill: bool,
    #[serde(serialize_with = "as_text")]
    pub drill_interval: GoDuration,
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
    pub kv_history_bytes: u64,
    pub locks: u64,
    pub lock_queue: u64,
    pub http_max_conns: u64,
    pub http_max_conns_per_client: u64,
    #[serde(serialize_with = "as_text")]
    pub http_header_timeout: GoDuration,
    #[serde(serialize_with = "as_text")]
    pub http_body_timeout: GoDuration,
    pub dns_queries_per_second: u64,
    pub dns_unproven_bytes_per_second: u64,
    pub dns_limit_loopback: bool,
    pub dns_udp_bytes: u64,
    pub dns_tcp_conns: u64,
    pub dns_tcp_conns_per_client: u64,
    #[serde(serialize_with = "as_text")]
    pub dns_tcp_idle_timeout: GoDuration,
    #[serde(serialize_with = "as_text")]
    pub dns_tcp_write_timeout: GoDuration,
    pub dns_waiting: u64,
}

/// Where this node stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct NodeLocality {
    pub region: Option<String>,
    pub zone: Option<String>,
}

/// How health checks run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct CheckConfig {
    pub allow_redirects: bool,
    pub allow_link_local: bool,
    pub max_concurrent: u64,
    pub max_processes: u64,
    pub max_checks: u64,
    pub flap_changes: u64,
    pub flap_runs: u64,
    pub flap_steady: u64,
}

/// What DNS answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct DnsConfig {
    pub recursor_strategy: RecursorStrategy,
    #[serde(serialize_with = "as_text")]
    pub recursor_timeout: GoDuration,
    #[serde(serialize_with = "as_text")]
    pub node_ttl: GoDuration,
    pub service_ttl: ServiceTtls,
    pub allow_stale: bool,
    #[serde(serialize_with = "as_text")]
    pub max_stale: GoDuration,
    pub only_passing: bool,
    pub prefer_namespace: bool,
    pub udp_answer_limit: u64,
    pub a_record_limit: u64,
    pub enable_truncate: bool,
    pub disable_compression: bool,
    pub enable_additional_node_meta_txt: bool,
    pub soa: Soa,
}

/// Fields of the SOA record, in seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "see Config")]
pub struct Soa {
    pub refresh: u64,
    pub retry: u64,
    pub expire: u64,
    pub min_ttl: u64,
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
    pub otlp_endpoint: Option<OtlpEndpoint>,
    pub otlp_protocol: OtlpProtocol,
    pub otlp_headers: BTreeMap<String, String>,
    #[serde(serialize_with = "as_text")]
    pub otlp_timeout: GoDuration,
    pub sample_ratio: Ratio,
    pub service_name: String,
    pub disable_hostname: bool,
}

/// Where a listener is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// An address and a port; port 0 takes any free one.
    Tcp(SocketAddr),
    /// The file of a unix socket.
    Unix(PathBuf),
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
            node_meta: BTreeMap::new(),
            locality: NodeLocality::default(),
            datacenter: String::new(),
            server: false,
            bootstrap: false,
            bootstrap_expect: 0,
            dev_mode: false,
            data_dir: None,
            pid_file: None,
            bind_addr: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            advertise_addr: None,
            tagged_addresses: BTreeMap::new(),
            translate_wan_addrs: false,
            client_addr: Addresses::default(),
            addresses: ListenAddresses::default(),
            ports: Ports::default(),
            unix_sockets: UnixSockets::default(),
            allow_insecure_listen: false,
            log_level: LogLevel::default(),
            log_json: None,
            log_file: None,
            log_rotate_bytes: 0,
            log_rotate_duration: GoDuration::default(),
            log_rotate_max_files: 0,
            default_query_time: GoDuration::default(),
            max_query_time: GoDuration::default(),
            session_ttl_min: GoDuration::default(),
            raft_snapshot_threshold: 0,
            leave_on_terminate: false,
            skip_leave_on_interrupt: false,
            graceful_stop_timeout: GoDuration::default(),
            storage: Storage::default(),
            backup: Backup::default(),
            watch: Watch::default(),
            watches: Vec::new(),
            services: Vec::new(),
            checks: Vec::new(),
            enable_script_checks: false,
            enable_local_script_checks: false,
            check_update_interval: GoDuration::default(),
            discard_check_output: false,
            check_output_max_size: 0,
            check_config: CheckConfig::default(),
            domain: String::new(),
            alt_domain: String::new(),
            recursors: Vec::new(),
            dns_config: DnsConfig::default(),
            limits: Limits::default(),
            http_config: HttpConfig::default(),
            disable_http_unprintable_char_filter: false,
            telemetry: Telemetry::default(),
        }
    }

    /// Where the HTTP API listens: each address with the port, and each unix socket, which has none and so is there
    /// also when `ports.http` is off.
    #[must_use]
    pub fn http_listen(&self) -> Vec<Endpoint> {
        let own = self.addresses.http.0.iter().cloned();
        let client = self.client_addr.0.iter().map(|address| Listener::Ip(*address));
        let listeners: Vec<Listener> =
            if self.addresses.http.0.is_empty() { client.collect() } else { own.collect() };
        let endpoint = |listener| match listener {
            Listener::Ip(address) => {
                self.ports.http.to_bind().map(|port| Endpoint::Tcp(SocketAddr::new(address, port)))
            }
            Listener::Unix(path) => Some(Endpoint::Unix(path)),
        };
        listeners.into_iter().filter_map(endpoint).collect()
    }

    /// Where DNS listens, over UDP and TCP each; nowhere when `ports.dns` is off.
    #[must_use]
    pub fn dns_listen(&self) -> Vec<SocketAddr> {
        let own = &self.addresses.dns.0;
        let addresses = if own.is_empty() { &self.client_addr.0 } else { own };
        let port = self.ports.dns.to_bind();
        port.map(|port| addresses.iter().map(|address| SocketAddr::new(*address, port)).collect())
            .unwrap_or_default()
    }

    /// Whether a check that runs a program may be taken, `local` from this agent's own files.
    #[must_use]
    pub fn allows_script_checks(&self, local: bool) -> bool {
        self.enable_script_checks || (local && self.enable_local_script_checks)
    }

    /// How many bytes of a check's output are kept where the check does not ask for less: the catalogue takes no more
    /// than its own bound.
    #[must_use]
    pub fn check_output_bytes(&self) -> usize {
        usize::try_from(self.check_output_max_size)
            .map_or(CHECK_OUTPUT_MAX, |size| size.min(CHECK_OUTPUT_MAX))
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
