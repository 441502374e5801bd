//! Nodes and instances, as the catalogue shows them. Lists and maps that are empty are `[]` and `{}`, never `null`.

use super::proxy::{NO_PROXY, ProxyRef};
use super::write::Object;

/// A node. The iterators go over pairs, by key.
#[derive(Debug, Clone)]
pub struct Node<'a, A, M> {
    /// Its id; empty for none.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its address.
    pub address: &'a str,
    /// Its datacentre.
    pub datacenter: &'a str,
    /// Further addresses by kind.
    pub tagged_addresses: A,
    /// Free pairs.
    pub meta: M,
    /// Index at which it was created.
    pub create_index: u64,
    /// Index at which it last changed.
    pub modify_index: u64,
}

impl<'a, A, M> Node<'a, A, M>
where
    A: Iterator<Item = (&'a str, &'a str)>,
    M: Iterator<Item = (&'a str, &'a str)>,
{
    /// Appends it.
    pub fn write(self, out: &mut Vec<u8>) {
        let (create_index, modify_index) = (self.create_index, self.modify_index);
        let mut object = self.begin(out);
        object.number("CreateIndex", create_index);
        object.number("ModifyIndex", modify_index);
        object.end();
    }

    /// Begins it, without its indexes, for answers that add something.
    pub fn begin(self, out: &mut Vec<u8>) -> Object<'_> {
        let mut object = Object::begin(out);
        object.text("ID", self.id);
        object.text("Node", self.name);
        object.text("Address", self.address);
        object.text("Datacenter", self.datacenter);
        object.pairs("TaggedAddresses", self.tagged_addresses);
        object.pairs("Meta", self.meta);
        object
    }
}

/// An instance. The iterators go over its tags, its further addresses (kind, host, port) and its pairs.
#[derive(Debug, Clone)]
pub struct Service<'a, T, A, M> {
    /// Its kind in Consul's word; empty for a plain service.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// Its service.
    pub name: &'a str,
    /// Its tags.
    pub tags: T,
    /// Where it listens; empty for its node's address.
    pub address: &'a str,
    /// Further addresses.
    pub tagged_addresses: A,
    /// Free pairs.
    pub meta: M,
    /// Its port; zero for none.
    pub port: u16,
    /// A unix socket instead; empty for none.
    pub socket_path: &'a str,
    /// Weights while it passes and while it warns.
    pub weights: (u16, u16),
    /// Whether its tags may be changed in the catalogue.
    pub enable_tag_override: bool,
    /// Region and zone.
    pub locality: Option<(&'a str, &'a str)>,
    /// What it stands for, if it is a proxy.
    pub proxy: Option<ProxyRef<'a>>,
    /// Whether it speaks the mesh's protocol itself.
    pub native: bool,
    /// Its namespace; `None` when that is `default`.
    pub namespace: Option<&'a str>,
    /// Index at which it was created.
    pub create_index: u64,
    /// Index at which it last changed.
    pub modify_index: u64,
}

