//! Which instances speak the mesh's protocol for a service: its sidecar proxies, and instances that do so themselves.
//!
//! There is no index of proxies by what they stand for, so that this looks at every instance of the namespace.

use std::collections::BTreeSet;
use std::sync::Arc;

use konsul_state::State;
use konsul_state::catalog::Catalog;
use konsul_types::{Index, Namespace, Service, ServiceKind, ServiceName};
use konsul_watch::Topic;

use super::parking::Topics;

/// The instances, by service, node and id.
pub(super) fn instances<'a>(
    catalog: &'a Catalog,
    namespace: &Namespace,
    name: &ServiceName,
) -> Vec<&'a Arc<Service>> {
    let here = catalog.services().filter(|service| service.namespace == *namespace);
    let mut found: Vec<_> = here.filter(|service| speaks_for(service, name)).collect();
    // Stable, and they come by node and id.
    found.sort_by_cached_key(|service| service.name.folded());
    found
}

fn speaks_for(service: &Service, name: &ServiceName) -> bool {
    let stands_for = |service: &Service| {
        let proxy = service.proxy.as_deref().filter(|_| service.kind == ServiceKind::ConnectProxy);
        proxy.is_some_and(|proxy| proxy.destination_service.eq_ignore_ascii_case(name.as_str()))
    };
    stands_for(service)
        || (service.connect_native && service.name.as_str().eq_ignore_ascii_case(name.as_str()))
}

/// The services that those instances are of.
fn names(catalog: &Catalog, namespace: &Namespace, name: &ServiceName) -> BTreeSet<ServiceName> {
    instances(catalog, namespace, name).into_iter().map(|service| service.name.folded()).collect()
}

/// When what is told of them last changed; without any, when a service last lost its last instance.
pub(super) fn changed(catalog: &Catalog, namespace: &Namespace, name: &ServiceName) -> Index {
    let names = names(catalog, namespace, name);
    // A proxy that goes must be heard of as well, whatever the others do.
    let gone = catalog.services_changed(namespace);
    let each = names.iter().map(|name| catalog.service_changed(namespace, name, false));
    each.max().unwrap_or_default().max(gone)
}

/// What concerns whoever reads them: those services, and any new instance.
pub(super) fn topics(state: &State, namespace: Namespace, name: &ServiceName) -> Topics {
    let names = names(state.catalog(), &namespace, name);
    let each = names.into_iter().map(|name| Topic::Service(namespace.clone(), name));
    let mut topics: Vec<Topic> = each.collect();
    topics.push(Topic::Services(namespace));
    topics.into()
}
