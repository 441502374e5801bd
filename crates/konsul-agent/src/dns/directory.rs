//! The registry as DNS asks of it: the operations' answers in DNS's words.
//!
//! DNS asks the same operations as every other edge, so that the same permissions hold. What it asks for each packet, the
//! generation and the version of a service, comes from the applied state and costs a few look-ups.

use std::net::IpAddr;
use std::sync::Arc;

use konsul_config::Config;
use konsul_dns::{
    Asked, Directory, DirectoryError, Executed, Instance, Locality, Node, NodeQuery, Order, PreparedQuery,
    Reverse, Service, ServiceKind, ServiceQuery, Status, TaggedAddress, Virtual, Weights, at_once,
};
use konsul_operations::answer::Instance as Found;
use konsul_operations::arguments::{Narrow, NodeList, NodeServices, QueryExecute, ServiceInstances};
use konsul_operations::ports::Replica as _;
use konsul_operations::{Consistency, Context, Error, Local, Operations as _};
use konsul_replica::ServerReplica;
use konsul_runtime::time::Duration;
use konsul_types::{CheckStatus, GoDuration, Namespace, ServiceName};

/// The registry of this agent.
pub(super) struct Registry {
    operations: Local<ServerReplica>,
    datacenter: String,
    consistency: Consistency,
}

impl Registry {
    pub(super) fn new(config: &Config, operations: &Local<ServerReplica>) -> Registry {
        let max_stale = Some(config.dns_config.max_stale.to_std());
        let consistency = if config.dns_config.allow_stale {
            Consistency::Stale { max_stale }
        } else {
            Consistency::Default
        };
        Registry { operations: operations.clone(), datacenter: config.datacenter.clone(), consistency }
    }

    /// The context of a question about a place; an error if there is no such place.
    fn context(&self, locality: &Locality) -> Result<Context, DirectoryError> {
        let datacenter = locality.datacenter.as_deref();
        if let Some(other) = datacenter.filter(|name| !name.eq_ignore_ascii_case(&self.datacenter)) {
            return Err(DirectoryError::NoPath(other.to_owned()));
        }
        let unknown = [
            (locality.partition.is_some(), "an admin partition"),
            (locality.peer.is_some(), "a cluster peer"),
            (locality.sameness_group.is_some(), "a sameness group"),
        ];
        if let Some((_, what)) = unknown.into_iter().find(|(asked, _)| *asked) {
            return Err(DirectoryError::Unsupported(what));
        }
        let namespace = match &locality.namespace {
            None => Namespace::default_namespace(),
            Some(name) => Namespace::new(name.as_str())
                .map_err(|_| DirectoryError::Unsupported("a namespace of that name"))?,
        };
        Ok(Context { consistency: self.consistency, ..Context::new(namespace) })
    }
}

/// What cannot be answered now.
fn unavailable(why: &Error) -> DirectoryError {
    match why {
        Error::NoPathToDatacenter(name) => DirectoryError::NoPath(name.clone()),
        other => DirectoryError::Unavailable(other.to_string()),
    }
}

impl Directory for Registry {
    fn generation(&self) -> Option<u64> {
        let replica = self.operations.replica();
        let fresh = match self.consistency {
            Consistency::Stale { .. } => replica.staleness().is_ok(),
            _ => replica.lease().is_ok(),
        };
        fresh.then(|| replica.state().index().0)
    }

    fn service_version(&self, query: &ServiceQuery) -> Option<u64> {
        if query.kind != ServiceKind::Plain {
            return None;
        }
        let namespace = self.context(&query.locality).ok()?.namespace;
        let name = ServiceName::new(query.name.as_str()).ok()?;
        let state = self.operations.replica().state();
        state.catalog().group(&namespace, &name).map(|group| group.changed.0)
    }

    fn service(&self, query: ServiceQuery) -> Asked<Option<Arc<Service>>> {
        let (Ok(name), context) = (ServiceName::new(query.name.as_str()), self.context(&query.locality))
        else {
            return at_once(Ok(None));
        };
        let context = match context {
            Ok(context) => context,
            Err(why) => return at_once(Err(why)),
        };
        // No gateway exposes anything yet.
        if query.kind == ServiceKind::Ingress {
            return at_once(Ok(None));
        }
        let arguments = ServiceInstances {
            name,
            connect: query.kind == ServiceKind::Connect,
            tags: query.tag.into_iter().collect(),
            narrow: Narrow::default(),
            with_checks: true,
            passing: false,
            blocking: None,
        };
        let (operations, datacenter) = (self.operations.clone(), self.datacenter.clone());
        Box::pin(async move {
            let answer = operations.service_instances(&context, arguments).await;
            let answer = answer.map_err(|why| unavailable(&why))?;
            let weighted = |found: &Found| {
                found.service.advice.as_ref().is_some_and(|advice| advice.strategy == "weighted")
            };
            let order = if answer.value.iter().any(weighted) { Order::Weighted } else { Order::Shuffled };
            let instances: Vec<_> = answer.value.iter().map(|found| instance(found, &datacenter)).collect();
            let known = !instances.is_empty();
            Ok(known.then(|| Arc::new(Service { version: answer.meta.index.0, instances, order })))
        })
    }

