//! What DNS can be told by configuration. The agent fills this in; every default is Consul's where it has one.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use konsul_runtime::time::Duration;

/// All options. They can be changed while DNS serves ([`crate::Server::set_settings`]).
#[derive(Debug, Clone)]
pub struct Settings {
    /// The zone that is served (`domain`), with or without its last dot.
    pub domain: String,
    /// A second one (`alt_domain`); empty for none.
    pub alt_domain: String,
    /// The datacentre of the agent (`datacenter`): what names that say none are local to.
    pub datacenter: String,
    /// TTL of what says where a node is, of `.addr`, `.virtual`, NS and TXT records (`dns_config.node_ttl`).
    pub node_ttl: Duration,
    /// TTL of what says where a service is (`dns_config.service_ttl`).
    pub service_ttl: ServiceTtl,
    /// Fields of the SOA record (`dns_config.soa`).
    pub soa: Soa,
    /// Leaves instances in warning out, too (`dns_config.only_passing`).
    pub only_passing: bool,
    /// Most answers over UDP to a client without EDNS0 (`dns_config.udp_answer_limit`); eight at most are ever sent.
    pub udp_answer_limit: usize,
    /// Most address records of an answer, over UDP and TCP (`dns_config.a_record_limit`); zero for no bound.
    pub a_record_limit: usize,
    /// Sets the bit TC where answers were left out (`dns_config.enable_truncate`). It is set in any case where nothing
    /// was left to send.
    pub enable_truncate: bool,
    /// Writes every name in full (`dns_config.disable_compression`).
    pub disable_compression: bool,
    /// Adds the metadata of nodes as TXT records where they were not asked for
    /// (`dns_config.enable_additional_node_meta_txt`).
    pub additional_node_meta_txt: bool,
    /// Takes the one label after the kind for a namespace instead of a datacentre (`dns_config.prefer_namespace`).
    pub prefer_namespace: bool,
    /// Answers what is in another datacentre with its `wan` addresses (`translate_wan_addrs`).
    pub translate_wan_addresses: bool,
    /// Who is asked for names outside the zones (`recursors`). Empty: they are refused.
    pub recursors: Vec<SocketAddr>,
    /// In which order (`dns_config.recursor_strategy`).
    pub recursor_strategy: RecursorStrategy,
    /// How long one of them may take (`dns_config.recursor_timeout`).
    pub recursor_timeout: Duration,
    /// Bounds.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            domain: "consul.".to_owned(),
            alt_domain: String::new(),
            datacenter: "dc1".to_owned(),
            node_ttl: Duration::ZERO,
            service_ttl: ServiceTtl::default(),
            soa: Soa::default(),
            only_passing: false,
            udp_answer_limit: 3,
            a_record_limit: 0,
            enable_truncate: false,
            disable_compression: false,
            additional_node_meta_txt: true,
            prefer_namespace: false,
            translate_wan_addresses: false,
            recursors: Vec::new(),
            recursor_strategy: RecursorStrategy::default(),
            recursor_timeout: Duration::from_secs(2),
            limits: Limits::default(),
        }
    }
}

/// In which order recursors are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RecursorStrategy {
    /// As listed.
    #[default]
    Sequential,
    /// Another random order for each question.
    Random,
}

/// Fields of the SOA record. The serial number is the time in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soa {
    /// `soa.refresh`.
    pub refresh: Duration,
    /// `soa.retry`.
    pub retry: Duration,
    /// `soa.expire`.
    pub expire: Duration,
    /// `soa.min_ttl`: how long a resolver may remember that there is nothing; also the TTL of the record itself.
    pub min_ttl: Duration,
}

impl Default for Soa {
    fn default() -> Soa {
        Soa {
            refresh: Duration::from_secs(3600),
            retry: Duration::from_secs(600),
            expire: Duration::from_secs(86_400),
            min_ttl: Duration::ZERO,
        }
    }
}

/// TTL by service. An exact name wins; else the longest key that ends in `*` and whose beginning the name has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceTtl {
    exact: BTreeMap<String, u32>,
    /// The longest first.
    prefixes: Vec<(String, u32)>,
}