impl<'a, T, A, M> Service<'a, T, A, M>
where
    T: Iterator<Item = &'a str>,
    A: Iterator<Item = (&'a str, &'a str, u16)>,
    M: Iterator<Item = (&'a str, &'a str)>,
{
    /// Appends it as it stands within its node.
    pub fn write(self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        object.text_if("Kind", self.kind);
        object.text("ID", self.id);
        object.text("Service", self.name);
        object.texts("Tags", self.tags);
        object.text("Address", self.address);
        addresses(&mut object, "TaggedAddresses", self.tagged_addresses);
        object.pairs("Meta", self.meta);
        object.number_if("Port", self.port.into());
        object.text_if("SocketPath", self.socket_path);
        weights(object.value("Weights"), self.weights);
        object.truth("EnableTagOverride", self.enable_tag_override);
        if self.locality.is_some() {
            locality(object.value("Locality"), self.locality);
        }
        proxy(object.value("Proxy"), self.proxy);
        object.raw("Connect", connect(self.native));
        object.text_if("Namespace", self.namespace.unwrap_or(""));
        object.text("PeerName", "");
        object.number("CreateIndex", self.create_index);
        object.number("ModifyIndex", self.modify_index);
        object.end();
    }

    /// Appends it together with its node, flat.
    pub fn write_flat<N, P>(self, node: Node<'a, N, P>, out: &mut Vec<u8>)
    where
        N: Iterator<Item = (&'a str, &'a str)>,
        P: Iterator<Item = (&'a str, &'a str)>,
    {
        let mut object = Object::begin(out);
        object.text("ID", node.id);
        object.text("Node", node.name);
        object.text("Address", node.address);
        object.text("Datacenter", node.datacenter);
        object.pairs("TaggedAddresses", node.tagged_addresses);
        object.pairs("NodeMeta", node.meta);
        object.text("ServiceKind", self.kind);
        object.text("ServiceID", self.id);
        object.text("ServiceName", self.name);
        object.texts("ServiceTags", self.tags);
        object.text("ServiceAddress", self.address);
        addresses(&mut object, "ServiceTaggedAddresses", self.tagged_addresses);
        weights(object.value("ServiceWeights"), self.weights);
        object.pairs("ServiceMeta", self.meta);
        object.number("ServicePort", self.port.into());
        object.text("ServiceSocketPath", self.socket_path);
        object.truth("ServiceEnableTagOverride", self.enable_tag_override);
        proxy(object.value("ServiceProxy"), self.proxy);
        object.raw("ServiceConnect", connect(self.native));
        locality(object.value("ServiceLocality"), self.locality);
        object.text_if("Namespace", self.namespace.unwrap_or(""));
        object.number("CreateIndex", self.create_index);
        object.number("ModifyIndex", self.modify_index);
        object.end();
    }

    /// Appends it as its agent shows it, with the hash of what it shows.
    pub fn write_of_agent(self, datacenter: &str, out: &mut Vec<u8>, hash: Option<&str>) {
        let mut object = Object::begin(out);
        object.text_if("Kind", self.kind);
        object.text("ID", self.id);
        object.text("Service", self.name);
        object.texts("Tags", self.tags);
        object.pairs("Meta", self.meta);
        object.number("Port", self.port.into());
        object.text("Address", self.address);
        object.text_if("SocketPath", self.socket_path);
        addresses(&mut object, "TaggedAddresses", self.tagged_addresses);
        // A weight below one is shown as one.
        weights(object.value("Weights"), (self.weights.0.max(1), self.weights.1));
        object.truth("EnableTagOverride", self.enable_tag_override);
        object.text_if("ContentHash", hash.unwrap_or(""));
        if !self.kind.is_empty() {
            self.proxy.unwrap_or_default().write(object.value("Proxy"), false);
        }
        if self.native {
            object.raw("Connect", connect(true));
        }
        object.text_if("Namespace", self.namespace.unwrap_or(""));
        object.text_if("Datacenter", datacenter);
        if self.locality.is_some() {
            locality(object.value("Locality"), self.locality);
        }
        object.end();
    }
}

fn addresses<'a>(
    object: &mut Object<'_>,
    name: &'static str,
    addresses: impl Iterator<Item = (&'a str, &'a str, u16)>,
) {
    let mut addresses = addresses.peekable();
    if addresses.peek().is_none() {
        return;
    }
    let mut map = Object::begin(object.value(name));
    for (kind, host, port) in addresses {
        let mut address = Object::begin(map.named(kind));
        address.text("Address", host);
        address.number("Port", port.into());
        address.end();
    }
    map.end();
}

fn weights(out: &mut Vec<u8>, (passing, warning): (u16, u16)) {
    let mut object = Object::begin(out);
    object.number("Passing", passing.into());
    object.number("Warning", warning.into());
    object.end();
}

fn locality(out: &mut Vec<u8>, locality: Option<(&str, &str)>) {
    let Some((region, zone)) = locality else {
        return out.extend_from_slice(b"null");
    };
    let mut object = Object::begin(out);
    object.text("Region", region);
    object.text("Zone", zone);
    object.end();
}

fn proxy(out: &mut Vec<u8>, proxy: Option<ProxyRef<'_>>) {
    match proxy {
        None => out.extend_from_slice(NO_PROXY.as_bytes()),
        Some(proxy) => proxy.write(out, true),
    }
}

