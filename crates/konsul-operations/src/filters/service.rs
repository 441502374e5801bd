//! Instances, as a node or an agent lists them.

use konsul_filter::{AsField, Field, Kind, record};
use konsul_types::{Service, Weights};

use super::pairs::{ADDRESS, AddressMap, PairMap, TagList};
use super::proxy::{PROXY, ProxyView};

/// An instance, without its node.
pub struct ServiceView<'a> {
    pub(super) service: &'a Service,
    pub(super) tags: TagList<'a>,
    pub(super) meta: PairMap<'a>,
    pub(super) addresses: AddressMap<'a>,
    pub(super) weights: WeightsView,
    pub(super) connect: ConnectView,
    pub(super) proxy: ProxyView<'a>,
}

impl<'a> ServiceView<'a> {
    /// Of an instance.
    pub fn of(service: &'a Service) -> ServiceView<'a> {
        ServiceView {
            service,
            tags: TagList(&service.tags),
            meta: PairMap(&service.meta),
            addresses: AddressMap::of(&service.tagged_addresses),
            weights: WeightsView(service.weights),
            connect: ConnectView { native: service.connect_native },
            proxy: ProxyView::of(service.proxy.as_deref()),
        }
    }
}

pub(super) struct WeightsView(Weights);

record! {
    pub(super) static WEIGHTS: WeightsView as view {
        Passing: Kind::Int => Field::Int(i64::from(view.0.passing)),
        Warning: Kind::Int => Field::Int(i64::from(view.0.warning)),
    }
}

pub(super) struct ConnectView {
    native: bool,
}

record! {
    pub(super) static CONNECT: ConnectView as view {
        Native: Kind::Bool => Field::Bool(view.native),
    }
}

record! {
    /// Instances, as `/v1/agent/services` and `/v1/catalog/node` list them.
    pub static SERVICE: for<'a> ServiceView<'a> as view {
        Kind: Kind::String => Field::Text(view.service.kind.name()),
        ID: Kind::String => Field::Text(view.service.id.as_str()),
        Service: Kind::String => Field::Text(view.service.name.as_str()),
        Tags: Kind::List(&Kind::String) => Field::List(&view.tags),
        Address: Kind::String => Field::Text(&view.service.address),
        TaggedAddresses: Kind::Map(&Kind::Struct(&ADDRESS)) => Field::Map(&view.addresses),
        Meta: Kind::Map(&Kind::String) => Field::Map(&view.meta),
        Port: Kind::Int => Field::Int(i64::from(view.service.port)),
        SocketPath: Kind::String => Field::Text(&view.service.socket_path),
        Weights: Kind::Struct(&WEIGHTS) => view.weights.as_field(),
        EnableTagOverride: Kind::Bool => Field::Bool(view.service.enable_tag_override),
        Proxy: Kind::Struct(&PROXY) => view.proxy.as_field(),
        Connect: Kind::Struct(&CONNECT) => view.connect.as_field(),
        PeerName: Kind::String => Field::Text(""),
    }
}
