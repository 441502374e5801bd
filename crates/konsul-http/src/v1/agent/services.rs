//! `/v1/agent/service…`: the instances that the agent keeps.

use std::sync::Arc;

use http::StatusCode;
use http::header::HeaderName;
use konsul_api::v1::decode::Unknown;
use konsul_api::v1::definition as wire;
use konsul_api::v1::write::Object;
use konsul_operations::arguments::{AgentServiceRegister, NodeServices};
use konsul_operations::{Blocking, Context, Error};
use konsul_runtime::time::{Duration, Instant, now};
use konsul_types::{Service, ServiceId};

use super::super::error::reply;
use super::super::inbound::Inbound;
use super::super::query::parse_bool;
use super::super::read::Options;
use super::super::reply::Reply;
use super::super::route::Route;
use super::super::shapes::write_agent_service;
use super::define;
use crate::service::{Edge, Handled};

/// `GET services`.
pub(crate) fn services(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let filter = inbound.query.get("filter").unwrap_or("").to_owned();
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match all(&edge, &context, filter).await {
            Ok(body) => Reply::written(body),
            Err(why) => reply(&why),
        }
    }))
}

async fn all(edge: &Edge, context: &Context, filter: String) -> Result<Vec<u8>, Error> {
    let datacenter = edge.datacenter(context).await?;
    let found = edge.operations.agent_services(context, filter).await?;
    let mut out = Vec::new();
    let mut object = Object::begin(&mut out);
    for service in &found {
        write_agent_service(service, &datacenter, None, object.named(service.id.as_str()));
    }
    object.end();
    Ok(out)
}

/// `GET service/:id`: one of them, with the hash of what is shown; with `hash` it waits while that is the same.
pub(crate) fn service(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    if inbound.tail.is_empty() {
        return Err(Reply::bad("Missing service ID"));
    }
    let id = inbound.tail.to_owned();
    let known = inbound.query.text("hash").map(str::to_owned);
    let wait = inbound.wait_alone()?;
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move {
        match watched(&edge, &context, &id, known.as_deref(), wait).await {
            Ok(Some(found)) => Reply::written(found.body).with_header(CONTENT_HASH, &found.hash),
            Ok(None) => Reply::plain(StatusCode::NOT_FOUND, format!("unknown service ID: {id}")),
            Err(why) => reply(&why),
        }
    }))
}

const CONTENT_HASH: HeaderName = HeaderName::from_static("x-consul-contenthash");

/// An instance as it is shown.
struct Shown {
    body: Vec<u8>,
    hash: String,
}

async fn watched(
    edge: &Edge,
    context: &Context,
    id: &str,
    known: Option<&str>,
    wait: Duration,
) -> Result<Option<Shown>, Error> {
    let datacenter = edge.datacenter(context).await?;
    let Some(known) = known else {
        return Ok(find(edge, context, id).await?.map(|service| show(&service, &datacenter)));
    };
    let deadline = now() + wait;
    let mut bell = Bell::begin(edge, context).await?;
    loop {
        // First the bell is set, then the agent is asked: what changes in between rings.
        let shown = find(edge, context, id).await?.map(|service| show(&service, &datacenter));
        match shown {
            Some(shown) if shown.hash == known && now() < deadline => {
                bell.wait(edge, context, deadline).await?;
            }
            other => return Ok(other),
        }
    }
}

/// Rings when something of the agent's may have changed: the agent brings the catalogue to agree with it at once, and the
/// catalogue's record of its node can be waited for.
struct Bell {
    node: String,
    args: NodeServices,
}

impl Bell {
    async fn begin(edge: &Edge, context: &Context) -> Result<Bell, Error> {
        let node = edge.operations.agent_self(context).await?.node_name;
        let args = NodeServices { node: node.clone(), filter: String::new(), blocking: None };
        let index = edge.operations.node_services(context, args.clone()).await?.meta.index;
        let blocking = Some(Blocking { index, wait: Duration::ZERO });
        Ok(Bell { node, args: NodeServices { blocking, ..args } })
    }

    async fn wait(&mut self, edge: &Edge, context: &Context, deadline: Instant) -> Result<(), Error> {
        if let Some(blocking) = &mut self.args.blocking {
            blocking.wait = deadline.saturating_duration_since(now());
        }
        let index = edge.operations.node_services(context, self.args.clone()).await?.meta.index;
        tracing::trace!(node = %self.node, index = index.0, "a watched instance is looked at again");
        if let Some(blocking) = &mut self.args.blocking {
            blocking.index = index;
        }
        Ok(())
    }
}

pub(super) async fn find(edge: &Edge, context: &Context, id: &str) -> Result<Option<Arc<Service>>, Error> {
    let found = edge.operations.agent_services(context, String::new()).await?;
    Ok(found.into_iter().find(|service| service.id.as_str() == id))
}

fn show(service: &Service, datacenter: &str) -> Shown {
    let mut body = Vec::new();
    write_agent_service(service, datacenter, None, &mut body);
    let hash = format!("{:x}", fnv(&body));
    body.clear();
    write_agent_service(service, datacenter, Some(&hash), &mut body);
    Shown { body, hash }
}

/// The hash FNV-1a with 64 bits. It only has to tell versions of one instance apart.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// `PUT service/register`.
pub(crate) fn register(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let replace_checks = match inbound.query.get("replace-existing-checks") {
        None => false,
        Some("") => true,
        Some(text) => parse_bool(text)
            .ok_or_else(|| Reply::bad(format!("Invalid value for replace-existing-checks: {text:?}")))?,
    };
    let taking = inbound.taking();
    Ok(Box::pin(async move {
        let edge = Arc::clone(&taking.edge);
        let defined = match taking.decode::<wire::Service>(Unknown::Refuse).await {
            Ok(body) => define::service(body, &context.namespace),
            Err(refused) => Err(refused),
        };
        match defined {
            Ok(definition) => {
                let context = Context { namespace: definition.namespace.clone(), ..context };
                let args = AgentServiceRegister { definition, replace_checks };
                done(edge.operations.agent_service_register(&context, args).await)
            }
            Err(refused) => refused,
        }
    }))
}

/// `PUT service/deregister/:id`.
pub(crate) fn deregister(inbound: &mut Inbound<'_>, _: &'static Route) -> Handled {
    let Options { context, .. } = inbound.options()?;
    let Ok(id) = ServiceId::new(inbound.tail) else {
        return Err(reply(&Error::ServiceNotFound(inbound.tail.to_owned())));
    };
    let edge = Arc::clone(inbound.edge);
    Ok(Box::pin(async move { done(edge.operations.agent_service_deregister(&context, id).await) }))
}

/// The answer to what the agent is told: nothing.
pub(super) fn done(result: Result<(), Error>) -> Reply {
    match result {
        Ok(()) => Reply::empty(StatusCode::OK),
        Err(why) => reply(&why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_well_known_one() {
        assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
