//! `/v2/checks`.

use std::sync::Arc;

use konsul_api::v2::catalog::CheckHistory as Body;
use konsul_api::v2::code;
use konsul_api::v2::page::CheckPage;
use konsul_operations::Answer;
use konsul_operations::arguments::{CheckHistory, CheckList, CheckSelect};
use konsul_types::{CheckId, CheckStatus, NodeName, ServiceName};

use super::inbound::{Begun, Inbound};
use super::narrow::{Paging, key, narrow};
use super::rejection::{Rejected, Rejection};
use super::reply::Reply;
use super::told;

/// `GET /v2/checks`.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let paging = Paging::read(inbound, &context, &["node", "service", "status", "filter", "node_meta"])?;
    let status = inbound.query.get("status").and_then(CheckStatus::of_name);
    let args = CheckList { select: select(inbound, status)?, narrow: narrow(inbound)?, blocking: None };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: mut found, meta } = edge.operations.check_list(&context, args).await?;
        found.retain(|check| status.is_none_or(|status| check.status == status));
        let next_cursor =
            paging.page(&mut found, |one| key(&[one.node.as_str(), one.namespace.as_str(), one.id.as_str()]));
        let items = found.iter().map(|one| told::check(one)).collect();
        Ok(Reply::json(&CheckPage { items, next_cursor, index: meta.index.0 }).with_index(meta.index))
    })
}

fn select(inbound: &Inbound<'_>, status: Option<CheckStatus>) -> Rejected<CheckSelect> {
    match (inbound.query.get("node"), inbound.query.get("service")) {
        (Some(_), Some(_)) => Err(Rejection::of_parameter("service", "cannot be there together with node")),
        (Some(node), None) => Ok(CheckSelect::Node(
            NodeName::new(node).map_err(|why| Rejection::of_parameter("node", why.what))?,
        )),
        (None, Some(name)) => Ok(CheckSelect::Service(
            ServiceName::new(name).map_err(|why| Rejection::of_parameter("service", why.what))?,
        )),
        (None, None) => Ok(CheckSelect::Status(status)),
    }
}

/// `GET /v2/checks/{node}/{id}/history`.
pub(crate) fn history(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let (node, id) = inbound.pair()?;
    let args = CheckHistory {
        node: NodeName::new(&*node).map_err(|why| Rejection::of_parameter("node", why.what))?,
        id: CheckId::new(&*id).map_err(|why| Rejection::of_parameter("id", why.what))?,
    };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value, meta } = edge.operations.check_history(&context, args).await?;
        let Some(past) = value else {
            let detail = format!("node {node:?} has no check {id:?}");
            return Err(Rejection::new(&code::CHECK_NOT_FOUND, detail).at(meta.index));
        };
        let body = Body {
            check: told::check(&past.check),
            transitions: past.transitions.iter().rev().map(told::transition).collect(),
            index: meta.index.0,
        };
        Ok(Reply::json(&body).with_index(meta.index))
    })
}
