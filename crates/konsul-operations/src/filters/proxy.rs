//! What an instance says of the proxy that it is.

use konsul_filter::{AsField, Field, Kind, record};
use konsul_types::Proxy;
use serde_json::Value;

/// A proxy. What its owner wrote beside the main fields is read when the view is made.
pub(super) struct ProxyView<'a> {
    proxy: Option<&'a Proxy>,
    rest: Value,
    mesh_gateway: ModeView,
    expose: ExposeView,
    transparent: TransparentView,
    upstreams: Vec<UpstreamView>,
}

impl<'a> ProxyView<'a> {
    pub(super) fn of(proxy: Option<&'a Proxy>) -> ProxyView<'a> {
        // What cannot be read says nothing, as in the answers.
        let written = proxy.map(|proxy| proxy.rest.as_str()).filter(|rest| !rest.is_empty());
        let rest: Value = written.and_then(|rest| serde_json::from_str(rest).ok()).unwrap_or_default();
        let upstreams = rest["Upstreams"].as_array();
        ProxyView {
            proxy,
            mesh_gateway: ModeView::of(&rest),
            expose: ExposeView { checks: rest["Expose"]["Checks"].as_bool().unwrap_or_default() },
            transparent: TransparentView::of(&rest["TransparentProxy"]),
            upstreams: upstreams.into_iter().flatten().map(UpstreamView::of).collect(),
            rest,
        }
    }

    fn text(&self, text: impl Fn(&'a Proxy) -> &'a str) -> Field<'_> {
        Field::Text(self.proxy.map_or("", text))
    }

    fn local_port(&self) -> i64 {
        self.proxy.map_or(0, |proxy| i64::from(proxy.local_port))
    }
}

fn text<'v>(object: &'v Value, field: &str) -> &'v str {
    object[field].as_str().unwrap_or_default()
}

fn number(object: &Value, field: &str) -> i64 {
    object[field].as_i64().unwrap_or_default()
}

pub(super) struct ModeView(String);

impl ModeView {
    fn of(object: &Value) -> ModeView {
        ModeView(text(&object["MeshGateway"], "Mode").to_owned())
    }
}

record! {
    pub(super) static MESH_GATEWAY: ModeView as view {
        Mode: Kind::String => Field::Text(&view.0),
    }
}

pub(super) struct ExposeView {
    checks: bool,
}

record! {
    pub(super) static EXPOSE: ExposeView as view {
        Checks: Kind::Bool => Field::Bool(view.checks),
    }
}

pub(super) struct TransparentView {
    port: i64,
    direct: bool,
}

impl TransparentView {
    fn of(object: &Value) -> TransparentView {
        let direct = object["DialedDirectly"].as_bool().unwrap_or_default();
        TransparentView { port: number(object, "OutboundListenerPort"), direct }
    }
}

record! {
    pub(super) static TRANSPARENT: TransparentView as view {
        OutboundListenerPort: Kind::Int => Field::Int(view.port),
        DialedDirectly: Kind::Bool => Field::Bool(view.direct),
    }
}

pub(super) struct UpstreamView {
    object: Value,
    mesh_gateway: ModeView,
}

impl UpstreamView {
    fn of(object: &Value) -> UpstreamView {
        UpstreamView { mesh_gateway: ModeView::of(object), object: object.clone() }
    }

    fn text(&self, field: &str) -> Field<'_> {
        Field::Text(text(&self.object, field))
    }
}

record! {
    pub(super) static UPSTREAM: UpstreamView as view {
        DestinationType: Kind::String => view.text("DestinationType"),
        DestinationNamespace: Kind::String => view.text("DestinationNamespace"),
        DestinationPartition: Kind::String => view.text("DestinationPartition"),
        DestinationPeer: Kind::String => view.text("DestinationPeer"),
        DestinationName: Kind::String => view.text("DestinationName"),
        Datacenter: Kind::String => view.text("Datacenter"),
        LocalBindAddress: Kind::String => view.text("LocalBindAddress"),
        LocalBindPort: Kind::Int => Field::Int(number(&view.object, "LocalBindPort")),
        LocalBindSocketPath: Kind::String => view.text("LocalBindSocketPath"),
        LocalBindSocketMode: Kind::String => view.text("LocalBindSocketMode"),
        MeshGateway: Kind::Struct(&MESH_GATEWAY) => view.mesh_gateway.as_field(),
    }
}

record! {
    pub(super) static PROXY: for<'a> ProxyView<'a> as view {
        DestinationServiceName: Kind::String => view.text(|proxy| &proxy.destination_service),
        DestinationServiceID: Kind::String => view.text(|proxy| &proxy.destination_id),
        LocalServiceAddress: Kind::String => view.text(|proxy| &proxy.local_address),
        LocalServicePort: Kind::Int => Field::Int(view.local_port()),
        LocalServiceSocketPath: Kind::String => Field::Text(text(&view.rest, "LocalServiceSocketPath")),
        Mode: Kind::String => Field::Text(text(&view.rest, "Mode")),
        Upstreams: Kind::List(&Kind::Struct(&UPSTREAM)) => Field::List(&view.upstreams),
        MeshGateway: Kind::Struct(&MESH_GATEWAY) => view.mesh_gateway.as_field(),
        Expose: Kind::Struct(&EXPOSE) => view.expose.as_field(),
        TransparentProxy: Kind::Struct(&TRANSPARENT) => view.transparent.as_field(),
    }
}
