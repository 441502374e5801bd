//! From the configuration to what DNS is told.

use konsul_config::{Config, RecursorStrategy as Strategy};
use konsul_dns::{Limits, RecursorStrategy, ServiceTtl, Settings, Soa};
use konsul_runtime::time::Duration;

/// The settings of a configuration.
pub(crate) fn settings(config: &Config) -> Settings {
    let dns = &config.dns_config;
    let rules = dns.service_ttl.0.iter().map(|(name, ttl)| (name.clone(), ttl.to_std()));
    Settings {
        domain: config.domain.clone(),
        alt_domain: config.alt_domain.clone(),
        datacenter: config.datacenter.clone(),
        node_ttl: dns.node_ttl.to_std(),
        service_ttl: ServiceTtl::new(rules),
        soa: Soa {
            refresh: Duration::from_secs(dns.soa.refresh),
            retry: Duration::from_secs(dns.soa.retry),
            expire: Duration::from_secs(dns.soa.expire),
            min_ttl: Duration::from_secs(dns.soa.min_ttl),
        },
        only_passing: dns.only_passing,
        udp_answer_limit: size(dns.udp_answer_limit),
        a_record_limit: size(dns.a_record_limit),
        enable_truncate: dns.enable_truncate,
        disable_compression: dns.disable_compression,
        additional_node_meta_txt: dns.enable_additional_node_meta_txt,
        prefer_namespace: dns.prefer_namespace,
        translate_wan_addresses: config.translate_wan_addrs,
        recursors: config.recursors.iter().map(|recursor| recursor.0).collect(),
        recursor_strategy: match dns.recursor_strategy {
            Strategy::Sequential => RecursorStrategy::Sequential,
            Strategy::Random => RecursorStrategy::Random,
        },
        recursor_timeout: dns.recursor_timeout.to_std(),
        limits: limits(config),
    }
}

fn limits(config: &Config) -> Limits {
    let asked = &config.limits;
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Limits {
        udp_bytes: size(asked.dns_udp_bytes),
        queries_per_second: small(asked.dns_queries_per_second),
        unproven_bytes_per_second: small(asked.dns_unproven_bytes_per_second),
        limit_loopback: asked.dns_limit_loopback,
        tcp_connections: size(asked.dns_tcp_conns),
        tcp_connections_per_source: size(asked.dns_tcp_conns_per_client),
        tcp_idle: asked.dns_tcp_idle_timeout.to_std(),
        tcp_write: asked.dns_tcp_write_timeout.to_std(),
        waiting: size(asked.dns_waiting),
        ..Limits::default()
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
