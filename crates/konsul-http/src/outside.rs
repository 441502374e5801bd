//! What is answered outside of `/v1`: health, figures, and paths that nobody knows.

use std::sync::Arc;

use http::StatusCode;
use konsul_operations::Context;
use konsul_operations::ports::MetricsFormat;
use serde::Serialize;

use crate::service::Handled;
use crate::v1::error;
use crate::v1::inbound::Inbound;
use crate::v1::reply::Reply;
use crate::v1::route::Route;

/// The type of Prometheus' text.
pub(crate) const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

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
    Ok(Box::pin(async move {
        let context = Context::new(edge.default_namespace.clone());
        match edge.operations.agent_metrics(&context, MetricsFormat::Prometheus).await {
            Ok(text) => Reply::typed(PROMETHEUS, text),
            Err(why) => error::reply(&why),
        }
    }))
}

#[derive(Serialize)]
struct Health<'a> {
    live: bool,
    ready: bool,
    reasons: &'a [String],
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
    let body = Health { live: health.live, ready: health.ready, reasons: &health.reasons };
    Err(Reply::json(&body).with_status(status))
}
