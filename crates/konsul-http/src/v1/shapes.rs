//! From the records of the catalogue to the bodies of `/v1`, without anything in between.

use konsul_api::v1::health::Check as WireCheck;
use konsul_api::v1::proxy::ProxyRef;
use konsul_api::v1::write::{Object, list};
use konsul_api::v1::{catalog as wire, write};
use konsul_operations::answer::Instance;
use konsul_types::{Check, Namespace, Node, Service};

/// A node's id as text, if it has one.
pub(crate) struct IdText {
    bytes: [u8; 36],
    is_set: bool,
}

impl IdText {
    pub(crate) fn of(node: &Node) -> IdText {
        let mut bytes = [0; 36];
        if let Some(id) = node.id {
            id.0.hyphenated().encode_lower(&mut bytes);
        }
        IdText { bytes, is_set: node.id.is_some() }
    }

    pub(crate) fn text(&self) -> &str {
        if self.is_set { std::str::from_utf8(&self.bytes).unwrap_or("") } else { "" }
    }
}

/// Appends a node.
pub(crate) fn write_node(node: &Node, datacenter: &str, out: &mut Vec<u8>) {
    let id = IdText::of(node);
    node_parts(node, id.text(), datacenter).write(out);
}

/// Begins a node that something is added to.
pub(crate) fn begin_node<'o>(node: &Node, datacenter: &str, out: &'o mut Vec<u8>) -> Object<'o> {
    let id = IdText::of(node);
    node_parts(node, id.text(), datacenter).begin(out)
}

fn node_parts<'a>(
    node: &'a Node,
    id: &'a str,
    datacenter: &'a str,
) -> wire::Node<'a, impl Iterator<Item = (&'a str, &'a str)>, impl Iterator<Item = (&'a str, &'a str)>> {
    wire::Node {
        id,
        name: node.name.as_str(),
        address: &node.address,
        datacenter,
        tagged_addresses: node
            .tagged_addresses
            .iter()
            .map(|(kind, address)| (kind.as_str(), address.as_str())),
        meta: node.meta.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        create_index: node.create_index.0,
        modify_index: node.modify_index.0,
    }
}

/// Appends an instance as it stands within its node.
pub(crate) fn write_service(service: &Service, out: &mut Vec<u8>) {
    service_parts(service).write(out);
}

/// Appends an instance as its agent shows it.
pub(crate) fn write_agent_service(
    service: &Service,
    datacenter: &str,
    hash: Option<&str>,
    out: &mut Vec<u8>,
) {
    service_parts(service).write_of_agent(datacenter, out, hash);
}

/// Appends an instance together with its node, flat.
pub(crate) fn write_flat(instance: &Instance, datacenter: &str, out: &mut Vec<u8>) {
    let id = IdText::of(&instance.node);
    service_parts(&instance.service).write_flat(node_parts(&instance.node, id.text(), datacenter), out);
}

/// Appends an instance with its node and the checks of both.
pub(crate) fn write_entry(instance: &Instance, datacenter: &str, out: &mut Vec<u8>) {
    let mut object = Object::begin(out);
    write_node(&instance.node, datacenter, object.value("Node"));
    write_service(&instance.service, object.value("Service"));
    list(object.value("Checks"), instance.checks.iter(), |out, check| write_check(check, out));
    object.end();
}

/// About how many bytes an entry takes, so that a long list is not moved while it grows.
pub(crate) const ENTRY_ROOM: usize = 1280;

fn service_parts<'a>(
    service: &'a Service,
) -> wire::Service<
    'a,
    impl Iterator<Item = &'a str>,
    impl Iterator<Item = (&'a str, &'a str, u16)>,
    impl Iterator<Item = (&'a str, &'a str)>,
> {
    let addresses = service.tagged_addresses.iter();
    wire::Service {
        kind: service.kind.name(),
        id: service.id.as_str(),
        name: service.name.as_str(),
        tags: service.tags.iter(),
        address: &service.address,
        tagged_addresses: addresses.map(|(kind, one)| (kind.as_str(), one.address.as_str(), one.port)),
        meta: service.meta.iter(),
        port: service.port,
        socket_path: &service.socket_path,
        weights: (service.weights.passing, service.weights.warning),
        enable_tag_override: service.enable_tag_override,
        locality: service.locality.as_ref().map(|place| (place.region.as_str(), place.zone.as_str())),
        proxy: service.proxy.as_ref().map(|proxy| ProxyRef {
            destination_service: &proxy.destination_service,
            destination_id: &proxy.destination_id,
            local_address: &proxy.local_address,
            local_port: proxy.local_port,
            rest: &proxy.rest,
        }),
        native: service.connect_native,
        namespace: shown(&service.namespace),
        create_index: service.create_index.0,
        modify_index: service.modify_index.0,
    }
}

/// Appends a check.
pub(crate) fn write_check(check: &Check, out: &mut Vec<u8>) {
    check_parts(check).write(out);
}

/// Appends a check as it stands in the health of an agent's instance.
pub(crate) fn write_reduced_check(check: &Check, out: &mut Vec<u8>) {
    check_parts(check).write_reduced(out);
}

/// Appends checks.
pub(crate) fn write_checks<'a>(checks: impl Iterator<Item = &'a Check>, out: &mut Vec<u8>) {
    write::list(out, checks, |out, check| write_check(check, out));
}

fn check_parts<'a>(check: &'a Check) -> WireCheck<'a, impl Iterator<Item = &'a str>> {
    let (service, about) = (check.service.as_ref(), check.about.as_deref());
    WireCheck {
        node: check.node.as_str(),
        id: check.id.as_str(),
        name: &check.name,
        status: check.status.name(),
        notes: &check.notes,
        output: &check.output,
        service_id: service.map_or("", |service| service.id.as_str()),
        service_name: service.map_or("", |service| service.name.as_str()),
        service_tags: service.into_iter().flat_map(|service| service.tags.iter()),
        kind: about.map_or("", |about| &about.kind),
        interval: about.map_or("", |about| &about.interval),
        timeout: about.map_or("", |about| &about.timeout),
        exposed_port: about.map_or(0, |about| about.exposed_port),
        definition: about.map_or("", |about| &about.definition),
        namespace: shown(&check.namespace),
        create_index: check.create_index.0,
        modify_index: check.modify_index.0,
    }
}

/// A namespace as it is shown: not, if it is the default one.
pub(crate) fn shown(namespace: &Namespace) -> Option<&str> {
    (!namespace.is_default()).then(|| namespace.as_str())
}
