//! `/v1/internal/ui/…`: what Consul's own pages show. Each answer is put together from several reads, so that it is not of
//! one index; it does not wait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::StatusCode;
use konsul_api::v1::write::{Object, list};
use konsul_operations::arguments::{
    CheckList, CheckSelect, Narrow, NodeList, NodeServices, ServiceInstances, ServiceList,
};
use konsul_operations::{Answer, Error, Meta};
use konsul_types::{Check, CheckStatus, Node, NodeName, Service, ServiceName};

use super::asked::Asked;
use super::catalog::Found;
use super::error::reply;
use super::inbound::Inbound;
use super::reply::Reply;
use super::route::Route;
use super::shapes::{begin_node, write_check, write_service};
use crate::service::Handled;

/// `GET nodes`.
pub(crate) fn nodes(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    Ok(Box::pin(async move { asked.finish(find_nodes(&asked).await) }))
}

async fn find_nodes(asked: &Asked) -> Found {
    let datacenter = asked.datacenter().await?;
    let args = NodeList { narrow: asked.narrow.clone(), blocking: asked.blocking };
    let Answer { value, meta } = asked.edge.operations.node_list(&asked.context, args).await?;
    let mut checks = checks_by_node(asked).await?;
    let mut out = vec![b'['];
    for node in value {
        let found = services_of(asked, node.name.as_str()).await?;
        if out.len() > 1 {
            out.push(b',');
        }
        let checks = checks.remove(&node.name.folded()).unwrap_or_default();
        write_info(&node, &found.0, &checks, &datacenter, &mut out);
    }
    out.push(b']');
    Ok((out, meta))
}

async fn checks_by_node(asked: &Asked) -> Result<BTreeMap<NodeName, Vec<Arc<Check>>>, Error> {
    let args = CheckList { select: CheckSelect::Status(None), narrow: Narrow::default(), blocking: None };
    let mut by_node: BTreeMap<NodeName, Vec<Arc<Check>>> = BTreeMap::new();
    for check in asked.edge.operations.check_list(&asked.context, args).await?.value {
        by_node.entry(check.node.folded()).or_default().push(check);
    }
    Ok(by_node)
}

async fn services_of(
    asked: &Asked,
    node: &str,
) -> Result<(Vec<Arc<Service>>, Option<Arc<Node>>, Meta), Error> {
    let args = NodeServices { node: node.to_owned(), filter: String::new(), blocking: None };
    let Answer { value, meta } = asked.edge.operations.node_services(&asked.context, args).await?;
    Ok(match value {
        Some(found) => (found.services, Some(found.node), meta),
        None => (Vec::new(), None, meta),
    })
}

fn write_info(
    node: &Node,
    services: &[Arc<Service>],
    checks: &[Arc<Check>],
    datacenter: &str,
    out: &mut Vec<u8>,
) {
    let mut object = begin_node(node, datacenter, out);
    list(object.value("Services"), services.iter(), |out, service| write_service(service, out));
    list(object.value("Checks"), checks.iter(), |out, check| write_check(check, out));
    object.end();
}

/// `GET node/:node`.
pub(crate) fn node(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    let name = inbound.node_name()?;
    Ok(Box::pin(async move {
        match find_node(&asked, name).await {
            Ok((Some(body), meta)) => asked.dress(Reply::written(body), meta),
            Ok((None, meta)) => asked.dress(Reply::empty(StatusCode::NOT_FOUND), meta),
            Err(why) => reply(&why),
        }
    }))
}

async fn find_node(asked: &Asked, name: NodeName) -> Result<(Option<Vec<u8>>, Meta), Error> {
    let datacenter = asked.datacenter().await?;
    let (services, node, meta) = services_of(asked, name.as_str()).await?;
    let Some(node) = node else { return Ok((None, meta)) };
    let args =
        CheckList { select: CheckSelect::Node(node.name.clone()), narrow: Narrow::default(), blocking: None };
    let checks = asked.edge.operations.check_list(&asked.context, args).await?.value;
    let mut out = Vec::new();
    write_info(&node, &services, &checks, &datacenter, &mut out);
    Ok((Some(out), meta))
}

