//! `/v1/status/…`: who leads, and who is there. Start-up scripts poll this, so it needs no permission and no leader.

use std::sync::Arc;

use super::error::reply;
use super::inbound::Inbound;
use super::read::Options;
use super::reply::Reply;
use super::route::Route;
use crate::service::Handled;

/// `GET leader`.
pub(crate) fn leader(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.status_leader(&context).await {
            Ok(address) => Reply::json(address.as_deref().unwrap_or("")),
            Err(why) => reply(&why),
        }
    }))
}

/// `GET peers`.
pub(crate) fn peers(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match edge.operations.status_peers(&context).await {
            Ok(addresses) => Reply::json(&addresses),
            Err(why) => reply(&why),
        }
    }))
}
