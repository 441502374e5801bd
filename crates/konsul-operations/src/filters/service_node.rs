//! Instances with their nodes, flat, as the catalogue lists them.

use konsul_filter::{AsField, Field, Kind, record};
use konsul_types::{Node, Service};

use super::node::NodeView;
use super::pairs::ADDRESS;
use super::proxy::PROXY;
use super::service::{CONNECT, ServiceView, WEIGHTS};

/// An instance with its node.
pub struct ServiceNodeView<'a> {
    node: NodeView<'a>,
    of: ServiceView<'a>,
}

impl<'a> ServiceNodeView<'a> {
    /// Of an instance and its node, in a datacentre.
    pub fn of(node: &'a Node, service: &'a Service, datacenter: &'a str) -> ServiceNodeView<'a> {
        ServiceNodeView { node: NodeView { node, datacenter }, of: ServiceView::of(service) }
    }
}

record! {
    /// Instances, as `/v1/catalog/service` lists them.
    pub static SERVICE_NODE: for<'a> ServiceNodeView<'a> as view {
        ID: Kind::String => view.node.id(),
        Node: Kind::String => Field::Text(view.node.node.name.as_str()),
        Address: Kind::String => Field::Text(&view.node.node.address),
        Datacenter: Kind::String => Field::Text(view.node.datacenter),
        TaggedAddresses: Kind::Map(&Kind::String) => Field::Map(&view.node.node.tagged_addresses),
        NodeMeta: Kind::Map(&Kind::String) => Field::Map(&view.node.node.meta),
        ServiceKind: Kind::String => Field::Text(view.of.service.kind.name()),
        ServiceID: Kind::String => Field::Text(view.of.service.id.as_str()),
        ServiceName: Kind::String => Field::Text(view.of.service.name.as_str()),
        ServiceTags: Kind::List(&Kind::String) => Field::List(&view.of.tags),
        ServiceAddress: Kind::String => Field::Text(&view.of.service.address),
        ServiceTaggedAddresses: Kind::Map(&Kind::Struct(&ADDRESS)) => Field::Map(&view.of.addresses),
        ServiceWeights: Kind::Struct(&WEIGHTS) => view.of.weights.as_field(),
        ServiceMeta: Kind::Map(&Kind::String) => Field::Map(&view.of.meta),
        ServicePort: Kind::Int => Field::Int(i64::from(view.of.service.port)),
        ServiceSocketPath: Kind::String => Field::Text(&view.of.service.socket_path),
        ServiceEnableTagOverride: Kind::Bool => Field::Bool(view.of.service.enable_tag_override),
        ServiceProxy: Kind::Struct(&PROXY) => view.of.proxy.as_field(),
        ServiceConnect: Kind::Struct(&CONNECT) => view.of.connect.as_field(),
        PeerName: Kind::String => Field::Text(""),
    }
}
