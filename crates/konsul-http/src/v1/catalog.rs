//! `/v1/catalog/…`, its reads: nodes, services, and what is where.

use std::sync::Arc;

use konsul_api::v1::json::write_str;
use konsul_api::v1::write::{Object, list};
use konsul_operations::answer::{Instance, NodeWithServices};
use konsul_operations::arguments::{NodeList, NodeServices, ServiceInstances, ServiceList};
use konsul_operations::{Answer, Error, Meta};
use konsul_types::ServiceName;

use super::asked::Asked;
use super::error::reply;
use super::inbound::Inbound;
use super::kept::{KeptBody, Question, Shape};
use super::reply::Reply;
use super::route::Route;
use super::shapes::{ENTRY_ROOM, write_entry, write_flat, write_node, write_service};
use crate::service::Handled;

/// What a handler makes: a body and how fresh it is.
pub(crate) type Found = Result<(Vec<u8>, Meta), Error>;

/// `GET datacenters`.
pub(crate) fn datacenters(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    Ok(Box::pin(async move {
        match asked.edge.operations.datacenter_list(&asked.context).await {
            Ok(names) => asked.dress_bare(Reply::json(&names)),
            Err(why) => reply(&why),
        }
    }))
}

/// `GET nodes`.
pub(crate) fn nodes(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    Ok(Box::pin(async move { asked.finish(find_nodes(&asked).await) }))
}

async fn find_nodes(asked: &Asked) -> Found {
    let datacenter = asked.datacenter().await?;
    let args = NodeList { narrow: asked.narrow.clone(), blocking: asked.blocking };
    let Answer { value, meta } = asked.edge.operations.node_list(&asked.context, args).await?;
    let mut out = Vec::new();
    list(&mut out, value.iter(), |out, node| write_node(node, &datacenter, out));
    Ok((out, meta))
}

/// `GET services`.
pub(crate) fn services(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let asked = inbound.asked()?;
    Ok(Box::pin(async move { asked.finish(find_services(&asked).await) }))
}

async fn find_services(asked: &Asked) -> Found {
    let args = ServiceList { narrow: asked.narrow.clone(), names_only: true, blocking: asked.blocking };
    let Answer { mut value, meta } = asked.edge.operations.service_list(&asked.context, args).await?;
    // As Go writes a map.
    value.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    for service in &value {
        let tags = service.tags.iter().map(AsRef::<str>::as_ref);
        list(object.named(service.name.as_str()), tags, write_str);
    }
    object.end();
    Ok((out, meta))
}

/// `GET service/:service`.
pub(crate) fn service(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    instances(inbound, Shape::Catalog, false)
}

/// `GET connect/:service`.
pub(crate) fn connect(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    instances(inbound, Shape::Catalog, true)
}

/// The instances of a service in one of their shapes.
pub(crate) fn instances(inbound: &mut Inbound<'_>, shape: Shape, connect: bool) -> Handled {
    let asked = inbound.asked()?;
    let args = ServiceInstances {
        name: inbound.service_name()?,
        connect,
        tags: inbound.query.all("tag").map(str::to_owned).collect(),
        narrow: asked.narrow.clone(),
        with_checks: shape == Shape::Health,
        passing: shape == Shape::Health && inbound.passing()?,
        blocking: asked.blocking,
    };
    Ok(Box::pin(async move {
        match find_instances(&asked, shape, args).await {
            Ok((body, meta)) => asked.dress(body, meta),
            Err(why) => reply(&why),
        }
    }))
}

/// Questions with more tags are not worth keeping.
const TAGS_KEPT_MAX: usize = 8;

async fn find_instances(
    asked: &Asked,
    shape: Shape,
    mut args: ServiceInstances,
) -> Result<(Reply, Meta), Error> {
    let datacenter = asked.datacenter().await?;
    let operations = &asked.edge.operations;
    let kept = &asked.edge.shared.kept;
    let worth = asked.is_plain() && !args.connect && args.tags.len() <= TAGS_KEPT_MAX;
    let mut question = worth.then(|| question(asked, shape, &args, &datacenter));
    if let Some(asked_again) = &question {
        match operations.service_version(&asked.context, args.clone()).await {
            Ok(Answer { meta, .. }) => {
                if let Some(body) = kept.get(asked_again, meta.index) {
                    return Ok((Reply::kept(body), meta));
                }
                // It has waited already.
                args.blocking = None;
            }
            Err(Error::NotOffered { .. }) => question = None,
            Err(why) => return Err(why),
        }
    }
    let Answer { value, meta } = operations.service_instances(&asked.context, args).await?;
    let body = write_instances(&value, shape, &datacenter);
    let Some(question) = question.filter(|_| !value.is_empty()) else {
        return Ok((Reply::written(body), meta));
    };
    let body = Arc::new(KeptBody::new(meta.index, body));
    kept.put(question, &body);
    Ok((Reply::kept(body), meta))
}