fn connect(native: bool) -> &'static str {
    if native { "{\"Native\":true}" } else { "{}" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [(&str, &str); 0] = [];

    macro_rules! plain_service {
        () => {
            Service {
                kind: "",
                id: "web1",
                name: "web",
                tags: std::iter::empty(),
                address: "",
                tagged_addresses: std::iter::empty(),
                meta: NONE.into_iter(),
                port: 0,
                socket_path: "",
                weights: (1, 1),
                enable_tag_override: false,
                locality: None,
                proxy: None,
                native: false,
                namespace: None,
                create_index: 3,
                modify_index: 4,
            }
        };
    }

    macro_rules! full_service {
        () => {
            Service {
                kind: "connect-proxy",
                id: "p",
                name: "web-proxy",
                tags: ["a", "b"].into_iter(),
                address: "10.0.0.1",
                tagged_addresses: [("lan", "10.0.0.1", 80), ("wan", "1.1.1.1", 81)].into_iter(),
                meta: [("v", "1")].into_iter(),
                port: 8080,
                socket_path: "",
                weights: (10, 0),
                enable_tag_override: true,
                locality: Some(("r", "z")),
                proxy: Some(ProxyRef { destination_service: "web", ..ProxyRef::default() }),
                native: true,
                namespace: Some("team"),
                create_index: 3,
                modify_index: 4,
            }
        };
    }

    macro_rules! node {
        () => {
            Node {
                id: "",
                name: "n1",
                address: "10.0.0.9",
                datacenter: "dc1",
                tagged_addresses: [("lan", "10.0.0.9")].into_iter(),
                meta: NONE.into_iter(),
                create_index: 1,
                modify_index: 2,
            }
        };
    }

    #[track_caller]
    fn check(write: impl FnOnce(&mut Vec<u8>), expect: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn nodes() {
        let expect = r#"{"ID":"","Node":"n1","Address":"10.0.0.9","Datacenter":"dc1","TaggedAddresses":{"lan":"10.0.0.9"},"Meta":{},"CreateIndex":1,"ModifyIndex":2}"#;
        check(|out| node!().write(out), expect);
    }

    #[test]
    fn services_within_a_node() {
        check(
            |out| plain_service!().write(out),
            r#"{"ID":"web1","Service":"web","Tags":[],"Address":"","Meta":{},"Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Proxy":{"Mode":"","MeshGateway":{},"Expose":{}},"Connect":{},"PeerName":"","CreateIndex":3,"ModifyIndex":4}"#,
        );
        check(
            |out| full_service!().write(out),
            r#"{"Kind":"connect-proxy","ID":"p","Service":"web-proxy","Tags":["a","b"],"Address":"10.0.0.1","TaggedAddresses":{"lan":{"Address":"10.0.0.1","Port":80},"wan":{"Address":"1.1.1.1","Port":81}},"Meta":{"v":"1"},"Port":8080,"Weights":{"Passing":10,"Warning":0},"EnableTagOverride":true,"Locality":{"Region":"r","Zone":"z"},"Proxy":{"DestinationServiceName":"web","Mode":"","MeshGateway":{},"Expose":{}},"Connect":{"Native":true},"Namespace":"team","PeerName":"","CreateIndex":3,"ModifyIndex":4}"#,
        );
    }

    #[test]
    fn services_with_their_node() {
        check(
            |out| plain_service!().write_flat(node!(), out),
            r#"{"ID":"","Node":"n1","Address":"10.0.0.9","Datacenter":"dc1","TaggedAddresses":{"lan":"10.0.0.9"},"NodeMeta":{},"ServiceKind":"","ServiceID":"web1","ServiceName":"web","ServiceTags":[],"ServiceAddress":"","ServiceWeights":{"Passing":1,"Warning":1},"ServiceMeta":{},"ServicePort":0,"ServiceSocketPath":"","ServiceEnableTagOverride":false,"ServiceProxy":{"Mode":"","MeshGateway":{},"Expose":{}},"ServiceConnect":{},"ServiceLocality":null,"CreateIndex":3,"ModifyIndex":4}"#,
        );
    }

    #[test]
    fn services_of_an_agent() {
        check(
            |out| plain_service!().write_of_agent("dc1", out, None),
            r#"{"ID":"web1","Service":"web","Tags":[],"Meta":{},"Port":0,"Address":"","Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Datacenter":"dc1"}"#,
        );
        check(
            |out| full_service!().write_of_agent("dc1", out, Some("ab")),
            r#"{"Kind":"connect-proxy","ID":"p","Service":"web-proxy","Tags":["a","b"],"Meta":{"v":"1"},"Port":8080,"Address":"10.0.0.1","TaggedAddresses":{"lan":{"Address":"10.0.0.1","Port":80},"wan":{"Address":"1.1.1.1","Port":81}},"Weights":{"Passing":10,"Warning":0},"EnableTagOverride":true,"ContentHash":"ab","Proxy":{"DestinationServiceName":"web","MeshGateway":{},"Expose":{}},"Connect":{"Native":true},"Namespace":"team","Datacenter":"dc1","Locality":{"Region":"r","Zone":"z"}}"#,
        );
    }
}
