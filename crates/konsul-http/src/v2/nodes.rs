//! `/v2/nodes`.

use std::sync::Arc;

use konsul_api::v2::catalog::{NodeServices as Body, Status};
use konsul_api::v2::code;
use konsul_api::v2::page::NodePage;
use konsul_operations::Answer;
use konsul_operations::answer::Instance;
use konsul_operations::arguments::{CheckList, CheckSelect, Narrow, NodeList, NodeServices};
use konsul_types::Check;

use super::inbound::{Begun, Inbound};
use super::narrow::{Paging, key, narrow};
use super::rejection::Rejection;
use super::reply::Reply;
use super::told;

/// `GET /v2/nodes`.
pub(crate) fn list(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let paging = Paging::read(inbound, &context, &["filter", "node_meta", "near"])?;
    let args = NodeList { narrow: narrow(inbound)?, blocking: None };
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let Answer { value: mut found, meta } = edge.operations.node_list(&context, args).await?;
        let next_cursor = paging.page(&mut found, |one| key(&[one.name.as_str()]));
        let items = found.iter().map(|one| told::node(one)).collect();
        Ok(Reply::json(&NodePage { items, next_cursor, index: meta.index.0 }).with_index(meta.index))
    })
}

/// `GET /v2/nodes/{name}`.
pub(crate) fn get(inbound: &mut Inbound<'_>) -> Begun {
    let context = inbound.context()?;
    let node = inbound.variable.to_owned();
    let filter = inbound.query.get("filter").unwrap_or("").to_owned();
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let args = NodeServices { node: node.clone(), filter, blocking: None };
        let Answer { value, meta } = edge.operations.node_services(&context, args).await?;
        let Some(found) = value else {
            let detail = format!("the catalogue has no node {node:?}");
            return Err(Rejection::new(&code::NODE_NOT_FOUND, detail).at(meta.index));
        };
        let select = CheckSelect::Node(found.node.name.clone());
        let args = CheckList { select, narrow: Narrow::default(), blocking: None };
        let Answer { value: checks, .. } = edge.operations.check_list(&context, args).await?;
        let instance = |service: &Arc<konsul_types::Service>| {
            let checks = checks.iter().filter(|check| bears_on(check, service)).cloned().collect();
            told::instance(&Instance { node: Arc::clone(&found.node), service: Arc::clone(service), checks })
        };
        let own = checks.iter().filter(|check| check.service.is_none());
        let body = Body {
            node: told::node(&found.node),
            status: own.map(|check| told::status(check.status)).max().unwrap_or(Status::Passing),
            services: found.services.iter().map(instance).collect(),
            checks: checks.iter().map(|check| told::check(check)).collect(),
            index: meta.index.0,
        };
        Ok(Reply::json(&body).with_index(meta.index))
    })
}

/// Whether how a check stands matters to an instance of its node.
fn bears_on(check: &Check, service: &konsul_types::Service) -> bool {
    match &check.service {
        None => true,
        Some(of) => of.id == service.id && check.namespace == service.namespace,
    }
}