    fn node(&self, query: NodeQuery) -> Asked<Option<Arc<Node>>> {
        let context = match self.context(&query.locality) {
            Ok(context) => context,
            Err(why) => return at_once(Err(why)),
        };
        let (operations, datacenter) = (self.operations.clone(), self.datacenter.clone());
        Box::pin(async move {
            let arguments = NodeServices { node: query.name, filter: String::new(), blocking: None };
            let answer = operations.node_services(&context, arguments).await;
            let answer = answer.map_err(|why| unavailable(&why))?;
            Ok(answer.value.map(|found| Arc::new(node(&found.node, &datacenter))))
        })
    }

    fn by_address(&self, address: IpAddr) -> Asked<Option<Reverse>> {
        let context = match self.context(&Locality::default()) {
            Ok(context) => context,
            Err(why) => return at_once(Err(why)),
        };
        let (operations, datacenter) = (self.operations.clone(), self.datacenter.clone());
        Box::pin(async move {
            let nodes = operations.node_list(&context, NodeList::default()).await;
            let nodes = nodes.map_err(|why| unavailable(&why))?;
            let here = |text: &str| text.parse() == Ok(address);
            if let Some(found) = nodes.value.iter().find(|node| here(&node.address)) {
                let name = found.name.to_string();
                return Ok(Some(Reverse::Node { name, datacenter }));
            }
            let state = operations.replica().state();
            let found = state.catalog().services().find(|service| here(&service.address)).cloned();
            let Some(found) = found else { return Ok(None) };
            // Told only if the same question by name would tell it.
            let context = Context { namespace: found.namespace.clone(), ..context };
            let arguments = ServiceInstances {
                name: found.name.clone(),
                connect: false,
                tags: Vec::new(),
                narrow: Narrow::default(),
                with_checks: false,
                passing: false,
                blocking: None,
            };
            let seen = operations.service_instances(&context, arguments).await;
            let seen = seen.map_err(|why| unavailable(&why))?;
            let namespace = (!found.namespace.is_default()).then(|| found.namespace.to_string());
            let name = found.name.to_string();
            Ok((!seen.value.is_empty()).then_some(Reverse::Service { name, namespace, datacenter }))
        })
    }

    fn prepared_query(&self, query: PreparedQuery) -> Asked<Option<Executed>> {
        let place = Locality { datacenter: query.datacenter, ..Locality::default() };
        let context = match self.context(&place) {
            Ok(context) => context,
            Err(why) => return at_once(Err(why)),
        };
        let (operations, datacenter) = (self.operations.clone(), self.datacenter.clone());
        Box::pin(async move {
            let arguments = QueryExecute {
                name: query.name,
                near: None,
                limit: None,
                connect: false,
                client: Some(query.source),
            };
            let answer = match operations.query_execute(&context, arguments).await {
                Ok(answer) => answer.value,
                Err(Error::QueryNotFound) => return Ok(None),
                Err(why) => return Err(unavailable(&why)),
            };
            let ttl = answer.dns_ttl.parse::<GoDuration>().ok().map(GoDuration::to_std);
            Ok(Some(Executed {
                service: answer.service,
                ttl: ttl.filter(|ttl| *ttl > Duration::ZERO),
                instances: answer.instances.iter().map(|found| instance(found, &datacenter)).collect(),
            }))
        })
    }

    fn virtual_address(&self, query: ServiceQuery) -> Asked<Virtual> {
        // Addresses of this kind are handed out by the mesh, which is not there yet.
        let known = self.service_version(&query).is_some();
        at_once(Ok(if known { Virtual::NoAddress } else { Virtual::NoService }))
    }

    fn servers(&self) -> Asked<Vec<Arc<Node>>> {
        let query = ServiceQuery { name: "consul".to_owned(), ..ServiceQuery::default() };
        let asked = self.service(query);
        Box::pin(async move {
            let servers = asked.await?;
            Ok(servers.iter().flat_map(|service| &service.instances).map(|one| one.node.clone()).collect())
        })
    }
}

fn instance(found: &Found, datacenter: &str) -> Instance {
    let service = &found.service;
    let tagged = service.tagged_addresses.iter().map(|(kind, address)| {
        (kind.to_string(), TaggedAddress { address: address.address.to_string(), port: address.port })
    });
    Instance {
        node: Arc::new(node(&found.node, datacenter)),
        address: service.address.to_string(),
        port: service.port,
        tagged_addresses: tagged.collect(),
        weights: Weights { passing: service.weights.passing, warning: service.weights.warning },
        status: match found.status() {
            CheckStatus::Passing => Status::Passing,
            CheckStatus::Warning => Status::Warning,
            CheckStatus::Critical => Status::Critical,
        },
    }
}

fn node(found: &konsul_types::Node, datacenter: &str) -> Node {
    Node {
        name: found.name.to_string(),
        id: found.id.map(|id| id.to_string()).unwrap_or_default(),
        datacenter: datacenter.to_owned(),
        address: found.address.clone(),
        tagged_addresses: found.tagged_addresses.clone(),
        meta: found.meta.clone(),
        peer: None,
    }
}
