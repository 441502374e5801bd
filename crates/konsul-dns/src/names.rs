//! Names that answers point at.

use std::net::IpAddr;

use crate::directory::{Node, Reverse};
use crate::wire::Name;

/// `<node>.node.<dc>.<zone>`, or for a node of a peer `<node>.node.<peer>.peer.<zone>`. `None` where the node's name
/// makes no labels.
pub(crate) fn of_node(node: &Node, zone: &Name) -> Option<Name> {
    let text = match &node.peer {
        Some(peer) => format!("{}.node.{peer}.peer", node.name),
        None => format!("{}.node.{}", node.name, node.datacenter),
    };
    Name::before(&text, zone)
}

/// `<hex>.addr.<dc>.<zone>`, or for an address of a peer `<hex>.addr.<zone>`.
pub(crate) fn of_address(address: IpAddr, node: &Node, zone: &Name) -> Option<Name> {
    let hex = match address {
        IpAddr::V4(v4) => format!("{:08x}", v4.to_bits()),
        IpAddr::V6(v6) => format!("{:032x}", v6.to_bits()),
    };
    let text =
        if node.peer.is_some() { format!("{hex}.addr") } else { format!("{hex}.addr.{}", node.datacenter) };
    Name::before(&text, zone)
}

/// The name that a reverse question is answered with.
pub(crate) fn of_reverse(found: &Reverse, zone: &Name) -> Option<Name> {
    let text = match found {
        Reverse::Node { name, datacenter } => format!("{name}.node.{datacenter}"),
        Reverse::Service { name, namespace: None, datacenter } => format!("{name}.service.{datacenter}"),
        Reverse::Service { name, namespace: Some(namespace), datacenter } => {
            format!("{name}.service.{namespace}.{datacenter}")
        }
    };
    Name::before(&text, zone)
}

/// Whether a node can be the target of an NS record: its labels hold letters, digits and hyphens alone.
pub(crate) fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> Name {
        Name::from_dotted("consul").unwrap()
    }

    fn node(name: &str, peer: Option<&str>) -> Node {
        Node {
            name: name.to_owned(),
            datacenter: "dc1".to_owned(),
            peer: peer.map(ToOwned::to_owned),
            ..Node::default()
        }
    }

    #[test]
    fn names_of_nodes_and_addresses() {
        let show = |name: Option<Name>| name.map(|name| name.to_string());
        let expect = |text: &str| Some(text.to_owned());
        assert_eq!(show(of_node(&node("N1", None), &zone())), expect("N1.node.dc1.consul."));
        assert_eq!(
            show(of_node(&node("n1.x", Some("east")), &zone())),
            expect("n1.x.node.east.peer.consul.")
        );
        assert_eq!(of_node(&node("a..b", None), &zone()), None);
        let v4 = "127.0.0.1".parse().unwrap();
        assert_eq!(show(of_address(v4, &node("n", None), &zone())), expect("7f000001.addr.dc1.consul."));
        assert_eq!(show(of_address(v4, &node("n", Some("e")), &zone())), expect("7f000001.addr.consul."));
        let v6 = "2001:db8::1".parse().unwrap();
        let name = show(of_address(v6, &node("n", None), &zone()));
        assert_eq!(name, expect("20010db8000000000000000000000001.addr.dc1.consul."));
    }

    #[test]
    fn names_of_hosts() {
        for (text, expect) in [
            ("n-1", true),
            ("n1.example", true),
            ("n_1", false),
            ("n 1", false),
            ("", false),
            ("a..b", false),
        ] {
            assert_eq!(is_host_name(text), expect, "{text}");
        }
    }
}
