//! DNS: its zones, what it answers, whom it asks, and the bounds on those who ask.

use crate::option::{ConfigOption, option};

pub(super) static OPTIONS: &[ConfigOption] = &[
    option!(domain, "consul", "The zone that DNS serves, with or without its last dot. Capitals are made small.").flag("domain"),
    option!(
        alt_domain,
        "",
        "A second zone with the same names. Answers use the zone that was asked, except for PTR records."
    )
    .flag("alt-domain")
    .unset("none"),
    option!(
        recursors,
        "",
        "Resolvers that are asked for names outside the zones: IP addresses, with a port unless it is 53. Without any, \
         such names are refused."
    )
    .flag("recursor")
    .unset("none")
    .live(),
    option!(
        dns_config.recursor_strategy,
        "sequential",
        "In which order the recursors are asked: `sequential`, as listed, or `random`, another order for each question."
    )
    .live(),
    option!(
        dns_config.recursor_timeout,
        "2s",
        "How long one recursor may take before the next one is asked."
    )
    .durations("1ms", "10m")
    .live(),
    option!(
        dns_config.node_ttl,
        "0s",
        "Time to live of records that say where a node is, in whole seconds. 0 forbids resolvers to keep them."
    )
    .durations("0s", "596523h")
    .live(),
    option!(
        dns_config.service_ttl,
        "",
        "Times to live of records that say where a service is, by its name. A name that ends in `*` stands for all that begin \
         with it; the longest that fits counts, and `*` is for the rest."
    )
    .unset("0 for every service")
    .live(),
    option!(
        dns_config.allow_stale,
        "true",
        "Lets any server answer from what it has, however far it is behind, within `dns_config.max_stale`."
    )
    .live(),
    option!(
        dns_config.max_stale,
        "87600h",
        "How far behind a server may be whose answer is taken; beyond it the leader is asked."
    )
    .durations("0s", "876000h")
    .live(),
    option!(
        dns_config.only_passing,
        "false",
        "Leaves out instances with a warning, not only those that are critical."
    )
    .live(),
    option!(
        dns_config.prefer_namespace,
        "false",
        "Takes a single label behind the kind, as in `web.service.NAME.consul`, for a namespace instead of a datacenter."
    )
    .live(),
    option!(
        dns_config.udp_answer_limit,
        "3",
        "How many answers over UDP a client without EDNS0 gets; 8 at most are ever sent."
    )
    .unit("answers")
    .integers(0, 65_535)
    .live(),
    option!(
        dns_config.a_record_limit,
        "0",
        "How many address records an answer has at most, over UDP and TCP; 0 sets no bound."
    )
    .unit("records")
    .integers(0, 65_535)
    .live(),
    option!(
        dns_config.enable_truncate,
        "false",
        "Marks an answer over UDP from which something was left out as truncated, so that clients ask again over TCP."
    )
    .live(),
    option!(dns_config.disable_compression, "false", "Writes every name in an answer in full.").live(),
    option!(
        dns_config.enable_additional_node_meta_txt,
        "true",
        "Adds the pairs of a node as TXT records to answers that were not asked for them."
    )
    .live(),
    option!(dns_config.soa.refresh, "3600", "The field `refresh` of the SOA record.")
        .unit("seconds")
        .integers(0, 2_147_483_647)
        .live(),
    option!(dns_config.soa.retry, "600", "The field `retry` of the SOA record.")
        .unit("seconds")
        .integers(0, 2_147_483_647)
        .live(),
    option!(dns_config.soa.expire, "86400", "The field `expire` of the SOA record.")
        .unit("seconds")
        .integers(0, 2_147_483_647)
        .live(),
    option!(
        dns_config.soa.min_ttl,
        "0",
        "How long a resolver may remember that there is no such name or record; also the time to live of the SOA record."
    )
    .unit("seconds")
    .integers(0, 2_147_483_647)
    .live(),
    option!(
        limits.dns_queries_per_second,
        "20000",
        "How many questions a second one source may ask: an IPv4 address, or an IPv6 network of 64 bits. Over UDP the rest is \
         dropped, over TCP it waits. 0 sets no bound."
    )
    .unit("questions")
    .integers(0, 100_000_000)
    .live(),
    option!(
        limits.dns_unproven_bytes_per_second,
        "4194304",
        "By how many bytes a second answers over UDP may outweigh the questions of one source that has not shown, over TCP or \
         by a cookie, that it is where it says. Beyond it clients are sent to TCP. 0 sets no bound."
    )
    .unit("bytes")
    .integers(0, 1_099_511_627_776)
    .live(),
    option!(
        limits.dns_limit_loopback,
        "false",
        "Holds questions from this machine to the two bounds above as well, although nobody outside can forge them."
    )
    .live(),
    option!(
        limits.dns_udp_bytes,
        "4096",
        "Largest answer over UDP, whatever a client says it takes."
    )
    .unit("bytes")
    .integers(512, 65_467)
    .live(),
    option!(
        limits.dns_tcp_conns,
        "4096",
        "How many TCP connections there may be for DNS. Further ones are closed at once."
    )
    .unit("connections")
    .integers(1, 1_000_000)
    .live(),
    option!(
        limits.dns_tcp_conns_per_client,
        "200",
        "How many of them one source may hold. Further ones are closed at once."
    )
    .unit("connections")
    .integers(1, 1_000_000)
    .live(),
    option!(
        limits.dns_tcp_idle_timeout,
        "10s",
        "How long a TCP connection for DNS may have no whole question on it. Then it is closed."
    )
    .durations("100ms", "1h")
    .live(),
    option!(
        limits.dns_tcp_write_timeout,
        "5s",
        "How long a TCP client may take no byte of its answers. Then its connection is closed."
    )
    .durations("100ms", "10m")
    .live(),
    option!(
        limits.dns_waiting,
        "1024",
        "How many questions may wait for the state or for recursors. Further ones are answered with SERVFAIL."
    )
    .unit("questions")
    .integers(1, 1_000_000)
    .live(),
];
