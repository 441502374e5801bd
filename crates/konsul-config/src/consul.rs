//! What Consul knows and Konsul does not take: keys that are not built yet, keys that mean nothing here, and flags.
//!
//! A name that ends in `.*` stands for everything below it, whatever its keys are. The rest is spelt out, so that a
//! slip in a key can be told from a key.

/// Keys of Consul that are to come. A file that asks for one is refused, since an agent that took it in silence would
/// not do what its file says.
#[rustfmt::skip]
pub(crate) static NOT_BUILT: &[&str] = &[
    // Identity, network, join.
    "primary_datacenter", "advertise_addr_ipv4", "advertise_addr_ipv6",
    "advertise_addr_wan", "advertise_addr_wan_ipv4", "advertise_addr_wan_ipv6",
    "retry_join", "retry_join_wan", "retry_interval", "retry_interval_wan", "retry_max",
    "retry_max_wan", "start_join", "start_join_wan", "rejoin_after_leave", "primary_gateways",
    "primary_gateways_interval", "segment", "segments.*", "segment_limit", "partition", "read_replica",
    "non_voting_server", "server_rejoin_age_max", "disable_host_node_id", "server_name",
    "addresses.https", "addresses.grpc", "addresses.grpc_tls",
    "ports.https", "ports.grpc", "ports.grpc_tls", "ports.server", "ports.sidecar_min_port",
    "ports.sidecar_max_port", "ports.expose_min_port", "ports.expose_max_port",
    // Behaviour, storage, logs.
    "auto_reload_config",  "enable_syslog", "syslog_facility",
    "disable_remote_exec", "disable_coordinates", "discovery_max_stale",
    "enable_central_service_config", "enable_debug",
    "raft_snapshot_interval", "raft_trailing_logs", "performance.leave_drain_time", "performance.raft_multiplier",
    "performance.rpc_hold_timeout", "performance.grpc_keepalive_interval",
    "performance.grpc_keepalive_timeout", "default_intention_policy", "autopilot.cleanup_dead_servers", "autopilot.last_contact_threshold",
    "autopilot.max_trailing_logs", "autopilot.min_quorum", "autopilot.server_stabilization_time",
    "autopilot.redundancy_zone_tag", "autopilot.disable_upgrade_migration", "autopilot.upgrade_version_tag",
    "ui", "ui_dir", "ui_content_path", "ui_config.enabled", "ui_config.dir", "ui_config.content_path",
    "ui_config.metrics_provider", "ui_config.metrics_provider_files", "ui_config.metrics_provider_options_json",
    "ui_config.metrics_proxy.base_url", "ui_config.metrics_proxy.add_headers.*",
    "ui_config.metrics_proxy.path_allowlist", "ui_config.dashboard_url_templates.*", "config_entries.bootstrap.*",
    "connect.enabled", "connect.ca_provider", "connect.ca_config.*", "connect.enable_mesh_gateway_wan_federation",
    "peering.enabled", "xds.update_max_per_second",
    // Access, TLS, limits, telemetry.
    "acl.enabled", "acl.default_policy", "acl.down_policy", "acl.token_ttl", "acl.policy_ttl", "acl.role_ttl",
    "acl.enable_key_list_policy", "acl.enable_token_persistence", "acl.enable_token_replication",
    "acl.msp_disable_bootstrap", "acl.tokens.initial_management", "acl.tokens.agent", "acl.tokens.agent_recovery",
    "acl.tokens.default", "acl.tokens.replication", "acl.tokens.config_file_service_registration",
    "acl.tokens.dns", "acl.tokens.managed_service_provider.*", "acl.tokens.master", "acl.tokens.agent_master",
    "tls.defaults.*", "tls.internal_rpc.*", "tls.https.*", "tls.grpc.*", "ca_file", "ca_path", "cert_file",
    "key_file", "verify_incoming", "verify_incoming_rpc", "verify_incoming_https", "verify_outgoing",
    "verify_server_hostname", "tls_min_version", "tls_cipher_suites", "tls_prefer_server_cipher_suites",
    "enable_agent_tls_for_checks", "limits.https_handshake_timeout", "limits.rpc_handshake_timeout",
    "limits.rpc_client_timeout", "limits.rpc_rate", "limits.rpc_max_burst", "limits.rpc_max_conns_per_client",
    "limits.request_limits.mode", "limits.request_limits.read_rate", "limits.request_limits.write_rate",
    "telemetry.metrics_prefix", "telemetry.filter_default", "telemetry.prefix_filter", "telemetry.statsd_address",
    "telemetry.statsite_address", "telemetry.dogstatsd_addr", "telemetry.dogstatsd_tags",
    "telemetry.retry_failed_connection", "telemetry.enable_host_metrics",
    "telemetry.disable_per_tenancy_usage_metrics", "telemetry.circonus_api_app", "telemetry.circonus_api_token",
    "telemetry.circonus_api_url", "telemetry.circonus_broker_id", "telemetry.circonus_broker_select_tag",
    "telemetry.circonus_check_display_name", "telemetry.circonus_check_force_metric_activation",
    "telemetry.circonus_check_id", "telemetry.circonus_check_instance_id", "telemetry.circonus_check_search_tag",
    "telemetry.circonus_check_tags", "telemetry.circonus_submission_interval",
    "telemetry.circonus_submission_url", "auto_encrypt.tls", "auto_encrypt.dns_san", "auto_encrypt.ip_san",
    "auto_encrypt.allow_tls", "auto_config.enabled", "auto_config.intro_token", "auto_config.intro_token_file",
    "auto_config.server_addresses", "auto_config.dns_sans", "auto_config.ip_sans", "auto_config.authorization.*",
    "audit.enabled", "audit.sink.*",
];

