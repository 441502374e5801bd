//! `/v2/system` and its like: the server itself.

mod limits;

use std::sync::Arc;

use konsul_api::v2::OPENAPI;
use konsul_api::v2::system::{
    Health, Host, Level, LogLevel, MetricsHistory, NamespaceUsage, Server, System, Usage,
};
use konsul_api::v2::time::Timestamp;
use konsul_operations::Answer;
use konsul_operations::ports::{self, AgentInfo, HostInfo, LogLevels, RaftServer, UsageReport};
use konsul_types::Index;
use konsul_types::duration::GoDuration;

pub(crate) use limits::limits;

use super::body::decode;
use super::inbound::{Begun, Inbound};
use super::reply::Reply;

/// `GET /v2/system`.
pub(crate) fn system(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let operations = &edge.operations;
        let agent = operations.agent_self(&context).await?;
        let host = operations.agent_host(&context).await?;
        let leader = operations.status_leader(&context).await?;
        let Answer { value: servers, meta } = operations.raft_configuration(&context).await?;
        let body = told(agent, host, leader, servers, operations.health(), meta.index);
        Ok(Reply::json(&body).with_index(meta.index))
    })
}

fn told(
    agent: AgentInfo,
    host: HostInfo,
    leader: Option<String>,
    servers: Vec<RaftServer>,
    health: ports::Health,
    index: Index,
) -> System {
    System {
        datacenter: agent.datacenter,
        node_name: agent.node_name,
        node_id: agent.node_id,
        version: agent.version,
        revision: agent.revision,
        build_date: agent.build_date,
        leader,
        servers: servers.into_iter().map(server).collect(),
        health: Health { live: health.live, ready: health.ready, reasons: health.reasons },
        host: machine(host),
        index: index.0,
    }
}

fn server(server: RaftServer) -> Server {
    Server {
        id: server.id,
        node_name: server.node,
        address: server.address,
        leader: server.leader,
        voter: server.voter,
        last_index: server.last_index.0,
    }
}

fn machine(host: HostInfo) -> Host {
    Host {
        hostname: host.hostname,
        os: host.os,
        kernel_version: host.kernel_version,
        arch: host.arch,
        cpus: host.cpus,
        uptime_seconds: host.uptime_s,
        memory_bytes: host.memory_total,
        memory_available_bytes: host.memory_available,
        disk_bytes: host.disk_total,
        disk_free_bytes: host.disk_free,
    }
}

/// `GET /v2/usage`.
pub(crate) fn usage(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.usage(&context).await?;
        Ok(Reply::json(&report(value, meta.index)).with_index(meta.index))
    })
}

fn report(found: UsageReport, index: Index) -> Usage {
    let namespaces = found.namespaces.into_iter().map(|one| NamespaceUsage {
        name: one.name,
        keys: one.keys,
        bytes: one.bytes,
        sessions: one.sessions,
    });
    Usage { nodes: found.nodes, checks: found.checks, namespaces: namespaces.collect(), index: index.0 }
}

/// `GET /v2/metrics/history`.
pub(crate) fn metrics_history(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let found = edge.operations.metrics_history(&context).await?;
        Ok(Reply::json(&history(&found)))
    })
}

fn history(found: &ports::MetricsHistory) -> MetricsHistory {
    let points = found.series.first().map_or(0, |series| series.values.len()) as u64;
    let times = (0..points).map(|at| {
        let back = found.step_ms.saturating_mul(points - 1 - at);
        Timestamp(found.until_ms.saturating_sub(back))
    });
    MetricsHistory {
        interval: GoDuration::from_millis(found.step_ms).to_string(),
        times: times.collect(),
        series: found.series.iter().map(|series| (series.name.to_owned(), series.values.clone())).collect(),
    }
}

/// `GET /v2/system/log_level`.
pub(crate) fn log_level_get(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let levels = edge.operations.log_level_get(&context).await?;
        Ok(Reply::json(&level(levels)))
    })
}

/// `PUT /v2/system/log_level`.
pub(crate) fn log_level_set(inbound: &mut Inbound<'_>) -> Begun {
    let (context, _) = inbound.writing()?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let wanted: LogLevel = decode("LogLevel", &whole.await?)?;
        let levels = LogLevels { level: word(wanted.level).to_owned(), targets: wanted.targets };
        let levels = edge.operations.log_level_set(&context, levels).await?;
        Ok(Reply::json(&level(levels)))
    })
}

fn level(levels: LogLevels) -> LogLevel {
    let level = match levels.level.as_str() {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "warn" => Level::Warn,
        "error" => Level::Error,
        _ => Level::Info,
    };
    LogLevel { level, targets: levels.targets }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// `GET /v2/openapi.json`.
pub(crate) fn openapi(inbound: &mut Inbound<'_>) -> Begun {
    inbound.later(async { Ok(Reply::typed("application/json", OPENAPI.as_bytes())) })
}