/// `GET services`.
pub(crate) fn services(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    Ok(Box::pin(async move { asked.finish(find_services(&asked).await) }))
}

async fn find_services(asked: &Asked) -> Found {
    let datacenter = asked.datacenter().await?;
    let args = ServiceList { narrow: Narrow::default(), names_only: true, blocking: asked.blocking };
    let Answer { value, meta } = asked.edge.operations.service_list(&asked.context, args).await?;
    let mut summaries = Vec::new();
    for service in value {
        let summary = Summary::of(asked, service.name).await?;
        // A filter may leave nothing of a service.
        summaries.extend(summary.filter(|one| one.instances > 0));
    }
    let mut out = Vec::new();
    list(&mut out, summaries.iter(), |out, one| one.write(&datacenter, out));
    Ok((out, meta))
}

/// A service as one line of a page.
struct Summary {
    name: ServiceName,
    kind: &'static str,
    tags: BTreeSet<String>,
    nodes: BTreeSet<String>,
    sources: BTreeSet<String>,
    instances: u64,
    checks: [u64; 3],
    native: bool,
}

impl Summary {
    async fn of(asked: &Asked, name: ServiceName) -> Result<Option<Summary>, Error> {
        let args = ServiceInstances {
            name: name.clone(),
            connect: false,
            tags: Vec::new(),
            narrow: Narrow { near: None, ..asked.narrow.clone() },
            with_checks: true,
            passing: false,
            blocking: None,
        };
        let found = asked.edge.operations.service_instances(&asked.context, args).await?.value;
        let mut summary = Summary {
            name,
            kind: found.first().map_or("", |one| one.service.kind.name()),
            tags: BTreeSet::new(),
            nodes: BTreeSet::new(),
            sources: BTreeSet::new(),
            instances: found.len() as u64,
            checks: [0; 3],
            native: false,
        };
        // A node's own checks count once, however many instances are on it.
        let mut counted = BTreeSet::new();
        for one in &found {
            summary.tags.extend(one.service.tags.iter().map(str::to_owned));
            summary.nodes.insert(one.node.name.to_string());
            summary.sources.extend(one.service.meta.get("external-source").map(str::to_owned));
            summary.native |= one.service.connect_native;
            for check in &one.checks {
                if counted.insert((check.node.folded(), check.namespace.clone(), check.id.clone())) {
                    summary.checks[place(check.status)] += 1;
                }
            }
        }
        Ok(Some(summary))
    }

    fn write(&self, datacenter: &str, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        object.text_if("Kind", self.kind);
        object.text("Name", self.name.as_str());
        object.text("Datacenter", datacenter);
        object.texts("Tags", self.tags.iter().map(String::as_str));
        object.texts("Nodes", self.nodes.iter().map(String::as_str));
        match self.sources.is_empty() {
            true => object.raw("ExternalSources", "null"),
            false => object.texts("ExternalSources", self.sources.iter().map(String::as_str)),
        }
        object.number("InstanceCount", self.instances);
        object.number("ChecksPassing", self.checks[0]);
        object.number("ChecksWarning", self.checks[1]);
        object.number("ChecksCritical", self.checks[2]);
        object.raw("GatewayConfig", "{}");
        object.truth("TransparentProxy", false);
        object.truth("ConnectNative", self.native);
        object.truth("ConnectedWithProxy", false);
        object.truth("ConnectedWithGateway", false);
        object.end();
    }
}

fn place(status: CheckStatus) -> usize {
    match status {
        CheckStatus::Passing => 0,
        CheckStatus::Warning => 1,
        CheckStatus::Critical => 2,
    }
}