fn question(asked: &Asked, shape: Shape, args: &ServiceInstances, datacenter: &Arc<str>) -> Question {
    Question {
        shape,
        passing: args.passing,
        namespace: asked.context.namespace.clone(),
        datacenter: Arc::clone(datacenter),
        service: args.name.folded().as_str().to_owned(),
        tags: args.tags.clone(),
    }
}

fn write_instances(found: &[Instance], shape: Shape, datacenter: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(found.len() * ENTRY_ROOM + 2);
    list(&mut out, found.iter(), |out, instance| match shape {
        Shape::Catalog => write_flat(instance, datacenter, out),
        Shape::Health => write_entry(instance, datacenter, out),
    });
    out
}

/// `GET gateway-services/:gateway`. Which services a gateway stands for is told by configuration entries, and there are none
/// yet: so it stands for none. Whoever waits is woken when the gateway's own instances change.
pub(crate) fn gateway_services(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    if inbound.tail.is_empty() {
        return Err(Reply::bad("Missing gateway name"));
    }
    none_of(inbound)
}

/// An empty list about a service, as fresh as it would be if there were something.
pub(crate) fn none_of(inbound: &mut Inbound<'_>) -> Handled {
    let asked = inbound.asked()?;
    let name = inbound.service_name()?;
    Ok(Box::pin(async move { asked.finish(find_none(&asked, name).await) }))
}

async fn find_none(asked: &Asked, name: ServiceName) -> Found {
    let args = ServiceInstances {
        name,
        connect: false,
        tags: Vec::new(),
        narrow: asked.narrow.clone(),
        with_checks: true,
        passing: false,
        blocking: asked.blocking,
    };
    let found = asked.edge.operations.service_instances(&asked.context, args).await?;
    Ok((b"[]".to_vec(), found.meta))
}

/// `GET node/:node`.
pub(crate) fn node(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    on_node(inbound, |found, datacenter, out| {
        let Some(found) = found else {
            return out.extend_from_slice(b"null");
        };
        let mut object = Object::begin(out);
        write_node(&found.node, datacenter, object.value("Node"));
        let mut services = Object::begin(object.value("Services"));
        for service in &found.services {
            write_service(service, services.named(service.id.as_str()));
        }
        services.end();
        object.end();
    })
}

/// `GET node-services/:node`.
pub(crate) fn node_services(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    on_node(inbound, |found, datacenter, out| {
        let Some(found) = found else {
            return out.extend_from_slice(b"{\"Node\":null,\"Services\":null}");
        };
        let mut object = Object::begin(out);
        write_node(&found.node, datacenter, object.value("Node"));
        list(object.value("Services"), found.services.iter(), |out, service| write_service(service, out));
        object.end();
    })
}

/// How a node with its services is written; `None` for an unknown one.
type WriteNode = fn(Option<&NodeWithServices>, &str, &mut Vec<u8>);

fn on_node(inbound: &mut Inbound<'_>, write: WriteNode) -> Handled {
    let asked = inbound.asked()?;
    if inbound.tail.is_empty() {
        return Err(Reply::bad("Missing node name"));
    }
    let args = NodeServices {
        node: inbound.tail.to_owned(),
        filter: asked.narrow.filter.clone(),
        blocking: asked.blocking,
    };
    Ok(Box::pin(async move { asked.finish(find_on_node(&asked, args, write).await) }))
}

async fn find_on_node(asked: &Asked, args: NodeServices, write: WriteNode) -> Found {
    let datacenter = asked.datacenter().await?;
    let Answer { value, meta } = asked.edge.operations.node_services(&asked.context, args).await?;
    let mut out = Vec::new();
    write(value.as_ref(), &datacenter, &mut out);
    Ok((out, meta))
}
