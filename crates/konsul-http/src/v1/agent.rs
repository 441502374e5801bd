//! `/v1/agent/…`: the agent itself, and in its own files what it keeps.

pub(crate) mod checks;
mod define;
pub(crate) mod maintenance;
pub(crate) mod service_health;
pub(crate) mod services;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use http::header::ACCEPT;
use konsul_api::v1::agent as wire;
use konsul_operations::ports::{AgentInfo, HostInfo, LogFilter, MetricsFormat};
use konsul_runtime::time::wall_ms;
use serde_json::value::RawValue;

use super::error::reply;
use super::inbound::Inbound;
use super::read::Options;
use super::reply::Reply;
use super::route::Route;
use crate::outgoing::Source;
use crate::outside::PROMETHEUS;
use crate::service::Handled;

/// `GET self`.
pub(crate) fn itself(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.agent_self(&context).await {
            Ok(info) => Reply::json(&agent_self(info)),
            Err(why) => reply(&why),
        }
    }))
}

fn agent_self(info: AgentInfo) -> wire::AgentSelf {
    wire::AgentSelf {
        config: wire::Config {
            datacenter: info.datacenter.clone(),
            primary_datacenter: info.datacenter.clone(),
            node_name: info.node_name.clone(),
            node_id: info.node_id.clone(),
            revision: info.revision.clone(),
            server: info.server,
            version: info.version.clone(),
            build_date: info.build_date.clone(),
        },
        member: member(&info),
        debug_config: info.debug_config.into_iter().map(|(key, json)| (key, raw(&json))).collect(),
        coord: None,
        stats: info.stats,
        meta: info.meta,
    }
}

/// A value of the running configuration is JSON text already; what is not is shown as a text.
fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned())
        .or_else(|_| serde_json::value::to_raw_value(json))
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The agent as a member of the cluster, with the tags that clients of Consul look at.
fn member(info: &AgentInfo) -> wire::Member {
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    let mut tag = |name: &str, value: &str| tags.insert(name.to_owned(), value.to_owned());
    tag("role", if info.server { "consul" } else { "node" });
    tag("dc", &info.datacenter);
    tag("segment", "");
    tag("id", &info.node_id);
    tag("build", &format!("{}:{}", info.version, info.revision.get(..8).unwrap_or(&info.revision)));
    tag("vsn", "2");
    tag("vsn_min", "2");
    tag("vsn_max", "3");
    if info.server {
        tag("port", &info.server_port.to_string());
        tag("raft_vsn", "3");
        tag("acls", "0");
        // One or the other, as in Consul.
        if info.bootstrap {
            tag("bootstrap", "1");
        }
        if info.expect > 0 {
            tag("expect", &info.expect.to_string());
        }
        tag("ft_fs", "1");
        tag("ft_si", "1");
    }
    wire::Member {
        name: info.node_name.clone(),
        addr: info.address.clone(),
        port: info.server_port,
        tags,
        status: 1,
        protocol_min: 1,
        protocol_max: 5,
        protocol_cur: 2,
        delegate_min: 2,
        delegate_max: 5,
        delegate_cur: 4,
    }
}

/// `GET members`: as long as a server stands alone, it is all of them. Servers are in every segment.
pub(crate) fn members(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let wan = inbound.query.has("wan");
    if inbound.query.text("filter").is_some() {
        let text = "Invalid query parameter: \"filter\" - lists of members cannot be filtered in Konsul yet";
        return Err(Reply::bad(text));
    }
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.agent_self(&context).await {
            Ok(info) => Reply::json(&[seen_from(wan, &info)]),
            Err(why) => reply(&why),
        }
    }))
}

/// Between datacentres a member's name has its datacentre in it.
fn seen_from(wan: bool, info: &AgentInfo) -> wire::Member {
    let member = member(info);
    let name = if wan { format!("{}.{}", member.name, info.datacenter) } else { member.name };
    wire::Member { name, ..member }
}

/// `GET version`.
pub(crate) fn version(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.agent_self(&context).await {
            Ok(info) => Reply::json(&wire::Version {
                sha: info.revision,
                build_date: info.build_date,
                human_version: info.version,
                fips: String::new(),
            }),
            Err(why) => reply(&why),
        }
    }))
}

/// `GET host`.
pub(crate) fn host(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.agent_host(&context).await {
            Ok(info) => Reply::json(&host_body(info)),
            Err(why) => reply(&why),
        }
    }))
}

