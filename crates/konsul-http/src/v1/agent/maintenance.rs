//! `/v1/agent/maintenance` and `/v1/agent/service/maintenance/:id`: out of service by hand.

use std::sync::Arc;

use http::StatusCode;
use konsul_operations::Error;
use konsul_operations::arguments::AgentMaintenance;
use konsul_types::ServiceId;

use super::super::inbound::Inbound;
use super::super::query::parse_bool;
use super::super::read::Options;
use super::super::reply::Reply;
use super::super::route::Route;
use super::services::done;
use crate::service::Handled;

/// `PUT maintenance`.
pub(crate) fn node(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let args = AgentMaintenance { service: None, enable: enable(inbound)?, reason: reason(inbound) };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move { done(edge.operations.agent_maintenance(&context, args).await) }))
}

/// `PUT service/maintenance/:id`.
pub(crate) fn service(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    if inbound.tail.is_empty() {
        return Err(Reply::bad("Missing service ID"));
    }
    let enable = enable(inbound)?;
    let Ok(id) = ServiceId::new(inbound.tail) else {
        return Err(unknown(inbound.tail));
    };
    let service = Some((context.namespace.clone(), id));
    let args = AgentMaintenance { service, enable, reason: reason(inbound) };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.agent_maintenance(&context, args).await {
            Err(Error::ServiceNotFound(id)) => unknown(&id),
            other => done(other),
        }
    }))
}

fn enable(inbound: &Inbound<'_>) -> Result<bool, Reply> {
    match inbound.query.get("enable") {
        None => Err(Reply::bad("Missing value for enable")),
        Some(text) => {
            parse_bool(text).ok_or_else(|| Reply::bad(format!("Invalid value for enable: {text:?}")))
        }
    }
}

fn reason(inbound: &Inbound<'_>) -> String {
    inbound.query.get("reason").unwrap_or("").to_owned()
}

fn unknown(id: &str) -> Reply {
    Reply::plain(StatusCode::NOT_FOUND, format!("No service registered with ID {id:?}"))
}
