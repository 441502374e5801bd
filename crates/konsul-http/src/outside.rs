//! What is answered outside of `/v1`: health, figures, and paths that nobody knows.

mod accept;

use std::sync::Arc;

use http::StatusCode;
use http::header::ACCEPT;
use konsul_operations::Context;
use konsul_operations::ports::{HealthLine, MetricsFormat};
use serde::Serialize;

use crate::service::Handled;
use crate::v1::error;
use crate::v1::inbound::Inbound;
use crate::v1::reply::Reply;
use crate::v1::route::Route;

/// The type of Prometheus' text.
pub(crate) const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The type of OpenMetrics' text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A path that is no route: Consul's texts.
pub(crate) fn unknown(path: &str) -> Reply {
    let text = if path == "/" {
        return Reply::plain(StatusCode::OK, UI_DISABLED);
    } else if path.contains("/v1/") {
        "Invalid URL path: not a recognized HTTP API endpoint\n"
    } else {
        "Invalid URL path: if attempting to use the HTTP API, ensure the path starts with '/v1/'\n"
    };
    Reply::plain(StatusCode::NOT_FOUND, text)
}

const UI_DISABLED: &str = "Consul Agent: UI disabled. To enable, set ui_config.enabled=true in the agent configuration and restart.";

/// `GET /metrics`.
pub(crate) fn metrics(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let edge = Arc::clone(inbound.edge);
    let format = inbound.header(&ACCEPT).map_or(MetricsFormat::Prometheus, accept::wanted);
    let kind = if format == MetricsFormat::OpenMetrics { OPEN_METRICS } else { PROMETHEUS };
    Ok(Box::pin(async move {
        let context = Context::new(edge.default_namespace.clone());
        match edge.operations.agent_metrics(&context, format).await {
            Ok(text) => Reply::typed(kind, text),
            Err(why) => error::reply(&why),
        }
    }))
}

#[derive(Serialize)]
struct Health<'a> {
    live: bool,
    ready: bool,
    reasons: &'a [String],
    checks: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    state: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    since: String,
}

impl<'a> From<&'a HealthLine> for Line<'a> {
    fn from(line: &'a HealthLine) -> Self {
        let since =
            i64::try_from(line.since_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        Line {
            name: line.name,
            state: line.state.name(),
            reason: &line.reason,
            since: format!("{:.3}", since.unwrap_or_default()),
        }
    }
}

/// `GET /health` and `/health/ready`: 503 unless it is live and ready.
pub(crate) fn ready(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    health(inbound, |health| health.live && health.ready)
}

/// `GET /health/live`: 503 unless it is live.
pub(crate) fn live(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    health(inbound, |health| health.live)
}

fn health(inbound: &Inbound<'_>, is_good: fn(&konsul_operations::ports::Health) -> bool) -> Handled {
    let health = inbound.edge.operations.health();
    let status = if is_good(&health) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks = health.lines.iter().map(Line::from).collect();
    let body = Health { live: health.live, ready: health.ready, reasons: &health.reasons, checks };
    Err(Reply::json(&body).with_status(status))
}