fn host_body(info: HostInfo) -> wire::Host {
    let (memory_used, disk_used) = (
        info.memory_total.saturating_sub(info.memory_available),
        info.disk_total.saturating_sub(info.disk_free),
    );
    wire::Host {
        memory: wire::Memory {
            total: info.memory_total,
            available: info.memory_available,
            used: memory_used,
            used_percent: percent(memory_used, info.memory_total),
            free: info.memory_available,
        },
        cpu: (0..info.cpus)
            .map(|cpu| wire::Cpu { cpu, cores: 1, model_name: info.cpu_model.clone() })
            .collect(),
        host: wire::Machine {
            hostname: info.hostname,
            uptime: info.uptime_s,
            boot_time: info.boot_time_s,
            procs: info.processes,
            os: info.os,
            kernel_version: info.kernel_version,
            kernel_arch: info.arch,
        },
        disk: wire::Disk {
            path: info.disk_path,
            total: info.disk_total,
            free: info.disk_free,
            used: disk_used,
            used_percent: percent(disk_used, info.disk_total),
        },
        collection_time: wall_ms().saturating_mul(1_000_000),
        errors: None,
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// `GET metrics`.
pub(crate) fn metrics(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let format = match inbound.query.get("format") {
        Some("prometheus") => MetricsFormat::Prometheus,
        _ if inbound.header(&ACCEPT).is_some_and(wants_prometheus) => MetricsFormat::Prometheus,
        _ => MetricsFormat::ConsulJson,
    };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match (edge.operations.agent_metrics(&context, format).await, format) {
            (Ok(text), MetricsFormat::Prometheus | MetricsFormat::OpenMetrics) => {
                Reply::typed(PROMETHEUS, text)
            }
            (Ok(json), MetricsFormat::ConsulJson) => Reply::written(json.into_bytes()),
            (Err(why), _) => reply(&why),
        }
    }))
}

/// Prometheus asks for OpenMetrics, or for text of a version.
fn wants_prometheus(accept: &str) -> bool {
    accept.split(',').any(|item| {
        let item: String =
            item.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        item.starts_with("application/openmetrics-text") || item.starts_with("text/plain;version=0.")
    })
}

/// `PUT reload`.
pub(crate) fn reload(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.agent_reload(&context).await {
            Ok(report) => {
                Reply::json(&wire::Reloaded { applied: report.applied, needs_restart: report.needs_restart })
            }
            Err(why) => reply(&why),
        }
    }))
}

/// `PUT leave`.
pub(crate) fn leave(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.agent_leave(&context).await {
            Ok(()) => Reply::empty(StatusCode::OK),
            Err(why) => reply(&why),
        }
    }))
}

/// `GET monitor`: the log, line by line, until the client has enough.
pub(crate) fn monitor(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let level = match inbound.query.text("loglevel") {
        None => "info",
        Some(text) => known_level(text).ok_or_else(|| Reply::bad(format!("Unknown log level: {text}")))?,
    };
    let filter = LogFilter { level: level.to_owned(), json: inbound.query.has("logjson") };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.agent_monitor(&context, filter).await {
            Ok(lines) => Reply::streamed("text/plain; charset=utf-8", Source::Lines(lines)),
            Err(why) => reply(&why),
        }
    }))
}

/// Consul's names of levels, in any case.
fn known_level(text: &str) -> Option<&'static str> {
    const LEVELS: &[(&str, &str)] = &[
        ("trace", "trace"),
        ("debug", "debug"),
        ("info", "info"),
        ("warn", "warn"),
        ("warning", "warn"),
        ("err", "error"),
        ("error", "error"),
    ];
    LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_is_known_by_what_it_accepts() {
        for yes in [
            "application/openmetrics-text; version=1.0.0,text/plain",
            "text/plain;version=0.0.4",
            "text/plain; version=0.4.0",
        ] {
            assert!(wants_prometheus(yes), "{yes}");
        }
        for no in ["*/*", "text/plain", "application/json"] {
            assert!(!wants_prometheus(no), "{no}");
        }
    }

    #[test]
    fn configuration_that_is_no_json_is_shown_as_text() {
        assert_eq!(raw("{\"a\":1}").get(), "{\"a\":1}");
        assert_eq!(raw("a\"b").get(), "\"a\\\"b\"");
    }
}
