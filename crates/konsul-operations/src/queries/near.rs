//! Near to which node.

use konsul_types::{Node, NodeName};

/// Who asks, as far as it decides what is near.
#[derive(Debug, Clone, Copy, Default)]
pub struct Source<'a> {
    /// `near` of the request; empty for none. Comes before the query's.
    pub asked: &'a str,
    /// `Near` of the query; empty for none.
    pub query: &'a str,
    /// The node of the agent that was asked.
    pub agent: &'a str,
    /// The client's address, for `_ip`; empty if unknown.
    pub ip: &'a str,
}

impl Source<'_> {
    /// The node that answers should be near to. `_agent` is the asked agent's, `_ip` the one whose address is the client's;
    /// `None` if nothing is asked or no node has that address, and then the order stays by chance. A name need not be that
    /// of a node.
    pub fn of<'n>(&self, nodes: impl IntoIterator<Item = &'n Node>) -> Option<NodeName> {
        let wanted = if self.asked.is_empty() { self.query } else { self.asked };
        match wanted {
            "" => None,
            "_agent" => NodeName::new(self.agent).ok(),
            "_ip" if self.ip.is_empty() => None,
            "_ip" => nodes.into_iter().find(|node| node.address == self.ip).map(|node| node.name.clone()),
            name => NodeName::new(name).ok(),
        }
    }

    /// Whether [`Source::of`] needs to see the nodes.
    pub fn looks_at_nodes(&self) -> bool {
        let wanted = if self.asked.is_empty() { self.query } else { self.asked };
        wanted == "_ip" && !self.ip.is_empty()
    }
}
