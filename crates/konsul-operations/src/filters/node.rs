//! Nodes.

use konsul_filter::{Field, Kind, record};
use konsul_types::Node;

/// A node, with the datacentre that it is in.
#[derive(Debug, Clone, Copy)]
pub struct NodeView<'a> {
    /// The node.
    pub node: &'a Node,
    /// Its datacentre.
    pub datacenter: &'a str,
}

impl NodeView<'_> {
    pub(super) fn id(&self) -> Field<'_> {
        match self.node.id {
            Some(id) => Field::Made(id.to_string()),
            None => Field::Text(""),
        }
    }
}

record! {
    /// Nodes, as `/v1/catalog/nodes` lists them.
    pub static NODE: for<'a> NodeView<'a> as view {
        ID: Kind::String => view.id(),
        Node: Kind::String => Field::Text(view.node.name.as_str()),
        Address: Kind::String => Field::Text(&view.node.address),
        Datacenter: Kind::String => Field::Text(view.datacenter),
        PeerName: Kind::String => Field::Text(""),
        TaggedAddresses: Kind::Map(&Kind::String) => Field::Map(&view.node.tagged_addresses),
        Meta: Kind::Map(&Kind::String) => Field::Map(&view.node.meta),
    }
}