impl ServiceTtl {
    /// From the map of the configuration, such as `{"web" = 5s, "db*" = 1m, "*" = 10s}`.
    pub fn new(rules: impl IntoIterator<Item = (String, Duration)>) -> ServiceTtl {
        let mut ttl = ServiceTtl::default();
        for (key, duration) in rules {
            let key = key.to_ascii_lowercase();
            match key.strip_suffix('*') {
                Some(prefix) => ttl.prefixes.push((prefix.to_owned(), seconds(duration))),
                None => drop(ttl.exact.insert(key, seconds(duration))),
            }
        }
        ttl.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        ttl
    }

    /// The TTL of a service in seconds, if a rule has it. `name` is lower-cased.
    pub fn get(&self, name: &str) -> Option<u32> {
        let by_prefix = || self.prefixes.iter().find(|(prefix, _)| name.starts_with(prefix.as_str()));
        self.exact.get(name).copied().or_else(|| by_prefix().map(|(_, ttl)| *ttl))
    }
}

/// Whole seconds, as a TTL has them: 31 bits (RFC 2181, section 8).
pub(crate) fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX).min(i32::MAX as u32)
}

/// Bounds: on what a source may ask, on what one answer may hold, and on what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of an answer over UDP, however many the client says that it takes.
    pub udp_bytes: usize,
    /// Most questions a second of one source; zero for no bound. A source is an IPv4 address or an IPv6 network of 64
    /// bits. Over UDP what is beyond is dropped, over TCP it has to wait.
    pub queries_per_second: u32,
    /// Most bytes a second by which answers over UDP may outweigh the questions of one source that has not shown, over
    /// TCP or by a cookie (RFC 7873), that it is where it says; zero for no bound. Beyond it half of the questions get an
    /// empty answer with TC, by which a true client comes back over TCP, and the other half nothing.
    pub unproven_bytes_per_second: u32,
    /// Holds loopback to the two bounds above as well. What comes from loopback cannot be forged from outside.
    pub limit_loopback: bool,
    /// Most sources whose questions are counted. The others share one allowance.
    pub sources: usize,
    /// Most TCP connections. One more is closed as soon as it comes.
    pub tcp_connections: usize,
    /// Most TCP connections of one source.
    pub tcp_connections_per_source: usize,
    /// How long a TCP connection may have no question on it. Bytes of an unfinished one do not count.
    pub tcp_idle: Duration,
    /// How long a client may take no byte of its answers.
    pub tcp_write: Duration,
    /// Most bytes of one question over TCP.
    pub tcp_query_bytes: usize,
    /// Most questions of one TCP connection that are being answered.
    pub tcp_pipeline: usize,
    /// Most questions that wait for the directory or for recursors. One more gets SERVFAIL.
    pub waiting: usize,
    /// How long a question may wait for the directory.
    pub directory_timeout: Duration,
    /// Most bytes of ready answers that are kept, for each UDP socket and for TCP.
    pub cache_bytes: usize,
    /// Sockets for each UDP address. More than one share the questions by `SO_REUSEPORT`, a core each.
    pub udp_sockets: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            udp_bytes: 4096,
            queries_per_second: 20_000,
            unproven_bytes_per_second: 4 << 20,
            limit_loopback: false,
            sources: 65_536,
            tcp_connections: 4096,
            tcp_connections_per_source: 200,
            tcp_idle: Duration::from_secs(10),
            tcp_write: Duration::from_secs(5),
            tcp_query_bytes: 4096,
            tcp_pipeline: 64,
            waiting: 1024,
            directory_timeout: Duration::from_secs(5),
            cache_bytes: 32 << 20,
            udp_sockets: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_wins() {
        let rules = [("*", 1), ("web*", 2), ("web-front*", 3), ("Web-Front-1", 4), ("db", 5)];
        let ttl = ServiceTtl::new(rules.map(|(key, ttl)| (key.to_owned(), Duration::from_secs(ttl))));
        for (name, expect) in
            [("other", 1), ("web", 2), ("web-front", 3), ("web-front-1", 4), ("db", 5), ("dbs", 1)]
        {
            assert_eq!(ttl.get(name), Some(expect), "{name}");
        }
        assert_eq!(ServiceTtl::default().get("web"), None);
    }

    #[test]
    fn a_ttl_has_31_bits() {
        assert_eq!(seconds(Duration::from_secs(1 << 40)), i32::MAX as u32);
        assert_eq!(seconds(Duration::from_millis(1999)), 1);
    }
}
