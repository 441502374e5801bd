//! `/v2/catalog`: registration directly in the catalogue.

use std::sync::Arc;

use konsul_api::v2::catalog::{
    CatalogDeregister as Removed, CatalogRegister as Wanted, CheckRegistration, NodeRegistration,
};
use konsul_operations::arguments::{CatalogDeregister, CatalogRegister};
use konsul_types::catalog::Registration;
use konsul_types::node::CheckedService;
use konsul_types::{
    Check, CheckId, Index, Namespace, Node, NodeName, Service, ServiceDefinition, ServiceId, ServiceName,
    Tags,
};

use super::body::{Faults, decode, decode_that};
use super::inbound::{Begun, Inbound};
use super::rejection::Rejected;
use super::reply::Reply;
use super::{registering, told};

/// `POST /v2/catalog/register`.
pub(crate) fn register(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        context.request = once.map(|once| once.request(&bytes));
        let registration = registration(decode("CatalogRegister", &bytes)?, &context.namespace)?;
        edge.operations.catalog_register(&context, CatalogRegister { registration }).await?;
        Ok(Reply::nothing())
    })
}

fn registration(wanted: Wanted, namespace: &Namespace) -> Rejected<Registration> {
    let mut faults = Faults::default();
    let node = node(&mut faults, "/node", wanted.node);
    let definition =
        wanted.service.and_then(|one| registering::service(&mut faults, "/service", namespace, None, one));
    if definition.as_ref().is_some_and(|one| !one.checks.is_empty()) {
        faults.take::<(), _>("/service/checks", Err("nobody runs checks here: give their results in checks"));
    }
    let checks: Vec<Option<Check>> = (0..)
        .zip(wanted.checks)
        .map(|(at, one): (usize, _)| {
            let at = format!("/checks/{at}");
            check(&mut faults, &at, &node.as_ref()?.name, namespace, definition.as_ref(), one)
        })
        .collect();
    faults.check()?;
    let node = node.expect("a node without a fault is there");
    Ok(Registration {
        service: definition.map(|definition| service(&node.name, definition)),
        node,
        skip_node_update: wanted.skip_node_update,
        checks: checks.into_iter().flatten().collect(),
        replace_checks: false,
    })
}

/// A node; `at` is where it stands in the body.
pub(crate) fn node(faults: &mut Faults, at: &str, wanted: NodeRegistration) -> Option<Node> {
    let id = wanted.id.map(|text| {
        faults.take(&format!("{at}/id"), text.parse().map_err(|_| format!("{text:?} is no UUID")))
    });
    Some(Node {
        id: id.flatten(),
        name: faults.take(&format!("{at}/name"), NodeName::new(wanted.name).map_err(|why| why.what))?,
        address: wanted.address,
        tagged_addresses: wanted.tagged_addresses,
        meta: wanted.meta,
        create_index: Index::ZERO,
        modify_index: Index::ZERO,
    })
}

/// The record of an instance.
pub(crate) fn service(node: &NodeName, of: ServiceDefinition) -> Service {
    let tagged = of.tagged_addresses.into_iter().map(|(kind, at)| (kind.into(), at));
    Service {
        kind: of.kind,
        tags: of.tags,
        address: of.address.into(),
        port: of.port,
        socket_path: of.socket_path.into(),
        tagged_addresses: tagged.collect(),
        meta: of.meta,
        weights: of.weights,
        enable_tag_override: of.enable_tag_override,
        connect_native: of.connect_native,
        proxy: of.proxy.map(Box::new),
        locality: of.locality.map(Box::new),
        advice: of.advice.map(Box::new),
        ..Service::new(node.clone(), of.namespace, of.id, of.name)
    }
}

/// A check; `at` is where it stands in the body, and `service` what comes with it.
pub(crate) fn check(
    faults: &mut Faults,
    at: &str,
    node: &NodeName,
    namespace: &Namespace,
    service: Option<&ServiceDefinition>,
    wanted: CheckRegistration,
) -> Option<Check> {
    let id = CheckId::new(wanted.id).map_err(|why| why.what);
    let id = faults.take(&format!("{at}/id"), id)?;
    let of = match wanted.service_id {
        None => None,
        Some(text) => {
            let id = ServiceId::new(text).map_err(|why| why.what);
            let id = faults.take(&format!("{at}/service_id"), id)?;
            // The state sets name and tags of an instance that it has.
            let name = service.filter(|one| one.id == id).map(|one| one.name.clone());
            let name = name.map_or_else(|| ServiceName::new(id.as_str()), Ok).map_err(|why| why.what);
            let name = faults.take(&format!("{at}/service_id"), name)?;
            Some(CheckedService { id, name, tags: Tags::default() })
        }
    };
    let blank = Check::new(node.clone(), id, told::asked_status(wanted.status));
    Some(Check {
        namespace: if of.is_some() { namespace.clone() } else { Namespace::default_namespace() },
        name: wanted.name.map_or_else(|| blank.name.clone(), Into::into),
        output: wanted.output.into(),
        notes: wanted.notes.into(),
        service: of,
        ..blank
    })
}

/// `POST /v2/catalog/deregister`.
pub(crate) fn deregister(inbound: &mut Inbound<'_>) -> Begun {
    let (mut context, once) = inbound.writing()?;
    inbound.media()?;
    let whole = inbound.whole(inbound.edge.settings.limits.body_bytes)?;
    let edge = Arc::clone(inbound.edge);
    inbound.later(async move {
        let bytes = whole.await?;
        context.request = once.map(|once| once.request(&bytes));
        let args = removal(decode_that("CatalogDeregister", &bytes, |body: &Removed| {
            body.service_id.is_none() || body.check_id.is_none()
        })?)?;
        edge.operations.catalog_deregister(&context, args).await?;
        Ok(Reply::nothing())
    })
}

fn removal(wanted: Removed) -> Rejected<CatalogDeregister> {
    let mut faults = Faults::default();
    let node = faults.take("/node", NodeName::new(wanted.node).map_err(|why| why.what));
    let service =
        wanted.service_id.map(|id| faults.take("/service_id", ServiceId::new(id).map_err(|why| why.what)));
    let check = wanted.check_id.map(|id| faults.take("/check_id", CheckId::new(id).map_err(|why| why.what)));
    faults.check()?;
    Ok(CatalogDeregister {
        node: node.expect("a node without a fault is there"),
        service: service.flatten(),
        check: check.flatten(),
    })
}