const GOSSIP: &str = "there is no gossip: agents hold one authenticated stream to a server";
const CACHE: &str = "agents keep no cache of answers, so there is nothing to turn on, off or tune";
const FEED: &str = "one change feed serves every watcher, and cannot be turned off";
const PHONING: &str = "Konsul calls nobody";
const LICENCE: &str = "Konsul needs no licence: everything is in it";
const PROTOCOL: &str = "the versions of Consul's own protocols; Konsul's are negotiated by its feature level";
const HCP: &str = "a service of HashiCorp's";

/// Keys of Consul that ask for something which Konsul has no use for, each with the reason. They are taken with a
/// warning: leaving them out changes nothing.
pub(crate) static MEANS_NOTHING: &[(&str, &str)] = &[
    ("encrypt", GOSSIP),
    ("encrypt_verify_incoming", GOSSIP),
    ("encrypt_verify_outgoing", GOSSIP),
    ("disable_keyring_file", GOSSIP),
    ("serf_lan", GOSSIP),
    ("serf_wan", GOSSIP),
    ("serf_lan_allowed_cidrs", GOSSIP),
    ("serf_wan_allowed_cidrs", GOSSIP),
    ("ports.serf_lan", GOSSIP),
    ("ports.serf_wan", GOSSIP),
    ("gossip_lan.*", GOSSIP),
    ("gossip_wan.*", GOSSIP),
    ("reconnect_timeout", GOSSIP),
    ("reconnect_timeout_wan", GOSSIP),
    ("advertise_reconnect_timeout", GOSSIP),
    ("license_path", LICENCE),
    ("reporting.*", PHONING),
    ("cloud.*", HCP),
    ("disable_update_check", PHONING),
    ("disable_anonymous_signature", PHONING),
    ("protocol", PROTOCOL),
    ("raft_protocol", PROTOCOL),
    (
        "telemetry.prometheus_retention_time",
        "figures in Prometheus' form are always there, at `/metrics` and `/v1/agent/metrics?format=prometheus`",
    ),
    ("raft_logstore.*", "Konsul has a log of its own: see `storage.engine` and `storage.segment_bytes`"),
    ("cache.*", CACHE),
    ("http_config.use_cache", CACHE),
    ("dns_config.use_cache", CACHE),
    ("dns_config.cache_max_age", CACHE),
    ("use_streaming_backend", FEED),
    ("rpc.enable_streaming", FEED),
    ("experiments", "names of features that Consul tries out"),
    ("acl_enforce_version_8", "a switch of old releases; Consul ignores it too"),
    ("snapshot_agent.*", "read by another program than the agent; Consul ignores it too"),
    ("ports.proxy_min_port", "for managed proxies, which Consul has dropped"),
    ("ports.proxy_max_port", "for managed proxies, which Consul has dropped"),
];

/// Flags of Consul's agent that no option of ours has: the name, the key it sets, and whether it takes a value.
#[rustfmt::skip]
pub(crate) static FLAGS: &[(&str, &str, bool)] = &[
    ("advertise-wan", "advertise_addr_wan", true),
    ("auto-reload-config", "auto_reload_config", false),
    ("disable-host-node-id", "disable_host_node_id", false),
    ("disable-keyring-file", "disable_keyring_file", false),
    ("encrypt", "encrypt", true),
    ("grpc-port", "ports.grpc", true), ("grpc-tls-port", "ports.grpc_tls", true),
    ("https-port", "ports.https", true), ("join", "start_join", true), ("join-wan", "start_join_wan", true),
    ("non-voting-server", "non_voting_server", false),
    ("primary-gateway", "primary_gateways", true), ("protocol", "protocol", true),
    ("raft-protocol", "raft_protocol", true), ("read-replica", "read_replica", false),
    ("rejoin", "rejoin_after_leave", false),
    ("retry-interval", "retry_interval", true), ("retry-interval-wan", "retry_interval_wan", true),
    ("retry-join", "retry_join", true), ("retry-join-wan", "retry_join_wan", true), ("retry-max", "retry_max", true),
    ("retry-max-wan", "retry_max_wan", true), ("segment", "segment", true),
    ("serf-lan-allowed-cidrs", "serf_lan_allowed_cidrs", true), ("serf-lan-bind", "serf_lan", true),
    ("serf-lan-port", "ports.serf_lan", true), ("serf-wan-allowed-cidrs", "serf_wan_allowed_cidrs", true),
    ("serf-wan-bind", "serf_wan", true), ("serf-wan-port", "ports.serf_wan", true),
    ("server-port", "ports.server", true), ("syslog", "enable_syslog", false), ("ui", "ui", false),
    ("ui-content-path", "ui_content_path", true), ("ui-dir", "ui_dir", true),
];
